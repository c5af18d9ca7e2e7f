/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What callers may rely on: pause, resume, discard, sweep, remove, close, and shared transfers. */

#include "tests/core/manager-fixture.h"

#define UNKNOWN "00000000-0000-4000-8000-000000000000"

static const DrayTestBehaviour stall = {
  .break_times = DRAY_TEST_ALWAYS,
  .break_after = FIXTURE_HELD,
  .break_how = DRAY_TEST_BREAK_STALL,
};

static void
set_correct (ManagerFixture *fixture, const char *path)
{
  dray_test_server_set_behaviour (fixture->server, path, &(DrayTestBehaviour){ 0 });
}

/* The range of the last request that reached the server. */
static gint64
get_last_offset (ManagerFixture *fixture)
{
  g_autoptr (GPtrArray) log = dray_test_server_dup_log (fixture->server);

  return ((DrayTestRecord *) g_ptr_array_index (log, log->len - 1))->range_first;
}

/* How an awaiter fared. */
typedef struct
{
  gboolean told;
  char *path;
  GError *error;
} Awaited;

static void
awaited_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Awaited *awaited = user_data;

  awaited->told = TRUE;
  awaited->path = dray_request_await_finish (DRAY_REQUEST (source), result, &awaited->error);
}

static gboolean
is_told (gpointer data)
{
  return ((Awaited *) data)->told;
}

static void
awaited_clear (Awaited *awaited)
{
  g_clear_pointer (&awaited->path, g_free);
  g_clear_error (&awaited->error);
  awaited->told = FALSE;
}

static void
test_ids (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GHashTable) ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *path = g_strdup_printf ("/%u.gguf", i);
      DrayRequest *request;

      dray_test_server_add_gguf (fixture->server, path, i, 70000);
      request = fixture_get (fixture, path);
      g_assert_true (g_hash_table_add (ids, g_strdup (dray_request_get_id (request))));
      g_assert_true (dray_request_is_running (request));
    }
  g_assert_cmpuint (dray_test_server_get_n_requests (fixture->server), ==, 0);
  g_assert_cmpuint (fixture_count_requests (fixture), ==, 20);

  fixture_reopen (fixture);
  g_assert_cmpuint (fixture_count_requests (fixture), ==, 20);
  g_assert_true (g_hash_table_add (
      ids, g_strdup (dray_request_get_id (fixture_get (fixture, FIXTURE_PATH)))));
}

static void
test_bad_sources (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const struct
  {
    const char *source;
    const char *sha256;
    const char *directory;
  } cases[] = {
    { "", NULL, NULL },
    { "not a link", NULL, NULL },
    { "ftp://127.0.0.1/x", NULL, NULL },
    { "http://", NULL, NULL },
    { "http://127.0.0.1/x", "abc", NULL },
    { "http://127.0.0.1/x", NULL, "models/x" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (DrayDownloadOptions) options = dray_download_options_new ();
      g_autoptr (GError) error = NULL;

      dray_download_options_set_sha256 (options, cases[i].sha256);
      dray_download_options_set_directory (options, cases[i].directory);
      g_assert_null (dray_manager_download_asset (fixture->manager, cases[i].source, options,
                                                  &error));
      g_assert_error (error, DRAY_ERROR, DRAY_ERROR_INVALID_SOURCE);
    }
  g_assert_cmpuint (fixture_count_requests (fixture), ==, 0);
}

static void
test_pause_and_resume (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  Awaited awaited = { 0 };
  DrayRequest *request;
  g_autofree char *id = NULL;

  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &stall);
  request = fixture_get (fixture, FIXTURE_PATH);
  id = g_strdup (dray_request_get_id (request));
  dray_request_await_async (request, NULL, awaited_cb, &awaited);
  fixture_wait_for_bytes (request, FIXTURE_HELD);

  g_assert_cmpuint (fixture_cancel (fixture, id, FALSE), ==, 1);
  fixture_wait (is_told, &awaited);
  g_assert_error (awaited.error, DRAY_ERROR, DRAY_ERROR_CANCELLED);
  awaited_clear (&awaited);
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_PAUSED);
  g_assert_cmpint (dray_request_get_downloaded (request), ==, FIXTURE_HELD);
  g_assert_cmpuint (fixture_count_files (fixture, TRUE), ==, 1);
  g_assert_true (dray_test_server_wait_until_idle (fixture->server, 60000));

  /* Again, when nothing runs. */
  g_assert_cmpuint (fixture_cancel (fixture, id, FALSE), ==, 0);

  set_correct (fixture, FIXTURE_PATH);
  fixture_resume (fixture, request);
  dray_request_await_async (request, NULL, awaited_cb, &awaited);
  fixture_wait (is_told, &awaited);
  g_assert_no_error (awaited.error);
  g_assert_cmpstr (awaited.path, ==, dray_request_get_path (request));
  awaited_clear (&awaited);
  g_assert_cmpstr (dray_request_get_id (request), ==, id);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
  g_assert_cmpint (get_last_offset (fixture), ==, FIXTURE_HELD);
  g_assert_cmpint (fixture_get_body_bytes (fixture, FIXTURE_PATH), ==, FIXTURE_SIZE);

  /* Too late. */
  g_assert_cmpuint (fixture_cancel (fixture, id, FALSE), ==, 0);
  g_assert_cmpuint (fixture_cancel (fixture, id, TRUE), ==, 0);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
}

/* The same call by the same caller takes the place of the paused row. */
static void
test_same_call (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request = fixture_begin (fixture, FIXTURE_PATH, FIXTURE_HELD);
  g_autofree char *old = g_strdup (dray_request_get_id (request));

  request = fixture_get (fixture, FIXTURE_PATH);
  g_assert_cmpstr (dray_request_get_id (request), !=, old);
  g_assert_true (fixture_get_only_request (fixture) == request);
  g_assert_null (dray_manager_find_request (fixture->manager, old));
  g_assert_cmpint (dray_request_get_downloaded (request), ==, FIXTURE_HELD);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
  g_assert_cmpint (get_last_offset (fixture), ==, FIXTURE_HELD);

  fixture_reopen (fixture);
  fixture_assert_completed (fixture, fixture_get_only_request (fixture), FIXTURE_PATH);
}

/* Another caller's paused row stays. */
static void
test_call_of_another (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *mine = fixture_begin (fixture, FIXTURE_PATH, FIXTURE_HELD);
  DrayRequest *other = fixture_get_with (fixture, FIXTURE_PATH, "caller", "another", NULL);

  fixture_wait_for_end (other);
  fixture_assert_completed (fixture, other, FIXTURE_PATH);
  g_assert_cmpuint (fixture_count_requests (fixture), ==, 2);
  g_assert_cmpint (dray_request_get_state (mine), !=, DRAY_REQUEST_DISCARDED);
  g_assert_cmpint (fixture_get_body_bytes (fixture, FIXTURE_PATH), ==, FIXTURE_SIZE);
}

static void
test_discard (ManagerFixture *fixture, gconstpointer data)
{
  gboolean running = GPOINTER_TO_INT (data);
  g_autoptr (DrayRequest) request = NULL;

  if (running)
    {
      dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &stall);
      request = g_object_ref (fixture_get (fixture, FIXTURE_PATH));
      fixture_wait_for_bytes (request, FIXTURE_HELD);
    }
  else
    request = g_object_ref (fixture_begin (fixture, FIXTURE_PATH, FIXTURE_HELD));

  g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (request), TRUE), ==, 1);
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_DISCARDED);
  g_assert_cmpuint (fixture_count_requests (fixture), ==, 0);
  g_assert_cmpuint (fixture_count_files (fixture, TRUE), ==, 0);
  g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (request), TRUE), ==, 0);

  fixture_reopen (fixture);
  g_assert_cmpuint (fixture_count_requests (fixture), ==, 0);
  set_correct (fixture, FIXTURE_PATH);
  g_clear_object (&request);
  request = g_object_ref (fixture_get (fixture, FIXTURE_PATH));
  g_assert_cmpint (dray_request_get_downloaded (request), ==, 0);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
}

/* One caller's discard never deletes what another has paused. */
static void
test_discard_of_shared (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *other_id = NULL;
  DrayRequest *mine, *other;

  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &stall);
  mine = fixture_get (fixture, FIXTURE_PATH);
  other = fixture_get_with (fixture, FIXTURE_PATH, "caller", "another", NULL);
  other_id = g_strdup (dray_request_get_id (other));
  fixture_wait_for_bytes (mine, FIXTURE_HELD);
  fixture_cancel (fixture, dray_request_get_id (mine), FALSE);
  g_assert_cmpuint (fixture_cancel (fixture, other_id, TRUE), ==, 1);
  g_assert_cmpuint (fixture_count_files (fixture, TRUE), ==, 1);

  set_correct (fixture, FIXTURE_PATH);
  fixture_resume (fixture, mine);
  fixture_wait_for_end (mine);
  fixture_assert_completed (fixture, mine, FIXTURE_PATH);
  g_assert_cmpint (fixture_get_body_bytes (fixture, FIXTURE_PATH), ==, FIXTURE_SIZE);
}

/* Two callers, one GET; one leaves and the bytes keep moving; the last leaves and they stop. */
static void
test_shared (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayTestBehaviour held = { .gate = FIXTURE_HELD };
  DrayRequest *first, *second;
  gint64 then;

  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &held);
  first = fixture_get (fixture, FIXTURE_PATH);
  fixture_wait_for_bytes (first, 20000);
  second = fixture_get_with (fixture, FIXTURE_PATH, "caller", "another", NULL);
  g_assert_cmpint (dray_request_get_downloaded (second), >=, 20000);
  g_assert_cmpint (dray_request_get_total (second), ==, FIXTURE_SIZE);

  g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (first), FALSE), ==, 1);
  g_assert_cmpint (dray_request_get_state (first), ==, DRAY_REQUEST_PAUSED);
  g_assert_true (dray_request_is_running (second));
  then = dray_request_get_downloaded (second);
  g_assert_cmpint (then, <=, FIXTURE_HELD);
  held.gate = 2 * FIXTURE_HELD;
  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &held);
  fixture_wait_for_bytes (second, 2 * FIXTURE_HELD);
  g_assert_cmpuint (dray_test_server_get_n_requests (fixture->server), ==, 1);

  g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (second), FALSE), ==, 1);
  g_assert_true (dray_test_server_wait_until_idle (fixture->server, 60000));
  g_assert_cmpint (fixture_get_body_bytes (fixture, FIXTURE_PATH), <, FIXTURE_SIZE);

  set_correct (fixture, FIXTURE_PATH);
  fixture_resume (fixture, first);
  fixture_resume (fixture, second);
  fixture_wait_for_end (first);
  fixture_wait_for_end (second);
  fixture_assert_completed (fixture, first, FIXTURE_PATH);
  fixture_assert_completed (fixture, second, FIXTURE_PATH);
  g_assert_cmpuint (dray_test_server_get_n_requests (fixture->server), ==, 2);
}

/* A new call while the old transfer ends waits for that end instead of racing it. */
static void
test_call_during_cancel (ManagerFixture *fixture, gconstpointer data)
{
  gboolean clear_cache = GPOINTER_TO_INT (data);
  DrayRequest *request;

  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &stall);
  request = fixture_get (fixture, FIXTURE_PATH);
  fixture_wait_for_bytes (request, FIXTURE_HELD);
  set_correct (fixture, FIXTURE_PATH);
  dray_manager_cancel_async (fixture->manager, dray_request_get_id (request), clear_cache, NULL,
                             NULL);
  request = fixture_get (fixture, FIXTURE_PATH);
  fixture_wait_for_end (request);

  fixture_assert_completed (fixture, request, FIXTURE_PATH);
  g_assert_cmpuint (dray_test_server_get_most_open_bodies (fixture->server), ==, 1);
}

/* Before the work began, a cancel prevents it. */
static void
test_cancel_at_once (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request = fixture_get (fixture, FIXTURE_PATH);

  g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (request), FALSE), ==, 1);
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_PAUSED);
  g_assert_cmpuint (fixture_cancel (fixture, UNKNOWN, FALSE), ==, 0);
  g_assert_cmpuint (fixture_cancel (fixture, UNKNOWN, TRUE), ==, 0);
  g_assert_cmpuint (fixture_cancel_model (fixture, "url:http://nowhere/"), ==, 0);

  fixture_resume (fixture, request);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
}

/* A sweep pauses what runs on its model, and nothing else. */
static void
test_sweep (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const char *const paths[] = { "/m-00001-of-00002.gguf", "/m-00002-of-00002.gguf",
                                       "/other.gguf" };
  DrayRequest *set, *other;

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      dray_test_server_add_gguf (fixture->server, paths[i], i, FIXTURE_SIZE);
      dray_test_server_set_behaviour (fixture->server, paths[i], &stall);
    }
  set = fixture_get (fixture, paths[1]);
  other = fixture_get (fixture, paths[2]);
  fixture_wait_for_bytes (set, 2 * FIXTURE_HELD);
  fixture_wait_for_bytes (other, FIXTURE_HELD);

  g_assert_cmpuint (fixture_cancel_model (fixture, dray_request_get_model_id (set)), ==, 2);
  g_assert_cmpint (dray_request_get_state (set), ==, DRAY_REQUEST_PAUSED);
  g_assert_true (dray_request_is_running (other));
  g_assert_cmpuint (fixture_cancel_model (fixture, dray_request_get_model_id (set)), ==, 0);
}

static void
test_remove (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  DrayRequest *request;

  g_assert_false (fixture_remove (fixture, UNKNOWN, &error));
  g_assert_error (error, DRAY_ERROR, DRAY_ERROR_NOT_FOUND);
  g_clear_error (&error);

  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &stall);
  request = fixture_get (fixture, FIXTURE_PATH);
  g_assert_false (fixture_remove (fixture, dray_request_get_id (request), &error));
  g_assert_error (error, DRAY_ERROR, DRAY_ERROR_BUSY);
  g_clear_error (&error);
  fixture_cancel (fixture, dray_request_get_id (request), FALSE);

  set_correct (fixture, FIXTURE_PATH);
  fixture_resume (fixture, request);
  fixture_wait_for_end (request);
  path = g_strdup (dray_request_get_path (request));
  g_assert_true (fixture_remove (fixture, dray_request_get_id (request), &error));
  g_assert_no_error (error);
  g_assert_cmpuint (fixture_count_requests (fixture), ==, 0);
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));

  fixture_reopen (fixture);
  g_assert_cmpuint (fixture_count_requests (fixture), ==, 0);
}

/* Where no folder is asked for, the file goes to the library, two levels deep. */
static void
test_library (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *uri = dray_test_server_get_uri (fixture->server, FIXTURE_PATH);
  g_autofree char *expected = g_build_filename (fixture->library_root, "127.0.0.1", "model",
                                                "model.gguf", NULL);
  DrayRequest *request = dray_manager_download_asset (fixture->manager, uri, NULL, NULL);

  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
  g_assert_cmpstr (dray_request_get_path (request), ==, expected);
  g_assert_cmpstr (dray_request_get_caller (request), ==, "program");
}

static void
count_cb (G_GNUC_UNUSED GObject *object, G_GNUC_UNUSED GParamSpec *pspec, gpointer user_data)
{
  (*(guint *) user_data)++;
}

/* As a binding makes and changes them: by the names of the properties. */
static void
test_options (void)
{
  g_autoptr (DrayDownloadOptions) options = g_object_new (
      DRAY_TYPE_DOWNLOAD_OPTIONS, "directory", "/models", "sha256", "AB", "token", "secret",
      "rate-limit", G_GINT64_CONSTANT (1) << 40, "restart-changed", TRUE, "caller", "x", NULL);
  guint n_notified = 0;

  g_assert_cmpstr (dray_download_options_get_directory (options), ==, "/models");
  g_assert_cmpstr (dray_download_options_get_sha256 (options), ==, "AB");
  g_assert_cmpstr (dray_download_options_get_token (options), ==, "secret");
  g_assert_cmpint (dray_download_options_get_rate_limit (options), ==,
                   G_GINT64_CONSTANT (1) << 40);
  g_assert_true (dray_download_options_get_restart_changed (options));
  g_assert_cmpstr (dray_download_options_get_caller (options), ==, "x");

  g_signal_connect (options, "notify", G_CALLBACK (count_cb), &n_notified);
  g_object_set (options, "directory", "/models", "restart-changed", TRUE, NULL);
  g_assert_cmpuint (n_notified, ==, 0);
  g_object_set (options, "directory", NULL, "caller", NULL, "restart-changed", FALSE, NULL);
  g_assert_cmpuint (n_notified, ==, 3);
  g_assert_null (dray_download_options_get_directory (options));
  g_assert_cmpstr (dray_download_options_get_caller (options), ==, "program");
}

static void
add (const char *name, gconstpointer data, void (*test) (ManagerFixture *, gconstpointer))
{
  g_autofree char *path = g_strconcat ("/manager/", name, NULL);

  g_test_add (path, ManagerFixture, data, fixture_set_up, test, fixture_tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/manager/options", test_options);
  add ("ids", NULL, test_ids);
  add ("bad-sources", NULL, test_bad_sources);
  add ("pause-and-resume", NULL, test_pause_and_resume);
  add ("same-call", NULL, test_same_call);
  add ("call-of-another", NULL, test_call_of_another);
  add ("discard/running", GINT_TO_POINTER (TRUE), test_discard);
  add ("discard/paused", GINT_TO_POINTER (FALSE), test_discard);
  add ("discard/shared", NULL, test_discard_of_shared);
  add ("shared", NULL, test_shared);
  add ("call-during-cancel/pause", GINT_TO_POINTER (FALSE), test_call_during_cancel);
  add ("call-during-cancel/discard", GINT_TO_POINTER (TRUE), test_call_during_cancel);
  add ("cancel-at-once", NULL, test_cancel_at_once);
  add ("sweep", NULL, test_sweep);
  add ("remove", NULL, test_remove);
  add ("library", NULL, test_library);

  return g_test_run ();
}
