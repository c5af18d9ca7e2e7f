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

void
dray_engine_put_request (DrayEngine *engine, DrayRequest *request)
{
  DrayCatalogChange *change = dray_catalog_change_new ();

  dray_catalog_change_put_request (change, dray_request_get_record (request));
  dray_catalog_write_async (engine->catalog, change, DRAY_DURABILITY_PROCESS,
                            dray_engine_report, NULL);
}

/* Settles a request with the figures of its asset, and records how. */
void
dray_engine_settle (DrayEngine *engine,
                    DrayRequest *request,
                    DrayRequestState state,
                    const GError *error)
{
  DrayStoredAsset *asset
      = dray_asset_table_find (engine->assets, dray_request_get_record (request)->asset_id);

  if (asset != NULL)
    dray_request_set_asset (request, asset);
  dray_request_settle (request, state, error);
  dray_engine_put_request (engine, request);
}
