/* SPDX-License-Identifier: GPL-3.0-or-later */

/* How many lanes: against servers of which the rate for each number of lanes is known. */

#include "core/transfer/governor.h"

#define MB 1000000
#define TICK ((gint64) 50 * 1000)
#define MOST 16

/* Every lane takes something from the others. */
static const guint costly[MOST + 1] = { 0,  100, 95, 91, 87, 83, 80, 77, 74,
                                        71, 69,  67, 65, 63, 61, 59, 57 };

/* A server, as the governor sees it: rates[n] is what n lanes bring, in MB/s. */
typedef struct
{
  DrayGovernor governor;
  const guint *rates;
  gint64 now;
  gint64 n_bytes;
  guint n_ticks[MOST + 1]; /* how many ticks saw so many lanes */
} Server;

static const guint capped[MOST + 1] = { 0,   20,  40,  60,  80,  100, 120, 140, 160,
                                        180, 200, 220, 240, 260, 280, 300, 320 };
static const guint full[MOST + 1] = { 0,   100, 100, 100, 100, 100, 100, 100, 100,
                                      100, 100, 100, 100, 100, 100, 100, 100 };
static const guint knee[MOST + 1] = { 0,   20,  40,  60,  80,  100, 105, 105, 105,
                                      105, 105, 105, 105, 105, 105, 105, 105 };
static const guint slow[MOST + 1] = { 0,  5,  10, 15, 20, 25, 30, 35, 40,
                                      45, 50, 55, 60, 65, 70, 75, 80 };

static void
server_init (Server *server, const guint *rates, guint n_fixed)
{
  *server = (Server){ .rates = rates, .now = G_USEC_PER_SEC };
  dray_governor_init (&server->governor, n_fixed, MOST);
}

static guint
run (Server *server, gint64 microseconds)
{
  for (gint64 until = server->now + microseconds; server->now < until;)
    {
      guint n = dray_governor_get_n_wanted (&server->governor);
      DrayGovernorSample sample = {
        .n_lanes = n,
        .n_moving = n,
        .answer_time = 1000,
        .start_time = 1000,
        .time_left = (gint64) 3600 * G_USEC_PER_SEC,
      };

      server->n_ticks[n]++;
      server->now += TICK;
      server->n_bytes += (gint64) server->rates[n] * MB * TICK / G_USEC_PER_SEC;
      sample.now = server->now;
      sample.n_bytes = server->n_bytes;
      dray_governor_sample (&server->governor, &sample);
    }

  return dray_governor_get_n_wanted (&server->governor);
}

/* What part of the time there were @n lanes, while @microseconds pass. */
static double
part_with (Server *server, gint64 microseconds, guint n)
{
  guint before = server->n_ticks[n];

  run (server, microseconds);
  return (double) (server->n_ticks[n] - before) * (double) TICK / (double) microseconds;
}

static void
test_capped (void)
{
  Server server;

  server_init (&server, capped, 0);
  g_assert_cmpuint (dray_governor_get_n_wanted (&server.governor), ==, 1);
  g_assert_cmpuint (run (&server, 700 * 1000), ==, 16);
  g_assert_cmpfloat (part_with (&server, 300 * G_USEC_PER_SEC, 16), >=, 0.97);
}

static void
test_full_link (void)
{
  Server server;

  server_init (&server, full, 0);
  g_assert_cmpfloat (part_with (&server, 300 * G_USEC_PER_SEC, 1), >=, 0.97);
}

/* Each lane costs something: a ramp that went too far is undone. */
static void
test_costly (void)
{
  Server server;

  server_init (&server, capped, 0);
  g_assert_cmpuint (run (&server, 2 * G_USEC_PER_SEC), ==, 16);
  server.rates = costly;
  run (&server, 60 * G_USEC_PER_SEC);
  g_assert_cmpfloat (part_with (&server, 300 * G_USEC_PER_SEC, 1), >=, 0.95);
}

static void
test_knee (void)
{
  Server server;

  server_init (&server, knee, 0);
  g_assert_cmpuint (run (&server, 2 * G_USEC_PER_SEC), ==, 8);
  g_assert_cmpfloat (part_with (&server, 300 * G_USEC_PER_SEC, 8), >=, 0.9);
}

/* The first bytes came from a buffer, and then the server's true rate shows. */
static void
test_burst (void)
{
  Server server;

  server_init (&server, full, 0);
  g_assert_cmpuint (run (&server, 2 * G_USEC_PER_SEC), ==, 1);
  server.rates = slow;
  g_assert_cmpuint (run (&server, 3 * G_USEC_PER_SEC), ==, 16);
}

/* One lane more at a time, and after a longer while each time that it is refused. */
static void
test_refused (void)
{
  Server server;

  server_init (&server, capped, 0);
  run (&server, 2 * G_USEC_PER_SEC);
  dray_governor_refused (&server.governor, server.now, 9);
  dray_governor_refused (&server.governor, server.now, 6);
  dray_governor_refused (&server.governor, server.now, 8);
  g_assert_cmpuint (dray_governor_get_n_wanted (&server.governor), ==, 6);
  for (guint i = 0; i < 29; i++)
    g_assert_cmpuint (run (&server, G_USEC_PER_SEC), <=, 6);
  run (&server, 2 * G_USEC_PER_SEC);
  g_assert_cmpuint (run (&server, G_USEC_PER_SEC), ==, 7);

  dray_governor_refused (&server.governor, server.now, 6);
  for (guint i = 0; i < 59; i++)
    g_assert_cmpuint (run (&server, G_USEC_PER_SEC), <=, 6);
}

static void
test_fixed_and_limited (void)
{
  Server server;

  server_init (&server, full, 7);
  g_assert_cmpuint (run (&server, 5 * G_USEC_PER_SEC), ==, 7);
  dray_governor_set_limit (&server.governor, 3);
  g_assert_cmpuint (run (&server, 5 * G_USEC_PER_SEC), ==, 3);

  server_init (&server, capped, 0);
  dray_governor_set_limit (&server.governor, 5);
  g_assert_cmpuint (run (&server, 2 * G_USEC_PER_SEC), ==, 5);
  dray_governor_set_limit (&server.governor, 2);
  g_assert_cmpuint (run (&server, TICK), ==, 2);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/governor/capped", test_capped);
  g_test_add_func ("/governor/full-link", test_full_link);
  g_test_add_func ("/governor/costly", test_costly);
  g_test_add_func ("/governor/knee", test_knee);
  g_test_add_func ("/governor/burst", test_burst);
  g_test_add_func ("/governor/refused", test_refused);
  g_test_add_func ("/governor/fixed-and-limited", test_fixed_and_limited);

  return g_test_run ();
}
