/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What a transfer has remembered, and when: "written" every interval while bytes move or blocks are
 * hashed, "synced" after the sync that covers it, at most one of each on its way.
 */

#include "core/transfer/transfer-private.h"

#define SYNC_INTERVAL G_USEC_PER_SEC

typedef struct
{
  DrayTransfer *transfer;
  DrayPartialFile *file;
  GArray *snapshot;
  guint epoch;
  GError *error;
} SyncJob;

static void
sync_job_free (SyncJob *job)
{
  g_object_unref (job->transfer);
  dray_partial_file_unref (job->file);
  g_array_unref (job->snapshot);
  g_clear_error (&job->error);
  g_free (job);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyncJob, sync_job_free)

/* Whether bytes on the disk may be replaced at any moment. */
static gboolean
is_changing (DrayTransfer *self)
{
  return dray_transfer_is_repairing (self) && !self->settling;
}

static GArray *
get_new_blocks (DrayTransfer *self)
{
  if (self->hasher == NULL || is_changing (self))
    return g_array_new (FALSE, FALSE, sizeof (DrayDigestState));

  return dray_hasher_snapshot (self->hasher, self->n_recorded_blocks);
}

/**
 * dray_transfer_record:
 * @self: a transfer
 * @phase: how far the asset is
 * @durable: whether it must outlive a power cut
 * @callback: (nullable): called with a reference on @self as its data, which it must drop
 *
 * Hands the journal the state of the asset as it is now.
 */
void
dray_transfer_record (DrayTransfer *self,
                      DrayJournalPhase phase,
                      gboolean durable,
                      GAsyncReadyCallback callback)
{
  DrayPieceMap *map = dray_transfer_is_repairing (self) ? self->kept_map : self->map;
  g_autoptr (GArray) pieces = dray_piece_map_snapshot (map, NULL);
  g_autoptr (GArray) blocks = get_new_blocks (self);
  DrayJournalEntry entry = {
    .phase = phase,
    .durable = durable,
    .name = self->name,
    .total = self->total,
    .length_proven = self->length_proven,
    .validator = &self->validator,
    .identity = &self->identity,
    .sync_failed = self->sync_failed,
    .digest_tied = dray_transfer_is_tied (self)
                   || (is_changing (self) && self->expected_sha256 != NULL),
    .sha256 = phase == DRAY_JOURNAL_FETCHING ? NULL : self->sha256,
    .pieces = pieces,
    .first_block = self->n_recorded_blocks,
    .blocks = blocks,
  };

  self->n_recorded_blocks += blocks->len;
  self->last_recorded = dray_piece_map_get_written (self->map);
  dray_journal_record_async (self->journal, &entry, callback,
                             callback != NULL ? g_object_ref (self) : NULL);
}

/**
 * dray_transfer_record_step:
 * @self: a transfer that runs
 * @phase: how far the asset is
 * @callback: goes on with dray_transfer_recorded()
 *
 * Records, durably, what must not be lost before the next step.
 */
void
dray_transfer_record_step (DrayTransfer *self,
                           DrayJournalPhase phase,
                           GAsyncReadyCallback callback)
{
  dray_transfer_begin_job (self);
  dray_transfer_record (self, phase, TRUE, callback);
}

/**
 * dray_transfer_recorded:
 * @self: a transfer
 * @source: as given to the callback of dray_transfer_record_step()
 * @result: likewise
 *
 * Returns: whether the step is recorded and the run goes on
 */
gboolean
dray_transfer_recorded (DrayTransfer *self, GObject *source, GAsyncResult *result)
{
  g_autoptr (GError) error = NULL;

  if (!dray_journal_record_finish (DRAY_JOURNAL (source), result, &error))
    dray_transfer_fail (self, g_steal_pointer (&error));

  return dray_transfer_end_job (self);
}

static void
recorded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (DrayTransfer) self = DRAY_TRANSFER (user_data);
  g_autoptr (GError) error = NULL;

  self->recording = FALSE;
  if (!dray_journal_record_finish (DRAY_JOURNAL (source), result, &error))
    dray_transfer_fail (self, g_steal_pointer (&error));
}

static void
sync_in_thread (gpointer data)
{
  SyncJob *job = data;

  dray_partial_file_sync (job->file, &job->error);
}

static void
synced_cb (gpointer data)
{
  g_autoptr (SyncJob) job = data;
  DrayTransfer *self = job->transfer;

  self->syncing = FALSE;
  if (self->file == job->file && job->error == NULL)
    dray_piece_map_mark_synced (self->map, job->snapshot, job->epoch);
  else if (self->file == job->file)
    {
      self->sync_failed = TRUE;
      dray_transfer_fail (self, g_steal_pointer (&job->error));
    }

  /* A run that ends has waited for this, so that its last record knows how the sync went. */
  if (self->failure != NULL)
    dray_transfer_step (self);
}

static void
sync_file (DrayTransfer *self)
{
  SyncJob *job = g_new0 (SyncJob, 1);

  self->syncing = TRUE;
  self->last_sync_time = g_get_monotonic_time ();
  self->last_synced = dray_piece_map_get_written (self->map);

  job->transfer = g_object_ref (self);
  job->file = dray_partial_file_ref (self->file);
  job->snapshot = dray_piece_map_snapshot (self->map, &job->epoch);
  dray_worker_push (self->disk, sync_in_thread, synced_cb, job);
}

static gboolean
rhythm_cb (gpointer user_data)
{
  DrayTransfer *self = DRAY_TRANSFER (user_data);
  gint64 written = dray_piece_map_get_written (self->map);
  gint64 sync_interval = MIN (SYNC_INTERVAL, 2 * self->interval * 1000);

  if (!self->syncing && written != self->last_synced
      && g_get_monotonic_time () - self->last_sync_time >= sync_interval)
    sync_file (self);

  if (!self->recording && !dray_transfer_is_repairing (self)
      && (written != self->last_recorded
          || (self->hasher != NULL
              && dray_hasher_get_n_blocks (self->hasher) > self->n_recorded_blocks)))
    {
      self->recording = TRUE;
      dray_transfer_record (self, DRAY_JOURNAL_FETCHING, FALSE, recorded_cb);
    }

  return G_SOURCE_CONTINUE;
}

void
dray_transfer_start_rhythm (DrayTransfer *self)
{
  if (self->journal_source == 0 && self->failure == NULL && !self->finishing)
    self->journal_source = g_timeout_add (self->interval, rhythm_cb, self);
}

void
dray_transfer_stop_rhythm (DrayTransfer *self)
{
  g_clear_handle_id (&self->journal_source, g_source_remove);
}
