/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Holding everything: no byte moves and nobody settles, until the release. */

#include "tests/core/manager-steps.h"

#include "core/request/manager-private.h"

#define OTHER_PATH "/other.gguf"

static void
assert_held (DrayRequest *request)
{
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_WAITING);
  g_assert_cmpstr (dray_request_get_reason (request), ==, "held");
  g_assert_cmpint (dray_request_get_speed (request), ==, 0);
  g_assert_cmpint (dray_request_get_wait (request), ==, -1);
  g_assert_cmpint (dray_request_get_queue_position (request), ==, -1);
}

/* Nothing is open, and nothing more is asked for. */
static void
assert_quiet (ManagerFixture *fixture)
{
  guint n_asked = dray_test_server_get_n_requests (fixture->server);
  gint64 n_bytes = dray_test_server_get_body_bytes (fixture->server);

  g_assert_true (dray_test_server_wait_until_idle (fixture->server, 60000));
  steps_spin (fixture);
  g_assert_cmpuint (dray_test_server_get_n_requests (fixture->server), ==, n_asked);
  g_assert_cmpint (dray_test_server_get_body_bytes (fixture->server), ==, n_bytes);
}

/* One that runs, with as many bytes as its gate lets through. */
static DrayRequest *
get_gated (ManagerFixture *fixture, const char *path)
{
  DrayRequest *request;

  steps_add (fixture, path, 31, FIXTURE_HELD);
  request = fixture_get (fixture, path);
  fixture_wait_for_bytes (request, FIXTURE_HELD);

  return request;
}

static void
answered_cb (G_GNUC_UNUSED GObject *source, G_GNUC_UNUSED GAsyncResult *result, gpointer user_data)
{
  (*(guint *) user_data)++;
}

static void
count_cb (G_GNUC_UNUSED GObject *object, G_GNUC_UNUSED GParamSpec *pspec, gpointer user_data)
{
  (*(guint *) user_data)++;
}

static void
test_bytes (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  guint n_answered = 0, n_notified = 0;
  DrayRequest *running, *late;

  g_signal_connect (fixture->manager, "notify::held", G_CALLBACK (count_cb), &n_notified);
  running = get_gated (fixture, FIXTURE_PATH);
  dray_request_await_async (running, NULL, answered_cb, &n_answered);
  steps_hold (fixture);
  assert_held (running);
  g_assert_true (dray_manager_get_held (fixture->manager));
  steps_set_gate (fixture, FIXTURE_PATH, 0);

  steps_add (fixture, OTHER_PATH, 32, 0);
  late = fixture_get (fixture, OTHER_PATH);
  assert_held (late);
  assert_quiet (fixture);
  assert_held (running);
  assert_held (late);
  g_assert_cmpint (dray_request_get_downloaded (running), ==, FIXTURE_HELD);
  g_assert_cmpuint (n_answered, ==, 0);

  /* Twice is once. */
  steps_hold (fixture);
  g_assert_cmpuint (n_notified, ==, 1);
  dray_manager_release (fixture->manager);
  dray_manager_release (fixture->manager);
  g_assert_cmpuint (n_notified, ==, 2);
  fixture_wait_for_end (running);
  fixture_wait_for_end (late);
  fixture_assert_completed (fixture, running, FIXTURE_PATH);
  fixture_assert_completed (fixture, late, OTHER_PATH);
  g_assert_cmpint (fixture_get_body_bytes (fixture, FIXTURE_PATH), ==, FIXTURE_SIZE);
  g_assert_cmpuint (n_answered, ==, 1);
}

/* A hold and a release at once, and a hold before anything has begun. */
static void
test_at_once (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *running = get_gated (fixture, FIXTURE_PATH);
  DrayRequest *late;

  dray_manager_hold_async (fixture->manager, NULL, NULL);
  dray_manager_release (fixture->manager);
  steps_set_gate (fixture, FIXTURE_PATH, 0);
  fixture_wait_for_end (running);
  fixture_assert_completed (fixture, running, FIXTURE_PATH);

  steps_add (fixture, OTHER_PATH, 32, 0);
  late = fixture_get (fixture, OTHER_PATH);
  steps_hold (fixture);
  assert_held (late);
  g_assert_cmpuint (steps_count_asked (fixture, OTHER_PATH), ==, 0);
  dray_manager_release (fixture->manager);
  fixture_wait_for_end (late);
  fixture_assert_completed (fixture, late, OTHER_PATH);
}

static void
test_cancel (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *paused = get_gated (fixture, FIXTURE_PATH);
  DrayRequest *swept = get_gated (fixture, OTHER_PATH);
  g_autoptr (DrayRequest) discarded = g_object_ref (get_gated (fixture, "/third.gguf"));

  steps_hold (fixture);
  g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (paused), FALSE), ==, 1);
  g_assert_cmpint (dray_request_get_state (paused), ==, DRAY_REQUEST_PAUSED);
  g_assert_null (dray_request_get_reason (paused));
  g_assert_cmpint (dray_request_get_downloaded (paused), ==, FIXTURE_HELD);
  g_assert_cmpuint (fixture_cancel_model (fixture, dray_request_get_model_id (swept)), ==, 1);
  g_assert_cmpint (dray_request_get_state (swept), ==, DRAY_REQUEST_PAUSED);
  g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (discarded), TRUE), ==, 1);
  g_assert_cmpint (dray_request_get_state (discarded), ==, DRAY_REQUEST_DISCARDED);
  g_assert_cmpuint (fixture_count_files (fixture, TRUE), ==, 2);

  fixture_resume (fixture, paused);
  assert_held (paused);
  assert_quiet (fixture);
  dray_manager_release (fixture->manager);
  steps_set_gate (fixture, FIXTURE_PATH, 0);
  fixture_wait_for_end (paused);
  fixture_assert_completed (fixture, paused, FIXTURE_PATH);
  g_assert_cmpint (dray_request_get_state (swept), ==, DRAY_REQUEST_PAUSED);
}

/* The hold is there at the next start, whether what ran is to run again or not. */
static void
test_restart (ManagerFixture *fixture, gconstpointer data)
{
  gboolean resumes = GPOINTER_TO_INT (data);
  DrayRequest *request = get_gated (fixture, FIXTURE_PATH);
  g_autofree char *id = g_strdup (dray_request_get_id (request));

  steps_hold (fixture);
  steps_reopen (fixture, 3, resumes);
  g_assert_true (dray_manager_get_held (fixture->manager));
  request = steps_find (fixture, id);
  if (!resumes)
    {
      g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_PAUSED);
      fixture_resume (fixture, request);
    }
  steps_set_gate (fixture, FIXTURE_PATH, 0);
  assert_quiet (fixture);
  assert_held (request);

  steps_reopen (fixture, 3, TRUE);
  request = steps_find (fixture, id);
  assert_held (request);
  dray_manager_release (fixture->manager);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
  g_assert_cmpint (fixture_get_body_bytes (fixture, FIXTURE_PATH), ==, FIXTURE_SIZE);

  steps_reopen (fixture, 3, TRUE);
  g_assert_false (dray_manager_get_held (fixture->manager));
}

static void
hold_cb (DrayRequest *request, G_GNUC_UNUSED GParamSpec *pspec, gpointer user_data)
{
  ManagerFixture *fixture = user_data;

  if (dray_request_get_state (request) == DRAY_REQUEST_COMPLETED
      || dray_request_get_state (request) == DRAY_REQUEST_LOADING)
    dray_manager_hold_async (fixture->manager, NULL, NULL);
}

/* A listener holds when the first of two callers has its file: the other gets it after the
 * release. */
static void
test_between_callers (ManagerFixture *fixture, gconstpointer data)
{
  gboolean elsewhere = GPOINTER_TO_INT (data);
  g_autofree char *folder = steps_dup_folder (fixture, "elsewhere");
  DrayRequest *first, *second;

  first = get_gated (fixture, FIXTURE_PATH);
  second = fixture_get_with (fixture, FIXTURE_PATH, "caller", "another", "directory",
                             elsewhere ? folder : fixture->directory, NULL);
  g_signal_connect (first, "notify::state", G_CALLBACK (hold_cb), fixture);
  steps_set_gate (fixture, FIXTURE_PATH, 0);
  fixture_wait_for_end (first);
  g_assert_true (dray_manager_get_held (fixture->manager));
  steps_spin (fixture);
  assert_held (second);
  assert_quiet (fixture);
  g_assert_cmpuint (steps_count_in (folder), ==, 0);

  dray_manager_release (fixture->manager);
  fixture_wait_for_end (second);
  fixture_assert_completed (fixture, second, FIXTURE_PATH);
  g_assert_cmpuint (steps_count_asked (fixture, FIXTURE_PATH), ==, 1);
}

/* A load that is held while it reads does not settle, even if it is done by then. */
static void
test_loading (ManagerFixture *fixture, gconstpointer data)
{
  gboolean cancels = GPOINTER_TO_INT (data);
  DrayRequest *request = steps_load_with (fixture, FIXTURE_PATH, NULL, NULL);

  g_signal_connect (request, "notify::state", G_CALLBACK (hold_cb), fixture);
  fixture_wait_for_state (request, DRAY_REQUEST_LOADING);
  steps_hold (fixture);
  assert_held (request);
  if (cancels)
    {
      g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (request), FALSE), ==, 1);
      g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_PAUSED);
      return;
    }

  g_signal_handlers_disconnect_by_func (request, hold_cb, fixture);
  dray_manager_release (fixture->manager);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
  g_assert_nonnull (dray_request_get_facts (request));
  g_assert_cmpuint (steps_count_asked (fixture, FIXTURE_PATH), ==, 1);
}

/* A transfer that breaks when it is held has not failed. */
static void
test_broken (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayTestBehaviour gone = { .answer = { .times = DRAY_TEST_ALWAYS, .status = 404 } };
  DrayRequest *request;

  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &gone);
  request = fixture_get (fixture, FIXTURE_PATH);
  fixture_wait_for_asked (fixture, 1);
  steps_hold (fixture);
  if (dray_request_get_state (request) != DRAY_REQUEST_FAILED)
    assert_held (request);
  dray_manager_release (fixture->manager);
  fixture_wait_for_end (request);
  fixture_assert_failed (fixture, request, DRAY_ERROR_NOT_FOUND);
}

/* A parent is held with its children, and is no reason to settle. */
static void
test_set (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const char *const shards[] = { "/m-00001-of-00002.gguf", "/m-00002-of-00002.gguf" };
  DrayRequest *parent;

  for (guint i = 0; i < G_N_ELEMENTS (shards); i++)
    steps_add (fixture, shards[i], 40 + i, FIXTURE_HELD);
  parent = fixture_get (fixture, shards[0]);
  fixture_wait_for_bytes (parent, 2 * FIXTURE_HELD);
  steps_hold (fixture);
  assert_held (parent);
  for (guint i = 0; i < G_N_ELEMENTS (shards); i++)
    steps_set_gate (fixture, shards[i], 0);
  assert_quiet (fixture);

  steps_reopen (fixture, 3, TRUE);
  parent = g_list_model_get_item (dray_manager_get_requests (fixture->manager), 0);
  g_object_unref (parent);
  assert_held (parent);
  dray_manager_release (fixture->manager);
  fixture_wait_for_end (parent);
  g_assert_cmpint (dray_request_get_state (parent), ==, DRAY_REQUEST_COMPLETED);
  g_assert_cmpint (dray_request_get_downloaded (parent), ==, 2 * FIXTURE_SIZE);
}

/* What is held may be closed, and a hold that has not reported does. */
static void
test_close (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  guint n_answered = 0;

  get_gated (fixture, FIXTURE_PATH);
  dray_manager_hold_async (fixture->manager, answered_cb, &n_answered);
  dray_manager_hold_async (fixture->manager, answered_cb, &n_answered);
  fixture_close (fixture);
  g_assert_cmpuint (n_answered, ==, 2);
  fixture_open (fixture);
  g_assert_true (dray_manager_get_held (fixture->manager));
  g_assert_cmpint (dray_request_get_state (fixture_get_only_request (fixture)), ==,
                   DRAY_REQUEST_PAUSED);
}

static void
add (const char *name, gconstpointer data, void (*test) (ManagerFixture *, gconstpointer))
{
  g_autofree char *path = g_strconcat ("/manager-hold/", name, NULL);

  g_test_add (path, ManagerFixture, data, fixture_set_up, test, fixture_tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("bytes", NULL, test_bytes);
  add ("at-once", NULL, test_at_once);
  add ("cancel", NULL, test_cancel);
  add ("restart/resumes", GINT_TO_POINTER (TRUE), test_restart);
  add ("restart/paused", GINT_TO_POINTER (FALSE), test_restart);
  add ("between-callers/same-folder", GINT_TO_POINTER (FALSE), test_between_callers);
  add ("between-callers/other-folder", GINT_TO_POINTER (TRUE), test_between_callers);
  add ("loading/release", GINT_TO_POINTER (FALSE), test_loading);
  add ("loading/cancel", GINT_TO_POINTER (TRUE), test_loading);
  add ("broken", NULL, test_broken);
  add ("set", NULL, test_set);
  add ("close", NULL, test_close);

  return g_test_run ();
}
