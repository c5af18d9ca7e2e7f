/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * A partial file of some blocks, a hasher of it, and what that has told. The main thread's.
 */

#pragma once

#include "core/base/error.h"
#include "core/transfer/hasher.h"

G_BEGIN_DECLS

/* The tail is what the file has beyond its whole blocks. */
#define N_BLOCKS 4
#define TAIL 12345
#define SIZE (N_BLOCKS * DRAY_BLOCK_SIZE + TAIL)

typedef struct
{
  char *directory;
  DrayPartialFile *file;
  guint8 *block; /* all blocks are like it but for the first byte, which is the block's number */
  GArray *states; /* after each block */
  DrayPieceMap *map;
  DrayPieceMap *compared; /* in a repair */
  DrayHasher *hasher;

  /* What it has told. */
  char *sha256;
  GArray *damaged; /* of guint */
  GError *error;
} HasherFixture;

extern const DrayHasherEvents hasher_fixture_events;

void hasher_fixture_set_up (HasherFixture *fixture, gconstpointer unused);
void hasher_fixture_tear_down (HasherFixture *fixture, gconstpointer unused);
void hasher_fixture_write_bytes (HasherFixture *fixture,
                                 gint64 offset,
                                 gconstpointer bytes,
                                 gsize n_bytes);
void hasher_fixture_write_block (HasherFixture *fixture, guint block);
char *hasher_fixture_write_file (HasherFixture *fixture);
void hasher_fixture_flip_byte (HasherFixture *fixture, gint64 offset);
void hasher_fixture_make_map (HasherFixture *fixture, gint64 start, gint64 end);
void hasher_fixture_assert_snapshot (HasherFixture *fixture, guint first, guint length);

G_END_DECLS
