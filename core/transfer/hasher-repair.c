/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The digest of a file that is repaired: its bytes are fetched again and compared, and where they
 * differ, replaced. Every change makes the digest begin anew at its block, from the state before it.
 *
 * The bytes behind the last change are likely to be right as they are, so they are hashed before
 * they have been compared. Where that turns out to be wrong again and again, the digest keeps for
 * ever longer to what has been compared: all of this reading ahead together is of few whole files.
 */

#include "core/transfer/hasher-private.h"

/* From how many vain attempts on reading ahead is as good as given up. */
#define REWINDS_MAX 20

static gint64
get_block_end (DrayHasher *self, guint block) DRAY_REQUIRES (self->lock)
{
  return MIN ((block + 1) * DRAY_BLOCK_SIZE, dray_piece_map_get_total (self->map));
}

/* Whether all of a block has been compared, and nothing of it will be replaced any more. */
static gboolean
is_compared (DrayHasher *self, guint block) DRAY_REQUIRES (self->lock)
{
  return dray_piece_map_get_run_end (self->map, block * DRAY_BLOCK_SIZE)
         >= get_block_end (self, block);
}

/* How far the digest may go on for now. A block of which a part has been replaced is waited for. */
static gint64
find_limit (DrayHasher *self) DRAY_REQUIRES (self->lock)
{
  if (dray_piece_map_get_written (self->map) < self->ahead_from)
    return dray_piece_map_get_run_end (self->map, self->position);

  for (guint i = 0; i < self->differing->len; i++)
    {
      guint block = g_array_index (self->differing, guint, i);

      if (get_block_end (self, block) > self->position && !is_compared (self, block))
        return MAX (self->position, block * DRAY_BLOCK_SIZE);
    }

  return dray_piece_map_get_total (self->map);
}

static void
rewind_digest (DrayHasher *self) DRAY_REQUIRES (self->lock)
{
  gint64 vain = ((G_GINT64_CONSTANT (1) << self->n_rewinds) - 1) * DRAY_BLOCK_SIZE;

  dray_hasher_begin_at (self, &self->digest, self->rewind_to);
  self->position = self->rewind_to * DRAY_BLOCK_SIZE;
  self->rewind_to = DRAY_NO_REWIND;
  self->n_rewinds = MIN (self->n_rewinds + 1, REWINDS_MAX);
  self->ahead_from = dray_piece_map_get_written (self->map) + vain;
}

/* Waits for what to hash next, never across the end of a block: nothing at the end of the file.
 * Returns %FALSE when the hasher is to stop. The position is ahead of the reading, so that a change
 * of what is being read counts as one of what was read. */
static gboolean
take_bytes (DrayHasher *self, gint64 *start, gsize *n_bytes)
{
  gboolean found = FALSE;

  dray_lock_acquire (&self->lock);
  while (!self->stopping && !found)
    {
      gboolean hashed = self->n_changes_hashed == self->n_changes;
      gint64 end;

      if (self->rewind_to != DRAY_NO_REWIND)
        rewind_digest (self);

      *start = self->position;
      end = hashed ? *start : find_limit (self);
      end = MIN (end, (*start / DRAY_BLOCK_SIZE + 1) * DRAY_BLOCK_SIZE);
      *n_bytes = MIN ((gsize) (end - *start), DRAY_HASHER_BUFFER_SIZE);
      self->position += (gint64) *n_bytes;
      found = *n_bytes > 0 || (!hashed && *start == dray_piece_map_get_total (self->map));
      if (!found)
        dray_condition_wait (&self->wake, &self->lock);
    }
  if (found && *n_bytes == 0)
    self->n_changes_hashed = self->n_changes;
  found = found && !self->stopping;
  dray_lock_release (&self->lock);

  return found;
}

/* Keeps the state at a block's end, unless what was read has changed meanwhile. */
static void
keep_state (DrayHasher *self)
{
  dray_lock_acquire (&self->lock);
  if (self->rewind_to == DRAY_NO_REWIND && self->position % DRAY_BLOCK_SIZE == 0)
    {
      DrayDigestState state;

      dray_digest_save_state (&self->digest, &state);
      g_array_append_val (self->states, state);
    }
  dray_lock_release (&self->lock);
}

static void
hash_repaired_file (gpointer data)
{
  DrayHasher *self = data;
  gint64 start;
  gsize n_bytes;

  while (take_bytes (self, &start, &n_bytes))
    {
      GError *error = NULL;

      if (n_bytes == 0)
        dray_hasher_report_digest (self);
      else if (dray_hasher_read (self, &self->digest, self->buffer, start, n_bytes, &error))
        keep_state (self);
      else
        {
          dray_hasher_report_failure (self, self->worker, error);
          return;
        }
    }
}

/**
 * dray_hasher_repair:
 * @hasher: a hasher that has told the digest
 * @map: which bytes have been compared with the server's since; of known size. It is not looked at
 *   any more once the hasher is settled and nothing more is replaced
 *
 * From now on the digest is told again when something has changed.
 */
void
dray_hasher_repair (DrayHasher *hasher, DrayPieceMap *map)
{
  hasher->map = map;
  dray_worker_push (hasher->worker, hash_repaired_file, NULL, hasher);
}

/* From the end: differences are found almost in order. */
static void
insert_sorted (GArray *blocks, guint block)
{
  guint i = blocks->len;

  while (i > 0 && g_array_index (blocks, guint, i - 1) > block)
    i--;
  if (i == 0 || g_array_index (blocks, guint, i - 1) != block)
    g_array_insert_val (blocks, i, block);
}

/**
 * dray_hasher_note_difference:
 * @hasher: a hasher of a file that is repaired
 * @offset: the first of some bytes of one block that differ from those on the disk
 *
 * Says that these bytes are about to be replaced. They must not count as compared before they are.
 * Any thread.
 */
void
dray_hasher_note_difference (DrayHasher *hasher, gint64 offset)
{
  guint block = (guint) (offset / DRAY_BLOCK_SIZE);

  dray_lock_acquire (&hasher->lock);
  insert_sorted (hasher->differing, block);
  if (hasher->states->len > block)
    g_array_set_size (hasher->states, block);
  if (offset < hasher->position)
    hasher->rewind_to = MIN (hasher->rewind_to, block);
  hasher->n_changes++;
  dray_condition_broadcast (&hasher->wake);
  dray_lock_release (&hasher->lock);
}

/**
 * dray_hasher_is_settled:
 * @hasher: a hasher of a file that is repaired
 *
 * Returns: whether the digest that was told last is that of the file as it is
 */
gboolean
dray_hasher_is_settled (DrayHasher *hasher)
{
  gboolean settled;

  dray_lock_acquire (&hasher->lock);
  settled = hasher->n_changes_told == hasher->n_changes;
  dray_lock_release (&hasher->lock);

  return settled;
}

/**
 * dray_hasher_get_differing:
 * @hasher: a hasher of a file that is repaired
 *
 * Returns: (transfer full) (element-type guint): the numbers of the blocks that differed, in order
 */
GArray *
dray_hasher_get_differing (DrayHasher *hasher)
{
  GArray *blocks;

  dray_lock_acquire (&hasher->lock);
  blocks = g_array_copy (hasher->differing);
  dray_lock_release (&hasher->lock);

  return blocks;
}
