/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What has begun and finds its drive full waits until there is room. */

#include "core/request/manager-private.h"

#include "core/base/error.h"
#include "core/library/space.h"

/* How often a full drive is looked at, in intervals of the journal; and, where what looked like
 * room turned out to be none, as under a quota, how much more rarely at most. */
#define LOOK_INTERVALS 10
#define PATIENCE_MAX 12

/* An asset that waits, or has waited in its last run. */
struct _DraySpaceWait
{
  gint64 asset_id;
  gint64 written;    /* when it found the drive full */
  gboolean is_short; /* it may not run */
  gint64 missing;    /* bytes; 0 before its drive was looked at */
  guint patience;    /* how many looks apart its runs are */
  guint n_ticks;     /* until the next look */
  gboolean looking;
};

static DraySpaceWait *
find_wait (DrayManager *self, gint64 asset_id)
{
  for (guint i = 0; i < self->space_waits->len; i++)
    {
      DraySpaceWait *wait = g_ptr_array_index (self->space_waits, i);

      if (wait->asset_id == asset_id)
        return wait;
    }

  return NULL;
}

/* Whether a request of the queue still waits for the asset. */
static gboolean
is_waited_for (DrayManager *self, gint64 asset_id)
{
  for (guint i = 0; i < self->queue->len; i++)
    if (((DrayRequest *) g_ptr_array_index (self->queue, i))->record->asset_id == asset_id)
      return TRUE;

  return FALSE;
}

static void
show (DrayManager *self, DrayRequest *request, gint64 missing)
{
  if (dray_request_set_short_of_space (request, missing))
    dray_engine_put_request (&self->engine, request);
}

/* What the scout is given and gives back. */
typedef struct
{
  DrayManager *manager;
  gint64 asset_id;
  DraySpaceNeed *need;
  gint64 missing;
} Look;

static void
look_free (Look *look)
{
  g_object_unref (look->manager);
  dray_space_need_free (look->need);
  g_free (look);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Look, look_free)

static void
look_in_thread (gpointer data)
{
  Look *look = data;

  look->missing = dray_space_get_missing (look->need);
}

static void
looked_cb (gpointer data)
{
  g_autoptr (Look) look = data;
  DrayManager *self = look->manager;
  DraySpaceWait *wait = find_wait (self, look->asset_id);

  if (wait != NULL && self->closing == NULL)
    {
      wait->looking = FALSE;
      wait->is_short = look->missing > 0;
      wait->missing = look->missing;
      wait->n_ticks = wait->patience;
      dray_manager_pump_soon (self);
    }
  dray_manager_end_operation (self);
}

static void
look (DrayManager *self, DraySpaceWait *wait)
{
  DrayStoredAsset *asset = dray_asset_table_find (self->engine.assets, wait->asset_id);
  Look *job = g_new0 (Look, 1);

  wait->looking = TRUE;
  job->manager = g_object_ref (self);
  job->asset_id = wait->asset_id;
  job->need = dray_stored_asset_get_need (asset, asset->record.total);
  dray_manager_begin_operation (self);
  dray_worker_push (dray_disks_get_scout (self->engine.disks), look_in_thread, looked_cb, job);
}

static gboolean
tick_cb (gpointer user_data)
{
  DrayManager *self = user_data;
  gboolean waiting = FALSE;

  for (guint i = self->space_waits->len; i > 0; i--)
    {
      DraySpaceWait *wait = g_ptr_array_index (self->space_waits, i - 1);
      gboolean runs = dray_manager_find_job (self, wait->asset_id) != NULL;

      if (!runs && !wait->looking && !is_waited_for (self, wait->asset_id))
        {
          g_ptr_array_remove_index (self->space_waits, i - 1);
          continue;
        }
      if (runs || !wait->is_short)
        continue;

      waiting = TRUE;
      if (!wait->looking && --wait->n_ticks == 0)
        look (self, wait);
    }

  if (waiting)
    return G_SOURCE_CONTINUE;

  self->space_source = 0;
  return G_SOURCE_REMOVE;
}

/* A job has found its drive full. Returns whether its requests wait for room in the queue: not if
 * no byte of the file is here, as there would be no harm in giving it up. */
gboolean
dray_manager_wait_for_space (DrayManager *self, gint64 asset_id)
{
  DrayStoredAsset *asset = dray_asset_table_find (self->engine.assets, asset_id);
  gint64 written = asset != NULL ? dray_stored_asset_get_written (asset) : 0;
  DraySpaceWait *wait = find_wait (self, asset_id);

  if (written == 0 || asset->record.state != DRAY_ASSET_FETCHING)
    return FALSE;

  if (wait == NULL)
    {
      wait = g_new0 (DraySpaceWait, 1);
      wait->asset_id = asset_id;
      g_ptr_array_add (self->space_waits, wait);
    }
  else if (wait->is_short)
    return TRUE; /* the job's next request */

  wait->patience = wait->written == written ? MIN (2 * wait->patience, PATIENCE_MAX) : 1;
  wait->written = written;
  wait->is_short = TRUE;
  wait->missing = 0;
  wait->n_ticks = wait->patience;
  if (self->space_source == 0)
    self->space_source
        = g_timeout_add (LOOK_INTERVALS * self->engine.interval, tick_cb, self);

  return TRUE;
}

/* Whether a request of the queue must wait for room on its drive; then it says so. */
gboolean
dray_manager_is_short_of_space (DrayManager *self, DrayRequest *request)
{
  DraySpaceWait *wait = find_wait (self, request->record->asset_id);

  if (wait == NULL || !wait->is_short)
    return FALSE;

  show (self, request, wait->missing);
  return TRUE;
}

static gint64
get_position (GPtrArray *requests)
{
  gint64 first = G_MAXINT64;

  for (guint i = 0; i < requests->len; i++)
    {
      DrayRequest *request = g_ptr_array_index (requests, i);

      first = MIN (first, request->record->position);
    }

  return first;
}

/* The room that goes to others first: to the jobs that have asked for theirs, and to those that are
 * before it in the queue. One that waits for room keeps nobody else from it. */
void
dray_manager_plan_space (DrayDownloadJob *job, GPtrArray *needs, gpointer user_data)
{
  DrayManager *self = DRAY_MANAGER (user_data);
  gint64 position = get_position (dray_download_job_get_requests (job));
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < self->jobs->len; i++)
    {
      DrayDownloadJob *other = g_ptr_array_index (self->jobs, i);
      DraySpaceNeed *need = other != job ? dray_download_job_get_need (other) : NULL;

      if (need != NULL)
        g_ptr_array_add (needs, need);
    }

  for (guint i = 0; i < self->queue->len; i++)
    {
      DrayRequest *request = g_ptr_array_index (self->queue, i);
      DrayStoredAsset *asset = dray_engine_get_asset (&self->engine, request);
      DraySpaceWait *wait = find_wait (self, request->record->asset_id);

      if (asset == NULL || request->record->position > position
          || asset->record.state != DRAY_ASSET_FETCHING || (wait != NULL && wait->is_short)
          || dray_manager_find_job (self, asset->record.id) != NULL
          || !g_hash_table_add (seen, asset))
        continue;
      g_ptr_array_add (needs, dray_stored_asset_get_need (asset, asset->record.total));
    }
}
