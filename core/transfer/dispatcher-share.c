/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Which bytes a free lane gets: a gap that nobody owns, else a part of what another lane has. */

#include "core/transfer/dispatcher-private.h"

#include <math.h>

#define KIB ((gint64) 1024)
#define MIB (1024 * KIB)

/* A piece takes a lane this many seconds, or so many times what its start costs where that is much:
 * for the largest piece as well. */
#define PIECE_SECONDS 4.0
#define PIECE_STARTS 30
#define SMALLEST_PIECE MIB
#define LARGEST_PIECE (64 * MIB)

/* A lane that still grows when it comes to the end of its piece never shows what it can bring. */
#define LEAST_TO_GROW (8 * MIB)

/* While nothing is known of a lane, it keeps the largest piece, or with slow answers so many times
 * more per second of them: to ask again would cost it dear. */
#define MORE_FOR_SLOW_ANSWERS 8.0
#define MOST_FOR_SLOW_ANSWERS (256 * MIB)

/* A lane brings at most this many times its share of what all bring. */
#define SHARE 2.0

/* Towards the end they are not smaller than this, nor take less than so many starts. */
#define LEAST_BEFORE_END (4 * MIB)
#define STARTS_BEFORE_END 20

/* What a theft must gain: this much time, with this many bytes or with more time. */
#define THEFT_SECONDS 0.1
#define THEFT_BYTES MIB
#define THEFT_LONG_SECONDS 0.4
#define THEFT_SMALLEST (4 * KIB)

/* The first response keeps this much when it is first shared. */
#define HEADROOM_SECONDS 2.0

/* Pieces become smaller towards the end of the file. Those that were begun last end last, and what
 * is behind the first of them can be hashed only when that is whole: it is waited for. */
static gint64
largest_before_end (DrayDispatcher *self, double rate, double start)
{
  gint64 n_lanes = dray_dispatcher_get_n_lanes (self) + 1;
  gint64 least = MAX (LEAST_BEFORE_END, (gint64) (rate * start * STARTS_BEFORE_END));

  return MAX (least, dray_dispatcher_get_left (self) / (2 * n_lanes));
}

static gint64
get_smallest (DrayDispatcher *self, double seconds)
{
  gint64 share = dray_dispatcher_get_left (self) / (2 * (dray_dispatcher_get_n_lanes (self) + 1));

  if (self->usual_most > 0)
    share = MIN (share, (gint64) (seconds * self->usual_most));

  return CLAMP (share, SMALLEST_PIECE, LEAST_TO_GROW);
}

static gint64
largest_unknown (DrayDispatcher *self)
{
  double answer = (double) dray_dispatcher_get_answer_time (self) / G_USEC_PER_SEC;

  return MIN (MOST_FOR_SLOW_ANSWERS,
              (gint64) (LARGEST_PIECE * (1 + MORE_FOR_SLOW_ANSWERS * answer)));
}

static gint64
piece_size (DrayDispatcher *self, const DrayLane *lane)
{
  double start = dray_dispatcher_get_start_time (self, lane);
  double seconds = MAX (PIECE_SECONDS, PIECE_STARTS * start);
  double share = SHARE * dray_dispatcher_get_most (self)
                 / (dray_dispatcher_get_n_lanes (self) + (lane->state == DRAY_LANE_FREE));
  double rate = MIN (dray_dispatcher_expect (self, lane), share);
  double left_seconds;
  gint64 size;

  if (rate <= 0)
    return SMALLEST_PIECE;

  size = CLAMP ((gint64) (rate * seconds), get_smallest (self, seconds),
                MAX (LARGEST_PIECE, (gint64) (rate * start * PIECE_STARTS)));
  left_seconds = dray_dispatcher_get_seconds_left (self, lane);
  if (left_seconds < 2 * (double) size / rate)
    {
      double n_rounds = MAX (1.0, ceil (left_seconds * rate / (double) size));
      double round = left_seconds / n_rounds;

      size = MAX (get_smallest (self, seconds), (gint64) (rate * MAX (start, round - start)));
    }

  return MIN (size, largest_before_end (self, rate, start));
}

static gboolean
is_planned (const DrayLane *lane)
{
  return lane->state == DRAY_LANE_ASKING && lane->claim == DRAY_CLAIM_NONE;
}

/**
 * dray_dispatcher_claim_gap:
 * @self: a dispatcher
 * @lane: a free lane
 *
 * Gives the lane the first bytes that nobody owns, as many as it needs some seconds for.
 *
 * Returns: %FALSE if there are none
 */
gboolean
dray_dispatcher_claim_gap (DrayDispatcher *self, DrayLane *lane)
{
  gboolean is_alone = dray_dispatcher_get_n_lanes (self) == 0
                      && (!self->has_asked || !self->is_parallel
                          || dray_governor_get_n_wanted (&self->governor) == 1);
  DrayClaim claim;

  if (!dray_piece_map_claim (self->map, is_alone ? 0 : piece_size (self, lane), &claim))
    return FALSE;

  lane->claim = claim.id;
  lane->start = claim.start;
  lane->end = claim.end;
  return TRUE;
}

/* A lane that bytes may be taken from, and which of them. */
typedef struct
{
  const DrayLane *lane;
  gint64 written;
  gint64 end;       /* where the first plan on its bytes begins */
  gint64 plans_end; /* where the last one ends */
  gint64 claim_end;
  double seconds; /* until it comes to its end */
} Victim;

static gboolean
look_at_victim (DrayDispatcher *self, const DrayLane *lane, Victim *victim)
{
  double rate = dray_dispatcher_expect_later (self, lane);

  *victim = (Victim){ .lane = lane };
  if (lane->state == DRAY_LANE_FREE || lane->is_stopping || rate <= 0
      || !dray_piece_map_get_claim (self->map, lane->claim, &victim->written, &victim->claim_end))
    return FALSE;

  victim->end = victim->claim_end;
  victim->plans_end = victim->claim_end;
  for (guint i = 0; i < DRAY_CONNECTIONS_MAX; i++)
    {
      const DrayLane *thief = &self->lanes[i];

      if (!is_planned (thief) || thief->start < victim->written
          || thief->start >= victim->claim_end)
        continue;

      victim->plans_end =
          victim->end == victim->claim_end ? thief->end : MAX (victim->plans_end, thief->end);
      victim->end = MIN (victim->end, thief->start);
    }
  victim->seconds =
      (double) (victim->end - victim->written) / rate + dray_dispatcher_get_delay (self, lane);

  return victim->end > victim->written;
}

/* The bytes behind a plan are as good as nobody's: the plan's lane will leave them over. */
static gboolean
plan_behind (DrayLane *thief, const Victim *victim, gint64 size)
{
  if (victim->plans_end >= victim->claim_end)
    return FALSE;

  thief->start = victim->plans_end;
  thief->end = MIN (victim->claim_end, victim->plans_end + size);
  return TRUE;
}

/* Cuts what the victim has so that both end together, or, where that is far away, leaves it a piece
 * of its own and takes the next one. */
static gboolean
plan_split (DrayDispatcher *self, DrayLane *thief, const Victim *victim)
{
  double victim_rate = dray_dispatcher_expect_later (self, victim->lane);
  double thief_rate = dray_dispatcher_expect (self, thief);
  gint64 rest = victim->end - victim->written;
  gboolean is_first = victim->lane->is_first && !self->has_shared;
  double headroom = HEADROOM_SECONDS * MIN (victim_rate, victim->lane->latest);
  gint64 kept = is_first ? (gint64) headroom : 0;
  gint64 size = piece_size (self, thief);
  gint64 own = victim->lane->is_timed ? MAX (kept, piece_size (self, victim->lane))
                                      : CLAMP (rest / 2, kept, MAX (kept, largest_unknown (self)));
  double gain = victim->seconds - dray_dispatcher_get_start_time (self, thief);
  gint64 taken = (gint64) (gain * victim_rate * thief_rate / (victim_rate + thief_rate));
  double saved;

  if (own + size < rest && taken > size)
    {
      thief->start = victim->written + own;
      thief->end = thief->start + size;
      return TRUE;
    }

  taken = MIN (taken, rest - MAX (kept, 1));
  saved = (double) taken / victim_rate;
  if (taken < THEFT_SMALLEST || saved < THEFT_SECONDS
      || (taken < THEFT_BYTES && saved < THEFT_LONG_SECONDS))
    return FALSE;

  thief->start = victim->end - taken;
  thief->end = victim->end;
  return TRUE;
}

/**
 * dray_dispatcher_plan_theft:
 * @self: a dispatcher
 * @thief: a free lane
 *
 * Looks for bytes of another lane that @thief would have sooner: of the lane that would end last.
 * Nothing is taken until the server has answered.
 *
 * Returns: %FALSE if no theft pays
 */
gboolean
dray_dispatcher_plan_theft (DrayDispatcher *self, DrayLane *thief)
{
  Victim last = { .seconds = -1 };

  for (guint i = 0; i < DRAY_CONNECTIONS_MAX; i++)
    {
      Victim victim;

      if (!look_at_victim (self, &self->lanes[i], &victim))
        continue;
      if (plan_behind (thief, &victim, piece_size (self, thief)))
        return TRUE;
      if (victim.seconds > last.seconds)
        last = victim;
    }

  return last.lane != NULL && dray_dispatcher_expect (self, thief) > 0
         && plan_split (self, thief, &last);
}

/**
 * dray_dispatcher_take_planned:
 * @self: a dispatcher
 * @thief: a lane whose bytes are planned
 *
 * Takes the planned bytes from whichever lane has them.
 *
 * Returns: %FALSE if their owner has come to the first of them
 */
gboolean
dray_dispatcher_take_planned (DrayDispatcher *self, DrayLane *thief)
{
  for (guint i = 0; i < DRAY_CONNECTIONS_MAX; i++)
    {
      const DrayLane *victim = &self->lanes[i];
      DrayClaim claim;

      if (victim->claim != DRAY_CLAIM_NONE && victim != thief
          && dray_piece_map_take (self->map, victim->claim, thief->start, thief->end, &claim))
        {
          thief->claim = claim.id;
          return TRUE;
        }
    }

  return FALSE;
}

/**
 * dray_dispatcher_claim_planned:
 * @self: a dispatcher
 *
 * Claims the planned bytes that are nobody's any more, because their owner has ended or was cut
 * before them: nobody else is to get them.
 */
void
dray_dispatcher_claim_planned (DrayDispatcher *self)
{
  for (guint i = 0; i < DRAY_CONNECTIONS_MAX; i++)
    {
      DrayLane *lane = &self->lanes[i];
      DrayClaim claim;

      if (is_planned (lane)
          && dray_piece_map_take (self->map, DRAY_CLAIM_NONE, lane->start, lane->end, &claim))
        lane->claim = claim.id;
    }
}
