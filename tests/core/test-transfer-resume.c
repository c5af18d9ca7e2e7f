/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What servers do to a request for the rest of a file. */

#include "tests/core/manager-fixture.h"

#define OVERLAP ((gint64) 64 * 1024)

typedef enum
{
  KNOWS_DIGEST = 1 << 0, /* the caller gives the SHA-256 */
  AT_MOST = 1 << 1,      /* `excess` is the most: an answer that is dropped fills buffers */
  NO_IF_RANGE = 1 << 2,  /* no request carries one */
} Flags;

typedef struct
{
  const char *name;
  DrayTestBehaviour behaviour;
  Flags flags;
  gint64 excess; /* bytes sent beyond the file's size */
} Row;

/* Whatever they do, the file comes out right. */
static const Row rows[] = {
  { "0-correct", { 0 }, 0, 0 },
  { "1-ranges-ignored", { .ranges = DRAY_TEST_RANGES_IGNORED }, AT_MOST,
    FIXTURE_HELD + FIXTURE_SIZE },
  { "1-ranges-denied", { .ranges = DRAY_TEST_RANGES_DENIED }, 0, FIXTURE_HELD },
  { "1-ranges-ignored-without-validators",
    { .ranges = DRAY_TEST_RANGES_IGNORED, .validators = DRAY_TEST_VALIDATORS_NONE }, AT_MOST,
    FIXTURE_HELD + FIXTURE_SIZE },
  { "2-starts-earlier", { .start_shift = -1000 }, 0, 1000 },
  { "2-starts-much-earlier", { .start_shift = -FIXTURE_SIZE }, 0, FIXTURE_HELD },
  { "3-starts-later", { .start_shift = 1000 }, AT_MOST, FIXTURE_SIZE },
  { "5-no-content-range", { .content_range = DRAY_TEST_CONTENT_RANGE_MISSING }, AT_MOST,
    FIXTURE_SIZE },
  { "5-broken-content-range", { .content_range = DRAY_TEST_CONTENT_RANGE_BROKEN }, AT_MOST,
    FIXTURE_SIZE },
  { "6-star-for-the-total", { .content_range = DRAY_TEST_CONTENT_RANGE_STAR }, 0, 0 },
  { "9-weak-etag", { .validators = DRAY_TEST_VALIDATORS_WEAK }, 0, 0 },
  { "9-weak-etag-and-digest", { .validators = DRAY_TEST_VALIDATORS_WEAK }, KNOWS_DIGEST, 0 },
  { "9-only-date", { .validators = DRAY_TEST_VALIDATORS_ONLY_DATE }, 0, 0 },
  { "9-only-etag", { .validators = DRAY_TEST_VALIDATORS_ONLY_ETAG }, 0, 0 },
  { "10-if-range-fails", { .if_range = DRAY_TEST_IF_RANGE_FAILS,
                           .validators = DRAY_TEST_VALIDATORS_ONLY_ETAG }, AT_MOST, FIXTURE_SIZE },
  { "10-if-range-ignored", { .if_range = DRAY_TEST_IF_RANGE_IGNORED }, 0, 0 },
  { "11-another-etag-from-each-node", { .validators = DRAY_TEST_VALIDATORS_CHANGING },
    KNOWS_DIGEST | AT_MOST, FIXTURE_SIZE },
  { "12-no-validators", { .validators = DRAY_TEST_VALIDATORS_NONE }, NO_IF_RANGE, OVERLAP },
  { "12-no-validators-but-digest", { .validators = DRAY_TEST_VALIDATORS_NONE },
    KNOWS_DIGEST | NO_IF_RANGE, 0 },
  { "13-encoded", { .content_encoding = "gzip" }, AT_MOST, FIXTURE_SIZE },
  { "16-cut-at-a-chunk", { .framing = DRAY_TEST_FRAMING_CHUNKED, .break_times = 1,
                           .break_after = 50000 }, 0, 0 },
  { "16-cut-in-a-chunk", { .framing = DRAY_TEST_FRAMING_CHUNKED, .break_times = 1,
                           .break_after = 50000,
                           .break_how = DRAY_TEST_BREAK_CUT_IN_CHUNK }, 0, 0 },
  { "17-bad-chunk-size", { .framing = DRAY_TEST_FRAMING_CHUNKED, .break_times = 1,
                           .break_after = 50000,
                           .break_how = DRAY_TEST_BREAK_BAD_CHUNK_SIZE }, 0, 0 },
  { "18-too-short", { .break_times = 1, .break_after = 50000 }, 0, 0 },
  { "18-too-short-twice", { .break_times = 2, .break_after = 50000 }, 0, 0 },
  { "19-too-long", { .excess = 5000 }, 0, 5000 },
  { "21-length-and-chunked", { .framing = DRAY_TEST_FRAMING_CHUNKED_AND_LENGTH }, 0, 0 },
  { "24-error-page", { .answer = { .only_resumes = TRUE, .times = 1, .status = 500,
                                   .headers = "Content-Type: text/html\r\n",
                                   .body = "<html>Sorry</html>" } }, AT_MOST, 100 },
  { "36-reset", { .break_times = 1, .break_after = 50000, .break_how = DRAY_TEST_BREAK_RESET },
    AT_MOST, 50000 },
  { "40-closes-after-each", { .close_after = TRUE }, 0, 0 },
  { "44-multipart", { .ranges = DRAY_TEST_RANGES_MULTIPART }, AT_MOST,
    FIXTURE_SIZE + 1000 },
};

static void
check_log (ManagerFixture *fixture, const Row *row)
{
  g_autoptr (GPtrArray) log = dray_test_server_dup_log (fixture->server);

  for (guint i = 0; i < log->len; i++)
    {
      const DrayTestRecord *record = g_ptr_array_index (log, i);

      g_assert_cmpstr (record->method, ==, "GET");
      if (record->if_range != NULL)
        {
          g_assert_false (g_str_has_prefix (record->if_range, "W/"));
          g_assert_false (row->flags & NO_IF_RANGE);
        }
      if (record->range != NULL && i > 0)
        g_assert_cmpint (record->range_first, >=, FIXTURE_HELD - OVERLAP);
    }
}

static void
test_row (ManagerFixture *fixture, gconstpointer data)
{
  const Row *row = data;
  g_autoptr (DrayTestContent) content
      = dray_test_server_dup_content (fixture->server, FIXTURE_PATH);
  g_autofree char *sha256 = dray_test_content_dup_sha256 (content);
  DrayTestBehaviour first = { .validators = row->behaviour.validators };
  DrayRequest *request;
  gint64 excess;

  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &first);
  request = fixture_begin (fixture, FIXTURE_PATH, FIXTURE_HELD);
  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &row->behaviour);
  if (row->flags & KNOWS_DIGEST)
    request = fixture_get_with (fixture, FIXTURE_PATH, "sha256", sha256, NULL);
  else
    fixture_resume (fixture, request);
  fixture_wait_for_end (request);

  fixture_assert_completed (fixture, request, FIXTURE_PATH);
  check_log (fixture, row);
  excess = fixture_get_body_bytes (fixture, FIXTURE_PATH) - FIXTURE_SIZE;
  g_test_message ("%" G_GINT64_FORMAT " bytes beyond the file's own", excess);
  if (row->flags & AT_MOST)
    g_assert_cmpint (excess, <=, row->excess);
  else
    g_assert_cmpint (excess, ==, row->excess);
}

/* A part that ends before the claim does: what is inside is taken, the rest is asked for. */
static void
test_ends_elsewhere (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayTestBehaviour behaviour = { .end_shift = -50000, .gate = FIXTURE_HELD + 50000 };
  DrayRequest *request = fixture_begin (fixture, FIXTURE_PATH, FIXTURE_HELD);

  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &behaviour);
  fixture_resume (fixture, request);
  fixture_wait_for_sent (fixture, FIXTURE_HELD + 1);
  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &(DrayTestBehaviour){ 0 });
  fixture_wait_for_end (request);

  fixture_assert_completed (fixture, request, FIXTURE_PATH);
  g_assert_cmpint (fixture_get_body_bytes (fixture, FIXTURE_PATH), ==, FIXTURE_SIZE);
}

typedef struct
{
  const char *name;
  DrayTestBehaviour first; /* while the file is begun */
  DrayTestBehaviour then;
  gint64 other_size;  /* of the file that takes its place; 0 for none */
  gboolean same_etag; /* it keeps the entity tag */
} ChangedRow;

static const ChangedRow changed_rows[] = {
  { "7-another-size", { 0 }, { 0 }, FIXTURE_SIZE + 70000, TRUE },
  { "7-says-another-size", { 0 }, { .content_range = DRAY_TEST_CONTENT_RANGE_WRONG_TOTAL }, 0,
    FALSE },
  { "8-another-etag", { 0 }, { 0 }, FIXTURE_SIZE, FALSE },
  { "8-another-etag-if-range-ignored", { 0 }, { .if_range = DRAY_TEST_IF_RANGE_IGNORED },
    FIXTURE_SIZE, FALSE },
  { "8-another-etag-ranges-ignored", { 0 }, { .ranges = DRAY_TEST_RANGES_IGNORED }, FIXTURE_SIZE,
    FALSE },
  { "9-another-date", { .validators = DRAY_TEST_VALIDATORS_ONLY_DATE },
    { .validators = DRAY_TEST_VALIDATORS_ONLY_DATE }, FIXTURE_SIZE, FALSE },
  { "9-another-weak-etag", { .validators = DRAY_TEST_VALIDATORS_WEAK },
    { .validators = DRAY_TEST_VALIDATORS_WEAK }, FIXTURE_SIZE, FALSE },
  { "11-etag-of-each-node-without-digest", { .validators = DRAY_TEST_VALIDATORS_CHANGING },
    { .validators = DRAY_TEST_VALIDATORS_CHANGING }, FIXTURE_SIZE, FALSE },
  { "12-no-validators-other-bytes", { .validators = DRAY_TEST_VALIDATORS_NONE },
    { .validators = DRAY_TEST_VALIDATORS_NONE }, FIXTURE_SIZE, FALSE },
  { "12-no-validators-other-bytes-no-ranges", { .validators = DRAY_TEST_VALIDATORS_NONE },
    { .validators = DRAY_TEST_VALIDATORS_NONE, .ranges = DRAY_TEST_RANGES_IGNORED }, FIXTURE_SIZE,
    FALSE },
  { "23-unsatisfiable-and-stale", { 0 }, { 0 }, 90000, TRUE },
  { "23-unsatisfiable-without-size", { 0 }, { .unsatisfiable = DRAY_TEST_UNSATISFIABLE_BARE },
    90000, TRUE },
};

/* Nothing is discarded without consent; with it, the file is wholly the new one. */
static void
test_changed (ManagerFixture *fixture, gconstpointer data)
{
  const ChangedRow *row = data;
  g_autoptr (DrayTestContent) old = dray_test_server_dup_content (fixture->server, FIXTURE_PATH);
  g_autofree char *etag = dray_test_content_dup_etag (old);
  DrayTestBehaviour calm = { .validators = row->then.validators };
  DrayRequest *request;

  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &row->first);
  request = fixture_begin (fixture, FIXTURE_PATH, FIXTURE_HELD);
  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &row->then);
  if (row->other_size > 0)
    dray_test_server_add_gguf (fixture->server, FIXTURE_PATH, 8, row->other_size);
  if (row->same_etag)
    dray_test_server_set_etag (fixture->server, FIXTURE_PATH, etag);

  for (guint i = 0; i < 2; i++)
    {
      fixture_resume (fixture, request);
      fixture_wait_for_end (request);
      fixture_assert_failed (fixture, request, DRAY_ERROR_CHANGED);
      g_assert_cmpint (dray_request_get_downloaded (request), ==, FIXTURE_HELD);
      g_assert_cmpuint (fixture_count_files (fixture, TRUE), ==, 1);
    }

  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &calm);
  request = fixture_get_with (fixture, FIXTURE_PATH, "restart-changed", TRUE, NULL);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
}

/* The server that is asked to prove the bytes sends other ones in the overlap alone. */
static void
test_overlap_differs (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayTestBehaviour behaviour = { .validators = DRAY_TEST_VALIDATORS_NONE };
  DrayRequest *request;

  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &behaviour);
  request = fixture_begin (fixture, FIXTURE_PATH, FIXTURE_HELD);
  behaviour.wrong_times = 1;
  behaviour.wrong_offset = FIXTURE_HELD - 1;
  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &behaviour);
  fixture_resume (fixture, request);
  fixture_wait_for_end (request);
  fixture_assert_failed (fixture, request, DRAY_ERROR_CHANGED);

  fixture_resume (fixture, request);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
}

/* All bytes are at hand and nothing is known of where the file ends. */
static void
test_complete_already (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayTestBehaviour behaviour = {
    .ranges = DRAY_TEST_RANGES_IGNORED,
    .framing = DRAY_TEST_FRAMING_CHUNKED,
  };
  DrayRequest *request;

  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &behaviour);
  request = fixture_begin (fixture, FIXTURE_PATH, FIXTURE_SIZE);
  g_assert_cmpint (dray_request_get_total (request), ==, -1);
  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &(DrayTestBehaviour){ 0 });
  fixture_resume (fixture, request);
  fixture_wait_for_end (request);

  fixture_assert_completed (fixture, request, FIXTURE_PATH);
  g_assert_true (dray_request_is_length_proven (request));
  g_assert_cmpint (fixture_get_body_bytes (fixture, FIXTURE_PATH), ==, FIXTURE_SIZE);
}

/* 404 in mid-transfer, and a page of a portal or a login: the bytes are kept. */
static void
test_refused_midway (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const struct
  {
    guint status;
    DrayError error;
  } cases[] = {
    { 404, DRAY_ERROR_NOT_FOUND },    { 410, DRAY_ERROR_NOT_FOUND },
    { 401, DRAY_ERROR_UNAUTHORIZED }, { 403, DRAY_ERROR_FORBIDDEN },
    { 200, DRAY_ERROR_NOT_A_MODEL },  { 206, DRAY_ERROR_NOT_A_MODEL },
  };
  DrayRequest *request = fixture_begin (fixture, FIXTURE_PATH, FIXTURE_HELD);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      DrayTestBehaviour behaviour = {
        .answer = { .times = 1, .status = cases[i].status,
                    .headers = "Content-Type: text/html; charset=utf-8\r\n",
                    .body = "<!DOCTYPE html><title>Sign in</title>" },
      };

      g_test_message ("status %u", cases[i].status);
      dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &behaviour);
      fixture_resume (fixture, request);
      fixture_wait_for_end (request);
      fixture_assert_failed (fixture, request, cases[i].error);
      g_assert_cmpint (dray_request_get_downloaded (request), ==, FIXTURE_HELD);
    }

  fixture_resume (fixture, request);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
}

static void
add (const char *group, const char *name, gconstpointer data,
     void (*test) (ManagerFixture *, gconstpointer))
{
  g_autofree char *path = g_strdup_printf ("/transfer-resume/%s%s", group, name);

  g_test_add (path, ManagerFixture, data, fixture_set_up, test, fixture_tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    add ("right-file/", rows[i].name, &rows[i], test_row);
  for (guint i = 0; i < G_N_ELEMENTS (changed_rows); i++)
    add ("changed/", changed_rows[i].name, &changed_rows[i], test_changed);
  add ("", "ends-elsewhere", NULL, test_ends_elsewhere);
  add ("", "overlap-differs", NULL, test_overlap_differs);
  add ("", "complete-already", NULL, test_complete_already);
  add ("", "refused-midway", NULL, test_refused_midway);

  return g_test_run ();
}
