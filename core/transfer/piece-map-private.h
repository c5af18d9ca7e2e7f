/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The inside of a piece map, shared by piece-map.c (who fetches which bytes) and
 * piece-map-records.c (what is on the disk). Any thread, with the map's lock held.
 */

#pragma once

#include "core/base/lock.h"
#include "core/transfer/piece-map.h"

G_BEGIN_DECLS

/* A piece and the claim that fetches it. */
typedef struct
{
  DrayPiece piece;
  guint claim; /* DRAY_CLAIM_NONE for nobody */
} DrayMapEntry;

/* A claim that has lost all its bytes to somebody else and does not know it yet. */
typedef struct
{
  guint claim;
  gint64 at; /* where it must stop: what it had written */
} DrayLostClaim;

struct _DrayPieceMap
{
  DrayLock lock;   /* over all that follows */
  GArray *entries; /* of DrayMapEntry: in file order, without gaps, none empty */
  GArray *lost;    /* of DrayLostClaim */
  gint64 total;
  guint next_claim;
  guint epoch; /* raised when bytes stop counting */
};

static inline DrayMapEntry *
dray_piece_map_entry_at (DrayPieceMap *map, guint i) DRAY_REQUIRES (map->lock)
{
  return &g_array_index (map->entries, DrayMapEntry, i);
}

static inline gint64
dray_piece_map_end (DrayPieceMap *map) DRAY_REQUIRES (map->lock)
{
  return map->total == DRAY_SIZE_UNKNOWN ? DRAY_END_UNKNOWN : map->total;
}

/* Joins the pieces that need not be told apart. */
void dray_piece_map_join_neighbours (DrayPieceMap *map) DRAY_REQUIRES (map->lock);

G_END_DECLS
