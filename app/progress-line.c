/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "app/progress-line.h"

#include "core/library/file-name.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_DEFAULT 80
#define HEIGHT_DEFAULT 24
#define BAR_WIDTH 20
#define TITLE_WIDTH_MIN 12

struct _DrayProgressLines
{
  GPtrArray *rows; /* of DrayRow: those that are still drawn */
  guint n_drawn;   /* lines on the screen that are drawn over */
};

DrayProgressLines *
dray_progress_lines_new (void)
{
  DrayProgressLines *lines = g_new0 (DrayProgressLines, 1);

  lines->rows = g_ptr_array_new_with_free_func (g_object_unref);
  return lines;
}

void
dray_progress_lines_free (DrayProgressLines *lines)
{
  g_ptr_array_unref (lines->rows);
  g_free (lines);
}

/**
 * dray_progress_lines_add:
 * @lines: the lines
 * @row: a row
 *
 * Gives the row a line: the last one, or that before the sum of what it is a part of.
 */
void
dray_progress_lines_add (DrayProgressLines *lines, DrayRow *row)
{
  guint place = lines->rows->len;

  for (guint i = 0; i < lines->rows->len; i++)
    if (dray_row_is_child_of (row, g_ptr_array_index (lines->rows, i)))
      place = i;

  g_ptr_array_insert (lines->rows, (int) place, g_object_ref (row));
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

/* Of "model-00001-of-00003.gguf" it is "model.gguf". */
static char *
dup_name_of_set (const char *source)
{
  g_autofree char *name = dray_file_name_from_url (source);
  g_autofree char *stem = g_strdup (name);
  char *extension = strrchr (stem, '.');

  if (extension == NULL)
    return g_steal_pointer (&name);

  *extension = '\0';
  dray_file_name_strip_shard (stem);
  return g_strconcat (stem, name + (extension - stem), NULL);
}

/**
 * dray_row_dup_title:
 * @row: a row
 *
 * Returns: (transfer full): what a person calls it: the name of its file, or of the model that
 *   several files are
 */
char *
dray_row_dup_title (DrayRow *row)
{
  const DrayRowData *data = dray_row_read (row);

  if (dray_row_is_parent (row))
    return dup_name_of_set (data->source);

  return data->path != NULL ? g_filename_display_basename (data->path)
                            : dray_file_name_from_url (data->source);
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
format_bytes (DrayRow *row)
{
  const DrayRowData *data = dray_row_read (row);
  g_autofree char *downloaded
      = g_format_size ((guint64) data->downloaded);
  g_autofree char *total = NULL;

  if (data->total < 0)
    return g_steal_pointer (&downloaded);

  total = g_format_size ((guint64) data->total);
  return g_strdup_printf ("%s of %s", downloaded, total);
}

static char *
describe_check (DrayRow *row)
{
  const DrayRowData *data = dray_row_read (row);

  if (dray_row_is_parent (row))
    return g_strdup ("all files");
  if (data->external != NULL)
    return g_strdup_printf ("Verified · already here (%s)", data->external);

  return g_strdup (g_strcmp0 (data->verified, "digest") == 0 ? "Verified"
                                                             : "no checksum to compare");
}

static char *
format_status (DrayRow *row)
{
  const DrayRowData *data = dray_row_read (row);
  g_autofree char *bytes = format_bytes (row);
  g_autofree char *speed = g_format_size ((guint64) data->speed);
  g_autofree char *left = format_time (data->eta);
  g_autofree char *check = describe_check (row);

  switch (data->state)
    {
    case DRAY_REQUEST_DOWNLOADING:
      return g_strdup_printf ("%s  %s/s  %s", bytes, speed, left);

    case DRAY_REQUEST_LOADING:
      return g_strdup_printf ("%s  Loading…", bytes);

    case DRAY_REQUEST_QUEUED:
      return g_strdup_printf ("%s  In the queue", bytes);

    case DRAY_REQUEST_VERIFYING:
      return g_strdup_printf ("%s  Checking…", bytes);

    case DRAY_REQUEST_WAITING:
      if (data->wait < 0)
        return g_strdup_printf ("%s  Waiting (%s)", bytes, data->reason);
      return g_strdup_printf ("%s  Waiting %" G_GINT64_FORMAT " s (%s)", bytes,
                              data->wait, data->reason);

    case DRAY_REQUEST_COMPLETED:
      return g_strdup_printf ("%s  Complete · %s", bytes, check);

    case DRAY_REQUEST_PAUSED:
      return g_strdup_printf ("%s  Paused", bytes);

    case DRAY_REQUEST_FAILED:
      return g_strdup_printf ("%s  Failed", bytes);

    case DRAY_REQUEST_DISCARDED:
      return g_strdup ("Discarded");

    case DRAY_REQUEST_RESOLVING:
    case DRAY_REQUEST_CONNECTING:
    default:
      return g_strdup_printf ("%s  Connecting…", bytes);
    }
}

static char *
format_bar (DrayRow *row)
{
  double percentage = dray_row_read (row)->percentage;
  guint filled = percentage < 0 ? 0 : (guint) (percentage * BAR_WIDTH / 100);
  GString *bar = g_string_new (NULL);

  for (guint i = 0; i < BAR_WIDTH; i++)
    g_string_append (bar, i < filled ? "█" : "░");

  return g_string_free (bar, FALSE);
}

/**
 * dray_progress_line_format:
 * @row: a row
 * @width: the columns of the terminal
 *
 * Returns: (transfer full): its line, never wider than @width
 */
char *
dray_progress_line_format (DrayRow *row, guint width)
{
  g_autofree char *title = dray_row_dup_title (row);
  g_autofree char *status = format_status (row);
  g_autofree char *bar = format_bar (row);
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

static void
measure_terminal (guint *width, guint *height)
{
  struct winsize size = { 0 };

  ioctl (STDOUT_FILENO, TIOCGWINSZ, &size);
  *width = size.ws_col > 0 ? size.ws_col : WIDTH_DEFAULT;
  *height = size.ws_row > 0 ? size.ws_row : HEIGHT_DEFAULT;
}

static void
draw_line (DrayRow *row, guint width)
{
  g_autofree char *line = dray_progress_line_format (row, width);

  printf ("\r%s\033[K\n", line);
}

/* The lines of what has ended scroll away. */
static void
draw_ended (DrayProgressLines *lines, guint width)
{
  guint i = 0;

  while (i < lines->rows->len)
    {
      DrayRow *row = g_ptr_array_index (lines->rows, i);

      if (dray_row_is_running (row))
        {
          i++;
          continue;
        }
      draw_line (row, width);
      g_ptr_array_remove_index (lines->rows, i);
    }
}

/* Those in the queue have nothing to tell. Returns how many lines were drawn. */
static guint
draw_busy (DrayProgressLines *lines, guint width, guint n_lines)
{
  guint n_drawn = 0;

  for (guint i = 0; i < lines->rows->len && n_drawn < n_lines; i++)
    {
      DrayRow *row = g_ptr_array_index (lines->rows, i);

      if (dray_row_read (row)->state == DRAY_REQUEST_QUEUED)
        continue;
      draw_line (row, width);
      n_drawn++;
    }

  return n_drawn;
}

/**
 * dray_progress_lines_draw:
 * @lines: the lines
 *
 * Draws all lines over those drawn before. One column stays free, since a full line makes some
 * terminals wrap. Where there are more lines than the terminal has, those of what is busy are drawn.
 */
void
dray_progress_lines_draw (DrayProgressLines *lines)
{
  guint width, height;

  measure_terminal (&width, &height);
  width--;
  if (lines->n_drawn > 0)
    printf ("\033[%uA", lines->n_drawn);
  if (lines->rows->len >= height)
    draw_ended (lines, width);

  if (lines->rows->len < height)
    {
      lines->n_drawn = lines->rows->len;
      for (guint i = 0; i < lines->rows->len; i++)
        draw_line (g_ptr_array_index (lines->rows, i), width);
    }
  else
    {
      lines->n_drawn = draw_busy (lines, width, height > 3 ? height - 2 : 1);
      printf ("\r%u more\033[K\n", lines->rows->len - lines->n_drawn);
      lines->n_drawn++;
    }
  printf ("\033[J");
  fflush (stdout);
}
