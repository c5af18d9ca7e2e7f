/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * From the last byte to the final name, in the one order that no crash can make wrong: digest,
 * sync, "finishing" durably, rename, sync of the folder, "complete".
 */

#include "core/transfer/transfer-private.h"

typedef struct
{
  DrayTransfer *transfer;
  DrayPartialFile *file;
  gint64 total;
  gboolean named;
  GError *error;
} FinishJob;

static FinishJob *
finish_job_new (DrayTransfer *self)
{
  FinishJob *job = g_new0 (FinishJob, 1);

  job->transfer = g_object_ref (self);
  job->file = dray_partial_file_ref (self->file);
  job->total = self->total;
  dray_transfer_begin_job (self);

  return job;
}

static void
finish_job_free (FinishJob *job)
{
  g_object_unref (job->transfer);
  dray_partial_file_unref (job->file);
  g_clear_error (&job->error);
  g_free (job);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FinishJob, finish_job_free)

static void
completed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (DrayTransfer) self = DRAY_TRANSFER (user_data);
  g_autoptr (GError) error = NULL;

  /* The file has its name: if this could not be recorded, the next start finds it out. */
  if (!dray_journal_record_finish (DRAY_JOURNAL (source), result, &error))
    g_warning ("“%s” is complete, but this could not be recorded: %s", self->name, error->message);
  if (dray_transfer_end_job (self))
    dray_transfer_complete (self);
}

static void
name_in_thread (gpointer data)
{
  FinishJob *job = data;

  dray_partial_file_finish (job->file, &job->named, &job->error);
}

static void
named_cb (gpointer data)
{
  g_autoptr (FinishJob) job = data;
  DrayTransfer *self = job->transfer;

  if (job->error != NULL)
    {
      /* Without its name it is back to "fetching" with all bytes: the settling record says so. */
      self->named = job->named;
      dray_transfer_fail (self, g_steal_pointer (&job->error));
    }
  if (!dray_transfer_end_job (self))
    return;

  dray_transfer_begin_job (self);
  dray_transfer_record (self, DRAY_JOURNAL_COMPLETE, FALSE, completed_cb);
}

static void
finishing_recorded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (DrayTransfer) self = DRAY_TRANSFER (user_data);

  if (dray_transfer_recorded (self, source, result))
    dray_worker_push (self->disk, name_in_thread, named_cb, finish_job_new (self));
}

/* Cut before the sync, so that the size is as durable as the bytes. */
static void
save_in_thread (gpointer data)
{
  FinishJob *job = data;

  if (dray_partial_file_get_size (job->file) == job->total
      || dray_partial_file_cut (job->file, job->total, &job->error))
    dray_partial_file_sync (job->file, &job->error);
}

static void
saved_cb (gpointer data)
{
  g_autoptr (FinishJob) job = data;
  DrayTransfer *self = job->transfer;
  g_autoptr (GArray) snapshot = NULL;
  guint epoch;

  if (job->error != NULL)
    {
      self->sync_failed = TRUE;
      dray_transfer_fail (self, g_steal_pointer (&job->error));
    }
  if (!dray_transfer_end_job (self))
    return;

  snapshot = dray_piece_map_snapshot (self->map, &epoch);
  dray_piece_map_mark_synced (self->map, snapshot, epoch);
  self->finishing = TRUE;
  dray_transfer_stop_rhythm (self);
  dray_transfer_record_step (self, DRAY_JOURNAL_FINISHING, finishing_recorded_cb);
}

static GError *
make_mismatch (DrayTransfer *self)
{
  g_autofree char *differing
      = dray_transfer_is_repairing (self) ? dray_transfer_describe_differing (self) : NULL;

  if (differing != NULL)
    return g_error_new (DRAY_ERROR, DRAY_ERROR_CHECKSUM_MISMATCH,
                        "The file is still not the one that was expected: its SHA-256 is now %s. The "
                        "server sent these bytes otherwise than before: %s",
                        self->sha256, differing);
  if (dray_transfer_is_repairing (self))
    return g_error_new (DRAY_ERROR, DRAY_ERROR_CHECKSUM_MISMATCH,
                        "The file is not the one that was expected: its SHA-256 is %s, and the "
                        "server has sent the same bytes again",
                        self->sha256);

  return g_error_new (DRAY_ERROR, DRAY_ERROR_CHECKSUM_MISMATCH,
                      "The file is damaged or another one: its SHA-256 is %s. It is kept as a "
                      "partial file; download it again to repair it",
                      self->sha256);
}

/* Where nothing was fetched in this run, the bytes on the disk are known to be wrong from before,
 * and to have them right is what the caller wants. */
static void
mismatch (DrayTransfer *self)
{
  if (!dray_transfer_is_repairing (self) && !self->fetched && !self->restarted)
    dray_transfer_begin_repair (self);
  else
    dray_transfer_fail (self, make_mismatch (self));
}

/* Bytes that only one digest could tie together are right with that digest alone. */
static gboolean
is_right (DrayTransfer *self)
{
  if (dray_transfer_is_tied (self) && g_strcmp0 (self->sha256, self->expected_sha256) != 0)
    return FALSE;

  return dray_resolver_accepts (self->resolver, self->sha256);
}

/* All bytes are here and hashed, and the lanes are free. */
void
dray_transfer_finish (DrayTransfer *self)
{
  if (dray_transfer_is_repairing (self) && !dray_transfer_end_repair (self))
    return;

  if (!is_right (self))
    {
      mismatch (self);
      return;
    }

  self->digest_tied = dray_transfer_is_tied (self);
  dray_transfer_forget_repair (self);
  if (g_strcmp0 (self->sha256, self->expected_sha256) == 0)
    self->length_proven = TRUE;
  dray_worker_push (self->disk, save_in_thread, saved_cb, finish_job_new (self));
}

static void
hashed_cb (gpointer user_data, const char *sha256)
{
  DrayTransfer *self = DRAY_TRANSFER (user_data);

  g_free (self->sha256);
  self->sha256 = g_strdup (sha256);

  if (dray_transfer_is_repairing (self))
    {
      self->repaired = is_right (self);
      if (self->repaired)
        g_clear_handle_id (&self->retry_source, g_source_remove);
    }
  dray_transfer_step (self);
}

static void record_damages (DrayTransfer *self);

static void
damages_recorded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (DrayTransfer) self = DRAY_TRANSFER (user_data);

  self->recording_damages = FALSE;
  if (!dray_transfer_recorded (self, source, result))
    return;

  /* None of them if the transfer has started over meanwhile. */
  for (guint i = 0; i < self->n_damages_recorded; i++)
    {
      const DrayClaim *damage = &g_array_index (self->damages, DrayClaim, i);

      dray_piece_map_release (self->map, damage->id);
      dray_hasher_continue (self->hasher, (guint) (damage->start / DRAY_BLOCK_SIZE));
      self->state = DRAY_TRANSFER_DOWNLOADING;
    }
  if (self->n_damages_recorded > 0)
    g_array_remove_range (self->damages, 0, self->n_damages_recorded);
  self->n_damages_recorded = 0;

  if (self->damages->len > 0)
    record_damages (self);
  dray_transfer_step (self);
}

static void
record_damages (DrayTransfer *self)
{
  self->recording_damages = TRUE;
  self->n_damages_recorded = self->damages->len;
  dray_transfer_record_step (self, DRAY_JOURNAL_FETCHING, damages_recorded_cb);
}

/* The block counts no more, durably, before a byte of it is fetched again. */
static void
damaged_cb (gpointer user_data, guint block)
{
  DrayTransfer *self = DRAY_TRANSFER (user_data);
  gint64 start = block * DRAY_BLOCK_SIZE;
  DrayClaim damage;

  if (self->failure != NULL || self->task == NULL)
    return;

  g_message ("Block %u of “%s” is damaged on the disk and will be fetched again", block,
             self->name);
  if (!dray_piece_map_invalidate (self->map, start, start + DRAY_BLOCK_SIZE, &damage))
    g_return_if_reached ();

  g_array_append_val (self->damages, damage);
  if (!self->recording_damages)
    record_damages (self);
}

static void
hash_failed_cb (gpointer user_data, const GError *error)
{
  DrayTransfer *self = DRAY_TRANSFER (user_data);

  if (self->task != NULL)
    dray_transfer_interrupt (self, g_error_copy (error));
}

const DrayHasherEvents dray_transfer_hasher_events = {
  .finished = hashed_cb,
  .damaged = damaged_cb,
  .failed = hash_failed_cb,
};
