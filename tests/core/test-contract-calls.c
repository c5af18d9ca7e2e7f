/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Calls that nobody should make, or not at that moment: each is answered, and harms nothing. */

#include "tests/core/manager-fixture.h"

#define N_CALLERS 1000

/* Ids that no request has, and texts that no model has. */
static const char *const unknown[] = {
  "",
  " ",
  "no-such-request",
  "00000000-0000-4000-8000-000000000000",
  "'; DELETE FROM requests; --",
  "%",
  "*",
  "url:",
  "url:http://nowhere.invalid/model.gguf",
  "\xff\xfe",
  "../../etc/passwd",
};

static void
set_gate (ManagerFixture *fixture, gint64 gate)
{
  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH,
                                  &(DrayTestBehaviour){ .gate = gate });
}

/* A request with just the held bytes, and more that do not come until the gate is raised. */
static DrayRequest *
get_held (ManagerFixture *fixture, const char *caller)
{
  DrayRequest *request;

  set_gate (fixture, FIXTURE_HELD);
  request = fixture_get_with (fixture, FIXTURE_PATH, "caller", caller, NULL);
  fixture_wait_for_bytes (request, FIXTURE_HELD);
  return request;
}

static void
keep_count_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  int *count = user_data;

  *count = (int) dray_manager_cancel_finish (DRAY_MANAGER (source), result);
}

static gboolean
is_counted (gpointer data)
{
  return *(int *) data >= 0;
}

static void
cancel_soon (ManagerFixture *fixture, DrayRequest *request, gboolean clear_cache, int *count)
{
  *count = -1;
  dray_manager_cancel_async (fixture->manager, dray_request_get_id (request), clear_cache,
                             keep_count_cb, count);
}

/* What nobody knows is not found, and whoever runs goes on. */
static void
test_unknown (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *endless = g_strnfill (1 << 20, 'a');
  DrayRequest *request = get_held (fixture, "test");

  for (guint i = 0; i <= G_N_ELEMENTS (unknown); i++)
    {
      const char *id = i < G_N_ELEMENTS (unknown) ? unknown[i] : endless;
      g_autoptr (GError) resumed = NULL;
      g_autoptr (GError) removed = NULL;

      g_assert_null (dray_manager_find_request (fixture->manager, id));
      g_assert_cmpuint (fixture_cancel (fixture, id, FALSE), ==, 0);
      g_assert_cmpuint (fixture_cancel (fixture, id, TRUE), ==, 0);
      g_assert_cmpuint (fixture_cancel_model (fixture, id), ==, 0);
      g_assert_false (dray_manager_resume (fixture->manager, id, FALSE, &resumed));
      g_assert_error (resumed, DRAY_ERROR, DRAY_ERROR_NOT_FOUND);
      g_assert_false (fixture_remove (fixture, id, &removed));
      g_assert_error (removed, DRAY_ERROR, DRAY_ERROR_NOT_FOUND);
    }

  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_DOWNLOADING);
  g_assert_cmpuint (dray_test_server_get_open_bodies (fixture->server), ==, 1);
  g_assert_cmpuint (dray_test_server_get_n_requests (fixture->server), ==, 1);
}

/* Two cancels before either has reported: both report, and the request is paused once. */
static void
test_double_cancel (ManagerFixture *fixture, gconstpointer data)
{
  gboolean clear_cache = GPOINTER_TO_INT (data);
  g_autoptr (DrayRequest) request = g_object_ref (get_held (fixture, "test"));
  int first, second;

  cancel_soon (fixture, request, clear_cache, &first);
  cancel_soon (fixture, request, clear_cache, &second);
  fixture_wait (is_counted, &first);
  fixture_wait (is_counted, &second);
  g_assert_cmpint (first, ==, 1);
  g_assert_cmpint (second, <=, 1);
  g_assert_cmpint (dray_request_get_state (request), ==,
                   clear_cache ? DRAY_REQUEST_DISCARDED : DRAY_REQUEST_PAUSED);
  g_assert_cmpuint (fixture_count_files (fixture, TRUE), ==, clear_cache ? 0 : 1);
  g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (request), clear_cache), ==, 0);
}

/* A pause and a discard before either has reported: the discard holds. */
static void
test_pause_and_discard (ManagerFixture *fixture, gconstpointer data)
{
  gboolean discard_first = GPOINTER_TO_INT (data);
  g_autoptr (DrayRequest) request = g_object_ref (get_held (fixture, "test"));
  int first, second;

  cancel_soon (fixture, request, discard_first, &first);
  cancel_soon (fixture, request, !discard_first, &second);
  fixture_wait (is_counted, &first);
  fixture_wait (is_counted, &second);
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_DISCARDED);
  g_assert_cmpuint (fixture_count_requests (fixture), ==, 0);
  g_assert_cmpuint (fixture_count_files (fixture, TRUE), ==, 0);
}

/* A cancel before the work began prevents it: the server never hears of it. */
static void
test_before_start (ManagerFixture *fixture, gconstpointer data)
{
  gboolean clear_cache = GPOINTER_TO_INT (data);
  g_autoptr (DrayRequest) request = g_object_ref (fixture_get (fixture, FIXTURE_PATH));
  int count;

  cancel_soon (fixture, request, clear_cache, &count);
  fixture_wait (is_counted, &count);
  g_assert_cmpint (count, ==, 1);
  g_assert_cmpint (dray_request_get_state (request), ==,
                   clear_cache ? DRAY_REQUEST_DISCARDED : DRAY_REQUEST_PAUSED);
  g_assert_cmpuint (dray_test_server_get_n_requests (fixture->server), ==, 0);
  g_assert_cmpuint (fixture_count_files (fixture, TRUE), ==, 0);
}

/* What is complete stays complete. */
static void
test_finished (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request = fixture_get (fixture, FIXTURE_PATH);
  g_autoptr (GError) error = NULL;
  int first, second;

  fixture_wait_for_end (request);
  cancel_soon (fixture, request, FALSE, &first);
  cancel_soon (fixture, request, TRUE, &second);
  fixture_wait (is_counted, &first);
  fixture_wait (is_counted, &second);
  g_assert_cmpint (first + second, ==, 0);
  g_assert_cmpuint (fixture_cancel_model (fixture, dray_request_get_model_id (request)), ==, 0);
  g_assert_false (
      dray_manager_resume (fixture->manager, dray_request_get_id (request), FALSE, &error));
  g_assert_error (error, DRAY_ERROR, DRAY_ERROR_NOT_FOUND);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
}

/* A thousand callers ask for one file: one connection, and each is its own. */
static void
test_thousand (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GPtrArray) requests = g_ptr_array_new_with_free_func (g_object_unref);
  DrayRequest *last;

  set_gate (fixture, FIXTURE_HELD);
  for (guint i = 0; i < N_CALLERS; i++)
    {
      g_autofree char *caller = g_strdup_printf ("caller-%u", i);

      g_ptr_array_add (requests, g_object_ref (fixture_get_with (fixture, FIXTURE_PATH, "caller",
                                                                 caller, NULL)));
    }
  last = g_ptr_array_index (requests, N_CALLERS - 1);
  fixture_wait_for_bytes (last, FIXTURE_HELD);
  for (guint i = 0; i < N_CALLERS - 1; i++)
    {
      DrayRequest *request = g_ptr_array_index (requests, i);

      g_assert_cmpint (dray_request_get_downloaded (request), ==, FIXTURE_HELD);
      g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (request), i % 2 == 0), ==, 1);
    }
  g_assert_true (dray_request_is_running (last));
  g_assert_cmpuint (dray_test_server_get_open_bodies (fixture->server), ==, 1);

  set_gate (fixture, 0);
  fixture_wait_for_end (last);
  fixture_assert_completed (fixture, last, FIXTURE_PATH);
  g_assert_cmpuint (dray_test_server_get_n_requests (fixture->server), ==, 1);
}

typedef struct
{
  ManagerFixture *fixture;
  DrayRequest *request;
  gboolean clear_cache;
  int count;
  gboolean asks_again;
} Meddler;

static void
meddle_cb (GObject *object, G_GNUC_UNUSED GParamSpec *pspec, gpointer user_data)
{
  Meddler *meddler = user_data;

  if (meddler->count < -1 && dray_request_get_downloaded (DRAY_REQUEST (object)) > 0)
    cancel_soon (meddler->fixture, DRAY_REQUEST (object), meddler->clear_cache, &meddler->count);
}

/* Somebody cancels from inside the handler of what it listens to, while another shares the
 * transfer. */
static void
test_cancel_in_notify (ManagerFixture *fixture, gconstpointer data)
{
  static const char *const signals[] = { "notify::downloaded", "notify::state", "notify" };
  Meddler meddler = { .fixture = fixture, .clear_cache = GPOINTER_TO_INT (data) };

  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    {
      g_autofree char *path = g_strdup_printf ("/meddled-%u.gguf", i);
      g_autoptr (DrayRequest) request = NULL;
      DrayRequest *other;

      dray_test_server_add_gguf (fixture->server, path, i, FIXTURE_SIZE);
      dray_test_server_set_behaviour (fixture->server, path,
                                      &(DrayTestBehaviour){ .gate = FIXTURE_HELD });
      request = g_object_ref (fixture_get (fixture, path));
      other = fixture_get_with (fixture, path, "caller", "another", NULL);
      meddler.count = -2;
      g_signal_connect (request, signals[i], G_CALLBACK (meddle_cb), &meddler);
      fixture_wait (is_counted, &meddler.count);
      g_signal_handlers_disconnect_by_data (request, &meddler);
      g_assert_cmpint (dray_request_get_state (request), ==,
                       meddler.clear_cache ? DRAY_REQUEST_DISCARDED : DRAY_REQUEST_PAUSED);

      dray_test_server_set_behaviour (fixture->server, path, &(DrayTestBehaviour){ 0 });
      fixture_wait_for_end (other);
      fixture_assert_completed (fixture, other, path);
      g_assert_cmpint (fixture_get_body_bytes (fixture, path), ==, FIXTURE_SIZE);
    }
}

static void
told_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Meddler *meddler = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = dray_request_await_finish (DRAY_REQUEST (source), result, &error);

  g_assert_null (path);
  g_assert_error (error, DRAY_ERROR, DRAY_ERROR_CANCELLED);
  set_gate (meddler->fixture, 0);
  if (meddler->asks_again)
    meddler->request = fixture_get (meddler->fixture, FIXTURE_PATH);
  cancel_soon (meddler->fixture, DRAY_REQUEST (source), TRUE, &meddler->count);
}

/* Whoever is told of a pause discards at once; with the data TRUE, after asking again. */
static void
test_cancel_in_await (ManagerFixture *fixture, gconstpointer data)
{
  Meddler meddler = { .fixture = fixture, .asks_again = GPOINTER_TO_INT (data), .count = -1 };
  g_autoptr (DrayRequest) request = g_object_ref (get_held (fixture, "test"));

  dray_request_await_async (request, NULL, told_cb, &meddler);
  g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (request), FALSE), ==, 1);
  fixture_wait (is_counted, &meddler.count);
  if (!meddler.asks_again)
    {
      g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_DISCARDED);
      g_assert_cmpuint (fixture_count_files (fixture, TRUE), ==, 0);
      return;
    }

  fixture_wait_for_end (meddler.request);
  fixture_assert_completed (fixture, meddler.request, FIXTURE_PATH);
  g_assert_cmpint (fixture_get_body_bytes (fixture, FIXTURE_PATH), ==, FIXTURE_SIZE);
}

static void
let_go_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  gboolean *told = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = dray_request_await_finish (DRAY_REQUEST (source), result, &error);

  g_assert_null (path);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  *told = TRUE;
}

static gboolean
is_set (gpointer data)
{
  return *(gboolean *) data;
}

/* A caller that waits no longer has not cancelled what it asked for. */
static void
test_wait_no_longer (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  DrayRequest *request = get_held (fixture, "test");
  gboolean told = FALSE;

  dray_request_await_async (request, cancellable, let_go_cb, &told);
  g_cancellable_cancel (cancellable);
  set_gate (fixture, 0);
  fixture_wait_for_end (request);
  fixture_wait (is_set, &told);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
}

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  gboolean *closed = user_data;

  dray_manager_close_finish (DRAY_MANAGER (source), result);
  *closed = TRUE;
}

/* All ends well that was under way when the program closes: each call reports before the close. */
static void
test_close_during_everything (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *requests[6];
  int counts[G_N_ELEMENTS (requests)];
  g_autoptr (GError) error = NULL;
  gboolean closed = FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (requests); i++)
    {
      g_autofree char *path = g_strdup_printf ("/closed-%u.gguf", i);

      dray_test_server_add_gguf (fixture->server, path, i, FIXTURE_SIZE);
      dray_test_server_set_behaviour (fixture->server, path,
                                      &(DrayTestBehaviour){ .gate = FIXTURE_HELD });
      requests[i] = g_object_ref (fixture_get (fixture, path));
      if (i == 0)
        fixture_wait_for_bytes (requests[i], FIXTURE_HELD);
      counts[i] = 0;
    }
  cancel_soon (fixture, requests[0], TRUE, &counts[0]);
  cancel_soon (fixture, requests[1], FALSE, &counts[1]);
  cancel_soon (fixture, requests[2], TRUE, &counts[2]);
  dray_manager_cancel_model_async (fixture->manager, dray_request_get_model_id (requests[3]),
                                   keep_count_cb, &counts[3]);
  counts[3] = -1;
  dray_manager_close_async (fixture->manager, closed_cb, &closed);
  g_assert_null (
      dray_manager_download_asset (fixture->manager, "http://nowhere.invalid/a.bin", NULL, &error));
  g_assert_error (error, DRAY_ERROR, DRAY_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_false (
      dray_manager_resume (fixture->manager, dray_request_get_id (requests[5]), FALSE, &error));
  g_assert_error (error, DRAY_ERROR, DRAY_ERROR_CANCELLED);
  fixture_wait (is_set, &closed);

  for (guint i = 0; i < G_N_ELEMENTS (requests); i++)
    {
      g_assert_cmpint (counts[i], ==, i < 4 ? 1 : 0);
      g_assert_cmpint (dray_request_get_state (requests[i]), ==,
                       i == 0 || i == 2 ? DRAY_REQUEST_DISCARDED : DRAY_REQUEST_PAUSED);
      g_object_unref (requests[i]);
    }
  g_assert_finalize_object (g_steal_pointer (&fixture->manager));
  fixture_open (fixture);
  g_assert_cmpuint (fixture_count_requests (fixture), ==, 4);
}

static void
add (const char *name, gconstpointer data, void (*test) (ManagerFixture *, gconstpointer))
{
  g_autofree char *path = g_strconcat ("/contract/calls/", name, NULL);

  g_test_add (path, ManagerFixture, data, fixture_set_up, test, fixture_tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("unknown", NULL, test_unknown);
  add ("double-cancel/pause", GINT_TO_POINTER (FALSE), test_double_cancel);
  add ("double-cancel/discard", GINT_TO_POINTER (TRUE), test_double_cancel);
  add ("pause-then-discard", GINT_TO_POINTER (FALSE), test_pause_and_discard);
  add ("discard-then-pause", GINT_TO_POINTER (TRUE), test_pause_and_discard);
  add ("before-start/pause", GINT_TO_POINTER (FALSE), test_before_start);
  add ("before-start/discard", GINT_TO_POINTER (TRUE), test_before_start);
  add ("finished", NULL, test_finished);
  add ("thousand", NULL, test_thousand);
  add ("in-notify/pause", GINT_TO_POINTER (FALSE), test_cancel_in_notify);
  add ("in-notify/discard", GINT_TO_POINTER (TRUE), test_cancel_in_notify);
  add ("in-await/discard", GINT_TO_POINTER (FALSE), test_cancel_in_await);
  add ("in-await/ask-again", GINT_TO_POINTER (TRUE), test_cancel_in_await);
  add ("wait-no-longer", NULL, test_wait_no_longer);
  add ("close-during-everything", NULL, test_close_during_everything);

  return g_test_run ();
}
