/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "app/run.h"

#include "app/commands.h"

#include "core/base/error.h"
#include "core/source/source-list.h"

#include <glib-unix.h>
#include <signal.h>
#include <unistd.h>

/* How often progress is printed, in milliseconds: eight times a second. */
#define PROGRESS_INTERVAL 125

typedef struct
{
  DrayDoor *door; /* NULL if none could be opened */
  DrayOutput *output;
  DrayOutputMode mode;
  GMainLoop *loop;
  GPtrArray *running; /* of DrayRow */
  GHashTable *opened; /* the ids of the parents whose children have been looked for and found */
  gboolean leaving;   /* a signal has come */
  DrayDoorFate fate;
  int status;
} Run;

/* The first signal pauses; a second one, from a person who will not wait for a slow disk, ends at
 * once, which costs what a kill costs. */
static gboolean
interrupt (Run *run, int signal_number)
{
  if (run->leaving)
    _exit (128 + signal_number);

  run->leaving = TRUE;
  run->status = 128 + signal_number;
  g_main_loop_quit (run->loop);
  return G_SOURCE_CONTINUE;
}

static gboolean
sigint_cb (gpointer user_data)
{
  return interrupt (user_data, SIGINT);
}

static gboolean
sigterm_cb (gpointer user_data)
{
  return interrupt (user_data, SIGTERM);
}

static gboolean
progress_cb (gpointer user_data)
{
  Run *run = user_data;

  dray_output_show_progress (run->output);
  return G_SOURCE_CONTINUE;
}

static void
fail (Run *run, DrayRow *row, const GError *error)
{
  if (run->status == DRAY_EXIT_OK)
    run->status = DRAY_EXIT_FAILED;
  dray_output_show_failure (run->output, row, error);
}

static DrayRow *
find_running (Run *run, const char *id)
{
  for (guint i = 0; id != NULL && i < run->running->len; i++)
    if (g_str_equal (dray_row_read (g_ptr_array_index (run->running, i))->id, id))
      return g_ptr_array_index (run->running, i);

  return NULL;
}

static gboolean
has_running_child (Run *run, DrayRow *row)
{
  for (guint i = 0; i < run->running->len; i++)
    if (dray_row_is_child_of (g_ptr_array_index (run->running, i), row))
      return TRUE;

  return FALSE;
}

/* Somebody else has paused or discarded what this command waits for. */
static void
fail_stopped (Run *run, DrayRow *row, DrayRequestState state)
{
  g_autoptr (GError) error = g_error_new_literal (
      DRAY_ERROR, DRAY_ERROR_CANCELLED,
      state == DRAY_REQUEST_DISCARDED
          ? "The download was discarded"
          : "The download was paused; its bytes are kept, and the same command continues it");

  fail (run, row, error);
}

/* The manager goes elsewhere, and the rows with it. */
static gboolean
is_moving (Run *run)
{
  return run->fate == DRAY_DOOR_HANDED_OVER || run->fate == DRAY_DOOR_ENDED;
}

/* The finished files of a model, in their order. */
static GPtrArray *
list_paths (Run *run, DrayRow *row, GError **error)
{
  g_autoptr (GPtrArray) rows = NULL;
  GPtrArray *paths;

  if (!dray_row_is_parent (row))
    {
      rows = g_ptr_array_new_with_free_func (g_object_unref);
      g_ptr_array_add (rows, g_object_ref (row));
    }
  else
    {
      rows = dray_door_list_children (run->door, row, error);
    }
  if (rows == NULL)
    return NULL;

  paths = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < rows->len; i++)
    {
      const char *path = dray_row_read (g_ptr_array_index (rows, i))->path;

      if (path != NULL)
        g_ptr_array_add (paths, g_strdup (path));
    }

  return paths;
}

/* The engine has read the headers; here they are only shown, so that they need not cross the bus. */
static void
show_facts (Run *run, DrayRow *row)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) paths = NULL;

  if (run->mode == DRAY_OUTPUT_QUIET)
    return;

  paths = list_paths (run, row, &error);
  if (paths != NULL && paths->len == 0)
    return;
  if (paths == NULL
      || !dray_command_print_facts (paths, run->mode == DRAY_OUTPUT_JSON, dray_row_read (row)->id,
                                    &error))
    fail (run, row, error);
}

static void
end_row (Run *run, DrayRow *row)
{
  DrayRequestState state = dray_row_read (row)->state;

  g_signal_handlers_disconnect_by_data (row, run);
  dray_output_show_end (run->output, row);
  if (!run->leaving && (state == DRAY_REQUEST_PAUSED || state == DRAY_REQUEST_DISCARDED))
    fail_stopped (run, row, state);
  else if (state != DRAY_REQUEST_COMPLETED && run->status == DRAY_EXIT_OK)
    run->status = DRAY_EXIT_FAILED;
  else if (state == DRAY_REQUEST_COMPLETED && g_strcmp0 (dray_row_read (row)->kind, "load") == 0)
    show_facts (run, row);

  dray_row_stay (row);
  g_ptr_array_remove (run->running, row);
  if (run->running->len == 0)
    g_main_loop_quit (run->loop);
}

static void add_children (Run *run, DrayRow *parent);

/* What a source stands for may be known only when a server has said it. */
static void
state_changed_cb (DrayRow *row, Run *run)
{
  if (dray_row_is_parent (row) && !g_hash_table_contains (run->opened, dray_row_read (row)->id)
      && !is_moving (run))
    add_children (run, row);
}

/* The ends of the files come before that of what they are parts of. */
static void
settled_cb (DrayRow *row, Run *run)
{
  g_autoptr (DrayRow) alive = g_object_ref (row);
  DrayRow *parent;

  state_changed_cb (row, run);
  if (!g_ptr_array_find (run->running, row, NULL))
    return;
  if ((is_moving (run) && dray_row_read (row)->state == DRAY_REQUEST_PAUSED)
      || has_running_child (run, row))
    return;

  end_row (run, row);
  parent = find_running (run, dray_row_read (alive)->parent_id);
  if (parent != NULL && !dray_row_is_running (parent))
    settled_cb (parent, run);
}

/* What had settled before it was watched says so no more. */
static void
settle_if_still (Run *run, DrayRow *row)
{
  if (!dray_row_is_running (row) && g_ptr_array_find (run->running, row, NULL))
    settled_cb (row, run);
}

static void
watch (Run *run, DrayRow *row)
{
  g_ptr_array_add (run->running, g_object_ref (row));
  dray_output_add (run->output, row);
  g_signal_connect (row, "state-changed", G_CALLBACK (state_changed_cb), run);
  g_signal_connect (row, "settled", G_CALLBACK (settled_cb), run);
}

/* A child that has gone meanwhile is nothing to wait for. */
static void
add_children (Run *run, DrayRow *parent)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) children = dray_door_list_children (run->door, parent, &error);

  if (children != NULL && children->len > 0)
    g_hash_table_add (run->opened, g_strdup (dray_row_read (parent)->id));
  for (guint i = 0; children != NULL && i < children->len; i++)
    {
      DrayRow *child = g_ptr_array_index (children, i);

      if (find_running (run, dray_row_read (child)->id) == NULL
          && dray_door_follow (run->door, child, NULL))
        watch (run, child);
    }
  for (guint i = 0; children != NULL && i < children->len; i++)
    settle_if_still (run, g_ptr_array_index (children, i));
}

static void
add (Run *run, DrayRow *row)
{
  if (find_running (run, dray_row_read (row)->id) != NULL)
    return;

  watch (run, row);
  if (dray_row_is_parent (row))
    add_children (run, row);
  settle_if_still (run, row);
}

static void
fate_cb (G_GNUC_UNUSED DrayDoor *door, int fate, Run *run)
{
  run->fate = (DrayDoorFate) fate;
  g_main_loop_quit (run->loop);
}

static gboolean
open_door (Run *run, DrayDoorUse use)
{
  g_autoptr (GError) error = NULL;

  run->door = dray_door_open (use, &error);
  if (run->door == NULL)
    {
      fail (run, NULL, error);
      return FALSE;
    }

  g_signal_connect (run->door, "fate", G_CALLBACK (fate_cb), run);
  return TRUE;
}

static void
close_door (Run *run, GPtrArray *rows_to_pause)
{
  if (run->door == NULL)
    return;

  dray_door_leave (run->door, rows_to_pause);
  g_signal_handlers_disconnect_by_data (run->door, run);
  g_clear_object (&run->door);
}

/* The parent of what goes on does so, too; one whose files are there is loaded. */
static gboolean
take_up (Run *run, DrayRow *row, GError **error)
{
  if (has_running_child (run, row))
    return dray_door_follow (run->door, row, error);

  return dray_door_resume (run->door, row, FALSE, error);
}

static void
go_on_with (Run *run, DrayRow *row)
{
  g_autoptr (GError) error = NULL;

  if (run->door != NULL && take_up (run, row, &error))
    {
      settle_if_still (run, row);
      return;
    }

  g_signal_handlers_disconnect_by_data (row, run);
  dray_row_stay (row);
  if (error != NULL)
    fail (run, row, error);
  g_ptr_array_remove (run->running, row);
}

static GPtrArray *
copy_running (Run *run)
{
  GPtrArray *rows = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < run->running->len; i++)
    g_ptr_array_add (rows, g_object_ref (g_ptr_array_index (run->running, i)));

  return rows;
}

/* The same requests, with the manager's next process. */
static void
move (Run *run)
{
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  g_autoptr (GPtrArray) rows = NULL;
  DrayDoorUse use = run->fate == DRAY_DOOR_HANDED_OVER ? DRAY_DOOR_FOLLOW : DRAY_DOOR_STAY;

  close_door (run, none);
  run->fate = DRAY_DOOR_OPEN;
  open_door (run, use);

  /* Children come after their parents, and go on before them. */
  rows = copy_running (run);
  for (guint i = rows->len; i > 0; i--)
    go_on_with (run, g_ptr_array_index (rows, i - 1));
}

static void
fail_lost (Run *run)
{
  g_autoptr (GError) error = g_error_new_literal (
      DRAY_ERROR, DRAY_ERROR_CANCELLED,
      "The process that downloaded is gone; the bytes are kept, and the same command continues");

  for (guint i = 0; i < run->running->len; i++)
    {
      DrayRow *row = g_ptr_array_index (run->running, i);

      g_signal_handlers_disconnect_by_data (row, run);
      fail (run, row, error);
    }
  g_ptr_array_set_size (run->running, 0);
}

static void
run_begin (Run *run, DrayOutputMode mode)
{
  run->output = dray_output_new (mode);
  run->mode = mode;
  run->loop = g_main_loop_new (NULL, FALSE);
  run->running = g_ptr_array_new_with_free_func (g_object_unref);
  run->opened = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  run->status = DRAY_EXIT_OK;
}

static void
wait_for_all (Run *run)
{
  while (run->running->len > 0 && !run->leaving && run->fate != DRAY_DOOR_CLOSED)
    {
      if (run->fate == DRAY_DOOR_LOST)
        fail_lost (run);
      else if (is_moving (run))
        move (run);
      else
        g_main_loop_run (run->loop);
    }
}

/* Waits until all requests have settled, or a signal ends it; returns the exit status. */
static int
run_end (Run *run)
{
  guint sigint = g_unix_signal_add (SIGINT, sigint_cb, run);
  guint sigterm = g_unix_signal_add (SIGTERM, sigterm_cb, run);
  guint progress = g_timeout_add (PROGRESS_INTERVAL, progress_cb, run);
  g_autoptr (GPtrArray) rows = NULL;

  wait_for_all (run);
  rows = copy_running (run);
  close_door (run, rows);

  g_source_remove (progress);
  g_source_remove (sigterm);
  g_source_remove (sigint);
  g_main_loop_unref (run->loop);
  for (guint i = 0; i < run->running->len; i++)
    g_signal_handlers_disconnect_by_data (g_ptr_array_index (run->running, i), run);
  g_ptr_array_unref (run->running);
  g_hash_table_unref (run->opened);
  dray_output_free (run->output);
  return run->status;
}

static void
ask (Run *run, const char *source, gboolean load, DrayDownloadOptions *options)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DrayRow) row = dray_door_ask (run->door, source, load, options, &error);

  if (row != NULL)
    add (run, row);
  else
    fail (run, NULL, error);
}

/* Asks for each of the sources that stand in a file. */
static void
ask_list (Run *run, const char *file, gboolean load, DrayDownloadOptions *options)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) sources = dray_source_list_read_file (file, &error);

  if (sources == NULL)
    fail (run, NULL, error);
  for (guint i = 0; sources != NULL && sources[i] != NULL; i++)
    ask (run, sources[i], load, options);
}

/**
 * dray_run_get:
 * @mode: how to show it
 * @sources: what to download
 * @load: whether to load each, too
 * @options: the wishes
 *
 * Returns: the exit status
 */
int
dray_run_get (DrayOutputMode mode, char **sources, gboolean load, DrayDownloadOptions *options)
{
  Run run = { 0 };

  run_begin (&run, mode);
  if (open_door (&run, DRAY_DOOR_STAY))
    {
      for (guint i = 0; sources[i] != NULL; i++)
        if (dray_source_list_is_file (sources[i]))
          ask_list (&run, sources[i], load, options);
        else
          ask (&run, sources[i], load, options);
    }

  return run_end (&run);
}

/**
 * dray_run_resume:
 * @mode: how to show it
 * @ids: the ids of the requests, or their first digits
 * @restart_changed: whether to start over what has changed on the server
 *
 * Returns: the exit status
 */
int
dray_run_resume (DrayOutputMode mode, char **ids, gboolean restart_changed)
{
  Run run = { 0 };

  run_begin (&run, mode);
  if (open_door (&run, DRAY_DOOR_STAY))
    {
      for (guint i = 0; ids[i] != NULL; i++)
        {
          g_autoptr (GError) error = NULL;
          g_autoptr (DrayRow) row = dray_command_find_row (run.door, ids[i], &error);

          if (row != NULL && dray_door_resume (run.door, row, restart_changed, &error))
            add (&run, row);
          else
            fail (&run, NULL, error);
        }
    }

  return run_end (&run);
}
