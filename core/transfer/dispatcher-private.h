/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The inside of a dispatcher, shared by dispatcher.c (the lanes' lives), dispatcher-share.c (which
 * bytes a free lane gets) and dispatcher-pace.c (what is measured). Main thread.
 */

#pragma once

#include "core/transfer/dispatcher.h"
#include "core/transfer/governor.h"

G_BEGIN_DECLS

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
  gint64 asked_at;      /* when it asked */
  gint64 moving_at;     /* when its answer came */
  double goodput;       /* of this fetch, in bytes per second */
  double known_goodput; /* of an earlier one; 0 if there was none */
  gboolean is_first;    /* its answer is the transfer's first, never thrown away */
  gboolean is_stopping;
  guint n_failures; /* in a row */
  gint64 not_before;
} DrayLane;

struct _DrayDispatcher
{
  DrayPieceMap *map;
  DrayGovernor governor;
  gboolean is_parallel;
  gboolean has_shared; /* a second lane has had an answer */
  gboolean has_asked;
  DrayLane lanes[DRAY_CONNECTIONS_MAX];
  gint64 n_fetched;   /* by all lanes */
  gint64 answer_time; /* microseconds from asking to the answer */
  double usual;       /* what a lane brings, in bytes per second */
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
double dray_dispatcher_expect (DrayDispatcher *self, const DrayLane *lane);
double dray_dispatcher_get_goodput (DrayDispatcher *self);
gboolean dray_dispatcher_is_collapsed (DrayDispatcher *self, const DrayLane *lane, gint64 now);

G_END_DECLS
