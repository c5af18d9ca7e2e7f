/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Transfers over a thousand random networks, each compared with what was possible.
 *
 * The real dispatcher, governor, piece map and retry policy move files of 100 MB to 50 GB (log-
 * uniform, but at most what the link brings in five minutes) over links of 1 to 125 MB/s. A new
 * connection answers after 3 to 800 ms and then grows from TCP's first window. Independently of
 * each other, with the odds written in draw_server() and draw_troubles(), the server caps each
 * connection (half of these with a burst of one second's worth), the link changes, connections
 * collapse to tens of KB/s or to silence, one in four is slow from its start, connections are
 * reset, the server lets only so many in, each further one costs something, none is kept alive.
 *
 * The ideal is what a downloader would need that knows all of this: the best number of connections
 * up to 16, opened in the moment in which the first has answered (nobody knows before whether the
 * server sends parts), without pieces between them that have to be asked for, none of them slow
 * from its start, each opened again in the moment in which it is reset or collapses. It pays for
 * what nobody can avoid: the first answer, the slow start, the opening again. It does not open
 * connections anew only for their burst. It is simulated with the same fluid, link and laws; only
 * the moments of resets and collapses are other ones.
 *
 * Wasted is what the server had sent when an answer was given up: the rate times the round trip and
 * the tenth of a second that it may wait in buffers, 5 MB at most.
 *
 * The thousand are fixed. DRAY_TEST_NETWORKS says how many of them to play, DRAY_TEST_SEED where to
 * begin. One in a hundred of fewer than a thousand says nothing, and is not asserted.
 */

#include "tests/core/simulated-transfer.h"

#include <math.h>
#include <stdlib.h>

#define MB 1e6
#define N_NETWORKS 1000

/* How many seconds a file takes at most where the link is what limits. */
#define LONGEST 300.0

#define MEDIAN_PROMISED 1.05
#define LAST_PROMISED 1.25
#define WASTE_PROMISED 0.01

static double
draw (GRand *random, double low, double high)
{
  return exp (g_rand_double_range (random, log (low), log (high)));
}

static gboolean
one_in (GRand *random, double n)
{
  return g_rand_double (random) * n < 1;
}

static void
draw_server (GRand *random, NetworkShape *shape)
{
  double answer = draw (random, 3000, 800000);

  shape->setup_trips = one_in (random, 3) ? 2 : 3;
  shape->think_time = (gint64) (answer * g_rand_double_range (random, 0, 0.5));
  shape->round_trip = (gint64) ((answer - (double) shape->think_time) / shape->setup_trips);
  shape->keeps_alive = !one_in (random, 10);
  if (one_in (random, 2))
    {
      shape->cap = shape->link / draw (random, 0.7, 40);
      shape->burst = one_in (random, 2) ? 1 : 0;
    }
  if (one_in (random, 5))
    shape->most = (guint) g_rand_int_range (random, 1, 13);
}

static void
draw_troubles (GRand *random, NetworkShape *shape)
{
  shape->collapsed = draw (random, 10000, 100000);
  if (one_in (random, 5))
    {
      shape->collapse_time = draw (random, 20, 600);
      if (one_in (random, 5))
        shape->collapsed = 0;
    }
  else if (one_in (random, 6))
    shape->slow_part = 0.25;
  if (one_in (random, 5))
    shape->reset_time = draw (random, 5, 300);
  if (one_in (random, 5))
    shape->cost = draw (random, 0.005, 0.05);
}

static NetworkShape
draw_shape (guint32 seed)
{
  GRand *random = g_rand_new_with_seed (seed);
  NetworkShape shape = {
    .size = (gint64) draw (random, 100 * MB, 50000 * MB),
    .link = draw (random, 1 * MB, 125 * MB),
  };

  shape.size = MIN (shape.size, (gint64) (shape.link * LONGEST));
  if (one_in (random, 2.5))
    {
      shape.change_time = draw (random, 20, 300);
      shape.change_depth = 0.2;
    }
  draw_server (random, &shape);
  draw_troubles (random, &shape);
  g_rand_free (random);

  return shape;
}

static int
compare_figures (const void *a, const void *b)
{
  double difference = *(const double *) a - *(const double *) b;

  return (difference > 0) - (difference < 0);
}

static void
describe (guint seed, const NetworkShape *shape, const SimulatedResult *result)
{
  g_test_message (
      "network %u: %.2f times the ideal %.1f s, %.2f %% wasted, %u requests, %u refused, "
      "%u lanes: %.0f MB at %.1f MB/s, changing every %.0f s, round trip %.0f ms, "
      "cap %.2f MB/s with a burst of %.0f s, at most %u, collapse after %.0f s "
      "to %.0f KB/s, slow %.2f, reset after %.0f s, cost %.3f",
      seed, result->seconds / result->ideal, result->ideal,
      100 * result->n_wasted / (double) shape->size, result->n_asked, result->n_refused,
      result->n_usual, (double) shape->size / MB, shape->link / MB, shape->change_time,
      (double) shape->round_trip / 1000, shape->cap / MB, shape->burst, shape->most,
      shape->collapse_time, shape->collapsed / 1000, shape->slow_part, shape->reset_time,
      shape->cost);
}

static guint
get_number (const char *name, guint usual)
{
  const char *wanted = g_getenv (name);

  return wanted != NULL ? (guint) atoi (wanted) : usual;
}

static void
test_random_networks (void)
{
  guint32 first = get_number ("DRAY_TEST_SEED", 0);
  guint n = get_number ("DRAY_TEST_NETWORKS", N_NETWORKS);
  g_autofree double *ratios = g_new (double, n);
  double n_wasted = 0;
  double n_bytes = 0;
  double seconds = 0;

  for (guint i = 0; i < n; i++)
    {
      NetworkShape shape = draw_shape (first + i);
      SimulatedResult result = simulate_transfer (&shape, first + i, 0);

      ratios[i] = result.seconds / result.ideal;
      if (ratios[i] > LAST_PROMISED || !result.is_complete)
        describe (first + i, &shape, &result);
      g_assert_true (result.is_complete);
      n_wasted += result.n_wasted;
      n_bytes += (double) shape.size;
      seconds += result.seconds;
    }

  qsort (ratios, n, sizeof *ratios, compare_figures);
  g_test_message ("%u networks, %.0f hours: median %.3f, 90 %% within %.3f, 99 %% within %.3f, all "
                  "within %.3f times the ideal; %.2f %% wasted",
                  n, seconds / 3600, ratios[n / 2], ratios[n * 9 / 10], ratios[n * 99 / 100],
                  ratios[n - 1], 100 * n_wasted / n_bytes);
  g_assert_cmpfloat (ratios[n / 2], <=, MEDIAN_PROMISED);
  if (n >= N_NETWORKS)
    g_assert_cmpfloat (ratios[n * 99 / 100], <=, LAST_PROMISED);
  g_assert_cmpfloat (n_wasted, <=, WASTE_PROMISED * n_bytes);
}

/* A fast server near by that gives each connection 20 MB/s. */
static const NetworkShape near_by = {
  .size = (gint64) 2 << 30,
  .link = 2000 * MB,
  .cap = 20 * MB,
  .round_trip = 200,
  .setup_trips = 2,
  .keeps_alive = TRUE,
};

/* What the ramp from one lane to sixteen may cost, in seconds. */
#define RAMP 0.3

static void
test_near_by (void)
{
  double ideal = (double) near_by.size / (16 * near_by.cap);
  SimulatedResult result = simulate_transfer (&near_by, 1, 0);

  g_test_message ("%.2f s, ideal %.2f s", result.seconds, ideal);
  g_assert_true (result.is_complete);
  g_assert_cmpfloat (result.seconds, <=, 1.05 * ideal + RAMP);
  g_assert_cmpfloat (result.n_wasted, <=, WASTE_PROMISED * (double) near_by.size);
}

/* The mean of the times over the ideal, of twenty runs. */
static double
play_near_by (const NetworkShape *shape)
{
  double sum = 0;

  for (guint32 seed = 0; seed < 20; seed++)
    {
      SimulatedResult result = simulate_transfer (shape, seed, 0);

      g_assert_true (result.is_complete);
      g_assert_cmpfloat (result.seconds, <=, 1.4 * result.ideal);
      g_assert_cmpfloat (result.n_wasted, <=, WASTE_PROMISED * (double) shape->size);
      sum += result.seconds / result.ideal / 20;
    }
  g_test_message ("%.3f times the ideal", sum);

  return sum;
}

/* The same server, and one connection in four has 50 KB/s from its start. */
static void
test_near_by_slow_part (void)
{
  NetworkShape shape = near_by;

  shape.slow_part = 0.25;
  shape.collapsed = 50000;
  g_assert_cmpfloat (play_near_by (&shape), <=, 1.15);
}

/* Or it comes to that in the middle of what it fetches: one in four that live as long as the
 * transfer. */
static void
test_near_by_collapses (void)
{
  NetworkShape shape = near_by;

  shape.collapse_time = (double) near_by.size / (16 * near_by.cap) / -log (0.75);
  shape.collapsed = 50000;
  g_assert_cmpfloat (play_near_by (&shape), <=, 1.15);
}

/* A link that one connection fills: the server is not asked for more of them for nothing. */
static void
test_one_fills_the_link (void)
{
  NetworkShape shape = {
    .size = (gint64) 10000 * 1000 * 1000,
    .link = 50 * MB,
    .round_trip = 10000,
    .setup_trips = 3,
    .keeps_alive = TRUE,
  };
  SimulatedResult result = simulate_transfer (&shape, 1, 0);

  g_assert_true (result.is_complete);
  g_assert_cmpfloat (result.seconds, <=, 1.02 * result.ideal);
  g_assert_cmpuint (result.n_usual, <=, 2);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/simulated-network/near-by", test_near_by);
  g_test_add_func ("/simulated-network/near-by-slow-part", test_near_by_slow_part);
  g_test_add_func ("/simulated-network/near-by-collapses", test_near_by_collapses);
  g_test_add_func ("/simulated-network/one-fills-the-link", test_one_fills_the_link);
  g_test_add_func ("/simulated-network/random", test_random_networks);

  return g_test_run ();
}
