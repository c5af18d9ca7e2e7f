/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Asking for files: what a call adds, and what a plan makes of it. */

#include "core/request/manager-private.h"

#include "core/base/download-key.h"
#include "core/base/error.h"
#include "core/library/library.h"
#include "core/source/planner.h"

/* One call for a download or a load, as it is understood. */
typedef struct
{
  const char *kind;
  const char *source;
  const char *model_id;
  const char *caller;
  const char *const *without; /* names of companions; NULL for none */
  DrayRequestWishes wishes;   /* its texts are not the call's own */
  char *asked_directory;      /* NULL for the library */
  char *directory;            /* NULL until there is a plan */
  char *sha256;               /* NULL for none */
  const DrayPlan *plan;       /* NULL until there is one */
  DrayCatalogChange *change;  /* all that the call adds is recorded at once */
  DrayRequest *request;       /* what the call makes */
  GPtrArray *requests;        /* of DrayRequest: what the call adds, a parent first */
} Call;

static void
call_clear (Call *call)
{
  g_free (call->asked_directory);
  g_free (call->directory);
  g_free (call->sha256);
  g_clear_pointer (&call->change, dray_catalog_change_free);
  g_clear_pointer (&call->requests, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Call, call_clear)

/* What the bytes of a file must be for this call. */
static const char *
get_expected (const Call *call, const DrayPlannedAsset *planned)
{
  return call->sha256 != NULL ? call->sha256 : planned->sha256;
}

static DrayStoredAsset *
add_asset (DrayManager *self, const Call *call, const DrayPlannedAsset *planned)
{
  const char *sha256 = get_expected (call, planned);
  DrayStoredAsset *asset = dray_stored_asset_new ();
  DrayAssetRecord *record = &asset->record;

  record->id = dray_catalog_reserve_asset_id (self->engine.catalog);
  record->model_id = g_strdup (call->model_id);
  record->directory = g_strdup (call->directory);
  record->url = g_strdup (planned->url);
  record->planned_name = g_strdup (planned->name);
  record->total = planned->size;
  record->download_key = dray_download_key_new (planned->url, sha256);
  record->expected_sha256 = g_strdup (sha256);
  record->created_at = g_get_real_time () / G_USEC_PER_SEC;
  if (sha256 != NULL)
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
      DrayStoredAsset *asset =
          dray_asset_table_find (self->engine.assets, dray_download_job_get_asset_id (job));

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
find_or_add_asset (DrayManager *self, const Call *call, const DrayPlannedAsset *planned)
{
  DrayStoredAsset *asset = find_asset (self, planned->url, get_expected (call, planned));

  if (asset == NULL)
    return add_asset (self, call, planned);

  if (!is_awaited (self, asset->record.id))
    {
      dray_stored_asset_keep_link_key (asset);
      g_free (asset->record.url);
      asset->record.url = g_strdup (planned->url);
      dray_stored_asset_keep_link_key (asset);
    }
  return asset;
}

/* Whether a request is what an earlier call of the same kind by the same caller has left: one that
 * never got as far as its files, or one for the same file; @asset_id is 0 for a set. */
static gboolean
takes_place_of (const Call *call, DrayRequest *request, gint64 asset_id)
{
  const DrayRequestRecord *record = request->record;
  gboolean has_files = record->asset_id != 0 || dray_request_is_parent (request);

  if ((request->state != DRAY_REQUEST_PAUSED && request->state != DRAY_REQUEST_FAILED)
      || request->fate != DRAY_FATE_RUN || record->parent_id != NULL || request == call->request
      || !g_str_equal (record->caller, call->caller)
      || !g_str_equal (record->model_id, call->model_id))
    return FALSE;
  if (!has_files)
    return g_strcmp0 (record->directory, call->asked_directory) == 0;

  return call->plan != NULL && record->asset_id == asset_id
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

      if (takes_place_of (call, earlier, asset_id))
        dray_manager_forget_request (self, earlier, call->change);
      else
        position++;
    }
}

static void
set_wishes (DrayRequest *request, const DrayRequestWishes *wishes, const char *url)
{
  DrayRequestWishes copy = *wishes;

  copy.url = g_strdup (url);
  copy.token = g_strdup (wishes->token);
  g_free (request->wishes.url);
  g_free (request->wishes.token);
  request->wishes = copy;
}

static DrayRequest *
new_request (DrayManager *self,
             const Call *call,
             const char *kind,
             const char *source,
             const char *expected_sha256)
{
  g_autoptr (DrayRequestRecord) record = dray_request_record_new ();

  record->id = g_uuid_string_random ();
  record->kind = g_strdup (kind);
  record->source = g_strdup (source);
  record->model_id = g_strdup (call->model_id);
  record->caller = g_strdup (call->caller);
  record->state = g_strdup (dray_request_state_get_name (DRAY_REQUEST_RESOLVING));
  record->directory = g_strdup (call->directory != NULL ? call->directory : call->asked_directory);
  record->expected_sha256 = g_strdup (expected_sha256);
  if (call->plan == NULL && call->without != NULL && *call->without != NULL)
    record->left_out = g_strjoinv ("\n", (char **) call->without);
  record->created_at = g_get_real_time () / G_USEC_PER_SEC;
  record->position = self->next_position++;

  return dray_request_new (record);
}

static void
give_asset (DrayManager *self, Call *call, DrayRequest *request, const DrayPlannedAsset *planned)
{
  DrayStoredAsset *asset = find_or_add_asset (self, call, planned);

  dray_request_set_asset (request, asset);
  set_wishes (request, &call->wishes, planned->url);
  dray_catalog_change_put_asset (call->change, &asset->record);
  dray_catalog_change_put_aliases (call->change, asset->record.id, asset->aliases);
  dray_catalog_change_put_request (call->change, request->record);
}

static void
add_child (DrayManager *self, Call *call, DrayRequest *parent, const DrayPlannedAsset *planned)
{
  DrayRequest *child =
      new_request (self, call, "download", planned->url, get_expected (call, planned));

  child->record->parent_id = g_strdup (dray_request_get_id (parent));
  dray_request_add_child (parent, child);
  give_asset (self, call, child, planned);
  dray_manager_watch_child (self, child);
  g_ptr_array_add (call->requests, child);
}

/* Makes a request what its plan says: the one for a file, or the parent of several. */
static void
give_files (DrayManager *self, Call *call, DrayRequest *request)
{
  GPtrArray *assets = call->plan->assets;

  g_free (request->record->directory);
  request->record->directory = g_strdup (call->directory);
  if (assets->len == 1)
    {
      const DrayPlannedAsset *planned = g_ptr_array_index (assets, 0);

      g_free (request->record->expected_sha256);
      request->record->expected_sha256 = g_strdup (get_expected (call, planned));
      give_asset (self, call, request, planned);
      return;
    }

  dray_request_become_parent (request);
  dray_catalog_change_put_request (call->change, request->record);
  for (guint i = 0; i < assets->len; i++)
    add_child (self, call, request, g_ptr_array_index (assets, i));
  dray_request_sum_up (request);
}

/* Where the files go, and what the model is called there. */
static void
settle_directory (DrayManager *self, Call *call)
{
  const DrayPlannedAsset *first = g_ptr_array_index (call->plan->assets, 0);
  g_auto (DrayShelf) shelf = { 0 };
  g_autoptr (DrayModelRecord) model = NULL;

  if (call->plan->publisher != NULL && call->plan->model != NULL)
    dray_shelf_init (&shelf, call->plan->publisher, call->plan->model);
  else
    dray_shelf_init_for_link (&shelf, first->url);

  call->directory = call->asked_directory != NULL
                        ? g_strdup (call->asked_directory)
                        : dray_shelf_get_directory (&shelf, self->library_root);
  model = dray_model_record_new (call->model_id, shelf.publisher, shelf.model);
  dray_catalog_change_put_model (call->change, model);
}

/* A digest is of one file. */
static gboolean
check_digest (const Call *call, GError **error)
{
  if (call->sha256 == NULL || call->plan->assets->len == 1)
    return TRUE;

  g_set_error (error, DRAY_ERROR, DRAY_ERROR_INVALID_SOURCE,
               "A SHA-256 is of one file, and “%s” stands for %u files", call->source,
               call->plan->assets->len);
  return FALSE;
}

static gboolean
read_options (Call *call, DrayDownloadOptions *options, GError **error)
{
  const char *directory = dray_download_options_get_directory (options);
  const char *text = dray_download_options_get_sha256 (options);

  call->caller = dray_download_options_get_caller (options);
  call->without = dray_download_options_get_without (options);
  call->wishes = (DrayRequestWishes){
    .token = (char *) dray_download_options_get_token (options),
    .rate_limit = dray_download_options_get_rate_limit (options),
    .connections = dray_download_options_get_connections (options),
    .restart_changed = dray_download_options_get_restart_changed (options),
  };
  call->sha256 = text != NULL ? dray_digest_normalise_hex (text) : NULL;
  if (text != NULL && call->sha256 == NULL)
    g_set_error (error, DRAY_ERROR, DRAY_ERROR_INVALID_SOURCE,
                 "“%s” is not a SHA-256: 64 hexadecimal digits are", text);
  else if (directory != NULL && !g_path_is_absolute (directory))
    g_set_error (error, DRAY_ERROR, DRAY_ERROR_INVALID_SOURCE,
                 "The folder “%s” is not an absolute path", directory);
  else
    {
      call->asked_directory = directory != NULL ? g_canonicalize_filename (directory, NULL) : NULL;
      return TRUE;
    }

  return FALSE;
}

/* Records what a call has added, and starts it. Those who listen to the list may cancel what they
 * find there: all of it has its place before. */
static void
start (DrayManager *self, Call *call)
{
  GListStore *list = self->engine.requests;
  GPtrArray *requests = call->requests;

  dray_catalog_write_async (self->engine.catalog, g_steal_pointer (&call->change),
                            DRAY_DURABILITY_PROCESS, dray_engine_report, NULL);
  for (guint i = 0; i < requests->len; i++)
    if (!dray_request_is_parent (g_ptr_array_index (requests, i)))
      dray_manager_enqueue (self, g_ptr_array_index (requests, i));
  g_list_store_splice (list, g_list_model_get_n_items (G_LIST_MODEL (list)), 0, requests->pdata,
                       requests->len);
}

/* The model of a request that has no plan yet has no place in the library. */
static void
wait_for_plan (DrayManager *self, Call *call, DrayRequest *request)
{
  g_autoptr (DrayModelRecord) model = dray_model_record_new (call->model_id, "", "");

  replace_earlier (self, call, 0);
  set_wishes (request, &call->wishes, NULL);
  dray_catalog_change_put_model (call->change, model);
  dray_catalog_change_put_request (call->change, request->record);
}

static DrayRequest *
ask (DrayManager *self,
     const char *kind,
     const char *source,
     DrayDownloadOptions *options,
     GError **error)
{
  g_autoptr (DrayDownloadOptions) wishes =
      options != NULL ? g_object_ref (options) : dray_download_options_new ();
  g_autoptr (DrayReference) reference = dray_reference_parse (source, error);
  g_autoptr (DrayPlan) plan = NULL;
  g_auto (Call) call = { .kind = kind, .source = source };
  DrayRequest *request;

  if (reference == NULL || !read_options (&call, wishes, error)
      || !dray_manager_check_open (self, error))
    return NULL;
  if (!dray_planner_needs_network (reference))
    {
      plan = dray_planner_plan (reference, NULL, NULL, error);
      if (plan == NULL)
        return NULL;
      dray_plan_leave_out (plan, call.without);
      call.plan = plan;
      if (!check_digest (&call, error))
        return NULL;
    }

  call.model_id = reference->model_id;
  call.change = dray_catalog_change_new ();
  call.requests = g_ptr_array_new_with_free_func (g_object_unref);
  call.request = request = new_request (self, &call, kind, source, call.sha256);
  g_ptr_array_add (call.requests, request);
  if (plan != NULL)
    {
      settle_directory (self, &call);
      give_files (self, &call, request);
      replace_earlier (self, &call, request->record->asset_id);
    }
  else
    {
      wait_for_plan (self, &call, request);
    }
  start (self, &call);

  return request;
}

/**
 * dray_manager_adopt_plan:
 * @self: an open manager
 * @request: a running request without files, which is in no place
 * @plan: what its source stands for
 *
 * Makes a request the one for a file, or the parent of several, and lets it go on.
 */
void
dray_manager_adopt_plan (DrayManager *self, DrayRequest *request, const DrayPlan *plan)
{
  g_auto (Call) call = {
    .kind = request->record->kind,
    .source = request->record->source,
    .model_id = request->record->model_id,
    .caller = request->record->caller,
    .wishes = request->wishes,
    .asked_directory = g_strdup (request->record->directory),
    .sha256 = g_strdup (request->record->expected_sha256),
    .plan = plan,
    .request = request,
  };
  g_autoptr (GError) error = NULL;

  if (!check_digest (&call, &error))
    {
      dray_manager_settle (self, request, DRAY_REQUEST_FAILED, error);
      return;
    }

  call.change = dray_catalog_change_new ();
  call.requests = g_ptr_array_new_with_free_func (g_object_unref);
  g_object_freeze_notify (G_OBJECT (request));
  settle_directory (self, &call);
  give_files (self, &call, request);
  for (guint i = 0; i < plan->aliases->len; i++)
    {
      const char *alias = g_ptr_array_index (plan->aliases, i);

      dray_manager_add_model_alias (self, alias, call.model_id);
      dray_catalog_change_put_model_alias (call.change, alias, call.model_id);
    }
  start (self, &call);
  if (!dray_request_is_parent (request))
    dray_manager_enqueue (self, request);

  /* Whoever hears that these go may cancel the request, which has its place now. */
  call.change = dray_catalog_change_new ();
  replace_earlier (self, &call, request->record->asset_id);
  dray_catalog_write_async (self->engine.catalog, g_steal_pointer (&call.change),
                            DRAY_DURABILITY_PROCESS, dray_engine_report, NULL);
  g_object_thaw_notify (G_OBJECT (request));
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
