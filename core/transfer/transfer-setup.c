/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The partial file of a transfer: found again, made, or made anew. */

#include "core/transfer/transfer-private.h"

#include "core/library/space.h"
#include "core/transfer/trust.h"

/* What the disk thread is given and gives back. */
typedef struct
{
  DrayTransfer *transfer;
  char *directory;
  char *name;
  char *boot_id;
  char *suggested;
  guint attempt;
  gint64 total;
  GPtrArray *needs; /* of DraySpaceNeed: of others; NULL for none */
  gboolean discard_first;

  DrayPartialFile *file;
  gint64 size;
  gboolean missing;
  gboolean name_taken;
  GError *error;
} SetupJob;

static SetupJob *
setup_job_new (DrayTransfer *self)
{
  SetupJob *job = g_new0 (SetupJob, 1);

  job->transfer = g_object_ref (self);
  job->directory = g_strdup (self->directory);
  job->name = g_strdup (self->name);
  job->boot_id = g_strdup (self->boot_id);
  job->total = self->total;
  job->needs = self->needs != NULL ? g_ptr_array_ref (self->needs) : NULL;
  dray_transfer_begin_job (self);

  return job;
}

static void
setup_job_free (SetupJob *job)
{
  g_clear_pointer (&job->file, dray_partial_file_unref);
  g_clear_pointer (&job->needs, g_ptr_array_unref);
  g_clear_error (&job->error);
  g_object_unref (job->transfer);
  g_free (job->directory);
  g_free (job->name);
  g_free (job->boot_id);
  g_free (job->suggested);
  g_free (job);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SetupJob, setup_job_free)

/* Asks once in a run: those who come later have counted this file already. */
static void
list_needs (DrayTransfer *self)
{
  if (self->needs == NULL)
    self->needs = dray_resolver_list_needs (self->resolver);
}

static void
use_file (DrayTransfer *self, DrayPartialFile *file)
{
  self->file = dray_partial_file_ref (file);
  self->identity = *dray_partial_file_get_identity (file);
  self->hasher = dray_hasher_new (self->map, file, self->saved_blocks,
                                  &dray_transfer_hasher_events, self);
}

/**
 * dray_transfer_set_map:
 * @self: a transfer without a hasher whose lanes are free
 * @map: (transfer full) (nullable): which bytes are on the disk
 *
 * Takes a map in place of the one before.
 */
void
dray_transfer_set_map (DrayTransfer *self, DrayPieceMap *map)
{
  g_clear_pointer (&self->dispatcher, dray_dispatcher_free);
  g_clear_pointer (&self->map, dray_piece_map_free);
  self->map = map;
  if (map != NULL)
    self->dispatcher = dray_dispatcher_new (map, self->n_connections);
}

static void
forget_bytes (DrayTransfer *self)
{
  g_clear_pointer (&self->hasher, dray_hasher_free);
  dray_transfer_forget_repair (self);
  g_clear_pointer (&self->file, dray_partial_file_unref);
  g_clear_pointer (&self->sha256, g_free);
  g_array_set_size (self->saved_blocks, 0);
  self->n_recorded_blocks = 0;
  g_array_set_size (self->damages, 0);
  self->n_damages_recorded = 0;
  dray_validator_clear (&self->validator);
  self->sync_failed = FALSE;
  self->digest_tied = FALSE;
  self->total = DRAY_SIZE_UNKNOWN;
  self->length_proven = FALSE;
  dray_transfer_set_map (self, dray_piece_map_new (DRAY_SIZE_UNKNOWN));
  dray_speed_reset (&self->speed);
}

static void
recorded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (DrayTransfer) self = DRAY_TRANSFER (user_data);

  if (dray_transfer_recorded (self, source, result))
    dray_transfer_proceed (self);
}

/* Goes on once the partial file is there: with the answer that waits for it, or with the next
 * request. */
void
dray_transfer_proceed (DrayTransfer *self)
{
  if (self->lane_waiting != NULL)
    dray_transfer_let_through (self, g_steal_pointer (&self->lane_waiting));
  else
    dray_transfer_step (self);
  dray_transfer_start_rhythm (self);
}

static void
open_in_thread (gpointer data)
{
  SetupJob *job = data;

  job->file = dray_partial_file_open (job->directory, job->name, job->boot_id, &job->missing,
                                      &job->error);
  if (job->file == NULL)
    return;

  job->size = dray_partial_file_get_size (job->file);
  if (job->total != DRAY_SIZE_UNKNOWN)
    dray_partial_file_reserve (job->file, job->total,
                               dray_space_sum_up (job->needs, job->directory), &job->error);
}

/* Keeps of the recorded pieces what the file as it is now bears out. */
static gboolean
make_map (DrayTransfer *self, SetupJob *job, gboolean *lowered, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  DrayTrustFacts facts = {
    .recorded = &self->identity,
    .found = dray_partial_file_get_identity (job->file),
    .fixed_drive = dray_partial_file_is_on_fixed_drive (job->file),
    .sync_failed = self->sync_failed,
    .size = job->size,
    .n_blocks = self->saved_blocks->len,
  };

  *lowered = dray_trust_apply (&facts, self->found_pieces);
  dray_transfer_set_map (self, dray_piece_map_new_from_pieces (
                                   self->total, (const DrayPiece *) self->found_pieces->data,
                                   self->found_pieces->len, &local_error));
  if (self->map == NULL && *error == NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));

  return self->map != NULL;
}

static void
opened_cb (gpointer data)
{
  g_autoptr (SetupJob) job = data;
  DrayTransfer *self = job->transfer;
  gboolean lowered = FALSE;

  if (job->missing || self->sync_failed)
    {
      /* The bytes are gone, or not to be believed: they are fetched again, into a new file. */
      dray_transfer_set_map (self, dray_piece_map_new (self->total));
      if (dray_transfer_end_job (self))
        dray_transfer_start_over (self);
      return;
    }

  if (job->file != NULL && make_map (self, job, &lowered, &job->error))
    {
      self->last_recorded = self->last_synced = dray_piece_map_get_written (self->map);
      if (self->last_recorded == 0)
        forget_bytes (self);
      use_file (self, job->file);
    }
  if (job->error != NULL)
    dray_transfer_fail (self, g_steal_pointer (&job->error));
  if (!dray_transfer_end_job (self))
    return;

  if (lowered)
    {
      dray_transfer_record_step (self, DRAY_JOURNAL_FETCHING, recorded_cb);
    }
  else
    dray_transfer_proceed (self);
}

/* Begins the run: with the partial file of an earlier one, where there is one. */
void
dray_transfer_open_partial (DrayTransfer *self)
{
  if (self->name == NULL || self->found_pieces->len == 0 || self->identity.inode == 0)
    {
      dray_transfer_set_map (self, dray_piece_map_new (self->total));
      dray_transfer_step (self);
      return;
    }

  list_needs (self);
  dray_worker_push (self->disk, open_in_thread, opened_cb, setup_job_new (self));
}


static void
reserve_in_thread (gpointer data)
{
  SetupJob *job = data;

  if (job->total != DRAY_SIZE_UNKNOWN)
    dray_partial_file_reserve (job->file, job->total,
                               dray_space_sum_up (job->needs, job->directory), &job->error);
}

static void
reserved_cb (gpointer data)
{
  g_autoptr (SetupJob) job = data;
  DrayTransfer *self = job->transfer;

  if (job->error != NULL)
    dray_transfer_fail (self, g_steal_pointer (&job->error));
  if (dray_transfer_end_job (self))
    dray_transfer_proceed (self);
}

/* Only a file that is known by its identity is made large. */
static void
file_recorded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (DrayTransfer) self = DRAY_TRANSFER (user_data);
  SetupJob *job;

  if (!dray_transfer_recorded (self, source, result))
    return;

  job = setup_job_new (self);
  job->file = dray_partial_file_ref (self->file);
  dray_worker_push (self->disk, reserve_in_thread, reserved_cb, job);
}

static void
create_in_thread (gpointer data)
{
  SetupJob *job = data;

  if (job->discard_first && !dray_partial_file_discard (job->directory, job->name, &job->error))
    return;

  job->file = dray_partial_file_create (job->directory, job->name, job->boot_id,
                                        &job->name_taken, &job->error);
}

static void
created_cb (gpointer data)
{
  g_autoptr (SetupJob) job = data;
  DrayTransfer *self = job->transfer;

  if (job->error != NULL)
    dray_transfer_fail (self, g_steal_pointer (&job->error));
  if (job->file != NULL)
    use_file (self, job->file);
  if (!dray_transfer_end_job (self))
    return;

  if (job->file == NULL)
    {
      g_clear_pointer (&self->name, g_free);
      dray_transfer_create_partial (self, job->suggested, job->attempt + 1);
      return;
    }

  dray_transfer_record_step (self, DRAY_JOURNAL_FETCHING, file_recorded_cb);
}

static void
make_file (DrayTransfer *self, const char *suggested, guint attempt, gboolean discard_first)
{
  SetupJob *job = setup_job_new (self);

  job->suggested = g_strdup (suggested);
  job->attempt = attempt;
  job->discard_first = discard_first;
  dray_worker_push (self->disk, create_in_thread, created_cb, job);
}

static void
name_recorded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (DrayTransfer) self = DRAY_TRANSFER (user_data);

  if (dray_transfer_recorded (self, source, result))
    make_file (self, self->name, 1, FALSE);
}

static void
look_in_thread (gpointer data)
{
  SetupJob *job = data;
  gboolean name_free = FALSE;
  gint64 promised = dray_space_sum_up (job->needs, job->directory);

  if (dray_partial_file_check_room (job->directory, job->total, promised, &job->error)
      && dray_partial_file_is_name_free (job->directory, job->name, &name_free, &job->error))
    job->name_taken = !name_free;
}

/* The name is durable before the file exists: a file that is there and nowhere named would be left
 * behind by a crash, and the next run would choose another name. */
static void
looked_cb (gpointer data)
{
  g_autoptr (SetupJob) job = data;
  DrayTransfer *self = job->transfer;

  if (job->error != NULL)
    dray_transfer_fail (self, g_steal_pointer (&job->error));
  if (!dray_transfer_end_job (self))
    return;

  if (job->name_taken)
    {
      g_clear_pointer (&self->name, g_free);
      dray_transfer_create_partial (self, job->suggested, job->attempt + 1);
      return;
    }

  dray_transfer_record_step (self, DRAY_JOURNAL_FETCHING, name_recorded_cb);
}

/**
 * dray_transfer_create_partial:
 * @self: a transfer without a partial file
 * @suggested: (nullable): what the server calls the file
 * @attempt: counts from 1
 *
 * Decides the name and makes a new partial file; then the transfer goes on. A name that was
 * recorded by an earlier run is kept.
 */
void
dray_transfer_create_partial (DrayTransfer *self, const char *suggested, guint attempt)
{
  SetupJob *job;

  list_needs (self);
  if (self->planned_name != NULL)
    suggested = self->planned_name;
  else if (suggested == NULL)
    suggested = self->suggested_name != NULL ? self->suggested_name : "";
  if (self->name != NULL)
    {
      make_file (self, suggested, attempt, FALSE);
      return;
    }

  self->name = dray_journal_claim_name (self->journal, suggested, attempt);
  job = setup_job_new (self);
  job->suggested = g_strdup (suggested);
  job->attempt = attempt;
  dray_worker_push (self->disk, look_in_thread, looked_cb, job);
}

static void
forgotten_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (DrayTransfer) self = DRAY_TRANSFER (user_data);

  if (!dray_transfer_recorded (self, source, result))
    return;

  if (self->name != NULL)
    make_file (self, self->name, 1, TRUE);
  else
    dray_transfer_step (self);
}

/**
 * dray_transfer_start_over:
 * @self: a transfer whose lanes are free
 *
 * Gives up the bytes and begins from zero with a new partial file. That no byte counts any more is
 * durable before the old file goes: its inode may be given out again at once, and a catalog that
 * lost the news would believe the old offsets of the new file. The old identity stays until there is
 * a new one, so that the old file is known for ours if this is interrupted.
 */
void
dray_transfer_start_over (DrayTransfer *self)
{
  self->restarted = TRUE;
  self->state = DRAY_TRANSFER_CONNECTING;
  dray_transfer_stop_rhythm (self);
  forget_bytes (self);

  dray_transfer_record_step (self, DRAY_JOURNAL_FETCHING, forgotten_cb);
}
