/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Requests for what only a server can list: what they are until there is a plan, and what then. */

#include "tests/core/manager-steps.h"

#include "core/request/manager-private.h"

#include "core/base/lock.h"

#define COMMIT "0123456789abcdef0123456789abcdef01234567"
#define FOLDER "/org/repo/resolve/" COMMIT
#define SOURCE "hf:org/repo"
#define SIZE FIXTURE_SIZE
#define SEED 41

/* What the hub says, in the threads of the server. */
typedef struct
{
  DrayLock lock;
  DrayCondition wake;
  char *tree;       /* the list of files, JSON */
  gboolean is_open; /* answers are held back until it is */
  guint n_asked;
  guint n_failures; /* how many answers are 503 first */
} Hub;

static Hub hub;

static guint
answer_cb (G_GNUC_UNUSED const char *method,
           const char *target,
           GString *body,
           G_GNUC_UNUSED gpointer data)
{
  guint status = 200;

  dray_lock_acquire (&hub.lock);
  hub.n_asked++;
  dray_condition_broadcast (&hub.wake);
  while (!hub.is_open)
    dray_condition_wait (&hub.wake, &hub.lock);
  if (hub.n_failures > 0)
    {
      hub.n_failures--;
      status = 503;
    }
  else if (hub.tree == NULL)
    status = 404;
  else
    g_string_append (body, strstr (target, "/tree/") != NULL
                               ? hub.tree
                               : "{\"id\":\"org/repo\",\"sha\":\"" COMMIT "\"}");
  dray_lock_release (&hub.lock);

  return status;
}

static void
open_hub (void)
{
  dray_lock_acquire (&hub.lock);
  hub.is_open = TRUE;
  dray_condition_broadcast (&hub.wake);
  dray_lock_release (&hub.lock);
}

static void
close_hub (void)
{
  dray_lock_acquire (&hub.lock);
  hub.is_open = FALSE;
  dray_lock_release (&hub.lock);
}

static guint
count_asked (void)
{
  guint n_asked;

  dray_lock_acquire (&hub.lock);
  n_asked = hub.n_asked;
  dray_lock_release (&hub.lock);

  return n_asked;
}

static gboolean
has_asked (gpointer data)
{
  return count_asked () >= GPOINTER_TO_UINT (data);
}

/* Until the hub has been asked so often, and holds the answer back. */
static void
wait_for_asked (guint n_asked)
{
  fixture_wait (has_asked, GUINT_TO_POINTER (n_asked));
}

/* Puts files into the repository: their names, of which each has a content of its own. */
static void
fill (ManagerFixture *fixture, const char *const *names)
{
  g_autoptr (GString) tree = g_string_new ("[");

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autofree char *path = g_strconcat (FOLDER "/", names[i], NULL);
      g_autofree char *sha256 = NULL;

      dray_test_server_add_gguf (fixture->server, path, SEED + i, SIZE);
      sha256 = steps_dup_sha256 (fixture, path);
      g_string_append_printf (tree,
                              "%s{\"type\":\"file\",\"path\":\"%s\",\"size\":%d,\"oid\":\"%040d\","
                              "\"lfs\":{\"oid\":\"%s\",\"size\":%d,\"pointerSize\":134}}",
                              i > 0 ? "," : "", names[i], (int) SIZE, 0, sha256, (int) SIZE);
    }
  g_string_append (tree, "]");

  dray_lock_acquire (&hub.lock);
  g_free (hub.tree);
  hub.tree = g_string_free (g_steal_pointer (&tree), FALSE);
  dray_lock_release (&hub.lock);
}

static const char *const one_file[] = { "model-Q4_K_M.gguf", NULL };
static const char *const shards[] = { "model-Q8_0-00001-of-00002.gguf",
                                      "model-Q8_0-00002-of-00002.gguf", NULL };
static const char *const with_companion[] = { "model-Q4_K_M.gguf", "mmproj-F16.gguf", NULL };

static void
set_up (ManagerFixture *fixture, gconstpointer unused)
{
  g_autofree char *endpoint = NULL;

  hub = (Hub){ .is_open = TRUE };
  dray_lock_init (&hub.lock);
  dray_condition_init (&hub.wake);
  fixture_set_up (fixture, unused);
  dray_test_server_set_handler (fixture->server, "/api/", answer_cb, NULL);

  endpoint = dray_test_server_get_uri (fixture->server, "");
  g_setenv ("HF_ENDPOINT", endpoint, TRUE);
  steps_reopen (fixture, 3, TRUE);
}

static void
tear_down (ManagerFixture *fixture, gconstpointer unused)
{
  open_hub ();
  fixture_tear_down (fixture, unused);
  g_unsetenv ("HF_ENDPOINT");
  g_free (hub.tree);
  dray_condition_clear (&hub.wake);
  dray_lock_clear (&hub.lock);
}

static DrayRequest *
ask (ManagerFixture *fixture, const char *source, const char *caller)
{
  g_autoptr (DrayDownloadOptions) options = dray_download_options_new ();
  g_autoptr (GError) error = NULL;
  DrayRequest *request;

  dray_download_options_set_caller (options, caller);
  request = dray_manager_download_asset (fixture->manager, source, options, &error);
  g_assert_no_error (error);
  return request;
}

/* One for which the hub is being asked. */
static DrayRequest *
ask_held (ManagerFixture *fixture, const char *source)
{
  guint n_asked = count_asked ();
  DrayRequest *request;

  close_hub ();
  request = ask (fixture, source, "test");
  wait_for_asked (n_asked + 1);
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_RESOLVING);
  return request;
}

static void
assert_library_file (DrayRequest *request, const char *name)
{
  g_autofree char *end = g_build_filename ("", "org", "repo", name, NULL);

  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_COMPLETED);
  g_assert_true (g_str_has_suffix (dray_request_get_path (request), end));
  g_assert_cmpstr (dray_request_get_verified (request), ==, "digest");
}

static void
test_one_file (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request;
  g_autofree char *id = NULL;

  fill (fixture, one_file);
  request = ask_held (fixture, SOURCE);
  id = g_strdup (dray_request_get_id (request));
  g_assert_cmpstr (dray_request_get_model_id (request), ==, SOURCE);
  g_assert_null (dray_request_get_download_key (request));
  open_hub ();
  fixture_wait_for_end (request);

  assert_library_file (request, one_file[0]);
  g_assert_cmpstr (dray_request_get_id (request), ==, id);
  g_assert_cmpstr (dray_request_get_kind (request), ==, "download");
  g_assert_cmpint (dray_request_get_total (request), ==, SIZE);
  g_assert_cmpuint (fixture_count_requests (fixture), ==, 1);
}

/* The size is known before the first byte. */
static void
test_several_files (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GPtrArray) children = NULL;
  DrayRequest *parent;

  fill (fixture, shards);
  parent = ask (fixture, SOURCE, "test");
  g_assert_false (dray_request_is_parent (parent));
  fixture_wait_for_end (parent);

  g_assert_cmpint (dray_request_get_state (parent), ==, DRAY_REQUEST_COMPLETED);
  g_assert_cmpstr (dray_request_get_kind (parent), ==, "set");
  g_assert_null (dray_request_get_download_key (parent));
  g_assert_cmpint (dray_request_get_total (parent), ==, 2 * SIZE);
  g_assert_cmpuint (fixture_count_requests (fixture), ==, 3);
  children = dray_engine_snapshot (parent->children);
  for (guint i = 0; i < children->len; i++)
    assert_library_file (g_ptr_array_index (children, i), shards[i]);
}

static void
test_companions (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const char *const without[] = { "mmproj-F16.gguf", "model-Q4_K_M.gguf", NULL };
  g_autoptr (DrayDownloadOptions) options = dray_download_options_new ();
  g_autoptr (GError) error = NULL;
  DrayRequest *request;

  fill (fixture, with_companion);
  request = ask (fixture, SOURCE, "test");
  fixture_wait_for_end (request);
  g_assert_cmpuint (request->children->len, ==, 2);

  /* The model itself comes, whatever is not wanted. */
  dray_download_options_set_caller (options, "other");
  dray_download_options_set_without (options, without);
  request = dray_manager_download_asset (fixture->manager, SOURCE ":Q4_K_M", options, &error);
  g_assert_no_error (error);
  fixture_wait_for_end (request);
  g_assert_false (dray_request_is_parent (request));
  assert_library_file (request, one_file[0]);
}

/* What is not wanted is remembered until the plan is there. */
static void
test_companions_after_restart (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const char *const without[] = { "mmproj-F16.gguf", NULL };
  g_autoptr (DrayDownloadOptions) options = dray_download_options_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *id = NULL;
  DrayRequest *request;

  fill (fixture, with_companion);
  close_hub ();
  dray_download_options_set_without (options, without);
  request = dray_manager_download_asset (fixture->manager, SOURCE, options, &error);
  g_assert_no_error (error);
  id = g_strdup (dray_request_get_id (request));
  wait_for_asked (1);
  fixture_close (fixture);
  open_hub ();
  steps_open (fixture, 3, TRUE);
  request = steps_find (fixture, id);
  fixture_wait_for_end (request);
  g_assert_false (dray_request_is_parent (request));
  assert_library_file (request, one_file[0]);
}

/* A cancel has finished when it reports: the hub is not asked any more. */
static void
test_pause (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request;

  fill (fixture, one_file);
  request = ask_held (fixture, SOURCE);
  g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (request), FALSE), ==, 1);
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_PAUSED);
  g_assert_cmpuint (fixture->manager->plans->len, ==, 0);

  open_hub ();
  fixture_resume (fixture, request);
  fixture_wait_for_end (request);
  assert_library_file (request, one_file[0]);
}

static void
test_discard (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request;

  fill (fixture, one_file);
  request = ask_held (fixture, SOURCE);
  g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (request), TRUE), ==, 1);
  g_assert_cmpuint (fixture_count_requests (fixture), ==, 0);
  g_assert_cmpuint (fixture->manager->plans->len, ==, 0);
}

static void
test_sweep (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request, *other;

  fill (fixture, one_file);
  request = ask_held (fixture, SOURCE);
  other = ask (fixture, SOURCE ":Q4_K_M", "test");
  g_assert_cmpuint (fixture_cancel_model (fixture, SOURCE), ==, 1);
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_PAUSED);
  g_assert_true (dray_request_is_running (other));
  open_hub ();
  fixture_wait_for_end (other);
  assert_library_file (other, one_file[0]);
}

/* No more servers are asked at once than a few; all get their turn. */
static void
test_many (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *requests[20];

  fill (fixture, one_file);
  close_hub ();
  for (guint i = 0; i < G_N_ELEMENTS (requests); i++)
    {
      g_autofree char *caller = g_strdup_printf ("caller %u", i);

      requests[i] = ask (fixture, SOURCE, caller);
    }
  wait_for_asked (4);
  steps_spin (fixture);
  g_assert_cmpuint (count_asked (), ==, 4);

  open_hub ();
  for (guint i = 0; i < G_N_ELEMENTS (requests); i++)
    {
      fixture_wait_for_end (requests[i]);
      assert_library_file (requests[i], one_file[0]);
    }
  g_assert_cmpint (fixture_get_body_bytes (fixture, FOLDER "/model-Q4_K_M.gguf"), ==, SIZE);
}

static void
test_hold (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request;
  guint n_asked;

  fill (fixture, one_file);
  request = ask_held (fixture, SOURCE);
  steps_hold (fixture);
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_WAITING);
  g_assert_cmpstr (dray_request_get_reason (request), ==, "held");
  open_hub ();
  g_assert_true (dray_test_server_wait_until_idle (fixture->server, 60000));
  n_asked = count_asked ();
  steps_spin (fixture);
  g_assert_cmpuint (count_asked (), ==, n_asked);

  dray_manager_release (fixture->manager);
  fixture_wait_for_end (request);
  assert_library_file (request, one_file[0]);
}

/* What was being looked up when the program ended is looked up again. */
static void
test_restart (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *id = NULL;
  DrayRequest *request;

  fill (fixture, shards);
  request = ask_held (fixture, SOURCE);
  id = g_strdup (dray_request_get_id (request));
  fixture_close (fixture);
  open_hub ();
  steps_open (fixture, 3, TRUE);
  request = steps_find (fixture, id);
  fixture_wait_for_end (request);
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_COMPLETED);
  g_assert_cmpuint (request->children->len, ==, 2);
}

/* The names that the plan gave are kept, and the hub is not asked again. */
static void
test_restart_after_plan (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *id = NULL;
  DrayRequest *request;
  guint n_asked;

  fill (fixture, one_file);
  steps_set_gate (fixture, FOLDER "/model-Q4_K_M.gguf", FIXTURE_HELD);
  request = ask (fixture, SOURCE, "test");
  fixture_wait_for_bytes (request, FIXTURE_HELD);
  id = g_strdup (dray_request_get_id (request));
  n_asked = count_asked ();
  fixture_close (fixture);
  steps_set_gate (fixture, FOLDER "/model-Q4_K_M.gguf", 0);
  steps_open (fixture, 3, TRUE);
  request = steps_find (fixture, id);
  fixture_wait_for_end (request);
  assert_library_file (request, one_file[0]);
  g_assert_cmpuint (count_asked (), ==, n_asked);
}

static void
test_failure (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request = ask (fixture, SOURCE, "test");

  fixture_wait_for_end (request);
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_FAILED);
  g_assert_cmpstr (dray_request_get_error_name (request), ==, "not-found");

  /* The same call takes its place. */
  fill (fixture, one_file);
  request = ask (fixture, SOURCE, "test");
  g_assert_cmpuint (fixture_count_requests (fixture), ==, 1);
  fixture_wait_for_end (request);
  assert_library_file (request, one_file[0]);
}

/* What passes by itself is waited for. */
static void
test_busy_hub (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request;

  fill (fixture, one_file);
  hub.n_failures = 1;
  request = ask (fixture, SOURCE, "test");
  fixture_wait_for_state (request, DRAY_REQUEST_WAITING);
  g_assert_nonnull (dray_request_get_reason (request));
  fixture_wait_for_end (request);
  assert_library_file (request, one_file[0]);
}

/* A wait ends at once where it is cancelled. */
static void
test_pause_while_waiting (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request;

  fill (fixture, one_file);
  hub.n_failures = 1000;
  request = ask (fixture, SOURCE, "test");
  fixture_wait_for_state (request, DRAY_REQUEST_WAITING);
  g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (request), FALSE), ==, 1);
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_PAUSED);
  g_assert_cmpuint (fixture->manager->plans->len, ==, 0);
}

static void
cancel_when_waiting_cb (DrayRequest *request, G_GNUC_UNUSED GParamSpec *pspec, gpointer user_data)
{
  ManagerFixture *fixture = user_data;

  if (dray_request_get_state (request) == DRAY_REQUEST_WAITING)
    dray_manager_cancel_async (fixture->manager, dray_request_get_id (request), TRUE, NULL, NULL);
}

/* Whoever hears that it waits may discard it there and then, and it is gone for good. */
static void
test_discard_in_handler (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request;

  fill (fixture, one_file);
  hub.n_failures = 1000;
  request = ask (fixture, SOURCE, "test");
  g_signal_connect (request, "notify::state", G_CALLBACK (cancel_when_waiting_cb), fixture);
  while (fixture_count_requests (fixture) > 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (fixture->manager->plans->len, ==, 0);
  steps_reopen (fixture, 3, TRUE);
  g_assert_cmpuint (fixture_count_requests (fixture), ==, 0);
}

/* A digest is of one file: that the source stands for two is known only now. */
static void
test_digest_of_several (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (DrayDownloadOptions) options = dray_download_options_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *sha256 = g_strnfill (64, 'a');
  DrayRequest *request;

  fill (fixture, shards);
  dray_download_options_set_sha256 (options, sha256);
  request = dray_manager_download_asset (fixture->manager, SOURCE, options, &error);
  g_assert_no_error (error);
  fixture_wait_for_end (request);
  g_assert_cmpstr (dray_request_get_error_name (request), ==, "invalid-source");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func)                                                                            \
  g_test_add ("/manager-plan/" name, ManagerFixture, NULL, set_up, func, tear_down)

  ADD ("one-file", test_one_file);
  ADD ("several-files", test_several_files);
  ADD ("companions", test_companions);
  ADD ("companions-after-restart", test_companions_after_restart);
  ADD ("pause", test_pause);
  ADD ("discard", test_discard);
  ADD ("sweep", test_sweep);
  ADD ("many", test_many);
  ADD ("hold", test_hold);
  ADD ("restart", test_restart);
  ADD ("restart-after-plan", test_restart_after_plan);
  ADD ("failure", test_failure);
  ADD ("busy-hub", test_busy_hub);
  ADD ("pause-while-waiting", test_pause_while_waiting);
  ADD ("discard-in-handler", test_discard_in_handler);
  ADD ("digest-of-several", test_digest_of_several);

  return g_test_run ();
}
