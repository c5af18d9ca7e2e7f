/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "tests/core/manager-steps.h"

#include "core/request/manager-private.h"

/* How often offsets are journaled, in milliseconds. */
#define INTERVAL 50

/* Serves one more file, whose bytes from @gate on wait; 0 is no gate. */
void
steps_add (ManagerFixture *fixture, const char *path, guint64 seed, gint64 gate)
{
  dray_test_server_add_gguf (fixture->server, path, seed, FIXTURE_SIZE);
  dray_test_server_set_behaviour (fixture->server, path, &(DrayTestBehaviour){ .gate = gate });
}

/* Serves the fixture's file from another place too; the validators are the same. */
void
steps_add_same (ManagerFixture *fixture, DrayTestServer *server, const char *path)
{
  dray_test_server_add (server, path, dray_test_server_dup_content (fixture->server, FIXTURE_PATH));
}

/* Moves the gate of a file, and leaves the rest of its behaviour; 0 lets everything through. */
void
steps_set_gate (ManagerFixture *fixture, const char *path, gint64 gate)
{
  DrayTestBehaviour behaviour = { 0 };

  dray_test_server_get_behaviour (fixture->server, path, &behaviour);
  behaviour.gate = gate;
  dray_test_server_set_behaviour (fixture->server, path, &behaviour);
  dray_test_behaviour_clear (&behaviour);
}

/* Adds lines to the answers of a file, a redirect's too. */
void
steps_set_headers (ManagerFixture *fixture, const char *path, const char *headers)
{
  DrayTestBehaviour behaviour = { 0 };

  dray_test_server_get_behaviour (fixture->server, path, &behaviour);
  g_free ((char *) behaviour.headers);
  behaviour.headers = g_strdup (headers);
  dray_test_server_set_behaviour (fixture->server, path, &behaviour);
  dray_test_behaviour_clear (&behaviour);
}

/* Serves a path that leads to another. */
void
steps_set_redirect (ManagerFixture *fixture, const char *path, const char *to)
{
  dray_test_server_add_gguf (fixture->server, path, 0, FIXTURE_SIZE);
  dray_test_server_set_behaviour (fixture->server, path, &(DrayTestBehaviour){ .redirect = to });
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

/* Opens a manager with its own number of transfers (0 for the default). */
void
steps_open (ManagerFixture *fixture, guint max_transfers, gboolean resumes)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  fixture->manager = dray_manager_new (fixture->catalog_path, fixture->library_root);
  dray_manager_set_interval (fixture->manager, INTERVAL);
  dray_manager_set_resumes (fixture->manager, resumes);
  if (max_transfers > 0)
    dray_manager_set_max_transfers (fixture->manager, max_transfers);
  dray_manager_open_async (fixture->manager, keep_result_cb, &result);
  fixture_wait (has_result, &result);
  dray_manager_open_finish (fixture->manager, result, &error);
  g_assert_no_error (error);
}

/* Closes the manager, which remembers what ran for one that resumes, and opens another so. */
void
steps_reopen (ManagerFixture *fixture, guint max_transfers, gboolean resumes)
{
  fixture->manager->resumes = resumes;
  fixture_close (fixture);
  steps_open (fixture, max_transfers, resumes);
}

/* As fixture_get_with(), for a load. */
DrayRequest *
steps_load_with (ManagerFixture *fixture, const char *path, const char *first_option, ...)
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
  request = dray_manager_load_model (fixture->manager, uri, options, &error);
  g_assert_no_error (error);

  return request;
}

/* Holds everything, and waits until nothing moves. */
void
steps_hold (ManagerFixture *fixture)
{
  g_autoptr (GAsyncResult) result = NULL;

  dray_manager_hold_async (fixture->manager, keep_result_cb, &result);
  fixture_wait (has_result, &result);
  dray_manager_hold_finish (fixture->manager, result);
}

static gboolean
count_down (gpointer data)
{
  return (*(guint *) data)-- == 0;
}

/* Lets everything happen that is due: a cancel of nobody goes through the catalog's queue, and the
 * main loop turns a good many times. */
void
steps_spin (ManagerFixture *fixture)
{
  guint turns = 20;

  fixture_cancel (fixture, "nobody", FALSE);
  fixture_wait (count_down, &turns);
}

DrayRequest *
steps_find (ManagerFixture *fixture, const char *id)
{
  DrayRequest *request = dray_manager_find_request (fixture->manager, id);

  g_assert_nonnull (request);
  return request;
}

/* A folder beside the fixture's, which nobody has made. */
char *
steps_dup_folder (ManagerFixture *fixture, const char *name)
{
  return g_build_filename (fixture->root, name, NULL);
}

char *
steps_dup_sha256 (ManagerFixture *fixture, const char *path)
{
  g_autoptr (DrayTestContent) content = dray_test_server_dup_content (fixture->server, path);

  return dray_test_content_dup_sha256 (content);
}

/* How many requests for a path the server has seen. */
guint
steps_count_asked (ManagerFixture *fixture, const char *path)
{
  g_autoptr (GPtrArray) log = dray_test_server_dup_log (fixture->server);
  guint n_asked = 0;

  for (guint i = 0; i < log->len; i++)
    n_asked += g_str_equal (((DrayTestRecord *) g_ptr_array_index (log, i))->target, path) ? 1 : 0;

  return n_asked;
}

/* How many files a folder has, of whatever name; 0 where there is no folder. */
guint
steps_count_in (const char *directory)
{
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  guint n_files = 0;

  while (dir != NULL && g_dir_read_name (dir) != NULL)
    n_files++;

  return n_files;
}
