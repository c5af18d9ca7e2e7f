/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The verbs that look at rows, or change them and return: list, pause, discard, remove, cancel. */

#include "app/commands.h"
#include "app/door.h"
#include "app/output.h"
#include "app/progress-line.h"

#include "core/base/error.h"
#include "core/request/restore.h"

#include <stdio.h>

/* How many digits of an id are shown: enough to tell rows apart, few enough to type. */
#define ID_SHOWN 8

static void
print_row_json (DrayRow *row)
{
  const DrayRowData *data = dray_row_read (row);
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  dray_json_add_string (builder, "requestId", data->id);
  dray_json_add_string (builder, "parentId", data->parent_id);
  dray_json_add_string (builder, "modelId", data->model_id);
  dray_json_add_string (builder, "downloadKey", data->download_key);
  dray_json_add_string (builder, "source", data->source);
  dray_json_add_string (builder, "caller", data->caller);
  dray_json_add_string (builder, "state", dray_request_state_get_name (data->state));
  dray_json_add_size (builder, "downloaded", data->downloaded);
  dray_json_add_size (builder, "total", data->total);
  dray_json_add_percentage (builder, row);
  dray_json_add_string (builder, "path", data->path);
  dray_json_add_string (builder, "sha256", data->sha256);
  dray_json_add_string (builder, "external", data->external);
  dray_json_add_string (builder, "error", data->error_name);
  dray_json_add_string (builder, "message", data->error_message);
  json_builder_end_object (builder);
  dray_print_json (builder);
}

/* A part of another request stands below it, a little to the right. */
static void
print_row (DrayRow *row)
{
  const DrayRowData *data = dray_row_read (row);
  g_autofree char *title = dray_row_dup_title (row);
  g_autofree char *downloaded = g_format_size ((guint64) data->downloaded);
  g_autofree char *total =
      data->total >= 0 ? g_format_size ((guint64) data->total) : g_strdup ("?");

  printf ("%s%.*s  %-11s  %s of %s  %s\n", data->parent_id != NULL ? "  " : "", ID_SHOWN, data->id,
          dray_request_state_get_name (data->state), downloaded, total, title);
}

/* Beside another process that has the catalog, and that no bus leads to. */
static GPtrArray *
read_beside (GError **error)
{
  g_autofree char *path = dray_command_get_catalog_path ();
  g_autoptr (GListStore) requests = g_list_store_new (DRAY_TYPE_REQUEST);
  GPtrArray *rows;

  if (!dray_restore_read (path, requests, error))
    return NULL;

  rows = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (requests)); i++)
    {
      g_autoptr (DrayRequest) request = g_list_model_get_item (G_LIST_MODEL (requests), i);

      g_ptr_array_add (rows, dray_row_new_for_request (request));
    }

  return rows;
}

/* The rows as they are now: from the manager, which knows what a crash left. */
static GPtrArray *
read_rows (GError **error)
{
  g_autoptr (GError) open_error = NULL;
  g_autoptr (DrayDoor) door = dray_door_open (DRAY_DOOR_GLANCE, &open_error);

  if (door != NULL)
    return dray_door_list (door, error);
  if (g_error_matches (open_error, DRAY_ERROR, DRAY_ERROR_BUSY))
    return read_beside (error);

  g_propagate_error (error, g_steal_pointer (&open_error));
  return NULL;
}

static void
print_with_parts (GPtrArray *rows, DrayRow *row, gboolean all, gboolean json)
{
  if (!all && dray_row_read (row)->state == DRAY_REQUEST_COMPLETED)
    return;

  if (json)
    print_row_json (row);
  else
    print_row (row);

  for (guint i = 0; dray_row_is_parent (row) && i < rows->len; i++)
    if (dray_row_is_child_of (g_ptr_array_index (rows, i), row))
      print_with_parts (rows, g_ptr_array_index (rows, i), all, json);
}

int
dray_command_list (int argc, char **argv)
{
  gboolean all = FALSE, json = FALSE;
  g_autoptr (GPtrArray) rows = NULL;
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

  for (guint i = 0; i < rows->len; i++)
    if (dray_row_read (g_ptr_array_index (rows, i))->parent_id == NULL)
      print_with_parts (rows, g_ptr_array_index (rows, i), all, json);

  return DRAY_EXIT_OK;
}

static gboolean
pause_row (DrayDoor *door, DrayRow *row, GError **error)
{
  return dray_door_cancel (door, dray_row_read (row)->id, FALSE, error);
}

static gboolean
discard_row (DrayDoor *door, DrayRow *row, GError **error)
{
  const DrayRowData *data = dray_row_read (row);

  if (data->state == DRAY_REQUEST_COMPLETED)
    {
      g_set_error (error, DRAY_ERROR, DRAY_ERROR_NOT_FOUND,
                   "The download %s is complete; “dray remove” forgets it", data->id);
      return FALSE;
    }

  return dray_door_cancel (door, data->id, TRUE, error);
}

static gboolean
remove_row (DrayDoor *door, DrayRow *row, GError **error)
{
  return dray_door_remove (door, dray_row_read (row)->id, error);
}

/* Does one thing to each of the requests that are named. */
static gboolean
change_named (DrayDoor *door, char **names, gboolean (*change) (DrayDoor *, DrayRow *, GError **))
{
  gboolean all_changed = TRUE;

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (DrayRow) row = dray_command_find_row (door, names[i], &error);

      if (row == NULL || !change (door, row, &error))
        {
          dray_print_error (error);
          all_changed = FALSE;
        }
    }

  return all_changed;
}

static int
change_rows (int argc,
             char **argv,
             const char *usage,
             gboolean (*change) (DrayDoor *, DrayRow *, GError **))
{
  const GOptionEntry no_entries[] = { G_OPTION_ENTRY_NULL };
  g_autoptr (DrayDoor) door = NULL;
  g_autoptr (GError) error = NULL;
  int status;

  if (!dray_command_parse (usage,
                           "A REQUEST is an id as “dray list” shows it, or its first digits.",
                           no_entries, &argc, &argv, &status))
    return status;
  if (argc < 2)
    return dray_command_usage_error (argv[0], "Name at least one request");

  door = dray_door_open (DRAY_DOOR_GLANCE, &error);
  if (door == NULL)
    {
      dray_print_error (error);
      return DRAY_EXIT_FAILED;
    }

  return change_named (door, argv + 1, change) ? DRAY_EXIT_OK : DRAY_EXIT_FAILED;
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
  g_autoptr (DrayDoor) door = NULL;
  g_autoptr (GError) error = NULL;
  guint n_cancelled;
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

  door = dray_door_open (DRAY_DOOR_GLANCE, &error);
  if (door == NULL || !dray_door_cancel_model (door, model, &n_cancelled, &error))
    {
      dray_print_error (error);
      return DRAY_EXIT_FAILED;
    }

  printf ("%u\n", n_cancelled);
  return DRAY_EXIT_OK;
}

/* "hold" and "release" differ in one word. */
static int
set_held (int argc, char **argv, gboolean held, const char *usage, const char *summary)
{
  const GOptionEntry no_entries[] = { G_OPTION_ENTRY_NULL };
  g_autoptr (DrayDoor) door = NULL;
  g_autoptr (GError) error = NULL;
  int status;

  if (!dray_command_parse (usage, summary, no_entries, &argc, &argv, &status))
    return status;
  if (argc > 1)
    return dray_command_usage_error (argv[0], "Neither “hold” nor “release” takes arguments");

  door = dray_door_open (DRAY_DOOR_GLANCE, &error);
  if (door == NULL || !dray_door_hold (door, held, &error))
    {
      dray_print_error (error);
      return DRAY_EXIT_FAILED;
    }

  return DRAY_EXIT_OK;
}

int
dray_command_hold (int argc, char **argv)
{
  return set_held (argc, argv, TRUE, "– stop all downloads until “dray release”",
                   "Returns when no bytes move any more. Downloads wait, even in later runs.");
}

int
dray_command_release (int argc, char **argv)
{
  return set_held (argc, argv, FALSE, "– let downloads go on after “dray hold”",
                   "What waited goes on.");
}
