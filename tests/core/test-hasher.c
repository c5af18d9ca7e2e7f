/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/transfer/hasher.h"

#include <glib/gstdio.h>

#define SIZE 1000
#define N_ROUNDS 4000

typedef struct
{
  char *directory;
  DrayPartialFile *file;
  guint8 bytes[SIZE];
  char *sha256; /* of all of them */
} Fixture;

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
  for (guint i = 0; i < SIZE; i++)
    fixture->bytes[i] = (guint8) g_test_rand_int ();
  dray_partial_file_write (fixture->file, 0, fixture->bytes, SIZE, &error);
  g_assert_no_error (error);
  fixture->sha256 = g_compute_checksum_for_data (G_CHECKSUM_SHA256, fixture->bytes, SIZE);
}

static void
tear_down (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  dray_partial_file_discard (fixture->directory, "file", &error);
  g_assert_no_error (error);
  dray_partial_file_unref (fixture->file);
  g_rmdir (fixture->directory);
  g_free (fixture->directory);
  g_free (fixture->sha256);
}

static void
finished_cb (gpointer user_data, const char *sha256)
{
  *(char **) user_data = g_strdup (sha256);
}

static void
damaged_cb (G_GNUC_UNUSED gpointer user_data, G_GNUC_UNUSED guint block)
{
  g_assert_not_reached ();
}

static void
failed_cb (G_GNUC_UNUSED gpointer user_data, const GError *error)
{
  g_assert_no_error (error);
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
  g_autoptr (GArray) states = g_array_new (FALSE, FALSE, sizeof (DrayDigestState));

  for (guint i = 0; i < N_ROUNDS; i++)
    {
      g_autoptr (DrayPieceMap) map = dray_piece_map_new (SIZE);
      g_autoptr (DrayHasher) hasher = NULL;
      g_autofree char *sha256 = NULL;
      DrayClaim claim;

      g_assert_true (dray_piece_map_claim (map, 0, &claim));
      hasher = dray_hasher_new (map, fixture->file, states, &events, &sha256);
      dray_piece_map_advance (map, claim.id, SIZE / 2);
      dray_hasher_wake (hasher);
      while (dray_hasher_get_position (hasher) < SIZE / 2)
        g_thread_yield ();
      dray_hasher_wake (hasher);
      spin (g_test_rand_int_range (0, 2000));
      dray_piece_map_advance (map, claim.id, SIZE - SIZE / 2);
      dray_hasher_wake (hasher);
      while (sha256 == NULL)
        g_main_context_iteration (NULL, TRUE);
      g_assert_cmpstr (sha256, ==, fixture->sha256);
      dray_piece_map_release (map, claim.id);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/hasher/last-bytes", Fixture, NULL, set_up, test_last_bytes, tear_down);

  return g_test_run ();
}
