/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/transfer/hasher-private.h"

#include "core/base/error.h"

/* After how many reports of new bytes the checkers look for blocks that have come to the disk. */
#define WAKES_PER_CHECK 64

/* So many bytes may wait to be hashed before fetching more is slowed down: a tenth of a second. */
#define LAG_MAX ((gint64) 128 * 1024 * 1024)

typedef struct
{
  DrayHasher *hasher;
  char *sha256;
  guint n_changes;
  guint block;
  GError *error;
} Event;

static Event *
event_new (DrayHasher *hasher)
{
  Event *event = g_new0 (Event, 1);

  event->hasher = hasher;
  return event;
}

static void
event_free (Event *event)
{
  g_free (event->sha256);
  g_clear_error (&event->error);
  g_free (event);
}

static void
finished_cb (gpointer data)
{
  Event *event = data;

  event->hasher->n_changes_told = event->n_changes;
  if (event->hasher->events != NULL)
    event->hasher->events->finished (event->hasher->user_data, event->sha256);
  event_free (event);
}

static void
damaged_cb (gpointer data)
{
  Event *event = data;

  if (event->hasher->events != NULL)
    event->hasher->events->damaged (event->hasher->user_data, event->block);
  event_free (event);
}

static void
failed_cb (gpointer data)
{
  Event *event = data;

  if (event->hasher->events != NULL)
    event->hasher->events->failed (event->hasher->user_data, event->error);
  event_free (event);
}

/* Reads the next bytes of the file into a digest. */
gboolean
dray_hasher_read (DrayHasher *self,
                  DrayDigest *digest,
                  guint8 *buffer,
                  gint64 position,
                  gsize n_bytes,
                  GError **error)
{
  gssize n = dray_partial_file_read (self->file, position, buffer, n_bytes, error);

  if (n < 0)
    return FALSE;
  if ((gsize) n < n_bytes)
    {
      g_set_error_literal (error, DRAY_ERROR, DRAY_ERROR_PARTIAL_MISSING,
                           "The partial file was cut short by another program");
      return FALSE;
    }

  dray_digest_update (digest, buffer, n_bytes);
  return TRUE;
}

/* Begins a digest where @block begins. */
void
dray_hasher_begin_at (DrayHasher *self, DrayDigest *digest, guint block)
{
  if (block == 0)
    dray_digest_init (digest);
  else
    dray_digest_init_from_state (digest, &g_array_index (self->states, DrayDigestState, block - 1),
                                 block * DRAY_BLOCK_SIZE);
}

/* Ends the running digest and tells it. */
void
dray_hasher_report_digest (DrayHasher *self)
{
  Event *event = event_new (self);

  dray_lock_acquire (&self->lock);
  event->n_changes = self->n_changes_hashed;
  dray_lock_release (&self->lock);
  event->sha256 = dray_digest_finish (&self->digest);
  dray_worker_post_back (self->worker, finished_cb, event);
}

/* Stops all threads of the hasher and tells why; the first reason counts. */
void
dray_hasher_report_failure (DrayHasher *self, DrayWorker *worker, GError *error)
{
  Event *event = event_new (self);
  gboolean first;

  dray_lock_acquire (&self->lock);
  first = !self->stopping;
  self->stopping = TRUE;
  dray_condition_broadcast (&self->wake);
  dray_condition_broadcast (&self->wake_check);
  dray_lock_release (&self->lock);

  event->error = error;
  if (first)
    dray_worker_post_back (worker, failed_cb, event);
  else
    event_free (event);
}

/* Tells that a block does not agree with its saved state. */
void
dray_hasher_report_damage (DrayHasher *self, DrayWorker *worker, guint block)
{
  Event *event = event_new (self);

  event->block = block;
  dray_worker_post_back (worker, damaged_cb, event);
}

/* Waits until there is something to hash; returns its end, or -1 when the hasher is to stop. The
 * map is read outside our lock: wakes counts what is missed meanwhile. */
static gint64
wait_for_bytes (DrayHasher *self, gint64 position)
{
  for (;;)
    {
      guint64 wakes;
      gboolean stopping, proven, complete;
      gint64 end;

      dray_lock_acquire (&self->lock);
      wakes = self->wakes;
      stopping = self->stopping;
      proven = self->n_proven == self->checks->len;
      dray_lock_release (&self->lock);

      if (stopping)
        return -1;

      /* In this order: where a map was complete before, the bytes end where the file does. */
      complete = dray_piece_map_is_complete (self->map);
      end = dray_piece_map_get_run_end (self->map, position);
      if (end > position || (complete && (proven || end > dray_piece_map_get_total (self->map))))
        return end;

      dray_lock_acquire (&self->lock);
      if (complete)
        dray_condition_broadcast (&self->wake_check);
      while (self->wakes == wakes && !self->stopping)
        dray_condition_wait (&self->wake, &self->lock);
      dray_lock_release (&self->lock);
    }
}

/* Hashes one buffer at most, never across the end of a block. */
static gboolean
hash_some (DrayHasher *self, gint64 *position, gint64 end, GError **error)
{
  gint64 block_end = (*position / DRAY_BLOCK_SIZE + 1) * DRAY_BLOCK_SIZE;
  gsize n = MIN ((gsize) (MIN (end, block_end) - *position), DRAY_HASHER_BUFFER_SIZE);

  if (!dray_hasher_read (self, &self->digest, self->buffer, *position, n, error))
    return FALSE;

  *position += (gint64) n;
  dray_lock_acquire (&self->lock);
  self->position = *position;
  if (*position == block_end)
    {
      DrayDigestState state;

      dray_digest_save_state (&self->digest, &state);
      g_array_append_val (self->states, state);
    }
  dray_lock_release (&self->lock);

  return TRUE;
}

static void
follow_file (gpointer data)
{
  DrayHasher *self = data;
  gint64 position = self->checks->len * DRAY_BLOCK_SIZE;
  gint64 end;

  while ((end = wait_for_bytes (self, position)) >= 0)
    {
      GError *error = NULL;

      if (position < end && hash_some (self, &position, end, &error))
        continue;

      if (position == end && end == dray_piece_map_get_total (self->map))
        {
          dray_hasher_report_digest (self);
          return;
        }

      /* The file has turned out shorter than what an earlier run has hashed of it. */
      if (error == NULL)
        error = g_error_new_literal (DRAY_ERROR, DRAY_ERROR_CHANGED,
                                     "The file on the server has another size than before");
      dray_hasher_report_failure (self, self->worker, error);
      return;
    }
}

/**
 * dray_hasher_new:
 * @map: the piece map; must outlive the hasher
 * @file: the partial file
 * @saved_states: (element-type DrayDigestState) (transfer none): the states that an earlier run
 *   saved, from the first block on
 * @events: what to tell; must outlive the hasher
 * @user_data: for @events
 *
 * Starts to hash the file behind the blocks whose states were saved, and to check those. It ends by
 * itself when the map is complete and all of the file is hashed and proven.
 *
 * Returns: (transfer full): a hasher
 */
DrayHasher *
dray_hasher_new (DrayPieceMap *map,
                 DrayPartialFile *file,
                 GArray *saved_states,
                 const DrayHasherEvents *events,
                 gpointer user_data)
{
  DrayHasher *self = g_new0 (DrayHasher, 1);
  gint64 total = dray_piece_map_get_total (map);
  guint n_saved = saved_states->len;

  if (total != DRAY_SIZE_UNKNOWN)
    n_saved = (guint) MIN (n_saved, total / DRAY_BLOCK_SIZE);

  self->map = map;
  self->file = dray_partial_file_ref (file);
  self->events = events;
  self->user_data = user_data;
  self->states = g_array_copy (saved_states);
  g_array_set_size (self->states, n_saved);
  self->checks = g_array_new (FALSE, TRUE, sizeof (DrayBlockCheck));
  g_array_set_size (self->checks, n_saved);
  self->differing = g_array_new (FALSE, FALSE, sizeof (guint));
  self->rewind_to = DRAY_NO_REWIND;
  self->position = n_saved * DRAY_BLOCK_SIZE;
  self->buffer = g_malloc (DRAY_HASHER_BUFFER_SIZE);
  dray_lock_init (&self->lock);
  dray_condition_init (&self->wake);
  dray_condition_init (&self->wake_check);
  dray_lock_acquire (&self->lock);
  dray_hasher_begin_at (self, &self->digest, n_saved);
  dray_lock_release (&self->lock);

  self->checkers = g_ptr_array_new_with_free_func ((GDestroyNotify) dray_worker_free);
  self->worker = dray_worker_new ("hasher");
  dray_worker_push (self->worker, follow_file, NULL, self);
  dray_hasher_start_checks (self);

  return self;
}

/**
 * dray_hasher_free:
 * @hasher: (transfer full): a hasher
 *
 * Stops the threads, which takes at most the time of one buffer. Events on their way are dropped.
 */
void
dray_hasher_free (DrayHasher *hasher)
{
  dray_lock_acquire (&hasher->lock);
  hasher->stopping = TRUE;
  dray_condition_broadcast (&hasher->wake);
  dray_condition_broadcast (&hasher->wake_check);
  dray_lock_release (&hasher->lock);

  hasher->events = NULL;
  g_ptr_array_unref (hasher->checkers);
  dray_worker_free (hasher->worker);
  dray_condition_clear (&hasher->wake);
  dray_condition_clear (&hasher->wake_check);
  dray_lock_clear (&hasher->lock);
  g_array_unref (hasher->states);
  g_array_unref (hasher->checks);
  g_array_unref (hasher->differing);
  dray_partial_file_unref (hasher->file);
  g_free (hasher->buffer);
  g_free (hasher);
}

/**
 * dray_hasher_wake:
 * @hasher: a hasher
 *
 * Says that bytes have been written, or that the map is complete. Any thread.
 */
void
dray_hasher_wake (DrayHasher *hasher)
{
  dray_lock_acquire (&hasher->lock);
  hasher->wakes++;
  dray_condition_broadcast (&hasher->wake);
  if (hasher->wakes % WAKES_PER_CHECK == 0)
    dray_condition_broadcast (&hasher->wake_check);
  dray_lock_release (&hasher->lock);
}

/**
 * dray_hasher_continue:
 * @hasher: a hasher
 * @block: a block that it has reported as damaged
 *
 * Lets the hasher check the block again when it is on the disk. It must have been taken out of the
 * map before.
 */
void
dray_hasher_continue (DrayHasher *hasher, guint block)
{
  dray_lock_acquire (&hasher->lock);
  g_array_index (hasher->checks, DrayBlockCheck, block).status = DRAY_BLOCK_UNPROVEN;
  dray_condition_broadcast (&hasher->wake_check);
  dray_lock_release (&hasher->lock);
}

/**
 * dray_hasher_is_behind:
 * @hasher: a hasher
 *
 * Bytes that come faster than they are hashed are waited for in the end, and read back from the
 * disk when the page cache has let them go. What was there when the hasher began does not count: to
 * wait for that would only delay the bytes that come. Any thread.
 *
 * Returns: whether so many bytes are there to be hashed that fetching more can wait
 */
gboolean
dray_hasher_is_behind (DrayHasher *hasher)
{
  gboolean is_behind;

  dray_lock_acquire (&hasher->lock);
  is_behind = dray_piece_map_get_run_end (hasher->map, hasher->position) - hasher->position
              > LAG_MAX;
  hasher->has_caught_up = hasher->has_caught_up || !is_behind;
  is_behind = is_behind && hasher->has_caught_up;
  dray_lock_release (&hasher->lock);

  return is_behind;
}

/**
 * dray_hasher_get_verified:
 * @hasher: a hasher
 *
 * Returns: how many bytes of the file this run has read from the disk and hashed, or proven to be
 *   those that an earlier run has hashed
 */
gint64
dray_hasher_get_verified (DrayHasher *hasher)
{
  gint64 verified;

  dray_lock_acquire (&hasher->lock);
  verified = hasher->position - (hasher->checks->len - hasher->n_proven) * DRAY_BLOCK_SIZE;
  dray_lock_release (&hasher->lock);

  return verified;
}

/**
 * dray_hasher_get_n_blocks:
 * @hasher: a hasher
 *
 * Returns: of how many blocks the state after them is known
 */
guint
dray_hasher_get_n_blocks (DrayHasher *hasher)
{
  guint n_blocks;

  dray_lock_acquire (&hasher->lock);
  n_blocks = hasher->states->len;
  dray_lock_release (&hasher->lock);

  return n_blocks;
}

/**
 * dray_hasher_snapshot:
 * @hasher: a hasher
 * @first: the first block that is wanted
 *
 * Returns: (transfer full) (element-type DrayDigestState): the states after block @first and those
 *   behind it, as far as the hasher has come
 */
GArray *
dray_hasher_snapshot (DrayHasher *hasher, guint first)
{
  GArray *copy = g_array_new (FALSE, FALSE, sizeof (DrayDigestState));

  dray_lock_acquire (&hasher->lock);
  if (first < hasher->states->len)
    g_array_append_vals (copy, &g_array_index (hasher->states, DrayDigestState, first),
                         hasher->states->len - first);
  dray_lock_release (&hasher->lock);

  return copy;
}
