/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/request/download-job-private.h"

#include "core/base/download-key.h"
#include "core/base/error.h"

/* How many other callers a request names. */
#define CALLERS_SHOWN 3

enum
{
  SIGNAL_ANSWERED,
  SIGNAL_PLANNING,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void dray_download_job_resolver_init (DrayResolverInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (DrayDownloadJob,
                               dray_download_job,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (DRAY_TYPE_RESOLVER,
                                                      dray_download_job_resolver_init))

DrayStoredAsset *
dray_download_job_get_asset (DrayDownloadJob *self)
{
  return dray_asset_table_find (self->engine->assets, self->asset_id);
}

/* The token of a request is for the origin of what that request asked for, and for no other. */
static const char *
find_token (DrayDownloadJob *self, const char *url)
{
  for (guint i = 0; i < self->requests->len; i++)
    {
      DrayRequest *request = g_ptr_array_index (self->requests, i);
      const DrayRequestWishes *wishes = dray_request_get_wishes (request);
      const char *token = wishes->token;

      if (token != NULL && dray_url_same_origin (url, wishes->url))
        return token;
    }

  return NULL;
}

/* What the scout is given and gives back. */
typedef struct
{
  GTask *task; /* its object, the job, keeps the engine */
  const DrayCredentials *credentials;
  DrayLocation *location;
} TokenSearch;

static void
search_in_thread (gpointer data)
{
  TokenSearch *search = data;

  search->location->token = dray_credentials_dup_token (search->credentials, search->location->url);
}

static void
searched_cb (gpointer data)
{
  TokenSearch *search = data;

  g_task_return_pointer (search->task, search->location, (GDestroyNotify) dray_location_free);
  g_object_unref (search->task);
  g_free (search);
}

/* A link is its own address; what it redirects to may expire, the link does not. The hub's token may
 * be in a file, on a drive that hangs. */
static void
resolve_async (DrayResolver *resolver,
               GCancellable *cancellable,
               GAsyncReadyCallback callback,
               gpointer user_data)
{
  DrayDownloadJob *self = DRAY_DOWNLOAD_JOB (resolver);
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  const char *url = dray_download_job_get_asset (self)->record.url;
  DrayLocation *location = dray_location_new (url, find_token (self, url));
  TokenSearch *search;

  g_task_set_source_tag (task, resolve_async);
  if (location->token != NULL || !dray_credentials_cover (self->engine->credentials, url))
    {
      g_task_return_pointer (task, location, (GDestroyNotify) dray_location_free);
      return;
    }

  search = g_new0 (TokenSearch, 1);
  search->task = g_steal_pointer (&task);
  search->credentials = self->engine->credentials;
  search->location = location;
  dray_worker_push (dray_disks_get_scout (self->engine->disks), search_in_thread, searched_cb,
                    search);
}

static DrayLocation *
resolve_finish (DrayResolver *resolver, GAsyncResult *result, GError **error)
{
  g_assert (g_task_is_valid (result, resolver));

  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
answered (DrayResolver *resolver, const DrayServerFacts *facts)
{
  DRAY_DOWNLOAD_JOB (resolver)->total = facts->total;
  g_signal_emit (resolver, signals[SIGNAL_ANSWERED], 0, facts);
}

/* What the server itself promised, every one must get. Beyond that the file is right if one of those
 * who want it takes it: a digest that it does not have fails only those who expected it. */
static gboolean
accepts (DrayResolver *resolver, const char *sha256)
{
  DrayDownloadJob *self = DRAY_DOWNLOAD_JOB (resolver);
  const DrayStoredAsset *asset = dray_download_job_get_asset (self);
  const char *promise = dray_stored_asset_get_promise (asset);
  g_autofree char *key = dray_download_key_new (NULL, sha256);
  guint n_requests = g_list_model_get_n_items (G_LIST_MODEL (self->engine->requests));

  if (promise != NULL && !g_str_equal (promise, key))
    return FALSE;

  for (guint i = 0; i < n_requests; i++)
    {
      g_autoptr (DrayRequest) request
          = g_list_model_get_item (G_LIST_MODEL (self->engine->requests), i);

      if (dray_request_get_record (request)->asset_id == self->asset_id
          && dray_request_accepts (request, sha256))
        return TRUE;
    }

  return FALSE;
}

static GPtrArray *
list_needs (DrayResolver *resolver)
{
  GPtrArray *needs = g_ptr_array_new_with_free_func ((GDestroyNotify) dray_space_need_free);

  g_signal_emit (resolver, signals[SIGNAL_PLANNING], 0, needs);
  DRAY_DOWNLOAD_JOB (resolver)->is_planned = TRUE;

  return needs;
}

static void
dray_download_job_resolver_init (DrayResolverInterface *iface)
{
  iface->resolve_async = resolve_async;
  iface->resolve_finish = resolve_finish;
  iface->answered = answered;
  iface->accepts = accepts;
  iface->list_needs = list_needs;
}

static void
dray_download_job_finalize (GObject *object)
{
  DrayDownloadJob *self = DRAY_DOWNLOAD_JOB (object);

  g_clear_object (&self->look);
  g_clear_object (&self->transfer);
  g_object_unref (self->cancellable);
  g_ptr_array_unref (self->requests);

  G_OBJECT_CLASS (dray_download_job_parent_class)->finalize (object);
}

static void
dray_download_job_class_init (DrayDownloadJobClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = dray_download_job_finalize;

  /**
   * DrayDownloadJob::answered:
   * @self: a job
   * @facts: a #DrayServerFacts, good during the emission
   *
   * A server has answered, and none of the body is read yet. The job may be cancelled.
   */
  signals[SIGNAL_ANSWERED]
      = g_signal_new ("answered", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                      NULL, G_TYPE_NONE, 1, G_TYPE_POINTER);

  /**
   * DrayDownloadJob::planning:
   * @self: a job
   * @needs: a #GPtrArray of #DraySpaceNeed, good during the emission
   *
   * The drive is about to be asked for room: what others need who come first is to be added.
   */
  signals[SIGNAL_PLANNING]
      = g_signal_new ("planning", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                      NULL, G_TYPE_NONE, 1, G_TYPE_POINTER);
}

static void
dray_download_job_init (DrayDownloadJob *self)
{
  self->requests = g_ptr_array_new_with_free_func (g_object_unref);
  self->cancellable = g_cancellable_new ();
}

static const DrayStoredAsset *
find_known (DrayEngine *engine, const DrayStoredAsset *asset)
{
  const DrayStoredAsset *known = dray_asset_table_find_finished (
      engine->assets, asset->record.download_key, asset->record.directory);

  for (guint i = 0; known == NULL && i < asset->aliases->len; i++)
    known = dray_asset_table_find_finished (engine->assets, g_ptr_array_index (asset->aliases, i),
                                            asset->record.directory);

  return known;
}

/**
 * dray_download_job_new:
 * @engine: the manager's; must outlive the job
 * @asset: what is to be downloaded
 *
 * Where an earlier job has finished the same bytes, that file is the result, if it is as it was made
 * and the server still has that version.
 *
 * Returns: (transfer full): a job that has not run and serves nobody
 */
DrayDownloadJob *
dray_download_job_new (DrayEngine *engine, DrayStoredAsset *asset)
{
  DrayDownloadJob *self = g_object_new (DRAY_TYPE_DOWNLOAD_JOB, NULL);
  const DrayStoredAsset *known;

  self->engine = engine;
  self->asset_id = asset->record.id;
  self->total = asset->record.total;
  known = find_known (engine, asset);
  self->known_id = known != NULL ? known->record.id : 0;

  return self;
}

gint64
dray_download_job_get_asset_id (DrayDownloadJob *self)
{
  return self->asset_id;
}

/**
 * dray_download_job_get_need:
 * @self: a job
 *
 * Returns: (transfer full) (nullable): the room that its file needs, from when on it is asked for
 */
DraySpaceNeed *
dray_download_job_get_need (DrayDownloadJob *self)
{
  return self->is_planned
             ? dray_stored_asset_get_need (dray_download_job_get_asset (self), self->total)
             : NULL;
}

/**
 * dray_download_job_accepts:
 * @self: a job
 *
 * Returns: whether requests may be added; not after its end has begun
 */
gboolean
dray_download_job_accepts (DrayDownloadJob *self)
{
  return self->task != NULL && !g_cancellable_is_cancelled (self->cancellable);
}

/* The largest limit wins; none is the largest. */
gint64
dray_download_job_get_rate_limit (DrayDownloadJob *self)
{
  gint64 largest = 0;

  for (guint i = 0; i < self->requests->len; i++)
    {
      gint64 limit = dray_request_get_wishes (g_ptr_array_index (self->requests, i))->rate_limit;

      if (limit == DRAY_RATE_UNLIMITED)
        return DRAY_RATE_UNLIMITED;
      largest = MAX (largest, limit);
    }

  return self->requests->len > 0 ? largest : DRAY_RATE_UNLIMITED;
}

/* Like the limit: as many as pay is the largest number. What a later one who joins wishes comes too
 * late. */
guint
dray_download_job_get_connections (DrayDownloadJob *self)
{
  guint largest = 0;

  for (guint i = 0; i < self->requests->len; i++)
    {
      guint wish = dray_request_get_wishes (g_ptr_array_index (self->requests, i))->connections;

      if (wish == 0)
        return 0;
      largest = MAX (largest, wish);
    }

  return largest;
}

static void
update_rate_limit (DrayDownloadJob *self)
{
  if (self->transfer != NULL && self->requests->len > 0)
    dray_transfer_set_rate_limit (self->transfer, dray_download_job_get_rate_limit (self));
}

/**
 * dray_download_job_rate_changed:
 * @self: a job
 *
 * The limit for all transfers has changed.
 */
void
dray_download_job_rate_changed (DrayDownloadJob *self)
{
  if (self->transfer != NULL)
    dray_transfer_rate_changed (self->transfer);
}

/**
 * dray_download_job_try_now:
 * @self: a job
 *
 * As dray_transfer_try_now().
 */
void
dray_download_job_try_now (DrayDownloadJob *self)
{
  if (self->transfer != NULL)
    dray_transfer_try_now (self->transfer);
}

/**
 * dray_download_job_reconnect:
 * @self: a job
 *
 * As dray_transfer_reconnect().
 */
void
dray_download_job_reconnect (DrayDownloadJob *self)
{
  if (self->transfer != NULL)
    dray_transfer_reconnect (self->transfer);
}

static gboolean
is_listed (GPtrArray *callers, const char *caller)
{
  return g_ptr_array_find_with_equal_func (callers, caller, g_str_equal, NULL);
}

/* Shows in a request who else is served. */
static void
show_others (DrayRequest *request, GPtrArray *callers)
{
  const char *own = dray_request_get_caller (request);
  g_autoptr (GString) others = g_string_new (NULL);

  for (guint i = 0, n_others = 0; i < callers->len && n_others < CALLERS_SHOWN; i++)
    {
      const char *caller = g_ptr_array_index (callers, i);

      if (g_str_equal (caller, own))
        continue;
      g_string_append_printf (others, "%s%s", n_others++ > 0 ? ", " : "", caller);
    }
  dray_request_set_also_for (request, others->len > 0 ? others->str : NULL);
}

/* Those who listen may pause any of them meanwhile. */
static void
show_sharing (DrayDownloadJob *self)
{
  g_autoptr (GPtrArray) requests = dray_engine_snapshot (self->requests);
  g_autoptr (GPtrArray) callers = g_ptr_array_new ();

  for (guint i = 0; i < requests->len && callers->len <= CALLERS_SHOWN; i++)
    {
      const char *caller = dray_request_get_caller (g_ptr_array_index (requests, i));

      if (!is_listed (callers, caller))
        g_ptr_array_add (callers, (gpointer) caller);
    }
  for (guint i = 0; i < requests->len; i++)
    show_others (g_ptr_array_index (requests, i), callers);
}

/**
 * dray_download_job_add:
 * @self: a job
 * @request: a request for the same bytes
 *
 * Serves @request too; it gets the current progress at once.
 */
void
dray_download_job_add (DrayDownloadJob *self, DrayRequest *request)
{
  g_ptr_array_add (self->requests, g_object_ref (request));
  update_rate_limit (self);
  dray_request_set_asset (request, dray_download_job_get_asset (self));
  show_sharing (self);
  dray_download_job_sample (self);
}

gboolean
dray_download_job_serves (DrayDownloadJob *self, DrayRequest *request)
{
  return g_ptr_array_find (self->requests, request, NULL);
}

/**
 * dray_download_job_get_requests:
 * @self: a job
 *
 * Returns: (transfer none) (element-type DrayRequest): whom it serves, or served when it ended
 */
GPtrArray *
dray_download_job_get_requests (DrayDownloadJob *self)
{
  return self->requests;
}

/**
 * dray_download_job_get_downloaded:
 * @self: a job
 *
 * Returns: how many bytes are on the disk
 */
gint64
dray_download_job_get_downloaded (DrayDownloadJob *self)
{
  DrayTransferProgress progress;

  if (self->transfer == NULL)
    return dray_stored_asset_get_written (dray_download_job_get_asset (self));

  dray_transfer_sample (self->transfer, &progress);
  return progress.downloaded;
}

/**
 * dray_download_job_get_validator:
 * @self: a job
 * @total: (out): the file's size in bytes, if the validator is known
 *
 * The asset's record is up to the journal's interval older.
 *
 * Returns: (transfer none) (nullable): the version of the bytes at hand; %NULL before the transfer
 */
const DrayValidator *
dray_download_job_get_validator (DrayDownloadJob *self, gint64 *total)
{
  return self->transfer != NULL ? dray_transfer_get_validator (self->transfer, total) : NULL;
}

/**
 * dray_download_job_remove:
 * @self: a job that serves others too
 * @request: a request that it serves
 *
 * Serves @request no longer; the bytes keep moving for the others.
 */
void
dray_download_job_remove (DrayDownloadJob *self, DrayRequest *request)
{
  g_ptr_array_remove (self->requests, request);
  dray_request_set_also_for (request, NULL);
  show_sharing (self);
  update_rate_limit (self);
}

/**
 * dray_download_job_cancel:
 * @self: a job that runs
 *
 * Stops the transfer; the run's callback tells when this is done, with %DRAY_ERROR_CANCELLED, unless
 * it came too late.
 */
void
dray_download_job_cancel (DrayDownloadJob *self)
{
  g_cancellable_cancel (self->cancellable);
}

static DrayRequestState
map_state (DrayTransferState state)
{
  switch (state)
    {
    case DRAY_TRANSFER_CONNECTING:
      return DRAY_REQUEST_CONNECTING;

    case DRAY_TRANSFER_DOWNLOADING:
      return DRAY_REQUEST_DOWNLOADING;

    case DRAY_TRANSFER_WAITING:
      return DRAY_REQUEST_WAITING;

    case DRAY_TRANSFER_VERIFYING:
      return DRAY_REQUEST_VERIFYING;

    default:
      g_assert_not_reached ();
    }
}

static gpointer
copy_request (gconstpointer request, G_GNUC_UNUSED gpointer user_data)
{
  return g_object_ref ((gpointer) request);
}

static gboolean
sample (DrayDownloadJob *self, DrayTransferProgress *progress)
{
  if (self->transfer == NULL)
    return self->look != NULL && dray_already_here_sample (self->look, progress);

  dray_transfer_sample (self->transfer, progress);
  return TRUE;
}

/**
 * dray_download_job_sample:
 * @self: a job
 *
 * Shows in the requests how far the transfer is now. Those who listen may pause any of them
 * meanwhile.
 */
void
dray_download_job_sample (DrayDownloadJob *self)
{
  g_autoptr (GPtrArray) requests = NULL;
  DrayTransferProgress progress;

  if (!dray_download_job_accepts (self) || !sample (self, &progress))
    return;

  requests = g_ptr_array_copy (self->requests, copy_request, NULL);
  for (guint i = 0; i < requests->len; i++)
    {
      DrayRequest *request = g_ptr_array_index (requests, i);

      if (!dray_download_job_serves (self, request))
        continue;
      dray_request_set_progress (request, &progress);
      if (dray_download_job_serves (self, request)
          && dray_request_set_state (request, map_state (progress.state)))
        dray_engine_put_request (self->engine, request);
    }
}
