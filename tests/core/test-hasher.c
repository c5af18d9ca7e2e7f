/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "tests/core/hasher-fixture.h"

#define SMALL_SIZE 1000
#define N_ROUNDS 4000

static void
spin (gint32 n)
{
  for (gint i = 0; i < n; g_atomic_int_inc (&i))
    ;
}

/* The last bytes come while the hasher looks at what there is: whichever it sees first, the digest
 * is that of the whole file. */
static void
test_last_bytes (HasherFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *expected =
      g_compute_checksum_for_data (G_CHECKSUM_SHA256, fixture->block, SMALL_SIZE);

  hasher_fixture_write_bytes (fixture, 0, fixture->block, SMALL_SIZE);
  for (guint i = 0; i < N_ROUNDS; i++)
    {
      g_autoptr (DrayPieceMap) map = dray_piece_map_new (SMALL_SIZE);
      g_autoptr (DrayHasher) hasher = NULL;
      DrayClaim claim;

      g_assert_true (dray_piece_map_claim (map, 0, &claim));
      hasher =
          dray_hasher_new (map, fixture->file, fixture->states, &hasher_fixture_events, fixture);
      dray_piece_map_advance (map, claim.id, SMALL_SIZE / 2);
      dray_hasher_wake (hasher);
      while (dray_hasher_get_verified (hasher) < SMALL_SIZE / 2)
        g_thread_yield ();
      dray_hasher_wake (hasher);
      spin (g_test_rand_int_range (0, 2000));
      dray_piece_map_advance (map, claim.id, SMALL_SIZE - SMALL_SIZE / 2);
      dray_hasher_wake (hasher);
      while (fixture->sha256 == NULL)
        g_main_context_iteration (NULL, TRUE);
      g_assert_cmpstr (fixture->sha256, ==, expected);
      g_clear_pointer (&fixture->sha256, g_free);
      dray_piece_map_release (map, claim.id);
    }
}

static void
begin (HasherFixture *fixture)
{
  fixture->hasher = dray_hasher_new (fixture->map, fixture->file, fixture->states,
                                     &hasher_fixture_events, fixture);
}

/* Claims the next bytes that are lacking, which begin at @start, and says that they are there. */
static void
fill (HasherFixture *fixture, gint64 start)
{
  DrayClaim claim;

  g_assert_true (dray_piece_map_claim (fixture->map, 0, &claim));
  g_assert_cmpint (claim.start, ==, start);
  dray_piece_map_advance (fixture->map, claim.id, claim.end - claim.start);
  dray_piece_map_release (fixture->map, claim.id);
  dray_hasher_wake (fixture->hasher);
}

static void
wait_for_verified (HasherFixture *fixture, gint64 verified)
{
  while (dray_hasher_get_verified (fixture->hasher) < verified)
    g_thread_yield ();
  g_assert_cmpint (dray_hasher_get_verified (fixture->hasher), ==, verified);
}

static void
wait_for_digest (HasherFixture *fixture, const char *expected)
{
  while (fixture->sha256 == NULL)
    {
      g_main_context_iteration (NULL, TRUE);
      g_assert_no_error (fixture->error);
    }
  g_assert_cmpstr (fixture->sha256, ==, expected);
  g_assert_cmpint (dray_hasher_get_verified (fixture->hasher), ==, SIZE);
}

static void
wait_for_error (HasherFixture *fixture, DrayError code)
{
  while (fixture->error == NULL)
    {
      g_main_context_iteration (NULL, TRUE);
      g_assert_null (fixture->sha256);
    }
  g_assert_error (fixture->error, DRAY_ERROR, (gint) code);
}

/* A file without saved states: they are made on the way. */
static void
test_first_run (HasherFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *expected = hasher_fixture_write_file (fixture);
  g_autoptr (GArray) none = g_array_new (FALSE, FALSE, sizeof (DrayDigestState));

  hasher_fixture_make_map (fixture, 0, SIZE);
  fixture->hasher =
      dray_hasher_new (fixture->map, fixture->file, none, &hasher_fixture_events, fixture);
  wait_for_digest (fixture, expected);
  hasher_fixture_assert_snapshot (fixture, 0, N_BLOCKS);
  hasher_fixture_assert_snapshot (fixture, 3, N_BLOCKS - 3);
}

/* The digest goes on behind what was saved, whatever of that is on the disk, and is not told before
 * all of that is proven. */
static void
test_goes_on (HasherFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *expected = hasher_fixture_write_file (fixture);

  hasher_fixture_make_map (fixture, DRAY_BLOCK_SIZE + 1, SIZE);
  g_array_set_size (fixture->states, 3);
  begin (fixture);
  wait_for_verified (fixture, SIZE - 2 * DRAY_BLOCK_SIZE);
  g_assert_null (fixture->sha256);

  fill (fixture, 0);
  wait_for_digest (fixture, expected);
}

/* Takes a block back and fetches it again: its bytes are written anew, or stay as they are. */
static void
fetch_again (HasherFixture *fixture, guint block, gboolean write)
{
  DrayClaim held;

  g_assert_true (dray_piece_map_invalidate (fixture->map, block * DRAY_BLOCK_SIZE,
                                            (block + 1) * DRAY_BLOCK_SIZE, &held));
  dray_hasher_continue (fixture->hasher, block);
  if (write)
    hasher_fixture_write_block (fixture, block);
  dray_piece_map_advance (fixture->map, held.id, DRAY_BLOCK_SIZE);
  dray_piece_map_release (fixture->map, held.id);
  dray_hasher_wake (fixture->hasher);
}

/* Each damaged block is told once, and is right when it has been written again. */
static void
test_damaged (HasherFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *expected = hasher_fixture_write_file (fixture);
  guint n_repaired = 0;

  hasher_fixture_flip_byte (fixture, 0);
  hasher_fixture_flip_byte (fixture, 2 * DRAY_BLOCK_SIZE - 1);
  hasher_fixture_flip_byte (fixture, 3 * DRAY_BLOCK_SIZE + 4711);
  hasher_fixture_make_map (fixture, 0, SIZE);
  begin (fixture);

  while (n_repaired < 3)
    {
      guint block;

      while (fixture->damaged->len == n_repaired)
        g_main_context_iteration (NULL, TRUE);
      block = g_array_index (fixture->damaged, guint, n_repaired++);
      g_assert_cmpuint (block, !=, 2);
      fetch_again (fixture, block, TRUE);
    }

  wait_for_digest (fixture, expected);
  g_assert_cmpuint (fixture->damaged->len, ==, 3);
}

/* A block that disagrees again is of another file. */
static void
test_damaged_again (HasherFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  G_GNUC_UNUSED g_autofree char *unused = hasher_fixture_write_file (fixture);

  hasher_fixture_flip_byte (fixture, DRAY_BLOCK_SIZE);
  hasher_fixture_make_map (fixture, 0, SIZE);
  begin (fixture);
  while (fixture->damaged->len == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (g_array_index (fixture->damaged, guint, 0), ==, 1);

  fetch_again (fixture, 1, FALSE);
  wait_for_error (fixture, DRAY_ERROR_CHANGED);
  g_assert_cmpuint (fixture->damaged->len, ==, 1);
}

/* The server's file turns out to end before what was hashed of it. */
static void
test_shorter (HasherFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  G_GNUC_UNUSED g_autofree char *unused = hasher_fixture_write_file (fixture);
  const DrayPiece piece = { 0, DRAY_END_UNKNOWN, DRAY_BLOCK_SIZE, 0 };
  g_autoptr (GError) error = NULL;

  fixture->map = dray_piece_map_new_from_pieces (DRAY_SIZE_UNKNOWN, &piece, 1, &error);
  g_assert_no_error (error);
  begin (fixture);
  g_assert_true (dray_piece_map_set_total (fixture->map, DRAY_BLOCK_SIZE));
  dray_hasher_wake (fixture->hasher);
  wait_for_error (fixture, DRAY_ERROR_CHANGED);
}

/* Several threads find the file too short; one of them says so. */
static void
test_cut_short (HasherFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  G_GNUC_UNUSED g_autofree char *unused = hasher_fixture_write_file (fixture);
  g_autoptr (GError) error = NULL;

  dray_partial_file_cut (fixture->file, 100, &error);
  g_assert_no_error (error);
  hasher_fixture_make_map (fixture, 0, SIZE);
  begin (fixture);
  wait_for_error (fixture, DRAY_ERROR_PARTIAL_MISSING);
}

/* Freed at any moment of the checks. */
static void
test_stopped (HasherFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  G_GNUC_UNUSED g_autofree char *unused = hasher_fixture_write_file (fixture);

  hasher_fixture_make_map (fixture, 0, SIZE);
  hasher_fixture_flip_byte (fixture, 0);
  for (guint i = 0; i < 20; i++)
    {
      begin (fixture);
      while (dray_hasher_get_verified (fixture->hasher) < g_test_rand_int_range (0, SIZE / 8))
        g_main_context_iteration (NULL, FALSE);
      g_clear_pointer (&fixture->hasher, dray_hasher_free);
      g_clear_pointer (&fixture->sha256, g_free);
    }
}

static void
add (const char *name, void (*test) (HasherFixture *, gconstpointer))
{
  g_autofree char *path = g_strconcat ("/hasher/", name, NULL);

  g_test_add (path, HasherFixture, NULL, hasher_fixture_set_up, test, hasher_fixture_tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("last-bytes", test_last_bytes);
  add ("first-run", test_first_run);
  add ("goes-on", test_goes_on);
  add ("damaged", test_damaged);
  add ("damaged-again", test_damaged_again);
  add ("shorter", test_shorter);
  add ("cut-short", test_cut_short);
  add ("stopped", test_stopped);

  return g_test_run ();
}
