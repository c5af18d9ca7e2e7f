/* SPDX-License-Identifier: GPL-3.0-or-later */

/* One limit for all transfers together. */

#include "core/transfer/rate-limiter.h"
#include "tests/core/manager-steps.h"

#define N_FILES 2
#define SIZE ((gint64) 3 * 1000 * 1000)

/* A file in crumbs, as one byte a second lets it through: far less than a file, and more than the
 * first reads of all connections. */
#define CRUMBS ((gint64) 100 * 1000)

static const char *const paths[N_FILES] = { "/a.gguf", "/b.gguf" };

static void
ask_for_all (ManagerFixture *fixture, DrayRequest **requests)
{
  for (guint i = 0; i < N_FILES; i++)
    {
      dray_test_server_add_gguf (fixture->server, paths[i], 100 + i, SIZE);
      requests[i] = fixture_get (fixture, paths[i]);
    }
}

static void
wait_for_crumbs (DrayRequest **requests)
{
  for (guint i = 0; i < N_FILES; i++)
    fixture_wait_for_bytes (requests[i], 1);
}

static void
assert_all_completed (ManagerFixture *fixture, DrayRequest **requests)
{
  for (guint i = 0; i < N_FILES; i++)
    {
      fixture_wait_for_end (requests[i]);
      fixture_assert_completed (fixture, requests[i], paths[i]);
      g_assert_cmpuint (steps_count_asked (fixture, paths[i]), ==, 1);
    }
}

static void
assert_in_crumbs (DrayRequest **requests)
{
  for (guint i = 0; i < N_FILES; i++)
    {
      g_assert_cmpint (dray_request_get_state (requests[i]), ==, DRAY_REQUEST_DOWNLOADING);
      g_assert_cmpint (dray_request_get_downloaded (requests[i]), <, CRUMBS);
    }
}

/* It is lifted, or raised, while the connections wait for the next hour's bytes. */
static void
test_lifted (ManagerFixture *fixture, gconstpointer data)
{
  gint64 then = GPOINTER_TO_INT (data);
  DrayRequest *requests[N_FILES];

  dray_manager_set_rate_limit (fixture->manager, 1);
  ask_for_all (fixture, requests);
  wait_for_crumbs (requests);
  steps_spin (fixture);
  assert_in_crumbs (requests);

  dray_manager_set_rate_limit (fixture->manager, (guint64) then);
  assert_all_completed (fixture, requests);
}

/* It comes while bytes move, in whatever read they are. */
static void
test_imposed (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *requests[N_FILES];

  dray_manager_set_rate_limit (fixture->manager, 1);
  dray_manager_set_rate_limit (fixture->manager, 50 * 1000);
  ask_for_all (fixture, requests);
  wait_for_crumbs (requests);
  dray_manager_set_rate_limit (fixture->manager, 1);
  steps_spin (fixture);
  for (guint i = 0; i < N_FILES; i++)
    g_assert_cmpint (dray_request_get_downloaded (requests[i]), <, SIZE / 2);

  dray_manager_set_rate_limit (fixture->manager, DRAY_RATE_UNLIMITED);
  assert_all_completed (fixture, requests);
}

/* A request's own limit and the one for all hold both. */
static void
test_beside_its_own (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *limited;

  dray_test_server_add_gguf (fixture->server, paths[0], 100, SIZE);
  dray_manager_set_rate_limit (fixture->manager, 1000 * 1000 * 1000);
  limited = fixture_get_with (fixture, paths[0], "rate-limit", (gint64) 1, NULL);
  fixture_wait_for_bytes (limited, 1);
  steps_spin (fixture);
  g_assert_cmpint (dray_request_get_downloaded (limited), <, CRUMBS);

  dray_manager_set_rate_limit (fixture->manager, DRAY_RATE_UNLIMITED);
  steps_spin (fixture);
  g_assert_cmpint (dray_request_get_downloaded (limited), <, CRUMBS);
  fixture_cancel (fixture, dray_request_get_id (limited), TRUE);
}

/* Never faster than that, all together. How much slower a busy machine makes it says nothing. */
static void
test_together (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  const gint64 rate = 3 * 1000 * 1000;
  DrayRequest *requests[N_FILES];
  gint64 start = g_get_monotonic_time ();
  double expected = (double) (N_FILES * SIZE) / (double) rate;
  double seconds;

  dray_manager_set_rate_limit (fixture->manager, (guint64) rate);
  ask_for_all (fixture, requests);
  assert_all_completed (fixture, requests);
  seconds = (double) (g_get_monotonic_time () - start) / G_USEC_PER_SEC;

  g_test_message ("%.3f s, expected %.3f s", seconds, expected);
  g_assert_cmpfloat (seconds, >, expected - 0.3);
}

static void
count_cb (G_GNUC_UNUSED GObject *object, G_GNUC_UNUSED GParamSpec *pspec, gpointer user_data)
{
  (*(guint *) user_data)++;
}

static void
test_property (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  guint64 rate_limit;
  guint n_notified = 0;

  g_object_get (fixture->manager, "rate-limit", &rate_limit, NULL);
  g_assert_cmpuint (rate_limit, ==, DRAY_RATE_UNLIMITED);
  g_signal_connect (fixture->manager, "notify::rate-limit", G_CALLBACK (count_cb), &n_notified);

  g_object_set (fixture->manager, "rate-limit", (guint64) 0, NULL);
  g_assert_cmpuint (n_notified, ==, 0);
  g_object_set (fixture->manager, "rate-limit", (guint64) G_MAXINT64, NULL);
  g_object_set (fixture->manager, "rate-limit", (guint64) G_MAXINT64, NULL);
  g_assert_cmpuint (n_notified, ==, 1);
  g_object_get (fixture->manager, "rate-limit", &rate_limit, NULL);
  g_assert_cmpuint (rate_limit, ==, G_MAXINT64);
}

static void
add (const char *name, gconstpointer data, void (*test) (ManagerFixture *, gconstpointer))
{
  g_autofree char *path = g_strconcat ("/manager-rate/", name, NULL);

  g_test_add (path, ManagerFixture, data, fixture_set_up, test, fixture_tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  add ("lifted", GINT_TO_POINTER (0), test_lifted);
  add ("raised", GINT_TO_POINTER (1000 * 1000 * 1000), test_lifted);
  add ("imposed", NULL, test_imposed);
  add ("beside-its-own", NULL, test_beside_its_own);
  add ("together", NULL, test_together);
  add ("property", NULL, test_property);

  return g_test_run ();
}
