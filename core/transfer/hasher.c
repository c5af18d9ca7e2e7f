/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/transfer/hasher.h"

#include "core/base/error.h"
#include "core/base/lock.h"
#include "core/base/worker.h"

#define BUFFER_SIZE (256 * 1024)

struct _DrayHasher
{
  DrayWorker *worker;
  DrayPieceMap *map;
  DrayPartialFile *file;
  const DrayHasherEvents *events; /* NULL while the hasher is being freed */
  gpointer user_data;

  DrayLock lock; /* guards what follows, down to the next blank line */
  DrayCondition wake;
  gboolean stopping;
  gboolean waiting_for_repair;
  guint64 wakes;   /* counts calls of dray_hasher_wake() */
  gint64 position; /* bytes hashed */
  GArray *states;  /* of DrayDigestState: after each block passed */

  /* The hasher's thread alone: */
  GArray *saved; /* of DrayDigestState: what an earlier run saved, for comparison */
  guint repaired; /* the block reported as damaged last; G_MAXUINT for none */
  DrayDigest digest;
  guint8 *buffer;
};

typedef struct
{
  DrayHasher *hasher;
  char *sha256;
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

/* Waits until there is something to hash; returns its end, or -1 when the hasher is to stop. The
 * front is read outside our lock: the map has its own, and wakes counts what is missed meanwhile. */
static gint64
wait_for_bytes (DrayHasher *self, gint64 position)
{
  for (;;)
    {
      guint64 wakes;
      gboolean stopping, waiting, complete;
      gint64 front;

      dray_lock_acquire (&self->lock);
      wakes = self->wakes;
      stopping = self->stopping;
      waiting = self->waiting_for_repair;
      dray_lock_release (&self->lock);

      if (stopping)
        return -1;

      /* In this order: the front of a map that was complete before is the end of the file. */
      complete = dray_piece_map_is_complete (self->map);
      front = dray_piece_map_get_front (self->map);
      if (!waiting && (front > position || complete))
        return front;

      dray_lock_acquire (&self->lock);
      while (self->wakes == wakes && !self->stopping)
        dray_condition_wait (&self->wake, &self->lock);
      dray_lock_release (&self->lock);
    }
}

static void
restart_at_block (DrayHasher *self, guint block)
{
  if (block == 0)
    {
      dray_digest_init (&self->digest);
      return;
    }

  dray_lock_acquire (&self->lock);
  dray_digest_init_from_state (&self->digest,
                               &g_array_index (self->states, DrayDigestState, block - 1),
                               block * DRAY_BLOCK_SIZE);
  dray_lock_release (&self->lock);
}

static void
report_failure (DrayHasher *self, GError *error)
{
  Event *event = event_new (self);

  event->error = error;
  dray_worker_post_back (self->worker, failed_cb, event);
}

static void
report_damage (DrayHasher *self, guint block)
{
  Event *event = event_new (self);

  self->repaired = block;
  restart_at_block (self, block);

  dray_lock_acquire (&self->lock);
  self->waiting_for_repair = TRUE;
  self->position = block * DRAY_BLOCK_SIZE;
  dray_lock_release (&self->lock);

  event->block = block;
  dray_worker_post_back (self->worker, damaged_cb, event);
}

typedef enum
{
  BLOCK_PASSED,
  BLOCK_DAMAGED,
  BLOCK_CHANGED,
} BlockOutcome;

/* At a block's end: keeps the state, or finds that it is not the one that was saved. If that is so
 * again after the block was fetched anew, then the server sends other bytes than those around it. */
static BlockOutcome
pass_block (DrayHasher *self, guint block)
{
  DrayDigestState state;

  dray_digest_save_state (&self->digest, &state);
  if (block < self->saved->len
      && !dray_digest_state_equal (&state, &g_array_index (self->saved, DrayDigestState, block)))
    {
      if (self->repaired == block)
        return BLOCK_CHANGED;
      report_damage (self, block);
      return BLOCK_DAMAGED;
    }

  dray_lock_acquire (&self->lock);
  g_array_append_val (self->states, state);
  dray_lock_release (&self->lock);
  return BLOCK_PASSED;
}

/* Hashes one buffer at most, never across the end of a block. */
static gboolean
hash_some (DrayHasher *self, gint64 *position, gint64 end, GError **error)
{
  gint64 block_end = (*position / DRAY_BLOCK_SIZE + 1) * DRAY_BLOCK_SIZE;
  gsize wanted = (gsize) MIN (MIN (end, block_end) - *position, BUFFER_SIZE);
  gssize n = dray_partial_file_read (self->file, *position, self->buffer, wanted, error);

  if (n < 0)
    return FALSE;
  if ((gsize) n < wanted)
    {
      g_set_error_literal (error, DRAY_ERROR, DRAY_ERROR_PARTIAL_MISSING,
                           "The partial file was cut short by another program");
      return FALSE;
    }

  dray_digest_update (&self->digest, self->buffer, (gsize) n);
  *position += n;
  if (*position == block_end)
    {
      switch (pass_block (self, (guint) (block_end / DRAY_BLOCK_SIZE) - 1))
        {
        case BLOCK_PASSED:
          break;

        case BLOCK_DAMAGED:
          *position = block_end - DRAY_BLOCK_SIZE;
          break;

        case BLOCK_CHANGED:
          g_set_error_literal (error, DRAY_ERROR, DRAY_ERROR_CHANGED,
                               "The server now sends other bytes than before");
          return FALSE;

        default:
          g_assert_not_reached ();
        }
    }

  dray_lock_acquire (&self->lock);
  self->position = *position;
  dray_lock_release (&self->lock);
  return TRUE;
}

static void
hash_file (gpointer data)
{
  DrayHasher *self = data;
  gint64 position = 0;

  for (;;)
    {
      gint64 end = wait_for_bytes (self, position);
      Event *event;
      GError *error = NULL;

      if (end < 0)
        return;

      if (position < end)
        {
          if (hash_some (self, &position, end, &error))
            continue;
          report_failure (self, error);
          return;
        }

      /* The map is complete and all of it is hashed. */
      event = event_new (self);
      event->sha256 = dray_digest_finish (&self->digest);
      dray_worker_post_back (self->worker, finished_cb, event);
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
 * Starts to hash the file from its first byte. It ends by itself when the map is complete and
 * hashed.
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

  self->map = map;
  self->file = dray_partial_file_ref (file);
  self->events = events;
  self->user_data = user_data;
  self->states = g_array_new (FALSE, FALSE, sizeof (DrayDigestState));
  self->saved = g_array_copy (saved_states);
  self->repaired = G_MAXUINT;
  self->buffer = g_malloc (BUFFER_SIZE);
  dray_digest_init (&self->digest);
  dray_lock_init (&self->lock);
  dray_condition_init (&self->wake);

  self->worker = dray_worker_new ("hasher");
  dray_worker_push (self->worker, hash_file, NULL, self);

  return self;
}

/**
 * dray_hasher_free:
 * @hasher: (transfer full): a hasher
 *
 * Stops the thread, which takes at most the time of one buffer. Events on their way are dropped.
 */
void
dray_hasher_free (DrayHasher *hasher)
{
  dray_lock_acquire (&hasher->lock);
  hasher->stopping = TRUE;
  dray_condition_broadcast (&hasher->wake);
  dray_lock_release (&hasher->lock);

  hasher->events = NULL;
  dray_worker_free (hasher->worker);
  dray_condition_clear (&hasher->wake);
  dray_lock_clear (&hasher->lock);
  g_array_unref (hasher->states);
  g_array_unref (hasher->saved);
  dray_partial_file_unref (hasher->file);
  g_free (hasher->buffer);
  g_free (hasher);
}

/**
 * dray_hasher_wake:
 * @hasher: a hasher
 *
 * Says that the front of the file may have moved, or that the map is complete. Any thread.
 */
void
dray_hasher_wake (DrayHasher *hasher)
{
  dray_lock_acquire (&hasher->lock);
  hasher->wakes++;
  dray_condition_broadcast (&hasher->wake);
  dray_lock_release (&hasher->lock);
}

/**
 * dray_hasher_continue:
 * @hasher: a hasher that has reported a damaged block
 *
 * Lets the hasher go on. The damaged block must have been taken out of the map before.
 */
void
dray_hasher_continue (DrayHasher *hasher)
{
  dray_lock_acquire (&hasher->lock);
  hasher->waiting_for_repair = FALSE;
  hasher->wakes++;
  dray_condition_broadcast (&hasher->wake);
  dray_lock_release (&hasher->lock);
}

/**
 * dray_hasher_get_position:
 * @hasher: a hasher
 *
 * Returns: how many bytes of the file are hashed
 */
gint64
dray_hasher_get_position (DrayHasher *hasher)
{
  gint64 position;

  dray_lock_acquire (&hasher->lock);
  position = hasher->position;
  dray_lock_release (&hasher->lock);

  return position;
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
    g_array_append_vals (copy,
                         &g_array_index (hasher->states, DrayDigestState, first),
                         hasher->states->len - first);
  dray_lock_release (&hasher->lock);

  return copy;
}
