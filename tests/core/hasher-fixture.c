/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "tests/core/hasher-fixture.h"

#include <glib/gstdio.h>
#include <string.h>

void
hasher_fixture_write_bytes (HasherFixture *fixture,
                            gint64 offset,
                            gconstpointer bytes,
                            gsize n_bytes)
{
  g_autoptr (GError) error = NULL;

  dray_partial_file_write (fixture->file, offset, bytes, n_bytes, &error);
  g_assert_no_error (error);
}

void
hasher_fixture_set_up (HasherFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  gboolean name_taken;

  fixture->directory = g_dir_make_tmp ("dray-hasher-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->file =
      dray_partial_file_create (fixture->directory, "file", "boot", &name_taken, &error);
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

void
hasher_fixture_tear_down (HasherFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&fixture->hasher, dray_hasher_free);
  g_clear_pointer (&fixture->map, dray_piece_map_free);
  g_clear_pointer (&fixture->compared, dray_piece_map_free);
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
  HasherFixture *fixture = user_data;

  /* In a repair, again and again. */
  g_assert_true (fixture->sha256 == NULL || fixture->compared != NULL);
  g_free (fixture->sha256);
  fixture->sha256 = g_strdup (sha256);
}

static void
damaged_cb (gpointer user_data, guint block)
{
  g_array_append_val (((HasherFixture *) user_data)->damaged, block);
}

static void
failed_cb (gpointer user_data, const GError *error)
{
  HasherFixture *fixture = user_data;

  g_assert_null (fixture->error);
  fixture->error = g_error_copy (error);
}

const DrayHasherEvents hasher_fixture_events = {
  .finished = finished_cb,
  .damaged = damaged_cb,
  .failed = failed_cb,
};

void
hasher_fixture_write_block (HasherFixture *fixture, guint block)
{
  gint64 start = block * DRAY_BLOCK_SIZE;
  gsize size = block < N_BLOCKS ? (gsize) DRAY_BLOCK_SIZE : TAIL;

  fixture->block[0] = (guint8) block;
  hasher_fixture_write_bytes (fixture, start, fixture->block, size);
}

/* Writes the whole file, notes the states that a run would have saved, and returns the digest. */
char *
hasher_fixture_write_file (HasherFixture *fixture)
{
  DrayDigest digest;

  dray_digest_init (&digest);
  for (guint i = 0; i <= N_BLOCKS; i++)
    {
      DrayDigestState state;

      hasher_fixture_write_block (fixture, i);
      dray_digest_update (&digest, fixture->block, i < N_BLOCKS ? (gsize) DRAY_BLOCK_SIZE : TAIL);
      if (i == N_BLOCKS)
        break;
      dray_digest_save_state (&digest, &state);
      g_array_append_val (fixture->states, state);
    }

  return dray_digest_finish (&digest);
}

void
hasher_fixture_flip_byte (HasherFixture *fixture, gint64 offset)
{
  g_autoptr (GError) error = NULL;
  guint8 byte;

  g_assert_cmpint (dray_partial_file_read (fixture->file, offset, &byte, 1, &error), ==, 1);
  g_assert_no_error (error);
  byte ^= 1;
  hasher_fixture_write_bytes (fixture, offset, &byte, 1);
}

/* A map of the file whose bytes are written from @start to @end only. */
void
hasher_fixture_make_map (HasherFixture *fixture, gint64 start, gint64 end)
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

void
hasher_fixture_assert_snapshot (HasherFixture *fixture, guint first, guint length)
{
  g_autoptr (GArray) snapshot = dray_hasher_snapshot (fixture->hasher, first);

  g_assert_cmpuint (snapshot->len, ==, length);
  g_assert_cmpmem (snapshot->data, length * sizeof (DrayDigestState),
                   &g_array_index (fixture->states, DrayDigestState, first),
                   length * sizeof (DrayDigestState));
}
