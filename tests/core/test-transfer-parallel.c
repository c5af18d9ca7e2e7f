/* SPDX-License-Identifier: GPL-3.0-or-later */

/* One file over several connections, from servers that are well and from those that are not. */

#include "manager-fixture.h"
#include "manager-steps.h"

#define PATH "/big.gguf"
#define SIZE ((gint64) 96 * 1024 * 1024 + 12345)

/* Slowly enough for all lanes to be at work before the first is done: the first response keeps what it
 * brings in two seconds. */
#define RATE ((gint64) 12 * 1000 * 1000)

#define N_CONNECTIONS 4u

/* So much has come when the next step is taken. */
#define BEGUN (SIZE * 3 / 8)

static void
serve (ManagerFixture *fixture, const DrayTestBehaviour *behaviour)
{
  dray_test_server_add_gguf (fixture->server, PATH, 11, SIZE);
  dray_test_server_set_behaviour (fixture->server, PATH, behaviour);
}

static DrayRequest *
get (ManagerFixture *fixture)
{
  return fixture_get_with (fixture, PATH, "connections", N_CONNECTIONS, NULL);
}

static void
complete (ManagerFixture *fixture)
{
  DrayRequest *request = get (fixture);

  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, PATH);
}

/* A file that is soon here is not worth a second connection. */
static void
test_small (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  dray_test_server_add_gguf (fixture->server, PATH, 12, 8 * 1024 * 1024);
  complete (fixture);
  g_assert_cmpuint (steps_count_asked (fixture, PATH), ==, 1);
}

/* Where nothing shows that two answers are of one file, there is one answer. */
static void
test_single (ManagerFixture *fixture, gconstpointer data)
{
  const DrayTestBehaviour *behaviour = data;

  serve (fixture, behaviour);
  complete (fixture);
  g_assert_cmpuint (dray_test_server_get_most_open_bodies (fixture->server), ==, 1);
}

/* What goes wrong with one connection costs the transfer nothing that another cannot fetch. */
static void
test_troubled (ManagerFixture *fixture, gconstpointer data)
{
  const DrayTestBehaviour *behaviour = data;

  serve (fixture, behaviour);
  complete (fixture);
  g_assert_cmpuint (dray_test_server_get_most_open_bodies (fixture->server), >, 1);
}

static gboolean
is_parallel (gpointer data)
{
  ManagerFixture *fixture = data;

  return dray_test_server_get_open_bodies (fixture->server) == N_CONNECTIONS;
}

/* Leaves all lanes at work, but held where they are until steps_set_gate() with 0: however busy the
 * machine is, none is done before what the test does next. */
static void
begin (ManagerFixture *fixture, DrayRequest **request)
{
  const DrayTestBehaviour behaviour = { .rate = RATE };

  serve (fixture, &behaviour);
  *request = get (fixture);
  fixture_wait (is_parallel, fixture);
  fixture_wait_for_bytes (*request, BEGUN);
  steps_set_gate (fixture, PATH, 1);
}

static void
test_fixed (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request;

  begin (fixture, &request);
  steps_set_gate (fixture, PATH, 0);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, PATH);

  /* The server may see one that was given up a moment longer. */
  g_assert_cmpuint (dray_test_server_get_most_open_bodies (fixture->server), <=, N_CONNECTIONS + 2);
}

/* Holes are what a pause leaves, and all that the next run fetches. */
static void
test_pause (ManagerFixture *fixture, gconstpointer data)
{
  gboolean restart = GPOINTER_TO_INT (data);
  DrayRequest *request;
  gint64 held, sent;

  begin (fixture, &request);
  g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (request), FALSE), ==, 1);
  g_assert_true (dray_test_server_wait_until_idle (fixture->server, 10 * G_USEC_PER_SEC));
  held = dray_request_get_downloaded (request);
  sent = fixture_get_body_bytes (fixture, PATH);
  g_assert_cmpint (held, >=, BEGUN);
  steps_set_gate (fixture, PATH, 0);

  if (restart)
    {
      fixture_reopen (fixture);
      request = fixture_get_only_request (fixture);
      g_assert_cmpint (dray_request_get_downloaded (request), ==, held);
    }
  fixture_resume (fixture, request);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, PATH);

  /* What was on its way when a lane gave up bytes is all that may come twice. */
  g_assert_cmpint (fixture_get_body_bytes (fixture, PATH) - sent, >=, SIZE - held);
  g_assert_cmpint (fixture_get_body_bytes (fixture, PATH) - sent, <, SIZE - held + SIZE / 4);
}

/* Another version is noticed by whichever connection meets it, and no byte of it is written. */
static void
test_changed (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayTestBehaviour cut = { .rate = RATE, .gate = -1 };
  DrayTestBehaviour again = { .rate = RATE };
  DrayRequest *request;

  begin (fixture, &request);
  dray_test_server_set_etag (fixture->server, PATH, "\"another\"");
  dray_test_server_set_behaviour (fixture->server, PATH, &cut);
  g_assert_true (dray_test_server_wait_until_idle (fixture->server, 10 * G_USEC_PER_SEC));
  dray_test_server_set_behaviour (fixture->server, PATH, &again);

  fixture_wait_for_end (request);
  fixture_assert_failed (fixture, request, DRAY_ERROR_CHANGED);
  g_assert_cmpint (dray_request_get_downloaded (request), >=, BEGUN);
}

/* A second caller adds no connection, and the first one's leaving takes none away. */
static void
test_shared (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request, *other;
  guint n_asked;

  begin (fixture, &request);
  n_asked = steps_count_asked (fixture, PATH);
  other = fixture_get_with (fixture, PATH, "caller", "other", NULL);
  g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (request), TRUE), ==, 1);
  g_assert_cmpuint (dray_test_server_get_open_bodies (fixture->server), >, 1);
  g_assert_cmpuint (steps_count_asked (fixture, PATH), <=, n_asked + N_CONNECTIONS);
  steps_set_gate (fixture, PATH, 0);

  fixture_wait_for_end (other);
  fixture_assert_completed (fixture, other, PATH);
}

static void
add (const char *name, gconstpointer data, void (*test) (ManagerFixture *, gconstpointer))
{
  g_autofree char *path = g_strconcat ("/transfer-parallel/", name, NULL);

  g_test_add (path, ManagerFixture, data, fixture_set_up, test, fixture_tear_down);
}

int
main (int argc, char **argv)
{
  static const DrayTestBehaviour no_ranges = { .ranges = DRAY_TEST_RANGES_IGNORED };
  static const DrayTestBehaviour no_validators = { .validators = DRAY_TEST_VALIDATORS_NONE };
  static const DrayTestBehaviour refuses
      = { .rate = RATE, .max_bodies = 2, .max_bodies_status = 503 };
  static const DrayTestBehaviour forbids
      = { .rate = RATE, .max_bodies = 2, .max_bodies_status = 403 };
  static const DrayTestBehaviour hangs_up = { .rate = RATE, .max_bodies = 2 };
  static const DrayTestBehaviour breaks = { .rate = RATE,
                                            .break_times = 3,
                                            .break_after = 3000000,
                                            .break_how = DRAY_TEST_BREAK_RESET };

  g_test_init (&argc, &argv, NULL);
  add ("fixed", NULL, test_fixed);
  add ("small", NULL, test_small);
  add ("single/no-ranges", &no_ranges, test_single);
  add ("single/no-validators", &no_validators, test_single);
  add ("troubled/refused", &refuses, test_troubled);
  add ("troubled/forbidden", &forbids, test_troubled);
  add ("troubled/hung-up", &hangs_up, test_troubled);
  add ("troubled/broken", &breaks, test_troubled);
  add ("paused", GINT_TO_POINTER (FALSE), test_pause);
  add ("paused-and-restarted", GINT_TO_POINTER (TRUE), test_pause);
  add ("changed", NULL, test_changed);
  add ("shared", NULL, test_shared);

  return g_test_run ();
}
