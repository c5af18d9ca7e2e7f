/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/base/sleep-watch.h"

#include <time.h>

/* What the kernel's clocks say, in microseconds. */
static gint64 monotonic;
static gint64 boottime;

int __wrap_clock_gettime (clockid_t clock, struct timespec *time);

int
__wrap_clock_gettime (clockid_t clock, struct timespec *time)
{
  gint64 now = clock == CLOCK_BOOTTIME ? boottime : monotonic;

  time->tv_sec = now / G_USEC_PER_SEC;
  time->tv_nsec = now % G_USEC_PER_SEC * 1000;
  return 0;
}

static void
test_looks (void)
{
  static const struct
  {
    gint64 awake;  /* what passed on both clocks since the last look, in milliseconds */
    gint64 asleep; /* and on the one only */
    gboolean slept;
  } rows[] = {
    { 0, 0, FALSE },           { 100, 0, FALSE },    { 3600 * 1000, 0, FALSE },
    { 100, 1999, FALSE },      { 100, 2000, TRUE },  { 100, 0, FALSE },
    { 100, 8 * 3600000, TRUE }, { 0, 0, FALSE },     { 24 * 3600000, 3000, TRUE },
    { 100, -3000, FALSE },     { 100, 0, FALSE },
  };
  DraySleepWatch watch = { 0 };

  /* It has slept before the watch begins. */
  monotonic = 5 * G_USEC_PER_SEC;
  boottime = 12345678 + (gint64) 3600 * G_USEC_PER_SEC;
  g_assert_false (dray_sleep_watch_look (&watch));

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      monotonic += rows[i].awake * 1000;
      boottime += (rows[i].awake + rows[i].asleep) * 1000;
      g_assert_cmpint (dray_sleep_watch_look (&watch), ==, rows[i].slept);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sleep-watch/looks", test_looks);

  return g_test_run ();
}
