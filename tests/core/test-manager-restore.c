/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What a manager finds when it opens a catalog: of one that closed, and of one that was killed. */

#include "tests/core/manager-fixture.h"

#include "core/catalog/catalog.h"

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

/* Writes in the catalog of a closed manager what a crash would have left: its one asset in a state,
 * and its one request in another or, with NULL, none. */
static void
leave (ManagerFixture *fixture, DrayAssetState asset_state, const char *request_state)
{
  g_autoptr (GAsyncResult) opened = NULL;
  g_autoptr (GAsyncResult) written = NULL;
  g_autoptr (DrayCatalogContents) contents = NULL;
  g_autoptr (GError) error = NULL;
  DrayCatalogChange *change = dray_catalog_change_new ();
  DrayWorker *disk = dray_worker_new ("disk");
  DrayCatalog *catalog;
  DrayStoredAsset *asset;
  DrayRequestRecord *request;

  dray_catalog_open_async (fixture->catalog_path, disk, keep_result_cb, &opened);
  fixture_wait (has_result, &opened);
  catalog = dray_catalog_open_finish (opened, &contents, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (contents->assets->len, ==, 1);
  g_assert_cmpuint (contents->requests->len, ==, 1);

  asset = g_ptr_array_index (contents->assets, 0);
  request = g_ptr_array_index (contents->requests, 0);
  asset->record.state = asset_state;
  asset->record.completed_at = 0;
  dray_catalog_change_put_asset (change, &asset->record);
  if (request_state == NULL)
    dray_catalog_change_delete_request (change, request->id);
  else
    {
      g_free (request->state);
      request->state = g_strdup (request_state);
      dray_catalog_change_put_request (change, request);
    }
  dray_catalog_write_async (catalog, change, DRAY_DURABILITY_MACHINE, keep_result_cb, &written);
  fixture_wait (has_result, &written);
  dray_catalog_write_finish (written, &error);
  g_assert_no_error (error);
  dray_catalog_free (catalog);
  dray_worker_free (disk);
}

/* Closing pauses what runs; opening shows the true byte counts. */
static void
test_close (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayTestBehaviour held = { .gate = FIXTURE_HELD };
  g_autofree char *id = NULL;
  g_autoptr (DrayRequest) old = NULL;
  DrayRequest *request;
  gint64 n_bytes;

  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &held);
  old = g_object_ref (fixture_get (fixture, FIXTURE_PATH));
  id = g_strdup (dray_request_get_id (old));
  fixture_wait_for_bytes (old, 50000);
  fixture_close (fixture);
  g_assert_cmpint (dray_request_get_state (old), ==, DRAY_REQUEST_PAUSED);
  n_bytes = dray_request_get_downloaded (old);
  g_assert_cmpint (n_bytes, >=, 50000);
  g_assert_true (dray_test_server_wait_until_idle (fixture->server, 60000));

  fixture_open (fixture);
  request = fixture_get_only_request (fixture);
  g_assert_cmpstr (dray_request_get_id (request), ==, id);
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_PAUSED);
  g_assert_cmpint (dray_request_get_downloaded (request), ==, n_bytes);
  g_assert_cmpint (dray_request_get_total (request), ==, FIXTURE_SIZE);

  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &(DrayTestBehaviour){ 0 });
  fixture_resume (fixture, request);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
}

/* A request that ran when the program was killed is paused, with what was recorded. */
static void
test_killed (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request;

  fixture_begin (fixture, FIXTURE_PATH, FIXTURE_HELD);
  fixture_close (fixture);
  leave (fixture, DRAY_ASSET_FETCHING, "downloading");
  fixture_open (fixture);
  request = fixture_get_only_request (fixture);
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_PAUSED);
  g_assert_cmpint (dray_request_get_downloaded (request), ==, FIXTURE_HELD);

  fixture_resume (fixture, request);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
  g_assert_cmpint (fixture_get_body_bytes (fixture, FIXTURE_PATH), ==, FIXTURE_SIZE);
}

/* Returns where the finished file is. */
static char *
finish_and_close (ManagerFixture *fixture)
{
  DrayRequest *request = fixture_get (fixture, FIXTURE_PATH);
  char *path;

  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
  path = g_strdup (dray_request_get_path (request));
  fixture_close (fixture);
  leave (fixture, DRAY_ASSET_FINISHING, "verifying");

  return path;
}

/* Killed between the rename and the catalog: the file is there, and complete. */
static void
test_renamed (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *path = finish_and_close (fixture);

  fixture_open (fixture);
  g_assert_cmpstr (dray_request_get_path (fixture_get_only_request (fixture)), ==, path);
  fixture_assert_completed (fixture, fixture_get_only_request (fixture), FIXTURE_PATH);
  g_assert_cmpuint (dray_test_server_get_n_requests (fixture->server), ==, 1);
}

/* Killed before the rename: the bytes are here, and only hashed again. */
static void
test_not_renamed (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *path = finish_and_close (fixture);
  g_autofree char *partial = fixture_dup_partial (fixture, "model.gguf");
  DrayRequest *request;

  g_assert_cmpint (g_rename (path, partial), ==, 0);
  fixture_open (fixture);
  request = fixture_get_only_request (fixture);
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_PAUSED);
  fixture_resume (fixture, request);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
  g_assert_cmpuint (dray_test_server_get_n_requests (fixture->server), ==, 1);
}

/* Neither file is there any more. */
static void
test_neither (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *path = finish_and_close (fixture);
  DrayRequest *request;

  g_assert_cmpint (g_unlink (path), ==, 0);
  fixture_open (fixture);
  request = fixture_get_only_request (fixture);
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_PAUSED);
  fixture_resume (fixture, request);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
}

/* Another file has the name: it is not taken for the one that was to be finished. */
static void
test_other_file (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *path = finish_and_close (fixture);
  g_autofree char *partial = fixture_dup_partial (fixture, "model.gguf");
  g_autofree char *content = NULL;

  g_assert_cmpint (g_rename (path, partial), ==, 0);
  g_assert_true (g_file_set_contents (path, "mine", -1, NULL));
  fixture_open (fixture);
  g_assert_cmpint (dray_request_get_state (fixture_get_only_request (fixture)), ==,
                   DRAY_REQUEST_PAUSED);
  fixture_resume (fixture, fixture_get_only_request (fixture));
  fixture_wait_for_end (fixture_get_only_request (fixture));
  g_assert_true (g_file_get_contents (path, &content, NULL, NULL));
  g_assert_cmpstr (content, ==, "mine");
}

/* Killed in a discard: it is carried out. */
static void
test_discarding (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  fixture_begin (fixture, FIXTURE_PATH, FIXTURE_HELD);
  fixture_close (fixture);
  leave (fixture, DRAY_ASSET_DISCARDING, NULL);
  g_assert_cmpuint (fixture_count_files (fixture, TRUE), ==, 1);
  fixture_open (fixture);
  g_assert_cmpuint (fixture_count_requests (fixture), ==, 0);
  g_assert_cmpuint (fixture_count_files (fixture, TRUE), ==, 0);
}

static void
test_busy (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (DrayManager) second = dray_manager_new (fixture->catalog_path, fixture->library_root);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  dray_manager_open_async (second, keep_result_cb, &result);
  fixture_wait (has_result, &result);
  g_assert_false (dray_manager_open_finish (second, result, &error));
  g_assert_error (error, DRAY_ERROR, DRAY_ERROR_BUSY);
}

/* In the next boot of the machine only synced bytes count: here those of a pause may not. */
static void
test_other_boot (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  DrayRequest *request;

  fixture_begin (fixture, FIXTURE_PATH, FIXTURE_HELD);
  fixture_close (fixture);
  fixture->manager = dray_manager_new (fixture->catalog_path, fixture->library_root);
  dray_manager_set_boot_id (fixture->manager, "00000000-0000-4000-8000-000000000001");
  dray_manager_open_async (fixture->manager, keep_result_cb, &result);
  fixture_wait (has_result, &result);
  g_assert_true (dray_manager_open_finish (fixture->manager, result, NULL));
  g_clear_object (&result);

  request = fixture_get_only_request (fixture);
  fixture_resume (fixture, request);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
}

static void
add (const char *name, void (*test) (ManagerFixture *, gconstpointer))
{
  g_autofree char *path = g_strconcat ("/manager-restore/", name, NULL);

  g_test_add (path, ManagerFixture, NULL, fixture_set_up, test, fixture_tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("close", test_close);
  add ("killed", test_killed);
  add ("finishing/renamed", test_renamed);
  add ("finishing/not-renamed", test_not_renamed);
  add ("finishing/neither", test_neither);
  add ("finishing/other-file", test_other_file);
  add ("discarding", test_discarding);
  add ("busy", test_busy);
  add ("other-boot", test_other_boot);

  return g_test_run ();
}
