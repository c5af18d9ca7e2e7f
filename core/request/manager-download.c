/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Asking for a file, and asking again. */

#include "core/request/manager-private.h"

#include "core/base/download-key.h"
#include "core/base/error.h"
#include "core/library/library.h"
#include "core/source/reference.h"

/* One call for a download or a load, as it is understood. */
typedef struct
{
  const char *kind;
  const char *source;
  DrayReference *reference;
  DrayDownloadOptions *options;
  DrayShelf shelf;
  char *directory;
  char *sha256;
  DrayCatalogChange *change; /* all that the call adds is recorded at once */
  GPtrArray *requests;       /* of DrayRequest: what the call adds, a parent first */
} Call;

static void
call_clear (Call *call)
{
  g_clear_pointer (&call->reference, dray_reference_free);
  g_clear_object (&call->options);
  dray_shelf_clear (&call->shelf);
  g_free (call->directory);
  g_free (call->sha256);
  g_clear_pointer (&call->change, dray_catalog_change_free);
  g_clear_pointer (&call->requests, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Call, call_clear)

static DrayStoredAsset *
add_asset (DrayManager *self, const Call *call, const char *url)
{
  DrayStoredAsset *asset = dray_stored_asset_new ();
  DrayAssetRecord *record = &asset->record;

  record->id = dray_catalog_reserve_asset_id (self->engine.catalog);
  record->model_id = g_strdup (call->reference->model_id);
  record->directory = g_strdup (call->directory);
  record->url = g_strdup (url);
  record->download_key = dray_download_key_new (url, call->sha256);
  record->expected_sha256 = g_strdup (call->sha256);
  record->created_at = g_get_real_time () / G_USEC_PER_SEC;
  if (call->sha256 != NULL)
    dray_stored_asset_keep_link_key (asset);
  dray_asset_table_add (self->engine.assets, asset);

  return asset;
}

/* An unfinished asset that somebody wants with that digest. */
static DrayStoredAsset *
find_expected (DrayManager *self, const char *sha256)
{
  guint n_requests = g_list_model_get_n_items (G_LIST_MODEL (self->engine.requests));

  for (guint i = 0; i < n_requests; i++)
    {
      DrayRequest *request = dray_engine_get_request (&self->engine, i);
      DrayStoredAsset *asset = dray_engine_get_asset (&self->engine, request);

      if (asset != NULL && asset->record.state == DRAY_ASSET_FETCHING
          && g_strcmp0 (request->record->expected_sha256, sha256) == 0)
        return asset;
    }

  return NULL;
}

/* The asset that is to have that key: one whose job runs, even where the file is getting its final
 * name just now, or one that lacks bytes. */
static DrayStoredAsset *
find_by_key (DrayManager *self, const char *key)
{
  for (guint i = 0; i < self->jobs->len; i++)
    {
      DrayDownloadJob *job = g_ptr_array_index (self->jobs, i);
      DrayStoredAsset *asset
          = dray_asset_table_find (self->engine.assets, dray_download_job_get_asset_id (job));

      if (dray_download_job_accepts (job) && dray_stored_asset_has_key (asset, key))
        return asset;
    }

  return dray_asset_table_find_unfinished (self->engine.assets, key, NULL);
}

static DrayStoredAsset *
find_asset (DrayManager *self, const char *url, const char *sha256)
{
  g_autofree char *link_key = dray_download_key_new (url, NULL);
  DrayStoredAsset *asset = NULL;

  if (sha256 != NULL)
    {
      g_autofree char *key = dray_download_key_new (NULL, sha256);

      asset = find_by_key (self, key);
      if (asset == NULL)
        asset = find_expected (self, sha256);
    }

  return asset != NULL ? asset : find_by_key (self, link_key);
}

/* Whether a request that runs, or waits for its turn, is after an asset. */
static gboolean
is_awaited (DrayManager *self, gint64 asset_id)
{
  guint n_requests = g_list_model_get_n_items (G_LIST_MODEL (self->engine.requests));

  for (guint i = 0; i < n_requests; i++)
    {
      DrayRequest *request = dray_engine_get_request (&self->engine, i);

      if (request->record->asset_id == asset_id && dray_request_is_running (request))
        return TRUE;
    }

  return FALSE;
}

/* The asset that an earlier call for the same bytes began: its bytes are kept, in its folder. Its
 * link becomes that of the new call, which may be signed anew, unless others rely on the one that
 * it has. */
static DrayStoredAsset *
find_or_add_asset (DrayManager *self, const Call *call, const char *url)
{
  DrayStoredAsset *asset = find_asset (self, url, call->sha256);

  if (asset == NULL)
    return add_asset (self, call, url);

  if (!is_awaited (self, asset->record.id))
    {
      dray_stored_asset_keep_link_key (asset);
      g_free (asset->record.url);
      asset->record.url = g_strdup (url);
      dray_stored_asset_keep_link_key (asset);
    }
  return asset;
}

static gboolean
is_same_call (const Call *call, DrayRequest *request)
{
  const DrayRequestRecord *record = request->record;

  return (request->state == DRAY_REQUEST_PAUSED || request->state == DRAY_REQUEST_FAILED)
         && request->fate == DRAY_FATE_RUN && record->parent_id == NULL
         && g_str_equal (record->caller, dray_download_options_get_caller (call->options))
         && g_str_equal (record->model_id, call->reference->model_id)
         && g_strcmp0 (record->directory, call->directory) == 0;
}

/* The same call by the same caller takes the place of what that caller paused, or saw fail. */
static void
replace_earlier (DrayManager *self, Call *call, gint64 asset_id)
{
  guint position = 0;

  while (position < g_list_model_get_n_items (G_LIST_MODEL (self->engine.requests)))
    {
      DrayRequest *earlier = dray_engine_get_request (&self->engine, position);

      if (is_same_call (call, earlier) && earlier->record->asset_id == asset_id)
        dray_manager_forget_request (self, earlier, call->change);
      else
        position++;
    }
}

static void
set_wishes (DrayRequest *request, DrayDownloadOptions *options, const char *url)
{
  DrayRequestWishes *wishes = &request->wishes;

  g_free (wishes->url);
  g_free (wishes->token);
  wishes->url = g_strdup (url);
  wishes->token = g_strdup (dray_download_options_get_token (options));
  wishes->rate_limit = dray_download_options_get_rate_limit (options);
  wishes->connections = dray_download_options_get_connections (options);
  wishes->restart_changed = dray_download_options_get_restart_changed (options);
  wishes->start_now = FALSE;
}

static DrayRequest *
add_request (DrayManager *self,
             Call *call,
             const char *kind,
             const char *source,
             const DrayStoredAsset *asset,
             DrayRequest *parent)
{
  g_autoptr (DrayRequestRecord) record = dray_request_record_new ();
  DrayRequest *request;

  record->id = g_uuid_string_random ();
  record->kind = g_strdup (kind);
  record->source = g_strdup (source);
  record->model_id = g_strdup (call->reference->model_id);
  record->parent_id = parent != NULL ? g_strdup (dray_request_get_id (parent)) : NULL;
  record->asset_id = asset != NULL ? asset->record.id : 0;
  record->caller = g_strdup (dray_download_options_get_caller (call->options));
  record->state = g_strdup (dray_request_state_get_name (DRAY_REQUEST_RESOLVING));
  record->directory = g_strdup (call->directory);
  record->expected_sha256 = g_strdup (call->sha256);
  record->created_at = g_get_real_time () / G_USEC_PER_SEC;
  record->position = self->next_position++;

  request = dray_request_new (record);
  if (parent != NULL)
    dray_request_add_child (parent, request);
  if (asset != NULL)
    {
      dray_request_set_asset (request, asset);
      dray_catalog_change_put_asset (call->change, &asset->record);
      dray_catalog_change_put_aliases (call->change, asset->record.id, asset->aliases);
    }
  dray_catalog_change_put_request (call->change, request->record);
  g_ptr_array_add (call->requests, request);

  return request;
}

static DrayRequest *
add_single (DrayManager *self, Call *call)
{
  const char *url = call->reference->url;
  DrayStoredAsset *asset = find_or_add_asset (self, call, url);
  DrayRequest *request;

  replace_earlier (self, call, asset->record.id);
  request = add_request (self, call, call->kind, call->source, asset, NULL);
  set_wishes (request, call->options, url);

  return request;
}

static DrayRequest *
add_set (DrayManager *self, Call *call)
{
  const char *kind = g_str_equal (call->kind, "load") ? "load" : "set";
  GPtrArray *urls = call->reference->urls;
  DrayRequest *parent;

  replace_earlier (self, call, 0);
  parent = add_request (self, call, kind, call->source, NULL, NULL);
  for (guint i = 0; i < urls->len; i++)
    {
      const char *url = g_ptr_array_index (urls, i);
      DrayRequest *child = add_request (self, call, "download", url,
                                        find_or_add_asset (self, call, url), parent);

      set_wishes (child, call->options, url);
      dray_manager_watch_child (self, child);
    }
  dray_request_sum_up (parent);

  return parent;
}

static gboolean
check_options (Call *call, GError **error)
{
  const char *directory = dray_download_options_get_directory (call->options);
  const char *text = dray_download_options_get_sha256 (call->options);

  call->sha256 = text != NULL ? dray_digest_normalise_hex (text) : NULL;
  if (text != NULL && call->sha256 == NULL)
    g_set_error (error, DRAY_ERROR, DRAY_ERROR_INVALID_SOURCE,
                 "“%s” is not a SHA-256: 64 hexadecimal digits are", text);
  else if (text != NULL && call->reference->urls->len > 1)
    g_set_error (error, DRAY_ERROR, DRAY_ERROR_INVALID_SOURCE,
                 "A SHA-256 is of one file, and “%s” stands for %u files", call->source,
                 call->reference->urls->len);
  else if (directory != NULL && !g_path_is_absolute (directory))
    g_set_error (error, DRAY_ERROR, DRAY_ERROR_INVALID_SOURCE,
                 "The folder “%s” is not an absolute path", directory);
  else
    return TRUE;

  return FALSE;
}

/* Those who listen to the list may cancel what they find there: all of it has its place before. */
static void
start (DrayManager *self, GPtrArray *requests)
{
  GListStore *list = self->engine.requests;

  for (guint i = 0; i < requests->len; i++)
    if (!dray_request_is_parent (g_ptr_array_index (requests, i)))
      dray_manager_enqueue (self, g_ptr_array_index (requests, i));
  g_list_store_splice (list, g_list_model_get_n_items (G_LIST_MODEL (list)), 0, requests->pdata,
                       requests->len);
}

static DrayRequest *
ask (DrayManager *self,
     const char *kind,
     const char *source,
     DrayDownloadOptions *options,
     GError **error)
{
  g_auto (Call) call = { .kind = kind, .source = source };
  const char *directory;
  g_autoptr (DrayModelRecord) model = NULL;
  DrayRequest *request;

  call.reference = dray_reference_parse (source, error);
  if (call.reference == NULL)
    return NULL;
  call.options = options != NULL ? g_object_ref (options) : dray_download_options_new ();
  if (!check_options (&call, error) || !dray_manager_check_open (self, error))
    return NULL;

  dray_shelf_init_for_link (&call.shelf, call.reference->url);
  directory = dray_download_options_get_directory (call.options);
  call.directory = directory != NULL ? g_canonicalize_filename (directory, NULL)
                                     : dray_shelf_get_directory (&call.shelf, self->library_root);
  model = dray_model_record_new (call.reference->model_id, call.shelf.publisher,
                                 call.shelf.model);
  call.change = dray_catalog_change_new ();
  call.requests = g_ptr_array_new_with_free_func (g_object_unref);
  dray_catalog_change_put_model (call.change, model);

  request = call.reference->urls->len > 1 ? add_set (self, &call) : add_single (self, &call);
  dray_catalog_write_async (self->engine.catalog, g_steal_pointer (&call.change),
                            DRAY_DURABILITY_PROCESS, dray_engine_report, NULL);
  start (self, call.requests);

  return request;
}

/**
 * dray_manager_download_asset:
 * @self: an open manager
 * @source: what a person typed or dropped
 * @options: (nullable): the caller's wishes; %NULL for none
 * @error: return location for a #GError
 *
 * Asks for a file, or for all files of a set. The request has its id at once, before anything
 * happens on the network; the file comes later (dray_request_await_async()). Where the same call
 * began earlier, its bytes are taken up; where another caller asks for the same bytes, one transfer
 * serves both. A set has a child request for each of its files (dray_request_get_parent_id()).
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
  g_return_val_if_fail (DRAY_IS_MANAGER (self), NULL);

  return ask (self, "download", source, options, error);
}

/**
 * dray_manager_load_model:
 * @self: an open manager
 * @source: what a person typed or dropped
 * @options: (nullable): the caller's wishes; %NULL for none
 * @error: return location for a #GError
 *
 * Downloads what is missing of a model, as dray_manager_download_asset() does, then reads its header.
 * The result is the model's id; what the header says is in dray_request_get_facts(). A load that
 * fails or is cancelled leaves the files where they are.
 *
 * Errors: as dray_manager_download_asset().
 *
 * Returns: (transfer none) (nullable): the request, which the manager's list holds
 */
DrayRequest *
dray_manager_load_model (DrayManager *self,
                         const char *source,
                         DrayDownloadOptions *options,
                         GError **error)
{
  g_return_val_if_fail (DRAY_IS_MANAGER (self), NULL);

  return ask (self, "load", source, options, error);
}

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
dray_manager_resume (DrayManager *self,
                     const char *id,
                     gboolean restart_changed,
                     GError **error)
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
