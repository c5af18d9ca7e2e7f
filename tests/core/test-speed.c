/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/transfer/speed.h"

#define SECOND ((gint64)G_USEC_PER_SEC)
#define TICK (SECOND / 10)
#define START (1000 * SECOND)

/* Adds samples every @gap from @from on, for @duration, at @rate bytes per second. */
static gint64
run (DraySpeed *speed, gint64 from, gint64 duration, gint64 gap, gint64 rate, gint64 bytes)
{
  for (gint64 t = 0; t <= duration; t += gap)
    dray_speed_add (speed, from + t, bytes + t * rate / SECOND);

  return bytes + duration * rate / SECOND;
}

static void
assert_near (gint64 value, gint64 expected)
{
  g_assert_cmpint (value, >=, expected - expected / 50);
  g_assert_cmpint (value, <=, expected + expected / 50);
}

static void
test_steady (void)
{
  static const gint64 gaps[] = { SECOND / 1000, SECOND / 60, TICK, SECOND / 2, SECOND };

  for (guint i = 0; i < G_N_ELEMENTS (gaps); i++)
    {
      DraySpeed speed = { 0 };

      g_assert_cmpint (dray_speed_get (&speed, START), ==, 0);
      run (&speed, START, 60 * SECOND, gaps[i], 1000000, 0);
      assert_near (dray_speed_get (&speed, START + 60 * SECOND), 1000000);
    }
}

static void
test_start (void)
{
  DraySpeed speed = { 0 };

  dray_speed_add (&speed, START, 5000);
  g_assert_cmpint (dray_speed_get (&speed, START + 1), ==, 0);

  /* A first burst out of a buffer is no speed of gigabytes. */
  dray_speed_add (&speed, START + 10, 5000 + 1000000);
  g_assert_cmpint (dray_speed_get (&speed, START + 10), <=, 4000000);
  g_assert_cmpint (dray_speed_get (&speed, START + SECOND), ==, 1000000);
}

static void
test_stop (void)
{
  DraySpeed sampled = { 0 };
  DraySpeed silent = { 0 };
  gint64 last = START + 10 * SECOND;
  gint64 bytes = run (&sampled, START, 10 * SECOND, TICK, 1000000, 0);
  gint64 before = G_MAXINT64;

  run (&silent, START, 10 * SECOND, TICK, 1000000, 0);
  for (gint64 t = 0; t < 4 * SECOND; t += TICK)
    {
      gint64 now_per_second = dray_speed_get (&silent, last + t);

      dray_speed_add (&sampled, last + t, bytes);
      g_assert_cmpint (now_per_second, <, before);
      g_assert_cmpint (ABS (dray_speed_get (&sampled, last + t) - now_per_second), <=, 30000);
      before = now_per_second;
    }
  dray_speed_add (&sampled, last + 41 * TICK, bytes);
  g_assert_cmpint (dray_speed_get (&sampled, last + 41 * TICK), ==, 0);
  g_assert_cmpint (dray_speed_get (&silent, last + 41 * TICK), ==, 0);
  g_assert_cmpint (dray_speed_get_eta (&silent, last + 41 * TICK, 100), ==, -1);
}

static void
test_change (void)
{
  DraySpeed speed = { 0 };
  gint64 bytes = run (&speed, START, 10 * SECOND, TICK, 1000000, 0);

  bytes = run (&speed, START + 10 * SECOND, 2 * SECOND, TICK, 3000000, bytes);
  assert_near (dray_speed_get (&speed, START + 12 * SECOND), 2000000);
  run (&speed, START + 12 * SECOND, 2 * SECOND, TICK, 3000000, bytes);
  assert_near (dray_speed_get (&speed, START + 14 * SECOND), 3000000);
}

static void
test_total_goes_down (void)
{
  DraySpeed speed = { 0 };

  run (&speed, START, 10 * SECOND, TICK, 1000000, 0);
  dray_speed_add (&speed, START + 101 * TICK, 0);
  g_assert_cmpint (dray_speed_get (&speed, START + 101 * TICK), ==, 0);
  run (&speed, START + 101 * TICK, 3 * SECOND, TICK, 500000, 0);
  assert_near (dray_speed_get (&speed, START + 131 * TICK), 500000);
}

static void
test_odd_clocks (void)
{
  DraySpeed speed = { 0 };

  for (guint i = 0; i < 200; i++)
    dray_speed_add (&speed, START, i * 1000);
  g_assert_cmpint (dray_speed_get (&speed, START), ==, 0);
  g_assert_cmpint (dray_speed_get (&speed, START - SECOND), ==, 0);
  dray_speed_add (&speed, START - SECOND, 200000);
  dray_speed_add (&speed, START + SECOND, 1200000);
  g_assert_cmpint (dray_speed_get (&speed, START + SECOND), ==, 1000000);

  dray_speed_reset (&speed);
  g_assert_cmpint (dray_speed_get (&speed, START + SECOND), ==, 0);
  dray_speed_add (&speed, START, 0);
  dray_speed_add (&speed, START + 1, G_MAXINT64);
  g_assert_cmpint (dray_speed_get (&speed, START + 1), ==, G_MAXINT64);
}

static void
test_eta (void)
{
  DraySpeed speed = { 0 };

  g_assert_cmpint (dray_speed_get_eta (&speed, START, 0), ==, 0);
  g_assert_cmpint (dray_speed_get_eta (&speed, START, 1), ==, -1);
  dray_speed_add (&speed, START, 0);
  dray_speed_add (&speed, START + SECOND, 1000);
  g_assert_cmpint (dray_speed_get_eta (&speed, START + SECOND, 0), ==, 0);
  g_assert_cmpint (dray_speed_get_eta (&speed, START + SECOND, -1), ==, -1);
  g_assert_cmpint (dray_speed_get_eta (&speed, START + SECOND, 1), ==, 1);
  g_assert_cmpint (dray_speed_get_eta (&speed, START + SECOND, 2000), ==, 2);
  g_assert_cmpint (dray_speed_get_eta (&speed, START + SECOND, 2001), ==, 3);
  g_assert_cmpint (dray_speed_get_eta (&speed, START + SECOND, G_MAXINT64), ==,
                   G_MAXINT64 / 1000 + 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/speed/steady", test_steady);
  g_test_add_func ("/speed/start", test_start);
  g_test_add_func ("/speed/stop", test_stop);
  g_test_add_func ("/speed/change", test_change);
  g_test_add_func ("/speed/total-goes-down", test_total_goes_down);
  g_test_add_func ("/speed/odd-clocks", test_odd_clocks);
  g_test_add_func ("/speed/eta", test_eta);

  return g_test_run ();
}
