/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Running again what was paused, or has failed. */

#include "core/request/manager-private.h"

#include "core/base/download-key.h"
#include "core/base/error.h"

/* Runs a paused or failed request again. Whoever hears of it may pause it at once, so it is in the
 * queue before. */
void
dray_manager_run_again (DrayManager *self, DrayRequest *request)
{
  gboolean parent = dray_request_is_parent (request);

  g_object_freeze_notify (G_OBJECT (request));
  dray_request_set_state (request, DRAY_REQUEST_RESOLVING);
  dray_engine_put_request (&self->engine, request);
  if (!parent)
    dray_manager_enqueue (self, request);
  g_object_thaw_notify (G_OBJECT (request));
}

/* Nobody hears of one of several requests before something is done to them all. */
static void
freeze_all (GPtrArray *requests, gboolean freeze)
{
  for (guint i = 0; i < requests->len; i++)
    if (freeze)
      g_object_freeze_notify (g_ptr_array_index (requests, i));
    else
      g_object_thaw_notify (g_ptr_array_index (requests, i));
}

/* Its new place is at the end of the queue as it is now, even if it runs again later. */
static void
wait_anew (DrayManager *self, DrayRequest *request)
{
  request->record->position = self->next_position++;
  request->wishes.start_now = FALSE;
}

/* What another program kept may have gone meanwhile: it is looked for anew, and else fetched. */
static void
look_again (DrayManager *self, DrayRequest *request)
{
  const DrayStoredAsset *kept = dray_engine_get_asset (&self->engine, request);
  DrayCatalogChange *change;
  DrayStoredAsset *asset;
  DrayAssetRecord *record;

  if (kept == NULL || kept->record.external == NULL)
    return;

  asset = dray_stored_asset_new ();
  record = &asset->record;
  record->id = dray_catalog_reserve_asset_id (self->engine.catalog);
  record->model_id = g_strdup (request->record->model_id);
  record->directory = g_strdup (request->record->directory);
  record->url = g_strdup (kept->record.url);
  record->planned_name = g_strdup (kept->record.planned_name);
  record->total = kept->record.total;
  record->expected_sha256 = g_strdup (kept->record.sha256);
  record->download_key = dray_download_key_new (NULL, record->expected_sha256);
  record->created_at = g_get_real_time () / G_USEC_PER_SEC;
  dray_stored_asset_keep_link_key (asset);
  dray_asset_table_add (self->engine.assets, asset);
  dray_request_set_asset (request, asset);

  change = dray_catalog_change_new ();
  dray_catalog_change_put_asset (change, record);
  dray_catalog_change_put_aliases (change, record->id, asset->aliases);
  dray_catalog_change_put_request (change, request->record);
  dray_catalog_write_async (self->engine.catalog, change, DRAY_DURABILITY_PROCESS,
                            dray_engine_report, NULL);
}

static void
resume_one (DrayManager *self, DrayRequest *request, gboolean restart_changed)
{
  if (request->fate == DRAY_FATE_PAUSE)
    {
      request->fate = DRAY_FATE_RUN_AGAIN;
      wait_anew (self, request);
    }
  if (request->fate != DRAY_FATE_RUN || dray_request_is_running (request)
      || request->state == DRAY_REQUEST_COMPLETED)
    return;

  g_clear_pointer (&request->wishes.token, g_free);
  request->wishes.rate_limit = DRAY_RATE_UNLIMITED;
  request->wishes.connections = 0;
  request->wishes.restart_changed = restart_changed;
  wait_anew (self, request);
  look_again (self, request);
  dray_manager_run_again (self, request);
}

/**
 * dray_manager_resume:
 * @self: an open manager
 * @id: the id of a request
 * @restart_changed: whether to start over if the file on the server has changed
 * @error: return location for a #GError
 *
 * Runs a paused or failed request again, under the same id; with a parent, its children. One that
 * runs goes on, and one that is being paused runs again when it is.
 *
 * Errors: %DRAY_ERROR_NOT_FOUND if there is no such request, or it has completed,
 * %DRAY_ERROR_CANCELLED if the manager is closing.
 *
 * Returns: whether it runs
 */
gboolean
dray_manager_resume (DrayManager *self, const char *id, gboolean restart_changed, GError **error)
{
  g_autoptr (GPtrArray) family = NULL;
  DrayRequest *request;

  g_return_val_if_fail (DRAY_IS_MANAGER (self), FALSE);

  if (!dray_manager_check_open (self, error))
    return FALSE;
  request = dray_manager_find_request (self, id);
  if (request == NULL || request->state == DRAY_REQUEST_COMPLETED
      || request->fate == DRAY_FATE_DISCARD
      || (dray_request_is_parent (request) && request->children->len == 0))
    {
      g_set_error (error, DRAY_ERROR, DRAY_ERROR_NOT_FOUND, "No unfinished download has the id %s",
                   id);
      return FALSE;
    }

  family = dray_engine_snapshot (request->children);
  g_ptr_array_insert (family, 0, g_object_ref (request));
  freeze_all (family, TRUE);
  for (guint i = 0; i < family->len; i++)
    resume_one (self, g_ptr_array_index (family, i), restart_changed);
  if (dray_request_is_parent (request))
    dray_manager_update_parent (self, request);
  freeze_all (family, FALSE);
  /* What those who hear of it cancel may have settled without their hearing of that yet. */
  dray_manager_advance_cancels (self);

  return TRUE;
}
