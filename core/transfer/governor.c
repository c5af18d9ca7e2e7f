/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/transfer/governor.h"

/* Twice the lanes must bring this much more, or they are not worth a server's while. */
#define GAIN_THAT_PAYS 1.1

/* Below this part of what it was, the rate says that something has changed. */
#define FALL_THAT_MATTERS 0.7

#define SHORTEST_WINDOW ((gint64) 100 * 1000)
#define RESTING_WINDOW G_USEC_PER_SEC
#define FIRST_PROBE_GAP ((gint64) 10 * G_USEC_PER_SEC)
#define LONGEST_PROBE_GAP ((gint64) 160 * G_USEC_PER_SEC)
#define FIRST_CEILING_TIME ((gint64) 30 * G_USEC_PER_SEC)
#define LONGEST_CEILING_TIME ((gint64) 600 * G_USEC_PER_SEC)

/**
 * dray_governor_init:
 * @self: a governor
 * @n_fixed: how many lanes to have; 0 to follow goodput
 * @limit: the most lanes, at least 1
 */
void
dray_governor_init (DrayGovernor *self, guint n_fixed, guint limit)
{
  *self = (DrayGovernor){
    .phase = DRAY_GOVERNOR_OPENING,
    .is_fixed = n_fixed > 0,
    .n_wanted = MAX (1, n_fixed),
    .limit = limit,
    .ceiling = G_MAXUINT,
    .ceiling_time = FIRST_CEILING_TIME,
    .probe_gap = FIRST_PROBE_GAP,
  };
}

static guint
most (const DrayGovernor *self)
{
  return MIN (self->limit, self->ceiling);
}

/**
 * dray_governor_set_limit:
 * @self: a governor
 * @limit: the most lanes, at least 1
 */
void
dray_governor_set_limit (DrayGovernor *self, guint limit)
{
  g_return_if_fail (limit > 0);

  self->limit = limit;
}

static void
mark (DrayGovernor *self, const DrayGovernorSample *sample)
{
  self->mark_time = sample->now;
  self->mark_bytes = sample->n_bytes;
}

static void
enter (DrayGovernor *self, DrayGovernorPhase phase, const DrayGovernorSample *sample)
{
  self->phase = phase;
  self->phase_began = sample->now;
  mark (self, sample);
}

static void
rest (DrayGovernor *self, const DrayGovernorSample *sample)
{
  self->n_wanted = self->n_proved;
  self->probe_at = sample->now + self->probe_gap;
  self->probe_gap = MIN (LONGEST_PROBE_GAP, self->probe_gap * 2);
  enter (self, DRAY_GOVERNOR_RESTING, sample);
}

static void
raise_or_rest (DrayGovernor *self, const DrayGovernorSample *sample)
{
  if (self->n_proved >= most (self))
    {
      rest (self, sample);
      return;
    }

  self->n_wanted = MIN (self->n_proved * 2, most (self));
  enter (self, DRAY_GOVERNOR_OPENING, sample);
}

static double
measure (const DrayGovernor *self, const DrayGovernorSample *sample)
{
  return (double) (sample->n_bytes - self->mark_bytes) * G_USEC_PER_SEC
         / (double) (sample->now - self->mark_time);
}

static void
decide (DrayGovernor *self, const DrayGovernorSample *sample)
{
  double rate = measure (self, sample);

  if (self->n_wanted > self->n_proved && rate < self->rate * GAIN_THAT_PAYS)
    {
      rest (self, sample);
      return;
    }

  if (self->n_wanted > self->n_proved)
    self->probe_gap = FIRST_PROBE_GAP;
  self->rate = rate;
  self->n_proved = self->n_wanted;
  raise_or_rest (self, sample);
}

/* The rate follows what the lanes bring while nothing is tried, so that a probe is compared with the
 * last second and not with another time of day. */
static void
watch (DrayGovernor *self, const DrayGovernorSample *sample)
{
  double rate;

  if (sample->now - self->mark_time < MAX (RESTING_WINDOW, 2 * sample->answer_time))
    return;

  rate = measure (self, sample);
  mark (self, sample);
  if (sample->now >= self->probe_at || rate < self->rate * FALL_THAT_MATTERS)
    {
      self->rate = rate;
      raise_or_rest (self, sample);
    }
  else
    self->rate = rate;
}

/**
 * dray_governor_sample:
 * @self: a governor
 * @sample: what is seen of the transfer
 *
 * Brings the governor up to date, some twenty times a second.
 */
void
dray_governor_sample (DrayGovernor *self, const DrayGovernorSample *sample)
{
  gint64 patience = 4 * sample->answer_time + G_USEC_PER_SEC / 2;

  if (sample->now >= self->ceiling_until)
    self->ceiling = G_MAXUINT;
  if (self->is_fixed)
    return;

  if (self->n_wanted > most (self))
    {
      self->n_proved = MIN (self->n_proved, most (self));
      rest (self, sample);
    }

  switch (self->phase)
    {
    case DRAY_GOVERNOR_OPENING:
      if (sample->n_moving >= self->n_wanted
          || (sample->n_moving > 0 && sample->now - self->phase_began >= patience))
        enter (self, DRAY_GOVERNOR_MEASURING, sample);
      break;

    case DRAY_GOVERNOR_MEASURING:
      if (sample->now - self->phase_began >= MAX (SHORTEST_WINDOW, 2 * sample->answer_time))
        decide (self, sample);
      break;

    case DRAY_GOVERNOR_RESTING:
      watch (self, sample);
      break;

    default:
      g_assert_not_reached ();
    }
}

/**
 * dray_governor_refused:
 * @self: a governor
 * @now: the time
 * @n_running: how many lanes the server has let in
 *
 * Notes that the server objects to one lane more than these. For a while there will be no more of
 * them, for longer each time.
 */
void
dray_governor_refused (DrayGovernor *self, gint64 now, guint n_running)
{
  self->ceiling = MAX (1, n_running);
  self->ceiling_until = now + self->ceiling_time;
  self->ceiling_time = MIN (LONGEST_CEILING_TIME, self->ceiling_time * 2);
}

/**
 * dray_governor_get_n_wanted:
 * @self: a governor
 *
 * Returns: how many lanes there should be, at least 1
 */
guint
dray_governor_get_n_wanted (const DrayGovernor *self)
{
  return MAX (1, MIN (self->n_wanted, most (self)));
}
