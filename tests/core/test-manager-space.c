/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Drives that fill up: before the first byte, between two of them, under a quota.
 *
 * How much is free, whether room can be set aside, and where a write finds the drive full, this
 * file says; the rest is as on any drive.
 */

#include "tests/core/manager-steps.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/statfs.h>

#define PATH FIXTURE_PATH
#define MEGABYTE ((gint64) 1000 * 1000)

/* What is left free to everybody else. */
#define MARGIN ((gint64) 16 * 1024 * 1024)

/* Enough for all. */
#define PLENTY ((gint64) 1 << 50)

/* What the calls below do; the threads of the disk and of the connections ask. */
static struct
{
  gint full;   /* from FULL_AT on no byte can be written; atomic */
  gint no_room; /* nothing is free, whoever asks; atomic */
  gint free_megabytes; /* above the margin; 0 for plenty; atomic */
  gint reserves; /* whether room can be set aside; atomic */
  gint reserved; /* how much was; atomic */
} disk;

/* Where a full drive ends a file. */
#define FULL_AT ((gint64) 100000)

int __real_fstatfs64 (int fd, struct statfs *facts);
ssize_t __real_pwrite64 (int fd, const void *bytes, size_t n_bytes, off_t offset);

int __wrap_fstatfs64 (int fd, struct statfs *facts);
int __wrap_fallocate64 (int fd, int mode, off_t offset, off_t length);
ssize_t __wrap_pwrite64 (int fd, const void *bytes, size_t n_bytes, off_t offset);

int
__wrap_fstatfs64 (int fd, struct statfs *facts)
{
  int result = __real_fstatfs64 (fd, facts);
  gint64 free_bytes = PLENTY;

  if (g_atomic_int_get (&disk.no_room))
    free_bytes = 0;
  else if (g_atomic_int_get (&disk.free_megabytes) > 0)
    free_bytes = MARGIN + g_atomic_int_get (&disk.free_megabytes) * MEGABYTE;

  facts->f_type = EXT4_SUPER_MAGIC;
  facts->f_bsize = 1;
  facts->f_blocks = PLENTY;
  facts->f_bavail = (fsblkcnt_t) free_bytes;
  return result;
}

int
__wrap_fallocate64 (G_GNUC_UNUSED int fd, int mode, off_t offset, off_t length)
{
  if (g_atomic_int_get (&disk.reserves))
    {
      g_assert_cmpint (mode, ==, FALLOC_FL_KEEP_SIZE);
      g_assert_cmpint (offset, ==, 0);
      g_atomic_int_set (&disk.reserved, (gint) length);
      return 0;
    }

  errno = EOPNOTSUPP;
  return -1;
}

ssize_t
__wrap_pwrite64 (int fd, const void *bytes, size_t n_bytes, off_t offset)
{
  if (g_atomic_int_get (&disk.full))
    {
      if (offset >= FULL_AT)
        {
          errno = ENOSPC;
          return -1;
        }
      n_bytes = MIN (n_bytes, (size_t) (FULL_AT - offset));
    }

  return __real_pwrite64 (fd, bytes, n_bytes, offset);
}

static void
set_full (gboolean full)
{
  g_atomic_int_set (&disk.full, full);
  g_atomic_int_set (&disk.no_room, full);
}

static void
set_up (ManagerFixture *fixture, gconstpointer data)
{
  set_full (FALSE);
  g_atomic_int_set (&disk.free_megabytes, 0);
  g_atomic_int_set (&disk.reserves, FALSE);
  g_atomic_int_set (&disk.reserved, 0);
  fixture_set_up (fixture, data);
}

static gboolean
is_short_of_space (gpointer data)
{
  DrayRequest *request = data;

  return dray_request_get_state (request) == DRAY_REQUEST_WAITING
         && g_strcmp0 (dray_request_get_reason (request), "disk-full") == 0;
}

static gboolean
knows_missing (gpointer data)
{
  return is_short_of_space (data) && dray_request_get_missing (data) > MARGIN;
}

/* Fills the drive in the middle of the file; the bytes before that are here, and counted. */
static DrayRequest *
fill (ManagerFixture *fixture)
{
  DrayRequest *request;

  steps_set_gate (fixture, PATH, FULL_AT);
  request = fixture_get (fixture, PATH);
  fixture_wait_for_bytes (request, FULL_AT);
  set_full (TRUE);
  steps_set_gate (fixture, PATH, 0);
  fixture_wait (is_short_of_space, request);
  g_assert_cmpint (dray_request_get_downloaded (request), ==, FULL_AT);

  return request;
}

/* Every later question was for the bytes from there on. */
static void
assert_continued (ManagerFixture *fixture)
{
  g_autoptr (GPtrArray) log = dray_test_server_dup_log (fixture->server);
  guint n_asked = 0;

  for (guint i = 0; i < log->len; i++)
    {
      const DrayTestRecord *record = g_ptr_array_index (log, i);

      if (g_str_equal (record->target, PATH) && n_asked++ > 0)
        g_assert_cmpint (record->range_first, ==, FULL_AT);
    }
  g_assert_cmpuint (n_asked, >, 1);
}

static void
assert_finishes (ManagerFixture *fixture, DrayRequest *request)
{
  set_full (FALSE);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, PATH);
  assert_continued (fixture);
}

/* Room for all of it is set aside before the first byte; the file's own size does not tell. */
static void
test_reserved (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *partial = fixture_dup_partial (fixture, "model.gguf");
  DrayRequest *request;
  GStatBuf facts;

  g_atomic_int_set (&disk.reserves, TRUE);
  steps_set_gate (fixture, PATH, 1);
  request = fixture_get (fixture, PATH);
  fixture_wait_for_bytes (request, 1);
  g_assert_cmpint (g_atomic_int_get (&disk.reserved), ==, FIXTURE_SIZE);
  g_assert_cmpint (g_stat (partial, &facts), ==, 0);
  g_assert_cmpint (facts.st_size, ==, 1);

  steps_set_gate (fixture, PATH, 0);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, PATH);
}

/* It says how much is missing, holds up nobody else, asks the server for nothing meanwhile, and
 * goes on at the right byte as soon as there is room. */
static void
test_later (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request, *other;
  guint n_asked;

  dray_manager_set_max_transfers (fixture->manager, 1);
  request = fill (fixture);
  g_assert_true (dray_request_get_missing (request) == 0 || knows_missing (request));
  fixture_wait (knows_missing, request);
  g_assert_cmpint (dray_request_get_missing (request), >=, MARGIN + FIXTURE_SIZE - 2 * FULL_AT);
  g_assert_cmpint (dray_request_get_missing (request), <=, MARGIN + FIXTURE_SIZE);
  n_asked = steps_count_asked (fixture, PATH);

  g_atomic_int_set (&disk.full, FALSE);
  dray_test_server_add (fixture->server, "/empty", dray_test_content_new (3, 0));
  other = fixture_get (fixture, "/empty");
  fixture_wait_for_end (other);
  steps_spin (fixture);
  g_assert_true (is_short_of_space (request));
  g_assert_cmpuint (steps_count_asked (fixture, PATH), ==, n_asked);

  assert_finishes (fixture, request);
  g_assert_cmpint (dray_request_get_missing (request), ==, 0);
}

/* Where room seems to be free and is not, as under a quota, it tries again, more and more rarely as
 * long as no byte finds room. */
static void
test_quota (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request = fill (fixture);

  g_atomic_int_set (&disk.no_room, FALSE);
  fixture_wait_for_asked (fixture, 3);
  fixture_wait (is_short_of_space, request);
  assert_finishes (fixture, request);
}

static void
test_pause (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request = fill (fixture);

  g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (request), FALSE), ==, 1);
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_PAUSED);
  g_assert_cmpint (dray_request_get_downloaded (request), ==, FULL_AT);
  fixture_resume (fixture, request);
  fixture_wait (is_short_of_space, request);
  assert_finishes (fixture, request);
}

static void
test_discard (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request = fill (fixture);

  fixture_cancel (fixture, dray_request_get_id (request), TRUE);
  g_assert_cmpuint (fixture_count_files (fixture, TRUE), ==, 0);
  set_full (FALSE);
  request = fixture_get (fixture, PATH);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, PATH);
}

/* The same bytes for another caller: one waits as the other does. */
static void
test_shared (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request = fill (fixture);
  DrayRequest *other = fixture_get_with (fixture, PATH, "caller", "another", NULL);

  fixture_wait (is_short_of_space, other);
  assert_finishes (fixture, request);
  fixture_wait_for_end (other);
  fixture_assert_completed (fixture, other, PATH);
}

static void
test_hold (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request = fill (fixture);

  steps_hold (fixture);
  g_assert_cmpstr (dray_request_get_reason (request), ==, "held");
  g_assert_cmpint (dray_request_get_missing (request), ==, 0);
  dray_manager_release (fixture->manager);
  fixture_wait (is_short_of_space, request);
  assert_finishes (fixture, request);
}

static void
test_restart (ManagerFixture *fixture, gconstpointer data)
{
  gboolean resumes = GPOINTER_TO_INT (data);
  DrayRequest *request = fill (fixture);
  g_autofree char *id = g_strdup (dray_request_get_id (request));

  steps_reopen (fixture, 0, resumes);
  request = steps_find (fixture, id);
  g_assert_cmpint (dray_request_get_downloaded (request), ==, FULL_AT);
  if (!resumes)
    {
      g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_PAUSED);
      fixture_resume (fixture, request);
    }
  fixture_wait (is_short_of_space, request);
  assert_finishes (fixture, request);
}

static void
test_close (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (DrayRequest) request = g_object_ref (fill (fixture));

  fixture_close (fixture);
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_PAUSED);
}

#define PLANNED_SIZE (10 * MEGABYTE)
#define PLANNED_GATE (3 * MEGABYTE / 2)
#define PLANNED_FREE 25

/* Files of which two find room, and three do not. */
static void
serve_planned (ManagerFixture *fixture, const char *path, gint64 gate)
{
  dray_test_server_add_gguf (fixture->server, path, 100, PLANNED_SIZE);
  steps_set_gate (fixture, path, gate);
  g_atomic_int_set (&disk.free_megabytes, PLANNED_FREE);
}

/* It has no byte and no file, and says how much is missing: what is planned without it, and it. */
static void
assert_does_not_fit (ManagerFixture *fixture, DrayRequest *request)
{
  fixture_wait_for_end (request);
  fixture_assert_failed (fixture, request, DRAY_ERROR_DISK_FULL);
  g_assert_cmpint (dray_request_get_downloaded (request), ==, 0);
  g_assert_true (g_regex_match_simple ("(1\\.9|2\\.0).MB missing",
                                       dray_request_get_error (request)->message, 0, 0));
}

/* What others have begun is theirs, although the drive has not set it aside. */
static void
test_plan_running (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const char *const paths[] = { "/a.gguf", "/b.gguf", "/c.gguf" };
  DrayRequest *requests[G_N_ELEMENTS (paths)];

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      serve_planned (fixture, paths[i], PLANNED_GATE);
      requests[i] = fixture_get (fixture, paths[i]);
      if (i < 2)
        fixture_wait_for_bytes (requests[i], PLANNED_GATE);
    }
  assert_does_not_fit (fixture, requests[2]);

  for (guint i = 0; i < 2; i++)
    steps_set_gate (fixture, paths[i], 0);
  for (guint i = 0; i < 2; i++)
    {
      fixture_wait_for_end (requests[i]);
      fixture_assert_completed (fixture, requests[i], paths[i]);
    }

  /* Now nothing is planned but this. */
  steps_set_gate (fixture, paths[2], 0);
  fixture_resume (fixture, requests[2]);
  fixture_wait_for_end (requests[2]);
  fixture_assert_completed (fixture, requests[2], paths[2]);
}

/* What was begun earlier waits for those who have begun meanwhile, and goes on after them. */
static void
test_plan_resumed (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const char *const paths[] = { "/a.gguf", "/b.gguf", "/c.gguf" };
  DrayRequest *requests[G_N_ELEMENTS (paths)];

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      serve_planned (fixture, paths[i], PLANNED_GATE);
      requests[i] = fixture_get (fixture, paths[i]);
      fixture_wait_for_bytes (requests[i], PLANNED_GATE);
      if (i == 0)
        fixture_cancel (fixture, dray_request_get_id (requests[0]), FALSE);
    }
  fixture_resume (fixture, requests[0]);
  fixture_wait (is_short_of_space, requests[0]);

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    steps_set_gate (fixture, paths[i], 0);
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      fixture_wait_for_end (requests[i]);
      fixture_assert_completed (fixture, requests[i], paths[i]);
    }
}

/* So is what those need who come before it in the queue, and no more than that. */
static void
test_plan_queue (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  DrayRequest *running, *before, *request;

  dray_manager_set_max_transfers (fixture->manager, 1);
  serve_planned (fixture, "/b.gguf", PLANNED_GATE);
  before = fixture_get (fixture, "/b.gguf");
  fixture_wait_for_bytes (before, PLANNED_GATE);
  fixture_cancel (fixture, dray_request_get_id (before), FALSE);

  serve_planned (fixture, "/a.gguf", PLANNED_GATE);
  running = fixture_get (fixture, "/a.gguf");
  fixture_wait_for_bytes (running, PLANNED_GATE);
  fixture_resume (fixture, before);
  fixture_wait_for_state (before, DRAY_REQUEST_QUEUED);

  serve_planned (fixture, "/c.gguf", 0);
  request = fixture_get (fixture, "/c.gguf");
  fixture_wait_for_state (request, DRAY_REQUEST_QUEUED);
  g_assert_true (
      dray_manager_start_now (fixture->manager, dray_request_get_id (request), &error));
  assert_does_not_fit (fixture, request);

  fixture_resume (fixture, request);
  fixture_wait_for_state (request, DRAY_REQUEST_QUEUED);
  g_assert_true (
      dray_manager_move (fixture->manager, dray_request_get_id (request), 0, &error));
  g_assert_true (
      dray_manager_start_now (fixture->manager, dray_request_get_id (request), &error));
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, "/c.gguf");
}

static guint
count_in_state (ManagerFixture *fixture, DrayRequestState state)
{
  GListModel *requests = dray_manager_get_requests (fixture->manager);
  guint n = 0;

  for (guint i = 0; i < g_list_model_get_n_items (requests); i++)
    {
      g_autoptr (DrayRequest) request = g_list_model_get_item (requests, i);

      n += dray_request_get_state (request) == state;
    }

  return n;
}

static gboolean
has_one_failed (gpointer data)
{
  return count_in_state (data, DRAY_REQUEST_FAILED) == 1;
}

/* Of a set the files that find room go on. */
static void
test_plan_set (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const char *const paths[]
      = { "/m-00001-of-00003.gguf", "/m-00002-of-00003.gguf", "/m-00003-of-00003.gguf" };
  DrayRequest *parent;

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    serve_planned (fixture, paths[i], PLANNED_GATE);
  parent = fixture_get (fixture, paths[0]);
  fixture_wait (has_one_failed, fixture);
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    steps_set_gate (fixture, paths[i], 0);
  fixture_wait_for_end (parent);
  g_assert_error (dray_request_get_error (parent), DRAY_ERROR, DRAY_ERROR_DISK_FULL);
  g_assert_cmpuint (count_in_state (fixture, DRAY_REQUEST_COMPLETED), ==, 2);
  g_assert_cmpuint (fixture_count_files (fixture, FALSE), ==, 2);
}

static void
add (const char *name, gconstpointer data, void (*test) (ManagerFixture *, gconstpointer))
{
  g_autofree char *path = g_strconcat ("/manager-space/", name, NULL);

  g_test_add (path, ManagerFixture, data, set_up, test, fixture_tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  add ("reserved", NULL, test_reserved);
  add ("later", NULL, test_later);
  add ("quota", NULL, test_quota);
  add ("pause", NULL, test_pause);
  add ("discard", NULL, test_discard);
  add ("shared", NULL, test_shared);
  add ("hold", NULL, test_hold);
  add ("restart/resumes", GINT_TO_POINTER (TRUE), test_restart);
  add ("restart/paused", GINT_TO_POINTER (FALSE), test_restart);
  add ("close", NULL, test_close);
  add ("plan/running", NULL, test_plan_running);
  add ("plan/resumed", NULL, test_plan_resumed);
  add ("plan/queue", NULL, test_plan_queue);
  add ("plan/set", NULL, test_plan_set);

  return g_test_run ();
}
