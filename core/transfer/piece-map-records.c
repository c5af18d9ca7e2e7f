/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What is on the disk: a map made of what was recorded, its figures, and what is to be recorded. */

#include "core/transfer/piece-map-private.h"

#include "core/base/error.h"

static DrayPieceMap *
new_empty (gint64 total)
{
  DrayPieceMap *map = g_new0 (DrayPieceMap, 1);

  dray_lock_init (&map->lock);
  dray_lock_acquire (&map->lock);
  map->entries = g_array_new (FALSE, FALSE, sizeof (DrayMapEntry));
  map->lost = g_array_new (FALSE, FALSE, sizeof (DrayLostClaim));
  map->total = total;
  map->next_claim = DRAY_CLAIM_NONE + 1;
  dray_lock_release (&map->lock);

  return map;
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
      DrayMapEntry entry = { { 0, dray_piece_map_end (map), 0, 0 }, DRAY_CLAIM_NONE };

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
      DrayMapEntry entry = { pieces[i], DRAY_CLAIM_NONE };

      g_array_append_val (map->entries, entry);
    }
  dray_piece_map_join_neighbours (map);
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

/**
 * dray_piece_map_get_run_end:
 * @map: a map
 * @start: an offset in the file
 *
 * Returns: one past the last byte that is written without a gap from @start on; @start itself if
 *   the byte there is not written, or is beyond the file
 */
gint64
dray_piece_map_get_run_end (DrayPieceMap *map, gint64 start)
{
  gint64 end = start;

  dray_lock_acquire (&map->lock);
  for (guint i = 0; i < map->entries->len; i++)
    {
      const DrayPiece *piece = &dray_piece_map_entry_at (map, i)->piece;

      if (piece->end <= end)
        continue;
      end = MAX (end, piece->written);
      if (piece->written < piece->end)
        break;
    }
  dray_lock_release (&map->lock);

  return end;
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
  return dray_piece_map_get_run_end (map, 0);
}

static gint64
count_written (DrayPieceMap *map) DRAY_REQUIRES (map->lock)
{
  gint64 written = 0;

  for (guint i = 0; i < map->entries->len; i++)
    {
      const DrayPiece *piece = &dray_piece_map_entry_at (map, i)->piece;

      written += piece->written - piece->start;
    }

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
    g_array_append_val (pieces, dray_piece_map_entry_at (map, i)->piece);
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
      DrayPiece *piece = &dray_piece_map_entry_at (map, i)->piece;
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
  dray_piece_map_join_neighbours (map);
  dray_lock_release (&map->lock);
}
