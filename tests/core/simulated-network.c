/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "tests/core/simulated-network.h"

#include <math.h>

#define NEVER G_MAXINT64
#define ENDLESS ((gint64) 1 << 50)

/* What TCP sends before the first acknowledgement. */
#define FIRST_WINDOW 14600.0

/* What a system's sockets take at most, as Linux has it from the start. */
#define MOST_WINDOW (6.0 * 1024 * 1024)

/* What is on its way when an answer is given up: the round trip's, and what waits in buffers for so
 * many seconds, but not more than sockets hold. */
#define BUFFERED 0.1
#define MOST_OVERSENT 5e6

static gint64
draw_time (Network *self, double mean_seconds)
{
  if (mean_seconds <= 0)
    return NEVER;

  return (gint64) (-log (1 - g_rand_double (self->random)) * mean_seconds * G_USEC_PER_SEC) + 1;
}

static gint64
after (gint64 now, gint64 time)
{
  return time == NEVER ? NEVER : now + time;
}

/**
 * network_init:
 * @self: a network
 * @shape: what it is like
 * @seed: of everything that is random in it
 */
void
network_init (Network *self, const NetworkShape *shape, guint32 seed)
{
  gint64 time = 0;

  *self = (Network){ .shape = *shape, .random = g_rand_new_with_seed (seed), .n_links = 1 };
  self->links[0] = shape->link;
  while (shape->change_time > 0 && self->n_links < NETWORK_CHANGES)
    {
      time += draw_time (self, shape->change_time);
      self->change_at[self->n_links] = time;
      self->links[self->n_links++] =
          shape->link * exp (g_rand_double_range (self->random, log (shape->change_depth), 0));
    }
}

void
network_clear (Network *self)
{
  g_clear_pointer (&self->random, g_rand_free);
}

/* A window, as the rate that it allows. */
static double
pace_of (const NetworkShape *shape, double window)
{
  return window * G_USEC_PER_SEC / (double) shape->round_trip;
}

static void
open_wire (Network *self, Wire *wire)
{
  const NetworkShape *shape = &self->shape;
  gboolean is_slow = g_rand_double (self->random) < shape->slow_part;

  *wire = (Wire){
    .window = pace_of (shape, FIRST_WINDOW),
    .tokens = shape->cap * shape->burst,
    .ceiling = is_slow ? shape->collapsed : INFINITY,
    .collapse_at = after (self->now, draw_time (self, shape->collapse_time)),
    .reset_at = after (self->now, draw_time (self, shape->reset_time)),
    .weight = exp (g_rand_double_range (self->random, log (0.6), log (1.6))),
  };
}

/**
 * network_ask:
 * @self: a network
 * @wire: a connection without an answer
 * @start: the first byte
 * @end: one past the last
 *
 * Asks for bytes, on a new connection unless this one was kept.
 */
void
network_ask (Network *self, guint wire, gint64 start, gint64 end)
{
  Wire *asked = &self->wires[wire];
  guint n_trips = 1;

  g_assert_true (asked->state == WIRE_CLOSED || asked->state == WIRE_KEPT);
  if (asked->state == WIRE_CLOSED)
    {
      open_wire (self, asked);
      n_trips = self->shape.setup_trips;
    }
  asked->state = WIRE_ASKED;
  asked->answer_at = self->now + n_trips * self->shape.round_trip + self->shape.think_time;
  asked->position = (double) start;
  asked->wanted_end = asked->answer_end = end;
}

/**
 * network_want:
 * @self: a network
 * @wire: a connection
 * @end: where its reader will stop
 */
void
network_want (Network *self, guint wire, gint64 end)
{
  self->wires[wire].wanted_end = end;
}

/**
 * network_close:
 * @self: a network
 * @wire: a connection
 *
 * Closes a connection, and counts what was sent in vain.
 */
void
network_close (Network *self, guint wire)
{
  Wire *closed = &self->wires[wire];
  double unread = (double) closed->answer_end - closed->position;

  if (closed->state == WIRE_MOVING && unread > 0)
    self->n_wasted +=
        MIN (MIN (unread, MOST_OVERSENT),
             closed->rate * ((double) self->shape.round_trip / G_USEC_PER_SEC + BUFFERED));
  *closed = (Wire){ .state = WIRE_CLOSED };
  self->is_stale = TRUE;
}

static guint
count_moving (const Network *self)
{
  guint n = 0;

  for (guint i = 0; i < NETWORK_CONNECTIONS; i++)
    n += self->wires[i].state == WIRE_MOVING;

  return n;
}

static double
most_of (const Network *self, const Wire *wire)
{
  double most = MIN (wire->window, wire->ceiling);

  if (self->shape.cap > 0 && wire->tokens <= 0)
    most = MIN (most, self->shape.cap);

  return most;
}

/* Shares the link: whoever cannot use its share leaves the rest to the others. */
static void
find_rates (Network *self)
{
  guint n = count_moving (self);
  double left = self->links[self->link] / (1 + self->shape.cost * (n > 0 ? n - 1 : 0));
  gboolean is_settled[NETWORK_CONNECTIONS] = { FALSE };
  gboolean changed = TRUE;
  double share = 0;

  while (changed)
    {
      double weights = 0;

      changed = FALSE;
      for (guint i = 0; i < NETWORK_CONNECTIONS; i++)
        if (self->wires[i].state == WIRE_MOVING && !is_settled[i])
          weights += self->wires[i].weight;
      share = weights > 0 ? left / weights : 0;
      for (guint i = 0; i < NETWORK_CONNECTIONS; i++)
        {
          Wire *wire = &self->wires[i];

          if (wire->state == WIRE_MOVING && !is_settled[i]
              && most_of (self, wire) <= share * wire->weight)
            {
              wire->rate = most_of (self, wire);
              left -= wire->rate;
              is_settled[i] = TRUE;
              changed = TRUE;
            }
        }
    }

  for (guint i = 0; i < NETWORK_CONNECTIONS; i++)
    if (self->wires[i].state == WIRE_MOVING && !is_settled[i])
      self->wires[i].rate = share * self->wires[i].weight;
  self->is_stale = FALSE;
}

static gint64
time_for (double bytes, double rate)
{
  double time = bytes * G_USEC_PER_SEC / rate;

  return rate > 0 && time < 1e15 ? MAX (1, (gint64) ceil (time)) : NEVER;
}

static gint64
find_next_of (const Network *self, const Wire *wire)
{
  gint64 next = wire->reset_at;
  double drain = wire->rate - self->shape.cap;

  if (wire->state == WIRE_ASKED)
    return wire->answer_at;
  if (wire->state != WIRE_MOVING)
    return NEVER;

  next = MIN (next, wire->collapse_at);
  next = MIN (next, wire->window_at);
  next = MIN (next,
              after (self->now, time_for ((double) wire->wanted_end - wire->position, wire->rate)));
  if (self->shape.cap > 0 && wire->tokens > 0)
    next = MIN (next, after (self->now, time_for (wire->tokens, drain)));

  return next;
}

/**
 * network_find_next:
 * @self: a network
 *
 * Returns: when something next happens in it
 */
gint64
network_find_next (Network *self)
{
  gint64 next = self->link + 1 < self->n_links ? self->change_at[self->link + 1] : NEVER;

  if (self->is_stale)
    find_rates (self);
  for (guint i = 0; i < NETWORK_CONNECTIONS; i++)
    next = MIN (next, find_next_of (self, &self->wires[i]));

  return MAX (next, self->now + 1);
}

/* Doubles a window until it is as large as can be. */
static void
grow_window (const NetworkShape *shape, double *window, gint64 *next)
{
  double most = pace_of (shape, MOST_WINDOW);

  *window = MIN (most, *window * 2);
  *next = *window < most ? *next + shape->round_trip : NEVER;
}

static void
move_wire (Network *self, Wire *wire, gint64 passed)
{
  double bytes = wire->rate * (double) passed / G_USEC_PER_SEC;

  wire->position = MIN ((double) wire->wanted_end, wire->position + bytes);
  if (wire->rate > 0)
    wire->moved_at = self->now;
  if (self->shape.cap > 0 && wire->tokens > 0)
    {
      wire->tokens -= bytes - self->shape.cap * (double) passed / G_USEC_PER_SEC;
      wire->tokens = MIN (wire->tokens, self->shape.cap * self->shape.burst);
      if (wire->tokens < 1)
        {
          wire->tokens = 0;
          self->is_stale = TRUE;
        }
    }
  if (self->now >= wire->window_at)
    {
      grow_window (&self->shape, &wire->window, &wire->window_at);
      self->is_stale = TRUE;
    }
  if (self->now >= wire->collapse_at)
    {
      wire->ceiling = self->shape.collapsed;
      wire->collapse_at = NEVER;
      self->is_stale = TRUE;
    }
}

/**
 * network_advance:
 * @self: a network
 * @now: the time, not beyond network_find_next()
 */
void
network_advance (Network *self, gint64 now)
{
  gint64 passed = now - self->now;

  if (self->is_stale)
    find_rates (self);
  self->now = now;
  for (guint i = 0; i < NETWORK_CONNECTIONS; i++)
    if (self->wires[i].state == WIRE_MOVING)
      move_wire (self, &self->wires[i], passed);
  if (self->link + 1 < self->n_links && now >= self->change_at[self->link + 1])
    {
      self->link++;
      self->is_stale = TRUE;
    }
}

static WireEvent
answer (Network *self, guint i)
{
  Wire *wire = &self->wires[i];

  if (self->shape.most > 0 && count_moving (self) >= self->shape.most)
    {
      network_close (self, i);
      self->n_refused++;
      return WIRE_REFUSED;
    }

  wire->state = WIRE_MOVING;
  wire->moved_at = self->now;
  wire->window_at = wire->window < pace_of (&self->shape, MOST_WINDOW)
                        ? self->now + self->shape.round_trip
                        : NEVER;
  self->is_stale = TRUE;
  return WIRE_ANSWERED;
}

/**
 * network_take_event:
 * @self: a network
 * @wire: a connection
 *
 * Returns: what has happened to it by now. A connection that was filled is kept or closed
 */
WireEvent
network_take_event (Network *self, guint wire)
{
  Wire *seen = &self->wires[wire];

  if (seen->state == WIRE_ASKED && self->now >= seen->answer_at)
    return answer (self, wire);
  if (seen->state != WIRE_MOVING)
    return WIRE_NOTHING;

  if (seen->position >= (double) seen->wanted_end)
    {
      self->is_stale = TRUE;
      if (self->shape.keeps_alive && seen->wanted_end >= seen->answer_end)
        seen->state = WIRE_KEPT;
      else
        network_close (self, wire);
      return WIRE_FILLED;
    }
  if (self->now >= seen->reset_at)
    {
      seen->answer_end = 0;
      network_close (self, wire);
      return WIRE_RESET;
    }

  return WIRE_NOTHING;
}

/* Opens the others when the first has answered, and at once again what was reset or has collapsed.
 * */
static void
renew (Network *ideal, guint wire, guint n)
{
  WireEvent event = network_take_event (ideal, wire);

  if (event == WIRE_ANSWERED)
    for (guint i = 1; i < n; i++)
      if (ideal->wires[i].state == WIRE_CLOSED)
        network_ask (ideal, i, 0, ENDLESS);

  if (ideal->wires[wire].state == WIRE_MOVING && isfinite (ideal->wires[wire].ceiling))
    {
      network_close (ideal, wire);
      event = WIRE_RESET;
    }
  if (event == WIRE_RESET)
    network_ask (ideal, wire, 0, ENDLESS);
}

/* How long @n connections need on the same link, unless that is longer than @most. */
static double
find_time_with (const Network *self, guint n, double most)
{
  Network ideal = *self;
  double n_bytes = 0;

  ideal.random = g_rand_new_with_seed (n);
  ideal.shape.slow_part = 0;
  ideal.shape.most = 0;
  network_ask (&ideal, 0, 0, ENDLESS);
  while (n_bytes < (double) self->shape.size && (double) ideal.now < most * G_USEC_PER_SEC)
    {
      gint64 next = network_find_next (&ideal);
      double rate = 0;

      for (guint i = 0; i < n; i++)
        if (ideal.wires[i].state == WIRE_MOVING)
          rate += ideal.wires[i].rate;
      next = MIN (next, after (ideal.now, time_for ((double) self->shape.size - n_bytes, rate)));
      n_bytes += rate * (double) (next - ideal.now) / G_USEC_PER_SEC;
      network_advance (&ideal, next);
      for (guint i = 0; i < n; i++)
        renew (&ideal, i, n);
    }
  network_clear (&ideal);

  return (double) ideal.now / G_USEC_PER_SEC;
}

/**
 * network_find_ideal:
 * @self: a network that nothing was asked of yet
 *
 * Returns: the seconds that the file takes with the best number of connections that the server lets
 *   in. They are opened in the moment in which the first has answered, none is ever idle or slow
 *   from its start, and one that is reset or collapses is opened again in the same moment
 */
double
network_find_ideal (const Network *self)
{
  static const guint numbers[] = { 1, 2, 3, 4, 6, 8, 11, 16 };
  guint most =
      self->shape.most > 0 ? MIN (self->shape.most, NETWORK_CONNECTIONS) : NETWORK_CONNECTIONS;
  double best = find_time_with (self, most, INFINITY);

  for (guint i = 0; i < G_N_ELEMENTS (numbers) && numbers[i] < most; i++)
    best = MIN (best, find_time_with (self, numbers[i], best));

  return best;
}
