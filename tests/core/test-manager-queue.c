/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Who runs, and who waits for a turn: the number of transfers, and the order of the others. */

#include "tests/core/manager-steps.h"

#define N_FILES 5

static const char *const paths[N_FILES] = { "/a.gguf", "/b.gguf", "/c.gguf", "/d.gguf", "/e.gguf" };

/* Asks for all files, which stop at their gates, with so many transfers at once. */
static void
ask_for_all (ManagerFixture *fixture, guint max_transfers, DrayRequest **requests)
{
  if (max_transfers > 0)
    dray_manager_set_max_transfers (fixture->manager, max_transfers);
  for (guint i = 0; i < N_FILES; i++)
    {
      steps_add (fixture, paths[i], 100 + i, FIXTURE_HELD);
      requests[i] = fixture_get (fixture, paths[i]);
    }
  steps_spin (fixture);
}

static void
raise_gates (ManagerFixture *fixture)
{
  for (guint i = 0; i < N_FILES; i++)
    steps_set_gate (fixture, paths[i], 0);
}

/* The places of all requests, in the order in which they were asked for. */
static void
assert_places (DrayRequest **requests, const gint *places)
{
  for (guint i = 0; i < N_FILES; i++)
    {
      g_test_message ("%s", paths[i]);
      g_assert_cmpint (dray_request_get_queue_position (requests[i]), ==, places[i]);
      if (places[i] >= 0)
        g_assert_cmpint (dray_request_get_state (requests[i]), ==, DRAY_REQUEST_QUEUED);
    }
}

/* The server was asked for these letters, in this order. */
static void
assert_asked (ManagerFixture *fixture, const char *letters)
{
  g_autoptr (GPtrArray) log = dray_test_server_dup_log (fixture->server);
  g_autoptr (GString) asked = g_string_new (NULL);

  for (guint i = 0; i < log->len; i++)
    g_string_append_c (asked, ((DrayTestRecord *) g_ptr_array_index (log, i))->target[1]);
  g_assert_cmpstr (asked->str, ==, letters);
}

static void
assert_all_completed (ManagerFixture *fixture, DrayRequest **requests)
{
  for (guint i = 0; i < N_FILES; i++)
    {
      fixture_wait_for_end (requests[i]);
      fixture_assert_completed (fixture, requests[i], paths[i]);
      g_assert_cmpint (dray_request_get_queue_position (requests[i]), ==, -1);
    }
}

/* Three run unless somebody says otherwise; each that ends lets the next one in. */
static void
test_default (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *requests[N_FILES];
  guint max_transfers;

  fixture_close (fixture);
  steps_open (fixture, 0, FALSE);
  g_object_get (fixture->manager, "max-transfers", &max_transfers, NULL);
  g_assert_cmpuint (max_transfers, ==, 3);

  ask_for_all (fixture, 0, requests);
  for (guint i = 0; i < 3; i++)
    fixture_wait_for_bytes (requests[i], FIXTURE_HELD);
  assert_places (requests, (const gint[]){ -1, -1, -1, 0, 1 });

  steps_set_gate (fixture, paths[1], 0);
  fixture_wait_for_bytes (requests[3], FIXTURE_HELD);
  fixture_assert_completed (fixture, requests[1], paths[1]);
  assert_places (requests, (const gint[]){ -1, -1, -1, -1, 0 });

  raise_gates (fixture);
  assert_all_completed (fixture, requests);
  g_assert_cmpuint (dray_test_server_get_most_open_bodies (fixture->server), ==, 3);
}

/* One that is paused, fails or is discarded lets the next one in as well. */
static void
test_freed (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayTestBehaviour gone = { .answer = { .times = DRAY_TEST_ALWAYS, .status = 404 } };
  DrayRequest *requests[N_FILES];

  ask_for_all (fixture, 1, requests);
  dray_test_server_set_behaviour (fixture->server, paths[1], &gone);
  fixture_wait_for_bytes (requests[0], FIXTURE_HELD);
  fixture_cancel (fixture, dray_request_get_id (requests[0]), FALSE);
  fixture_wait_for_end (requests[1]);
  fixture_assert_failed (fixture, requests[1], DRAY_ERROR_NOT_FOUND);
  fixture_wait_for_bytes (requests[2], FIXTURE_HELD);
  fixture_cancel (fixture, dray_request_get_id (requests[2]), TRUE);
  fixture_wait_for_bytes (requests[3], FIXTURE_HELD);

  /* One that waits leaves its place to the next. */
  fixture_cancel (fixture, dray_request_get_id (requests[4]), FALSE);
  g_assert_cmpint (dray_request_get_state (requests[4]), ==, DRAY_REQUEST_PAUSED);
  g_assert_cmpint (dray_request_get_queue_position (requests[4]), ==, -1);
  assert_asked (fixture, "abcd");
}

static void
move (ManagerFixture *fixture, DrayRequest *request, guint position)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (
      dray_manager_move (fixture->manager, dray_request_get_id (request), position, &error));
  g_assert_no_error (error);
  steps_spin (fixture);
}

static void
test_move (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *requests[N_FILES];

  ask_for_all (fixture, 1, requests);
  fixture_wait_for_bytes (requests[0], FIXTURE_HELD);
  assert_places (requests, (const gint[]){ -1, 0, 1, 2, 3 });
  move (fixture, requests[3], 0);
  assert_places (requests, (const gint[]){ -1, 1, 2, 0, 3 });
  move (fixture, requests[1], G_MAXUINT);
  assert_places (requests, (const gint[]){ -1, 3, 1, 0, 2 });
  move (fixture, requests[3], 1);
  assert_places (requests, (const gint[]){ -1, 3, 0, 1, 2 });
  move (fixture, requests[3], 1);
  assert_places (requests, (const gint[]){ -1, 3, 0, 1, 2 });
  move (fixture, requests[3], 3);
  assert_places (requests, (const gint[]){ -1, 2, 0, 3, 1 });

  raise_gates (fixture);
  assert_all_completed (fixture, requests);
  assert_asked (fixture, "acebd");
}

/* Only what waits has a place to be changed. */
static void
test_not_queued (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const char *const unknown[] = { "", "nobody", "\xff" };
  DrayRequest *requests[N_FILES];

  ask_for_all (fixture, 2, requests);
  fixture_wait_for_bytes (requests[0], FIXTURE_HELD);
  fixture_cancel (fixture, dray_request_get_id (requests[4]), FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (unknown) + 2; i++)
    {
      const char *id = i < G_N_ELEMENTS (unknown)
                           ? unknown[i]
                           : dray_request_get_id (requests[i == G_N_ELEMENTS (unknown) ? 0 : 4]);
      g_autoptr (GError) moved = NULL;
      g_autoptr (GError) started = NULL;

      g_assert_false (dray_manager_move (fixture->manager, id, 0, &moved));
      g_assert_error (moved, DRAY_ERROR, DRAY_ERROR_NOT_FOUND);
      g_assert_false (dray_manager_start_now (fixture->manager, id, &started));
      g_assert_error (started, DRAY_ERROR, DRAY_ERROR_NOT_FOUND);
    }
  assert_places (requests, (const gint[]){ -1, -1, 0, 1, -1 });
}

/* It starts beside what runs, once: when it is run again, it waits as others do. */
static void
test_start_now (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *requests[N_FILES];

  ask_for_all (fixture, 1, requests);
  fixture_wait_for_bytes (requests[0], FIXTURE_HELD);
  g_assert_true (
      dray_manager_start_now (fixture->manager, dray_request_get_id (requests[2]), NULL));
  fixture_wait_for_bytes (requests[2], FIXTURE_HELD);
  assert_places (requests, (const gint[]){ -1, 0, -1, 1, 2 });
  assert_asked (fixture, "ac");

  fixture_cancel (fixture, dray_request_get_id (requests[2]), FALSE);
  fixture_resume (fixture, requests[2]);
  steps_spin (fixture);
  assert_places (requests, (const gint[]){ -1, 0, 3, 1, 2 });

  raise_gates (fixture);
  assert_all_completed (fixture, requests);
  assert_asked (fixture, "acbdec");
}

/* Whoever joins a transfer needs no turn. */
static void
test_join (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *requests[N_FILES], *joined, *waiting;

  ask_for_all (fixture, 1, requests);
  fixture_wait_for_bytes (requests[0], FIXTURE_HELD);
  joined = fixture_get_with (fixture, paths[0], "caller", "another", NULL);
  waiting = fixture_get_with (fixture, paths[4], "caller", "another", NULL);
  steps_spin (fixture);
  g_assert_cmpint (dray_request_get_downloaded (joined), ==, FIXTURE_HELD);
  g_assert_cmpint (dray_request_get_queue_position (joined), ==, -1);
  g_assert_cmpint (dray_request_get_queue_position (waiting), ==, 4);
  assert_places (requests, (const gint[]){ -1, 0, 1, 2, 3 });

  /* The first of those who want it brings the others with it. */
  move (fixture, waiting, 0);
  steps_set_gate (fixture, paths[0], 0);
  fixture_wait_for_bytes (requests[4], FIXTURE_HELD);
  g_assert_cmpint (dray_request_get_downloaded (waiting), ==, FIXTURE_HELD);
  assert_asked (fixture, "ae");
}

static void
count_cb (G_GNUC_UNUSED GObject *object, G_GNUC_UNUSED GParamSpec *pspec, gpointer user_data)
{
  (*(guint *) user_data)++;
}

/* A larger number starts more at once, a smaller one stops nobody. */
static void
test_live (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *requests[N_FILES];
  guint n_notified = 0;

  g_signal_connect (fixture->manager, "notify::max-transfers", G_CALLBACK (count_cb), &n_notified);
  ask_for_all (fixture, 1, requests);
  fixture_wait_for_bytes (requests[0], FIXTURE_HELD);
  g_object_set (fixture->manager, "max-transfers", 3, NULL);
  fixture_wait_for_bytes (requests[1], FIXTURE_HELD);
  fixture_wait_for_bytes (requests[2], FIXTURE_HELD);
  assert_places (requests, (const gint[]){ -1, -1, -1, 0, 1 });

  g_object_set (fixture->manager, "max-transfers", 1, NULL);
  g_object_set (fixture->manager, "max-transfers", 1, NULL);
  g_assert_cmpuint (n_notified, ==, 3);
  steps_set_gate (fixture, paths[0], 0);
  fixture_wait_for_end (requests[0]);
  steps_set_gate (fixture, paths[1], 0);
  fixture_wait_for_end (requests[1]);
  steps_spin (fixture);
  assert_places (requests, (const gint[]){ -1, -1, -1, 0, 1 });
  g_assert_cmpuint (dray_test_server_get_open_bodies (fixture->server), ==, 1);

  raise_gates (fixture);
  assert_all_completed (fixture, requests);
  g_assert_cmpuint (dray_test_server_get_most_open_bodies (fixture->server), ==, 3);
}

/* No number that would let nobody run is taken. */
static void
test_bounds (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const guint wrong[] = { 0, 101, G_MAXUINT };
  guint max_transfers;

  dray_manager_set_max_transfers (fixture->manager, 7);
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_test_expect_message ("dray", G_LOG_LEVEL_CRITICAL, "*max_transfers*");
      dray_manager_set_max_transfers (fixture->manager, wrong[i]);
      g_test_assert_expected_messages ();
      g_object_get (fixture->manager, "max-transfers", &max_transfers, NULL);
      g_assert_cmpuint (max_transfers, ==, 7);
    }
}

/* Who runs again goes to the end. */
static void
test_resume (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *requests[N_FILES];

  ask_for_all (fixture, 1, requests);
  fixture_wait_for_bytes (requests[0], FIXTURE_HELD);
  fixture_cancel (fixture, dray_request_get_id (requests[1]), FALSE);
  fixture_resume (fixture, requests[1]);
  steps_spin (fixture);
  assert_places (requests, (const gint[]){ -1, 3, 0, 1, 2 });
  fixture_cancel (fixture, dray_request_get_id (requests[0]), FALSE);
  fixture_resume (fixture, requests[0]);
  fixture_wait_for_bytes (requests[2], FIXTURE_HELD);
  steps_spin (fixture);
  assert_places (requests, (const gint[]){ 3, 2, -1, 0, 1 });
}

/* The order that the person has made is there at the next start. */
static void
test_restart (ManagerFixture *fixture, gconstpointer data)
{
  gboolean resumes = GPOINTER_TO_INT (data);
  g_auto (GStrv) ids = g_new0 (char *, N_FILES + 1);
  DrayRequest *requests[N_FILES];

  ask_for_all (fixture, 1, requests);
  fixture_wait_for_bytes (requests[0], FIXTURE_HELD);
  move (fixture, requests[4], 0);
  move (fixture, requests[1], 2);
  assert_places (requests, (const gint[]){ -1, 2, 1, 3, 0 });
  for (guint i = 0; i < N_FILES; i++)
    ids[i] = g_strdup (dray_request_get_id (requests[i]));

  steps_reopen (fixture, 1, resumes);
  for (guint i = 0; i < N_FILES; i++)
    requests[i] = steps_find (fixture, ids[i]);
  if (!resumes)
    {
      for (guint i = 0; i < N_FILES; i++)
        g_assert_cmpint (dray_request_get_state (requests[i]), ==, DRAY_REQUEST_PAUSED);
      return;
    }

  steps_spin (fixture);
  fixture_wait_for_state (requests[0], DRAY_REQUEST_DOWNLOADING);
  assert_places (requests, (const gint[]){ -1, 2, 1, 3, 0 });
  raise_gates (fixture);
  assert_all_completed (fixture, requests);
  assert_asked (fixture, "aaecbd");
  g_assert_cmpint (fixture_get_body_bytes (fixture, paths[0]), ==, FIXTURE_SIZE);
}

static void
add (const char *name, gconstpointer data, void (*test) (ManagerFixture *, gconstpointer))
{
  g_autofree char *path = g_strconcat ("/manager-queue/", name, NULL);

  g_test_add (path, ManagerFixture, data, fixture_set_up, test, fixture_tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("default", NULL, test_default);
  add ("freed", NULL, test_freed);
  add ("move", NULL, test_move);
  add ("not-queued", NULL, test_not_queued);
  add ("start-now", NULL, test_start_now);
  add ("join", NULL, test_join);
  add ("live", NULL, test_live);
  add ("bounds", NULL, test_bounds);
  add ("resume", NULL, test_resume);
  add ("restart/resumes", GINT_TO_POINTER (TRUE), test_restart);
  add ("restart/paused", GINT_TO_POINTER (FALSE), test_restart);

  return g_test_run ();
}
