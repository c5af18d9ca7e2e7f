/* SPDX-License-Identifier: GPL-3.0-or-later */

/* A file that is whole and has the wrong digest. */

#include "core/base/digest.h"
#include "core/request/manager-private.h"
#include "tests/core/manager-steps.h"

#include <string.h>

#define PATH "/big.gguf"
#define SEED 4
#define N_BLOCKS 3
#define SIZE (N_BLOCKS * DRAY_BLOCK_SIZE + 12345)

static void
serve (ManagerFixture *fixture, const DrayTestBehaviour *behaviour)
{
  dray_test_server_add_gguf (fixture->server, PATH, SEED, SIZE);
  dray_test_server_set_behaviour (fixture->server, PATH, behaviour);
}

/* Over one connection, so that the server's log is exact. */
static DrayRequest *
get (ManagerFixture *fixture)
{
  g_autofree char *sha256 = steps_dup_sha256 (fixture, PATH);

  return fixture_get_with (fixture, PATH, "sha256", sha256, "connections", 1, NULL);
}

static DrayStoredAsset *
get_asset (ManagerFixture *fixture, DrayRequest *request)
{
  return dray_engine_get_asset (&fixture->manager->engine, request);
}

static void
assert_mismatch (ManagerFixture *fixture, DrayRequest *request, const char *words)
{
  fixture_wait_for_end (request);
  fixture_assert_failed (fixture, request, DRAY_ERROR_CHECKSUM_MISMATCH);
  g_test_message ("%s", dray_request_get_error (request)->message);
  g_assert_nonnull (strstr (dray_request_get_error (request)->message, words));
  g_assert_cmpuint (fixture_count_files (fixture, TRUE), ==, 1);
  g_assert_cmpint (dray_request_get_downloaded (request), ==, SIZE);
}

/* Downloads all of it, with one wrong byte. */
static DrayRequest *
get_wrong (ManagerFixture *fixture, gint64 offset)
{
  const DrayTestBehaviour behaviour = { .wrong_times = 1, .wrong_offset = offset };
  DrayRequest *request;

  serve (fixture, &behaviour);
  request = get (fixture);
  assert_mismatch (fixture, request, "download it again");
  g_assert_cmpint (fixture_get_body_bytes (fixture, PATH), ==, SIZE);

  return request;
}

static void
assert_completes (ManagerFixture *fixture, DrayRequest *request)
{
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, PATH);
  g_assert_cmpstr (dray_request_get_verified (request), ==, "digest");
}

/* The block that was wrong is replaced, and then nothing more is waited for. */
static void
test_wrong_byte (ManagerFixture *fixture, gconstpointer data)
{
  gint64 offset = GPOINTER_TO_INT (data) * DRAY_BLOCK_SIZE + 777;
  gint64 gate = MIN (SIZE, (offset / DRAY_BLOCK_SIZE + 1) * DRAY_BLOCK_SIZE);
  DrayRequest *request = get_wrong (fixture, offset);

  steps_set_gate (fixture, PATH, gate);
  fixture_resume (fixture, request);
  assert_completes (fixture, request);
  g_assert_cmpint (fixture_get_body_bytes (fixture, PATH), ==, SIZE + gate);
}

/* So it is over many connections, in the next run of the program, too. */
static void
test_many_connections (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *sha256 = NULL;

  get_wrong (fixture, 2 * DRAY_BLOCK_SIZE + 4711);
  fixture_reopen (fixture);
  sha256 = steps_dup_sha256 (fixture, PATH);
  assert_completes (fixture,
                    fixture_get_with (fixture, PATH, "sha256", sha256, "connections", 8, NULL));
}

/* Bytes that come wrong in another place each time: the message names the blocks. The bytes stay,
 * and a further attempt repairs them. */
static void
test_wrong_again (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  const DrayTestBehaviour again = { .wrong_times = 1, .wrong_offset = 0 };
  DrayRequest *request = get_wrong (fixture, 2 * DRAY_BLOCK_SIZE);

  dray_test_server_set_behaviour (fixture->server, PATH, &again);
  fixture_resume (fixture, request);
  assert_mismatch (fixture, request, ": 0–16777215, 33554432–50331647");

  fixture_resume (fixture, request);
  assert_completes (fixture, request);
  g_assert_cmpint (fixture_get_body_bytes (fixture, PATH), <=, 3 * SIZE);
}

/* The server's file is simply another one. */
static void
test_same_again (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  const DrayTestBehaviour again = { .wrong_times = DRAY_TEST_ALWAYS, .wrong_offset = 99 };
  DrayRequest *request = get_wrong (fixture, 99);

  dray_test_server_set_behaviour (fixture->server, PATH, &again);
  fixture_resume (fixture, request);
  assert_mismatch (fixture, request, "the same bytes again");
  g_assert_cmpint (fixture_get_body_bytes (fixture, PATH), ==, 2 * SIZE);
  g_assert_false (get_asset (fixture, request)->record.digest_tied);
}

/* The server has the right file by now: all is replaced. */
static void
test_other_version (ManagerFixture *fixture, gconstpointer data)
{
  const DrayTestBehaviour behaviour = { .ranges = (DrayTestRanges) GPOINTER_TO_INT (data) };
  g_autofree char *sha256 = NULL;
  g_autoptr (GPtrArray) log = NULL;
  DrayRequest *request;

  serve (fixture, &behaviour);
  sha256 = steps_dup_sha256 (fixture, PATH);
  dray_test_server_add_gguf (fixture->server, PATH, SEED + 1, SIZE);
  dray_test_server_set_behaviour (fixture->server, PATH, &behaviour);
  request = fixture_get_with (fixture, PATH, "sha256", sha256, "connections", 1, NULL);
  assert_mismatch (fixture, request, "download it again");

  serve (fixture, &behaviour);
  dray_test_server_set_etag (fixture->server, PATH, "\"another\"");
  fixture_resume (fixture, request);
  assert_completes (fixture, request);
  log = dray_test_server_dup_log (fixture->server);
  g_assert_null (((DrayTestRecord *) g_ptr_array_index (log, 1))->if_range);
}

/* Of a file that is repaired, what has been compared counts as downloaded. */
static gboolean
has_compared (gpointer request)
{
  return dray_request_get_downloaded (request) == DRAY_BLOCK_SIZE + DRAY_BLOCK_SIZE / 2;
}

/* A repair that ends early leaves nothing behind that the next run could take for right. */
static void
test_interrupted (ManagerFixture *fixture, gconstpointer data)
{
  gboolean restarts = GPOINTER_TO_INT (data);
  DrayRequest *request = get_wrong (fixture, DRAY_BLOCK_SIZE + 100);
  DrayStoredAsset *asset = get_asset (fixture, request);

  g_assert_cmpuint (asset->blocks->len, ==, N_BLOCKS);
  steps_set_gate (fixture, PATH, DRAY_BLOCK_SIZE + DRAY_BLOCK_SIZE / 2);
  fixture_resume (fixture, request);
  fixture_wait (has_compared, request);

  /* What a crash would leave at this moment. */
  g_assert_cmpuint (asset->blocks->len, ==, 0);
  g_assert_true (asset->record.digest_tied);
  g_assert_cmpint (dray_stored_asset_get_written (asset), ==, SIZE);

  fixture_cancel (fixture, dray_request_get_id (request), FALSE);
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_PAUSED);
  g_assert_cmpint (dray_request_get_downloaded (request), ==, SIZE);
  g_assert_cmpuint (asset->blocks->len, ==, 1);
  g_assert_true (asset->record.digest_tied);

  if (restarts)
    {
      fixture_reopen (fixture);
      request = fixture_get_only_request (fixture);
    }
  steps_set_gate (fixture, PATH, 0);
  fixture_resume (fixture, request);
  assert_completes (fixture, request);
}

/* A server that fails in the midst of it loses nothing either. */
static void
test_refused (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayTestBehaviour refuses = { .break_times = 1, .break_after = 100000 };
  DrayRequest *request = get_wrong (fixture, DRAY_BLOCK_SIZE);

  refuses.answer = (DrayTestAnswer){ .only_resumes = TRUE, .times = 1, .status = 404 };
  dray_test_server_set_behaviour (fixture->server, PATH, &refuses);
  fixture_resume (fixture, request);
  fixture_wait_for_end (request);
  fixture_assert_failed (fixture, request, DRAY_ERROR_NOT_FOUND);
  g_assert_cmpint (dray_request_get_downloaded (request), ==, SIZE);
  g_assert_cmpuint (get_asset (fixture, request)->blocks->len, ==, N_BLOCKS);

  fixture_resume (fixture, request);
  assert_completes (fixture, request);
}

/* Of another size it is another file, which only the person can want. */
static void
test_other_size (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request = get_wrong (fixture, 5);
  g_autoptr (GError) error = NULL;

  dray_test_server_add_gguf (fixture->server, PATH, SEED, SIZE + 1);
  fixture_resume (fixture, request);
  fixture_wait_for_end (request);
  fixture_assert_failed (fixture, request, DRAY_ERROR_CHANGED);
  g_assert_cmpint (dray_request_get_downloaded (request), ==, SIZE);

  serve (fixture, &(DrayTestBehaviour){ 0 });
  dray_manager_resume (fixture->manager, dray_request_get_id (request), TRUE, &error);
  g_assert_no_error (error);
  assert_completes (fixture, request);
}

static void
add (const char *name, gconstpointer data, void (*test) (ManagerFixture *, gconstpointer))
{
  g_autofree char *path = g_strconcat ("/transfer-repair/", name, NULL);

  g_test_add (path, ManagerFixture, data, fixture_set_up, test, fixture_tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("wrong-byte/first-block", GINT_TO_POINTER (0), test_wrong_byte);
  add ("wrong-byte/second-block", GINT_TO_POINTER (1), test_wrong_byte);
  add ("wrong-byte/tail", GINT_TO_POINTER (N_BLOCKS), test_wrong_byte);
  add ("many-connections", NULL, test_many_connections);
  add ("wrong-again", NULL, test_wrong_again);
  add ("same-again", NULL, test_same_again);
  add ("other-version/ranges", GINT_TO_POINTER (DRAY_TEST_RANGES_CORRECT), test_other_version);
  add ("other-version/no-ranges", GINT_TO_POINTER (DRAY_TEST_RANGES_DENIED), test_other_version);
  add ("interrupted/resumed", GINT_TO_POINTER (FALSE), test_interrupted);
  add ("interrupted/restarted", GINT_TO_POINTER (TRUE), test_interrupted);
  add ("refused", NULL, test_refused);
  add ("other-size", NULL, test_other_size);

  return g_test_run ();
}
