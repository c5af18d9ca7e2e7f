/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/transfer/trust.h"

#include "core/base/digest.h"

#define BLOCK DRAY_BLOCK_SIZE
#define BOOT "11111111-1111-4111-8111-111111111111"
#define LATER "22222222-2222-4222-8222-222222222222"

typedef struct
{
  const char *what;
  DrayFileIdentity found;
  gboolean fixed_drive;
  gboolean sync_failed;
  gint64 size;
  guint n_blocks;
  gint64 written; /* what is left of 3 blocks and 100 bytes */
  gint64 synced;  /* what is left of 2 blocks and 50 bytes */
  gboolean lowered;
} Case;

/* Recorded: this boot, device 7, inode 70, mount 700. */
static const Case cases[] = {
  { "the same file", { BOOT, 7, 70, 700 }, TRUE, FALSE, 10 * BLOCK, 3, 3 * BLOCK + 100,
    2 * BLOCK + 50, FALSE },
  { "a drive that may come off", { BOOT, 7, 70, 700 }, FALSE, FALSE, 10 * BLOCK, 3, 2 * BLOCK + 50,
    2 * BLOCK + 50, FALSE },
  { "another boot", { LATER, 7, 70, 700 }, TRUE, FALSE, 10 * BLOCK, 3, 2 * BLOCK + 50,
    2 * BLOCK + 50, FALSE },
  { "another boot names the device otherwise", { LATER, 8, 70, 701 }, TRUE, FALSE, 10 * BLOCK, 3,
    2 * BLOCK + 50, 2 * BLOCK + 50, FALSE },
  { "no boot id", { "", 7, 70, 700 }, TRUE, FALSE, 10 * BLOCK, 3, 2 * BLOCK + 50, 2 * BLOCK + 50,
    FALSE },
  { "mounted again", { BOOT, 7, 70, 701 }, TRUE, FALSE, 10 * BLOCK, 3, 2 * BLOCK + 50,
    2 * BLOCK + 50, FALSE },
  { "another inode", { BOOT, 7, 71, 700 }, TRUE, FALSE, 10 * BLOCK, 2, 2 * BLOCK, 2 * BLOCK, TRUE },
  { "another inode and one block", { BOOT, 7, 71, 700 }, TRUE, FALSE, 10 * BLOCK, 1, BLOCK, BLOCK,
    TRUE },
  { "another inode and no block", { BOOT, 7, 71, 700 }, TRUE, FALSE, 10 * BLOCK, 0, 0, 0, TRUE },
  { "another device in the same boot", { BOOT, 8, 70, 700 }, TRUE, FALSE, 10 * BLOCK, 0, 0, 0,
    TRUE },
  { "cut in the written bytes", { BOOT, 7, 70, 700 }, TRUE, FALSE, 2 * BLOCK + 60, 3,
    2 * BLOCK + 60, 2 * BLOCK + 50, FALSE },
  { "cut in the synced bytes", { BOOT, 7, 70, 700 }, TRUE, FALSE, BLOCK + 5, 3, BLOCK + 5,
    BLOCK + 5, TRUE },
  { "cut to nothing", { BOOT, 7, 70, 700 }, TRUE, FALSE, 0, 3, 0, 0, TRUE },
  { "a sync failed", { BOOT, 7, 70, 700 }, TRUE, TRUE, 10 * BLOCK, 3, 0, 0, TRUE },
};

static void
test_cases (void)
{
  const DrayFileIdentity recorded = { BOOT, 7, 70, 700 };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const Case *c = &cases[i];
      DrayPiece piece = { 0, 10 * BLOCK, 3 * BLOCK + 100, 2 * BLOCK + 50 };
      g_autoptr (GArray) pieces = g_array_new (FALSE, FALSE, sizeof (DrayPiece));
      DrayTrustFacts facts = {
        .recorded = &recorded,
        .found = &c->found,
        .fixed_drive = c->fixed_drive,
        .sync_failed = c->sync_failed,
        .size = c->size,
        .n_blocks = c->n_blocks,
      };

      g_test_message ("%s", c->what);
      g_array_append_val (pieces, piece);
      g_assert_cmpint (dray_trust_apply (&facts, pieces), ==, c->lowered);
      piece = g_array_index (pieces, DrayPiece, 0);
      g_assert_cmpint (piece.start, ==, 0);
      g_assert_cmpint (piece.end, ==, 10 * BLOCK);
      g_assert_cmpint (piece.written, ==, c->written);
      g_assert_cmpint (piece.synced, ==, c->synced);
    }
}

/* A limit within the file strikes each piece by itself. */
static void
test_pieces (void)
{
  const DrayFileIdentity identity = { BOOT, 7, 70, 700 };
  const DrayPiece recorded[]
      = { { 0, 100, 100, 100 }, { 100, 200, 180, 150 }, { 200, 300, 250, 200 } };
  g_autoptr (GArray) pieces = g_array_new (FALSE, FALSE, sizeof (DrayPiece));
  DrayTrustFacts facts
      = { .recorded = &identity, .found = &identity, .fixed_drive = TRUE, .size = 140 };
  const DrayPiece *left;

  g_array_append_vals (pieces, recorded, G_N_ELEMENTS (recorded));
  g_assert_true (dray_trust_apply (&facts, pieces));
  left = (const DrayPiece *) pieces->data;
  g_assert_cmpint (left[0].written, ==, 100);
  g_assert_cmpint (left[0].synced, ==, 100);
  g_assert_cmpint (left[1].written, ==, 140);
  g_assert_cmpint (left[1].synced, ==, 140);
  g_assert_cmpint (left[2].written, ==, 200);
  g_assert_cmpint (left[2].synced, ==, 200);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/trust/cases", test_cases);
  g_test_add_func ("/trust/pieces", test_pieces);

  return g_test_run ();
}
