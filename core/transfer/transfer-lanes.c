/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The lanes of a transfer: what the dispatcher decides is done here.
 *
 * A lane that begins while no other asks is the leading one: its answer says what the file is.
 * The others follow once ranges have been seen to work, and count only if they get the same file.
 */

#include "core/transfer/transfer-private.h"

/* How often the dispatcher looks at the goodput, in milliseconds. */
#define TICK 50

/* Lanes that wait for bytes less than this part of their time are not what limits the transfer: the
 * disk, the digest, the processor or a limit of ours is. */
#define STARVED_LEAST 0.3

/* An answer with fewer bytes that does not fill its claim is followed by a pause. */
#define STINGY_BYTES ((gint64) 64 * 1024)

/* How soon a host that has no connection to spare is looked at again, in microseconds. */
#define HOST_WAIT G_USEC_PER_SEC

static void
answered_cb (gpointer user_data, const DrayVerdict *verdict, const DrayHttpAnswer *answer)
{
  DrayTransferLane *lane = user_data;

  dray_transfer_answered (lane->transfer, lane, verdict, answer);
}

/* Whether the server kept to its word and yet sent next to nothing of what was asked for: asking on
 * at once would be a storm of requests. */
static gboolean
is_stingy (DrayTransferLane *lane, gint64 n_bytes)
{
  return lane->claim.id != DRAY_CLAIM_NONE && n_bytes < STINGY_BYTES
         && lane->claim.start + n_bytes
                < dray_piece_map_get_claim_end (lane->transfer->map, lane->claim.id);
}

static DrayLaneEnd
find_end (DrayTransferLane *lane, gint64 n_bytes, const GError *error, GError **reason)
{
  if (lane->error != NULL)
    {
      *reason = g_steal_pointer (&lane->error);
      return DRAY_LANE_REFUSED;
    }
  if (lane->unwanted)
    return DRAY_LANE_STOPPED;
  if (error == NULL && !is_stingy (lane, n_bytes))
    return DRAY_LANE_FILLED;

  *reason = error != NULL ? g_error_copy (error)
                          : g_error_new_literal (DRAY_ERROR, DRAY_ERROR_TOO_SHORT,
                                                 "The server sends the file in crumbs");
  return DRAY_LANE_BROKEN;
}

/* Whether the host objects to one connection more. What refuses where redirects led may as well be
 * a link that has expired. */
static gboolean
is_objection (const DrayTransferLane *lane)
{
  return lane->status == 429 || lane->status == 503
         || (lane->status == 403 && !lane->leading && !lane->transfer->location_redirected);
}

static void
ended_cb (gpointer user_data, gint64 n_bytes, const GError *error)
{
  DrayTransferLane *lane = user_data;
  DrayTransfer *self = lane->transfer;
  G_GNUC_UNUSED g_autoptr (DrayTransfer) alive = g_object_ref (self);
  GError *reason = NULL;
  DrayLaneEnd how = find_end (lane, n_bytes, error, &reason);

  if (self->lane_waiting == lane)
    self->lane_waiting = NULL;
  if (is_objection (lane))
    dray_host_share_refuse (self->share, g_get_monotonic_time (), lane->server_wait);
  else
    dray_host_share_close (self->share);
  dray_dispatcher_ended (self->dispatcher, lane->number, g_get_monotonic_time (), how);
  lane->claim.id = DRAY_CLAIM_NONE;
  lane->has_ended = lane->has_ended || how == DRAY_LANE_FILLED;
  dray_transfer_lane_ended (self, lane, n_bytes, reason);
}

static const DrayConnectionEvents connection_events = {
  .answered = answered_cb,
  .ended = ended_cb,
};

void
dray_transfer_init_lanes (DrayTransfer *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->lanes); i++)
    {
      self->lanes[i].transfer = self;
      self->lanes[i].number = i;
    }
}

/* Ends the lanes' threads; nothing more is told. */
void
dray_transfer_clear_lanes (DrayTransfer *self)
{
  g_clear_handle_id (&self->tick_source, g_source_remove);
  for (guint i = 0; i < G_N_ELEMENTS (self->lanes); i++)
    {
      g_clear_pointer (&self->lanes[i].connection, dray_connection_free);
      g_clear_error (&self->lanes[i].error);
    }
}

static gboolean
is_lane_asking (const DrayTransferLane *lane)
{
  return lane->connection != NULL && dray_connection_is_busy (lane->connection);
}

/* Whether a connection is at work. */
gboolean
dray_transfer_is_asking (DrayTransfer *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->lanes); i++)
    if (is_lane_asking (&self->lanes[i]))
      return TRUE;

  return FALSE;
}

static void
start_lane (DrayTransfer *self, const DrayAssignment *assignment)
{
  DrayTransferLane *lane = &self->lanes[assignment->lane];
  gboolean leading = !dray_transfer_is_asking (self);
  gboolean has_condition = dray_validator_get_if_range (&self->validator) != NULL;
  gboolean compare =
      leading && !has_condition && self->expected_sha256 == NULL && !self->proving_length;
  DrayFetch fetch = {
    .location = self->location,
    .start = assignment->start,
    .end = assignment->end,
    .compare_from = compare ? MAX (0, assignment->start - DRAY_OVERLAP) : assignment->start,
    .part_only = !leading,
    .repairs = dray_transfer_is_repairing (self),
    .use_if_range = has_condition && !self->proving_length,
    .total = self->total,
    .validator = &self->validator,
    .holds_bytes = !leading || dray_piece_map_get_written (self->map) > 0,
    .digest_known = self->expected_sha256 != NULL,
  };

  lane->leading = leading;
  lane->unwanted = FALSE;
  lane->has_ended = FALSE;
  lane->status = 0;
  lane->server_wait = -1;
  lane->start = assignment->start;
  lane->claim.id = DRAY_CLAIM_NONE;
  if (leading)
    self->state = DRAY_TRANSFER_CONNECTING;
  dray_host_share_open (self->share);

  if (lane->connection == NULL)
    lane->connection = dray_connection_new (self->sessions, self->limiter, &connection_events, lane);
  dray_connection_start (lane->connection, &fetch);
}

/**
 * dray_transfer_fill_lanes:
 * @self: a transfer that knows the address, and whose map is not complete
 *
 * Gives free lanes what there is to ask for.
 */
void
dray_transfer_fill_lanes (DrayTransfer *self)
{
  gint64 now = g_get_monotonic_time ();
  guint limit = dray_host_share_get_limit (self->share, now);
  DrayAssignment assignment;

  if (!dray_transfer_is_asking (self))
    dray_transfer_set_parallel (self, FALSE);

  dray_dispatcher_set_limit (self->dispatcher, CLAMP (limit, 1, DRAY_CONNECTIONS_MAX));
  while (dray_host_share_may_open (self->share, now)
         && dray_dispatcher_assign (self->dispatcher, now, &assignment))
    start_lane (self, &assignment);

  if (!dray_transfer_is_asking (self))
    dray_transfer_wait (self, MAX (HOST_WAIT, dray_host_share_get_wait (self->share, now)),
                        DRAY_ERROR_RATE_LIMITED);
}

/**
 * dray_transfer_admit:
 * @self: a transfer
 * @lane: a lane with a good answer
 *
 * Returns: whether the lane now has a claim; if not, its bytes are not wanted any more
 */
gboolean
dray_transfer_admit (DrayTransfer *self, DrayTransferLane *lane)
{
  return dray_dispatcher_admit (self->dispatcher, lane->number, g_get_monotonic_time (),
                                &lane->claim);
}

/**
 * dray_transfer_let_through:
 * @self: a transfer with a partial file
 * @lane: an admitted lane
 *
 * Lets the body through.
 */
void
dray_transfer_let_through (DrayTransfer *self, DrayTransferLane *lane)
{
  self->state = DRAY_TRANSFER_DOWNLOADING;
  dray_connection_proceed (lane->connection, self->map, &lane->claim, self->file, self->hasher);
}

/* Stops a lane, through no fault of the server's. */
void
dray_transfer_drop_lane (DrayTransferLane *lane)
{
  if (!is_lane_asking (lane))
    return;

  lane->unwanted = TRUE;
  dray_connection_stop (lane->connection);
}

void
dray_transfer_drop_lanes (DrayTransfer *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->lanes); i++)
    dray_transfer_drop_lane (&self->lanes[i]);
}

/* Whether the bytes come as fast as they are taken, so that more lanes would bring no more. */
static gboolean
is_throttled (DrayTransfer *self)
{
  gint64 all_moved = 0, all_starved = 0;

  for (guint i = 0; i < G_N_ELEMENTS (self->lanes); i++)
    {
      gint64 moved, starved;

      if (self->lanes[i].connection == NULL)
        continue;
      dray_connection_measure (self->lanes[i].connection, &moved, &starved);
      all_moved += moved;
      all_starved += starved;
    }

  return all_moved > 0 && (double) all_starved < STARVED_LEAST * (double) all_moved;
}

static gboolean
tick_cb (gpointer user_data)
{
  DrayTransfer *self = DRAY_TRANSFER (user_data);
  G_GNUC_UNUSED g_autoptr (DrayTransfer) alive = g_object_ref (self);
  guint number;

  if (self->failure != NULL || self->interruption != NULL || self->retry_source != 0
      || dray_piece_map_is_complete (self->map))
    {
      self->tick_source = 0;
      return G_SOURCE_REMOVE;
    }

  dray_dispatcher_set_throttled (self->dispatcher, is_throttled (self));
  while (dray_dispatcher_tick (self->dispatcher, g_get_monotonic_time (), &number))
    dray_transfer_drop_lane (&self->lanes[number]);
  dray_transfer_step (self);

  return G_SOURCE_CONTINUE;
}

static guint
get_wanted (DrayTransfer *self, gboolean parallel)
{
  if (!parallel)
    return 1;

  return self->n_connections > 0 ? self->n_connections : DRAY_CONNECTIONS_MAX;
}

/**
 * dray_transfer_set_parallel:
 * @self: a transfer
 * @parallel: whether other lanes may follow the leading one
 *
 * Says whether the server has shown that it sends parts which are known to be of one file.
 */
void
dray_transfer_set_parallel (DrayTransfer *self, gboolean parallel)
{
  dray_dispatcher_set_parallel (self->dispatcher, parallel);
  dray_host_share_set_wanted (self->share, get_wanted (self, parallel));
  if (parallel && self->tick_source == 0)
    self->tick_source = g_timeout_add (TICK, tick_cb, self);
}
