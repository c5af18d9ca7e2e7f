/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Who runs next, and what runs: jobs and deliveries from their start to their end. */

#include "core/request/manager-private.h"

#include "core/base/download-key.h"
#include "core/base/error.h"

/* How often progress is shown, in milliseconds. */
#define SAMPLE_INTERVAL 100

DrayDownloadJob *
dray_manager_find_job (DrayManager *self, gint64 asset_id)
{
  for (guint i = 0; i < self->jobs->len; i++)
    {
      DrayDownloadJob *job = g_ptr_array_index (self->jobs, i);

      if (dray_download_job_get_asset_id (job) == asset_id)
        return job;
    }

  return NULL;
}

/* Ends this run of a request; one that was asked to run again meanwhile does. */
void
dray_manager_settle (DrayManager *self,
                     DrayRequest *request,
                     DrayRequestState state,
                     const GError *error)
{
  gboolean again = request->fate == DRAY_FATE_RUN_AGAIN && state == DRAY_REQUEST_PAUSED;

  g_assert (!request->in_queue);

  request->record->resumes = self->closing != NULL && self->resumes;
  dray_manager_note_settled (self, request, state);
  dray_engine_settle (&self->engine, request, state, error);
  if (again && self->closing == NULL && !dray_request_is_running (request))
    dray_manager_run_again (self, request);
}

/* While everything is held, nobody settles but those who were paused; what has ended for the others
 * is done again after the release. Returns whether that is so. */
static gboolean
hold_back (DrayManager *self, DrayRequest *request)
{
  if (!self->held)
    return FALSE;

  if (request->fate == DRAY_FATE_RUN)
    dray_manager_enqueue (self, request);
  else
    dray_manager_settle (self, request, DRAY_REQUEST_PAUSED, NULL);

  return TRUE;
}

/* What becomes of a request whose plan, job or delivery has ended before its work was done. */
void
dray_manager_end_run (DrayManager *self, DrayRequest *request, const GError *error)
{
  if (hold_back (self, request))
    return;

  if (g_error_matches (error, DRAY_ERROR, DRAY_ERROR_DISK_FULL) && request->fate == DRAY_FATE_RUN
      && dray_manager_wait_for_space (self, request->record->asset_id))
    dray_manager_enqueue (self, request);
  else if (!dray_error_is_cancelled (error))
    dray_manager_settle (self, request, DRAY_REQUEST_FAILED, error);
  else if (request->fate == DRAY_FATE_RUN)
    dray_manager_enqueue (self, request);
  else
    dray_manager_settle (self, request, DRAY_REQUEST_PAUSED, NULL);
}

DrayDelivery *
dray_manager_find_delivery (DrayManager *self, DrayRequest *request)
{
  for (guint i = 0; i < self->deliveries->len; i++)
    {
      DrayDelivery *delivery = g_ptr_array_index (self->deliveries, i);

      if (dray_delivery_get_request (delivery) == request)
        return delivery;
    }

  return NULL;
}

static void start_deliveries (DrayManager *self);

/* What follows the end of anything that ran. */
void
dray_manager_go_on (DrayManager *self)
{
  dray_manager_advance_cancels (self);
  dray_manager_report_holds (self);
  dray_manager_pump_soon (self);
}

static void
delivered_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (DrayManager) self = DRAY_MANAGER (user_data);
  g_autoptr (DrayDelivery) delivery = g_object_ref (DRAY_DELIVERY (source));
  DrayRequest *request = dray_delivery_get_request (delivery);
  g_autoptr (GError) error = NULL;
  gboolean done = dray_delivery_run_finish (delivery, result, &error);

  dray_manager_begin_operation (self);
  g_ptr_array_add (self->idle_workers, dray_delivery_steal_worker (delivery));
  g_ptr_array_remove (self->deliveries, delivery);
  if (!done)
    dray_manager_end_run (self, request, error);
  else if (!hold_back (self, request))
    dray_manager_settle (self, request, DRAY_REQUEST_COMPLETED, NULL);

  start_deliveries (self);
  dray_manager_go_on (self);
  dray_manager_end_operation (self);
}

static gboolean
may_start (DrayManager *self, DrayDelivery *delivery)
{
  if (dray_delivery_is_running (delivery))
    return FALSE;

  for (guint i = 0; i < self->deliveries->len; i++)
    if (dray_delivery_must_wait (delivery, g_ptr_array_index (self->deliveries, i)))
      return FALSE;

  return TRUE;
}

static void
start_deliveries (DrayManager *self)
{
  g_autoptr (GPtrArray) deliveries = dray_engine_snapshot (self->deliveries);

  for (guint i = 0; i < deliveries->len && self->idle_workers->len > 0; i++)
    {
      DrayDelivery *delivery = g_ptr_array_index (deliveries, i);

      if (g_ptr_array_find (self->deliveries, delivery, NULL) && may_start (self, delivery))
        dray_delivery_run_async (delivery, g_ptr_array_steal_index (self->idle_workers, 0),
                                 delivered_cb, g_object_ref (self));
    }
}

/* Takes one that waits for a worker out of the line; its request is then in no place. */
void
dray_manager_drop_delivery (DrayManager *self, DrayDelivery *delivery)
{
  g_assert (!dray_delivery_is_running (delivery));

  g_ptr_array_remove (self->deliveries, delivery);
}

/* Does for a request what is left to do when its files are finished. */
void
dray_manager_deliver (DrayManager *self, DrayRequest *request)
{
  if (!dray_delivery_is_needed (&self->engine, request))
    {
      dray_manager_settle (self, request, DRAY_REQUEST_COMPLETED, NULL);
      return;
    }
  if (request->fate != DRAY_FATE_RUN)
    {
      dray_manager_settle (self, request, DRAY_REQUEST_PAUSED, NULL);
      return;
    }

  g_ptr_array_add (self->deliveries, dray_delivery_new (&self->engine, request));
  start_deliveries (self);
}

/* What is wrong with a finished asset in the eyes of a request. */
static GError *
find_fault (const DrayStoredAsset *asset, DrayRequest *request)
{
  const DrayAssetRecord *record = &asset->record;

  if (record->state == DRAY_ASSET_FINISHING)
    return g_error_new (DRAY_ERROR, DRAY_ERROR_PARTIAL_MISSING,
                        "The drive of “%s” reported an error when the file was finished; start "
                        "Dray again to see what is there",
                        record->directory);
  if (!dray_request_accepts (request, record->sha256))
    return g_error_new (DRAY_ERROR, DRAY_ERROR_CHECKSUM_MISMATCH,
                        "The file is another one: its SHA-256 is %s, expected was %s",
                        record->sha256, request->record->expected_sha256);

  return NULL;
}

/* Ends the run of a request whose asset is finished. */
void
dray_manager_conclude (DrayManager *self, DrayRequest *request)
{
  const DrayStoredAsset *asset = dray_engine_get_asset (&self->engine, request);
  g_autoptr (GError) error = NULL;

  if (hold_back (self, request))
    return;

  error = find_fault (asset, request);
  if (error != NULL)
    {
      dray_manager_settle (self, request, DRAY_REQUEST_FAILED, error);
      return;
    }

  dray_request_set_asset (request, asset);
  dray_manager_deliver (self, request);
}

static gboolean
sample_cb (gpointer user_data)
{
  DrayManager *self = DRAY_MANAGER (user_data);

  dray_manager_look_for_sleep (self);
  for (guint i = 0; i < self->jobs->len; i++)
    dray_download_job_sample (g_ptr_array_index (self->jobs, i));
  dray_manager_sum_up_parents (self);

  return G_SOURCE_CONTINUE;
}

static void
job_ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (DrayManager) self = DRAY_MANAGER (user_data);
  g_autoptr (DrayDownloadJob) job = g_object_ref (DRAY_DOWNLOAD_JOB (source));
  g_autoptr (GPtrArray) requests = g_ptr_array_ref (dray_download_job_get_requests (job));
  gint64 asset_id = dray_download_job_get_asset_id (job);
  g_autoptr (GError) error = NULL;
  gint64 finished_id = dray_download_job_run_finish (job, result, &error);

  /* Those who listen may even close the manager, which must not end before this. */
  dray_manager_begin_operation (self);
  g_ptr_array_remove (self->jobs, job);
  if (self->jobs->len == 0)
    g_clear_handle_id (&self->sample_source, g_source_remove);

  for (guint i = 0; i < requests->len; i++)
    {
      DrayRequest *request = g_ptr_array_index (requests, i);

      if (error != NULL)
        {
          dray_manager_end_run (self, request, error);
          continue;
        }
      if (request->record->asset_id != finished_id)
        {
          request->record->asset_id = finished_id;
          dray_engine_put_request (&self->engine, request);
        }
      dray_manager_conclude (self, request);
    }

  dray_manager_finish_merge (self, asset_id);
  dray_manager_forget_empty_asset (self, asset_id);
  dray_manager_go_on (self);
  dray_manager_end_operation (self);
}

/* What the coming run is compared with is what the request expects that it is made for, unless
 * bytes are there that only another digest can tell right from wrong. The link stays a key of the
 * asset, after a restart too. */
static void
expect (DrayManager *self, DrayStoredAsset *asset, const char *sha256)
{
  DrayAssetRecord *record = &asset->record;
  DrayCatalogChange *change;

  if (record->digest_tied || sha256 == NULL || g_strcmp0 (record->expected_sha256, sha256) == 0)
    return;

  dray_stored_asset_keep_link_key (asset);
  g_free (record->expected_sha256);
  g_free (record->download_key);
  record->expected_sha256 = g_strdup (sha256);
  record->download_key = dray_download_key_new (record->url, sha256);

  change = dray_catalog_change_new ();
  dray_catalog_change_put_asset (change, record);
  dray_catalog_change_put_aliases (change, record->id, asset->aliases);
  dray_catalog_write_async (self->engine.catalog, change, DRAY_DURABILITY_PROCESS,
                            dray_engine_report, NULL);
}

static void
start_job (DrayManager *self, DrayStoredAsset *asset, DrayRequest *request)
{
  DrayDownloadJob *job;

  expect (self, asset, request->record->expected_sha256);
  job = dray_download_job_new (&self->engine, asset);
  g_signal_connect (job, "answered", G_CALLBACK (dray_manager_answered), self);
  g_signal_connect (job, "planning", G_CALLBACK (dray_manager_plan_space), self);
  g_ptr_array_add (self->jobs, job);
  dray_download_job_add (job, request);
  dray_download_job_run_async (job, job_ended_cb, g_object_ref (self));

  dray_manager_look_for_sleep (self);
  if (self->sample_source == 0)
    self->sample_source = g_timeout_add (SAMPLE_INTERVAL, sample_cb, self);

  /* Those who were passed over may share it. */
  dray_manager_pump_soon (self);
}

static void
wait_in_line (DrayManager *self, DrayRequest *request)
{
  if (dray_request_set_state (request, DRAY_REQUEST_QUEUED))
    dray_engine_put_request (&self->engine, request);
}

/* Lets a request of the queue go on if it can. */
static void
try_to_run (DrayManager *self, DrayRequest *request)
{
  DrayStoredAsset *asset = dray_engine_get_asset (&self->engine, request);
  DrayDownloadJob *job = asset != NULL ? dray_manager_find_job (self, asset->record.id) : NULL;

  if (self->held)
    {
      if (dray_request_set_held (request))
        dray_engine_put_request (&self->engine, request);
      return;
    }

  if (asset == NULL && dray_request_is_parent (request))
    {
      /* It waited only to be loaded. */
      dray_manager_dequeue (self, request);
      dray_manager_update_parent (self, request);
    }
  else if (asset == NULL)
    {
      if (!dray_manager_may_plan (self))
        {
          if (dray_request_set_state (request, DRAY_REQUEST_RESOLVING))
            dray_engine_put_request (&self->engine, request);
          return;
        }
      dray_manager_dequeue (self, request);
      dray_manager_plan (self, request);
    }
  else if (job != NULL && dray_download_job_accepts (job))
    {
      dray_manager_dequeue (self, request);
      dray_download_job_add (job, request);
    }
  else if (job != NULL || dray_asset_table_is_discarding (self->engine.assets, asset))
    {
      wait_in_line (self, request);
    }
  else if (asset->record.state != DRAY_ASSET_FETCHING)
    {
      dray_manager_dequeue (self, request);
      dray_manager_conclude (self, request);
    }
  else if (dray_manager_is_short_of_space (self, request))
    {
      return;
    }
  else if (self->jobs->len < self->max_transfers || request->wishes.start_now)
    {
      dray_manager_dequeue (self, request);
      start_job (self, asset, request);
    }
  else
    {
      wait_in_line (self, request);
    }
}

/* Those who listen may add to the queue meanwhile, and take away. */
static gboolean
pump_cb (gpointer user_data)
{
  g_autoptr (DrayManager) self = g_object_ref (DRAY_MANAGER (user_data));
  g_autoptr (GPtrArray) queue = dray_engine_snapshot (self->queue);
  gint position = 0;

  self->pump_source = 0;
  for (guint i = 0; i < queue->len && self->closing == NULL; i++)
    {
      DrayRequest *request = g_ptr_array_index (queue, i);

      if (request->in_queue)
        try_to_run (self, request);
    }

  for (guint i = 0; i < queue->len; i++)
    {
      DrayRequest *request = g_ptr_array_index (queue, i);
      gboolean queued = request->in_queue && request->state == DRAY_REQUEST_QUEUED;

      dray_request_set_queue_position (request, queued ? position++ : -1);
    }

  return G_SOURCE_REMOVE;
}

/* Looks at the queue in the next turn of the main loop, whatever happens in this one. */
void
dray_manager_pump_soon (DrayManager *self)
{
  if (self->pump_source == 0 && self->closing == NULL && self->queue->len > 0)
    self->pump_source = g_idle_add_full (G_PRIORITY_DEFAULT, pump_cb, self, NULL);
}

/* Shares the transfer that runs, at once: whoever leaves it next must not end it. */
static gboolean
join (DrayManager *self, DrayRequest *request)
{
  DrayStoredAsset *asset = dray_engine_get_asset (&self->engine, request);
  DrayDownloadJob *job = asset != NULL ? dray_manager_find_job (self, asset->record.id) : NULL;

  if (job == NULL || self->held || self->closing != NULL || !dray_download_job_accepts (job))
    return FALSE;

  dray_download_job_add (job, request);
  return TRUE;
}

/* Puts a running request, which nothing serves, into its place in the queue. */
void
dray_manager_enqueue (DrayManager *self, DrayRequest *request)
{
  guint place = self->queue->len;

  g_assert (!request->in_queue);

  if (join (self, request))
    return;

  while (place > 0
         && ((DrayRequest *) g_ptr_array_index (self->queue, place - 1))->record->position
                > request->record->position)
    place--;
  g_ptr_array_insert (self->queue, (gint) place, g_object_ref (request));
  request->in_queue = TRUE;
  if (self->held && dray_request_set_held (request))
    dray_engine_put_request (&self->engine, request);
  dray_manager_pump_soon (self);
}

void
dray_manager_dequeue (DrayManager *self, DrayRequest *request)
{
  g_assert (request->in_queue);

  request->in_queue = FALSE;
  dray_request_set_queue_position (request, -1);
  g_ptr_array_remove (self->queue, request);
  dray_manager_pump_soon (self);
}
