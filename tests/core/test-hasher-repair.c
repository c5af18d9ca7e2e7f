/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The digest of a file while its wrong bytes are replaced. */

#include "tests/core/hasher-fixture.h"

#include <string.h>

#define N_RANDOM 4
#define PART (256 * 1024) /* what a connection compares at once */

/* A file that is whole on the disk and of which the digest was told. */
static void
begin_repair (HasherFixture *fixture)
{
  g_autoptr (GArray) none = g_array_new (FALSE, FALSE, sizeof (DrayDigestState));

  hasher_fixture_make_map (fixture, 0, SIZE);
  fixture->hasher =
      dray_hasher_new (fixture->map, fixture->file, none, &hasher_fixture_events, fixture);
  while (fixture->sha256 == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_clear_pointer (&fixture->sha256, g_free);

  fixture->compared = dray_piece_map_new (SIZE);
  dray_hasher_repair (fixture->hasher, fixture->compared);
  g_assert_true (dray_hasher_is_settled (fixture->hasher));
}

/* Has the next so many bytes compared, of which @n_bytes at @offset differ. */
static void
compare (HasherFixture *fixture, gint64 end, gint64 offset, gconstpointer bytes, gsize n_bytes)
{
  DrayClaim claim;

  g_assert_true (dray_piece_map_claim (fixture->compared, 0, &claim));
  if (n_bytes > 0)
    {
      dray_hasher_note_difference (fixture->hasher, offset);
      g_assert_false (dray_hasher_is_settled (fixture->hasher));
      hasher_fixture_write_bytes (fixture, offset, bytes, n_bytes);
    }
  dray_piece_map_advance (fixture->compared, claim.id, end - claim.start);
  dray_piece_map_release (fixture->compared, claim.id);
  dray_hasher_wake (fixture->hasher);
}

static void
wait_for_repaired (HasherFixture *fixture, const char *expected)
{
  while (fixture->sha256 == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (fixture->sha256, ==, expected);
  g_assert_true (dray_hasher_is_settled (fixture->hasher));
  g_clear_pointer (&fixture->sha256, g_free);
}

static void
assert_differing (HasherFixture *fixture, guint n_blocks, guint first, guint last)
{
  g_autoptr (GArray) blocks = dray_hasher_get_differing (fixture->hasher);

  g_assert_cmpuint (blocks->len, ==, n_blocks);
  g_assert_cmpuint (g_array_index (blocks, guint, 0), ==, first);
  g_assert_cmpuint (g_array_index (blocks, guint, n_blocks - 1), ==, last);
}

/* The digest is right as soon as what was wrong is replaced, whatever is not yet compared. The
 * states before it are good, and so are those after it then. */
static void
test_repair (HasherFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *expected = hasher_fixture_write_file (fixture);

  hasher_fixture_flip_byte (fixture, 2 * DRAY_BLOCK_SIZE + 5);
  begin_repair (fixture);
  compare (fixture, 2 * DRAY_BLOCK_SIZE, 0, NULL, 0);
  fixture->block[0] = 2;
  compare (fixture, 2 * DRAY_BLOCK_SIZE + 100, 2 * DRAY_BLOCK_SIZE, fixture->block, 100);
  hasher_fixture_assert_snapshot (fixture, 0, 2);
  g_assert_null (fixture->sha256);
  compare (fixture, 3 * DRAY_BLOCK_SIZE, 0, NULL, 0);
  wait_for_repaired (fixture, expected);
  hasher_fixture_assert_snapshot (fixture, 0, N_BLOCKS);
  assert_differing (fixture, 1, 2, 2);
}

/* A digest that has been told is no longer the file's when something else is replaced. */
static void
test_repair_unsettled (HasherFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *expected = hasher_fixture_write_file (fixture);
  G_GNUC_UNUSED g_autofree char *sha256 = NULL;

  hasher_fixture_flip_byte (fixture, 5);
  hasher_fixture_flip_byte (fixture, SIZE - 1);
  begin_repair (fixture);
  fixture->block[0] = 0;
  compare (fixture, DRAY_BLOCK_SIZE, 0, fixture->block, 100);
  while (fixture->sha256 == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (fixture->sha256, !=, expected);
  g_assert_true (dray_hasher_is_settled (fixture->hasher));

  g_clear_pointer (&fixture->sha256, g_free);
  fixture->block[0] = N_BLOCKS;
  compare (fixture, SIZE, N_BLOCKS * DRAY_BLOCK_SIZE, fixture->block, TAIL);
  wait_for_repaired (fixture, expected);
  assert_differing (fixture, 2, 0, N_BLOCKS);
}

typedef struct
{
  HasherFixture *fixture;
  gint n_running; /* atomic */
} Lanes;

/* Compares with the right bytes what it claims, as a connection does. */
static gpointer
compare_in_thread (gpointer data)
{
  Lanes *lanes = data;
  HasherFixture *fixture = lanes->fixture;
  g_autofree guint8 *disk = g_malloc (PART);
  g_autofree guint8 *right = g_malloc (PART);
  DrayClaim claim;

  while (dray_piece_map_claim (fixture->compared, PART, &claim))
    {
      gsize n = (gsize) (claim.end - claim.start);
      gint64 in_block = claim.start % DRAY_BLOCK_SIZE;

      memcpy (right, fixture->block + in_block, n);
      if (in_block == 0)
        right[0] = (guint8) (claim.start / DRAY_BLOCK_SIZE);
      g_assert_cmpint (dray_partial_file_read (fixture->file, claim.start, disk, n, NULL), ==, n);
      if (memcmp (disk, right, n) != 0)
        {
          dray_hasher_note_difference (fixture->hasher, claim.start);
          hasher_fixture_write_bytes (fixture, claim.start, right, n);
        }
      dray_piece_map_advance (fixture->compared, claim.id, (gint64) n);
      dray_piece_map_release (fixture->compared, claim.id);
      dray_hasher_wake (fixture->hasher);
    }
  g_atomic_int_dec_and_test (&lanes->n_running);
  g_main_context_wakeup (NULL);

  return NULL;
}

/* Whatever is wrong, and however the comparing and the hashing meet: what was told last is the
 * digest of the file as it is in the end. */
static void
test_repair_random (HasherFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *expected = hasher_fixture_write_file (fixture);
  gint n_wrong = g_test_rand_int_range (1, 30);
  Lanes lanes = { .fixture = fixture, .n_running = 3 };
  GThread *threads[3];

  for (gint i = 0; i < n_wrong; i++)
    hasher_fixture_flip_byte (fixture, g_test_rand_int_range (0, SIZE));
  begin_repair (fixture);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("lane", compare_in_thread, &lanes);

  while (g_atomic_int_get (&lanes.n_running) > 0 || !dray_hasher_is_settled (fixture->hasher))
    {
      g_main_context_iteration (NULL, TRUE);
      g_assert_no_error (fixture->error);
    }
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);

  g_assert_cmpstr (fixture->sha256, ==, expected);
  hasher_fixture_assert_snapshot (fixture, 0, N_BLOCKS);
}

static void
add (const char *name, void (*test) (HasherFixture *, gconstpointer))
{
  g_autofree char *path = g_strconcat ("/hasher-repair/", name, NULL);

  g_test_add (path, HasherFixture, NULL, hasher_fixture_set_up, test, hasher_fixture_tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("early", test_repair);
  add ("unsettled", test_repair_unsettled);
  for (guint i = 0; i < N_RANDOM; i++)
    {
      g_autofree char *name = g_strdup_printf ("random/%u", i);

      add (name, test_repair_random);
    }

  return g_test_run ();
}
