/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The verbs that look at rows, or change them and return: list, pause, discard, remove, cancel. */

#include "app/commands.h"
#include "app/output.h"
#include "app/progress-line.h"

#include "core/base/error.h"
#include "core/request/restore.h"

#include <stdio.h>

/* How many digits of an id are shown: enough to tell rows apart, few enough to type. */
#define ID_SHOWN 8

static void
print_row_json (DrayRequest *request)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  const GError *error = dray_request_get_error (request);

  json_builder_begin_object (builder);
  dray_json_add_string (builder, "requestId", dray_request_get_id (request));
  dray_json_add_string (builder, "parentId", NULL);
  dray_json_add_string (builder, "modelId", dray_request_get_model_id (request));
  dray_json_add_string (builder, "downloadKey", dray_request_get_download_key (request));
  dray_json_add_string (builder, "source", dray_request_get_source (request));
  dray_json_add_string (builder, "caller", dray_request_get_caller (request));
  dray_json_add_string (builder, "state",
                        dray_request_state_get_name (dray_request_get_state (request)));
  dray_json_add_size (builder, "downloaded", dray_request_get_downloaded (request));
  dray_json_add_size (builder, "total", dray_request_get_total (request));
  dray_json_add_percentage (builder, request);
  dray_json_add_string (builder, "path", dray_request_get_path (request));
  dray_json_add_string (builder, "sha256", dray_request_get_sha256 (request));
  dray_json_add_string (
      builder, "error",
      error != NULL ? dray_error_get_name ((DrayError) error->code) : NULL);
  dray_json_add_string (builder, "message", error != NULL ? error->message : NULL);
  json_builder_end_object (builder);
  dray_print_json (builder);
}

static void
print_row (DrayRequest *request)
{
  g_autofree char *title = dray_request_dup_title (request);
  g_autofree char *downloaded
      = g_format_size ((guint64) dray_request_get_downloaded (request));
  g_autofree char *total = dray_request_get_total (request) >= 0
                               ? g_format_size ((guint64) dray_request_get_total (request))
                               : g_strdup ("?");

  printf ("%.*s  %-11s  %s of %s  %s\n", ID_SHOWN, dray_request_get_id (request),
          dray_request_state_get_name (dray_request_get_state (request)), downloaded, total,
          title);
}

/* The rows as they are now: through the manager, which knows what a crash left; or, while another
 * process has the catalog, read beside it. */
static GListModel *
read_rows (GError **error)
{
  g_autoptr (GError) open_error = NULL;
  g_autoptr (DrayManager) manager = dray_command_open_manager (&open_error);
  g_autoptr (GListStore) rows = NULL;
  g_autofree char *path = NULL;

  if (manager != NULL)
    {
      GListModel *requests = g_object_ref (dray_manager_get_requests (manager));

      dray_command_close_manager (g_steal_pointer (&manager));
      return requests;
    }

  if (!g_error_matches (open_error, DRAY_ERROR, DRAY_ERROR_BUSY))
    {
      g_propagate_error (error, g_steal_pointer (&open_error));
      return NULL;
    }

  path = dray_command_get_catalog_path ();
  rows = g_list_store_new (DRAY_TYPE_REQUEST);
  if (!dray_restore_read (path, rows, error))
    return NULL;

  return G_LIST_MODEL (g_steal_pointer (&rows));
}

int
dray_command_list (int argc, char **argv)
{
  gboolean all = FALSE, json = FALSE;
  g_autoptr (GListModel) rows = NULL;
  g_autoptr (GError) error = NULL;
  int status;
  const GOptionEntry entries[] = {
    { "all", 0, 0, G_OPTION_ARG_NONE, &all, "Show finished downloads too", NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print one JSON object per line", NULL },
    G_OPTION_ENTRY_NULL,
  };

  if (!dray_command_parse ("– show unfinished downloads",
                           "A line per download: id, state, bytes, name.", entries, &argc, &argv,
                           &status))
    return status;
  if (argc > 1)
    return dray_command_usage_error ("list", "“list” takes no arguments");

  rows = read_rows (&error);
  if (rows == NULL)
    {
      dray_print_error (error);
      return DRAY_EXIT_FAILED;
    }

  for (guint i = 0; i < g_list_model_get_n_items (rows); i++)
    {
      g_autoptr (DrayRequest) request = g_list_model_get_item (rows, i);

      if (!all && dray_request_get_state (request) == DRAY_REQUEST_COMPLETED)
        continue;
      if (json)
        print_row_json (request);
      else
        print_row (request);
    }

  return DRAY_EXIT_OK;
}

static gboolean
pause_row (DrayManager *manager, DrayRequest *request, G_GNUC_UNUSED GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  dray_manager_cancel_async (manager, dray_request_get_id (request), FALSE, dray_command_arrived_cb, &result);
  dray_manager_cancel_finish (manager, dray_command_wait_for (&result));
  return TRUE;
}

static gboolean
discard_row (DrayManager *manager, DrayRequest *request, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  if (dray_request_get_state (request) == DRAY_REQUEST_COMPLETED)
    {
      g_set_error (error, DRAY_ERROR, DRAY_ERROR_NOT_FOUND,
                   "The download %s is complete; “dray remove” forgets it",
                   dray_request_get_id (request));
      return FALSE;
    }

  dray_manager_cancel_async (manager, dray_request_get_id (request), TRUE, dray_command_arrived_cb, &result);
  dray_manager_cancel_finish (manager, dray_command_wait_for (&result));
  return TRUE;
}

static gboolean
remove_row (DrayManager *manager, DrayRequest *request, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  dray_manager_remove_async (manager, dray_request_get_id (request), dray_command_arrived_cb, &result);
  return dray_manager_remove_finish (manager, dray_command_wait_for (&result), error);
}

/* Does one thing to each of the requests that are named. */
static int
change_rows (int argc,
             char **argv,
             const char *usage,
             gboolean (*change) (DrayManager *, DrayRequest *, GError **))
{
  const GOptionEntry no_entries[] = { G_OPTION_ENTRY_NULL };
  g_autoptr (DrayManager) manager = NULL;
  g_autoptr (GError) open_error = NULL;
  int status;

  if (!dray_command_parse (usage,
                           "A REQUEST is an id as “dray list” shows it, or its first digits.",
                           no_entries, &argc, &argv, &status))
    return status;
  if (argc < 2)
    return dray_command_usage_error (argv[0], "Name at least one request");

  manager = dray_command_open_manager (&open_error);
  if (manager == NULL)
    {
      dray_print_error (open_error);
      return DRAY_EXIT_FAILED;
    }

  status = DRAY_EXIT_OK;
  for (int i = 1; i < argc; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (DrayRequest) request
          = dray_command_find_request (dray_manager_get_requests (manager), argv[i], &error);

      if (request == NULL || !change (manager, request, &error))
        {
          dray_print_error (error);
          status = DRAY_EXIT_FAILED;
        }
    }
  dray_command_close_manager (g_steal_pointer (&manager));

  return status;
}

int
dray_command_pause (int argc, char **argv)
{
  return change_rows (argc, argv, "REQUEST… – pause downloads; their bytes are kept", pause_row);
}

int
dray_command_discard (int argc, char **argv)
{
  return change_rows (argc, argv, "REQUEST… – give up unfinished downloads and their bytes",
                      discard_row);
}

int
dray_command_remove (int argc, char **argv)
{
  return change_rows (argc, argv, "REQUEST… – forget downloads; finished files stay", remove_row);
}

int
dray_command_cancel (int argc, char **argv)
{
  g_autofree char *model = NULL;
  g_autoptr (DrayManager) manager = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  int status;
  const GOptionEntry entries[] = {
    { "model", 0, 0, G_OPTION_ARG_STRING, &model, "The model, as “dray list --json” names it",
      "MODEL" },
    G_OPTION_ENTRY_NULL,
  };

  if (!dray_command_parse ("--model MODEL – pause every running download of a model",
                           "Prints how many were paused; their bytes are kept.", entries, &argc,
                           &argv, &status))
    return status;
  if (model == NULL || argc > 1)
    return dray_command_usage_error ("cancel", "Name one model with --model");

  manager = dray_command_open_manager (&error);
  if (manager == NULL)
    {
      dray_print_error (error);
      return DRAY_EXIT_FAILED;
    }

  dray_manager_cancel_model_async (manager, model, dray_command_arrived_cb, &result);
  printf ("%u\n", dray_manager_cancel_finish (manager, dray_command_wait_for (&result)));
  dray_command_close_manager (g_steal_pointer (&manager));

  return DRAY_EXIT_OK;
}
