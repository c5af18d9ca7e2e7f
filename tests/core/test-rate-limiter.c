/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/transfer/rate-limiter.h"

/* Reads for a while on a clock of its own, each read and each wait as late as a busy machine makes
 * them; returns the bytes per second. */
static double
run (gint64 rate, gint64 duration, gint64 lateness)
{
  g_autoptr (DrayRateLimiter) limiter = dray_rate_limiter_new (rate);
  const gint64 start = 1000000000;
  gint64 now = start;
  gint64 bytes = 0;

  while (now < start + duration)
    {
      gsize n = dray_rate_limiter_get_portion (limiter, 256 * 1024);
      gint64 wait;

      wait = dray_rate_limiter_book (limiter, now, n);
      bytes += (gint64) n;
      now += wait + (lateness > 0 ? g_test_rand_int_range (0, (gint32) lateness) : 0) + 1;
    }

  return (double) bytes * G_USEC_PER_SEC / (double) (now - start);
}

static void
test_accuracy (void)
{
  static const gint64 rates[] = { 50 * 1000, 1000 * 1000, 20 * 1000 * 1000, 500 * 1000 * 1000 };

  for (guint i = 0; i < G_N_ELEMENTS (rates); i++)
    {
      double exact = run (rates[i], 10 * G_USEC_PER_SEC, 0);
      double late = run (rates[i], 10 * G_USEC_PER_SEC, 400);

      g_assert_cmpfloat (exact / (double) rates[i], >, 0.99);
      g_assert_cmpfloat (exact / (double) rates[i], <, 1.01);
      g_assert_cmpfloat (late / (double) rates[i], >, 0.97);
      g_assert_cmpfloat (late / (double) rates[i], <, 1.01);
    }
}

static void
test_stall (void)
{
  g_autoptr (DrayRateLimiter) limiter = dray_rate_limiter_new (1000 * 1000);
  gint64 now = 1000000000;
  gint64 burst = 0;

  dray_rate_limiter_book (limiter, now, 1000 * 1000);
  now += (gint64) 3600 * G_USEC_PER_SEC;
  while (dray_rate_limiter_book (limiter, now, 10 * 1000) == 0)
    burst += 10 * 1000;

  g_assert_cmpint (burst, <=, 250 * 1000);
}

static void
test_unlimited (void)
{
  g_autoptr (DrayRateLimiter) limiter = dray_rate_limiter_new (DRAY_RATE_UNLIMITED);

  g_assert_cmpuint (dray_rate_limiter_get_portion (limiter, 262144), ==, 262144);
  for (guint i = 0; i < 1000; i++)
    g_assert_cmpint (dray_rate_limiter_book (limiter, 1, 262144), ==, 0);
}

static void
test_portion (void)
{
  g_autoptr (DrayRateLimiter) slow = dray_rate_limiter_new (100);
  g_autoptr (DrayRateLimiter) fast = dray_rate_limiter_new (G_MAXINT64 / 2);

  g_assert_cmpuint (dray_rate_limiter_get_portion (slow, 262144), ==, 1024);
  g_assert_cmpuint (dray_rate_limiter_get_portion (slow, 10), ==, 10);
  g_assert_cmpuint (dray_rate_limiter_get_portion (fast, 262144), ==, 262144);
}

/* What is owed is owed at the new rate, and nothing is owed without a limit. */
static void
test_change (void)
{
  g_autoptr (DrayRateLimiter) limiter = dray_rate_limiter_new (1000);
  const gint64 now = 1000000000;

  g_assert_cmpint (dray_rate_limiter_book (limiter, now, 4000), ==, 4 * G_USEC_PER_SEC);
  dray_rate_limiter_set_rate (limiter, now + 2 * G_USEC_PER_SEC, 4000);
  g_assert_cmpint (dray_rate_limiter_get_wait (limiter, now + 2 * G_USEC_PER_SEC), ==,
                   G_USEC_PER_SEC / 2);
  g_assert_cmpuint (dray_rate_limiter_get_portion (limiter, 100), ==, 100);
  g_assert_cmpint (dray_rate_limiter_book (limiter, now + 2 * G_USEC_PER_SEC, 4000), ==,
                   3 * G_USEC_PER_SEC / 2);

  dray_rate_limiter_set_rate (limiter, now + 2 * G_USEC_PER_SEC, DRAY_RATE_UNLIMITED);
  g_assert_cmpint (dray_rate_limiter_get_wait (limiter, now + 2 * G_USEC_PER_SEC), ==, 0);
  g_assert_cmpint (dray_rate_limiter_book (limiter, now + 2 * G_USEC_PER_SEC, 262144), ==, 0);
  g_assert_cmpuint (dray_rate_limiter_get_portion (limiter, 262144), ==, 262144);

  /* What came without a limit is not paid for afterwards. */
  dray_rate_limiter_set_rate (limiter, now + 3 * G_USEC_PER_SEC, 1000);
  g_assert_cmpint (dray_rate_limiter_book (limiter, now + 3 * G_USEC_PER_SEC, 1000), ==,
                   G_USEC_PER_SEC);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rate-limiter/accuracy", test_accuracy);
  g_test_add_func ("/rate-limiter/stall", test_stall);
  g_test_add_func ("/rate-limiter/unlimited", test_unlimited);
  g_test_add_func ("/rate-limiter/portion", test_portion);
  g_test_add_func ("/rate-limiter/change", test_change);

  return g_test_run ();
}
