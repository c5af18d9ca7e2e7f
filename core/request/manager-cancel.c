/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Pausing, discarding, sweeping and removing.
 *
 * A cancel is complete when it reports: the transfers that it ended are closed and their offsets
 * recorded; for a discard the partial file is gone.
 */

#include "core/request/manager-private.h"

#include "core/base/error.h"
#include "core/transfer/partial-file.h"

struct _DrayCancel
{
  DrayManager *manager;
  GTask *task;
  GPtrArray *requests; /* of DrayRequest: whom it pauses or discards */
  gboolean clear_cache;
  guint n_discards; /* under way */
  gboolean settled; /* all its requests have settled */
};

static void
cancel_free (DrayCancel *cancel)
{
  g_ptr_array_unref (cancel->requests);
  g_object_unref (cancel->task);
  g_object_unref (cancel->manager);
  g_free (cancel);
}

/* One discard under way: of the partial file of an asset that nobody wants. */
typedef struct
{
  DrayCancel *cancel;
  gint64 asset_id;
  guint64 device;
  char *directory;
  char *name;
  GError *error;
} Discard;

static void
discard_free (Discard *discard)
{
  g_clear_error (&discard->error);
  g_free (discard->directory);
  g_free (discard->name);
  g_free (discard);
}

static void
report_if_done (DrayCancel *cancel)
{
  DrayManager *self = cancel->manager;
  G_GNUC_UNUSED g_autoptr (DrayManager) alive = g_object_ref (self);

  if (!cancel->settled || cancel->n_discards > 0)
    return;

  g_task_return_int (cancel->task, cancel->requests->len);
  cancel_free (cancel);
  dray_manager_end_operation (self);
}

static void
discard_ended (Discard *discard)
{
  DrayCancel *cancel = discard->cancel;

  discard_free (discard);
  cancel->n_discards--;
  report_if_done (cancel);
}

static void
forgotten_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  dray_engine_report (source, result, NULL);
  discard_ended (user_data);
}

static void
deleted_cb (gpointer data)
{
  Discard *discard = data;
  DrayEngine *engine = &discard->cancel->manager->engine;
  DrayStoredAsset *asset = dray_asset_table_find (engine->assets, discard->asset_id);
  DrayCatalogChange *change;

  if (discard->error != NULL)
    {
      /* The row stays "discarding", and the next start tries again. */
      g_warning ("%s", discard->error->message);
      discard_ended (discard);
      return;
    }

  dray_asset_table_remove (engine->assets, asset);
  change = dray_catalog_change_new ();
  dray_catalog_change_delete_asset (change, discard->asset_id);
  dray_catalog_write_async (engine->catalog, change, DRAY_DURABILITY_PROCESS, forgotten_cb,
                            discard);
}

static void
delete_in_thread (gpointer data)
{
  Discard *discard = data;

  if (discard->name != NULL)
    dray_partial_file_discard (discard->directory, discard->name, &discard->error);
}

static void
marked_cb (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer user_data)
{
  Discard *discard = user_data;

  if (!dray_catalog_write_finish (result, &discard->error))
    {
      deleted_cb (discard);
      return;
    }

  dray_worker_push (dray_disks_get (discard->cancel->manager->engine.disks, discard->device),
                    delete_in_thread, deleted_cb, discard);
}

gboolean
dray_manager_is_wanted (DrayManager *self, gint64 asset_id)
{
  guint n_requests = g_list_model_get_n_items (G_LIST_MODEL (self->requests));

  for (guint i = 0; i < n_requests; i++)
    {
      DrayRequest *request = dray_manager_get_request (self, i);

      if (dray_request_get_record (request)->asset_id == asset_id)
        return TRUE;
    }

  return FALSE;
}

static void
take_off_list (DrayManager *self, DrayRequest *request)
{
  guint position;

  if (g_list_store_find (self->requests, request, &position))
    g_list_store_remove (self->requests, position);
}

/* That no byte counts any more is durable before the file goes: its name and its inode may be given
 * out again at once, and a catalog that lost the news would believe the old offsets of another
 * file. */
static void
discard_asset (DrayCancel *cancel, DrayStoredAsset *asset, DrayCatalogChange *change)
{
  Discard *discard = g_new0 (Discard, 1);

  discard->cancel = cancel;
  discard->asset_id = asset->record.id;
  discard->device = asset->record.identity.device;
  discard->directory = g_strdup (asset->record.directory);
  discard->name = g_strdup (asset->record.name);
  cancel->n_discards++;

  asset->record.state = DRAY_ASSET_DISCARDING;
  g_array_set_size (asset->pieces, 0);
  g_array_set_size (asset->blocks, 0);
  dray_catalog_change_put_asset (change, &asset->record);
  dray_catalog_change_put_pieces (change, asset->record.id, NULL, 0);
  dray_catalog_change_put_blocks (change, asset->record.id, 0, NULL, 0);
  dray_catalog_write_async (cancel->manager->engine.catalog, change, DRAY_DURABILITY_MACHINE,
                            marked_cb, discard);
}

static void
discard_request (DrayCancel *cancel, DrayRequest *request)
{
  DrayManager *self = cancel->manager;
  gint64 asset_id = dray_request_get_record (request)->asset_id;
  DrayStoredAsset *asset = dray_asset_table_find (self->engine.assets, asset_id);
  DrayCatalogChange *change;

  /* It may have completed while the cancel was on its way. */
  if (dray_request_get_state (request) == DRAY_REQUEST_COMPLETED)
    return;

  dray_request_set_state (request, DRAY_REQUEST_DISCARDED);
  take_off_list (self, request);
  change = dray_catalog_change_new ();
  dray_catalog_change_delete_request (change, dray_request_get_id (request));
  if (asset != NULL && asset->record.state == DRAY_ASSET_FETCHING && !dray_manager_is_wanted (self, asset_id))
    discard_asset (cancel, asset, change);
  else
    dray_catalog_write_async (self->engine.catalog, change, DRAY_DURABILITY_PROCESS,
                              dray_engine_report, NULL);
}

static void
settle_if_quiet (DrayCancel *cancel)
{
  for (guint i = 0; i < cancel->requests->len; i++)
    if (dray_request_is_running (g_ptr_array_index (cancel->requests, i)))
      return;

  cancel->settled = TRUE;
  g_ptr_array_remove (cancel->manager->cancels, cancel);
  for (guint i = 0; cancel->clear_cache && i < cancel->requests->len; i++)
    discard_request (cancel, g_ptr_array_index (cancel->requests, i));
  report_if_done (cancel);
}

/* Called by the manager when a job has ended: those who waited for it go on. */
void
dray_manager_job_ended (DrayManager *self)
{
  g_autoptr (GPtrArray) cancels = g_ptr_array_copy (self->cancels, NULL, NULL);

  for (guint i = 0; i < cancels->len; i++)
    settle_if_quiet (g_ptr_array_index (cancels, i));
}

static gboolean
serves_only (DrayDownloadJob *job, GPtrArray *requests)
{
  guint n_served = 0;

  for (guint i = 0; i < requests->len; i++)
    n_served += dray_download_job_serves (job, g_ptr_array_index (requests, i)) ? 1 : 0;

  return n_served == dray_download_job_count (job);
}

/* The transfer ends if it serves nobody else; else the request leaves it, and the bytes keep
 * moving for the others. */
static void
pause_request (DrayCancel *cancel, DrayRequest *request)
{
  DrayManager *self = cancel->manager;
  DrayDownloadJob *job
      = dray_manager_find_job (self, dray_request_get_record (request)->asset_id);
  g_autoptr (GError) error
      = g_error_new_literal (DRAY_ERROR, DRAY_ERROR_CANCELLED, "Cancelled");

  if (!dray_request_is_running (request))
    return;

  if (job != NULL && dray_download_job_serves (job, request))
    {
      if (serves_only (job, cancel->requests))
        {
          dray_download_job_cancel (job);
          return;
        }
      dray_download_job_remove (job, request);
    }
  dray_engine_settle (&self->engine, request, DRAY_REQUEST_PAUSED, error);
}

static void
begin_cancel (DrayManager *self, GPtrArray *requests, gboolean clear_cache, GTask *task)
{
  DrayCancel *cancel = g_new0 (DrayCancel, 1);

  cancel->manager = g_object_ref (self);
  cancel->task = task;
  cancel->requests = g_ptr_array_ref (requests);
  cancel->clear_cache = clear_cache;
  g_ptr_array_add (self->cancels, cancel);
  dray_manager_begin_operation (self);

  for (guint i = 0; i < requests->len; i++)
    pause_request (cancel, g_ptr_array_index (requests, i));
  settle_if_quiet (cancel);
}

/**
 * dray_manager_cancel_async:
 * @self: an open manager
 * @id: the id of a request
 * @clear_cache: whether to discard the bytes as well
 * @callback: called in the main thread when the cancel is complete
 * @user_data: for @callback
 *
 * Pauses a request, or discards it. An unknown id, a request that is paused already and a completed
 * one are no errors; nothing happens to them.
 */
void
dray_manager_cancel_async (DrayManager *self,
                           const char *id,
                           gboolean clear_cache,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GPtrArray) requests = g_ptr_array_new_with_free_func (g_object_unref);
  DrayRequest *request;
  GTask *task;

  g_return_if_fail (DRAY_IS_MANAGER (self));
  g_return_if_fail (self->engine.catalog != NULL);

  task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (task, dray_manager_cancel_async);
  request = dray_manager_find_request (self, id);
  if (request != NULL
      && (dray_request_is_running (request)
          || (clear_cache && dray_request_get_state (request) != DRAY_REQUEST_COMPLETED)))
    g_ptr_array_add (requests, g_object_ref (request));
  begin_cancel (self, requests, clear_cache, task);
}

/**
 * dray_manager_cancel_model_async:
 * @self: an open manager
 * @model_id: a model id
 * @callback: called in the main thread when the sweep is complete
 * @user_data: for @callback
 *
 * Pauses every request in flight on a model.
 */
void
dray_manager_cancel_model_async (DrayManager *self,
                                 const char *model_id,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  g_autoptr (GPtrArray) requests = g_ptr_array_new_with_free_func (g_object_unref);
  GTask *task;
  guint n_requests;

  g_return_if_fail (DRAY_IS_MANAGER (self));
  g_return_if_fail (self->engine.catalog != NULL);

  task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (task, dray_manager_cancel_model_async);
  n_requests = g_list_model_get_n_items (G_LIST_MODEL (self->requests));
  for (guint i = 0; i < n_requests; i++)
    {
      DrayRequest *request = dray_manager_get_request (self, i);

      if (dray_request_is_running (request)
          && g_str_equal (dray_request_get_model_id (request), model_id))
        g_ptr_array_add (requests, g_object_ref (request));
    }
  begin_cancel (self, requests, FALSE, task);
}

/**
 * dray_manager_cancel_finish:
 * @self: a manager
 * @result: as given to the callback
 *
 * Returns: how many requests were cancelled
 */
guint
dray_manager_cancel_finish (DrayManager *self, GAsyncResult *result)
{
  g_return_val_if_fail (g_task_is_valid (result, self), 0);

  return (guint) g_task_propagate_int (G_TASK (result), NULL);
}

static void
removed_cb (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  g_autoptr (DrayManager) self = g_object_ref (g_task_get_source_object (task));
  GError *error = NULL;

  if (dray_catalog_write_finish (result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
  dray_manager_end_operation (self);
}

/**
 * dray_manager_remove_async:
 * @self: an open manager
 * @id: the id of a request
 * @callback: called in the main thread when the row is gone
 * @user_data: for @callback
 *
 * Forgets a request that does not run. Files stay, finished or partial.
 */
void
dray_manager_remove_async (DrayManager *self,
                           const char *id,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  DrayRequest *request;
  DrayCatalogChange *change;

  g_return_if_fail (DRAY_IS_MANAGER (self));
  g_return_if_fail (self->engine.catalog != NULL);

  task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (task, dray_manager_remove_async);
  request = dray_manager_find_request (self, id);
  if (request == NULL)
    {
      g_task_return_new_error (task, DRAY_ERROR, DRAY_ERROR_NOT_FOUND,
                               "No download has the id %s", id);
      return;
    }
  if (dray_request_is_running (request))
    {
      g_task_return_new_error (task, DRAY_ERROR, DRAY_ERROR_BUSY,
                               "The download %s is running; pause it first", id);
      return;
    }

  change = dray_catalog_change_new ();
  dray_catalog_change_delete_request (change, dray_request_get_id (request));
  take_off_list (self, request);
  dray_manager_begin_operation (self);
  dray_catalog_write_async (self->engine.catalog, change, DRAY_DURABILITY_PROCESS, removed_cb,
                            g_steal_pointer (&task));
}

/**
 * dray_manager_remove_finish:
 * @self: a manager
 * @result: as given to the callback
 * @error: return location for a #GError
 *
 * Errors: %DRAY_ERROR_NOT_FOUND for an unknown id, %DRAY_ERROR_BUSY for a request that runs.
 *
 * Returns: whether the row is gone
 */
gboolean
dray_manager_remove_finish (DrayManager *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
