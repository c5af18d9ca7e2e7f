/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What is measured of the lanes: goodput, how long an answer takes, what a start costs. */

#include "core/transfer/dispatcher-private.h"

#include <math.h>
#include <stdlib.h>

/* A lane's goodput is that of about this long, less where it is younger; longer where bytes come in
 * lumps, as they do under a rate limit. */
#define MEMORY ((double) G_USEC_PER_SEC)

/* Where the last part of that was much worse, it is believed. */
#define SHORT_MEMORY 0.25
#define DOUBT 1.5

/* A connection that grows from a slow start is not judged sooner than this. */
#define YOUTH ((gint64) 200 * 1000)
#define YOUTH_ANSWERS 3
#define GROWING 1.3
#define LONGEST_YOUTH 4

/* How much more all lanes may bring than they ever did. */
#define GROWTH 1.25

/* From here on the link may be full: what all lanes bring, of the most that they ever did. */
#define FULL 0.9

/* How long the most of one lane is remembered. */
#define MOST_FADES (60.0 * G_USEC_PER_SEC)

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

/* Whether the lane has moved for long enough to have come to its pace. */
static gboolean
is_grown (DrayDispatcher *self, const DrayLane *lane, gint64 now)
{
  gint64 youth = MAX (YOUTH, YOUTH_ANSWERS * dray_dispatcher_get_answer_time (self));
  gint64 age = now - lane->moving_at;
  gboolean is_growing = lane->latest > GROWING * lane->average && age < LONGEST_YOUTH * youth;

  return age >= youth && !is_growing;
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

static void
note_start (DrayDispatcher *self, gboolean was_kept, double cost)
{
  double *known = &self->start_time[was_kept ? 1 : 0];

  *known = *known < 0 ? cost : *known + (cost - *known) / 4;
}

/* By now the lane has come to its pace: what it lacks, at this pace, its start has cost. */
static void
time_start (DrayDispatcher *self, DrayLane *lane, gint64 now)
{
  double took = (double) (now - lane->asked_at) / G_USEC_PER_SEC;

  note_start (self, lane->is_kept, MAX (0.0, took - (double) lane->n_fetched / lane->goodput));
  lane->is_timed = TRUE;
}

/* A connection that was slow from its start has cost all its time. */
static void
time_failure (DrayDispatcher *self, const DrayLane *lane, gint64 now)
{
  double took = (double) (now - lane->asked_at) / G_USEC_PER_SEC;
  double cost = self->usual > 0 ? took - (double) lane->n_fetched / self->usual : 0;

  if (cost > took / 2)
    note_start (self, FALSE, cost);
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
  double guess = lane->known_goodput > 0 ? lane->known_goodput : self->usual;

  if (lane->is_grown)
    return lane->goodput;

  return lane->state == DRAY_LANE_MOVING ? MAX (lane->latest, guess) : guess;
}

/**
 * dray_dispatcher_expect_later:
 * @self: a dispatcher
 * @lane: one of its lanes
 *
 * Lanes that share a full link speed up when others end, up to what one of them has brought before.
 *
 * Returns: the goodput to expect of it when others have ended, in bytes per second
 */
double
dray_dispatcher_expect_later (DrayDispatcher *self, const DrayLane *lane)
{
  double rate = dray_dispatcher_expect (self, lane);

  if (lane->is_suspect)
    return MIN (rate, lane->latest);
  if (self->recent < FULL * self->best)
    return rate;

  return MAX (rate, MIN (self->usual_most, self->recent / 2));
}

/**
 * dray_dispatcher_get_delay:
 * @self: a dispatcher
 * @lane: one of its lanes
 *
 * Returns: how many seconds it will be until the lane brings what is expected of it
 */
double
dray_dispatcher_get_delay (DrayDispatcher *self, const DrayLane *lane)
{
  double start = dray_dispatcher_get_start_time (self, lane);

  if (lane->state == DRAY_LANE_FREE)
    return start;
  if (lane->is_timed || dray_dispatcher_expect (self, lane) <= lane->goodput)
    return 0;

  return MAX (0.0, start - (double) (self->sampled_at - lane->asked_at) / G_USEC_PER_SEC);
}

/**
 * dray_dispatcher_get_most:
 * @self: a dispatcher
 *
 * Lanes that share a link bring less each when there are more of them.
 *
 * Returns: the most that all lanes together can be expected to bring, in bytes per second
 */
double
dray_dispatcher_get_most (DrayDispatcher *self)
{
  double sum = 0;

  for (guint i = 0; i < DRAY_CONNECTIONS_MAX; i++)
    if (self->lanes[i].state == DRAY_LANE_MOVING)
      sum += self->lanes[i].goodput;

  return MAX (sum, GROWTH * self->best);
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
  double most = dray_dispatcher_get_most (self);
  double again = MAX (0.0, self->start_time[1]);
  double seconds = INFINITY;

  /* Who starts too late to take part is left out, one after another. Who ends before the end starts
   * again. */
  for (guint round = 0; round < DRAY_CONNECTIONS_MAX; round++)
    {
      double bytes = left;
      double rates = 0;
      double next;

      for (guint i = 0; i < DRAY_CONNECTIONS_MAX; i++)
        {
          const DrayLane *lane = &self->lanes[i];
          double rate = dray_dispatcher_expect (self, lane);
          double delay = dray_dispatcher_get_delay (self, lane);

          if ((lane->state == DRAY_LANE_FREE && lane != more) || lane->is_stopping
              || delay >= seconds)
            continue;
          if (lane->state == DRAY_LANE_MOVING && (double) lane->left < rate * seconds)
            delay += again;
          rates += rate;
          bytes += rate * delay;
        }
      next = rates > 0 ? MAX (bytes / rates, left / most) : INFINITY;
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

/**
 * dray_dispatcher_find_good:
 * @self: a dispatcher
 * @except: (nullable): a lane that does not count
 *
 * Returns: what a good lane brings, one third being better, in bytes per second; 0 if that is known
 *   of none
 */
double
dray_dispatcher_find_good (DrayDispatcher *self, const DrayLane *except)
{
  double rates[DRAY_CONNECTIONS_MAX];
  guint n = 0;

  for (guint i = 0; i < DRAY_CONNECTIONS_MAX; i++)
    {
      const DrayLane *lane = &self->lanes[i];

      if (lane == except)
        continue;
      if (lane->is_grown)
        rates[n++] = lane->goodput;
      else if (lane->is_kept && lane->known_goodput > 0)
        rates[n++] = lane->known_goodput; /* of an earlier fetch, on the same connection */
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

/* How much the last @passed microseconds say of a lane of such an age. */
static double
weigh (gint64 passed, gint64 age, double memory)
{
  return MIN (1.0, (double) passed / MIN (memory, (double) age));
}

static void
sample_lane (DrayDispatcher *self, DrayLane *lane, gint64 now)
{
  gint64 passed = now - self->sampled_at;
  gint64 age = now - lane->moving_at;
  double memory = memory_of (self);
  gint64 written, end, n;
  double rate;

  if (!dray_piece_map_get_claim (self->map, lane->claim, &written, &end))
    return;

  n = MAX (0, written - lane->seen);
  lane->seen = written;
  lane->left = end - written;
  lane->n_fetched += n;
  self->n_fetched += n;
  passed = MIN (passed, age);
  if (passed <= 0)
    return;

  rate = (double) n * G_USEC_PER_SEC / (double) passed;
  lane->average += (rate - lane->average) * weigh (passed, age, memory);
  lane->latest += (rate - lane->latest) * weigh (passed, age, memory * SHORT_MEMORY);
  lane->goodput = MIN (lane->average, DOUBT * lane->latest);
  lane->is_grown = is_grown (self, lane, now);
  if (lane->is_grown && !lane->is_timed && lane->goodput > 0 && age >= timing_age (self))
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

static void
find_most (DrayDispatcher *self, gint64 passed)
{
  self->usual_most *= 1 - MIN (1.0, (double) passed / MOST_FADES);
  for (guint i = 0; i < DRAY_CONNECTIONS_MAX; i++)
    if (self->lanes[i].is_grown)
      self->usual_most = MAX (self->usual_most, self->lanes[i].goodput);
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

  find_most (self, passed);
  good = dray_dispatcher_find_good (self, NULL);
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
    {
      lane->known_goodput = 0;
      time_failure (self, lane, now);
    }
  else if (lane->is_grown)
    lane->known_goodput = lane->goodput;
  else if (lane->n_fetched >= DRAY_LUMP)
    lane->known_goodput = MAX (lane->known_goodput, lane->latest);
}
