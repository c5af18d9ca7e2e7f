/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Who fetches which bytes: claims, and how they are cut, given back and taken away. */

#include "core/transfer/piece-map-private.h"

static gboolean
find_claim (DrayPieceMap *map, guint claim, guint *index) DRAY_REQUIRES (map->lock)
{
  if (claim == DRAY_CLAIM_NONE)
    return FALSE;

  for (guint i = 0; i < map->entries->len; i++)
    {
      if (dray_piece_map_entry_at (map, i)->claim == claim)
        {
          *index = i;
          return TRUE;
        }
    }

  return FALSE;
}

static gint64
lost_claim_end (DrayPieceMap *map, guint claim) DRAY_REQUIRES (map->lock)
{
  for (guint i = 0; i < map->lost->len; i++)
    {
      const DrayLostClaim *lost = &g_array_index (map->lost, DrayLostClaim, i);

      if (lost->claim == claim)
        return lost->at;
    }

  return 0;
}

/* Synced bytes are known as one run from a piece's start, so two pieces become one only where the
 * runs meet or the second has none. */
static gboolean
can_join (const DrayMapEntry *left, const DrayMapEntry *right)
{
  return left->claim == DRAY_CLAIM_NONE && right->claim == DRAY_CLAIM_NONE
         && left->piece.written == left->piece.end && right->piece.written == right->piece.end
         && (left->piece.synced == left->piece.end || right->piece.synced == right->piece.start);
}

void
dray_piece_map_join_neighbours (DrayPieceMap *map)
{
  guint n_kept = MIN (map->entries->len, 1);

  for (guint i = 1; i < map->entries->len; i++)
    {
      DrayMapEntry *left = dray_piece_map_entry_at (map, n_kept - 1);
      const DrayMapEntry right = *dray_piece_map_entry_at (map, i);

      if (can_join (left, &right))
        {
          if (left->piece.synced == left->piece.end)
            left->piece.synced = right.piece.synced;
          left->piece.end = right.piece.end;
          left->piece.written = right.piece.written;
        }
      else
        *dray_piece_map_entry_at (map, n_kept++) = right;
    }

  g_array_set_size (map->entries, n_kept);
}

/* Cuts the piece at @index in its unwritten part; nobody owns the rest. */
static void
cut_rest (DrayPieceMap *map, guint index, gint64 at) DRAY_REQUIRES (map->lock)
{
  DrayMapEntry *entry = dray_piece_map_entry_at (map, index);
  DrayMapEntry rest = { { at, entry->piece.end, at, at }, DRAY_CLAIM_NONE };

  entry->piece.end = at;
  g_array_insert_val (map->entries, index + 1, rest);
}

static guint
take_claim_id (DrayPieceMap *map) DRAY_REQUIRES (map->lock)
{
  g_assert (map->next_claim != DRAY_CLAIM_NONE);

  return map->next_claim++;
}

static gboolean
has_written_beyond (DrayPieceMap *map, gint64 end) DRAY_REQUIRES (map->lock)
{
  for (guint i = 0; i < map->entries->len; i++)
    {
      const DrayPiece *piece = &dray_piece_map_entry_at (map, i)->piece;

      if (piece->written > piece->start && piece->written > end)
        return TRUE;
    }

  return FALSE;
}

static void
note_lost (DrayPieceMap *map, const DrayMapEntry *entry) DRAY_REQUIRES (map->lock)
{
  DrayLostClaim lost = { entry->claim, entry->piece.written };

  if (entry->claim != DRAY_CLAIM_NONE)
    g_array_append_val (map->lost, lost);
}

/**
 * dray_piece_map_set_total:
 * @map: a map
 * @total: the size of the asset in bytes
 *
 * Ends a map whose size was not known. Claims that reach beyond @total are pulled in to it.
 *
 * Returns: %FALSE, and nothing is changed, if another size was known or if bytes beyond @total were
 *   written already
 */
gboolean
dray_piece_map_set_total (DrayPieceMap *map, gint64 total)
{
  gboolean agrees;

  g_return_val_if_fail (total >= 0, FALSE);

  dray_lock_acquire (&map->lock);
  agrees =
      map->total == total || (map->total == DRAY_SIZE_UNKNOWN && !has_written_beyond (map, total));
  if (agrees && map->total == DRAY_SIZE_UNKNOWN)
    {
      guint n_kept = 0;

      while (n_kept < map->entries->len
             && dray_piece_map_entry_at (map, n_kept)->piece.start < total)
        n_kept++;
      for (guint i = n_kept; i < map->entries->len; i++)
        note_lost (map, dray_piece_map_entry_at (map, i));
      g_array_set_size (map->entries, n_kept);
      if (n_kept > 0)
        dray_piece_map_entry_at (map, n_kept - 1)->piece.end = total;
      map->total = total;
      dray_piece_map_join_neighbours (map);
    }
  dray_lock_release (&map->lock);

  return agrees;
}

/* Puts together what lies behind the piece at @index and was cut for claims that are gone. */
static void
join_unclaimed (DrayPieceMap *map, guint index) DRAY_REQUIRES (map->lock)
{
  guint next = index + 1;

  while (next < map->entries->len)
    {
      const DrayMapEntry *entry = dray_piece_map_entry_at (map, next);

      if (entry->claim != DRAY_CLAIM_NONE || entry->piece.written > entry->piece.start)
        break;
      dray_piece_map_entry_at (map, index)->piece.end = entry->piece.end;
      next++;
    }
  if (next > index + 1)
    g_array_remove_range (map->entries, index + 1, next - index - 1);
}

/**
 * dray_piece_map_claim:
 * @map: a map
 * @limit: the most bytes to claim; 0 for as many as there are
 * @claim: (out caller-allocates): where the claim goes
 *
 * Claims the first bytes in file order that are lacking and that nobody owns, up to the next that
 * are written or owned. What exceeds @limit is left for others. The claim is the caller's until
 * dray_piece_map_release().
 *
 * Returns: %FALSE if there is nothing left to claim
 */
gboolean
dray_piece_map_claim (DrayPieceMap *map, gint64 limit, DrayClaim *claim)
{
  gboolean found = FALSE;

  g_return_val_if_fail (limit >= 0, FALSE);

  dray_lock_acquire (&map->lock);
  for (guint i = 0; !found && i < map->entries->len; i++)
    {
      DrayMapEntry *entry = dray_piece_map_entry_at (map, i);

      if (entry->claim != DRAY_CLAIM_NONE || entry->piece.written == entry->piece.end)
        continue;

      join_unclaimed (map, i);
      entry = dray_piece_map_entry_at (map, i);
      if (limit > 0 && entry->piece.end - entry->piece.written > limit)
        {
          cut_rest (map, i, entry->piece.written + limit);
          entry = dray_piece_map_entry_at (map, i);
        }
      entry->claim = take_claim_id (map);
      *claim = (DrayClaim){ entry->claim, entry->piece.written, entry->piece.end };
      found = TRUE;
    }
  dray_lock_release (&map->lock);

  return found;
}

/**
 * dray_piece_map_advance:
 * @map: a map
 * @claim_id: a claim
 * @n_bytes: how many more bytes its owner has handed to the kernel, in order
 *
 * Reports what a connection has written. The claim's end may have been pulled in between the write
 * and this report. The bytes beyond it are then right ones, of the same version of the file, but
 * they belong to somebody else who will report them: they are not counted here.
 *
 * Returns: the claim's end as it is now; a connection that has reached or passed it stops
 */
gint64
dray_piece_map_advance (DrayPieceMap *map, guint claim_id, gint64 n_bytes)
{
  guint index;
  gint64 end;

  g_return_val_if_fail (n_bytes >= 0, 0);

  dray_lock_acquire (&map->lock);
  if (find_claim (map, claim_id, &index))
    {
      DrayPiece *piece = &dray_piece_map_entry_at (map, index)->piece;

      piece->written += MIN (n_bytes, piece->end - piece->written);
      end = piece->end;
    }
  else
    end = lost_claim_end (map, claim_id);
  dray_lock_release (&map->lock);

  return end;
}

/**
 * dray_piece_map_get_claim_end:
 * @map: a map
 * @claim_id: a claim
 *
 * Returns: one past the last byte that the claim is still to fetch; for a claim that lost all its
 *   bytes, how far it had written; 0 for one that was released
 */
gint64
dray_piece_map_get_claim_end (DrayPieceMap *map, guint claim_id)
{
  return dray_piece_map_advance (map, claim_id, 0);
}

/**
 * dray_piece_map_get_claim:
 * @map: a map
 * @claim_id: a claim
 * @written: (out): one past the last byte that its owner has reported
 * @end: (out): one past the last byte that it is still to fetch
 *
 * Returns: %FALSE if the claim was released or has lost all its bytes; both figures are then 0
 */
gboolean
dray_piece_map_get_claim (DrayPieceMap *map, guint claim_id, gint64 *written, gint64 *end)
{
  gboolean found;
  guint index;

  *written = 0;
  *end = 0;

  dray_lock_acquire (&map->lock);
  found = find_claim (map, claim_id, &index);
  if (found)
    {
      *written = dray_piece_map_entry_at (map, index)->piece.written;
      *end = dray_piece_map_entry_at (map, index)->piece.end;
    }
  dray_lock_release (&map->lock);

  return found;
}

/**
 * dray_piece_map_split:
 * @map: a map
 * @claim_id: a claim
 * @at: the claim's new end
 *
 * Pulls a claim's end in; the bytes from @at on may be claimed by another connection.
 *
 * Returns: %FALSE, and nothing is changed, unless @at lies strictly between what the claim has
 *   written and its end
 */
gboolean
dray_piece_map_split (DrayPieceMap *map, guint claim_id, gint64 at)
{
  gboolean done = FALSE;
  guint index;

  dray_lock_acquire (&map->lock);
  if (find_claim (map, claim_id, &index))
    {
      const DrayPiece *piece = &dray_piece_map_entry_at (map, index)->piece;

      done = piece->written < at && at < piece->end;
      if (done)
        cut_rest (map, index, at);
    }
  dray_lock_release (&map->lock);

  return done;
}

/* Finds the piece of @claim in whose unwritten part @byte lies. A claim keeps at least one byte. */
static gboolean
find_takeable (DrayPieceMap *map, guint claim, gint64 byte, guint *index) DRAY_REQUIRES (map->lock)
{
  gint64 n_kept = claim == DRAY_CLAIM_NONE ? 0 : 1;

  for (guint i = 0; i < map->entries->len; i++)
    {
      const DrayMapEntry *entry = dray_piece_map_entry_at (map, i);

      if (entry->claim == claim && entry->piece.written + n_kept <= byte && byte < entry->piece.end)
        {
          *index = i;
          return TRUE;
        }
    }

  return FALSE;
}

/**
 * dray_piece_map_take:
 * @map: a map
 * @victim_id: whose bytes to take; %DRAY_CLAIM_NONE for bytes that nobody owns
 * @start: the first byte
 * @end: one past the last; what lies beyond the victim's end is not taken
 * @claim: (out caller-allocates): where the new claim goes
 *
 * Claims bytes that another claim has not fetched yet, and pulls its end in to @start, in one step.
 * What it had beyond @end is nobody's afterwards.
 *
 * Returns: %FALSE, and nothing is changed, if the victim has come to @start, does not reach it, or
 *   is gone
 */
gboolean
dray_piece_map_take (DrayPieceMap *map, guint victim_id, gint64 start, gint64 end, DrayClaim *claim)
{
  gboolean found;
  guint index;

  g_return_val_if_fail (start < end, FALSE);

  dray_lock_acquire (&map->lock);
  found = find_takeable (map, victim_id, start, &index);
  if (found)
    {
      if (victim_id == DRAY_CLAIM_NONE)
        join_unclaimed (map, index);
      if (dray_piece_map_entry_at (map, index)->piece.start < start)
        cut_rest (map, index++, start);
      if (end < dray_piece_map_entry_at (map, index)->piece.end)
        cut_rest (map, index, end);
      dray_piece_map_entry_at (map, index)->claim = take_claim_id (map);
      *claim = (DrayClaim){
        dray_piece_map_entry_at (map, index)->claim,
        start,
        dray_piece_map_entry_at (map, index)->piece.end,
      };
    }
  dray_lock_release (&map->lock);

  return found;
}

/**
 * dray_piece_map_release:
 * @map: a map
 * @claim_id: a claim; one that is gone already is no mistake
 *
 * Gives back what the claim has not fetched. Its owner must not write any more.
 */
void
dray_piece_map_release (DrayPieceMap *map, guint claim_id)
{
  guint index;

  dray_lock_acquire (&map->lock);
  if (find_claim (map, claim_id, &index))
    {
      dray_piece_map_entry_at (map, index)->claim = DRAY_CLAIM_NONE;
      dray_piece_map_join_neighbours (map);
    }
  for (guint i = 0; i < map->lost->len; i++)
    {
      if (g_array_index (map->lost, DrayLostClaim, i).claim == claim_id)
        {
          g_array_remove_index_fast (map->lost, i);
          break;
        }
    }
  dray_lock_release (&map->lock);
}

/* Appends to @parts what is left of @entry outside [start, end), with @fresh in the gap. A claim
 * stays with the byte that its connection will write next. */
static void
append_parts (DrayPieceMap *map,
              GArray *parts,
              const DrayMapEntry *entry,
              const DrayMapEntry *fresh) DRAY_REQUIRES (map->lock)
{
  const DrayPiece *piece = &entry->piece;
  gint64 start = fresh->piece.start;
  gint64 end = fresh->piece.end;
  gboolean is_beyond = piece->written >= end && piece->end > end;
  DrayMapEntry front = {
    { piece->start, start, MIN (piece->written, start), MIN (piece->synced, start) },
    is_beyond ? DRAY_CLAIM_NONE : entry->claim,
  };
  DrayMapEntry rear = {
    { end, piece->end, MAX (piece->written, end), MAX (piece->synced, end) },
    is_beyond ? entry->claim : DRAY_CLAIM_NONE,
  };

  if (piece->start < start)
    g_array_append_val (parts, front);
  else if (!is_beyond)
    note_lost (map, entry);

  if (piece->start <= start)
    g_array_append_vals (parts, fresh, 1);

  if (piece->end > end)
    g_array_append_val (parts, rear);
}

/**
 * dray_piece_map_invalidate:
 * @map: a map
 * @start: the first byte that no longer counts
 * @end: one past the last
 * @held: (out caller-allocates): where a claim on exactly these bytes goes
 *
 * Takes bytes back, because they were found to be wrong. They belong to the caller, who fetches
 * them or lets others do so with dray_piece_map_release(); nothing else of what was written is
 * forgotten. A claim whose connection is before @start ends there, one whose connection is within
 * the range has nothing left to do, one whose connection is beyond it goes on. A connection that
 * was within may still have one write under way there: wait for it before writing anything else.
 *
 * Snapshots taken before can no longer mark anything as synced.
 *
 * Returns: %FALSE, and nothing is changed, if [@start, @end) is empty or not within the file
 */
gboolean
dray_piece_map_invalidate (DrayPieceMap *map, gint64 start, gint64 end, DrayClaim *held)
{
  gboolean valid;

  dray_lock_acquire (&map->lock);
  valid = 0 <= start && start < end && end <= dray_piece_map_end (map);
  if (valid)
    {
      GArray *parts = g_array_new (FALSE, FALSE, sizeof (DrayMapEntry));
      DrayMapEntry fresh = { { start, end, start, start }, take_claim_id (map) };

      for (guint i = 0; i < map->entries->len; i++)
        {
          const DrayMapEntry *entry = dray_piece_map_entry_at (map, i);

          if (entry->piece.end <= start || entry->piece.start >= end)
            g_array_append_vals (parts, entry, 1);
          else
            append_parts (map, parts, entry, &fresh);
        }
      g_array_unref (map->entries);
      map->entries = parts;
      map->epoch++;
      dray_piece_map_join_neighbours (map);
      *held = (DrayClaim){ fresh.claim, start, end };
    }
  dray_lock_release (&map->lock);

  return valid;
}
