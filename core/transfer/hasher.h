/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The digest of one partial file, computed while its bytes arrive.
 *
 * A thread follows the front of the file, reads the bytes back from the page cache and keeps the
 * state after each block. So the digest covers what is on the disk, not what came by in a buffer.
 * What an earlier run has hashed is not waited for: the digest goes on from the last saved state,
 * and beside it other threads check the blocks before, each from the state before it to the state
 * after it. A block that no longer agrees is reported as damaged, and checked again when it has been
 * fetched again. The digest is told when all of that is done.
 *
 * A file whose digest was wrong can then be repaired: it is fetched again, connections report where
 * what they write differs from what they found, and the digest of the file as it now is on the disk
 * is told whenever it is known.
 *
 * The main thread makes, asks and frees it; any thread may wake it.
 */

#pragma once

#include "core/base/digest.h"
#include "core/transfer/partial-file.h"
#include "core/transfer/piece-map.h"

G_BEGIN_DECLS

typedef struct _DrayHasher DrayHasher;

/**
 * DrayHasherEvents:
 * @finished: the whole file is hashed and proven; @sha256 is its digest in hexadecimal. In a repair
 *   told again for each digest that the file may have got; dray_hasher_is_settled() says whether
 *   it still has it
 * @damaged: block number @block does not agree with its saved state; told once for a block
 * @failed: the file could not be read, or a block fetched again was another one than before
 *   (%DRAY_ERROR_CHANGED)
 *
 * What a hasher tells, in the main thread.
 */
typedef struct
{
  void (*finished) (gpointer user_data, const char *sha256);
  void (*damaged) (gpointer user_data, guint block);
  void (*failed) (gpointer user_data, const GError *error);
} DrayHasherEvents;

DrayHasher *dray_hasher_new (DrayPieceMap *map,
                             DrayPartialFile *file,
                             GArray *saved_states,
                             const DrayHasherEvents *events,
                             gpointer user_data);
void dray_hasher_free (DrayHasher *hasher);
void dray_hasher_wake (DrayHasher *hasher);
void dray_hasher_continue (DrayHasher *hasher, guint block);
gboolean dray_hasher_is_behind (DrayHasher *hasher);
gint64 dray_hasher_get_verified (DrayHasher *hasher);
void dray_hasher_repair (DrayHasher *hasher, DrayPieceMap *map);
void dray_hasher_note_difference (DrayHasher *hasher, gint64 offset);
gboolean dray_hasher_is_settled (DrayHasher *hasher);
GArray *dray_hasher_get_differing (DrayHasher *hasher);
guint dray_hasher_get_n_blocks (DrayHasher *hasher);
GArray *dray_hasher_snapshot (DrayHasher *hasher, guint first);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayHasher, dray_hasher_free)

G_END_DECLS
