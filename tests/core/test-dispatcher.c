/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Which lane is to ask for which bytes: single decisions, and random lives against an oracle. */

#include "core/transfer/dispatcher.h"

#define MIB ((gint64) 1024 * 1024)
#define TICK ((gint64) 50 * 1000)

/* A transfer of which the test plays the network: each lane writes so many bytes per tick. */
typedef struct
{
  DrayPieceMap *map;
  DrayDispatcher *dispatcher;
  gint64 now;
  DrayClaim claims[DRAY_CONNECTIONS_MAX];
} Play;

static Play *
play_new (gint64 total, guint n_fixed)
{
  Play *play = g_new0 (Play, 1);

  play->map = dray_piece_map_new (total);
  play->dispatcher = dray_dispatcher_new (play->map, n_fixed);
  play->now = G_USEC_PER_SEC;
  return play;
}

static void
play_free (Play *play)
{
  dray_dispatcher_free (play->dispatcher);
  dray_piece_map_free (play->map);
  g_free (play);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Play, play_free)

static void
admit (Play *play, guint lane)
{
  g_assert_true (dray_dispatcher_admit (play->dispatcher, lane, play->now, &play->claims[lane]));
}

/* Lets time pass in which each lane writes @rate bytes per second. */
static void
run (Play *play, gint64 microseconds, gint64 rate)
{
  for (gint64 until = play->now + microseconds; play->now < until;)
    {
      guint stopped;

      play->now += TICK;
      for (guint i = 0; i < DRAY_CONNECTIONS_MAX; i++)
        dray_piece_map_advance (play->map, play->claims[i].id, rate * TICK / G_USEC_PER_SEC);
      while (dray_dispatcher_tick (play->dispatcher, play->now, &stopped))
        ;
    }
}

/* A transfer whose first lane has moved for a second. */
static Play *
play_started (gint64 total, guint n_fixed, gint64 rate)
{
  Play *play = play_new (total, n_fixed);
  DrayAssignment assignment;

  g_assert_true (dray_dispatcher_assign (play->dispatcher, play->now, &assignment));
  g_assert_cmpuint (assignment.lane, ==, 0);
  g_assert_cmpint (assignment.start, ==, 0);
  g_assert_cmpint (assignment.end, ==, total);
  g_assert_cmpuint (assignment.claim_id, !=, DRAY_CLAIM_NONE);
  g_assert_false (dray_dispatcher_assign (play->dispatcher, play->now, &assignment));
  admit (play, 0);
  dray_dispatcher_set_parallel (play->dispatcher, TRUE);
  run (play, G_USEC_PER_SEC, rate);

  return play;
}

static void
test_one_lane_until_parallel (void)
{
  g_autoptr (Play) play = play_new (1000 * MIB, 8);
  DrayAssignment assignment;

  g_assert_true (dray_dispatcher_assign (play->dispatcher, play->now, &assignment));
  admit (play, 0);
  run (play, G_USEC_PER_SEC, 10 * MIB);
  g_assert_false (dray_dispatcher_assign (play->dispatcher, play->now, &assignment));
  dray_dispatcher_set_parallel (play->dispatcher, TRUE);
  g_assert_true (dray_dispatcher_assign (play->dispatcher, play->now, &assignment));
}

static void
test_small_rest_is_not_shared (void)
{
  g_autoptr (Play) play = play_started (41 * MIB, 8, 10 * MIB);
  DrayAssignment assignment;

  g_assert_false (dray_dispatcher_assign (play->dispatcher, play->now, &assignment));
}

static void
test_unknown_size_is_not_shared (void)
{
  g_autoptr (Play) play = play_new (DRAY_SIZE_UNKNOWN, 8);
  DrayAssignment assignment;

  g_assert_true (dray_dispatcher_assign (play->dispatcher, play->now, &assignment));
  g_assert_cmpint (assignment.end, ==, DRAY_END_UNKNOWN);
  admit (play, 0);
  dray_dispatcher_set_parallel (play->dispatcher, TRUE);
  run (play, G_USEC_PER_SEC, 10 * MIB);
  g_assert_false (dray_dispatcher_assign (play->dispatcher, play->now, &assignment));
}

static void
test_first_response_is_kept (void)
{
  g_autoptr (Play) play = play_started (1000 * MIB, 3, 10 * MIB);
  DrayAssignment second, third, none;
  gint64 end = 1000 * MIB;

  g_assert_true (dray_dispatcher_assign (play->dispatcher, play->now, &second));
  g_assert_cmpuint (second.claim_id, ==, DRAY_CLAIM_NONE);
  g_assert_cmpint (second.start, >=, 30 * MIB);
  g_assert_true (dray_dispatcher_assign (play->dispatcher, play->now, &third));
  g_assert_cmpuint (third.claim_id, ==, DRAY_CLAIM_NONE);
  g_assert_cmpint (third.start, ==, second.end);
  g_assert_false (dray_dispatcher_assign (play->dispatcher, play->now, &none));

  /* Both are refused: nothing has changed. */
  g_assert_cmpint (dray_piece_map_get_claim_end (play->map, play->claims[0].id), ==, end);
  dray_dispatcher_ended (play->dispatcher, second.lane, play->now, DRAY_LANE_REFUSED);
  dray_dispatcher_ended (play->dispatcher, third.lane, play->now, DRAY_LANE_REFUSED);
  g_assert_cmpint (dray_piece_map_get_claim_end (play->map, play->claims[0].id), ==, end);
  g_assert_false (dray_dispatcher_assign (play->dispatcher, play->now, &none));
}

/* The later thief is let in first: what the earlier one is after stays planned for it. */
static void
test_thieves_in_any_order (void)
{
  g_autoptr (Play) play = play_started (1000 * MIB, 4, 10 * MIB);
  DrayAssignment second, third, fourth;

  g_assert_true (dray_dispatcher_assign (play->dispatcher, play->now, &second));
  g_assert_true (dray_dispatcher_assign (play->dispatcher, play->now, &third));
  admit (play, third.lane);
  g_assert_cmpint (play->claims[third.lane].start, ==, third.start);
  g_assert_cmpint (play->claims[third.lane].end, ==, third.end);
  g_assert_cmpint (dray_piece_map_get_claim_end (play->map, play->claims[0].id), ==, third.start);

  g_assert_true (dray_dispatcher_assign (play->dispatcher, play->now, &fourth));
  g_assert_cmpint (fourth.start, ==, third.end);
  g_assert_cmpuint (fourth.claim_id, !=, DRAY_CLAIM_NONE);

  admit (play, second.lane);
  g_assert_cmpint (dray_piece_map_get_claim_end (play->map, play->claims[0].id), ==, second.start);
}

/* The victim breaks while the thief waits for its answer: the planned bytes are the thief's. */
static void
test_victim_breaks (void)
{
  g_autoptr (Play) play = play_started (1000 * MIB, 3, 10 * MIB);
  DrayAssignment second, third;

  g_assert_true (dray_dispatcher_assign (play->dispatcher, play->now, &second));
  dray_dispatcher_ended (play->dispatcher, 0, play->now, DRAY_LANE_BROKEN);
  g_assert_true (dray_dispatcher_assign (play->dispatcher, play->now, &third));
  g_assert_cmpint (third.start, ==, 10 * MIB);
  g_assert_cmpint (third.end, <=, second.start);
  admit (play, second.lane);
  g_assert_cmpint (play->claims[second.lane].start, ==, second.start);
  g_assert_cmpint (play->claims[second.lane].end, ==, second.end);
}

/* The victim was faster than expected and has the planned bytes already. */
static void
test_victim_was_faster (void)
{
  g_autoptr (Play) play = play_started (1000 * MIB, 2, 10 * MIB);
  DrayAssignment second;
  DrayClaim claim;

  g_assert_true (dray_dispatcher_assign (play->dispatcher, play->now, &second));
  dray_piece_map_advance (play->map, play->claims[0].id, second.start - 10 * MIB);
  g_assert_false (dray_dispatcher_admit (play->dispatcher, second.lane, play->now, &claim));
  dray_dispatcher_ended (play->dispatcher, second.lane, play->now, DRAY_LANE_STOPPED);
  g_assert_cmpint (dray_piece_map_get_claim_end (play->map, play->claims[0].id), ==, 1000 * MIB);
}

/* With nothing left that is nobody's, a free lane halves what the other has, so that both end
 * together. */
static void
test_last_bytes_are_shared (void)
{
  g_autoptr (Play) play = play_started (100 * MIB, 2, 10 * MIB);
  DrayAssignment next;
  gint64 written, end;

  g_assert_true (dray_dispatcher_assign (play->dispatcher, play->now, &next));
  admit (play, next.lane);
  run (play, G_USEC_PER_SEC, 10 * MIB);
  do
    {
      dray_piece_map_advance (play->map, play->claims[next.lane].id, 100 * MIB);
      dray_dispatcher_ended (play->dispatcher, next.lane, play->now, DRAY_LANE_FILLED);
      g_assert_true (dray_piece_map_get_claim (play->map, play->claims[0].id, &written, &end));
      g_assert_true (dray_dispatcher_assign (play->dispatcher, play->now, &next));
      admit (play, next.lane);
    }
  while (next.end != end);

  g_assert_cmpint (next.start, >, written);
  g_assert_cmpint (ABS (next.start - (written + end) / 2), <, 3 * MIB);
}

static void
test_broken_lane_waits (void)
{
  g_autoptr (Play) play = play_started (1000 * MIB, 2, 10 * MIB);
  DrayAssignment second, again;

  for (gint64 pause = 50 * 1000; pause < 16 * G_USEC_PER_SEC; pause *= 2)
    {
      g_assert_true (dray_dispatcher_assign (play->dispatcher, play->now, &second));
      dray_dispatcher_ended (play->dispatcher, second.lane, play->now, DRAY_LANE_BROKEN);
      g_assert_false (dray_dispatcher_assign (play->dispatcher, play->now + pause - 1, &again));
      play->now += pause;
    }
}

static void
test_only_lane_does_not_wait (void)
{
  g_autoptr (Play) play = play_started (1000 * MIB, 4, 10 * MIB);
  DrayAssignment again;

  dray_dispatcher_ended (play->dispatcher, 0, play->now, DRAY_LANE_BROKEN);
  g_assert_true (dray_dispatcher_assign (play->dispatcher, play->now, &again));
  g_assert_cmpint (again.start, ==, 10 * MIB);
}

static void
test_limit (void)
{
  g_autoptr (Play) play = play_started (1000 * MIB, 8, 10 * MIB);
  DrayAssignment assignment;

  dray_dispatcher_set_limit (play->dispatcher, 2);
  g_assert_true (dray_dispatcher_assign (play->dispatcher, play->now, &assignment));
  g_assert_false (dray_dispatcher_assign (play->dispatcher, play->now, &assignment));
  g_assert_cmpuint (dray_dispatcher_get_n_lanes (play->dispatcher), ==, 2);
}

static void
test_collapsed_lane_is_stopped (void)
{
  g_autoptr (Play) play = play_started (1000 * MIB, 4, 10 * MIB);
  DrayAssignment assignment;
  guint stopped = G_MAXUINT;

  while (dray_dispatcher_assign (play->dispatcher, play->now, &assignment))
    admit (play, assignment.lane);
  g_assert_cmpuint (dray_dispatcher_get_n_lanes (play->dispatcher), ==, 4);

  for (guint i = 0; i < 80 && stopped == G_MAXUINT; i++)
    {
      play->now += TICK;
      for (guint lane = 0; lane < 4; lane++)
        dray_piece_map_advance (play->map, play->claims[lane].id, lane == 2 ? 2000 : MIB / 4);
      dray_dispatcher_tick (play->dispatcher, play->now, &stopped);
    }
  g_assert_cmpuint (stopped, ==, 2);
  g_assert_false (dray_dispatcher_tick (play->dispatcher, play->now, &stopped));

  dray_dispatcher_ended (play->dispatcher, 2, play->now, DRAY_LANE_STOPPED);
  g_assert_true (dray_dispatcher_assign (play->dispatcher, play->now, &assignment));
  g_assert_cmpint (assignment.start, ==,
                   play->claims[2].start + 2000 * (play->now - 2 * G_USEC_PER_SEC) / TICK);
}

/* Lives at random, with a record of who fetched what. */

typedef struct
{
  gint64 start;
  gint64 end;
} Run;

static int
compare_runs (gconstpointer a, gconstpointer b)
{
  const Run *left = a;
  const Run *right = b;

  return (left->start > right->start) - (left->start < right->start);
}

/* Each byte was fetched by one lane, once. */
static void
check_runs (GArray *runs, gint64 total)
{
  gint64 expected = 0;

  g_array_sort (runs, compare_runs);
  for (guint i = 0; i < runs->len; i++)
    {
      const Run *fetched = &g_array_index (runs, Run, i);

      g_assert_cmpint (fetched->start, ==, expected);
      expected = fetched->end;
    }
  g_assert_cmpint (expected, ==, total);
}

typedef struct
{
  gboolean is_asking;
  gboolean is_moving;
  gint64 asked_start;
  gint64 asked_end;
  guint claim_id;
  gint64 start;
  gint64 position;
  gint64 rate;
} RandomLane;

typedef struct
{
  Play *play;
  RandomLane lanes[DRAY_CONNECTIONS_MAX];
  GArray *runs; /* of Run */
} RandomLife;

static void
end_lane (RandomLife *life, guint i, DrayLaneEnd how)
{
  RandomLane *lane = &life->lanes[i];
  Run fetched = { lane->start, lane->position };

  g_assert_true (lane->is_asking || lane->is_moving);
  if (lane->is_moving && lane->position > lane->start)
    g_array_append_val (life->runs, fetched);
  *lane = (RandomLane){ 0 };
  dray_dispatcher_ended (life->play->dispatcher, i, life->play->now, how);
}

/* Or about to be, by a lane that has come to it. */
static gboolean
is_fetched (RandomLife *life, gint64 byte)
{
  for (guint i = 0; i < life->runs->len; i++)
    {
      const Run *fetched = &g_array_index (life->runs, Run, i);

      if (fetched->start <= byte && byte < fetched->end)
        return TRUE;
    }
  for (guint i = 0; i < DRAY_CONNECTIONS_MAX; i++)
    if (life->lanes[i].is_moving && life->lanes[i].start <= byte && byte <= life->lanes[i].position)
      return TRUE;

  return FALSE;
}

static void
open_lanes (RandomLife *life)
{
  DrayAssignment assignment;

  while (dray_dispatcher_assign (life->play->dispatcher, life->play->now, &assignment))
    {
      RandomLane *lane = &life->lanes[assignment.lane];

      g_assert_false (lane->is_asking || lane->is_moving);
      g_assert_cmpint (assignment.start, <, assignment.end);
      *lane = (RandomLane){
        .is_asking = TRUE,
        .asked_start = assignment.start,
        .asked_end = assignment.end,
        .claim_id = assignment.claim_id,
        .rate = g_test_rand_int_range (0, 4) == 0 ? 1000 : g_test_rand_int_range (1, 40) * MIB / 10,
      };
    }
}

static void
answer_lane (RandomLife *life, guint i)
{
  RandomLane *lane = &life->lanes[i];
  gint32 dice = g_test_rand_int_range (0, 100);
  DrayClaim claim;

  if (dice < 40)
    return;
  if (dice < 45)
    end_lane (life, i, g_test_rand_int_range (0, 2) ? DRAY_LANE_REFUSED : DRAY_LANE_BROKEN);
  else if (!dray_dispatcher_admit (life->play->dispatcher, i, life->play->now, &claim))
    {
      /* Too late is the only reason: no two lanes are ever after the same bytes. */
      g_assert_true (is_fetched (life, lane->asked_start));
      end_lane (life, i, DRAY_LANE_STOPPED);
    }
  else
    {
      g_assert_cmpint (claim.start, ==, lane->asked_start);
      g_assert_cmpint (claim.end, <=, lane->asked_end);
      lane->is_asking = FALSE;
      lane->is_moving = TRUE;
      lane->claim_id = claim.id;
      lane->start = lane->position = claim.start;
      dray_dispatcher_set_parallel (life->play->dispatcher, TRUE);
    }
}

static void
move_lane (RandomLife *life, guint i)
{
  RandomLane *lane = &life->lanes[i];
  gint64 end = dray_piece_map_get_claim_end (life->play->map, lane->claim_id);
  gint64 n = MIN (lane->rate, end - lane->position);

  lane->position += n;
  dray_piece_map_advance (life->play->map, lane->claim_id, n);
  if (lane->position >= end)
    end_lane (life, i, DRAY_LANE_FILLED);
  else if (g_test_rand_int_range (0, 100) == 0)
    end_lane (life, i, DRAY_LANE_BROKEN);
}

static void
live (gint64 total, guint n_fixed)
{
  g_autoptr (Play) play = play_new (total, n_fixed);
  g_autoptr (GArray) runs = g_array_new (FALSE, FALSE, sizeof (Run));
  RandomLife life = { .play = play, .runs = runs };
  guint n_ticks = 0;

  while (!dray_piece_map_is_complete (play->map))
    {
      guint stopped;

      g_assert_cmpuint (++n_ticks, <, 100000);
      play->now += TICK;
      open_lanes (&life);
      g_assert_cmpuint (dray_dispatcher_get_n_lanes (play->dispatcher), >=, 1);
      for (guint i = 0; i < DRAY_CONNECTIONS_MAX; i++)
        {
          if (life.lanes[i].is_asking)
            answer_lane (&life, i);
          else if (life.lanes[i].is_moving)
            move_lane (&life, i);
        }
      while (dray_dispatcher_tick (play->dispatcher, play->now, &stopped))
        end_lane (&life, stopped, DRAY_LANE_STOPPED);
    }

  for (guint i = 0; i < DRAY_CONNECTIONS_MAX; i++)
    if (life.lanes[i].is_asking || life.lanes[i].is_moving)
      end_lane (&life, i, DRAY_LANE_STOPPED);
  check_runs (runs, total);
}

static void
test_random_lives (void)
{
  for (guint i = 0; i < 500; i++)
    live (g_test_rand_int_range (1, 400) * MIB + g_test_rand_int_range (0, 4096),
          (guint) g_test_rand_int_range (0, DRAY_CONNECTIONS_MAX + 1));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/dispatcher/one-lane-until-parallel", test_one_lane_until_parallel);
  g_test_add_func ("/dispatcher/small-rest-is-not-shared", test_small_rest_is_not_shared);
  g_test_add_func ("/dispatcher/unknown-size-is-not-shared", test_unknown_size_is_not_shared);
  g_test_add_func ("/dispatcher/first-response-is-kept", test_first_response_is_kept);
  g_test_add_func ("/dispatcher/thieves-in-any-order", test_thieves_in_any_order);
  g_test_add_func ("/dispatcher/victim-breaks", test_victim_breaks);
  g_test_add_func ("/dispatcher/victim-was-faster", test_victim_was_faster);
  g_test_add_func ("/dispatcher/last-bytes-are-shared", test_last_bytes_are_shared);
  g_test_add_func ("/dispatcher/broken-lane-waits", test_broken_lane_waits);
  g_test_add_func ("/dispatcher/only-lane-does-not-wait", test_only_lane_does_not_wait);
  g_test_add_func ("/dispatcher/limit", test_limit);
  g_test_add_func ("/dispatcher/collapsed-lane-is-stopped", test_collapsed_lane_is_stopped);
  g_test_add_func ("/dispatcher/random-lives", test_random_lives);

  return g_test_run ();
}
