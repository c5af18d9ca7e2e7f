/* SPDX-License-Identifier: GPL-3.0-or-later */

/* "get" and "resume": the verbs that run the engine until all is complete. */

#include "app/commands.h"
#include "app/output.h"
#include "app/size.h"

#include "core/base/digest.h"
#include "core/base/error.h"

#include <glib-unix.h>
#include <signal.h>
#include <unistd.h>

/* How often progress is printed, in milliseconds: eight times a second. */
#define PROGRESS_INTERVAL 125

typedef struct
{
  DrayManager *manager;
  DrayOutput *output;
  GMainLoop *loop;
  guint n_running;
  gboolean closing;
  int status;
} Run;

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Run *run = user_data;

  dray_manager_close_finish (DRAY_MANAGER (source), result);
  g_main_loop_quit (run->loop);
}

static void
close_run (Run *run)
{
  if (run->closing)
    return;

  run->closing = TRUE;
  dray_manager_close_async (run->manager, closed_cb, run);
}

/* The first signal pauses; a second one, from a person who will not wait for a slow disk, ends at
 * once, which costs what a kill costs. */
static void
interrupt (Run *run, int signal_number)
{
  if (run->closing)
    _exit (128 + signal_number);

  run->status = 128 + signal_number;
  close_run (run);
}

static gboolean
sigint_cb (gpointer user_data)
{
  interrupt (user_data, SIGINT);
  return G_SOURCE_CONTINUE;
}

static gboolean
sigterm_cb (gpointer user_data)
{
  interrupt (user_data, SIGTERM);
  return G_SOURCE_CONTINUE;
}

static gboolean
progress_cb (gpointer user_data)
{
  Run *run = user_data;

  dray_output_show_progress (run->output);
  return G_SOURCE_CONTINUE;
}

static void
settled_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Run *run = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = dray_request_await_finish (DRAY_REQUEST (source), result, &error);

  if (path == NULL && run->status == DRAY_EXIT_OK)
    run->status = DRAY_EXIT_FAILED;
  dray_output_show_end (run->output, DRAY_REQUEST (source));
  if (--run->n_running == 0)
    close_run (run);
}

static void
run_begin (Run *run, DrayOutputMode mode)
{
  run->output = dray_output_new (mode);
  run->loop = g_main_loop_new (NULL, FALSE);
  run->status = DRAY_EXIT_OK;
}

static void
run_fail (Run *run, const GError *error)
{
  run->status = DRAY_EXIT_FAILED;
  dray_output_show_failure (run->output, error);
}

static void
run_add (Run *run, DrayRequest *request)
{
  run->n_running++;
  dray_output_add_request (run->output, request);
  dray_request_await_async (request, NULL, settled_cb, run);
}

/* Waits until all requests have settled, or a signal ends it; returns the exit status. */
static int
run_end (Run *run)
{
  if (run->manager != NULL)
    {
      guint sigint = g_unix_signal_add (SIGINT, sigint_cb, run);
      guint sigterm = g_unix_signal_add (SIGTERM, sigterm_cb, run);
      guint progress = g_timeout_add (PROGRESS_INTERVAL, progress_cb, run);

      if (run->n_running == 0)
        close_run (run);
      g_main_loop_run (run->loop);
      g_source_remove (progress);
      g_source_remove (sigterm);
      g_source_remove (sigint);
      g_object_unref (run->manager);
    }

  g_main_loop_unref (run->loop);
  dray_output_free (run->output);
  return run->status;
}

static DrayOutputMode
choose_mode (gboolean json, gboolean quiet)
{
  if (json)
    return DRAY_OUTPUT_JSON;

  return quiet ? DRAY_OUTPUT_QUIET : DRAY_OUTPUT_PLAIN;
}

static char *
read_token (const char *path, GError **error)
{
  g_autofree char *token = NULL;

  if (!g_file_get_contents (path, &token, NULL, error))
    return NULL;

  g_strstrip (token);
  for (const char *p = token; *p != '\0'; p++)
    {
      if (!g_ascii_isgraph (*p))
        {
          g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                       "“%s” does not hold a token: one line of letters, digits and signs", path);
          return NULL;
        }
    }

  return g_steal_pointer (&token);
}

static gboolean
is_sha256 (const char *text)
{
  g_autofree char *hex = dray_digest_normalise_hex (text);

  return hex != NULL;
}

static void
get_sources (Run *run, DrayDownloadOptions *options, char **sources)
{
  g_autoptr (GError) open_error = NULL;

  run->manager = dray_command_open_manager (&open_error);
  if (run->manager == NULL)
    {
      run_fail (run, open_error);
      return;
    }

  for (guint i = 0; sources[i] != NULL; i++)
    {
      g_autoptr (GError) error = NULL;
      DrayRequest *request
          = dray_manager_download_asset (run->manager, sources[i], options, &error);

      if (request != NULL)
        run_add (run, request);
      else
        run_fail (run, error);
    }
}

int
dray_command_get (int argc, char **argv)
{
  g_autofree char *directory = NULL;
  g_autofree char *absolute = NULL;
  g_autofree char *sha256 = NULL;
  g_autofree char *token_file = NULL;
  g_autofree char *token = NULL;
  g_autofree char *limit = NULL;
  gint64 rate_limit = 0;
  gboolean restart_changed = FALSE, json = FALSE, quiet = FALSE;
  g_autoptr (DrayDownloadOptions) options = NULL;
  g_autoptr (GError) error = NULL;
  int status;
  Run run = { 0 };
  const GOptionEntry entries[] = {
    { "directory", 'd', 0, G_OPTION_ARG_FILENAME, &directory,
      "Put the files into DIR and not into the library", "DIR" },
    { "sha256", 0, 0, G_OPTION_ARG_STRING, &sha256,
      "Complete only if the file has this SHA-256", "HEX" },
    { "limit-rate", 0, 0, G_OPTION_ARG_STRING, &limit,
      "Fetch each file at SIZE bytes per second at most (K, M, G; Ki, Mi, Gi)", "SIZE" },
    { "restart-changed", 0, 0, G_OPTION_ARG_NONE, &restart_changed,
      "Start over if the file on the server has changed", NULL },
    { "token-file", 0, 0, G_OPTION_ARG_FILENAME, &token_file,
      "Send the bearer token in FILE to the source's server, and to no other", "FILE" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print one JSON object per line", NULL },
    { "quiet", 0, 0, G_OPTION_ARG_NONE, &quiet, "Print errors only", NULL },
    G_OPTION_ENTRY_NULL,
  };

  if (!dray_command_parse ("SOURCE… – download and return when all are complete",
                           "A SOURCE is a link to a model file. The same command again continues "
                           "where it was interrupted.",
                           entries, &argc, &argv, &status))
    return status;
  if (argc < 2)
    return dray_command_usage_error ("get", "Name at least one source");
  if (sha256 != NULL && argc > 2)
    return dray_command_usage_error ("get", "--sha256 goes with one source");
  if (sha256 != NULL && !is_sha256 (sha256))
    return dray_command_usage_error ("get", "A SHA-256 is 64 hexadecimal digits");
  if (limit != NULL && !dray_size_parse (limit, &rate_limit))
    return dray_command_usage_error ("get", "--limit-rate takes a size such as 500K or 2.5M");
  if (token_file != NULL && (token = read_token (token_file, &error)) == NULL)
    return dray_command_usage_error ("get", error->message);
  if (directory != NULL)
    absolute = g_canonicalize_filename (directory, NULL);
  if (absolute != NULL && !g_utf8_validate (absolute, -1, NULL))
    return dray_command_usage_error ("get", "The name of the folder is not UTF-8");

  options = g_object_new (DRAY_TYPE_DOWNLOAD_OPTIONS,
                          "directory", absolute,
                          "sha256", sha256,
                          "token", token,
                          "rate-limit", rate_limit,
                          "restart-changed", restart_changed,
                          "caller", "terminal",
                          NULL);
  run_begin (&run, choose_mode (json, quiet));
  get_sources (&run, options, argv + 1);
  return run_end (&run);
}

static void
resume_requests (Run *run, gboolean restart_changed, char **ids)
{
  g_autoptr (GError) open_error = NULL;

  run->manager = dray_command_open_manager (&open_error);
  if (run->manager == NULL)
    {
      run_fail (run, open_error);
      return;
    }

  for (guint i = 0; ids[i] != NULL; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (DrayRequest) request = dray_command_find_request (
          dray_manager_get_requests (run->manager), ids[i], &error);

      if (request != NULL
          && dray_manager_resume (run->manager, dray_request_get_id (request), restart_changed,
                                  &error))
        run_add (run, request);
      else
        run_fail (run, error);
    }
}

int
dray_command_resume (int argc, char **argv)
{
  gboolean restart_changed = FALSE, json = FALSE, quiet = FALSE;
  int status;
  Run run = { 0 };
  const GOptionEntry entries[] = {
    { "restart-changed", 0, 0, G_OPTION_ARG_NONE, &restart_changed,
      "Start over if the file on the server has changed", NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print one JSON object per line", NULL },
    { "quiet", 0, 0, G_OPTION_ARG_NONE, &quiet, "Print errors only", NULL },
    G_OPTION_ENTRY_NULL,
  };

  if (!dray_command_parse ("REQUEST… – go on with paused or failed downloads",
                           "A REQUEST is an id as “dray list” shows it, or its first digits.",
                           entries, &argc, &argv, &status))
    return status;
  if (argc < 2)
    return dray_command_usage_error ("resume", "Name at least one request");

  run_begin (&run, choose_mode (json, quiet));
  resume_requests (&run, restart_changed, argv + 1);
  return run_end (&run);
}
