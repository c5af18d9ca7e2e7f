/* SPDX-License-Identifier: GPL-3.0-or-later */

/* A file that another program keeps already: it is used where it is, and nothing is ever done to
 * it. */

#include "tests/core/manager-steps.h"

#include "core/request/manager-private.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRAM "Another program"

/* So much that reading it ends only where it is cancelled. */
#define ENDLESS ((gint64) 1 << 40)

/* The stores below the fixture's folder, whatever the machine has. */
static void
use_stores (ManagerFixture *fixture)
{
  DrayEngine *engine = &fixture->manager->engine;
  g_autofree char *hub = g_build_filename (fixture->root, "hub", NULL);
  g_autofree char *ollama = g_build_filename (fixture->root, "ollama", NULL);
  g_autofree char *shelves = g_build_filename (fixture->root, "shelves", NULL);

  dray_stores_free (engine->stores);
  engine->stores = dray_stores_new ();
  dray_stores_add (engine->stores, DRAY_STORE_HUB, PROGRAM, hub);
  dray_stores_add (engine->stores, DRAY_STORE_OLLAMA, PROGRAM, ollama);
  dray_stores_add (engine->stores, DRAY_STORE_SHELVES, PROGRAM, shelves);
}

static void
set_up (ManagerFixture *fixture, gconstpointer unused)
{
  fixture_set_up (fixture, unused);
  use_stores (fixture);
}

static void
reopen (ManagerFixture *fixture)
{
  fixture_reopen (fixture);
  use_stores (fixture);
}

static char *
dup_path (ManagerFixture *fixture, const char *relative)
{
  g_autofree char *path = g_build_filename (fixture->root, relative, NULL);
  g_autofree char *parent = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (parent, 0755), ==, 0);
  return g_steal_pointer (&path);
}

/* Writes what the server has at FIXTURE_PATH to a path of a store, and returns the whole path. */
static char *
put (ManagerFixture *fixture, const char *relative)
{
  g_autofree char *path = dup_path (fixture, relative);
  g_autoptr (DrayTestContent) content =
      dray_test_server_dup_content (fixture->server, FIXTURE_PATH);
  g_autofree char *bytes = g_malloc (FIXTURE_SIZE);
  g_autoptr (GError) error = NULL;

  dray_test_content_read (content, 0, (guint8 *) bytes, FIXTURE_SIZE);
  g_file_set_contents (path, bytes, FIXTURE_SIZE, &error);
  g_assert_no_error (error);
  return g_steal_pointer (&path);
}

static char *
put_on_shelf (ManagerFixture *fixture)
{
  return put (fixture, "shelves/publisher/model/model.gguf");
}

/* In the Hugging Face cache; returns the path of the link. */
static char *
put_in_hub (ManagerFixture *fixture)
{
  g_autofree char *sha256 = steps_dup_sha256 (fixture, FIXTURE_PATH);
  g_autofree char *blob = g_strconcat ("hub/models--org--repo/blobs/", sha256, NULL);
  g_autofree char *target = g_strconcat ("../../blobs/", sha256, NULL);
  g_autofree char *link = dup_path (fixture, "hub/models--org--repo/snapshots/0123/model.gguf");
  G_GNUC_UNUSED g_autofree char *path = put (fixture, blob);

  g_assert_cmpint (symlink (target, link), ==, 0);
  return g_steal_pointer (&link);
}

static char *
put_in_ollama (ManagerFixture *fixture)
{
  g_autofree char *sha256 = steps_dup_sha256 (fixture, FIXTURE_PATH);
  g_autofree char *blob = g_strconcat ("ollama/blobs/sha256-", sha256, NULL);

  return put (fixture, blob);
}

/* A file that takes longer to read than any test. */
static char *
put_endless (ManagerFixture *fixture)
{
  g_autofree char *path = dup_path (fixture, "shelves/publisher/model/model.gguf");
  FILE *file = g_fopen (path, "w");

  g_assert_nonnull (file);
  g_assert_cmpint (ftruncate (fileno (file), ENDLESS), ==, 0);
  fclose (file);
  return g_steal_pointer (&path);
}

/* Asks without a folder, with the digest. */
static DrayRequest *
get (ManagerFixture *fixture)
{
  g_autofree char *sha256 = steps_dup_sha256 (fixture, FIXTURE_PATH);

  return fixture_get_with (fixture, FIXTURE_PATH, "directory", NULL, "sha256", sha256, NULL);
}

static void
look_at (const char *path, struct stat *facts)
{
  g_assert_cmpint (stat (path, facts), ==, 0);
}

/* The file is the same one, with one name, and nobody has written to it. */
static void
assert_untouched (const char *path, const struct stat *before)
{
  struct stat facts;

  look_at (path, &facts);
  g_assert_cmpuint (facts.st_ino, ==, before->st_ino);
  g_assert_cmpuint (facts.st_nlink, ==, before->st_nlink);
  g_assert_cmpint (facts.st_size, ==, before->st_size);
  g_assert_cmpint (facts.st_blocks, ==, before->st_blocks);
  g_assert_cmpint (facts.st_mtim.tv_sec, ==, before->st_mtim.tv_sec);
  g_assert_cmpint (facts.st_mtim.tv_nsec, ==, before->st_mtim.tv_nsec);
  g_assert_cmpint (facts.st_ctim.tv_sec, ==, before->st_ctim.tv_sec);
  g_assert_cmpint (facts.st_ctim.tv_nsec, ==, before->st_ctim.tv_nsec);
}

/* The request has got that file where it is, without the server and without a byte in the library. */
static void
assert_in_place (ManagerFixture *fixture, DrayRequest *request, const char *path)
{
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
  g_assert_cmpstr (dray_request_get_path (request), ==, path);
  g_assert_cmpstr (dray_request_get_external (request), ==, PROGRAM);
  g_assert_cmpstr (dray_request_get_verified (request), ==, "digest");
  g_assert_true (dray_request_is_length_proven (request));
  g_assert_cmpuint (steps_count_asked (fixture, FIXTURE_PATH), ==, 0);
  g_assert_false (g_file_test (fixture->library_root, G_FILE_TEST_EXISTS));
}

static void
assert_fetched (ManagerFixture *fixture, DrayRequest *request)
{
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
  g_assert_null (dray_request_get_external (request));
  g_assert_cmpint (fixture_get_body_bytes (fixture, FIXTURE_PATH), ==, FIXTURE_SIZE);
}

typedef char *(*Put) (ManagerFixture *fixture);

/* Once found it is known, and known after a restart. */
static void
check_store (ManagerFixture *fixture, Put put_file)
{
  g_autofree char *path = put_file (fixture);
  struct stat before;

  look_at (path, &before);
  assert_in_place (fixture, get (fixture), path);
  assert_in_place (fixture, get (fixture), path);
  g_assert_cmpuint (dray_asset_table_get_size (fixture->manager->engine.assets), ==, 1);

  reopen (fixture);
  g_assert_cmpuint (fixture_count_requests (fixture), ==, 2);
  for (guint i = 0; i < 2; i++)
    assert_in_place (fixture, dray_engine_get_request (&fixture->manager->engine, i), path);
  assert_in_place (fixture, get (fixture), path);
  assert_untouched (path, &before);
}

static void
test_hub (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer unused)
{
  check_store (fixture, put_in_hub);
}

static void
test_ollama (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer unused)
{
  check_store (fixture, put_in_ollama);
}

static void
test_shelves (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer unused)
{
  check_store (fixture, put_on_shelf);
}

/* Whatever a person does to the request, and however the next program finds the catalog. */
static void
test_left_alone (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer unused)
{
  g_autofree char *path = put_in_hub (fixture);
  g_autofree char *id = NULL;
  g_autoptr (GError) error = NULL;
  DrayRequest *request = get (fixture);
  struct stat before;

  look_at (path, &before);
  id = g_strdup (dray_request_get_id (request));
  assert_in_place (fixture, request, path);
  g_assert_cmpuint (fixture_cancel (fixture, id, TRUE), ==, 0);
  g_assert_cmpuint (fixture_cancel_model (fixture, dray_request_get_model_id (request)), ==, 0);
  steps_hold (fixture);
  dray_manager_release (fixture->manager);
  assert_untouched (path, &before);

  g_assert_true (fixture_remove (fixture, id, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (fixture_count_requests (fixture), ==, 0);
  reopen (fixture);
  assert_untouched (path, &before);
  g_assert_true (g_file_test (path, G_FILE_TEST_IS_SYMLINK));
}

static void
exec_sql (ManagerFixture *fixture, const char *sql)
{
  sqlite3 *db = NULL;

  g_assert_cmpint (sqlite3_open (fixture->catalog_path, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_close (db), ==, SQLITE_OK);
}

/* A row of another program's file that says "discarding" is damage, and is not acted on. */
static void
test_damaged_row (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer unused)
{
  g_autofree char *path = put_on_shelf (fixture);
  g_autofree char *part = g_strconcat (path, ".part", NULL);
  g_autoptr (GError) error = NULL;

  assert_in_place (fixture, get (fixture), path);
  g_file_set_contents (part, "the program's own", -1, &error);
  g_assert_no_error (error);
  fixture_close (fixture);
  exec_sql (fixture, "PRAGMA ignore_check_constraints = ON;"
                     "UPDATE asset SET state = 'discarding' WHERE external IS NOT NULL;");
  fixture_open (fixture);
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (part, G_FILE_TEST_EXISTS));
}

/* Who names a folder gets a file of its own there, which does not change with the other. */
static void
test_folder (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer unused)
{
  g_autofree char *path = put_in_ollama (fixture);
  g_autofree char *sha256 = steps_dup_sha256 (fixture, FIXTURE_PATH);
  g_autofree char *expected = g_build_filename (fixture->directory, "model.gguf", NULL);
  DrayRequest *request, *again;
  struct stat before, facts;

  look_at (path, &before);
  request = fixture_get_with (fixture, FIXTURE_PATH, "sha256", sha256, NULL);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
  g_assert_cmpstr (dray_request_get_path (request), ==, expected);
  g_assert_null (dray_request_get_external (request));
  g_assert_cmpuint (steps_count_asked (fixture, FIXTURE_PATH), ==, 0);
  look_at (expected, &facts);
  g_assert_cmpuint (facts.st_ino, !=, before.st_ino);
  g_assert_cmpuint (facts.st_nlink, ==, 1);
  assert_untouched (path, &before);

  again = fixture_get_with (fixture, FIXTURE_PATH, "sha256", sha256, NULL);
  fixture_wait_for_end (again);
  g_assert_cmpstr (dray_request_get_path (again), ==, expected);
  g_assert_cmpuint (steps_count_in (fixture->directory), ==, 1);
}

/* Gone, or written to: it is looked for anew, and fetched where it is nowhere. */
static void
test_gone (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer unused)
{
  g_autofree char *first = put_on_shelf (fixture);
  g_autofree char *second = NULL;

  assert_in_place (fixture, get (fixture), first);
  g_assert_cmpint (g_remove (first), ==, 0);
  second = put_in_ollama (fixture);
  assert_in_place (fixture, get (fixture), second);
  g_assert_cmpint (g_remove (second), ==, 0);
  assert_fetched (fixture, get (fixture));
}

/* A request that has found the file and could not place it does not hang on that file. */
static void
test_gone_before_resume (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer unused)
{
  g_autofree char *path = put_in_ollama (fixture);
  g_autofree char *sha256 = steps_dup_sha256 (fixture, FIXTURE_PATH);
  DrayRequest *request;

  g_assert_true (g_file_set_contents (fixture->directory, "in the way", -1, NULL));
  request = fixture_get_with (fixture, FIXTURE_PATH, "sha256", sha256, NULL);
  fixture_wait_for_end (request);
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_FAILED);
  g_assert_cmpuint (steps_count_asked (fixture, FIXTURE_PATH), ==, 0);

  g_assert_cmpint (g_remove (fixture->directory), ==, 0);
  g_assert_cmpint (g_remove (path), ==, 0);
  reopen (fixture);
  request = fixture_get_only_request (fixture);
  fixture_resume (fixture, request);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
}

/* As large as before, and as old. */
static void
test_changed (ManagerFixture *fixture, gconstpointer same_bytes)
{
  g_autofree char *path = put_on_shelf (fixture);
  struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = 1000000000 } };
  DrayRequest *request;
  FILE *file;

  assert_in_place (fixture, get (fixture), path);
  if (same_bytes == NULL)
    {
      file = g_fopen (path, "r+");
      g_assert_cmpint (fseek (file, FIXTURE_HELD, SEEK_SET), ==, 0);
      g_assert_cmpint (fputs ("other", file), >=, 0);
      g_assert_cmpint (fclose (file), ==, 0);
    }
  g_assert_cmpint (utimensat (AT_FDCWD, path, times, 0), ==, 0);

  request = get (fixture);
  if (same_bytes != NULL)
    assert_in_place (fixture, request, path);
  else
    assert_fetched (fixture, request);
}

/* A digest in a name is a claim. */
static void
test_wrong (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer unused)
{
  g_autofree char *path = put_in_hub (fixture);
  struct stat before;
  FILE *file = g_fopen (path, "r+");

  g_assert_cmpint (fputs ("other", file), >=, 0);
  g_assert_cmpint (fclose (file), ==, 0);
  look_at (path, &before);
  assert_fetched (fixture, get (fixture));
  assert_untouched (path, &before);
}

/* Of a caller that names no digest nobody knows whether it wants these bytes: it gets what the server
 * has, and so do those who share its transfer. */
static void
test_without_digest (ManagerFixture *fixture, gconstpointer comes_second)
{
  G_GNUC_UNUSED g_autofree char *path = put_on_shelf (fixture);
  DrayRequest *early = comes_second != NULL ? get (fixture) : NULL;
  DrayRequest *request = fixture_get_with (fixture, FIXTURE_PATH, "directory", NULL, NULL);
  DrayRequest *late = comes_second == NULL ? get (fixture) : NULL;

  assert_fetched (fixture, request);
  assert_fetched (fixture, early != NULL ? early : late);
}

/* Bytes that are here count for more than a look. */
static void
test_begun (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer unused)
{
  g_autofree char *sha256 = steps_dup_sha256 (fixture, FIXTURE_PATH);
  g_autofree char *path = NULL;
  DrayRequest *request;

  fixture_begin (fixture, FIXTURE_PATH, FIXTURE_HELD);
  path = put_on_shelf (fixture);
  request = fixture_get_with (fixture, FIXTURE_PATH, "sha256", sha256, NULL);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
  g_assert_null (dray_request_get_external (request));
  g_assert_cmpuint (fixture_count_files (fixture, TRUE), ==, 0);
}

/* What the whole of a long read shows, and that it can be left at any time. */
static void
test_cancel (ManagerFixture *fixture, gconstpointer clear_cache)
{
  g_autofree char *path = put_endless (fixture);
  g_autofree char *id = NULL;
  DrayRequest *request = get (fixture);
  struct stat before;

  look_at (path, &before);
  id = g_strdup (dray_request_get_id (request));
  fixture_wait_for_state (request, DRAY_REQUEST_VERIFYING);
  g_assert_cmpint (dray_request_get_total (request), ==, ENDLESS);
  fixture_wait_for_bytes (request, 1);
  g_assert_cmpuint (fixture_cancel (fixture, id, clear_cache != NULL), ==, 1);

  if (clear_cache != NULL)
    {
      g_assert_cmpuint (fixture_count_requests (fixture), ==, 0);
      g_assert_cmpuint (dray_asset_table_get_size (fixture->manager->engine.assets), ==, 0);
    }
  else
    {
      g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_PAUSED);
      g_assert_cmpint (dray_request_get_downloaded (request), ==, 0);
      g_assert_cmpint (g_remove (path), ==, 0);
      fixture_resume (fixture, request);
      assert_fetched (fixture, request);
      return;
    }
  assert_untouched (path, &before);
}

static void
test_sweep_and_hold (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer unused)
{
  G_GNUC_UNUSED g_autofree char *path = put_endless (fixture);
  DrayRequest *request = get (fixture);

  fixture_wait_for_state (request, DRAY_REQUEST_VERIFYING);
  steps_hold (fixture);
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_WAITING);
  dray_manager_release (fixture->manager);
  fixture_wait_for_state (request, DRAY_REQUEST_VERIFYING);
  g_assert_cmpuint (fixture_cancel_model (fixture, dray_request_get_model_id (request)), ==, 1);
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_PAUSED);

  /* A manager that closes while a file is read does not wait for its end. */
  fixture_resume (fixture, request);
  fixture_wait_for_state (request, DRAY_REQUEST_VERIFYING);
  fixture_close (fixture);
  fixture_open (fixture);
  g_assert_cmpint (dray_request_get_state (fixture_get_only_request (fixture)), ==,
                   DRAY_REQUEST_PAUSED);
}

/* Those who come while the file is read share the reading. */
static void
test_shared (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer unused)
{
  G_GNUC_UNUSED g_autofree char *path = put_endless (fixture);
  g_autofree char *sha256 = steps_dup_sha256 (fixture, FIXTURE_PATH);
  DrayRequest *first = get (fixture);
  DrayRequest *second;

  fixture_wait_for_state (first, DRAY_REQUEST_VERIFYING);
  second = fixture_get_with (fixture, FIXTURE_PATH, "directory", NULL, "sha256", sha256, "caller",
                             "other", NULL);
  fixture_wait_for_state (second, DRAY_REQUEST_VERIFYING);
  g_assert_cmpuint (fixture->manager->jobs->len, ==, 1);
  g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (first), FALSE), ==, 1);
  g_assert_cmpint (dray_request_get_state (second), ==, DRAY_REQUEST_VERIFYING);
  g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (second), TRUE), ==, 1);
  g_assert_cmpint (dray_request_get_state (first), ==, DRAY_REQUEST_PAUSED);
}

/* The header is read through the link. */
static void
test_load (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer unused)
{
  g_autofree char *path = put_in_hub (fixture);
  g_autofree char *sha256 = steps_dup_sha256 (fixture, FIXTURE_PATH);
  DrayRequest *request =
      steps_load_with (fixture, FIXTURE_PATH, "directory", NULL, "sha256", sha256, NULL);

  assert_in_place (fixture, request, path);
  g_assert_nonnull (dray_request_get_facts (request));
}

/* What Dray has finished itself is found by its digest, too, whatever link is given for it. */
static void
test_own (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer unused)
{
  DrayRequest *first = fixture_get_with (fixture, FIXTURE_PATH, "directory", NULL, NULL);
  g_autofree char *sha256 = steps_dup_sha256 (fixture, FIXTURE_PATH);
  DrayRequest *request;

  assert_fetched (fixture, first);
  steps_add_same (fixture, fixture->server, "/elsewhere.gguf");
  request =
      fixture_get_with (fixture, "/elsewhere.gguf", "directory", NULL, "sha256", sha256, NULL);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
  g_assert_null (dray_request_get_external (request));
  g_assert_cmpuint (steps_count_asked (fixture, "/elsewhere.gguf"), ==, 0);
}

#define ADD(name, data, func)                                                                      \
  g_test_add ("/already-here/" name, ManagerFixture, data, set_up, func, fixture_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  ADD ("hub", NULL, test_hub);
  ADD ("ollama", NULL, test_ollama);
  ADD ("shelves", NULL, test_shelves);
  ADD ("left-alone", NULL, test_left_alone);
  ADD ("damaged-row", NULL, test_damaged_row);
  ADD ("folder", NULL, test_folder);
  ADD ("gone", NULL, test_gone);
  ADD ("gone-before-resume", NULL, test_gone_before_resume);
  ADD ("changed/other-bytes", NULL, test_changed);
  ADD ("changed/same-bytes", "same", test_changed);
  ADD ("wrong", NULL, test_wrong);
  ADD ("without-digest/first", NULL, test_without_digest);
  ADD ("without-digest/second", "second", test_without_digest);
  ADD ("begun", NULL, test_begun);
  ADD ("cancel/pause", NULL, test_cancel);
  ADD ("cancel/discard", "discard", test_cancel);
  ADD ("cancel/sweep-and-hold", NULL, test_sweep_and_hold);
  ADD ("shared", NULL, test_shared);
  ADD ("load", NULL, test_load);
  ADD ("own", NULL, test_own);

  return g_test_run ();
}
