/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Asking for a file, and asking again. */

#include "core/request/manager-private.h"

#include "core/base/download-key.h"
#include "core/base/error.h"
#include "core/library/library.h"
#include "core/source/reference.h"

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

/* The asset that the same call began earlier: its bytes are kept, its link is that of the new call,
 * which may be signed anew. */
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

  if (dray_manager_find_job (self, asset->record.id) == NULL)
    {
      g_free (asset->record.url);
      asset->record.url = g_strdup (reference->url);
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
      DrayRequest *earlier = dray_manager_get_request (self, position);
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
             const char *sha256,
             DrayDownloadOptions *options)
{
  g_autoptr (DrayRequestRecord) record = dray_request_record_new ();
  DrayRequest *request;

  record->id = g_uuid_string_random ();
  record->kind = g_strdup ("download");
  record->source = g_strdup (source);
  record->model_id = g_strdup (reference->model_id);
  record->asset_id = asset->record.id;
  record->caller = g_strdup (dray_download_options_get_caller (options));
  record->state = g_strdup (dray_request_state_get_name (DRAY_REQUEST_RESOLVING));
  record->directory = g_strdup (dray_download_options_get_directory (options));
  record->expected_sha256 = g_strdup (sha256);
  record->created_at = g_get_real_time () / G_USEC_PER_SEC;

  request = dray_request_new (record);
  dray_request_set_asset (request, asset);
  g_list_store_append (self->requests, request);
  g_object_unref (request);

  return request;
}

static void
set_wishes (DrayRequest *request,
            const char *token,
            gint64 rate_limit,
            gboolean restart_changed)
{
  DrayRequestWishes *wishes = dray_request_get_wishes (request);

  g_free (wishes->token);
  wishes->token = g_strdup (token);
  wishes->rate_limit = rate_limit;
  wishes->restart_changed = restart_changed;
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

static gboolean
check_options (DrayDownloadOptions *options, char **sha256, GError **error)
{
  const char *directory = dray_download_options_get_directory (options);
  const char *text = dray_download_options_get_sha256 (options);

  *sha256 = text != NULL ? dray_digest_normalise_hex (text) : NULL;
  if (text != NULL && *sha256 == NULL)
    g_set_error (error, DRAY_ERROR, DRAY_ERROR_INVALID_SOURCE,
                 "“%s” is not a SHA-256: 64 hexadecimal digits are", text);
  else if (directory != NULL && !g_path_is_absolute (directory))
    g_set_error (error, DRAY_ERROR, DRAY_ERROR_INVALID_SOURCE,
                 "The folder “%s” is not an absolute path", directory);
  else
    return TRUE;

  return FALSE;
}

/**
 * dray_manager_download_asset:
 * @self: an open manager
 * @source: what a person typed or dropped
 * @options: (nullable): the caller's wishes; %NULL for none
 * @error: return location for a #GError
 *
 * Asks for a file. The request has its id at once, before anything happens on the network; the
 * file comes later (dray_request_await_async()). Where the same call began earlier, its bytes are
 * taken up.
 *
 * Errors: %DRAY_ERROR_INVALID_SOURCE if @source or the digest is not understood, or
 * the folder's path is not absolute; %DRAY_ERROR_CANCELLED if the manager is closing.
 *
 * Returns: (transfer none) (nullable): the request, which the manager's list holds
 */
DrayRequest *
dray_manager_download_asset (DrayManager *self,
                             const char *source,
                             DrayDownloadOptions *options,
                             GError **error)
{
  g_autoptr (DrayDownloadOptions) wishes = NULL;
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
  g_free (reference->url);
  reference->url = g_strdup (g_ptr_array_index (reference->urls, reference->asked));
  wishes = options != NULL ? g_object_ref (options) : dray_download_options_new ();
  if (!check_options (wishes, &sha256, error))
    return NULL;
  if (self->closing != NULL)
    {
      g_set_error_literal (error, DRAY_ERROR, DRAY_ERROR_CANCELLED, "Dray is closing");
      return NULL;
    }

  dray_shelf_init_for_link (&shelf, reference->url);
  directory = g_strdup (dray_download_options_get_directory (wishes));
  if (directory == NULL)
    directory = dray_shelf_get_directory (&shelf, self->library_root);
  asset = find_or_add_asset (self, reference, directory, sha256);
  change = dray_catalog_change_new ();
  replace_earlier (self, change, asset, dray_download_options_get_caller (wishes));
  request = add_request (self, source, reference, asset, sha256, wishes);
  store (self, change, &shelf, asset, request);
  set_wishes (request, dray_download_options_get_token (wishes),
              dray_download_options_get_rate_limit (wishes),
              dray_download_options_get_restart_changed (wishes));
  dray_manager_run (self, request);

  return request;
}

/**
 * dray_manager_resume:
 * @self: an open manager
 * @id: the id of a request
 * @restart_changed: whether to start over if the file on the server has changed
 * @error: return location for a #GError
 *
 * Runs a paused or failed request again, under the same id. One that runs goes on.
 *
 * Errors: %DRAY_ERROR_NOT_FOUND if there is no such request, or it has completed,
 * %DRAY_ERROR_CANCELLED if the manager is closing.
 *
 * Returns: whether it runs
 */
gboolean
dray_manager_resume (DrayManager *self,
                     const char *id,
                     gboolean restart_changed,
                     GError **error)
{
  DrayRequest *request;

  g_return_val_if_fail (DRAY_IS_MANAGER (self), FALSE);
  g_return_val_if_fail (self->engine.catalog != NULL, FALSE);

  if (self->closing != NULL)
    {
      g_set_error_literal (error, DRAY_ERROR, DRAY_ERROR_CANCELLED, "Dray is closing");
      return FALSE;
    }
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
  set_wishes (request, NULL, DRAY_RATE_UNLIMITED, restart_changed);
  dray_manager_run (self, request);
  return TRUE;
}
