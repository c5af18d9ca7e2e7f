/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What may happen to the folder and to the partial file. */

#include "tests/core/manager-fixture.h"
#include "tests/core/manager-steps.h"

#include "core/base/digest.h"
#include "core/request/manager-private.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define BIG_PATH "/big.gguf"

/* Behind the back of a paused download. */
static void
test_deleted (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request = fixture_begin (fixture, FIXTURE_PATH, FIXTURE_HELD);
  g_autofree char *partial = fixture_dup_partial (fixture, "model.gguf");

  g_assert_cmpint (g_unlink (partial), ==, 0);
  fixture_resume (fixture, request);
  fixture_wait_for_end (request);

  fixture_assert_completed (fixture, request, FIXTURE_PATH);
  g_assert_cmpint (fixture_get_body_bytes (fixture, FIXTURE_PATH), ==,
                   FIXTURE_HELD + FIXTURE_SIZE);
}

static void
test_truncated (ManagerFixture *fixture, gconstpointer data)
{
  gint64 size = GPOINTER_TO_INT (data);
  DrayRequest *request = fixture_begin (fixture, FIXTURE_PATH, FIXTURE_HELD);
  g_autofree char *partial = fixture_dup_partial (fixture, "model.gguf");

  g_assert_cmpint (truncate (partial, size), ==, 0);
  fixture_resume (fixture, request);
  fixture_wait_for_end (request);

  fixture_assert_completed (fixture, request, FIXTURE_PATH);
  g_assert_cmpint (fixture_get_body_bytes (fixture, FIXTURE_PATH), ==,
                   MAX (0, FIXTURE_HELD - size) + FIXTURE_SIZE);
}

/* Another file in its place proves nothing of less than a whole block. */
static void
test_replaced (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request = fixture_begin (fixture, FIXTURE_PATH, FIXTURE_HELD);
  g_autofree char *partial = fixture_dup_partial (fixture, "model.gguf");
  g_autofree char *junk = g_malloc0 (FIXTURE_HELD);

  g_assert_true (g_file_set_contents (partial, junk, FIXTURE_HELD, NULL));
  fixture_resume (fixture, request);
  fixture_wait_for_end (request);

  fixture_assert_completed (fixture, request, FIXTURE_PATH);
}

static void
test_symbolic_link (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request = fixture_begin (fixture, FIXTURE_PATH, FIXTURE_HELD);
  g_autofree char *partial = fixture_dup_partial (fixture, "model.gguf");
  g_autofree char *victim = g_build_filename (fixture->root, "victim", NULL);
  g_autofree char *content = NULL;

  g_assert_true (g_file_set_contents (victim, "precious", -1, NULL));
  g_assert_cmpint (g_unlink (partial), ==, 0);
  g_assert_cmpint (symlink (victim, partial), ==, 0);
  fixture_resume (fixture, request);
  fixture_wait_for_end (request);

  fixture_assert_failed (fixture, request, DRAY_ERROR_PERMISSION);
  g_assert_true (g_file_get_contents (victim, &content, NULL, NULL));
  g_assert_cmpstr (content, ==, "precious");
}

/* A drive that is away: nothing is made in its place, and the download goes on when it is back. */
static void
test_folder_gone (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request = fixture_begin (fixture, FIXTURE_PATH, FIXTURE_HELD);
  g_autofree char *away = g_strconcat (fixture->directory, "-away", NULL);

  g_assert_cmpint (g_rename (fixture->directory, away), ==, 0);
  fixture_resume (fixture, request);
  fixture_wait_for_end (request);
  fixture_assert_failed (fixture, request, DRAY_ERROR_PARTIAL_MISSING);
  g_assert_false (g_file_test (fixture->directory, G_FILE_TEST_EXISTS));
  g_assert_cmpint (dray_request_get_downloaded (request), ==, FIXTURE_HELD);

  g_assert_cmpint (g_rename (away, fixture->directory), ==, 0);
  fixture_resume (fixture, request);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
  g_assert_cmpint (fixture_get_body_bytes (fixture, FIXTURE_PATH), ==, FIXTURE_SIZE);
}

/* The folder is a file: the request is not lost, and runs when there is a folder. */
static void
test_folder_is_file (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request;

  g_assert_true (g_file_set_contents (fixture->directory, "a file", -1, NULL));
  request = fixture_get (fixture, FIXTURE_PATH);
  fixture_wait_for_end (request);
  fixture_assert_failed (fixture, request, DRAY_ERROR_PERMISSION);
  g_assert_cmpuint (dray_test_server_get_n_requests (fixture->server), ==, 0);

  fixture_reopen (fixture);
  request = fixture_get_only_request (fixture);
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_FAILED);
  g_assert_error (dray_request_get_error (request), DRAY_ERROR, DRAY_ERROR_PERMISSION);
  g_assert_cmpint (g_unlink (fixture->directory), ==, 0);
  fixture_resume (fixture, request);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
}

/* The size limit of a process stands for a drive's: it needs no rights, and strikes in a write. */
static void
limit_files (rlim_t size)
{
  struct rlimit limit;

  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  limit.rlim_cur = size;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
}

static void
test_file_too_large (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request;

  signal (SIGXFSZ, SIG_IGN);
  dray_test_server_add_gguf (fixture->server, BIG_PATH, 3, 8 * 1024 * 1024);
  request = fixture_begin (fixture, BIG_PATH, FIXTURE_HELD);

  limit_files (4 * 1024 * 1024);
  fixture_resume (fixture, request);
  fixture_wait_for_end (request);
  limit_files (RLIM_INFINITY);
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_FAILED);
  g_assert_nonnull (dray_request_get_error (request));
  g_test_message ("%s", dray_request_get_error (request)->message);
  g_assert_cmpuint (fixture_count_files (fixture, FALSE), ==, 0);
  g_assert_cmpint (dray_request_get_downloaded (request), >=, FIXTURE_HELD);

  fixture_resume (fixture, request);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, BIG_PATH);
}

/* More than any drive has: known before the first byte, and said. */
static void
test_disk_full (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayTestBehaviour stall = { .break_times = 1, .break_how = DRAY_TEST_BREAK_STALL };
  DrayRequest *request;

  dray_test_server_add (fixture->server, BIG_PATH,
                        dray_test_content_new (3, G_GINT64_CONSTANT (1) << 50));
  dray_test_server_set_behaviour (fixture->server, BIG_PATH, &stall);
  request = fixture_get (fixture, BIG_PATH);
  fixture_wait_for_end (request);

  g_assert_true (
      g_error_matches (dray_request_get_error (request), DRAY_ERROR, DRAY_ERROR_DISK_FULL)
      || g_error_matches (dray_request_get_error (request), DRAY_ERROR,
                          DRAY_ERROR_TOO_LARGE_FOR_DRIVE));
  g_assert_cmpuint (fixture_count_files (fixture, FALSE), ==, 0);
  g_assert_cmpuint (fixture_count_files (fixture, TRUE), ==, 0);
}

/* What is flipped in a file of so many blocks and a little more. */
typedef struct
{
  guint n_blocks;
  gint64 offsets[3]; /* each in another block; -1 for none */
} Damage;

static const Damage damages[] = {
  { 4, { 0, -1, -1 } },
  { 4, { 2 * DRAY_BLOCK_SIZE + 777, -1, -1 } },
  { 4, { DRAY_BLOCK_SIZE - 1, DRAY_BLOCK_SIZE, 4 * DRAY_BLOCK_SIZE - 1 } },
  { 64, { 21 * DRAY_BLOCK_SIZE + 4711, -1, -1 } }, /* 1 GiB */
};

static void
flip_byte (const char *filename, gint64 offset)
{
  int fd = g_open (filename, O_RDWR | O_CLOEXEC);
  guint8 byte;

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (pread (fd, &byte, 1, offset), ==, 1);
  byte ^= 0x40;
  g_assert_cmpint (pwrite (fd, &byte, 1, offset), ==, 1);
  close (fd);
}

typedef struct
{
  ManagerFixture *fixture;
  DrayRequest *request;
  guint n_blocks;
} Saved;

static gboolean
has_saved_blocks (gpointer data)
{
  const Saved *saved = data;
  const DrayStoredAsset *asset
      = dray_engine_get_asset (&saved->fixture->manager->engine, saved->request);

  return asset->blocks->len >= saved->n_blocks;
}

/* Bytes that went bad on the disk between two runs: just the blocks that they are in are fetched
 * again. */
static void
test_damaged_blocks (ManagerFixture *fixture, gconstpointer data)
{
  const Damage *damage = data;
  gint64 held = damage->n_blocks * DRAY_BLOCK_SIZE + 5000;
  gint64 size = held + 7345;
  g_autofree char *partial = fixture_dup_partial (fixture, "big.gguf");
  guint n_damaged = 0;
  DrayRequest *request;

  dray_test_server_add_gguf (fixture->server, BIG_PATH, 4, size);
  steps_set_gate (fixture, BIG_PATH, held);
  request = fixture_get_with (fixture, BIG_PATH, "connections", 1, NULL);
  fixture_wait_for_bytes (request, held);
  fixture_wait (has_saved_blocks, &(Saved){ fixture, request, damage->n_blocks });
  fixture_cancel (fixture, dray_request_get_id (request), FALSE);
  fixture_close (fixture);

  for (guint i = 0; i < G_N_ELEMENTS (damage->offsets); i++)
    {
      if (damage->offsets[i] < 0)
        continue;
      flip_byte (partial, damage->offsets[i]);
      n_damaged++;
    }

  steps_set_gate (fixture, BIG_PATH, 0);
  fixture_open (fixture);
  request = fixture_get_only_request (fixture);
  fixture_resume (fixture, request);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, BIG_PATH);
  g_assert_cmpint (fixture_get_body_bytes (fixture, BIG_PATH), ==,
                   size + n_damaged * DRAY_BLOCK_SIZE);
}

static void
add (const char *name, gconstpointer data, void (*test) (ManagerFixture *, gconstpointer))
{
  g_autofree char *path = g_strconcat ("/transfer-disk/", name, NULL);

  g_test_add (path, ManagerFixture, data, fixture_set_up, test, fixture_tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("deleted", NULL, test_deleted);
  add ("truncated", GINT_TO_POINTER (40000), test_truncated);
  add ("truncated-to-nothing", GINT_TO_POINTER (0), test_truncated);
  add ("made-longer", GINT_TO_POINTER (5000000), test_truncated);
  add ("replaced", NULL, test_replaced);
  add ("symbolic-link", NULL, test_symbolic_link);
  add ("folder-gone", NULL, test_folder_gone);
  add ("folder-is-file", NULL, test_folder_is_file);
  add ("file-too-large", NULL, test_file_too_large);
  add ("disk-full", NULL, test_disk_full);
  add ("damaged-blocks/first", &damages[0], test_damaged_blocks);
  add ("damaged-blocks/third", &damages[1], test_damaged_blocks);
  add ("damaged-blocks/three", &damages[2], test_damaged_blocks);
  if (g_getenv ("DRAY_TEST_FULL") != NULL)
    add ("damaged-blocks/large", &damages[3], test_damaged_blocks);

  return g_test_run ();
}
