/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "ui/format.h"

#include "core/base/error.h"
#include "core/library/file-name.h"
#include "ui/downloads.h"

#include <glib/gi18n.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE 60
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

/* From how many of a unit on the next smaller one is no longer worth telling. */
#define ENOUGH_HOURS 36

/**
 * dray_format_size:
 * @bytes: a size
 *
 * Returns: (transfer full): as in "19.6 GB"
 */
char *
dray_format_size (gint64 bytes)
{
  return g_format_size ((guint64) MAX (0, bytes));
}

/* "118 GB", "9.4 GB": two digits at least, and no more than an eye can follow. */
static char *
format_short (gint64 bytes)
{
  guint64 size = (guint64) MAX (0, bytes);
  g_autofree char *unit = g_format_size_full (size, G_FORMAT_SIZE_ONLY_UNIT);
  double value;

  for (value = (double) size; value >= 1000; value /= 1000)
    ;

  /* Translators: a size, as in "38 MB": a number, a unit. */
  return g_strdup_printf (_ ("%.*f\u00a0%s"), size >= 1000 && value < 9.95 ? 1 : 0, value, unit);
}

/**
 * dray_format_room:
 * @bytes: how much is free on a drive
 *
 * Returns: (transfer full): as in "118 GB", "9.4 GB"
 */
char *
dray_format_room (gint64 bytes)
{
  return format_short (bytes);
}

/**
 * dray_format_speed:
 * @bytes_per_second: a speed
 *
 * Returns: (transfer full): as in "38 MB/s", "3.8 MB/s"
 */
char *
dray_format_speed (gint64 bytes_per_second)
{
  g_autofree char *size = format_short (bytes_per_second);

  /* Translators: a speed, as in "38 MB/s". */
  return g_strdup_printf (_ ("%s/s"), size);
}

/**
 * dray_format_time_left:
 * @seconds: seconds left, or -1
 *
 * Returns: (transfer full): as in "5 minutes left"; "" for -1
 */
char *
dray_format_time_left (gint64 seconds)
{
  int n;

  if (seconds < 0)
    return g_strdup ("");
  if (seconds < MINUTE)
    {
      n = (int) MAX (1, seconds);
      return g_strdup_printf (ngettext ("%d second left", "%d seconds left", (gulong) n), n);
    }
  if (seconds <= 90 * MINUTE)
    {
      n = (int) ((seconds + MINUTE / 2) / MINUTE);
      return g_strdup_printf (ngettext ("%d minute left", "%d minutes left", (gulong) n), n);
    }
  if (seconds <= ENOUGH_HOURS * HOUR)
    {
      n = (int) ((seconds + HOUR / 2) / HOUR);
      return g_strdup_printf (ngettext ("%d hour left", "%d hours left", (gulong) n), n);
    }

  n = (int) MIN ((seconds + DAY / 2) / DAY, 999);
  return g_strdup_printf (ngettext ("%d day left", "%d days left", (gulong) n), n);
}

/* "8.2 of 19.6 GB", "820 MB of 19.6 GB", "8.2 GB". */
static char *
format_amount (const DrayProgress *progress)
{
  g_autofree char *downloaded = dray_format_size (progress->downloaded);
  g_autofree char *total = dray_format_size (progress->total);
  g_autofree char *unit = NULL;
  g_autofree char *total_unit = NULL;

  if (progress->total < 0)
    return g_steal_pointer (&downloaded);

  unit = g_format_size_full ((guint64) MAX (0, progress->downloaded), G_FORMAT_SIZE_ONLY_UNIT);
  total_unit = g_format_size_full ((guint64) progress->total, G_FORMAT_SIZE_ONLY_UNIT);
  if (g_str_equal (unit, total_unit))
    {
      g_free (downloaded);
      downloaded =
          g_format_size_full ((guint64) MAX (0, progress->downloaded), G_FORMAT_SIZE_ONLY_VALUE);
    }

  /* Translators: how much of a file is here, as in "8.2 of 19.6 GB" or "820 MB of 19.6 GB". */
  return g_strdup_printf (_ ("%s of %s"), downloaded, total);
}

static char *
format_held (const DrayProgress *progress)
{
  g_autofree char *amount = NULL;

  if (progress->downloaded <= 0)
    return g_strdup (_ ("On hold"));

  amount = format_amount (progress);
  /* Translators: everything stands still; %s as in "8.2 of 19.6 GB". */
  return g_strdup_printf (_ ("On hold · %s"), amount);
}

static char *
format_queued (const DrayProgress *progress)
{
  switch (progress->queue_position)
    {
    case -1:
      return g_strdup (_ ("Waiting in line"));

    case 0:
      return g_strdup (_ ("First in line"));

    case 1:
      return g_strdup (_ ("Second in line"));

    case 2:
      return g_strdup (_ ("Third in line"));

    default:
      return g_strdup_printf (ngettext ("%d before it in line", "%d before it in line",
                                        (gulong) progress->queue_position),
                              progress->queue_position);
    }
}

/* How much is missing is known when the drive has been looked at. */
static char *
format_short_of_space (const DrayProgress *progress)
{
  g_autofree char *missing = dray_format_size (progress->missing);

  if (progress->missing == 0)
    return g_strdup (_ ("Not enough space; continues by itself"));

  /* Translators: %s is a size, as in "34 GB". */
  return g_strdup_printf (_ ("Not enough space: %s missing; continues by itself"), missing);
}

static char *
format_waiting (const DrayProgress *progress)
{
  const char *reason = progress->reason != NULL ? progress->reason : "";
  int wait = (int) CLAMP (progress->wait, 0, G_MAXINT);
  DrayError code;

  if (g_str_equal (reason, "held"))
    return format_held (progress);
  if (!dray_error_from_name (reason, &code))
    code = DRAY_ERROR_NETWORK;
  if (code == DRAY_ERROR_NO_NETWORK)
    return g_strdup (_ ("No network; continues by itself"));
  if (code == DRAY_ERROR_DISK_FULL)
    return format_short_of_space (progress);
  if (wait == 0)
    return g_strdup (_ ("Reconnecting…"));

  switch (code)
    {
    case DRAY_ERROR_RATE_LIMITED:
      return g_strdup_printf (_ ("Server asks to wait, %d s"), wait);

    case DRAY_ERROR_SERVER_ERROR:
      return g_strdup_printf (_ ("Server has trouble, trying again in %d s"), wait);

    case DRAY_ERROR_STALLED:
      return g_strdup_printf (_ ("No data, reconnecting in %d s"), wait);

    default:
      return g_strdup_printf (_ ("Connection lost, reconnecting in %d s"), wait);
    }
}

static char *
format_paused (const DrayProgress *progress)
{
  g_autofree char *kept = NULL;

  if (progress->downloaded <= 0)
    return g_strdup (_ ("Paused"));

  kept = dray_format_size (progress->downloaded);
  return g_strdup_printf (_ ("Paused · %s kept"), kept);
}

static char *
format_complete (const DrayProgress *progress)
{
  g_autofree char *size = dray_format_size (MAX (progress->total, progress->downloaded));

  if (progress->external != NULL)
    return g_strdup_printf (
        /* Translators: a size, and the name of a program that has the file already. */
        _ ("Complete · Verified · %s · found in %s"), size, progress->external);
  if (progress->verified)
    return g_strdup_printf (_ ("Complete · Verified · %s"), size);

  return g_strdup_printf (_ ("Complete · no checksum published · %s"), size);
}

static char *
format_moving (const DrayProgress *progress)
{
  g_autofree char *amount = format_amount (progress);
  g_autofree char *speed = NULL;

  if (progress->speed <= 0)
    return g_steal_pointer (&amount);

  speed = dray_format_speed (progress->speed);
  return g_strconcat (amount, " · ", speed, NULL);
}

/**
 * dray_format_callers:
 * @callers: names of callers, as in "terminal, window"
 *
 * Returns: (transfer full): what a person calls them, as in "Terminal, this window"
 */
char *
dray_format_callers (const char *callers)
{
  g_auto (GStrv) names = g_strsplit (callers, ", ", -1);

  for (guint i = 0; names[i] != NULL; i++)
    {
      const char *words = NULL;

      if (g_str_equal (names[i], DRAY_WINDOW_CALLER))
        words = _ ("this window");
      else if (g_str_equal (names[i], "terminal"))
        words = _ ("Terminal");
      else if (names[i][0] == ':' || g_str_equal (names[i], "program"))
        words = _ ("another program");
      if (words == NULL)
        continue;
      g_free (names[i]);
      names[i] = g_strdup (words);
    }

  return g_strjoinv (", ", names);
}

static char *
format_state (const DrayProgress *progress)
{
  switch (progress->state)
    {
    case DRAY_REQUEST_RESOLVING:
      return g_strdup (_ ("Looking up…"));

    case DRAY_REQUEST_QUEUED:
      return format_queued (progress);

    case DRAY_REQUEST_CONNECTING:
      return g_strdup (_ ("Connecting…"));

    case DRAY_REQUEST_DOWNLOADING:
      return format_moving (progress);

    case DRAY_REQUEST_VERIFYING:
      return g_strdup (_ ("Checking…"));

    case DRAY_REQUEST_LOADING:
      return g_strdup (_ ("Opening…"));

    case DRAY_REQUEST_WAITING:
      return format_waiting (progress);

    case DRAY_REQUEST_COMPLETED:
      return format_complete (progress);

    case DRAY_REQUEST_PAUSED:
      return format_paused (progress);

    case DRAY_REQUEST_FAILED:
    case DRAY_REQUEST_DISCARDED:
      return g_strdup ("");

    default:
      g_assert_not_reached ();
    }
}

/**
 * dray_format_status:
 * @progress: what there is to say
 *
 * Returns: (transfer full): one line, with who else waits for the file; "" where
 *   dray_format_problem() says it all
 */
char *
dray_format_status (const DrayProgress *progress)
{
  g_autofree char *status = format_state (progress);
  g_autofree char *names = NULL;

  if (*status == '\0' || (progress->caller == NULL && progress->also_for == NULL))
    return g_steal_pointer (&status);

  names = dray_format_callers (progress->caller != NULL ? progress->caller : progress->also_for);
  /* Translators: a row of somebody else's, as in "8.2 of 19.6 GB · for Terminal". */
  if (progress->caller != NULL)
    return g_strdup_printf (_ ("%s · for %s"), status, names);

  /* Translators: one that others wait for too, as in "8.2 of 19.6 GB · also for Terminal". */
  return g_strdup_printf (_ ("%s · also for %s"), status, names);
}

/**
 * dray_format_problem:
 * @progress: what there is to say
 *
 * Returns: (transfer full): what went wrong and what was kept; "" unless it failed
 */
char *
dray_format_problem (const DrayProgress *progress)
{
  g_autofree char *kept = NULL;

  if (progress->state != DRAY_REQUEST_FAILED || progress->error == NULL)
    return g_strdup ("");
  if (g_error_matches (progress->error, DRAY_ERROR, DRAY_ERROR_CHECKSUM_MISMATCH))
    return g_strdup (_ ("Damaged: the file does not have the checksum that was expected."));
  if (progress->downloaded <= 0)
    return g_strdup_printf (_ ("%s. Nothing was downloaded."), progress->error->message);

  kept = dray_format_size (progress->downloaded);
  return g_strdup_printf (_ ("%s. %s kept."), progress->error->message, kept);
}

/**
 * dray_format_subtitle:
 * @model: a model
 *
 * Returns: (transfer full): as in "Q4_K_M · 5 files · unsloth"
 */
char *
dray_format_subtitle (DrayModel *model)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new ();
  g_autofree char *files = NULL;
  guint n_files = dray_model_get_n_files (model);

  if (dray_model_get_variant (model) != NULL)
    g_ptr_array_add (parts, (gpointer) dray_model_get_variant (model));
  if (n_files > 1)
    {
      files = g_strdup_printf (ngettext ("%u file", "%u files", n_files), n_files);
      g_ptr_array_add (parts, files);
    }
  if (dray_model_get_publisher (model) != NULL)
    g_ptr_array_add (parts, (gpointer) dray_model_get_publisher (model));
  g_ptr_array_add (parts, NULL);

  return g_strjoinv (" · ", (char **) parts->pdata);
}

/**
 * dray_format_file_name:
 * @request: a request
 *
 * Returns: (transfer full): the name of its file, on the disk or in the link; another program may
 *   keep it under any name
 */
char *
dray_format_file_name (DrayRequest *request)
{
  const char *path = dray_request_get_path (request);

  if (path != NULL && dray_request_get_external (request) == NULL)
    return g_filename_display_basename (path);

  return dray_file_name_from_url (dray_request_get_source (request));
}

/**
 * dray_format_file_title:
 * @file_name: the name of a file of a model
 *
 * Returns: (transfer full): as in "Part 2 of 4"; for what is no shard, its name
 */
char *
dray_format_file_title (const char *file_name)
{
  g_autoptr (GRegex) shard = g_regex_new ("-([0-9]{5})-of-([0-9]{5})\\.gguf$", 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  g_autofree char *part = NULL;
  g_autofree char *parts = NULL;

  if (!g_regex_match (shard, file_name, 0, &match))
    return g_strdup (file_name);

  part = g_match_info_fetch (match, 1);
  parts = g_match_info_fetch (match, 2);
  return g_strdup_printf (_ ("Part %d of %d"), atoi (part), atoi (parts));
}

/**
 * dray_format_folder:
 * @path: an absolute folder
 *
 * Returns: (transfer full): as in "Downloads/Models"; a folder outside the home folder in full
 */
char *
dray_format_folder (const char *path)
{
  const char *home = g_get_home_dir ();
  gsize length = strlen (home);

  if (g_str_has_prefix (path, home) && path[length] == G_DIR_SEPARATOR)
    path += length + 1;

  return g_filename_display_name (path);
}
