/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/request/manager-private.h"

#include "core/base/download-key.h"
#include "core/base/error.h"
#include "core/http/session.h"
#include "core/library/drive.h"
#include "core/request/restore.h"

/* How often progress is shown, in milliseconds. */
#define SAMPLE_INTERVAL 100

/* How often it is journaled: half of the second that a kill may cost. */
#define JOURNAL_INTERVAL 500

G_DEFINE_FINAL_TYPE (DrayManager, dray_manager, G_TYPE_OBJECT)

static void
dray_manager_finalize (GObject *object)
{
  DrayManager *self = DRAY_MANAGER (object);

  g_assert (self->jobs->len == 0);

  g_clear_handle_id (&self->sample_source, g_source_remove);
  g_ptr_array_unref (self->jobs);
  g_ptr_array_unref (self->cancels);
  g_object_unref (self->requests);
  g_clear_pointer (&self->engine.catalog, dray_catalog_free);
  dray_disks_free (self->engine.disks);
  dray_asset_table_free (self->engine.assets);
  g_object_unref (self->engine.session);
  g_free (self->engine.boot_id);
  g_free (self->catalog_path);
  g_free (self->library_root);

  G_OBJECT_CLASS (dray_manager_parent_class)->finalize (object);
}

static void
dray_manager_class_init (DrayManagerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = dray_manager_finalize;
}

static void
dray_manager_init (DrayManager *self)
{
  self->jobs = g_ptr_array_new_with_free_func (g_object_unref);
  self->cancels = g_ptr_array_new ();
  self->requests = g_list_store_new (DRAY_TYPE_REQUEST);
  self->engine.session = dray_http_session_new ();
  self->engine.disks = dray_disks_new ();
  self->engine.assets = dray_asset_table_new ();
  self->engine.boot_id = dray_drive_read_boot_id ();
  self->engine.interval = JOURNAL_INTERVAL;
}

/**
 * dray_manager_new:
 * @catalog_path: the catalog's file, made where there is none
 * @library_root: the library's folder, made when first used
 *
 * Returns: (transfer full): a manager whose catalog is not open
 */
DrayManager *
dray_manager_new (const char *catalog_path, const char *library_root)
{
  DrayManager *self = g_object_new (DRAY_TYPE_MANAGER, NULL);

  self->catalog_path = g_strdup (catalog_path);
  self->library_root = g_strdup (library_root);

  return self;
}

/**
 * dray_manager_set_boot_id:
 * @self: a manager that is not open
 * @boot_id: what to take for the kernel's id of this boot
 *
 * For tests of what a power cut leaves.
 */
void
dray_manager_set_boot_id (DrayManager *self, const char *boot_id)
{
  g_return_if_fail (DRAY_IS_MANAGER (self));

  g_free (self->engine.boot_id);
  self->engine.boot_id = g_strdup (boot_id);
}

/**
 * dray_manager_set_interval:
 * @self: a manager that is not open
 * @milliseconds: how often offsets are journaled while bytes move
 */
void
dray_manager_set_interval (DrayManager *self, guint milliseconds)
{
  g_return_if_fail (DRAY_IS_MANAGER (self));

  self->engine.interval = milliseconds;
}

static void
restored_cb (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);

  dray_restore_finish (result);
  g_task_return_boolean (task, TRUE);
  dray_manager_end_operation (g_task_get_source_object (task));
}

static void
opened_cb (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  DrayManager *self = g_task_get_source_object (task);
  DrayCatalogContents *contents = NULL;
  GError *error = NULL;

  self->engine.catalog = dray_catalog_open_finish (result, &contents, &error);
  if (self->engine.catalog == NULL)
    {
      g_task_return_error (task, error);
      dray_manager_end_operation (self);
      return;
    }

  dray_restore_async (&self->engine, contents, self->requests, restored_cb,
                      g_steal_pointer (&task));
}

/**
 * dray_manager_open_async:
 * @self: a manager
 * @callback: called in the main thread when the requests of earlier runs are back
 * @user_data: for @callback
 */
void
dray_manager_open_async (DrayManager *self, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task;

  g_return_if_fail (DRAY_IS_MANAGER (self));
  g_return_if_fail (self->engine.catalog == NULL);

  task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (task, dray_manager_open_async);
  dray_manager_begin_operation (self);
  dray_catalog_open_async (self->catalog_path, dray_disks_get_scout (self->engine.disks),
                           opened_cb, task);
}

/**
 * dray_manager_open_finish:
 * @self: a manager
 * @result: as given to the callback
 * @error: return location for a #GError
 *
 * Errors: %DRAY_ERROR_BUSY if another process has the catalog, %DRAY_ERROR_CATALOG_DAMAGED,
 * %DRAY_ERROR_PERMISSION, %DRAY_ERROR_DISK_FULL.
 *
 * Returns: whether the manager is ready
 */
gboolean
dray_manager_open_finish (DrayManager *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* The list holds a reference, so the borrowed pointer stays good while the request is in it. */
DrayRequest *
dray_manager_get_request (DrayManager *self, guint position)
{
  g_autoptr (DrayRequest) request
      = g_list_model_get_item (G_LIST_MODEL (self->requests), position);

  return request;
}

/* The requests that have not settled: those for an asset, or all with 0. */
static GPtrArray *
collect_running (DrayManager *self, gint64 asset_id)
{
  GPtrArray *running = g_ptr_array_new_with_free_func (g_object_unref);
  guint n_requests = g_list_model_get_n_items (G_LIST_MODEL (self->requests));

  for (guint i = 0; i < n_requests; i++)
    {
      DrayRequest *request = dray_manager_get_request (self, i);

      if (dray_request_is_running (request)
          && (asset_id == 0 || dray_request_get_record (request)->asset_id == asset_id))
        g_ptr_array_add (running, g_object_ref (request));
    }

  return running;
}

static void
close_if_idle (DrayManager *self)
{
  g_autoptr (GError) cancelled
      = g_error_new_literal (DRAY_ERROR, DRAY_ERROR_CANCELLED, "Cancelled");
  g_autoptr (GPtrArray) running = NULL;
  g_autoptr (GTask) task = NULL;

  if (self->closing == NULL || self->jobs->len > 0 || self->n_operations > 0)
    return;

  running = collect_running (self, 0);
  for (guint i = 0; i < running->len; i++)
    dray_engine_settle (&self->engine, g_ptr_array_index (running, i), DRAY_REQUEST_PAUSED,
                        cancelled);

  task = g_steal_pointer (&self->closing);
  g_clear_handle_id (&self->sample_source, g_source_remove);
  g_clear_pointer (&self->engine.catalog, dray_catalog_free);
  g_task_return_boolean (task, TRUE);
}

/**
 * dray_manager_close_async:
 * @self: an open manager
 * @callback: called in the main thread when the catalog is closed
 * @user_data: for @callback
 *
 * Pauses every request that runs, as a sweep does; partial files stay.
 */
void
dray_manager_close_async (DrayManager *self, GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (DRAY_IS_MANAGER (self));
  g_return_if_fail (self->closing == NULL);

  self->closing = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (self->closing, dray_manager_close_async);
  for (guint i = 0; i < self->jobs->len; i++)
    dray_download_job_cancel (g_ptr_array_index (self->jobs, i));
  close_if_idle (self);
}

void
dray_manager_close_finish (DrayManager *self, GAsyncResult *result)
{
  g_return_if_fail (g_task_is_valid (result, self));

  g_task_propagate_boolean (G_TASK (result), NULL);
}

/* What must end before the manager may close. */
void
dray_manager_begin_operation (DrayManager *self)
{
  self->n_operations++;
}

void
dray_manager_end_operation (DrayManager *self)
{
  self->n_operations--;
  close_if_idle (self);
}

/**
 * dray_manager_get_requests:
 * @self: a manager
 *
 * Returns: (transfer none): the requests that are not removed, oldest first, as a list of
 *   #DrayRequest
 */
GListModel *
dray_manager_get_requests (DrayManager *self)
{
  g_return_val_if_fail (DRAY_IS_MANAGER (self), NULL);

  return G_LIST_MODEL (self->requests);
}

/**
 * dray_manager_find_request:
 * @self: a manager
 * @id: the id of a request
 *
 * Returns: (transfer none) (nullable): the request
 */
DrayRequest *
dray_manager_find_request (DrayManager *self, const char *id)
{
  guint n_requests;

  g_return_val_if_fail (DRAY_IS_MANAGER (self), NULL);

  n_requests = g_list_model_get_n_items (G_LIST_MODEL (self->requests));
  for (guint i = 0; i < n_requests; i++)
    {
      DrayRequest *request = dray_manager_get_request (self, i);

      if (g_str_equal (dray_request_get_id (request), id))
        return request;
    }

  return NULL;
}

DrayDownloadJob *
dray_manager_find_job (DrayManager *self, gint64 asset_id)
{
  for (guint i = 0; i < self->jobs->len; i++)
    {
      DrayDownloadJob *job = g_ptr_array_index (self->jobs, i);

      if (dray_download_job_get_asset_id (job) == asset_id)
        return job;
    }

  return NULL;
}

static gboolean
sample_cb (gpointer user_data)
{
  DrayManager *self = DRAY_MANAGER (user_data);

  for (guint i = 0; i < self->jobs->len; i++)
    dray_download_job_sample (g_ptr_array_index (self->jobs, i));

  return G_SOURCE_CONTINUE;
}

/* A request that could not join the job has waited for its end; now it runs. */
static void
run_waiting (DrayManager *self, gint64 asset_id)
{
  g_autoptr (GPtrArray) waiting = collect_running (self, asset_id);

  for (guint i = 0; i < waiting->len && self->closing == NULL; i++)
    if (dray_request_is_running (g_ptr_array_index (waiting, i)))
      dray_manager_run (self, g_ptr_array_index (waiting, i));
}

/* An asset for which nothing was ever written, and which nobody wants any more. */
static void
forget_empty_asset (DrayManager *self, gint64 asset_id)
{
  DrayStoredAsset *asset = dray_asset_table_find (self->engine.assets, asset_id);
  DrayCatalogChange *change;

  if (asset == NULL || asset->record.name != NULL || dray_manager_is_wanted (self, asset_id))
    return;

  change = dray_catalog_change_new ();
  dray_catalog_change_delete_asset (change, asset_id);
  dray_catalog_write_async (self->engine.catalog, change, DRAY_DURABILITY_PROCESS,
                            dray_engine_report, NULL);
  dray_asset_table_remove (self->engine.assets, asset);
}

static void
job_ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (DrayManager) self = DRAY_MANAGER (user_data);
  g_autoptr (DrayDownloadJob) job = g_object_ref (DRAY_DOWNLOAD_JOB (source));
  gint64 asset_id = dray_download_job_get_asset_id (job);

  dray_download_job_run_finish (job, result);
  g_ptr_array_remove (self->jobs, job);
  if (self->jobs->len == 0)
    g_clear_handle_id (&self->sample_source, g_source_remove);

  dray_manager_job_ended (self);
  run_waiting (self, asset_id);
  forget_empty_asset (self, asset_id);
  close_if_idle (self);
}

/* What a request gets whose asset another one has finished meanwhile. */
static void
settle_with_finished (DrayManager *self, DrayRequest *request, const DrayStoredAsset *asset)
{
  const char *expected = dray_request_get_record (request)->expected_sha256;
  g_autoptr (GError) error = NULL;

  if (asset->record.state == DRAY_ASSET_FINISHING)
    error = g_error_new (DRAY_ERROR, DRAY_ERROR_PARTIAL_MISSING,
                         "The drive of “%s” reported an error when the file was finished; start "
                         "Dray again to see what is there",
                         asset->record.directory);
  else if (expected != NULL && !g_str_equal (expected, asset->record.sha256))
    error = g_error_new (DRAY_ERROR, DRAY_ERROR_CHECKSUM_MISMATCH,
                         "The file is another one: its SHA-256 is %s, expected was %s",
                         asset->record.sha256, expected);

  dray_engine_settle (&self->engine, request,
                      error == NULL ? DRAY_REQUEST_COMPLETED : DRAY_REQUEST_FAILED, error);
}

/* What the coming run is compared with is what the request expects that it is made for. */
static void
expect (DrayStoredAsset *asset, const char *sha256)
{
  DrayAssetRecord *record = &asset->record;

  if (g_strcmp0 (record->expected_sha256, sha256) == 0)
    return;

  g_free (record->expected_sha256);
  g_free (record->download_key);
  record->expected_sha256 = g_strdup (sha256);
  record->download_key = dray_download_key_new (record->url, sha256);
}

/* Runs a request: joins the job of its asset, or begins one. A job that is ending, or that is
 * compared with another digest, is waited for. */
void
dray_manager_run (DrayManager *self, DrayRequest *request)
{
  gint64 asset_id = dray_request_get_record (request)->asset_id;
  DrayStoredAsset *asset = dray_asset_table_find (self->engine.assets, asset_id);
  DrayDownloadJob *job = dray_manager_find_job (self, asset_id);

  if (job != NULL)
    {
      if (!dray_download_job_serves (job, request) && dray_download_job_accepts (job, request))
        dray_download_job_add (job, request);
      return;
    }
  if (asset->record.state != DRAY_ASSET_FETCHING)
    {
      settle_with_finished (self, request, asset);
      return;
    }

  expect (asset, dray_request_get_record (request)->expected_sha256);
  job = dray_download_job_new (&self->engine, asset, request);
  g_ptr_array_add (self->jobs, job);
  dray_request_set_asset (request, asset);
  dray_download_job_run_async (job, job_ended_cb, g_object_ref (self));

  if (self->sample_source == 0)
    self->sample_source = g_timeout_add (SAMPLE_INTERVAL, sample_cb, self);
}
