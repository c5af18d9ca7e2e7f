/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The inside of a dispatcher, shared by dispatcher.c (the lanes' lives), dispatcher-share.c (which
 * bytes a free lane gets), dispatcher-pace.c (what is measured) and dispatcher-judge.c (which lanes
 * are given up). Main thread.
 */

#pragma once

#include "core/transfer/dispatcher.h"
#include "core/transfer/governor.h"

G_BEGIN_DECLS

/* A transfer with less than this to go gets no second lane. */
#define DRAY_WORTH_SHARING ((gint64) 32 * 1024 * 1024)

/* What bytes under a rate limit may come in. */
#define DRAY_LUMP (64.0 * 1024)

/* How soon a second lane may be exchanged after one. */
#define DRAY_FIRST_EXCHANGE_GAP ((gint64) 2 * G_USEC_PER_SEC)

typedef enum
{
  DRAY_LANE_FREE,
  DRAY_LANE_ASKING,
  DRAY_LANE_MOVING,
} DrayLaneState;

typedef struct
{
  DrayLaneState state;
  guint claim;          /* DRAY_CLAIM_NONE if free, or while the bytes are another lane's */
  gint64 start;         /* what it asked for */
  gint64 end;           /* likewise */
  gint64 seen;          /* how far it had written at the last sample */
  gint64 left;          /* what it still had to fetch then */
  gint64 asked_at;      /* when it asked */
  gint64 moving_at;     /* when its answer came */
  gint64 n_fetched;     /* the bytes of this fetch */
  double average;       /* what it brings, over a longer time, in bytes per second */
  double latest;        /* over a shorter one */
  double goodput;       /* what to expect of it from both */
  double known_goodput; /* of an earlier one; 0 if there was none */
  gboolean is_first;    /* its answer is the transfer's first: the first theft leaves it some */
  gboolean is_kept;     /* its last answer was read to the end: the connection may be open still */
  gboolean is_grown;    /* it has moved for long enough to have come to its pace */
  gboolean is_timed;    /* what its start has cost is known */
  gboolean is_trial;    /* it has taken the place of one that was exchanged */
  gboolean is_suspect;  /* it brings so much less than others that it does not count as a lane */
  gboolean is_stopping;
  guint n_failures; /* in a row */
  gint64 not_before;
} DrayLane;

struct _DrayDispatcher
{
  DrayPieceMap *map;
  DrayGovernor governor;
  gboolean is_parallel;
  gboolean is_throttled;
  gboolean has_shared; /* a second lane has had an answer */
  gboolean has_asked;
  DrayLane lanes[DRAY_CONNECTIONS_MAX];
  guint n_suspects;
  gint64 n_fetched;     /* by all lanes */
  gint64 answer_time;   /* microseconds from asking to the answer */
  double start_time[2]; /* what the start of a fetch costs, new or on a kept connection, answer and
                           slow start together, in seconds; negative while unknown */
  double usual;         /* what a lane brings, in bytes per second */
  double usual_most;    /* the most that one lane brought, fading */
  double recent;        /* what all lanes bring */
  double best;          /* the most they ever did, fading */
  gint64 low_since;     /* since when they bring much less; 0 if they do not */
  gint64 exchange_at;   /* when the slowest lane may next be exchanged */
  gint64 exchange_gap;  /* the time after which another may be, should this one be no better */
  double exchanged;     /* what the exchanged one brought */
  gboolean has_exchanged;
  gint64 sampled_at;
};

gint64 dray_dispatcher_get_left (DrayDispatcher *self);

/* dispatcher-share.c */
gboolean dray_dispatcher_claim_gap (DrayDispatcher *self, DrayLane *lane);
gboolean dray_dispatcher_plan_theft (DrayDispatcher *self, DrayLane *lane);
gboolean dray_dispatcher_take_planned (DrayDispatcher *self, DrayLane *lane);
void dray_dispatcher_claim_planned (DrayDispatcher *self);

/* dispatcher-pace.c */
void dray_dispatcher_note_answer (DrayDispatcher *self, DrayLane *lane, gint64 now);
void dray_dispatcher_retire (DrayDispatcher *self, DrayLane *lane, gint64 now);
gint64 dray_dispatcher_get_answer_time (DrayDispatcher *self);
void dray_dispatcher_sample (DrayDispatcher *self, gint64 now);
double dray_dispatcher_get_start_time (DrayDispatcher *self, const DrayLane *lane);
double dray_dispatcher_expect (DrayDispatcher *self, const DrayLane *lane);
double dray_dispatcher_get_delay (DrayDispatcher *self, const DrayLane *lane);
double dray_dispatcher_get_most (DrayDispatcher *self);
double dray_dispatcher_get_seconds_left (DrayDispatcher *self, const DrayLane *more);
double dray_dispatcher_expect_later (DrayDispatcher *self, const DrayLane *lane);
double dray_dispatcher_find_good (DrayDispatcher *self, const DrayLane *except);

/* dispatcher-judge.c */
void dray_dispatcher_judge_all (DrayDispatcher *self, gint64 now, gint64 n_bytes, gint64 passed);
gboolean dray_dispatcher_is_collapsed (DrayDispatcher *self, const DrayLane *lane, gint64 now);
gboolean dray_dispatcher_is_excess (DrayDispatcher *self, const DrayLane *lane);
gboolean dray_dispatcher_is_exchanged (DrayDispatcher *self, DrayLane *lane, gint64 now);

G_END_DECLS
