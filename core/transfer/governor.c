/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/transfer/governor.h"

/* Twice the lanes must bring this much more, or they are not worth a server's while. While the ramp
 * is climbed a short look must do; later there is time for a better one. */
#define GAIN_AT_FIRST 1.1
#define GAIN_THAT_PAYS 1.05

#define MOST_GAIN 1.1

/* Half the lanes must bring this part of what all bring. */
#define LOSS_THAT_IS_NONE 0.97

/* Below this part of what it was, the rate says that something has changed. */
#define FALL_THAT_MATTERS 0.7

/* How much longer than its cost the start of a connection takes. */
#define SETTLING 1.25

#define SHORTEST_WINDOW ((gint64) 100 * 1000)
#define WATCHING_WINDOW (G_USEC_PER_SEC / 2)
#define TRIAL_WINDOW G_USEC_PER_SEC

#define FIRST_RAISE_GAP ((gint64) 5 * G_USEC_PER_SEC)
#define LONGEST_RAISE_GAP ((gint64) 160 * G_USEC_PER_SEC)
#define FIRST_LOWER_GAP ((gint64) 8 * G_USEC_PER_SEC)
#define LONGEST_LOWER_GAP ((gint64) 512 * G_USEC_PER_SEC)

/* Fewer lanes are tried only where the transfer lasts long enough to make up for a mistake. */
#define LONG_ENOUGH ((gint64) 60 * G_USEC_PER_SEC)
#define LONG_ENOUGH_ANSWERS 400

/* How long lanes may take to fill their claims before a trial with fewer is given up. */
#define LOWERING_PATIENCE ((gint64) 90 * G_USEC_PER_SEC)

#define FIRST_CEILING_TIME ((gint64) 30 * G_USEC_PER_SEC)
#define SAME_REFUSAL ((gint64) 5 * G_USEC_PER_SEC)
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
    .raise_gap = FIRST_RAISE_GAP,
    .lower_gap = FIRST_LOWER_GAP,
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
  enter (self, DRAY_GOVERNOR_RESTING, sample);
}

static void
plan_trials (DrayGovernor *self, const DrayGovernorSample *sample)
{
  self->raise_at = sample->now + self->raise_gap;
  self->lower_at = sample->now + self->lower_gap;
}

static void
try_with (DrayGovernor *self, const DrayGovernorSample *sample, guint n)
{
  self->n_wanted = n;
  self->has_doubted = FALSE;
  enter (self, DRAY_GOVERNOR_OPENING, sample);
}

static void
raise_or_rest (DrayGovernor *self, const DrayGovernorSample *sample)
{
  if (self->n_proved < most (self))
    try_with (self, sample, MIN (self->n_proved * 2, most (self)));
  else
    rest (self, sample);
}

static double
measure (const DrayGovernor *self, const DrayGovernorSample *sample)
{
  return (double) (sample->n_bytes - self->mark_bytes) * G_USEC_PER_SEC
         / (double) (sample->now - self->mark_time);
}

static void
decide_more (DrayGovernor *self, const DrayGovernorSample *sample, double rate)
{
  /* More than they can have brought: a burst, or the link has changed. Look again. */
  if (self->has_rested && !self->has_doubted
      && rate > self->rate * MOST_GAIN * self->n_wanted / self->n_proved)
    {
      self->has_doubted = TRUE;
      mark (self, sample);
      return;
    }

  if (rate < self->rate * (self->has_rested ? GAIN_THAT_PAYS : GAIN_AT_FIRST))
    {
      self->raise_gap = MIN (LONGEST_RAISE_GAP, self->raise_gap * 2);
      self->raise_at = sample->now + self->raise_gap;
      rest (self, sample);
      return;
    }

  self->rate = rate;
  self->n_proved = self->n_wanted;
  self->raise_gap = FIRST_RAISE_GAP;
  self->lower_gap = FIRST_LOWER_GAP;
  plan_trials (self, sample);
  raise_or_rest (self, sample);
}

static void
decide_fewer (DrayGovernor *self, const DrayGovernorSample *sample, double rate)
{
  if (rate < self->rate * LOSS_THAT_IS_NONE)
    {
      self->lower_gap = MIN (LONGEST_LOWER_GAP, self->lower_gap * 4);
      plan_trials (self, sample);
      rest (self, sample);
      return;
    }

  plan_trials (self, sample);
  self->rate = rate;
  self->n_proved = self->n_wanted;
  if (self->n_proved > 1)
    try_with (self, sample, self->n_proved / 2);
  else
    rest (self, sample);
}

static void
decide (DrayGovernor *self, const DrayGovernorSample *sample)
{
  double rate = measure (self, sample);

  if (self->n_wanted > self->n_proved && self->n_proved > 0)
    decide_more (self, sample, rate);
  else if (self->n_wanted < self->n_proved)
    decide_fewer (self, sample, rate);
  else
    {
      self->rate = rate;
      self->n_proved = self->n_wanted;
      raise_or_rest (self, sample);
    }
}

/* The rate follows what the lanes bring while nothing is tried, so that a trial is compared with the
 * last moments and not with another time of day. */
static void
watch (DrayGovernor *self, const DrayGovernorSample *sample)
{
  gboolean has_fallen;

  if (sample->now - self->mark_time < MAX (WATCHING_WINDOW, 2 * sample->answer_time))
    return;

  has_fallen = measure (self, sample) < self->rate * FALL_THAT_MATTERS;
  if (sample->n_lanes > self->n_proved)
    {
      /* Lanes that did not pay still fill their claims. If even so less comes than before, they are
       * where the next ramp begins. */
      if (!has_fallen)
        {
          mark (self, sample);
          return;
        }
      self->n_proved = MIN (sample->n_lanes, most (self));
    }

  self->has_rested = !has_fallen;
  self->rate = measure (self, sample);
  mark (self, sample);
  if (self->n_proved < most (self) && (sample->now >= self->raise_at || has_fallen))
    raise_or_rest (self, sample);
  else if (sample->now >= self->lower_at && self->n_proved > 1
           && sample->time_left > MAX (LONG_ENOUGH, LONG_ENOUGH_ANSWERS * sample->answer_time))
    try_with (self, sample, self->n_proved / 2);
}

static void
await (DrayGovernor *self, const DrayGovernorSample *sample)
{
  gint64 passed = sample->now - self->phase_began;

  if (self->n_wanted < self->n_proved)
    {
      if (sample->n_lanes <= self->n_wanted)
        enter (self, DRAY_GOVERNOR_MEASURING, sample);
      else if (passed > LOWERING_PATIENCE)
        {
          plan_trials (self, sample);
          rest (self, sample);
        }
    }
  else if (sample->n_moving >= self->n_wanted
           || (sample->n_moving > 0 && passed >= 4 * sample->answer_time + G_USEC_PER_SEC / 2))
    enter (self, DRAY_GOVERNOR_MEASURING, sample);
}

/* What lanes bring before they have come to their pace is not measured. The first ramp does not
 * wait: it would be slower than what it might get wrong costs. */
static void
settle (DrayGovernor *self, const DrayGovernorSample *sample)
{
  if (self->has_rested && self->n_wanted > self->n_proved
      && sample->now - self->phase_began < SETTLING * (sample->start_time - sample->answer_time))
    mark (self, sample);
}

static gint64
window_of (const DrayGovernor *self, const DrayGovernorSample *sample)
{
  return self->has_rested ? MAX (TRIAL_WINDOW, 2 * sample->answer_time)
                          : MAX (SHORTEST_WINDOW, sample->answer_time / 3);
}

/* When a ceiling's time is over, one lane more is tried, not all of them. */
static void
lift_ceiling (DrayGovernor *self, gint64 now)
{
  if (self->ceiling == G_MAXUINT || now < self->ceiling_until)
    return;

  self->ceiling++;
  self->ceiling_until = now + self->ceiling_time;
  self->raise_at = now;
  if (self->ceiling >= self->limit)
    self->ceiling = G_MAXUINT;
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
  lift_ceiling (self, sample->now);
  if (self->is_fixed)
    return;

  self->n_wanted = MIN (self->n_wanted, most (self));
  if (self->n_proved > most (self))
    {
      self->n_proved = most (self);
      rest (self, sample);
    }

  switch (self->phase)
    {
    case DRAY_GOVERNOR_OPENING:
      await (self, sample);
      break;

    case DRAY_GOVERNOR_MEASURING:
      settle (self, sample);
      if (sample->now - self->mark_time >= window_of (self, sample))
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
 * Notes that the server objects to one lane more than these. There will be no more of them until one
 * more is tried after a while, which is longer each time.
 */
void
dray_governor_refused (DrayGovernor *self, gint64 now, guint n_running)
{
  /* Lanes that were opened together are refused together. */
  if (self->ceiling == G_MAXUINT)
    self->ceiling_time = FIRST_CEILING_TIME;
  else if (now - self->refused_at > SAME_REFUSAL)
    self->ceiling_time = MIN (LONGEST_CEILING_TIME, self->ceiling_time * 2);

  self->refused_at = now;
  self->ceiling = MIN (self->ceiling, MAX (1, n_running));
  self->ceiling_until = now + self->ceiling_time;
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
