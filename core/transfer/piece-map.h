/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Which bytes of one asset are on the disk, who fetches which, and what to fetch next.
 *
 * The map covers the whole file with pieces in file order. A connection claims bytes, reports what
 * it has written and gives the rest back; the transfer splits claims, marks what was synced and
 * takes damaged ranges back. No I/O, no clock, no signals: its own lock is all that it shares, so
 * any thread may call any function here. All figures are byte offsets in the file.
 */

#pragma once

#include "core/base/piece.h"

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _DrayPieceMap DrayPieceMap;

/* No claim: what no function here ever gives out. */
#define DRAY_CLAIM_NONE 0u

/**
 * DrayClaim:
 * @id: names the claim in later calls
 * @start: the first byte to fetch
 * @end: one past the last byte to fetch; %DRAY_END_UNKNOWN where the size is not known
 *
 * Bytes that one connection has undertaken to fetch.
 */
typedef struct
{
  guint id;
  gint64 start;
  gint64 end;
} DrayClaim;

DrayPieceMap *dray_piece_map_new (gint64 total);
DrayPieceMap *dray_piece_map_new_from_pieces (gint64 total,
                                              const DrayPiece *pieces,
                                              gsize n_pieces,
                                              GError **error);
void dray_piece_map_free (DrayPieceMap *map);

gint64 dray_piece_map_get_total (DrayPieceMap *map);
gboolean dray_piece_map_set_total (DrayPieceMap *map, gint64 total);

gboolean dray_piece_map_claim (DrayPieceMap *map, gint64 limit, DrayClaim *claim);
gint64 dray_piece_map_advance (DrayPieceMap *map, guint claim_id, gint64 n_bytes);
gint64 dray_piece_map_get_claim_end (DrayPieceMap *map, guint claim_id);
gboolean dray_piece_map_get_claim (DrayPieceMap *map,
                                   guint claim_id,
                                   gint64 *written,
                                   gint64 *end);
gboolean dray_piece_map_split (DrayPieceMap *map, guint claim_id, gint64 at);
gboolean dray_piece_map_take (DrayPieceMap *map,
                              guint victim_id,
                              gint64 start,
                              gint64 end,
                              DrayClaim *claim);
void dray_piece_map_release (DrayPieceMap *map, guint claim_id);

gboolean dray_piece_map_invalidate (DrayPieceMap *map,
                                    gint64 start,
                                    gint64 end,
                                    DrayClaim *held);

gint64 dray_piece_map_get_front (DrayPieceMap *map);
gint64 dray_piece_map_get_run_end (DrayPieceMap *map, gint64 start);
gint64 dray_piece_map_get_written (DrayPieceMap *map);
gboolean dray_piece_map_is_complete (DrayPieceMap *map);

GArray *dray_piece_map_snapshot (DrayPieceMap *map, guint *epoch);
void dray_piece_map_mark_synced (DrayPieceMap *map, GArray *snapshot, guint epoch);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayPieceMap, dray_piece_map_free)

G_END_DECLS
