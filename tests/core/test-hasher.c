/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/base/error.h"
#include "core/transfer/hasher.h"

#include <glib/gstdio.h>
#include <string.h>

#define SMALL_SIZE 1000
#define N_ROUNDS 4000
#define N_BLOCKS 4
#define TAIL 12345
#define SIZE (N_BLOCKS * DRAY_BLOCK_SIZE + TAIL)

typedef struct
{
  char *directory;
  DrayPartialFile *file;
  guint8 *block; /* what the file's blocks and its tail begin with, rotated by the block's number */
  GArray *states; /* after each block */
  DrayPieceMap *map;
  DrayHasher *hasher;

  /* What it has told. */
  char *sha256;
  GArray *damaged; /* of guint */
  GError *error;
} Fixture;

static void
write_bytes (Fixture *fixture, gint64 offset, gconstpointer bytes, gsize n_bytes)
{
  g_autoptr (GError) error = NULL;

  dray_partial_file_write (fixture->file, offset, bytes, n_bytes, &error);
  g_assert_no_error (error);
}

static void
set_up (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  gboolean name_taken;

  fixture->directory = g_dir_make_tmp ("dray-hasher-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->file = dray_partial_file_create (fixture->directory, "file", "boot", &name_taken,
                                            &error);
  g_assert_no_error (error);
  fixture->block = g_malloc ((gsize) DRAY_BLOCK_SIZE);
  for (gint64 i = 0; i < DRAY_BLOCK_SIZE; i += 4)
    {
      guint32 word = g_test_rand_int ();

      memcpy (fixture->block + i, &word, sizeof word);
    }
  fixture->states = g_array_new (FALSE, FALSE, sizeof (DrayDigestState));
  fixture->damaged = g_array_new (FALSE, FALSE, sizeof (guint));
}

static void
tear_down (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&fixture->hasher, dray_hasher_free);
  g_clear_pointer (&fixture->map, dray_piece_map_free);
  dray_partial_file_discard (fixture->directory, "file", &error);
  g_assert_no_error (error);
  dray_partial_file_unref (fixture->file);
  g_rmdir (fixture->directory);
  g_free (fixture->directory);
  g_free (fixture->block);
  g_free (fixture->sha256);
  g_clear_error (&fixture->error);
  g_array_unref (fixture->states);
  g_array_unref (fixture->damaged);
}

static void
finished_cb (gpointer user_data, const char *sha256)
{
  Fixture *fixture = user_data;

  g_assert_null (fixture->sha256);
  fixture->sha256 = g_strdup (sha256);
}

static void
damaged_cb (gpointer user_data, guint block)
{
  g_array_append_val (((Fixture *) user_data)->damaged, block);
}

static void
failed_cb (gpointer user_data, const GError *error)
{
  Fixture *fixture = user_data;

  g_assert_null (fixture->error);
  fixture->error = g_error_copy (error);
}

static const DrayHasherEvents events = {
  .finished = finished_cb,
  .damaged = damaged_cb,
  .failed = failed_cb,
};

static void
spin (gint32 n)
{
  for (gint i = 0; i < n; g_atomic_int_inc (&i))
    ;
}

/* The last bytes come while the hasher looks at what there is: whichever it sees first, the digest
 * is that of the whole file. */
static void
test_last_bytes (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *expected
      = g_compute_checksum_for_data (G_CHECKSUM_SHA256, fixture->block, SMALL_SIZE);

  write_bytes (fixture, 0, fixture->block, SMALL_SIZE);
  for (guint i = 0; i < N_ROUNDS; i++)
    {
      g_autoptr (DrayPieceMap) map = dray_piece_map_new (SMALL_SIZE);
      g_autoptr (DrayHasher) hasher = NULL;
      DrayClaim claim;

      g_assert_true (dray_piece_map_claim (map, 0, &claim));
      hasher = dray_hasher_new (map, fixture->file, fixture->states, &events, fixture);
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
write_block (Fixture *fixture, guint block)
{
  gint64 start = block * DRAY_BLOCK_SIZE;
  gsize size = block < N_BLOCKS ? (gsize) DRAY_BLOCK_SIZE : TAIL;

  fixture->block[0] = (guint8) block;
  write_bytes (fixture, start, fixture->block, size);
}

/* Writes the whole file, notes the states that a run would have saved, and returns the digest. */
static char *
write_file (Fixture *fixture)
{
  DrayDigest digest;

  dray_digest_init (&digest);
  for (guint i = 0; i <= N_BLOCKS; i++)
    {
      DrayDigestState state;

      write_block (fixture, i);
      dray_digest_update (&digest, fixture->block,
                          i < N_BLOCKS ? (gsize) DRAY_BLOCK_SIZE : TAIL);
      if (i == N_BLOCKS)
        break;
      dray_digest_save_state (&digest, &state);
      g_array_append_val (fixture->states, state);
    }

  return dray_digest_finish (&digest);
}

static void
flip_byte (Fixture *fixture, gint64 offset)
{
  g_autoptr (GError) error = NULL;
  guint8 byte;

  g_assert_cmpint (dray_partial_file_read (fixture->file, offset, &byte, 1, &error), ==, 1);
  g_assert_no_error (error);
  byte ^= 1;
  write_bytes (fixture, offset, &byte, 1);
}

/* A map of the file whose bytes are written from @start to @end only. */
static void
make_map (Fixture *fixture, gint64 start, gint64 end)
{
  const DrayPiece pieces[] = {
    { 0, start, 0, 0 },
    { start, SIZE, end, start },
  };
  g_autoptr (GError) error = NULL;

  fixture->map = start > 0 ? dray_piece_map_new_from_pieces (SIZE, pieces, 2, &error)
                           : dray_piece_map_new_from_pieces (SIZE, pieces + 1, 1, &error);
  g_assert_no_error (error);
}

static void
begin (Fixture *fixture)
{
  fixture->hasher
      = dray_hasher_new (fixture->map, fixture->file, fixture->states, &events, fixture);
}

/* Claims the next bytes that are lacking, which begin at @start, and says that they are there. */
static void
fill (Fixture *fixture, gint64 start)
{
  DrayClaim claim;

  g_assert_true (dray_piece_map_claim (fixture->map, 0, &claim));
  g_assert_cmpint (claim.start, ==, start);
  dray_piece_map_advance (fixture->map, claim.id, claim.end - claim.start);
  dray_piece_map_release (fixture->map, claim.id);
  dray_hasher_wake (fixture->hasher);
}

static void
wait_for_verified (Fixture *fixture, gint64 verified)
{
  while (dray_hasher_get_verified (fixture->hasher) < verified)
    g_thread_yield ();
  g_assert_cmpint (dray_hasher_get_verified (fixture->hasher), ==, verified);
}

static void
wait_for_digest (Fixture *fixture, const char *expected)
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
wait_for_error (Fixture *fixture, DrayError code)
{
  while (fixture->error == NULL)
    {
      g_main_context_iteration (NULL, TRUE);
      g_assert_null (fixture->sha256);
    }
  g_assert_error (fixture->error, DRAY_ERROR, (gint) code);
}

static void
assert_snapshot (Fixture *fixture, guint first, guint length)
{
  g_autoptr (GArray) snapshot = dray_hasher_snapshot (fixture->hasher, first);

  g_assert_cmpuint (snapshot->len, ==, length);
  g_assert_cmpmem (snapshot->data, length * sizeof (DrayDigestState),
                   &g_array_index (fixture->states, DrayDigestState, first),
                   length * sizeof (DrayDigestState));
}

/* A file without saved states: they are made on the way. */
static void
test_first_run (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *expected = write_file (fixture);
  g_autoptr (GArray) none = g_array_new (FALSE, FALSE, sizeof (DrayDigestState));

  make_map (fixture, 0, SIZE);
  fixture->hasher = dray_hasher_new (fixture->map, fixture->file, none, &events, fixture);
  wait_for_digest (fixture, expected);
  assert_snapshot (fixture, 0, N_BLOCKS);
  assert_snapshot (fixture, 3, N_BLOCKS - 3);
}

/* The digest goes on behind what was saved, whatever of that is on the disk, and is not told before
 * all of that is proven. */
static void
test_goes_on (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *expected = write_file (fixture);

  make_map (fixture, DRAY_BLOCK_SIZE + 1, SIZE);
  g_array_set_size (fixture->states, 3);
  begin (fixture);
  wait_for_verified (fixture, SIZE - 2 * DRAY_BLOCK_SIZE);
  g_assert_null (fixture->sha256);

  fill (fixture, 0);
  wait_for_digest (fixture, expected);
}

/* Each damaged block is told once, and is right when it has been written again. */
static void
test_damaged (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *expected = write_file (fixture);
  guint n_repaired = 0;

  flip_byte (fixture, 0);
  flip_byte (fixture, 2 * DRAY_BLOCK_SIZE - 1);
  flip_byte (fixture, 3 * DRAY_BLOCK_SIZE + 4711);
  make_map (fixture, 0, SIZE);
  begin (fixture);

  while (n_repaired < 3)
    {
      guint block;
      DrayClaim held;

      g_main_context_iteration (NULL, TRUE);
      if (fixture->damaged->len == n_repaired)
        continue;
      block = g_array_index (fixture->damaged, guint, n_repaired++);
      g_assert_cmpuint (block, !=, 2);
      g_assert_true (dray_piece_map_invalidate (fixture->map, block * DRAY_BLOCK_SIZE,
                                                (block + 1) * DRAY_BLOCK_SIZE, &held));
      dray_hasher_continue (fixture->hasher, block);
      write_block (fixture, block);
      dray_piece_map_advance (fixture->map, held.id, DRAY_BLOCK_SIZE);
      dray_piece_map_release (fixture->map, held.id);
      dray_hasher_wake (fixture->hasher);
    }

  wait_for_digest (fixture, expected);
  g_assert_cmpuint (fixture->damaged->len, ==, 3);
}

/* A block that disagrees again is of another file. */
static void
test_damaged_again (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *unused = write_file (fixture);
  DrayClaim held;

  flip_byte (fixture, DRAY_BLOCK_SIZE);
  make_map (fixture, 0, SIZE);
  begin (fixture);
  while (fixture->damaged->len == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (g_array_index (fixture->damaged, guint, 0), ==, 1);

  g_assert_true (dray_piece_map_invalidate (fixture->map, DRAY_BLOCK_SIZE, 2 * DRAY_BLOCK_SIZE,
                                            &held));
  dray_hasher_continue (fixture->hasher, 1);
  dray_piece_map_advance (fixture->map, held.id, DRAY_BLOCK_SIZE);
  dray_piece_map_release (fixture->map, held.id);
  dray_hasher_wake (fixture->hasher);
  wait_for_error (fixture, DRAY_ERROR_CHANGED);
  g_assert_cmpuint (fixture->damaged->len, ==, 1);
}

/* The server's file turns out to end before what was hashed of it. */
static void
test_shorter (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *unused = write_file (fixture);
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
test_cut_short (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *unused = write_file (fixture);
  g_autoptr (GError) error = NULL;

  dray_partial_file_cut (fixture->file, 100, &error);
  g_assert_no_error (error);
  make_map (fixture, 0, SIZE);
  begin (fixture);
  wait_for_error (fixture, DRAY_ERROR_PARTIAL_MISSING);
}

/* Freed at any moment of the checks. */
static void
test_stopped (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *unused = write_file (fixture);

  make_map (fixture, 0, SIZE);
  flip_byte (fixture, 0);
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
add (const char *name, void (*test) (Fixture *, gconstpointer))
{
  g_autofree char *path = g_strconcat ("/hasher/", name, NULL);

  g_test_add (path, Fixture, NULL, set_up, test, tear_down);
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
