/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/transfer/piece-map.h"

#include "core/base/error.h"

static void
assert_pieces (DrayPieceMap *map, const DrayPiece *expected, guint n_expected)
{
  guint epoch;
  g_autoptr (GArray) pieces = dray_piece_map_snapshot (map, &epoch);

  g_assert_cmpuint (pieces->len, ==, n_expected);
  for (guint i = 0; i < n_expected; i++)
    {
      const DrayPiece *piece = &g_array_index (pieces, DrayPiece, i);

      g_assert_cmpint (piece->start, ==, expected[i].start);
      g_assert_cmpint (piece->end, ==, expected[i].end);
      g_assert_cmpint (piece->written, ==, expected[i].written);
      g_assert_cmpint (piece->synced, ==, expected[i].synced);
    }
}

static void
sync_all (DrayPieceMap *map)
{
  guint epoch;
  g_autoptr (GArray) pieces = dray_piece_map_snapshot (map, &epoch);

  dray_piece_map_mark_synced (map, pieces, epoch);
}

static void
test_one_claim (void)
{
  g_autoptr (DrayPieceMap) map = dray_piece_map_new (100);
  DrayClaim claim, other;

  g_assert_true (dray_piece_map_claim (map, 0, &claim));
  g_assert_cmpuint (claim.id, !=, DRAY_CLAIM_NONE);
  g_assert_cmpint (claim.start, ==, 0);
  g_assert_cmpint (claim.end, ==, 100);
  g_assert_false (dray_piece_map_claim (map, 0, &other));

  g_assert_cmpint (dray_piece_map_advance (map, claim.id, 40), ==, 100);
  g_assert_cmpint (dray_piece_map_get_front (map), ==, 40);
  g_assert_false (dray_piece_map_is_complete (map));
  dray_piece_map_release (map, claim.id);

  g_assert_true (dray_piece_map_claim (map, 0, &other));
  g_assert_cmpuint (other.id, !=, claim.id);
  g_assert_cmpint (other.start, ==, 40);
  g_assert_cmpint (dray_piece_map_advance (map, claim.id, 10), ==, 0);
  g_assert_cmpint (dray_piece_map_get_written (map), ==, 40);
  g_assert_cmpint (dray_piece_map_advance (map, other.id, G_MAXINT64), ==, 100);
  g_assert_true (dray_piece_map_is_complete (map));
  dray_piece_map_release (map, other.id);
  assert_pieces (map, (DrayPiece[]){ { 0, 100, 100, 0 } }, 1);
}

static void
test_theft (void)
{
  g_autoptr (DrayPieceMap) map = dray_piece_map_new (100);
  DrayClaim victim, thief;

  g_assert_true (dray_piece_map_claim (map, 0, &victim));
  dray_piece_map_advance (map, victim.id, 30);
  g_assert_false (dray_piece_map_split (map, victim.id, 30));
  g_assert_false (dray_piece_map_split (map, victim.id, 100));
  g_assert_false (dray_piece_map_split (map, victim.id + 1, 60));
  g_assert_true (dray_piece_map_split (map, victim.id, 60));
  g_assert_true (dray_piece_map_claim (map, 0, &thief));
  g_assert_cmpint (thief.start, ==, 60);
  g_assert_cmpint (thief.end, ==, 100);

  /* The victim was already at byte 70 when its end was pulled in to 60. */
  g_assert_cmpint (dray_piece_map_advance (map, victim.id, 40), ==, 60);
  g_assert_cmpint (dray_piece_map_get_written (map), ==, 60);
  dray_piece_map_advance (map, thief.id, 5);
  g_assert_cmpint (dray_piece_map_get_written (map), ==, 65);
  g_assert_cmpint (dray_piece_map_get_front (map), ==, 65);
}

static void
test_limits_and_joining (void)
{
  g_autoptr (DrayPieceMap) map = dray_piece_map_new (30);
  DrayClaim claims[3];

  for (guint i = 0; i < 3; i++)
    {
      g_assert_true (dray_piece_map_claim (map, 10, &claims[i]));
      g_assert_cmpint (claims[i].start, ==, 10 * i);
      g_assert_cmpint (claims[i].end, ==, 10 * i + 10);
    }
  dray_piece_map_advance (map, claims[2].id, 10);
  dray_piece_map_advance (map, claims[0].id, 10);
  g_assert_cmpint (dray_piece_map_get_front (map), ==, 10);
  dray_piece_map_advance (map, claims[1].id, 4);
  sync_all (map);
  dray_piece_map_advance (map, claims[1].id, 6);
  for (guint i = 0; i < 3; i++)
    dray_piece_map_release (map, claims[i].id);

  /* Joined with the one before, but not with the one behind: its synced bytes would be lost. */
  assert_pieces (map, (DrayPiece[]){ { 0, 20, 20, 14 }, { 20, 30, 30, 30 } }, 2);
  sync_all (map);
  assert_pieces (map, (DrayPiece[]){ { 0, 30, 30, 30 } }, 1);
}

static void
test_size_learnt_late (void)
{
  g_autoptr (DrayPieceMap) map = dray_piece_map_new (DRAY_SIZE_UNKNOWN);
  DrayClaim first, second, third;

  g_assert_true (dray_piece_map_claim (map, 50, &first));
  g_assert_true (dray_piece_map_claim (map, 50, &second));
  g_assert_true (dray_piece_map_claim (map, 0, &third));
  g_assert_cmpint (third.start, ==, 100);
  g_assert_cmpint (third.end, ==, DRAY_END_UNKNOWN);
  dray_piece_map_advance (map, first.id, 50);
  dray_piece_map_advance (map, second.id, 30);
  g_assert_cmpint (dray_piece_map_get_total (map), ==, DRAY_SIZE_UNKNOWN);

  g_assert_false (dray_piece_map_set_total (map, 79));
  g_assert_false (dray_piece_map_set_total (map, 40));
  g_assert_cmpint (dray_piece_map_get_claim_end (map, second.id), ==, 100);
  g_assert_true (dray_piece_map_set_total (map, 80));
  g_assert_true (dray_piece_map_set_total (map, 80));
  g_assert_false (dray_piece_map_set_total (map, 81));
  g_assert_cmpint (dray_piece_map_get_total (map), ==, 80);
  g_assert_cmpint (dray_piece_map_get_claim_end (map, second.id), ==, 80);
  g_assert_cmpint (dray_piece_map_get_claim_end (map, third.id), ==, 100);
  g_assert_cmpint (dray_piece_map_advance (map, third.id, 7), ==, 100);
  g_assert_true (dray_piece_map_is_complete (map));
}

static void
test_empty_file (void)
{
  g_autoptr (DrayPieceMap) map = dray_piece_map_new (0);
  g_autoptr (DrayPieceMap) late = dray_piece_map_new (DRAY_SIZE_UNKNOWN);
  g_autoptr (DrayPieceMap) recorded = dray_piece_map_new_from_pieces (0, NULL, 0, NULL);
  DrayClaim claim;

  g_assert_true (dray_piece_map_is_complete (map));
  g_assert_true (dray_piece_map_is_complete (recorded));
  g_assert_false (dray_piece_map_claim (map, 0, &claim));
  g_assert_false (dray_piece_map_invalidate (map, 0, 1, &claim));
  g_assert_false (dray_piece_map_is_complete (late));
  g_assert_true (dray_piece_map_claim (late, 0, &claim));
  g_assert_true (dray_piece_map_set_total (late, 0));
  g_assert_true (dray_piece_map_is_complete (late));
  g_assert_cmpint (dray_piece_map_get_claim_end (late, claim.id), ==, 0);
}

/* One claim on [0, 100) or on [10, 100) that has written up to 60, and a range that is damaged. */
static void
test_invalidate (void)
{
  static const struct
  {
    gint64 from, start, end;
    gint64 claim_end;
    guint n_pieces;
    DrayPiece pieces[4];
  } cases[] = {
    { 0, 20, 40, 100, 3, { { 0, 20, 20, 20 }, { 20, 40, 20, 20 }, { 40, 100, 60, 50 } } },
    { 0, 20, 60, 100, 3, { { 0, 20, 20, 20 }, { 20, 60, 20, 20 }, { 60, 100, 60, 60 } } },
    { 0, 20, 70, 20, 3, { { 0, 20, 20, 20 }, { 20, 70, 20, 20 }, { 70, 100, 70, 70 } } },
    { 0, 60, 100, 60, 2, { { 0, 60, 60, 50 }, { 60, 100, 60, 60 } } },
    { 0, 70, 80, 70, 3, { { 0, 70, 60, 50 }, { 70, 80, 70, 70 }, { 80, 100, 80, 80 } } },
    { 0, 0, 100, 60, 1, { { 0, 100, 0, 0 } } },
    { 0, 0, 55, 100, 2, { { 0, 55, 0, 0 }, { 55, 100, 60, 55 } } },
    { 10, 5, 40, 100, 3, { { 0, 5, 5, 5 }, { 5, 40, 5, 5 }, { 40, 100, 60, 50 } } },
    { 10, 5, 80, 60, 3, { { 0, 5, 5, 5 }, { 5, 80, 5, 5 }, { 80, 100, 80, 80 } } },
    { 10, 0, 100, 60, 1, { { 0, 100, 0, 0 } } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const DrayPiece before[] = { { 0, 10, 10, 10 }, { 10, 100, 10, 10 } };
      g_autoptr (DrayPieceMap) map = NULL;
      DrayClaim claim, held, other;

      g_test_message ("range %u", i);
      map = cases[i].from == 0 ? dray_piece_map_new (100)
                               : dray_piece_map_new_from_pieces (100, before, 2, NULL);
      g_assert_true (dray_piece_map_claim (map, 0, &claim));
      dray_piece_map_advance (map, claim.id, 50 - cases[i].from);
      sync_all (map);
      dray_piece_map_advance (map, claim.id, 10);

      g_assert_true (dray_piece_map_invalidate (map, cases[i].start, cases[i].end, &held));
      g_assert_cmpint (held.start, ==, cases[i].start);
      g_assert_cmpint (held.end, ==, cases[i].end);
      assert_pieces (map, cases[i].pieces, cases[i].n_pieces);
      g_assert_cmpint (dray_piece_map_get_claim_end (map, claim.id), ==, cases[i].claim_end);
      g_assert_cmpint (dray_piece_map_get_front (map), ==, MIN (cases[i].start, 60));

      while (dray_piece_map_claim (map, 0, &other))
        g_assert_true (other.end <= held.start || other.start >= held.end);
      dray_piece_map_release (map, held.id);
      g_assert_true (dray_piece_map_claim (map, 0, &other));
      g_assert_cmpint (other.start, ==, held.start);
      g_assert_cmpint (other.end, ==, held.end);
    }
}

static void
test_invalidate_outside (void)
{
  g_autoptr (DrayPieceMap) map = dray_piece_map_new (100);
  DrayClaim held;

  g_assert_false (dray_piece_map_invalidate (map, -1, 10, &held));
  g_assert_false (dray_piece_map_invalidate (map, 10, 10, &held));
  g_assert_false (dray_piece_map_invalidate (map, 20, 10, &held));
  g_assert_false (dray_piece_map_invalidate (map, 90, 101, &held));
  assert_pieces (map, (DrayPiece[]){ { 0, 100, 0, 0 } }, 1);
}

static void
test_old_snapshot (void)
{
  g_autoptr (DrayPieceMap) map = dray_piece_map_new (100);
  g_autoptr (GArray) snapshot = NULL;
  guint epoch;
  DrayClaim claim, held;

  g_assert_true (dray_piece_map_claim (map, 50, &claim));
  dray_piece_map_advance (map, claim.id, 50);
  snapshot = dray_piece_map_snapshot (map, &epoch);
  g_assert_true (dray_piece_map_invalidate (map, 10, 20, &held));
  dray_piece_map_advance (map, held.id, 10);
  dray_piece_map_mark_synced (map, snapshot, epoch);
  assert_pieces (
      map,
      (DrayPiece[]){
          { 0, 10, 10, 0 }, { 10, 20, 20, 10 }, { 20, 50, 50, 20 }, { 50, 100, 50, 50 } },
      4);
}

static void
test_recorded_pieces (void)
{
  static const struct
  {
    gint64 total;
    gboolean good;
    guint n_pieces;
    DrayPiece pieces[3];
  } cases[] = {
    { 100, TRUE, 1, { { 0, 100, 30, 20 } } },
    { 100, TRUE, 2, { { 0, 50, 30, 20 }, { 50, 100, 100, 50 } } },
    { -1, TRUE, 2, { { 0, 50, 50, 50 }, { 50, DRAY_END_UNKNOWN, 60, 50 } } },
    { 100, FALSE, 0, { { 0, 0, 0, 0 } } },
    { -1, FALSE, 0, { { 0, 0, 0, 0 } } },
    { -2, FALSE, 0, { { 0, 0, 0, 0 } } },
    { 0, FALSE, 1, { { 0, 0, 0, 0 } } },
    { 100, FALSE, 1, { { 0, 99, 30, 20 } } },
    { 100, FALSE, 1, { { 0, 101, 30, 20 } } },
    { -1, FALSE, 1, { { 0, 101, 30, 20 } } },
    { -1, FALSE, 1, { { 0, DRAY_END_UNKNOWN, DRAY_END_UNKNOWN, 0 } } },
    { 100, FALSE, 1, { { 0, DRAY_END_UNKNOWN, 30, 20 } } },
    { 100, FALSE, 1, { { 10, 100, 30, 20 } } },
    { 100, FALSE, 1, { { -10, 100, 30, 20 } } },
    { 100, FALSE, 1, { { 0, 100, 30, 31 } } },
    { 100, FALSE, 1, { { 0, 100, 101, 20 } } },
    { 100, FALSE, 1, { { 0, 100, -1, -1 } } },
    { 100, FALSE, 2, { { 0, 50, 30, 20 }, { 51, 100, 51, 51 } } },
    { 100, FALSE, 2, { { 0, 50, 30, 20 }, { 49, 100, 51, 51 } } },
    { 100, FALSE, 2, { { 50, 100, 50, 50 }, { 0, 50, 0, 0 } } },
    { 100, FALSE, 2, { { 0, 50, 30, 20 }, { 50, 100, 51, 49 } } },
    { 100, FALSE, 3, { { 0, 50, 30, 20 }, { 50, 50, 50, 50 }, { 50, 100, 50, 50 } } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (DrayPieceMap) map = NULL;

      g_test_message ("record %u", i);
      map = dray_piece_map_new_from_pieces (cases[i].total, cases[i].pieces, cases[i].n_pieces,
                                            &error);
      if (cases[i].good)
        {
          g_assert_no_error (error);
          assert_pieces (map, cases[i].pieces, cases[i].n_pieces);
        }
      else
        {
          g_assert_null (map);
          g_assert_error (error, DRAY_ERROR, DRAY_ERROR_CATALOG_DAMAGED);
        }
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/piece-map/one-claim", test_one_claim);
  g_test_add_func ("/piece-map/theft", test_theft);
  g_test_add_func ("/piece-map/limits-and-joining", test_limits_and_joining);
  g_test_add_func ("/piece-map/size-learnt-late", test_size_learnt_late);
  g_test_add_func ("/piece-map/empty-file", test_empty_file);
  g_test_add_func ("/piece-map/invalidate", test_invalidate);
  g_test_add_func ("/piece-map/invalidate-outside", test_invalidate_outside);
  g_test_add_func ("/piece-map/old-snapshot", test_old_snapshot);
  g_test_add_func ("/piece-map/recorded-pieces", test_recorded_pieces);

  return g_test_run ();
}
