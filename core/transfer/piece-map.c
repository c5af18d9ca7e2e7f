/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/transfer/piece-map.h"

#include "core/base/error.h"
#include "core/base/lock.h"

/* A piece and the claim that fetches it. */
typedef struct
{
  DrayPiece piece;
  guint claim; /* DRAY_CLAIM_NONE for nobody */
} Entry;

/* A claim that has lost all its bytes to somebody else and does not know it yet. */
typedef struct
{
  guint claim;
  gint64 at; /* where it must stop: what it had written */
} Lost;

struct _DrayPieceMap
{
  DrayLock lock;   /* over all that follows */
  GArray *entries; /* of Entry: in file order, without gaps, none empty */
  GArray *lost;    /* of Lost */
  gint64 total;
  guint next_claim;
  guint epoch; /* raised when bytes stop counting */
};

static DrayPieceMap *
new_empty (gint64 total)
{
  DrayPieceMap *map = g_new0 (DrayPieceMap, 1);

  dray_lock_init (&map->lock);
  dray_lock_acquire (&map->lock);
  map->entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  map->lost = g_array_new (FALSE, FALSE, sizeof (Lost));
  map->total = total;
  map->next_claim = DRAY_CLAIM_NONE + 1;
  dray_lock_release (&map->lock);

  return map;
}

static inline Entry *
entry_at (DrayPieceMap *map, guint i) DRAY_REQUIRES (map->lock)
{
  return &g_array_index (map->entries, Entry, i);
}

static gboolean
find_claim (DrayPieceMap *map, guint claim, guint *index) DRAY_REQUIRES (map->lock)
{
  if (claim == DRAY_CLAIM_NONE)
    return FALSE;

  for (guint i = 0; i < map->entries->len; i++)
    {
      if (entry_at (map, i)->claim == claim)
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
      const Lost *lost = &g_array_index (map->lost, Lost, i);

      if (lost->claim == claim)
        return lost->at;
    }

  return 0;
}

static gint64
map_end (DrayPieceMap *map) DRAY_REQUIRES (map->lock)
{
  return map->total == DRAY_SIZE_UNKNOWN ? DRAY_END_UNKNOWN : map->total;
}

/* Synced bytes are known as one run from a piece's start, so two pieces become one only where the
 * runs meet or the second has none. */
static gboolean
can_join (const Entry *left, const Entry *right)
{
  return left->claim == DRAY_CLAIM_NONE && right->claim == DRAY_CLAIM_NONE
         && left->piece.written == left->piece.end && right->piece.written == right->piece.end
         && (left->piece.synced == left->piece.end || right->piece.synced == right->piece.start);
}

static void
join_neighbours (DrayPieceMap *map) DRAY_REQUIRES (map->lock)
{
  guint n_kept = MIN (map->entries->len, 1);

  for (guint i = 1; i < map->entries->len; i++)
    {
      Entry *left = entry_at (map, n_kept - 1);
      const Entry right = *entry_at (map, i);

      if (can_join (left, &right))
        {
          if (left->piece.synced == left->piece.end)
            left->piece.synced = right.piece.synced;
          left->piece.end = right.piece.end;
          left->piece.written = right.piece.written;
        }
      else
        *entry_at (map, n_kept++) = right;
    }

  g_array_set_size (map->entries, n_kept);
}

/* Cuts the piece at @index in its unwritten part; nobody owns the rest. */
static void
cut_rest (DrayPieceMap *map, guint index, gint64 at) DRAY_REQUIRES (map->lock)
{
  Entry *entry = entry_at (map, index);
  Entry rest = { { at, entry->piece.end, at, at }, DRAY_CLAIM_NONE };

  entry->piece.end = at;
  g_array_insert_val (map->entries, index + 1, rest);
}

static guint
take_claim_id (DrayPieceMap *map) DRAY_REQUIRES (map->lock)
{
  g_assert (map->next_claim != DRAY_CLAIM_NONE);

  return map->next_claim++;
}

/**
 * dray_piece_map_new:
 * @total: the size of the asset in bytes, or %DRAY_SIZE_UNKNOWN
 *
 * Returns: (transfer full): a map in which nothing is written
 */
DrayPieceMap *
dray_piece_map_new (gint64 total)
{
  DrayPieceMap *map;

  g_return_val_if_fail (total >= 0 || total == DRAY_SIZE_UNKNOWN, NULL);

  map = new_empty (total);
  dray_lock_acquire (&map->lock);
  if (total != 0)
    {
      Entry entry = { { 0, map_end (map), 0, 0 }, DRAY_CLAIM_NONE };

      g_array_append_val (map->entries, entry);
    }
  dray_lock_release (&map->lock);

  return map;
}

/* What is wrong with one recorded piece, or NULL. */
static const char *
find_fault (const DrayPiece *piece, gint64 expected_start, gint64 file_end)
{
  if (piece->start > expected_start)
    return "bytes are missing before it";
  if (piece->start < expected_start)
    return "it overlaps the one before, or they are out of order";
  if (piece->end <= piece->start)
    return "it is empty";
  if (piece->end > file_end)
    return "it ends beyond the file";
  if (piece->written < piece->start || piece->written > piece->end)
    return "its written bytes are not within it";
  if (piece->synced < piece->start || piece->synced > piece->written)
    return "its synced bytes are not among the written ones";
  if (piece->end == DRAY_END_UNKNOWN && piece->written == DRAY_END_UNKNOWN)
    return "it is written without end";

  return NULL;
}

/**
 * dray_piece_map_new_from_pieces:
 * @total: the size of the asset in bytes, or %DRAY_SIZE_UNKNOWN
 * @pieces: (array length=n_pieces): what was recorded, in file order
 * @n_pieces: how many
 * @error: where an error goes
 *
 * Takes up what the catalog recorded. The pieces must cover the file without gap or overlap, none
 * of them empty; the last ends at @total, or at %DRAY_END_UNKNOWN. An empty file has no pieces.
 *
 * Returns: (transfer full) (nullable): a map without claims, or %NULL with
 *   %DRAY_ERROR_CATALOG_DAMAGED
 */
DrayPieceMap *
dray_piece_map_new_from_pieces (gint64 total,
                                const DrayPiece *pieces,
                                gsize n_pieces,
                                GError **error)
{
  g_autoptr (DrayPieceMap) map = NULL;
  gint64 file_end = total == DRAY_SIZE_UNKNOWN ? DRAY_END_UNKNOWN : total;
  gint64 end = 0;

  for (gsize i = 0; i < n_pieces; i++)
    {
      const char *fault = find_fault (&pieces[i], end, file_end);

      if (fault != NULL)
        {
          g_set_error (error, DRAY_ERROR, DRAY_ERROR_CATALOG_DAMAGED,
                       "The catalog's record of the piece at byte %" G_GINT64_FORMAT
                       " cannot be right: %s",
                       pieces[i].start, fault);
          return NULL;
        }
      end = pieces[i].end;
    }

  if (total < DRAY_SIZE_UNKNOWN || end != file_end)
    {
      g_set_error (error, DRAY_ERROR, DRAY_ERROR_CATALOG_DAMAGED,
                   "The catalog's record of the file's pieces ends at byte %" G_GINT64_FORMAT
                   ", not where the file ends",
                   end);
      return NULL;
    }

  map = new_empty (total);
  dray_lock_acquire (&map->lock);
  for (gsize i = 0; i < n_pieces; i++)
    {
      Entry entry = { pieces[i], DRAY_CLAIM_NONE };

      g_array_append_val (map->entries, entry);
    }
  join_neighbours (map);
  dray_lock_release (&map->lock);

  return g_steal_pointer (&map);
}

/**
 * dray_piece_map_free:
 * @map: (transfer full): a map that no other thread uses any more
 */
void
dray_piece_map_free (DrayPieceMap *map)
{
  dray_lock_acquire (&map->lock);
  g_array_unref (map->entries);
  g_array_unref (map->lost);
  dray_lock_release (&map->lock);
  dray_lock_clear (&map->lock);
  g_free (map);
}

/**
 * dray_piece_map_get_total:
 * @map: a map
 *
 * Returns: the size of the asset in bytes, or %DRAY_SIZE_UNKNOWN
 */
gint64
dray_piece_map_get_total (DrayPieceMap *map)
{
  gint64 total;

  dray_lock_acquire (&map->lock);
  total = map->total;
  dray_lock_release (&map->lock);

  return total;
}

static gboolean
has_written_beyond (DrayPieceMap *map, gint64 end) DRAY_REQUIRES (map->lock)
{
  for (guint i = 0; i < map->entries->len; i++)
    {
      const DrayPiece *piece = &entry_at (map, i)->piece;

      if (piece->written > piece->start && piece->written > end)
        return TRUE;
    }

  return FALSE;
}

static void
note_lost (DrayPieceMap *map, const Entry *entry) DRAY_REQUIRES (map->lock)
{
  Lost lost = { entry->claim, entry->piece.written };

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

      while (n_kept < map->entries->len && entry_at (map, n_kept)->piece.start < total)
        n_kept++;
      for (guint i = n_kept; i < map->entries->len; i++)
        note_lost (map, entry_at (map, i));
      g_array_set_size (map->entries, n_kept);
      if (n_kept > 0)
        entry_at (map, n_kept - 1)->piece.end = total;
      map->total = total;
      join_neighbours (map);
    }
  dray_lock_release (&map->lock);

  return agrees;
}

/**
 * dray_piece_map_claim:
 * @map: a map
 * @limit: the most bytes to claim; 0 for as many as there are
 * @claim: (out caller-allocates): where the claim goes
 *
 * Claims the first piece in file order that lacks bytes and that nobody owns. What exceeds @limit
 * is left for others. The claim is the caller's until dray_piece_map_release().
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
      Entry *entry = entry_at (map, i);

      if (entry->claim != DRAY_CLAIM_NONE || entry->piece.written == entry->piece.end)
        continue;

      if (limit > 0 && entry->piece.end - entry->piece.written > limit)
        {
          cut_rest (map, i, entry->piece.written + limit);
          entry = entry_at (map, i);
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
      DrayPiece *piece = &entry_at (map, index)->piece;

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
      const DrayPiece *piece = &entry_at (map, index)->piece;

      done = piece->written < at && at < piece->end;
      if (done)
        cut_rest (map, index, at);
    }
  dray_lock_release (&map->lock);

  return done;
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
      entry_at (map, index)->claim = DRAY_CLAIM_NONE;
      join_neighbours (map);
    }
  for (guint i = 0; i < map->lost->len; i++)
    {
      if (g_array_index (map->lost, Lost, i).claim == claim_id)
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
append_parts (DrayPieceMap *map, GArray *parts, const Entry *entry, const Entry *fresh)
    DRAY_REQUIRES (map->lock)
{
  const DrayPiece *piece = &entry->piece;
  gint64 start = fresh->piece.start;
  gint64 end = fresh->piece.end;
  gboolean is_beyond = piece->written >= end && piece->end > end;
  Entry front = { { piece->start, start, MIN (piece->written, start), MIN (piece->synced, start) },
                  is_beyond ? DRAY_CLAIM_NONE : entry->claim };
  Entry rear = { { end, piece->end, MAX (piece->written, end), MAX (piece->synced, end) },
                 is_beyond ? entry->claim : DRAY_CLAIM_NONE };

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
  valid = 0 <= start && start < end && end <= map_end (map);
  if (valid)
    {
      GArray *parts = g_array_new (FALSE, FALSE, sizeof (Entry));
      Entry fresh = { { start, end, start, start }, take_claim_id (map) };

      for (guint i = 0; i < map->entries->len; i++)
        {
          const Entry *entry = entry_at (map, i);

          if (entry->piece.end <= start || entry->piece.start >= end)
            g_array_append_vals (parts, entry, 1);
          else
            append_parts (map, parts, entry, &fresh);
        }
      g_array_unref (map->entries);
      map->entries = parts;
      map->epoch++;
      join_neighbours (map);
      *held = (DrayClaim){ fresh.claim, start, end };
    }
  dray_lock_release (&map->lock);

  return valid;
}

/**
 * dray_piece_map_get_front:
 * @map: a map
 *
 * Returns: how many bytes from the file's first one on are written without a gap
 */
gint64
dray_piece_map_get_front (DrayPieceMap *map)
{
  gint64 front = 0;

  dray_lock_acquire (&map->lock);
  for (guint i = 0; i < map->entries->len; i++)
    {
      const DrayPiece *piece = &entry_at (map, i)->piece;

      front = piece->written;
      if (piece->written < piece->end)
        break;
    }
  dray_lock_release (&map->lock);

  return front;
}

static gint64
count_written (DrayPieceMap *map) DRAY_REQUIRES (map->lock)
{
  gint64 written = 0;

  for (guint i = 0; i < map->entries->len; i++)
    written += entry_at (map, i)->piece.written - entry_at (map, i)->piece.start;

  return written;
}

/**
 * dray_piece_map_get_written:
 * @map: a map
 *
 * Returns: how many bytes are written, wherever they are
 */
gint64
dray_piece_map_get_written (DrayPieceMap *map)
{
  gint64 written;

  dray_lock_acquire (&map->lock);
  written = count_written (map);
  dray_lock_release (&map->lock);

  return written;
}

/**
 * dray_piece_map_is_complete:
 * @map: a map
 *
 * Returns: whether the size is known and every byte is written
 */
gboolean
dray_piece_map_is_complete (DrayPieceMap *map)
{
  gboolean complete;

  dray_lock_acquire (&map->lock);
  complete = map->total != DRAY_SIZE_UNKNOWN && count_written (map) == map->total;
  dray_lock_release (&map->lock);

  return complete;
}

/**
 * dray_piece_map_snapshot:
 * @map: a map
 * @epoch: (out): where the number goes that dray_piece_map_mark_synced() wants back
 *
 * Returns: (transfer full) (element-type DrayPiece): the pieces as they are now
 */
GArray *
dray_piece_map_snapshot (DrayPieceMap *map, guint *epoch)
{
  GArray *pieces = g_array_new (FALSE, FALSE, sizeof (DrayPiece));

  dray_lock_acquire (&map->lock);
  for (guint i = 0; i < map->entries->len; i++)
    g_array_append_val (pieces, entry_at (map, i)->piece);
  if (epoch != NULL)
    *epoch = map->epoch;
  dray_lock_release (&map->lock);

  return pieces;
}

/**
 * dray_piece_map_mark_synced:
 * @map: a map
 * @snapshot: (element-type DrayPiece): what was written before an `fdatasync` that has succeeded
 * @epoch: the number that came with @snapshot
 *
 * Marks what @snapshot has as written as synced, however the pieces have been cut or joined since.
 * Does nothing if bytes were taken back meanwhile: those of @snapshot may not be those of the disk.
 */
void
dray_piece_map_mark_synced (DrayPieceMap *map, GArray *snapshot, guint epoch)
{
  guint first = 0;

  dray_lock_acquire (&map->lock);
  for (guint i = 0; epoch == map->epoch && i < map->entries->len; i++)
    {
      DrayPiece *piece = &entry_at (map, i)->piece;
      gint64 synced = piece->synced;

      while (first < snapshot->len
             && g_array_index (snapshot, DrayPiece, first).end <= piece->start)
        first++;
      for (guint j = first; j < snapshot->len; j++)
        {
          const DrayPiece *past = &g_array_index (snapshot, DrayPiece, j);

          if (past->start > synced)
            break;
          synced = MAX (synced, past->written);
        }
      piece->synced = MIN (synced, piece->written);
    }
  join_neighbours (map);
  dray_lock_release (&map->lock);
}
