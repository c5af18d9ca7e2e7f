/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Deleting the partial file of an asset that nobody wants. */

#include "core/request/manager-private.h"

#include "core/transfer/partial-file.h"

/* One discard under way. */
typedef struct
{
  DrayManager *manager;
  GTask *task;
  gint64 asset_id;
  guint64 device;
  char *directory;
  char *name;
  GError *error;
} Discard;

static void
discard_ended (Discard *discard)
{
  DrayManager *self = discard->manager;

  g_task_return_boolean (discard->task, TRUE);
  g_object_unref (discard->task);
  g_clear_error (&discard->error);
  g_free (discard->directory);
  g_free (discard->name);
  g_free (discard);

  dray_manager_pump_soon (self);
  dray_manager_end_operation (self);
  g_object_unref (self);
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
  DrayEngine *engine = &discard->manager->engine;
  DrayCatalogChange *change;

  if (discard->error != NULL)
    {
      /* The row stays "discarding", and the next start tries again. */
      g_warning ("%s", discard->error->message);
      discard_ended (discard);
      return;
    }

  dray_asset_table_remove (engine->assets,
                           dray_asset_table_find (engine->assets, discard->asset_id));
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

  dray_worker_push (dray_disks_get (discard->manager->engine.disks, discard->device),
                    delete_in_thread, deleted_cb, discard);
}

/**
 * dray_manager_discard_asset_async:
 * @self: an open manager
 * @asset: an asset that lacks bytes, that nobody wants and nothing moves
 * @change: (transfer full): what is to be recorded together with it
 * @callback: called in the main thread when the partial file is gone
 * @user_data: for @callback
 *
 * That no byte counts any more is durable before the file goes: its name and its inode may be given
 * out again at once, and a catalog that lost the news would believe the old offsets of another
 * file.
 */
void
dray_manager_discard_asset_async (DrayManager *self,
                                  DrayStoredAsset *asset,
                                  DrayCatalogChange *change,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  Discard *discard = g_new0 (Discard, 1);

  g_assert (asset->record.external == NULL);

  discard->manager = g_object_ref (self);
  discard->task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (discard->task, dray_manager_discard_asset_async);
  discard->asset_id = asset->record.id;
  discard->device = asset->record.identity.device;
  discard->directory = g_strdup (asset->record.directory);
  discard->name = g_strdup (asset->record.name);
  dray_manager_begin_operation (self);

  asset->record.state = DRAY_ASSET_DISCARDING;
  g_array_set_size (asset->pieces, 0);
  g_array_set_size (asset->blocks, 0);
  dray_catalog_change_put_asset (change, &asset->record);
  dray_catalog_change_put_pieces (change, asset->record.id, NULL, 0);
  dray_catalog_change_put_blocks (change, asset->record.id, 0, NULL, 0);
  dray_catalog_write_async (self->engine.catalog, change, DRAY_DURABILITY_MACHINE, marked_cb,
                            discard);
}

void
dray_manager_discard_asset_finish (DrayManager *self, GAsyncResult *result)
{
  g_assert (g_task_is_valid (result, self));

  g_task_propagate_boolean (G_TASK (result), NULL);
}

/**
 * dray_manager_forget_empty_asset:
 * @self: an open manager
 * @asset_id: the id of an asset
 *
 * Forgets an asset for which nothing was ever written, if nobody wants it any more.
 */
void
dray_manager_forget_empty_asset (DrayManager *self, gint64 asset_id)
{
  DrayStoredAsset *asset = dray_asset_table_find (self->engine.assets, asset_id);
  DrayCatalogChange *change;

  if (asset == NULL || asset->record.state != DRAY_ASSET_FETCHING || asset->record.name != NULL
      || dray_manager_is_wanted (self, asset_id))
    return;

  change = dray_catalog_change_new ();
  dray_catalog_change_delete_asset (change, asset_id);
  dray_catalog_write_async (self->engine.catalog, change, DRAY_DURABILITY_PROCESS,
                            dray_engine_report, NULL);
  dray_asset_table_remove (self->engine.assets, asset);
}
