/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "app/progress-line.h"

#include "core/library/file-name.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_DEFAULT 80
#define BAR_WIDTH 20
#define TITLE_WIDTH_MIN 12

struct _DrayProgressLines
{
  GPtrArray *requests; /* of DrayRequest */
  guint n_drawn;       /* lines on the screen that are ours */
};

DrayProgressLines *
dray_progress_lines_new (void)
{
  DrayProgressLines *lines = g_new0 (DrayProgressLines, 1);

  lines->requests = g_ptr_array_new_with_free_func (g_object_unref);
  return lines;
}

void
dray_progress_lines_free (DrayProgressLines *lines)
{
  g_ptr_array_unref (lines->requests);
  g_free (lines);
}

void
dray_progress_lines_add (DrayProgressLines *lines, DrayRequest *request)
{
  g_ptr_array_add (lines->requests, g_object_ref (request));
}

/* The width of a text in columns, as far as GLib knows: two for the wide scripts. */
static guint
get_columns (const char *text)
{
  guint columns = 0;

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar character = g_utf8_get_char (p);

      if (!g_unichar_iszerowidth (character))
        columns += g_unichar_iswide (character) ? 2 : 1;
    }

  return columns;
}

/* Cuts the middle out of a title that is too wide: both its ends tell models apart. */
static char *
fit (const char *text, guint width)
{
  glong length = g_utf8_strlen (text, -1);
  glong cut = 0;

  for (;;)
    {
      glong kept = length - cut;
      g_autofree char *head = g_utf8_substring (text, 0, (kept + 1) / 2);
      g_autofree char *tail = g_utf8_substring (text, length - kept / 2, length);
      g_autofree char *fitted
          = cut == 0 ? g_strdup (text) : g_strconcat (head, "…", tail, NULL);

      if (get_columns (fitted) <= width || kept <= 0)
        return g_steal_pointer (&fitted);
      cut++;
    }
}

/**
 * dray_request_dup_title:
 * @request: a request
 *
 * Returns: (transfer full): what a person calls it: the name of its file
 */
char *
dray_request_dup_title (DrayRequest *request)
{
  const char *path = dray_request_get_path (request);

  return path != NULL ? g_filename_display_basename (path)
                      : dray_file_name_from_url (dray_request_get_source (request));
}

static char *
format_time (gint64 seconds)
{
  if (seconds < 0)
    return g_strdup ("");
  if (seconds < 3600)
    return g_strdup_printf ("%d:%02d left", (int) (seconds / 60), (int) (seconds % 60));

  return g_strdup_printf ("%d:%02d:%02d left", (int) (seconds / 3600),
                          (int) (seconds / 60 % 60), (int) (seconds % 60));
}

static char *
format_bytes (DrayRequest *request)
{
  g_autofree char *downloaded
      = g_format_size ((guint64) dray_request_get_downloaded (request));
  g_autofree char *total = NULL;

  if (dray_request_get_total (request) < 0)
    return g_steal_pointer (&downloaded);

  total = g_format_size ((guint64) dray_request_get_total (request));
  return g_strdup_printf ("%s of %s", downloaded, total);
}

static char *
format_status (DrayRequest *request)
{
  g_autofree char *bytes = format_bytes (request);
  g_autofree char *speed = g_format_size ((guint64) dray_request_get_speed (request));
  g_autofree char *left = format_time (dray_request_get_eta (request));

  switch (dray_request_get_state (request))
    {
    case DRAY_REQUEST_DOWNLOADING:
      return g_strdup_printf ("%s  %s/s  %s", bytes, speed, left);

    case DRAY_REQUEST_VERIFYING:
      return g_strdup_printf ("%s  Checking…", bytes);

    case DRAY_REQUEST_WAITING:
      return g_strdup_printf ("%s  Waiting %" G_GINT64_FORMAT " s (%s)", bytes,
                              dray_request_get_wait (request), dray_request_get_reason (request));

    case DRAY_REQUEST_COMPLETED:
      return g_strdup_printf ("%s  Complete · %s", bytes,
                              dray_request_is_digest_expected (request)
                                  ? "Verified"
                                  : "no checksum to compare");

    case DRAY_REQUEST_PAUSED:
      return g_strdup_printf ("%s  Paused", bytes);

    case DRAY_REQUEST_FAILED:
      return g_strdup_printf ("%s  Failed", bytes);

    case DRAY_REQUEST_DISCARDED:
      return g_strdup ("Discarded");

    case DRAY_REQUEST_RESOLVING:
    case DRAY_REQUEST_QUEUED:
    case DRAY_REQUEST_CONNECTING:
    case DRAY_REQUEST_LOADING:
    default:
      return g_strdup_printf ("%s  Connecting…", bytes);
    }
}

static char *
format_bar (DrayRequest *request)
{
  double percentage = dray_request_get_percentage (request);
  guint filled = percentage < 0 ? 0 : (guint) (percentage * BAR_WIDTH / 100);
  GString *bar = g_string_new (NULL);

  for (guint i = 0; i < BAR_WIDTH; i++)
    g_string_append (bar, i < filled ? "█" : "░");

  return g_string_free (bar, FALSE);
}

/**
 * dray_progress_line_format:
 * @request: a request
 * @width: the columns of the terminal
 *
 * Returns: (transfer full): its line, never wider than @width
 */
char *
dray_progress_line_format (DrayRequest *request, guint width)
{
  g_autofree char *title = dray_request_dup_title (request);
  g_autofree char *status = format_status (request);
  g_autofree char *bar = format_bar (request);
  guint taken = get_columns (status) + 2;
  g_autofree char *fitted = NULL;
  g_autofree char *line = NULL;
  gboolean with_bar = taken + BAR_WIDTH + 2 + TITLE_WIDTH_MIN <= width;

  if (with_bar)
    taken += BAR_WIDTH + 2;
  fitted = fit (title, width > taken + TITLE_WIDTH_MIN ? width - taken : TITLE_WIDTH_MIN);
  line = with_bar ? g_strdup_printf ("%s  %s  %s", fitted, bar, status)
                  : g_strdup_printf ("%s  %s", fitted, status);

  return fit (line, width);
}

static guint
get_terminal_width (void)
{
  struct winsize size;

  return ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col
                                                                          : WIDTH_DEFAULT;
}

/**
 * dray_progress_lines_draw:
 * @lines: the lines
 *
 * Draws all lines over those drawn before. One column stays free, since a full line makes some
 * terminals wrap.
 */
void
dray_progress_lines_draw (DrayProgressLines *lines)
{
  guint width = get_terminal_width () - 1;

  if (lines->n_drawn > 0)
    printf ("\033[%uA", lines->n_drawn);
  for (guint i = 0; i < lines->requests->len; i++)
    {
      g_autofree char *line
          = dray_progress_line_format (g_ptr_array_index (lines->requests, i), width);

      printf ("\r%s\033[K\n", line);
    }
  lines->n_drawn = lines->requests->len;
  fflush (stdout);
}
