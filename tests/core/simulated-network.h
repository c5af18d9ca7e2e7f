/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * A network of which everything is known: a link, a server and its connections, as a fluid.
 *
 * Between two events each connection has a constant rate. The link is shared fairly, but for a
 * weight that each connection is born with; a connection never exceeds its TCP window (which
 * starts small and doubles each round trip), the server's cap, or what is left after a collapse.
 * Times are in microseconds, rates in bytes per second. One thread uses a network.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define NETWORK_CONNECTIONS 16
#define NETWORK_CHANGES 64

/**
 * NetworkShape:
 * @size: of the file
 * @link: the link's rate
 * @change_time: how long a rate of the link lasts on average; 0 for ever
 * @change_depth: the least part of the link's rate that a change leaves
 * @cap: what the server gives each connection; 0 for as much as there is
 * @burst: how many seconds' worth of the cap a connection gets at once
 * @round_trip: the latency there and back
 * @setup_trips: how many round trips a new connection needs before its first answer
 * @think_time: what the server adds to each answer
 * @keeps_alive: whether a connection whose answer was read to its end may ask again
 * @cost: what part of the link each connection after the first wastes
 * @slow_part: how many of the connections are slow from their start, 0 to 1
 * @collapse_time: how long a connection lives on average before it collapses; 0 for ever
 * @collapsed: the rate of a connection that is slow or has collapsed; 0 is silence
 * @reset_time: how long a connection lives on average before it is reset; 0 for ever
 * @most: how many connections the server lets in; 0 for any number
 *
 * What a network is like.
 */
typedef struct
{
  gint64 size;
  double link;
  double change_time;
  double change_depth;
  double cap;
  double burst;
  gint64 round_trip;
  guint setup_trips;
  gint64 think_time;
  gboolean keeps_alive;
  double cost;
  double slow_part;
  double collapse_time;
  double collapsed;
  double reset_time;
  guint most;
} NetworkShape;

typedef enum
{
  WIRE_CLOSED,
  WIRE_KEPT, /* open, nothing asked */
  WIRE_ASKED,
  WIRE_MOVING,
} WireState;

/* What happens to a connection. */
typedef enum
{
  WIRE_NOTHING,
  WIRE_ANSWERED,
  WIRE_REFUSED,
  WIRE_FILLED, /* as many bytes came as were wanted */
  WIRE_RESET,
} WireEvent;

typedef struct
{
  WireState state;
  gint64 answer_at;
  double position;
  gint64 wanted_end; /* where the reader stops */
  gint64 answer_end; /* where the server's answer ends */
  double rate;
  double window; /* as a rate: a window's worth for each round trip */
  gint64 window_at;
  double tokens; /* what is left of the burst, in bytes */
  double ceiling;
  gint64 collapse_at;
  gint64 reset_at;
  gint64 moved_at; /* when it last had a rate */
  double weight;
} Wire;

typedef struct
{
  NetworkShape shape;
  GRand *random;
  gint64 now;
  gint64 change_at[NETWORK_CHANGES]; /* when the link gets its nth rate; the last lasts */
  double links[NETWORK_CHANGES];
  guint n_links;
  guint link; /* which of them it has */
  Wire wires[NETWORK_CONNECTIONS];
  gboolean is_stale; /* the rates are to be found anew */
  double n_wasted;   /* bytes that the server had sent and nobody wanted */
  guint n_refused;
} Network;

void network_init (Network *self, const NetworkShape *shape, guint32 seed);
void network_clear (Network *self);

void network_ask (Network *self, guint wire, gint64 start, gint64 end);
void network_want (Network *self, guint wire, gint64 end);
void network_close (Network *self, guint wire);

gint64 network_find_next (Network *self);
void network_advance (Network *self, gint64 now);
WireEvent network_take_event (Network *self, guint wire);

double network_find_ideal (const Network *self);

G_END_DECLS
