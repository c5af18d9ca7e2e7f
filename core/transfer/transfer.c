/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/transfer/transfer-private.h"

G_DEFINE_FINAL_TYPE (DrayTransfer, dray_transfer, G_TYPE_OBJECT)

static void
dray_transfer_dispose (GObject *object)
{
  DrayTransfer *self = DRAY_TRANSFER (object);

  g_assert (self->task == NULL);

  /* First the threads, then what they use. */
  dray_transfer_clear_lanes (self);
  g_clear_pointer (&self->hasher, dray_hasher_free);
  g_clear_pointer (&self->sessions, dray_session_pool_unref);
  g_clear_object (&self->journal);
  g_clear_object (&self->resolver);
  g_clear_object (&self->run_cancellable);

  G_OBJECT_CLASS (dray_transfer_parent_class)->dispose (object);
}

static void
dray_transfer_finalize (GObject *object)
{
  DrayTransfer *self = DRAY_TRANSFER (object);

  g_clear_pointer (&self->file, dray_partial_file_unref);
  dray_transfer_set_map (self, NULL);
  g_clear_pointer (&self->needs, g_ptr_array_unref);
  g_clear_pointer (&self->kept_map, dray_piece_map_free);
  g_clear_pointer (&self->limiter, dray_rate_limiter_unref);
  g_clear_pointer (&self->location, dray_location_free);
  g_clear_pointer (&self->found_pieces, g_array_unref);
  g_clear_pointer (&self->saved_blocks, g_array_unref);
  g_clear_pointer (&self->damages, g_array_unref);
  dray_validator_clear (&self->validator);
  dray_known_file_clear (&self->known);
  g_clear_error (&self->failure);
  g_clear_error (&self->interruption);
  g_free (self->directory);
  g_free (self->name);
  g_free (self->planned_name);
  g_free (self->suggested_name);
  g_free (self->expected_sha256);
  g_free (self->boot_id);
  g_free (self->sha256);

  G_OBJECT_CLASS (dray_transfer_parent_class)->finalize (object);
}

static void
dray_transfer_class_init (DrayTransferClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = dray_transfer_dispose;
  object_class->finalize = dray_transfer_finalize;
}

static void
dray_transfer_init (DrayTransfer *self)
{
  dray_retry_init (&self->retry);
  dray_speed_reset (&self->speed);
  dray_transfer_init_lanes (self);
  self->run_cancellable = g_cancellable_new ();
}

static GArray *
copy_or_new (GArray *array, guint element_size)
{
  return array != NULL ? g_array_copy (array) : g_array_new (FALSE, FALSE, element_size);
}

/**
 * dray_transfer_new:
 * @plan: what to start from
 * @sessions: the manager's sessions
 * @hosts: what the hosts take; must outlive the run
 * @disk: the disk thread of the folder's filesystem; must outlive the transfer
 * @journal: who remembers
 * @resolver: who knows the address
 *
 * Returns: (transfer full): a transfer that has not begun
 */
DrayTransfer *
dray_transfer_new (const DrayTransferPlan *plan,
                   DraySessionPool *sessions,
                   DrayHostLimits *hosts,
                   DrayWorker *disk,
                   DrayJournal *journal,
                   DrayResolver *resolver)
{
  DrayTransfer *self = g_object_new (DRAY_TYPE_TRANSFER, NULL);

  self->directory = g_strdup (plan->directory);
  self->name = g_strdup (plan->name);
  self->planned_name = g_strdup (plan->planned_name);
  self->suggested_name = g_strdup (plan->suggested_name);
  self->expected_sha256 = g_strdup (plan->expected_sha256);
  self->boot_id = g_strdup (plan->boot_id);
  self->restart_changed = plan->restart_changed;
  self->interval = plan->interval;
  self->n_connections = plan->n_connections;
  if (plan->known != NULL)
    {
      self->known = *plan->known;
      self->known.path = g_strdup (plan->known->path);
      self->known.sha256 = g_strdup (plan->known->sha256);
      self->known.validator = (DrayValidator){ 0 };
      dray_validator_copy (&self->known.validator, &plan->known->validator);
    }
  self->total = plan->total;
  self->length_proven = plan->length_proven;
  dray_validator_copy (&self->validator, plan->validator);
  self->identity = *plan->identity;
  self->sync_failed = plan->sync_failed;
  self->digest_tied = plan->digest_tied;
  self->found_pieces = copy_or_new (plan->pieces, sizeof (DrayPiece));
  self->saved_blocks = copy_or_new (plan->blocks, sizeof (DrayDigestState));
  self->n_recorded_blocks = self->saved_blocks->len;
  self->damages = g_array_new (FALSE, FALSE, sizeof (DrayClaim));

  self->sessions = dray_session_pool_ref (sessions);
  self->hosts = hosts;
  self->disk = disk;
  self->journal = g_object_ref (journal);
  self->resolver = g_object_ref (resolver);
  self->limiter = dray_rate_limiter_new (plan->rate_limit, plan->limiter);
  self->network = plan->network;

  return self;
}

/* The one way out: when nothing is under way any more, the last offsets are recorded, and then the
 * run has ended as `failure` says. Without a partial file there is nothing that the journal does
 * not know, and what it knows of a file that could not be opened must stay; and of a file that has
 * its final name it knows all but that, which the next start finds out. */
static void
settled (DrayTransfer *self)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->task);

  g_clear_pointer (&self->share, dray_host_share_free);
  g_task_return_error (task, g_steal_pointer (&self->failure));
}

static void
settled_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (DrayTransfer) self = DRAY_TRANSFER (user_data);
  g_autoptr (GError) error = NULL;

  if (!dray_journal_record_finish (DRAY_JOURNAL (source), result, &error))
    g_warning ("The last offsets were not recorded: %s", error->message);

  settled (self);
}

static void
settle (DrayTransfer *self)
{
  if (self->settling || self->n_jobs > 0 || self->syncing || dray_transfer_is_asking (self))
    return;

  self->settling = TRUE;
  g_cancellable_disconnect (g_task_get_cancellable (self->task), self->cancelled_id);
  if (self->file != NULL && !self->named)
    dray_transfer_record (self, DRAY_JOURNAL_FETCHING, FALSE, settled_cb);
  else
    settled (self);
}

/* Decides what comes next, whenever something has ended. */
void
dray_transfer_step (DrayTransfer *self)
{
  if (self->task == NULL)
    return;
  if (self->failure != NULL)
    {
      settle (self);
      return;
    }
  if (self->n_jobs > 0 || self->retry_source != 0 || self->interruption != NULL)
    return;

  if (!self->is_known && !self->repaired && !dray_piece_map_is_complete (self->map))
    {
      dray_transfer_fetch (self);
      return;
    }

  /* What another lane has fetched meanwhile need not be waited for. */
  dray_transfer_drop_lanes (self);
  if (self->share != NULL)
    dray_host_share_set_wanted (self->share, 0);
  if (dray_transfer_is_asking (self))
    return;

  if (self->is_known)
    dray_transfer_complete (self);
  else if (self->file == NULL)
    dray_transfer_create_partial (self, NULL, 1);
  else
    {
      self->state = DRAY_TRANSFER_VERIFYING;
      if (self->sha256 != NULL)
        dray_transfer_finish (self);
      else
        dray_hasher_wake (self->hasher);
    }
}

/**
 * dray_transfer_fail:
 * @self: a transfer that runs
 * @error: (transfer full): why it ends
 *
 * Ends the run as soon as all that is under way has ended. The first reason counts.
 */
void
dray_transfer_fail (DrayTransfer *self, GError *error)
{
  if (self->failure != NULL || self->task == NULL)
    {
      g_error_free (error);
      return;
    }

  self->failure = error;
  dray_transfer_stop_rhythm (self);
  g_clear_handle_id (&self->retry_source, g_source_remove);
  g_cancellable_cancel (self->run_cancellable);
  dray_transfer_drop_lanes (self);
  settle (self);
}

/* Something begins in another thread or in the journal whose end this run must wait for. */
void
dray_transfer_begin_job (DrayTransfer *self)
{
  self->n_jobs++;
  g_object_ref (self);
}

/* It has ended; returns whether the run goes on. The caller still holds a reference through its
 * own callback data. */
gboolean
dray_transfer_end_job (DrayTransfer *self)
{
  self->n_jobs--;
  g_object_unref (self);

  if (self->failure == NULL)
    return TRUE;

  settle (self);
  return FALSE;
}

void
dray_transfer_complete (DrayTransfer *self)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->task);
  DrayTransferResult *result = g_new0 (DrayTransferResult, 1);

  g_clear_pointer (&self->share, dray_host_share_free);
  g_cancellable_disconnect (g_task_get_cancellable (task), self->cancelled_id);
  if (self->is_known)
    {
      result->path = g_strdup (self->known.path);
      result->size = self->known.size;
      result->sha256 = g_strdup (self->known.sha256);
      result->length_proven = self->known.length_proven;
      result->known = TRUE;
    }
  else
    {
      result->path = g_build_filename (self->directory, self->name, NULL);
      result->size = self->total;
      result->sha256 = g_strdup (self->sha256);
      result->length_proven = self->length_proven;
    }
  g_task_return_pointer (task, result, (GDestroyNotify) dray_transfer_result_free);
}

static gboolean
cancelled_idle_cb (gpointer user_data)
{
  DrayTransfer *self = DRAY_TRANSFER (user_data);

  if (!self->finishing)
    dray_transfer_fail (self, g_error_new_literal (DRAY_ERROR, DRAY_ERROR_CANCELLED, "Cancelled"));

  return G_SOURCE_REMOVE;
}

/* From the main loop and not from inside g_cancellable_cancel(), which holds a lock that
 * g_cancellable_disconnect() would wait for. */
static void
cancelled_cb (G_GNUC_UNUSED GCancellable *cancellable, gpointer user_data)
{
  g_idle_add_full (G_PRIORITY_DEFAULT, cancelled_idle_cb, g_object_ref (user_data),
                   g_object_unref);
}

/**
 * dray_transfer_run_async:
 * @self: a transfer that has not begun
 * @cancellable: pauses the transfer: bytes are kept and offsets recorded before it reports
 * @callback: called in the main thread
 * @user_data: for @callback
 *
 * Moves the bytes until the finished file has its name.
 */
void
dray_transfer_run_async (DrayTransfer *self,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_return_if_fail (DRAY_IS_TRANSFER (self));
  g_return_if_fail (G_IS_CANCELLABLE (cancellable));
  g_return_if_fail (self->task == NULL);

  self->task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (self->task, dray_transfer_run_async);
  g_task_set_check_cancellable (self->task, FALSE);
  self->cancelled_id = g_cancellable_connect (cancellable, G_CALLBACK (cancelled_cb), self, NULL);

  dray_transfer_open_partial (self);
}

/**
 * dray_transfer_run_finish:
 * @self: a transfer
 * @result: as given to the callback
 * @error: return location for a #GError
 *
 * Errors: any of %DRAY_ERROR. The bytes are kept in every case; with
 * %DRAY_ERROR_CHECKSUM_MISMATCH they are known to be wrong, and the next run repairs them.
 *
 * Returns: (transfer full) (nullable): what was made
 */
DrayTransferResult *
dray_transfer_run_finish (DrayTransfer *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

void
dray_known_file_clear (DrayKnownFile *known)
{
  g_clear_pointer (&known->path, g_free);
  g_clear_pointer (&known->sha256, g_free);
  dray_validator_clear (&known->validator);
}

void
dray_transfer_result_free (DrayTransferResult *result)
{
  g_free (result->path);
  g_free (result->sha256);
  g_free (result);
}

/**
 * dray_transfer_set_rate_limit:
 * @self: a transfer
 * @rate_limit: bytes per second, or %DRAY_RATE_UNLIMITED
 *
 * Changes the limit at once, also for connections that wait under the old one.
 */
void
dray_transfer_set_rate_limit (DrayTransfer *self, gint64 rate_limit)
{
  g_return_if_fail (DRAY_IS_TRANSFER (self));
  g_return_if_fail (rate_limit >= 0);

  dray_rate_limiter_set_rate (self->limiter, g_get_monotonic_time (), rate_limit);
  dray_transfer_rate_changed (self);
}

/**
 * dray_transfer_rate_changed:
 * @self: a transfer
 *
 * A limit that holds for this transfer has changed: it holds at once for connections that wait.
 */
void
dray_transfer_rate_changed (DrayTransfer *self)
{
  g_return_if_fail (DRAY_IS_TRANSFER (self));

  for (guint i = 0; i < G_N_ELEMENTS (self->lanes); i++)
    if (self->lanes[i].connection != NULL)
      dray_connection_rate_changed (self->lanes[i].connection);
}

/**
 * dray_transfer_get_validator:
 * @self: a transfer
 * @total: (out): the file's size in bytes, %DRAY_SIZE_UNKNOWN where that is not known yet
 *
 * What the journal has is up to its interval older.
 *
 * Returns: (transfer none): the version of the bytes at hand, as the server named it
 */
const DrayValidator *
dray_transfer_get_validator (DrayTransfer *self, gint64 *total)
{
  *total = self->total;
  return &self->validator;
}

/**
 * dray_transfer_sample:
 * @self: a transfer
 * @progress: (out caller-allocates): how far it is
 *
 * To be called about ten times a second while the transfer runs: the speed comes of it.
 */
void
dray_transfer_sample (DrayTransfer *self, DrayTransferProgress *progress)
{
  gint64 now = g_get_monotonic_time ();

  progress->state = self->state;
  progress->total = self->total;
  progress->downloaded = self->map != NULL ? dray_piece_map_get_written (self->map) : 0;
  progress->verified = self->hasher != NULL ? dray_hasher_get_verified (self->hasher) : 0;
  progress->wait_until = self->wait_until;
  progress->wait_reason = self->wait_reason;

  if (self->map != NULL)
    dray_speed_add (&self->speed, now, progress->downloaded);
  progress->speed = dray_speed_get (&self->speed, now);
  progress->eta = self->total == DRAY_SIZE_UNKNOWN
                      ? -1
                      : dray_speed_get_eta (&self->speed, now, self->total - progress->downloaded);
}
