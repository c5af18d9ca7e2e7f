/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What is measured of the lanes: goodput, the time an answer takes, collapses. */

#include "core/transfer/dispatcher-private.h"

#include <stdlib.h>

/* A lane's goodput is that of about this long, less where it is younger. */
#define MEMORY ((double) G_USEC_PER_SEC)

/* A connection that grows from a slow start is not judged sooner than this. */
#define YOUTH ((gint64) 200 * 1000)
#define YOUTH_ANSWERS 3

/* A collapsed lane is one with less than this part of what the others have, for some seconds. */
#define COLLAPSE 0.25
#define COLLAPSE_TIME ((gint64) 2 * G_USEC_PER_SEC)
#define COLLAPSE_ANSWERS 6

/* Until something is measured. */
#define ASSUMED_ANSWER_TIME ((gint64) 200 * 1000)

/**
 * dray_dispatcher_note_answer:
 * @self: a dispatcher
 * @lane: a lane that has just got an answer
 * @now: the time
 *
 * Learns how long an answer takes.
 */
void
dray_dispatcher_note_answer (DrayDispatcher *self, DrayLane *lane, gint64 now)
{
  gint64 took = MAX (0, now - lane->asked_at);

  self->answer_time = self->answer_time < 0 ? took : (3 * self->answer_time + took) / 4;
}

/**
 * dray_dispatcher_get_answer_time:
 * @self: a dispatcher
 *
 * Returns: the microseconds from asking to the answer
 */
gint64
dray_dispatcher_get_answer_time (DrayDispatcher *self)
{
  return self->answer_time < 0 ? ASSUMED_ANSWER_TIME : self->answer_time;
}

static gboolean
is_established (DrayDispatcher *self, const DrayLane *lane, gint64 now)
{
  gint64 youth = MAX (YOUTH, YOUTH_ANSWERS * dray_dispatcher_get_answer_time (self));

  return lane->state == DRAY_LANE_MOVING && now - lane->moving_at >= youth;
}

/**
 * dray_dispatcher_expect:
 * @self: a dispatcher
 * @lane: one of its lanes, free or not
 *
 * Returns: the goodput to expect of it, in bytes per second; 0 while nothing is known at all
 */
double
dray_dispatcher_expect (DrayDispatcher *self, const DrayLane *lane)
{
  if (is_established (self, lane, self->sampled_at))
    return lane->goodput;
  if (lane->known_goodput > 0)
    return lane->known_goodput;

  return self->usual > 0 ? self->usual : lane->goodput;
}

/**
 * dray_dispatcher_get_goodput:
 * @self: a dispatcher
 *
 * Returns: what all lanes that ask or move should bring, in bytes per second
 */
double
dray_dispatcher_get_goodput (DrayDispatcher *self)
{
  double sum = 0;

  for (guint i = 0; i < DRAY_CONNECTIONS_MAX; i++)
    {
      const DrayLane *lane = &self->lanes[i];

      if (lane->state != DRAY_LANE_FREE && !lane->is_stopping)
        sum += dray_dispatcher_expect (self, lane);
    }

  return sum;
}

static int
compare_rates (const void *a, const void *b)
{
  double difference = *(const double *) a - *(const double *) b;

  return (difference > 0) - (difference < 0);
}

/* The median goodput of the established lanes but @except; 0 without any. */
static double
find_median (DrayDispatcher *self, const DrayLane *except, gint64 now)
{
  double rates[DRAY_CONNECTIONS_MAX];
  guint n = 0;

  for (guint i = 0; i < DRAY_CONNECTIONS_MAX; i++)
    {
      const DrayLane *lane = &self->lanes[i];

      if (lane != except && is_established (self, lane, now))
        rates[n++] = lane->goodput;
    }
  qsort (rates, n, sizeof *rates, compare_rates);

  return n == 0 ? 0 : rates[n / 2];
}

static void
sample_lane (DrayDispatcher *self, DrayLane *lane, gint64 now)
{
  gint64 passed = now - self->sampled_at;
  gint64 age = now - lane->moving_at;
  gint64 written, end, n;

  if (!dray_piece_map_get_claim (self->map, lane->claim, &written, &end))
    return;

  n = MAX (0, written - lane->seen);
  lane->seen = written;
  self->n_fetched += n;
  passed = MIN (passed, age);
  if (passed <= 0)
    return;

  lane->goodput += ((double) n * G_USEC_PER_SEC / (double) passed - lane->goodput)
                   * MIN (1.0, (double) passed / MIN (MEMORY, (double) age));
}

/**
 * dray_dispatcher_sample:
 * @self: a dispatcher
 * @now: the time
 *
 * Looks at what the lanes have written since the last time.
 */
void
dray_dispatcher_sample (DrayDispatcher *self, gint64 now)
{
  double median;

  for (guint i = 0; i < DRAY_CONNECTIONS_MAX; i++)
    if (self->lanes[i].state == DRAY_LANE_MOVING)
      sample_lane (self, &self->lanes[i], now);
  self->sampled_at = now;

  median = find_median (self, NULL, now);
  if (median > 0)
    self->usual = median;
}

/**
 * dray_dispatcher_retire:
 * @self: a dispatcher
 * @lane: a lane that ends
 * @now: the time
 *
 * Takes a last sample of a lane, and keeps what it brought for its next fetch.
 */
void
dray_dispatcher_retire (DrayDispatcher *self, DrayLane *lane, gint64 now)
{
  gint64 written, end;

  if (lane->state != DRAY_LANE_MOVING)
    return;

  if (dray_piece_map_get_claim (self->map, lane->claim, &written, &end))
    self->n_fetched += MAX (0, written - lane->seen);
  if (lane->is_stopping)
    lane->known_goodput = 0;
  else if (is_established (self, lane, now))
    lane->known_goodput = lane->goodput;
}

/* Others move, and this one has waited many times longer than they did for an answer. */
static gboolean
is_ignored (DrayDispatcher *self, const DrayLane *lane, gint64 now)
{
  gint64 patience = MAX (COLLAPSE_TIME, COLLAPSE_ANSWERS * dray_dispatcher_get_answer_time (self));

  return lane->state == DRAY_LANE_ASKING && find_median (self, lane, now) > 0
         && now - lane->asked_at > patience;
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
  gint64 answer_time = dray_dispatcher_get_answer_time (self);
  double others, rest;
  gint64 written, end;

  if (is_ignored (self, lane, now))
    return TRUE;
  if (lane->state != DRAY_LANE_MOVING
      || now - lane->moving_at < MAX (COLLAPSE_TIME, COLLAPSE_ANSWERS * answer_time)
      || !dray_piece_map_get_claim (self->map, lane->claim, &written, &end))
    return FALSE;

  others = find_median (self, lane, now);
  rest = (double) (end - written);

  return lane->goodput < COLLAPSE * others
         && rest * others
                > 2 * lane->goodput * (rest + others * (double) answer_time / G_USEC_PER_SEC);
}
