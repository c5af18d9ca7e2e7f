/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/request/manager-private.h"

#include "core/base/download-key.h"
#include "core/base/error.h"
#include "core/http/session.h"
#include "core/library/drive.h"
#include "core/library/library.h"
#include "core/request/restore.h"
#include "core/source/reference.h"

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

static void
close_if_idle (DrayManager *self)
{
  g_autoptr (GTask) task = NULL;

  if (self->closing == NULL || self->jobs->len > 0 || self->n_operations > 0)
    return;

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

/* The list holds a reference, so the borrowed pointer stays good while the request is in it. */
static DrayRequest *
get_request (DrayManager *self, guint position)
{
  g_autoptr (DrayRequest) request
      = g_list_model_get_item (G_LIST_MODEL (self->requests), position);

  return request;
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
      DrayRequest *request = get_request (self, i);

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

/* A request that came while its job was ending waited for that end; now it runs. */
static void
run_waiting (DrayManager *self, gint64 asset_id)
{
  guint n_requests = g_list_model_get_n_items (G_LIST_MODEL (self->requests));

  for (guint i = 0; i < n_requests && self->closing == NULL; i++)
    {
      DrayRequest *request = get_request (self, i);

      if (dray_request_get_record (request)->asset_id == asset_id
          && dray_request_is_running (request))
        dray_manager_run (self, request, NULL, FALSE);
    }
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
  close_if_idle (self);
}

/* Runs a request: joins the job of its asset, or begins one. While that job is being cancelled
 * the request waits for its end. */
void
dray_manager_run (DrayManager *self,
                  DrayRequest *request,
                  const char *token,
                  gboolean restart_changed)
{
  gint64 asset_id = dray_request_get_record (request)->asset_id;
  DrayDownloadJob *job = dray_manager_find_job (self, asset_id);

  if (job != NULL)
    {
      if (!dray_download_job_is_cancelled (job))
        dray_download_job_add (job, request);
      return;
    }

  job = dray_download_job_new (&self->engine,
                               dray_asset_table_find (self->engine.assets, asset_id));
  g_ptr_array_add (self->jobs, job);
  dray_download_job_set_token (job, token);
  dray_download_job_set_restart_changed (job, restart_changed);
  dray_download_job_add (job, request);
  dray_download_job_run_async (job, job_ended_cb, g_object_ref (self));

  if (self->sample_source == 0)
    self->sample_source = g_timeout_add (SAMPLE_INTERVAL, sample_cb, self);
}

static DrayStoredAsset *
add_asset (DrayManager *self,
           const DrayReference *reference,
           const char *directory,
           const char *sha256)
{
  DrayStoredAsset *asset = dray_stored_asset_new ();
  DrayAssetRecord *record = &asset->record;

  record->id = dray_catalog_reserve_asset_id (self->engine.catalog);
  record->model_id = g_strdup (reference->model_id);
  record->directory = g_strdup (directory);
  record->url = g_strdup (reference->url);
  record->download_key = dray_download_key_new (reference->url, sha256);
  record->expected_sha256 = g_strdup (sha256);
  record->created_at = g_get_real_time () / G_USEC_PER_SEC;
  dray_asset_table_add (self->engine.assets, asset);

  return asset;
}

/* The asset that the same call began earlier: its bytes are kept, its link and its digest are those
 * of the new call, which knows better. */
static DrayStoredAsset *
find_or_add_asset (DrayManager *self,
                   const DrayReference *reference,
                   const char *directory,
                   const char *sha256)
{
  DrayStoredAsset *asset = dray_asset_table_find_download (self->engine.assets, reference->url,
                                                           sha256, directory, FALSE);

  if (asset == NULL)
    return add_asset (self, reference, directory, sha256);
  if (dray_manager_find_job (self, asset->record.id) != NULL)
    return asset;

  g_free (asset->record.url);
  asset->record.url = g_strdup (reference->url);
  if (sha256 != NULL)
    {
      g_free (asset->record.expected_sha256);
      g_free (asset->record.download_key);
      asset->record.expected_sha256 = g_strdup (sha256);
      asset->record.download_key = dray_download_key_new (reference->url, sha256);
    }

  return asset;
}

/* The same call by the same caller takes the place of what that caller paused, or saw fail. */
static void
replace_earlier (DrayManager *self,
                 DrayCatalogChange *change,
                 const DrayStoredAsset *asset,
                 const char *caller)
{
  guint position = 0;

  while (position < g_list_model_get_n_items (G_LIST_MODEL (self->requests)))
    {
      DrayRequest *earlier = get_request (self, position);
      const DrayRequestRecord *record = dray_request_get_record (earlier);

      if (record->asset_id != asset->record.id || !g_str_equal (record->caller, caller)
          || dray_request_is_running (earlier))
        {
          position++;
          continue;
        }

      dray_catalog_change_delete_request (change, record->id);
      g_list_store_remove (self->requests, position);
    }
}

static DrayRequest *
add_request (DrayManager *self,
             const char *source,
             const DrayReference *reference,
             const DrayStoredAsset *asset,
             const DrayDownloadOptions *options)
{
  g_autoptr (DrayRequestRecord) record = dray_request_record_new ();
  DrayRequest *request;

  record->id = g_uuid_string_random ();
  record->kind = g_strdup ("download");
  record->source = g_strdup (source);
  record->model_id = g_strdup (reference->model_id);
  record->asset_id = asset->record.id;
  record->caller = g_strdup (options->caller);
  record->state = g_strdup (dray_request_state_get_name (DRAY_REQUEST_RESOLVING));
  record->directory = g_strdup (options->directory);
  record->expected_sha256 = g_strdup (asset->record.expected_sha256);
  record->created_at = g_get_real_time () / G_USEC_PER_SEC;

  request = dray_request_new (record);
  dray_request_set_asset (request, asset);
  g_list_store_append (self->requests, request);
  g_object_unref (request);

  return request;
}

static void
store (DrayManager *self,
       DrayCatalogChange *change,
       const DrayShelf *shelf,
       const DrayStoredAsset *asset,
       DrayRequest *request)
{
  g_autoptr (DrayModelRecord) model
      = dray_model_record_new (asset->record.model_id, shelf->publisher, shelf->model);

  dray_catalog_change_put_model (change, model);
  dray_catalog_change_put_asset (change, &asset->record);
  dray_catalog_change_put_request (change, dray_request_get_record (request));
  dray_catalog_write_async (self->engine.catalog, change, DRAY_DURABILITY_PROCESS,
                            dray_engine_report, NULL);
}

/**
 * dray_manager_download_asset:
 * @self: an open manager
 * @source: what a person typed or dropped
 * @options: the caller's wishes
 * @error: return location for a #GError
 *
 * Asks for a file. The request has its id at once, before anything happens on the network; the
 * file comes later (dray_request_await_async()). Where the same call began earlier, its bytes are
 * taken up.
 *
 * Errors: %DRAY_ERROR_INVALID_SOURCE if @source or the digest is not understood,
 * %DRAY_ERROR_CANCELLED if the manager is closing.
 *
 * Returns: (transfer none) (nullable): the request, which the manager's list holds
 */
DrayRequest *
dray_manager_download_asset (DrayManager *self,
                             const char *source,
                             const DrayDownloadOptions *options,
                             GError **error)
{
  g_autoptr (DrayReference) reference = NULL;
  g_autofree char *sha256 = NULL;
  g_autofree char *directory = NULL;
  g_auto (DrayShelf) shelf = { 0 };
  DrayCatalogChange *change;
  DrayStoredAsset *asset;
  DrayRequest *request;

  g_return_val_if_fail (DRAY_IS_MANAGER (self), NULL);
  g_return_val_if_fail (self->engine.catalog != NULL, NULL);

  reference = dray_reference_parse (source, error);
  if (reference == NULL)
    return NULL;
  if (options->sha256 != NULL && (sha256 = dray_digest_normalise_hex (options->sha256)) == NULL)
    {
      g_set_error (error, DRAY_ERROR, DRAY_ERROR_INVALID_SOURCE,
                   "“%s” is not a SHA-256: 64 hexadecimal digits are", options->sha256);
      return NULL;
    }
  if (self->closing != NULL)
    {
      g_set_error_literal (error, DRAY_ERROR, DRAY_ERROR_CANCELLED, "Dray is closing");
      return NULL;
    }

  dray_shelf_init_for_link (&shelf, reference->url);
  directory = options->directory != NULL ? g_strdup (options->directory)
                                         : dray_shelf_get_directory (&shelf, self->library_root);
  asset = find_or_add_asset (self, reference, directory, sha256);
  change = dray_catalog_change_new ();
  replace_earlier (self, change, asset, options->caller);
  request = add_request (self, source, reference, asset, options);
  store (self, change, &shelf, asset, request);
  dray_manager_run (self, request, options->token, options->restart_changed);

  return request;
}

/**
 * dray_manager_resume:
 * @self: an open manager
 * @id: the id of a request
 * @error: return location for a #GError
 *
 * Runs a paused or failed request again, under the same id. One that runs goes on.
 *
 * Errors: %DRAY_ERROR_NOT_FOUND if there is no such request, or it has completed.
 *
 * Returns: whether it runs
 */
gboolean
dray_manager_resume (DrayManager *self, const char *id, GError **error)
{
  DrayRequest *request;

  g_return_val_if_fail (DRAY_IS_MANAGER (self), FALSE);
  g_return_val_if_fail (self->engine.catalog != NULL, FALSE);

  request = dray_manager_find_request (self, id);
  if (request == NULL || dray_request_get_state (request) == DRAY_REQUEST_COMPLETED)
    {
      g_set_error (error, DRAY_ERROR, DRAY_ERROR_NOT_FOUND, "No unfinished download has the id %s",
                   id);
      return FALSE;
    }
  if (dray_request_is_running (request))
    return TRUE;

  dray_request_set_state (request, DRAY_REQUEST_RESOLVING);
  dray_engine_put_request (&self->engine, request);
  dray_manager_run (self, request, NULL, FALSE);
  return TRUE;
}
