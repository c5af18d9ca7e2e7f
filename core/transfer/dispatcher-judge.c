/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Which lanes are given up: one that has collapsed, or the slowest where all have grown slow. */

#include "core/transfer/dispatcher-private.h"

/* A lane has collapsed if it has less than this part of what the others have, for so long. */
#define COLLAPSE 0.35
#define COLLAPSE_TIME ((gint64) 2 * G_USEC_PER_SEC)
#define COLLAPSE_ANSWERS 6

/* Or less than this, for this long. */
#define DEEP_COLLAPSE 0.05
#define DEEP_COLLAPSE_TIME ((gint64) 700 * 1000)

/* A lane that has collapsed would be as slow with its next piece. */
#define LONG_AFTER 2.0
#define LONG_AFTER_STARTS 4

/* All lanes together bring much less than they did. Perhaps the link does, or all connections are
 * old and slow: the slowest is exchanged, and others after it, soon if that helped and less and
 * less often if it did not. */
#define LOW 0.25
#define LOW_OF_MANY 0.85
#define MANY 4
#define RECENT (0.7 * G_USEC_PER_SEC)
#define LOW_TIME ((gint64) 3 * G_USEC_PER_SEC)
#define VERY_LOW 0.1
#define VERY_LOW_TIME ((gint64) 1500 * 1000)
#define LOW_ANSWERS 8
#define LOW_NEAR_END_TIME ((gint64) 20 * G_USEC_PER_SEC)
#define VERY_LOW_ANSWERS 4
#define BEST_FADES (3600.0 * G_USEC_PER_SEC)
#define EXCHANGE_HELPED 2.0
#define NEXT_EXCHANGE_GAP (G_USEC_PER_SEC / 4)
#define LONGEST_EXCHANGE_GAP ((gint64) 320 * G_USEC_PER_SEC)

/* A lane that is alone, as a server's limit may have it, and slow by any measure, may be no better
 * than another would be. */
#define SLOW_ALONE (128.0 * 1024)
#define SLOW_ALONE_TIME ((gint64) 5 * G_USEC_PER_SEC)

/* A lane is suspected sooner than it is given up: as soon as it has had the time to come to its
 * pace. */
static void
suspect (DrayDispatcher *self, DrayLane *lane)
{
  double others = 0;

  self->n_suspects -= lane->is_suspect;
  if (lane->state == DRAY_LANE_MOVING && !self->is_throttled && lane->goodput < self->usual
      && lane->is_grown)
    others = dray_dispatcher_find_good (self, lane);
  lane->is_suspect = lane->goodput < COLLAPSE * others;
  self->n_suspects += lane->is_suspect;
}

static void
judge_trial (DrayDispatcher *self, DrayLane *lane, gint64 now)
{
  if (lane->state != DRAY_LANE_MOVING || !lane->is_trial || !lane->is_timed)
    return;

  lane->is_trial = FALSE;
  if (lane->goodput > EXCHANGE_HELPED * self->exchanged)
    {
      self->exchange_gap = NEXT_EXCHANGE_GAP;
      self->exchange_at = now;
    }
}

/* Of many lanes one is soon exchanged; of few it is a good part. */
static gboolean
is_low (DrayDispatcher *self)
{
  gboolean has_many = dray_dispatcher_get_n_lanes (self) >= MANY;

  return self->recent < (has_many ? LOW_OF_MANY : LOW) * self->best;
}

static gboolean
is_slow_alone (DrayDispatcher *self)
{
  return self->recent < SLOW_ALONE;
}

/**
 * dray_dispatcher_judge_all:
 * @self: a dispatcher
 * @now: the time
 * @n_bytes: what came since the last time
 * @passed: how many microseconds that is
 *
 * Compares what all lanes bring together with what they once brought.
 */
void
dray_dispatcher_judge_all (DrayDispatcher *self, gint64 now, gint64 n_bytes, gint64 passed)
{
  double rate = (double) n_bytes * G_USEC_PER_SEC / (double) passed;

  for (guint i = 0; i < DRAY_CONNECTIONS_MAX; i++)
    {
      judge_trial (self, &self->lanes[i], now);
      suspect (self, &self->lanes[i]);
    }

  self->recent += (rate - self->recent) * MIN (1.0, (double) passed / RECENT);
  self->best *= 1 - MIN (1.0, (double) passed / BEST_FADES);
  self->best = MAX (self->best, self->recent);
  if (is_low (self) || is_slow_alone (self))
    {
      if (self->low_since == 0)
        self->low_since = now;
    }
  else if (self->low_since != 0)
    {
      self->low_since = 0;
      self->exchange_gap = DRAY_FIRST_EXCHANGE_GAP;
    }
}

/* How long a lane that brings less than the others is borne with. */
static gint64
patience_with (DrayDispatcher *self, gint64 time, double others)
{
  gint64 answers = COLLAPSE_ANSWERS * dray_dispatcher_get_answer_time (self);
  gint64 lumps = (gint64) (2 * DRAY_LUMP * G_USEC_PER_SEC / others);

  return MAX (time, MAX (answers, lumps));
}

/* Whether a new connection would have what @lane still has to fetch much sooner, or do better for
 * long enough after that. */
static gboolean
is_worth_moving (DrayDispatcher *self, const DrayLane *lane, double others)
{
  double start = dray_dispatcher_get_start_time (self, NULL);
  gint64 written, end;
  double rest;

  if (dray_dispatcher_get_seconds_left (self, NULL) > LONG_AFTER + LONG_AFTER_STARTS * start)
    return TRUE;

  if (!dray_piece_map_get_claim (self->map, lane->claim, &written, &end))
    return FALSE;

  rest = (double) (end - written);
  return rest * others > 2 * lane->goodput * (rest + others * start);
}

/**
 * dray_dispatcher_is_collapsed:
 * @self: a dispatcher
 * @lane: one of its lanes
 * @now: the time
 *
 * Returns: whether the lane brings so much less than the others that its bytes are better fetched
 *   by another connection
 */
gboolean
dray_dispatcher_is_collapsed (DrayDispatcher *self, const DrayLane *lane, gint64 now)
{
  double others;
  gint64 time;

  /* The usual is near enough to spare most lanes the comparison. */
  if (self->is_throttled || lane->state == DRAY_LANE_FREE
      || (lane->state == DRAY_LANE_MOVING && lane->goodput > self->usual))
    return FALSE;

  others = dray_dispatcher_find_good (self, lane);
  if (others <= 0)
    return FALSE;
  if (lane->state == DRAY_LANE_ASKING)
    return now - lane->asked_at > patience_with (self, COLLAPSE_TIME, others);
  if (lane->goodput >= COLLAPSE * others)
    return FALSE;

  time = lane->goodput < DEEP_COLLAPSE * others ? DEEP_COLLAPSE_TIME : COLLAPSE_TIME;
  return now - lane->moving_at >= patience_with (self, time, others)
         && is_worth_moving (self, lane, others);
}

/* The only lane is left alone where it was asked for as the only one, or has little left to fetch:
 * a new connection would cost a server more than it could save, unless the lane trickles on for
 * longer than a silent one is waited for. */
static gboolean
may_exchange (DrayDispatcher *self, gint64 now)
{
  if (dray_dispatcher_get_n_lanes (self) > 1)
    return TRUE;

  return !self->governor.is_fixed
         && (dray_dispatcher_get_left (self) >= DRAY_WORTH_SHARING
             || now - self->low_since > LOW_NEAR_END_TIME);
}

static gint64
patience_when_low (DrayDispatcher *self)
{
  gint64 answer_time = dray_dispatcher_get_answer_time (self);

  if (self->recent < VERY_LOW * self->best)
    return MAX (VERY_LOW_TIME, VERY_LOW_ANSWERS * answer_time);
  if (is_low (self))
    return MAX (LOW_TIME, LOW_ANSWERS * answer_time);

  return MAX (SLOW_ALONE_TIME, LOW_ANSWERS * answer_time);
}

/**
 * dray_dispatcher_is_exchanged:
 * @self: a dispatcher
 * @lane: one of its lanes
 * @now: the time
 *
 * Notes that the lane is given up, if it is.
 *
 * Returns: whether the lane should be given up for a new connection, because all lanes bring much
 *   less than they once did, and this one the least
 */
gboolean
dray_dispatcher_is_exchanged (DrayDispatcher *self, DrayLane *lane, gint64 now)
{
  gint64 patience = patience_when_low (self);

  if (self->is_throttled || self->low_since == 0 || now - self->low_since < patience
      || !may_exchange (self, now)
      || now < self->exchange_at || self->governor.phase != DRAY_GOVERNOR_RESTING || !lane->is_timed
      || lane->state != DRAY_LANE_MOVING)
    return FALSE;

  for (guint i = 0; i < DRAY_CONNECTIONS_MAX; i++)
    if (self->lanes[i].state == DRAY_LANE_MOVING && self->lanes[i].goodput < lane->goodput)
      return FALSE;

  self->exchanged = lane->goodput;
  self->has_exchanged = TRUE;
  self->exchange_at = now + self->exchange_gap;
  self->exchange_gap = MIN (LONGEST_EXCHANGE_GAP, self->exchange_gap * 2);
  return TRUE;
}

/**
 * dray_dispatcher_is_excess:
 * @self: a dispatcher
 * @lane: one of its lanes
 *
 * Returns: whether the lane should be given up because there are too many, and it has brought the
 *   least
 */
gboolean
dray_dispatcher_is_excess (DrayDispatcher *self, const DrayLane *lane)
{
  guint n_lanes = 0;

  if (!self->governor.has_harmed || lane->state == DRAY_LANE_FREE)
    return FALSE;

  for (guint i = 0; i < DRAY_CONNECTIONS_MAX; i++)
    {
      const DrayLane *other = &self->lanes[i];

      if (other->state == DRAY_LANE_FREE || other->is_stopping)
        continue;
      if (other->n_fetched < lane->n_fetched)
        return FALSE;
      n_lanes++;
    }

  return n_lanes > dray_governor_get_n_wanted (&self->governor);
}
