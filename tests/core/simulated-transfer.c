/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "tests/core/simulated-transfer.h"

#include "core/http/retry.h"
#include "core/transfer/dispatcher.h"

/* As core/transfer does it. */
#define TICK ((gint64) 50 * 1000)
#define STALL ((gint64) 15 * G_USEC_PER_SEC)

/* No network here is so bad that a file needs longer than this many times the ideal. */
#define PATIENCE 50

typedef struct
{
  Network network;
  DrayPieceMap *map;
  DrayDispatcher *dispatcher;
  DrayRetry retry;
  guint claims[DRAY_CONNECTIONS_MAX];    /* DRAY_CLAIM_NONE unless it moves */
  gint64 reported[DRAY_CONNECTIONS_MAX]; /* how far the map knows that it has come */
  gint64 tick_at;
  gint64 retry_at; /* nothing is asked before this */
  gboolean has_failed;
  guint n_asked;
  guint64 lane_ticks[DRAY_CONNECTIONS_MAX + 1]; /* how many ticks saw so many lanes */
} Simulation;

/* Tells the map what has come, and the network what is still wanted. */
static void
report (Simulation *self, guint lane)
{
  gint64 position = (gint64) (self->network.wires[lane].position + 1e-3);
  gint64 n = position - self->reported[lane];

  if (self->claims[lane] == DRAY_CLAIM_NONE)
    return;

  if (n > 0)
    dray_retry_note_progress (&self->retry);
  self->reported[lane] += n;
  network_want (&self->network, lane, dray_piece_map_advance (self->map, self->claims[lane], n));
}

static void
end_lane (Simulation *self, guint lane, DrayLaneEnd how)
{
  self->claims[lane] = DRAY_CLAIM_NONE;
  dray_dispatcher_ended (self->dispatcher, lane, self->network.now, how);
}

/* With nothing running, when to ask again is the retry policy's to say. */
static void
fail (Simulation *self, guint lane, DrayLaneEnd how)
{
  DrayError code = how == DRAY_LANE_REFUSED ? DRAY_ERROR_RATE_LIMITED : DRAY_ERROR_NETWORK;
  gint64 delay;

  end_lane (self, lane, how);
  if (dray_dispatcher_get_n_lanes (self->dispatcher) > 0)
    return;

  if (dray_retry_next (&self->retry, code, -1, g_rand_double (self->network.random), &delay))
    self->retry_at = self->network.now + delay;
  else
    self->has_failed = TRUE;
}

static void
ask (Simulation *self)
{
  DrayAssignment assignment;

  if (self->network.now < self->retry_at || dray_piece_map_is_complete (self->map))
    return;

  if (dray_dispatcher_get_n_lanes (self->dispatcher) == 0)
    dray_dispatcher_set_parallel (self->dispatcher, FALSE);
  while (dray_dispatcher_assign (self->dispatcher, self->network.now, &assignment))
    {
      network_ask (&self->network, assignment.lane, assignment.start, assignment.end);
      self->n_asked++;
    }
}

static void
admit (Simulation *self, guint lane)
{
  DrayClaim claim;

  if (!dray_dispatcher_admit (self->dispatcher, lane, self->network.now, &claim))
    {
      network_close (&self->network, lane);
      end_lane (self, lane, DRAY_LANE_STOPPED);
      return;
    }

  g_assert_cmpint (claim.start, ==, (gint64) self->network.wires[lane].position);
  self->claims[lane] = claim.id;
  self->reported[lane] = claim.start;
  dray_dispatcher_set_parallel (self->dispatcher, TRUE);

  /* Somebody's end may have been pulled in. */
  for (guint i = 0; i < DRAY_CONNECTIONS_MAX; i++)
    report (self, i);
}

/* Returns whether something has happened. */
static gboolean
look_at (Simulation *self, guint lane)
{
  const Wire *wire = &self->network.wires[lane];
  WireEvent event = network_take_event (&self->network, lane);

  switch (event)
    {
    case WIRE_ANSWERED:
      admit (self, lane);
      break;

    case WIRE_REFUSED:
      fail (self, lane, DRAY_LANE_REFUSED);
      break;

    case WIRE_FILLED:
      end_lane (self, lane, DRAY_LANE_FILLED);
      break;

    case WIRE_RESET:
      fail (self, lane, DRAY_LANE_BROKEN);
      break;

    case WIRE_NOTHING:
      if (wire->state == WIRE_MOVING && self->network.now - wire->moved_at >= STALL)
        {
          network_close (&self->network, lane);
          fail (self, lane, DRAY_LANE_BROKEN);
        }
      break;

    default:
      g_assert_not_reached ();
    }

  return event != WIRE_NOTHING;
}

static void
tick (Simulation *self)
{
  guint lane;

  if (self->network.now < self->tick_at)
    return;

  self->tick_at = self->network.now + TICK;
  self->lane_ticks[dray_dispatcher_get_n_lanes (self->dispatcher)]++;
  while (dray_dispatcher_tick (self->dispatcher, self->network.now, &lane))
    {
      network_close (&self->network, lane);
      end_lane (self, lane, DRAY_LANE_STOPPED);
    }
}

static void
step (Simulation *self)
{
  gint64 next = MIN (self->tick_at, network_find_next (&self->network));

  network_advance (&self->network, next);
  for (guint i = 0; i < DRAY_CONNECTIONS_MAX; i++)
    report (self, i);
  for (guint i = 0; i < DRAY_CONNECTIONS_MAX; i++)
    if (look_at (self, i))
      ask (self);
  tick (self);
}

static guint
find_usual (const Simulation *self)
{
  guint64 sum = 0;
  guint64 half = 0;
  guint n = 0;

  for (guint i = 0; i <= DRAY_CONNECTIONS_MAX; i++)
    sum += self->lane_ticks[i];
  while (n < DRAY_CONNECTIONS_MAX && (half += self->lane_ticks[n]) * 2 < sum)
    n++;

  return n;
}

/**
 * simulate_transfer:
 * @shape: what the network is like
 * @seed: of what happens in it
 * @n_fixed: how many lanes to have; 0 to follow goodput
 *
 * Moves a file over a network from its first byte to its last, or until the transfer gives up.
 */
SimulatedResult
simulate_transfer (const NetworkShape *shape, guint32 seed, guint n_fixed)
{
  g_autoptr (DrayPieceMap) map = dray_piece_map_new (shape->size);
  g_autoptr (DrayDispatcher) dispatcher = dray_dispatcher_new (map, n_fixed);
  Simulation self = { .map = map, .dispatcher = dispatcher };
  SimulatedResult result = { 0 };
  double most;

  network_init (&self.network, shape, seed);
  dray_retry_init (&self.retry);
  result.ideal = network_find_ideal (&self.network);
  most = PATIENCE * (result.ideal + 60) * G_USEC_PER_SEC;
  while (!dray_piece_map_is_complete (map) && !self.has_failed && self.network.now < most)
    {
      ask (&self);
      step (&self);
    }

  result.is_complete = dray_piece_map_is_complete (map);
  result.seconds = (double) self.network.now / G_USEC_PER_SEC;
  for (guint i = 0; i < DRAY_CONNECTIONS_MAX; i++)
    network_close (&self.network, i);
  result.n_wasted = self.network.n_wasted;
  result.n_asked = self.n_asked;
  result.n_refused = self.network.n_refused;
  result.n_usual = find_usual (&self);
  network_clear (&self.network);

  return result;
}
