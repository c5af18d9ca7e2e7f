/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/request/engine.h"

/* A callback for writes that nobody waits for. */
void
dray_engine_report (G_GNUC_UNUSED GObject *source,
                    GAsyncResult *result,
                    G_GNUC_UNUSED gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (!dray_catalog_write_finish (result, &error))
    g_warning ("Could not write to the catalog: %s", error->message);
}

static gpointer
copy_object (gconstpointer object, G_GNUC_UNUSED gpointer user_data)
{
  return g_object_ref ((gpointer) object);
}

/* A copy of a list of objects that may change while it is walked over. */
GPtrArray *
dray_engine_snapshot (GPtrArray *objects)
{
  GPtrArray *snapshot = g_ptr_array_copy (objects, copy_object, NULL);

  g_ptr_array_set_free_func (snapshot, g_object_unref);
  return snapshot;
}

/* The list holds a reference, so the borrowed pointer stays good while the request is in it. */
DrayRequest *
dray_engine_get_request (DrayEngine *engine, guint position)
{
  g_autoptr (DrayRequest) request
      = g_list_model_get_item (G_LIST_MODEL (engine->requests), position);

  return request;
}

/* The asset that a request waits for or has got; NULL for a parent. */
DrayStoredAsset *
dray_engine_get_asset (DrayEngine *engine, DrayRequest *request)
{
  return dray_asset_table_find (engine->assets, dray_request_get_record (request)->asset_id);
}

/* Whether a finished file is where a caller wants it. Who asked for no folder of its own is content
 * with another program's file where that program keeps it. */
gboolean
dray_engine_is_in_place (DrayEngine *engine, const DrayStoredAsset *asset, const char *directory)
{
  return directory == NULL || g_str_equal (directory, asset->record.directory)
         || (asset->record.external != NULL
             && dray_library_is_shelf (engine->library_root, directory));
}

void
dray_engine_put_request (DrayEngine *engine, DrayRequest *request)
{
  DrayCatalogChange *change = dray_catalog_change_new ();

  dray_catalog_change_put_request (change, dray_request_get_record (request));
  dray_catalog_write_async (engine->catalog, change, DRAY_DURABILITY_PROCESS,
                            dray_engine_report, NULL);
}

void
dray_engine_put_setting (DrayEngine *engine, const char *name, const char *value)
{
  DrayCatalogChange *change = dray_catalog_change_new ();

  dray_catalog_change_put_setting (change, name, value);
  dray_catalog_write_async (engine->catalog, change, DRAY_DURABILITY_PROCESS,
                            dray_engine_report, NULL);
}

/* Settles a request with the figures of its asset, and records how before anybody hears of it: they
 * may run it again, or have it forgotten. */
void
dray_engine_settle (DrayEngine *engine,
                    DrayRequest *request,
                    DrayRequestState state,
                    const GError *error)
{
  const DrayStoredAsset *asset = dray_engine_get_asset (engine, request);
  G_GNUC_UNUSED g_autoptr (DrayRequest) alive = g_object_ref (request);
  g_autoptr (GPtrArray) waiters = NULL;

  g_object_freeze_notify (G_OBJECT (request));
  if (asset != NULL)
    dray_request_set_asset (request, asset);
  waiters = dray_request_settle (request, state, error);
  dray_engine_put_request (engine, request);
  g_object_thaw_notify (G_OBJECT (request));

  for (guint i = 0; i < waiters->len; i++)
    dray_request_answer (request, g_ptr_array_index (waiters, i), state, error);
}
