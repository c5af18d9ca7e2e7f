/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/http/retry.h"

#define ALMOST_ONE 0.999999
#define MS ((gint64)1000)

static void
assert_about (gint64 delay, gint64 expected)
{
  g_assert_cmpint (delay, <=, expected);
  g_assert_cmpint (delay, >=, expected - expected / 1000);
}

static void
test_codes (void)
{
  for (guint code = 0; code < DRAY_N_ERRORS; code++)
    {
      gboolean expected = code == DRAY_ERROR_NETWORK || code == DRAY_ERROR_STALLED
                          || code == DRAY_ERROR_SERVER_ERROR || code == DRAY_ERROR_RATE_LIMITED
                          || code == DRAY_ERROR_TOO_SHORT;
      DrayRetry retry;
      gint64 delay = -1;

      dray_retry_init (&retry);
      g_assert_cmpint (dray_retry_next (&retry, code, -1, 0.5, &delay), ==, expected);
      g_assert_cmpint (delay, ==, expected ? 250 * MS : 0);
    }
}

static void
test_backoff_at_first (void)
{
  static const gint64 longest[] = { 500, 1000, 2000, 4000, 8000 };
  DrayRetry retry;
  gint64 delay;

  dray_retry_init (&retry);
  for (guint i = 0; i < G_N_ELEMENTS (longest); i++)
    {
      DrayRetry same = retry;

      g_assert_true (dray_retry_next (&same, DRAY_ERROR_NETWORK, -1, 0.0, &delay));
      g_assert_cmpint (delay, ==, 0);
      g_assert_true (dray_retry_next (&retry, DRAY_ERROR_NETWORK, -1, ALMOST_ONE, &delay));
      assert_about (delay, longest[i] * MS);
    }
  g_assert_false (dray_retry_next (&retry, DRAY_ERROR_NETWORK, -1, 0.5, &delay));
  g_assert_cmpint (delay, ==, 0);
}

static void
test_backoff_after_progress (void)
{
  static const gint64 longest[] = { 250,   1000,  2000,  4000,  8000, 16000,
                                    32000, 60000, 60000, 60000, 60000 };
  DrayRetry retry;
  gint64 delay;

  dray_retry_init (&retry);
  for (guint round = 0; round < 3; round++)
    {
      dray_retry_note_progress (&retry);
      for (guint i = 0; i < G_N_ELEMENTS (longest); i++)
        {
          g_assert_true (dray_retry_next (&retry, DRAY_ERROR_TOO_SHORT, -1, ALMOST_ONE, &delay));
          assert_about (delay, longest[i] * MS);
        }
      g_assert_false (dray_retry_next (&retry, DRAY_ERROR_TOO_SHORT, -1, 0.5, &delay));
      g_assert_cmpint (delay, ==, 0);
    }
}

/* A server that refuses is not a connection that broke. */
static void
test_refusal_after_progress (void)
{
  DrayRetry retry;
  gint64 delay;

  dray_retry_init (&retry);
  dray_retry_note_progress (&retry);
  g_assert_true (dray_retry_next (&retry, DRAY_ERROR_SERVER_ERROR, -1, ALMOST_ONE, &delay));
  assert_about (delay, 500 * MS);
}

static void
test_server_wait (void)
{
  static const struct
  {
    gint64 wait;
    double jitter;
    gint64 expected;
  } cases[] = {
    { 87, 0.0, 87000 * MS },     { 87, 0.5, 91350 * MS },     { 1, 0.0, 1000 * MS },
    { 3600, 0.0, 3600000 * MS }, { 3601, 0.0, 3600000 * MS }, { G_MAXINT64, 0.0, 3600000 * MS },
    { 0, 0.5, 250 * MS },        { -1, 0.5, 250 * MS },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      DrayRetry retry;
      gint64 delay;

      dray_retry_init (&retry);
      g_assert_true (dray_retry_next (&retry, DRAY_ERROR_RATE_LIMITED, cases[i].wait,
                                      cases[i].jitter, &delay));
      g_assert_cmpint (delay, ==, cases[i].expected);
    }
}

/* What broke the attempts is over: the budget is whole again, and no byte had to come for it. */
static void
test_renew (void)
{
  DrayRetry retry;
  gint64 delay;

  dray_retry_init (&retry);
  for (guint i = 0; i < 100; i++)
    {
      for (guint j = 0; j < 5; j++)
        g_assert_true (dray_retry_next (&retry, DRAY_ERROR_NETWORK, -1, 0.5, &delay));
      dray_retry_renew (&retry);
      g_assert_false (retry.has_progress);
    }
  g_assert_true (dray_retry_next (&retry, DRAY_ERROR_NETWORK, -1, ALMOST_ONE, &delay));
  assert_about (delay, 500 * MS);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/retry/codes", test_codes);
  g_test_add_func ("/retry/backoff-at-first", test_backoff_at_first);
  g_test_add_func ("/retry/backoff-after-progress", test_backoff_after_progress);
  g_test_add_func ("/retry/refusal-after-progress", test_refusal_after_progress);
  g_test_add_func ("/retry/server-wait", test_server_wait);
  g_test_add_func ("/retry/renew", test_renew);

  return g_test_run ();
}
