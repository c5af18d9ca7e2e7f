/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Which bytes each lane of a transfer is to ask for, and how many lanes there are.
 *
 * A lane is a slot for one connection. The dispatcher decides and the transfer executes: it asks
 * for the bytes of each assignment, has the answer admitted, and says how the lane ended. Who
 * fetches which bytes stays written in the piece map. Pure: no I/O, and the caller brings the
 * monotonic time in microseconds. The transfer owns it; the main thread uses it.
 */

#pragma once

#include "core/transfer/piece-map.h"

G_BEGIN_DECLS

/* The most lanes of a transfer. */
#define DRAY_CONNECTIONS_MAX 16

typedef struct _DrayDispatcher DrayDispatcher;

/**
 * DrayAssignment:
 * @lane: which lane is to ask
 * @start: the first byte to ask for
 * @end: one past the last; %DRAY_END_UNKNOWN where the size is not known
 * @claim_id: the claim on these bytes, or %DRAY_CLAIM_NONE where they are another lane's until
 *   dray_dispatcher_admit()
 *
 * What a free lane is to ask for.
 */
typedef struct
{
  guint lane;
  gint64 start;
  gint64 end;
  guint claim_id;
} DrayAssignment;

/**
 * DrayLaneEnd:
 * @DRAY_LANE_FILLED: the claim was filled, up to an end that may have been pulled in
 * @DRAY_LANE_BROKEN: network, timeout, a body that was too short
 * @DRAY_LANE_REFUSED: the server objects to one more: 429, 503, 403 or a refused connection while
 *   other lanes run
 * @DRAY_LANE_STOPPED: the transfer stopped it
 *
 * How a lane's fetch came to its end.
 */
typedef enum
{
  DRAY_LANE_FILLED,
  DRAY_LANE_BROKEN,
  DRAY_LANE_REFUSED,
  DRAY_LANE_STOPPED,
} DrayLaneEnd;

DrayDispatcher *dray_dispatcher_new (DrayPieceMap *map, guint n_fixed);
void dray_dispatcher_free (DrayDispatcher *self);

void dray_dispatcher_set_parallel (DrayDispatcher *self, gboolean parallel);
void dray_dispatcher_set_limit (DrayDispatcher *self, guint limit);
void dray_dispatcher_set_throttled (DrayDispatcher *self, gboolean throttled);

gboolean dray_dispatcher_assign (DrayDispatcher *self, gint64 now, DrayAssignment *assignment);
gboolean dray_dispatcher_admit (DrayDispatcher *self, guint lane, gint64 now, DrayClaim *claim);
void dray_dispatcher_ended (DrayDispatcher *self, guint lane, gint64 now, DrayLaneEnd how);
gboolean dray_dispatcher_tick (DrayDispatcher *self, gint64 now, guint *lane);

guint dray_dispatcher_get_n_lanes (const DrayDispatcher *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayDispatcher, dray_dispatcher_free)

G_END_DECLS
