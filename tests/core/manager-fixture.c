/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "tests/core/manager-fixture.h"

#include "core/request/manager-private.h"

#include <string.h>

/* Generous, since the sanitizers are slow; a test that works never comes near it. */
#define DEADLINE (120 * G_USEC_PER_SEC)

/* In seconds: who is held by the server may be so for as long as a busy machine takes. */
#define SILENCE 600

/* How often offsets are journaled, in milliseconds. */
#define INTERVAL 50

static gboolean
wake_cb (G_GNUC_UNUSED gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

/* Runs the main loop until @condition holds. */
void
fixture_wait (FixtureCondition condition, gpointer data)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE;
  guint source = g_timeout_add (5, wake_cb, NULL);

  while (!condition (data))
    {
      g_main_context_iteration (NULL, TRUE);
      if (g_get_monotonic_time () > deadline)
        g_error ("What the test waits for does not come");
    }
  g_source_remove (source);
}

static void
keep_result_cb (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer user_data)
{
  GAsyncResult **kept = user_data;

  *kept = g_object_ref (result);
}

static gboolean
has_result (gpointer data)
{
  return *(GAsyncResult **) data != NULL;
}

static GAsyncResult *
wait_for_result (GAsyncResult **kept)
{
  fixture_wait (has_result, kept);

  return *kept;
}

/* Opens a manager on the fixture's catalog. */
void
fixture_open (ManagerFixture *fixture)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  fixture->manager = dray_manager_new (fixture->catalog_path, fixture->library_root);
  dray_manager_set_interval (fixture->manager, INTERVAL);
  dray_manager_set_max_transfers (fixture->manager, 100);
  dray_manager_open_async (fixture->manager, keep_result_cb, &result);
  dray_manager_open_finish (fixture->manager, wait_for_result (&result), &error);
  g_assert_no_error (error);
  fixture_set_silence (fixture, SILENCE);
}

void
fixture_close (ManagerFixture *fixture)
{
  g_autoptr (GAsyncResult) result = NULL;

  dray_manager_close_async (fixture->manager, keep_result_cb, &result);
  dray_manager_close_finish (fixture->manager, wait_for_result (&result));
  g_clear_object (&result);
  g_assert_finalize_object (g_steal_pointer (&fixture->manager));
}

void
fixture_reopen (ManagerFixture *fixture)
{
  fixture_close (fixture);
  fixture_open (fixture);
}

/* How long a socket may be silent from now on. */
void
fixture_set_silence (ManagerFixture *fixture, guint seconds)
{
  dray_session_pool_set_silence (fixture->manager->engine.sessions, seconds);
}

void
fixture_set_up (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fixture->root = g_dir_make_tmp ("dray-manager-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->catalog_path = g_build_filename (fixture->root, "data", "catalog.sqlite3", NULL);
  fixture->library_root = g_build_filename (fixture->root, "library", NULL);
  fixture->directory = g_build_filename (fixture->root, "files", NULL);
  fixture->server = dray_test_server_new (&error);
  g_assert_no_error (error);
  dray_test_server_add_gguf (fixture->server, FIXTURE_PATH, 7, FIXTURE_SIZE);
  fixture_open (fixture);
}

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir = NULL;
  const char *name;

  if (!g_file_test (path, G_FILE_TEST_IS_SYMLINK))
    dir = g_dir_open (path, 0, NULL);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_tree (child);
    }
  g_remove (path);
}

void
fixture_tear_down (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer unused)
{
  if (fixture->manager != NULL)
    fixture_close (fixture);
  dray_test_server_free (fixture->server);
  remove_tree (fixture->root);
  g_free (fixture->root);
  g_free (fixture->catalog_path);
  g_free (fixture->library_root);
  g_free (fixture->directory);
}

/* Asks for a file of the server, with names and values of options, closed by NULL; where they name
 * no folder, it goes to the fixture's. */
DrayRequest *
fixture_get_with (ManagerFixture *fixture, const char *path, const char *first_option, ...)
{
  g_autofree char *uri = dray_test_server_get_uri (fixture->server, path);
  g_autoptr (GError) error = NULL;
  g_autoptr (DrayDownloadOptions) options = dray_download_options_new ();
  DrayRequest *request;
  va_list values;

  dray_download_options_set_directory (options, fixture->directory);
  dray_download_options_set_caller (options, "test");
  va_start (values, first_option);
  g_object_set_valist (G_OBJECT (options), first_option, values);
  va_end (values);
  request = dray_manager_download_asset (fixture->manager, uri, options, &error);
  g_assert_no_error (error);
  g_assert_nonnull (request);

  return request;
}

DrayRequest *
fixture_get (ManagerFixture *fixture, const char *path)
{
  return fixture_get_with (fixture, path, NULL, NULL);
}

/* Leaves a paused request with just @n_bytes of the file, and the server as it was. */
DrayRequest *
fixture_begin (ManagerFixture *fixture, const char *path, gint64 n_bytes)
{
  DrayTestBehaviour before = { 0 };
  DrayTestBehaviour stall = { 0 };
  DrayRequest *request;

  dray_test_server_get_behaviour (fixture->server, path, &before);
  dray_test_behaviour_copy (&stall, &before);
  stall.break_times = DRAY_TEST_ALWAYS;
  stall.break_after = n_bytes;
  stall.break_how = DRAY_TEST_BREAK_STALL;
  dray_test_server_set_behaviour (fixture->server, path, &stall);

  request = fixture_get (fixture, path);
  fixture_wait_for_bytes (request, n_bytes);
  g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (request), FALSE), ==, 1);
  g_assert_cmpint (dray_request_get_downloaded (request), ==, n_bytes);

  dray_test_server_set_behaviour (fixture->server, path, &before);
  dray_test_behaviour_clear (&before);
  dray_test_behaviour_clear (&stall);

  return request;
}

void
fixture_resume (ManagerFixture *fixture, DrayRequest *request)
{
  g_autoptr (GError) error = NULL;

  dray_manager_resume (fixture->manager, dray_request_get_id (request), FALSE, &error);
  g_assert_no_error (error);
}

guint
fixture_cancel (ManagerFixture *fixture, const char *id, gboolean clear_cache)
{
  g_autoptr (GAsyncResult) result = NULL;

  dray_manager_cancel_async (fixture->manager, id, clear_cache, keep_result_cb, &result);

  return dray_manager_cancel_finish (fixture->manager, wait_for_result (&result));
}

guint
fixture_cancel_model (ManagerFixture *fixture, const char *model_id)
{
  g_autoptr (GAsyncResult) result = NULL;

  dray_manager_cancel_model_async (fixture->manager, model_id, keep_result_cb, &result);

  return dray_manager_cancel_model_finish (fixture->manager, wait_for_result (&result));
}

gboolean
fixture_remove (ManagerFixture *fixture, const char *id, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  dray_manager_remove_async (fixture->manager, id, keep_result_cb, &result);

  return dray_manager_remove_finish (fixture->manager, wait_for_result (&result), error);
}

static gboolean
has_ended (gpointer data)
{
  return !dray_request_is_running (data);
}

void
fixture_wait_for_end (DrayRequest *request)
{
  fixture_wait (has_ended, request);
}

typedef struct
{
  DrayRequest *request;
  DrayRequestState state;
  gint64 n_bytes;
} Wanted;

static gboolean
has_state (gpointer data)
{
  const Wanted *wanted = data;

  return dray_request_get_state (wanted->request) == wanted->state;
}

void
fixture_wait_for_state (DrayRequest *request, DrayRequestState state)
{
  fixture_wait (has_state, &(Wanted){ .request = request, .state = state });
}

static gboolean
has_bytes (gpointer data)
{
  const Wanted *wanted = data;

  return dray_request_get_downloaded (wanted->request) >= wanted->n_bytes;
}

void
fixture_wait_for_bytes (DrayRequest *request, gint64 downloaded)
{
  fixture_wait (has_bytes, &(Wanted){ .request = request, .n_bytes = downloaded });
}

typedef struct
{
  ManagerFixture *fixture;
  gint64 n_bytes;
  guint n_requests;
} Sent;

static gboolean
has_sent (gpointer data)
{
  const Sent *sent = data;

  return dray_test_server_get_body_bytes (sent->fixture->server) >= sent->n_bytes
         && dray_test_server_get_n_requests (sent->fixture->server) >= sent->n_requests;
}

/* Waits until the server has sent so many bytes of bodies, of all answers together. */
void
fixture_wait_for_sent (ManagerFixture *fixture, gint64 n_bytes)
{
  fixture_wait (has_sent, &(Sent){ .fixture = fixture, .n_bytes = n_bytes });
}

/* Waits until so many requests have reached the server. */
void
fixture_wait_for_asked (ManagerFixture *fixture, guint n_requests)
{
  fixture_wait (has_sent, &(Sent){ .fixture = fixture, .n_requests = n_requests });
}

guint
fixture_count_requests (ManagerFixture *fixture)
{
  return g_list_model_get_n_items (dray_manager_get_requests (fixture->manager));
}

/* Returns the one request of the list, which holds it. */
DrayRequest *
fixture_get_only_request (ManagerFixture *fixture)
{
  g_autoptr (DrayRequest) request = NULL;

  g_assert_cmpuint (fixture_count_requests (fixture), ==, 1);
  request = g_list_model_get_item (dray_manager_get_requests (fixture->manager), 0);

  return request;
}

/* Returns how many body bytes of a path the server sent, in all its answers. */
gint64
fixture_get_body_bytes (ManagerFixture *fixture, const char *path)
{
  g_autoptr (GPtrArray) log = NULL;
  gint64 n_bytes = 0;

  g_assert_true (dray_test_server_wait_until_idle (fixture->server, DEADLINE / 1000));
  log = dray_test_server_dup_log (fixture->server);
  for (guint i = 0; i < log->len; i++)
    {
      const DrayTestRecord *record = g_ptr_array_index (log, i);

      if (g_str_equal (record->target, path))
        n_bytes += record->body_bytes;
    }

  return n_bytes;
}

char *
fixture_dup_partial (ManagerFixture *fixture, const char *name)
{
  g_autofree char *file = g_strconcat (name, ".part", NULL);

  return g_build_filename (fixture->directory, file, NULL);
}

/* Counts the partial files in the fixture's folder, or the others. */
guint
fixture_count_files (ManagerFixture *fixture, gboolean partial)
{
  g_autoptr (GDir) dir = g_dir_open (fixture->directory, 0, NULL);
  const char *name;
  guint n_files = 0;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    n_files += g_str_has_suffix (name, ".part") == partial ? 1 : 0;

  return n_files;
}

void
fixture_assert_file (const char *filename, DrayTestContent *content)
{
  g_autoptr (GMappedFile) mapped = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree guint8 *expected = g_malloc (65536);
  gint64 size = dray_test_content_get_size (content);

  mapped = g_mapped_file_new (filename, FALSE, &error);
  g_assert_no_error (error);
  g_assert_cmpint ((gint64) g_mapped_file_get_length (mapped), ==, size);
  for (gint64 offset = 0; offset < size; offset += 65536)
    {
      gsize n = (gsize) MIN (65536, size - offset);

      dray_test_content_read (content, offset, expected, n);
      if (memcmp (g_mapped_file_get_contents (mapped) + offset, expected, n) != 0)
        g_error ("“%s” has a wrong byte after %" G_GINT64_FORMAT, filename, offset);
    }
}

/* The request is complete, and its file is what the server has at @path, byte for byte. */
void
fixture_assert_completed (ManagerFixture *fixture, DrayRequest *request, const char *path)
{
  g_autoptr (DrayTestContent) content = dray_test_server_dup_content (fixture->server, path);
  g_autofree char *sha256 = dray_test_content_dup_sha256 (content);
  g_autofree char *partial = g_strconcat (dray_request_get_path (request), ".part", NULL);

  g_assert_no_error (dray_request_get_error (request));
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_COMPLETED);
  g_assert_cmpint (dray_request_get_downloaded (request), ==, dray_test_content_get_size (content));
  g_assert_cmpint (dray_request_get_total (request), ==, dray_test_content_get_size (content));
  fixture_assert_file (dray_request_get_path (request), content);
  g_assert_cmpstr (dray_request_get_sha256 (request), ==, sha256);
  g_assert_false (g_file_test (partial, G_FILE_TEST_EXISTS));
}

/* The request has failed, and nothing lies under a final name. */
void
fixture_assert_failed (ManagerFixture *fixture, DrayRequest *request, DrayError code)
{
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_FAILED);
  g_assert_error (dray_request_get_error (request), DRAY_ERROR, (gint) code);
  g_assert_cmpuint (fixture_count_files (fixture, FALSE), ==, 0);
}
