/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/request/already-here.h"

#include "core/base/download-key.h"
#include "core/base/lock.h"
#include "core/library/file-name.h"

/* A file that Dray has finished. */
typedef struct
{
  gint64 asset_id;
  char *path;
  DrayFinishedFile finished;
} Known;

struct _DrayAlreadyHere
{
  GObject parent_instance;

  DrayEngine *engine;
  char *sha256;
  gint64 size; /* in bytes; DRAY_SIZE_UNKNOWN */
  char *name;
  GPtrArray *known; /* of Known, the one in the asset's own folder first */
  GCancellable *cancellable;
  DrayWorker *worker; /* while it runs */
  GTask *task;

  gint64 known_id;      /* what was found: one of ours, or 0 */
  DrayStoreFile *found; /* or another program's, or NULL */

  DrayLock lock;
  gint64 hashing; /* the size of the file that is being read; 0 for none; under the lock */
  gint64 hashed;  /* how much of it has been read; under the lock */
  gint64 since;   /* monotonic time in microseconds; under the lock */
};

G_DEFINE_FINAL_TYPE (DrayAlreadyHere, dray_already_here, G_TYPE_OBJECT)

static void
known_free (Known *known)
{
  g_free (known->path);
  g_free (known);
}

static void
dray_already_here_finalize (GObject *object)
{
  DrayAlreadyHere *self = DRAY_ALREADY_HERE (object);

  g_assert (self->worker == NULL);

  g_clear_pointer (&self->found, dray_store_file_free);
  g_clear_object (&self->cancellable);
  g_ptr_array_unref (self->known);
  g_free (self->sha256);
  g_free (self->name);
  dray_lock_clear (&self->lock);

  G_OBJECT_CLASS (dray_already_here_parent_class)->finalize (object);
}

static void
dray_already_here_class_init (DrayAlreadyHereClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = dray_already_here_finalize;
}

static void
dray_already_here_init (DrayAlreadyHere *self)
{
  self->known = g_ptr_array_new_with_free_func ((GDestroyNotify) known_free);
  dray_lock_init (&self->lock);
}

/**
 * dray_already_here_is_sensible:
 * @asset: an asset whose job is about to run
 *
 * Returns: whether its digest is known, nothing speaks against it, and nothing was fetched yet
 */
gboolean
dray_already_here_is_sensible (const DrayStoredAsset *asset)
{
  const DrayAssetRecord *record = &asset->record;
  const char *promise = dray_stored_asset_get_promise (asset);
  g_autofree char *key = NULL;

  if (record->expected_sha256 == NULL || record->name != NULL)
    return FALSE;

  key = dray_download_key_new (NULL, record->expected_sha256);
  return promise == NULL || g_str_equal (promise, key);
}

static void
add_known (DrayAlreadyHere *self, const char *directory)
{
  DrayAssetTable *assets = self->engine->assets;

  for (guint i = 0; i < dray_asset_table_get_size (assets); i++)
    {
      const DrayStoredAsset *asset = dray_asset_table_get (assets, i);
      Known *known;

      if (asset->record.state != DRAY_ASSET_COMPLETE
          || g_strcmp0 (asset->record.sha256, self->sha256) != 0)
        continue;

      known = g_new0 (Known, 1);
      known->asset_id = asset->record.id;
      known->path = dray_stored_asset_get_path (asset);
      known->finished = dray_stored_asset_get_finished (asset);
      g_ptr_array_insert (self->known, g_str_equal (asset->record.directory, directory) ? 0 : -1,
                          known);
    }
}

/**
 * dray_already_here_new:
 * @engine: the manager's; must outlive the look
 * @asset: an asset for which dray_already_here_is_sensible()
 *
 * Returns: (transfer full): a look that has not run
 */
DrayAlreadyHere *
dray_already_here_new (DrayEngine *engine, const DrayStoredAsset *asset)
{
  DrayAlreadyHere *self = g_object_new (DRAY_TYPE_ALREADY_HERE, NULL);
  const DrayAssetRecord *record = &asset->record;

  self->engine = engine;
  self->sha256 = g_strdup (record->expected_sha256);
  self->size = record->total;
  self->name = record->planned_name != NULL ? g_strdup (record->planned_name)
                                            : dray_file_name_from_url (record->url);
  add_known (self, record->directory);

  return self;
}

static gboolean
find_known (DrayAlreadyHere *self)
{
  for (guint i = 0; i < self->known->len; i++)
    {
      const Known *known = g_ptr_array_index (self->known, i);

      if (!dray_library_has_file (known->path, &known->finished))
        continue;
      self->known_id = known->asset_id;
      return TRUE;
    }

  return FALSE;
}

static void
set_hashing (DrayAlreadyHere *self, gint64 size)
{
  dray_lock_acquire (&self->lock);
  self->hashing = size;
  self->hashed = 0;
  self->since = g_get_monotonic_time ();
  dray_lock_release (&self->lock);
}

static void
advanced_cb (gint64 done, gpointer user_data)
{
  DrayAlreadyHere *self = user_data;

  dray_lock_acquire (&self->lock);
  self->hashed = done;
  dray_lock_release (&self->lock);
}

/* What cannot be read is not here. */
static gboolean
is_right (DrayAlreadyHere *self, const DrayStoreFile *file)
{
  g_autofree char *sha256 = NULL;

  set_hashing (self, file->facts.size);
  sha256 = dray_file_digests_compute (self->engine->digests, file->path, &file->facts, advanced_cb,
                                      self, self->cancellable, NULL);
  set_hashing (self, 0);

  return g_strcmp0 (sha256, self->sha256) == 0;
}

static void
look_in_thread (gpointer data)
{
  DrayAlreadyHere *self = data;
  DrayStoreQuery query = { self->sha256, self->size, self->name };
  g_autoptr (GPtrArray) files = NULL;

  if (find_known (self))
    return;

  files = dray_stores_find (self->engine->stores, &query, self->cancellable);
  for (guint i = 0; i < files->len && self->found == NULL; i++)
    if (!g_cancellable_is_cancelled (self->cancellable)
        && is_right (self, g_ptr_array_index (files, i)))
      self->found = g_ptr_array_steal_index (files, i);
}

static void
looked_cb (gpointer data)
{
  DrayAlreadyHere *self = data;
  g_autoptr (GTask) task = g_steal_pointer (&self->task);

  g_ptr_array_add (self->engine->readers, g_steal_pointer (&self->worker));
  g_task_return_boolean (task, self->known_id != 0 || self->found != NULL);
}

/**
 * dray_already_here_run_async:
 * @self: a look that has not run
 * @cancellable: ends it within milliseconds
 * @callback: called in the main thread
 * @user_data: for @callback
 */
void
dray_already_here_run_async (DrayAlreadyHere *self,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  GPtrArray *readers = self->engine->readers;

  g_assert (self->task == NULL);

  self->cancellable = g_object_ref (cancellable);
  self->task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (self->task, dray_already_here_run_async);
  self->worker = readers->len > 0 ? g_ptr_array_steal_index (readers, readers->len - 1)
                                  : dray_worker_new ("dray-reader");
  dray_worker_push (self->worker, look_in_thread, looked_cb, self);
}

/**
 * dray_already_here_run_finish:
 * @self: a look
 * @result: as given to the callback
 * @error: return location for a #GError
 *
 * Errors: %G_IO_ERROR_CANCELLED and no other.
 *
 * Returns: whether the file is here; %FALSE without an error if it is not
 */
gboolean
dray_already_here_run_finish (DrayAlreadyHere *self, GAsyncResult *result, GError **error)
{
  g_assert (g_task_is_valid (result, self));

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* The row of another program's file that an earlier look has found, which has changed since. */
static DrayStoredAsset *
find_row (DrayAlreadyHere *self, const char *directory, const char *name)
{
  DrayAssetTable *assets = self->engine->assets;

  for (guint i = 0; i < dray_asset_table_get_size (assets); i++)
    {
      DrayStoredAsset *row = dray_asset_table_get (assets, i);

      if (row->record.external != NULL && g_str_equal (row->record.sha256, self->sha256)
          && g_str_equal (row->record.directory, directory)
          && g_str_equal (row->record.name, name))
        return row;
    }

  return NULL;
}

static DrayStoredAsset *
add_row (DrayAlreadyHere *self, const DrayStoredAsset *asset)
{
  DrayStoredAsset *row = dray_stored_asset_new ();
  DrayAssetRecord *record = &row->record;

  record->id = dray_catalog_reserve_asset_id (self->engine->catalog);
  record->model_id = g_strdup (asset->record.model_id);
  record->url = g_strdup (asset->record.url);
  record->planned_name = g_strdup (asset->record.planned_name);
  record->download_key = dray_download_key_new (NULL, self->sha256);
  record->expected_sha256 = g_strdup (self->sha256);
  record->sha256 = g_strdup (self->sha256);
  record->directory = g_path_get_dirname (self->found->path);
  record->name = g_path_get_basename (self->found->path);
  record->external = g_strdup (self->found->program);
  record->state = DRAY_ASSET_COMPLETE;
  record->length_proven = TRUE;
  record->created_at = g_get_real_time () / G_USEC_PER_SEC;
  dray_asset_table_add (self->engine->assets, row);

  return row;
}

/**
 * dray_already_here_adopt:
 * @self: a look that has found the file
 * @asset: the asset that it looked for
 *
 * Another program's file becomes a finished asset where it is. It gets no name from the link: only
 * who names the digest has said what the bytes are.
 *
 * Returns: the id of the finished asset
 */
gint64
dray_already_here_adopt (DrayAlreadyHere *self, const DrayStoredAsset *asset)
{
  g_autofree char *directory = NULL;
  g_autofree char *name = NULL;
  DrayCatalogChange *change;
  DrayStoredAsset *row;

  if (self->known_id != 0)
    return self->known_id;

  directory = g_path_get_dirname (self->found->path);
  name = g_path_get_basename (self->found->path);
  row = find_row (self, directory, name);
  if (row == NULL)
    row = add_row (self, asset);

  row->record.total = self->found->facts.size;
  row->record.identity = (DrayFileIdentity){
    .device = self->found->facts.device,
    .inode = self->found->facts.inode,
  };
  row->record.external_modified = self->found->facts.modified;
  row->record.completed_at = g_get_real_time () / G_USEC_PER_SEC;

  change = dray_catalog_change_new ();
  dray_catalog_change_put_asset (change, &row->record);
  dray_catalog_write_async (self->engine->catalog, change, DRAY_DURABILITY_PROCESS,
                            dray_engine_report, NULL);
  return row->record.id;
}

/**
 * dray_already_here_sample:
 * @self: a look
 * @progress: (out): how far the reading is
 *
 * Returns: whether a file is being read
 */
gboolean
dray_already_here_sample (DrayAlreadyHere *self, DrayTransferProgress *progress)
{
  gint64 size, done, since;

  dray_lock_acquire (&self->lock);
  size = self->hashing;
  done = self->hashed;
  since = self->since;
  dray_lock_release (&self->lock);

  *progress = (DrayTransferProgress){
    .state = DRAY_TRANSFER_VERIFYING,
    .downloaded = done,
    .total = size,
    .verified = done,
    .eta = done > 0 ? (gint64) ((double) (size - done) / (double) done
                                * (double) (g_get_monotonic_time () - since) / G_USEC_PER_SEC)
                    : -1,
  };
  return size > 0;
}
