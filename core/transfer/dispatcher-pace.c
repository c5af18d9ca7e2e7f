/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What is measured of the lanes: goodput, how long an answer takes, what a start costs. */

#include "core/transfer/dispatcher-private.h"

#include <math.h>
#include <stdlib.h>

/* A lane's goodput is that of about this long, less where it is younger; longer where bytes come in
 * lumps, as they do under a rate limit. */
#define MEMORY ((double) G_USEC_PER_SEC)

/* A connection that grows from a slow start is not judged sooner than this. */
#define YOUTH ((gint64) 200 * 1000)
#define YOUTH_ANSWERS 3

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
 * dray_dispatcher_get_start_time:
 * @self: a dispatcher
 * @lane: (nullable): a free lane, or one that asks; %NULL for a new connection
 *
 * Returns: how many seconds of its later goodput the start of a fetch costs
 */
double
dray_dispatcher_get_start_time (DrayDispatcher *self, const DrayLane *lane)
{
  double known = self->start_time[lane != NULL && lane->is_kept ? 1 : 0];

  return known >= 0 ? known : (double) dray_dispatcher_get_answer_time (self) / G_USEC_PER_SEC;
}

/* By now the lane has come to its pace: what it lacks, at this pace, its start has cost. */
static void
time_start (DrayDispatcher *self, DrayLane *lane, gint64 now)
{
  double *known = &self->start_time[lane->is_kept ? 1 : 0];
  double took = (double) (now - lane->asked_at) / G_USEC_PER_SEC;
  double cost = MAX (0.0, took - (double) lane->n_fetched / lane->goodput);

  *known = *known < 0 ? cost : *known + (cost - *known) / 4;
  lane->is_timed = TRUE;
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

/* How many seconds it will be until a lane brings what is expected of it. */
static double
delay_of (DrayDispatcher *self, const DrayLane *lane)
{
  double start = dray_dispatcher_get_start_time (self, lane);

  if (lane->state == DRAY_LANE_FREE)
    return start;
  if (lane->is_timed || dray_dispatcher_expect (self, lane) <= lane->goodput)
    return 0;

  return MAX (0.0, start - (double) (self->sampled_at - lane->asked_at) / G_USEC_PER_SEC);
}

/**
 * dray_dispatcher_get_seconds_left:
 * @self: a dispatcher
 * @more: (nullable): a free lane that would take part, or %NULL
 *
 * Returns: how many seconds the transfer will last if nobody idles; infinite while nothing is known
 */
double
dray_dispatcher_get_seconds_left (DrayDispatcher *self, const DrayLane *more)
{
  double left = (double) dray_dispatcher_get_left (self);
  double seconds = INFINITY;

  /* Who starts too late to take part is left out, one after another. */
  for (guint round = 0; round < DRAY_CONNECTIONS_MAX; round++)
    {
      double bytes = left;
      double rates = 0;
      double next;

      for (guint i = 0; i < DRAY_CONNECTIONS_MAX; i++)
        {
          const DrayLane *lane = &self->lanes[i];
          double rate = dray_dispatcher_expect (self, lane);
          double delay = delay_of (self, lane);

          if ((lane->state == DRAY_LANE_FREE && lane != more) || lane->is_stopping
              || delay >= seconds)
            continue;
          rates += rate;
          bytes += rate * delay;
        }
      next = rates > 0 ? bytes / rates : INFINITY;
      if (next >= seconds)
        break;
      seconds = next;
    }

  return seconds;
}

static int
compare_rates (const void *a, const void *b)
{
  double difference = *(const double *) a - *(const double *) b;

  return (difference > 0) - (difference < 0);
}

/* Whether what the lane brings is known: from this fetch, or from one before on the same connection. */
static gboolean
is_known (DrayDispatcher *self, const DrayLane *lane, gint64 now)
{
  return is_established (self, lane, now) || (lane->is_kept && lane->known_goodput > 0);
}

/**
 * dray_dispatcher_find_good:
 * @self: a dispatcher
 * @except: (nullable): a lane that does not count
 * @now: the time
 *
 * Returns: what a good lane brings, one third being better, in bytes per second; 0 if that is known
 *   of none
 */
double
dray_dispatcher_find_good (DrayDispatcher *self, const DrayLane *except, gint64 now)
{
  double rates[DRAY_CONNECTIONS_MAX];
  guint n = 0;

  for (guint i = 0; i < DRAY_CONNECTIONS_MAX; i++)
    {
      const DrayLane *lane = &self->lanes[i];

      if (lane != except && is_known (self, lane, now))
        rates[n++] = is_established (self, lane, now) ? lane->goodput : lane->known_goodput;
    }
  qsort (rates, n, sizeof *rates, compare_rates);

  return n == 0 ? 0 : rates[n * 2 / 3];
}

static double
memory_of (DrayDispatcher *self)
{
  return self->usual > 0 ? MAX (MEMORY, DRAY_LUMP * G_USEC_PER_SEC / self->usual) : MEMORY;
}

static gint64
timing_age (DrayDispatcher *self)
{
  return MAX (G_USEC_PER_SEC, 3 * dray_dispatcher_get_answer_time (self));
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
  lane->n_fetched += n;
  self->n_fetched += n;
  passed = MIN (passed, age);
  if (passed <= 0)
    return;

  lane->goodput += ((double) n * G_USEC_PER_SEC / (double) passed - lane->goodput)
                   * MIN (1.0, (double) passed / MIN (memory_of (self), (double) age));
  if (!lane->is_timed && lane->goodput > 0 && age >= timing_age (self))
    time_start (self, lane, now);
}

/* While all lanes are young, the best of them says what to expect. */
static void
guess_usual (DrayDispatcher *self)
{
  for (guint i = 0; i < DRAY_CONNECTIONS_MAX; i++)
    if (self->lanes[i].state == DRAY_LANE_MOVING)
      self->usual = MAX (self->usual, self->lanes[i].goodput);
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
  gint64 passed = now - self->sampled_at;
  gint64 before = self->n_fetched;
  double good;

  for (guint i = 0; i < DRAY_CONNECTIONS_MAX; i++)
    if (self->lanes[i].state == DRAY_LANE_MOVING)
      sample_lane (self, &self->lanes[i], now);
  self->sampled_at = now;

  good = dray_dispatcher_find_good (self, NULL, now);
  if (good > 0)
    self->usual = good;
  else
    guess_usual (self);
  dray_dispatcher_judge_all (self, now, self->n_fetched - before, passed);
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
  else if (lane->n_fetched >= DRAY_LUMP)
    lane->known_goodput = MAX (lane->known_goodput, lane->goodput);
}
