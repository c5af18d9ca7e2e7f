/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/request/restore.h"

#include "core/request/facts.h"
#include "core/transfer/partial-file.h"

/* One asset that a crash caught between two steps. */
typedef struct
{
  DrayStoredAsset *asset;
  char *directory;
  char *name;
  DrayAssetState state;
  DrayFileIdentity identity;
  gint64 total;
  gboolean ended; /* finished or deleted, as the state wanted */
} Interrupted;

typedef struct
{
  DrayEngine *engine;
  DrayCatalogContents *contents;
  gboolean resumes;
  GPtrArray *interrupted; /* of Interrupted */
  GTask *task;
} Restore;

static void
interrupted_free (Interrupted *interrupted)
{
  g_free (interrupted->directory);
  g_free (interrupted->name);
  g_free (interrupted);
}

static void
restore_free (Restore *restore)
{
  g_clear_pointer (&restore->contents, dray_catalog_contents_free);
  g_ptr_array_unref (restore->interrupted);
  g_object_unref (restore->task);
  g_free (restore);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Restore, restore_free)

static void
look_in_thread (gpointer data)
{
  Restore *restore = data;

  for (guint i = 0; i < restore->interrupted->len; i++)
    {
      Interrupted *interrupted = g_ptr_array_index (restore->interrupted, i);
      gint64 size;

      if (interrupted->name == NULL)
        interrupted->ended = interrupted->state == DRAY_ASSET_DISCARDING;
      else if (interrupted->state == DRAY_ASSET_DISCARDING)
        interrupted->ended
            = dray_partial_file_discard (interrupted->directory, interrupted->name, NULL);
      else
        interrupted->ended
            = dray_partial_file_find (interrupted->directory, interrupted->name,
                                      &interrupted->identity, &size)
                  == DRAY_PARTIAL_FINISHED
              && size == interrupted->total
              && dray_partial_file_sync_directory (interrupted->directory, NULL);
    }
}

/* A rename that was made is kept, one that was not is undone: the file is whole and synced, so the
 * next run only hashes it again. A deletion that cannot be made now is tried at the next start. */
static void
settle_interrupted (Restore *restore, DrayCatalogChange *change)
{
  for (guint i = 0; i < restore->interrupted->len; i++)
    {
      Interrupted *interrupted = g_ptr_array_index (restore->interrupted, i);
      DrayAssetRecord *record = &interrupted->asset->record;

      if (interrupted->state == DRAY_ASSET_DISCARDING)
        {
          if (!interrupted->ended)
            continue;
          dray_catalog_change_delete_asset (change, record->id);
          dray_asset_table_remove (restore->engine->assets, interrupted->asset);
          continue;
        }

      record->state = interrupted->ended ? DRAY_ASSET_COMPLETE : DRAY_ASSET_FETCHING;
      record->completed_at = interrupted->ended ? g_get_real_time () / G_USEC_PER_SEC : 0;
      if (!interrupted->ended)
        g_clear_pointer (&record->sha256, g_free);
      dray_catalog_change_put_asset (change, record);
    }
}

/* Whether nothing was left to do for a request when the program ended: its file is finished, and it
 * lies where the caller wanted it. */
static gboolean
is_done (DrayEngine *engine, const DrayRequestRecord *record, const DrayStoredAsset *asset)
{
  return asset != NULL && asset->record.state == DRAY_ASSET_COMPLETE
         && g_str_equal (record->kind, "download")
         && dray_engine_is_in_place (engine, asset, record->directory)
         && (record->expected_sha256 == NULL
             || g_strcmp0 (record->expected_sha256, asset->record.sha256) == 0);
}

/* Where a child failed, its parent was about to, and gets the same words. */
static gboolean
has_failed_child (DrayCatalogContents *contents, DrayRequestRecord *record)
{
  for (guint i = 0; i < contents->requests->len; i++)
    {
      const DrayRequestRecord *child = g_ptr_array_index (contents->requests, i);

      if (g_strcmp0 (child->parent_id, record->id) != 0 || !g_str_equal (child->state, "failed"))
        continue;

      g_free (record->error_name);
      g_free (record->error_message);
      record->error_name = g_strdup (child->error_name);
      record->error_message = g_strdup (child->error_message);
      return TRUE;
    }

  return FALSE;
}

/* What a finished load has read. */
static void
show_facts (DrayCatalogContents *contents, DrayRequest *request)
{
  for (guint i = 0; i < contents->facts->len; i++)
    {
      const DrayFactsRecord *record = g_ptr_array_index (contents->facts, i);
      g_autoptr (DrayModelFacts) facts = NULL;

      if (!g_str_equal (record->model_id, dray_request_get_model_id (request))
          || dray_request_get_state (request) != DRAY_REQUEST_COMPLETED
          || !g_str_equal (dray_request_get_kind (request), "load"))
        continue;

      facts = dray_facts_from_record (record);
      if (facts != NULL)
        dray_request_set_facts (request, facts);
    }
}

/* A request that ran when the program ended runs again or is shown paused, or is complete. */
static void
restore_request (Restore *restore, DrayRequestRecord *record, DrayCatalogChange *change)
{
  DrayStoredAsset *asset = dray_asset_table_find (restore->engine->assets, record->asset_id);
  g_autoptr (DrayRequest) request = NULL;
  DrayRequestState state;
  gboolean ran;

  if (!dray_request_state_from_name (record->state, &state))
    state = DRAY_REQUEST_PAUSED;
  ran = dray_request_state_is_running (state)
        || (state == DRAY_REQUEST_PAUSED && record->resumes && restore->resumes);
  if (ran)
    {
      if (is_done (restore->engine, record, asset))
        state = DRAY_REQUEST_COMPLETED;
      else if (!restore->resumes && has_failed_child (restore->contents, record))
        state = DRAY_REQUEST_FAILED;
      else
        state = restore->resumes ? DRAY_REQUEST_RESOLVING : DRAY_REQUEST_PAUSED;
      record->resumes = state == DRAY_REQUEST_PAUSED;
      g_free (record->state);
      record->state = g_strdup (dray_request_state_get_name (state));
      dray_catalog_change_put_request (change, record);
    }
  if (record->directory == NULL && asset != NULL)
    record->directory = g_strdup (asset->record.directory);

  request = dray_request_new (record);
  if (asset != NULL)
    dray_request_set_asset (request, asset);
  show_facts (restore->contents, request);
  g_list_store_append (restore->engine->requests, request);
}

static void
looked_cb (gpointer data)
{
  g_autoptr (Restore) restore = data;
  DrayCatalogChange *change = dray_catalog_change_new ();

  settle_interrupted (restore, change);
  for (guint i = 0; i < restore->contents->requests->len; i++)
    restore_request (restore, g_ptr_array_index (restore->contents->requests, i), change);
  dray_catalog_write_async (restore->engine->catalog, change, DRAY_DURABILITY_PROCESS,
                            dray_engine_report, NULL);

  g_task_return_boolean (restore->task, TRUE);
}

static void
add_interrupted (Restore *restore, DrayStoredAsset *asset)
{
  const DrayAssetRecord *record = &asset->record;
  Interrupted *interrupted = g_new0 (Interrupted, 1);

  interrupted->asset = asset;
  interrupted->directory = g_strdup (record->directory);
  interrupted->name = g_strdup (record->name);
  interrupted->state = record->state;
  interrupted->identity = record->identity;
  interrupted->total = record->total;
  g_ptr_array_add (restore->interrupted, interrupted);
}

/**
 * dray_restore_async:
 * @engine: the manager's, with an open catalog and no assets
 * @contents: (transfer full): what the catalog holds
 * @resumes: whether what ran when the program ended is to run again, rather than to be paused
 * @callback: called in the main thread when all is in its place
 * @user_data: for @callback
 */
void
dray_restore_async (DrayEngine *engine,
                    DrayCatalogContents *contents,
                    gboolean resumes,
                    GAsyncReadyCallback callback,
                    gpointer user_data)
{
  Restore *restore = g_new0 (Restore, 1);

  restore->engine = engine;
  restore->contents = contents;
  restore->resumes = resumes;
  restore->interrupted = g_ptr_array_new_with_free_func ((GDestroyNotify) interrupted_free);
  restore->task = g_task_new (engine->requests, NULL, callback, user_data);
  g_task_set_source_tag (restore->task, dray_restore_async);

  g_ptr_array_set_free_func (contents->assets, NULL);
  for (guint i = 0; i < contents->assets->len; i++)
    {
      DrayStoredAsset *asset = g_ptr_array_index (contents->assets, i);

      dray_asset_table_add (engine->assets, asset);
      if (asset->record.external == NULL
          && (asset->record.state == DRAY_ASSET_FINISHING
              || asset->record.state == DRAY_ASSET_DISCARDING))
        add_interrupted (restore, asset);
    }

  dray_worker_push (dray_disks_get_scout (engine->disks), look_in_thread, looked_cb, restore);
}

void
dray_restore_finish (GAsyncResult *result)
{
  g_task_propagate_boolean (G_TASK (result), NULL);
}

static const DrayStoredAsset *
find_asset (DrayCatalogContents *contents, gint64 id)
{
  for (guint i = 0; i < contents->assets->len; i++)
    {
      DrayStoredAsset *asset = g_ptr_array_index (contents->assets, i);

      if (asset->record.id == id)
        return asset;
    }

  return NULL;
}

/**
 * dray_restore_read:
 * @catalog_path: the catalog's file
 * @requests: (element-type DrayRequest): where the requests go
 * @error: return location for a #GError
 *
 * Reads the rows of a catalog that another process works on, to be shown and nothing else. Blocks
 * for the time of a few reads.
 *
 * Returns: whether it could be read
 */
gboolean
dray_restore_read (const char *catalog_path, GListStore *requests, GError **error)
{
  g_autoptr (DrayCatalogContents) contents = dray_catalog_read (catalog_path, error);

  if (contents == NULL)
    return FALSE;

  for (guint i = 0; i < contents->requests->len; i++)
    {
      DrayRequestRecord *record = g_ptr_array_index (contents->requests, i);
      const DrayStoredAsset *asset = find_asset (contents, record->asset_id);
      g_autoptr (DrayRequest) request = dray_request_new (record);

      if (asset != NULL)
        dray_request_set_asset (request, asset);
      g_list_store_append (requests, request);
    }

  return TRUE;
}
