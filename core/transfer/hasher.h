/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The digest of one partial file, computed while its bytes arrive.
 *
 * A thread follows the front of the file (the bytes from 0 that are written without a gap), reads
 * them back from the page cache and keeps the state after each block. So the digest covers what
 * is on the disk, not what came by in a buffer. States saved by an earlier run are compared as the
 * hasher passes them: a block that no longer agrees is reported as damaged, and the hasher waits
 * before it until dray_hasher_continue().
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
 * @finished: the whole file is hashed; @sha256 is its digest in hexadecimal
 * @damaged: block number @block does not agree with its saved state
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
void dray_hasher_continue (DrayHasher *hasher);
gint64 dray_hasher_get_position (DrayHasher *hasher);
GArray *dray_hasher_snapshot (DrayHasher *hasher, guint first);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayHasher, dray_hasher_free)

G_END_DECLS
