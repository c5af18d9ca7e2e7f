/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * How many lanes a transfer should have: as many as goodput rewards.
 *
 * One at first, doubled while that pays, back where it does not or where the server objects, and
 * tried again now and then. Pure: no clock of its own. The dispatcher owns it; one thread uses it.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What the governor is doing. */
typedef enum
{
  DRAY_GOVERNOR_OPENING,   /* waits until as many lanes move as it wants */
  DRAY_GOVERNOR_MEASURING, /* measures what they bring */
  DRAY_GOVERNOR_RESTING,   /* has found its number, and watches whether it stays right */
} DrayGovernorPhase;

/**
 * DrayGovernor:
 *
 * A plain value. Times are in microseconds of the monotonic clock, rates in bytes per second.
 */
typedef struct
{
  DrayGovernorPhase phase;
  gboolean is_fixed;
  gboolean has_rested;  /* the first ramp is over */
  gboolean has_harmed;  /* more lanes have brought less: they are not to go on until they end */
  gboolean has_doubted; /* more lanes have brought more than they can */
  guint n_wanted;
  guint n_proved; /* the number that the rate was measured at */
  guint limit;    /* the most lanes, as the caller says */
  guint ceiling;  /* the most lanes, as refusals have taught */
  gint64 refused_at;
  gint64 ceiling_until;
  gint64 ceiling_time; /* how long it lasts before one more is tried */
  double rate;         /* what n_proved lanes bring */
  double decided_rate; /* what came when their number was last decided on */
  gint64 phase_began;
  gint64 mark_time; /* where the measurement began */
  gint64 mark_bytes;
  guint n_suspects;
  gint64 failed_at;   /* when more lanes did not pay */
  double failed_rate; /* what came then */
  gint64 raise_at;    /* when more are tried again */
  gint64 raise_gap;   /* the time after which they are, should it not pay now */
  gint64 lower_at;    /* when fewer are tried */
  gint64 lower_gap;
} DrayGovernor;

/**
 * DrayGovernorSample:
 * @now: the time
 * @n_bytes: how many bytes have come in all
 * @n_lanes: how many lanes ask or move, but for the suspects
 * @n_moving: how many of them have an answer
 * @n_starting: how many of all have not come to their pace yet
 * @n_suspects: how many lanes bring so little that they say nothing of what others would
 * @answer_time: how long an answer takes, in microseconds
 * @start_time: how long a new connection takes to come to its pace, the answer included
 * @time_left: how long the transfer will last, in microseconds
 */
typedef struct
{
  gint64 now;
  gint64 n_bytes;
  guint n_lanes;
  guint n_moving;
  guint n_starting;
  guint n_suspects;
  gint64 answer_time;
  gint64 start_time;
  gint64 time_left;
} DrayGovernorSample;

void dray_governor_init (DrayGovernor *self, guint n_fixed, guint limit);
void dray_governor_set_limit (DrayGovernor *self, guint limit);
void dray_governor_sample (DrayGovernor *self, const DrayGovernorSample *sample);
void dray_governor_refused (DrayGovernor *self, gint64 now, guint n_running);
guint dray_governor_get_most (const DrayGovernor *self);
guint dray_governor_get_n_wanted (const DrayGovernor *self);

G_END_DECLS
