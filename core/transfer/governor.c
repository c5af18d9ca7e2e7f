/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/transfer/governor.h"

/* Twice the lanes must bring this much more, or they are not worth a server's while. While the ramp
 * is climbed a short look must do; later there is time for a better one. */
#define GAIN_AT_FIRST 1.1
#define GAIN_THAT_PAYS 1.05

/* Twice the lanes that bring only this part are worse than useless. */
#define LOSS_THAT_HARMS 0.95

#define MOST_GAIN 1.1

/* Half the lanes must bring this part of what all bring. */
#define LOSS_THAT_IS_NONE 0.97
#define LOSS_THAT_MATTERS 0.9

/* Below this part of what it was, or so much above what more lanes brought when they did not pay,
 * the rate says that something has changed. */
#define FALL_THAT_MATTERS 0.7
#define RISE_THAT_MATTERS 1.2

/* How much longer than its cost the start of a connection takes. */
#define SETTLING 1.25

/* Where each step of the first ramp has to wait this long for answers, it doubles twice at a time.
 * */
#define SLOW_ANSWER ((gint64) 150 * 1000)

#define SHORTEST_WINDOW ((gint64) 45 * 1000)
#define WATCHING_WINDOW (G_USEC_PER_SEC / 2)

/* A burst ends soon after it has deceived. */
#define NEWS_TIME ((gint64) 2 * G_USEC_PER_SEC)
#define WATCHING_WINDOW_AT_FIRST ((gint64) 200 * 1000)
#define TRIAL_WINDOW G_USEC_PER_SEC

#define FIRST_RAISE_GAP ((gint64) 5 * G_USEC_PER_SEC)
#define LONGEST_RAISE_GAP ((gint64) 60 * G_USEC_PER_SEC)
#define FIRST_LOWER_GAP ((gint64) 4 * G_USEC_PER_SEC)

/* So much more for twice the lanes that fewer need not be tried soon. */
#define GAIN_THAT_IS_SURE 1.6
#define SURE_LOWER_GAP ((gint64) 32 * G_USEC_PER_SEC)
#define LONGEST_LOWER_GAP ((gint64) 512 * G_USEC_PER_SEC)

/* Fewer lanes are tried only where the transfer lasts long enough to make up for a mistake. */
#define LONG_ENOUGH ((gint64) 20 * G_USEC_PER_SEC)
#define LONG_ENOUGH_ANSWERS 40

/* How long lanes may take to fill their claims before a trial with fewer is given up. */
#define LOWERING_PATIENCE ((gint64) 90 * G_USEC_PER_SEC)

/* How long after a trial a bad lane is seen to have been in it. */
#define DECEPTION G_USEC_PER_SEC

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
    .failed_rate = G_MAXDOUBLE / 2,
    .failed_at = G_MININT64 / 2,
  };
}

/**
 * dray_governor_get_most:
 * @self: a governor
 *
 * Returns: the most lanes that the caller and the server allow
 */
guint
dray_governor_get_most (const DrayGovernor *self)
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
  self->has_harmed = FALSE;
  enter (self, DRAY_GOVERNOR_OPENING, sample);
}

static gboolean
is_hurried (const DrayGovernor *self, const DrayGovernorSample *sample)
{
  return !self->has_rested && sample->answer_time > SLOW_ANSWER;
}

static void
raise_or_rest (DrayGovernor *self, const DrayGovernorSample *sample)
{
  guint factor = is_hurried (self, sample) ? 8 : 2;

  if (self->n_proved < dray_governor_get_most (self))
    try_with (self, sample, MIN (self->n_proved * factor, dray_governor_get_most (self)));
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
  gboolean is_sure;

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
      self->failed_at = sample->now;
      self->has_harmed = is_hurried (self, sample) || rate < self->rate * LOSS_THAT_HARMS;
      self->failed_rate = MAX (rate, self->rate);
      rest (self, sample);
      return;
    }

  is_sure = !is_hurried (self, sample) && rate > self->rate * GAIN_THAT_IS_SURE;
  self->rate = rate;
  self->n_proved = self->n_wanted;
  self->raise_gap = FIRST_RAISE_GAP;
  self->lower_gap = is_sure ? SURE_LOWER_GAP : FIRST_LOWER_GAP;
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

  self->decided_rate = MAX (rate, self->rate);
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

static gint64
window_of (const DrayGovernor *self, const DrayGovernorSample *sample)
{
  return self->has_rested ? MAX (TRIAL_WINDOW, 2 * sample->answer_time)
                          : MAX (SHORTEST_WINDOW, sample->answer_time / 4);
}

/* Whether more lanes did not pay because one of them was a bad one. */
static gboolean
was_deceived (DrayGovernor *self, const DrayGovernorSample *sample)
{
  gboolean is_news = sample->n_suspects > self->n_suspects;

  self->n_suspects = sample->n_suspects;
  return is_news && sample->now - self->failed_at < DECEPTION + 6 * sample->answer_time;
}

/* The rate follows what the lanes bring while nothing is tried, so that a trial is compared with
 * the last moments and not with another time of day. */
static void
watch (DrayGovernor *self, const DrayGovernorSample *sample)
{
  gboolean has_fallen, has_risen;
  gint64 window;

  /* Few lanes of which one starts again: it will come back. */
  if (4 * sample->n_starting > sample->n_lanes)
    mark (self, sample);
  if (was_deceived (self, sample))
    {
      self->has_rested = FALSE;
      raise_or_rest (self, sample);
      return;
    }
  window = sample->now - self->phase_began < NEWS_TIME ? WATCHING_WINDOW_AT_FIRST : WATCHING_WINDOW;
  if (sample->now - self->mark_time < MAX (window, 2 * sample->answer_time))
    return;

  has_fallen = measure (self, sample) < self->decided_rate * FALL_THAT_MATTERS;
  if (sample->n_lanes > self->n_proved)
    {
      /* Lanes that did not pay still fill their claims. If even so less comes than before, they are
       * where the next ramp begins. */
      if (!has_fallen)
        {
          mark (self, sample);
          return;
        }
      self->n_proved = MIN (sample->n_lanes, dray_governor_get_most (self));
      self->n_wanted = self->n_proved;
    }

  has_risen = measure (self, sample) > self->failed_rate * RISE_THAT_MATTERS;
  self->has_rested = !has_fallen;
  self->rate = measure (self, sample);
  if (has_fallen)
    self->decided_rate = self->rate;
  mark (self, sample);
  if (self->n_proved < dray_governor_get_most (self)
      && (sample->now >= self->raise_at || has_fallen || has_risen))
    raise_or_rest (self, sample);
  else if (sample->now >= self->lower_at && self->n_proved > 1
           && sample->time_left > MAX (LONG_ENOUGH, LONG_ENOUGH_ANSWERS * sample->answer_time))
    try_with (self, sample, self->n_proved / 2);
}

/* Lanes end one by one when fewer are tried. If less comes before all have ended, they were not too
 * many. */
static gboolean
is_missed (DrayGovernor *self, const DrayGovernorSample *sample)
{
  double rate;

  if (sample->now - self->mark_time < window_of (self, sample))
    return FALSE;

  rate = measure (self, sample);
  mark (self, sample);
  return rate < self->rate * LOSS_THAT_MATTERS;
}

/* Where answers are slow, one lane is measured while the next are waited for. */
static void
begin_measuring (DrayGovernor *self, const DrayGovernorSample *sample)
{
  if (self->n_proved == 0 && is_hurried (self, sample))
    {
      self->n_proved = self->n_wanted;
      raise_or_rest (self, sample);
      return;
    }

  if (self->rate <= 0 && self->n_proved > 0)
    self->rate = measure (self, sample);
  enter (self, DRAY_GOVERNOR_MEASURING, sample);
}

static void
await (DrayGovernor *self, const DrayGovernorSample *sample)
{
  gint64 passed = sample->now - self->phase_began;

  if (self->n_wanted < self->n_proved)
    {
      if (sample->n_lanes <= self->n_wanted)
        enter (self, DRAY_GOVERNOR_MEASURING, sample);
      else if (is_missed (self, sample))
        decide_fewer (self, sample, 0);
      else if (passed > LOWERING_PATIENCE)
        {
          plan_trials (self, sample);
          rest (self, sample);
        }
    }
  else if (sample->n_moving >= self->n_wanted)
    begin_measuring (self, sample);
  else if (sample->n_lanes < self->n_wanted)
    self->phase_began = sample->now; /* there are no bytes to give to one more */
  else if (sample->n_moving > 0 && passed >= 4 * sample->answer_time + G_USEC_PER_SEC / 2)
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

  self->n_wanted = MIN (self->n_wanted, dray_governor_get_most (self));
  if (self->n_proved > dray_governor_get_most (self))
    {
      self->n_proved = dray_governor_get_most (self);
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
 * Notes that the server objects to one lane more than these. There will be no more of them until
 * one more is tried after a while, which is longer each time.
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
  return MAX (1, MIN (self->n_wanted, dray_governor_get_most (self)));
}
