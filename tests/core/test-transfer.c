/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What servers do to a file that is fetched from its first byte. */

#include "tests/core/manager-fixture.h"

typedef enum
{
  KNOWS_DIGEST = 1 << 0, /* the caller gives the SHA-256 */
  AT_MOST = 1 << 1,      /* `excess` is the most: an answer that is dropped fills buffers */
  UNPROVEN = 1 << 2,     /* nothing proves that the file ends there */
} Flags;

typedef struct
{
  const char *name;
  DrayTestBehaviour behaviour;
  Flags flags;
  gint64 excess; /* bytes sent beyond the file's size */
} Row;

#define UNKNOWN_LENGTH                                                                             \
  .ranges = DRAY_TEST_RANGES_IGNORED, .framing = DRAY_TEST_FRAMING_CHUNKED,                        \
  .validators = DRAY_TEST_VALIDATORS_NONE

/* Whatever they do, the file comes out right. */
static const Row rows[] = {
  { "correct", { 0 }, 0, 0 },
  { "5-no-content-range", { .content_range = DRAY_TEST_CONTENT_RANGE_MISSING }, AT_MOST,
    FIXTURE_SIZE },
  { "5-broken-content-range", { .content_range = DRAY_TEST_CONTENT_RANGE_BROKEN }, AT_MOST,
    FIXTURE_SIZE },
  { "6-star-for-the-total", { .content_range = DRAY_TEST_CONTENT_RANGE_STAR }, 0, 0 },
  { "13-label-of-an-object-store", { .content_encoding = "aws-chunked" }, 0, 0 },
  { "15-chunked", { .framing = DRAY_TEST_FRAMING_CHUNKED }, 0, 0 },
  { "15-chunked-without-size", { UNKNOWN_LENGTH }, UNPROVEN | AT_MOST, FIXTURE_SIZE },
  { "15-chunked-without-size-but-digest", { UNKNOWN_LENGTH }, KNOWS_DIGEST | AT_MOST,
    FIXTURE_SIZE },
  { "15-until-the-end-of-the-connection",
    { .ranges = DRAY_TEST_RANGES_IGNORED, .framing = DRAY_TEST_FRAMING_CLOSE },
    UNPROVEN | AT_MOST, FIXTURE_SIZE },
  { "16-cut-at-a-chunk", { .framing = DRAY_TEST_FRAMING_CHUNKED, .break_times = 1,
                           .break_after = 200000 }, 0, 0 },
  { "16-cut-at-a-chunk-without-size",
    { .framing = DRAY_TEST_FRAMING_CHUNKED, .content_range = DRAY_TEST_CONTENT_RANGE_STAR,
      .break_times = 1, .break_after = 200000 }, 0, 0 },
  { "16-cut-in-a-chunk", { .framing = DRAY_TEST_FRAMING_CHUNKED, .break_times = 1,
                           .break_after = 200000,
                           .break_how = DRAY_TEST_BREAK_CUT_IN_CHUNK }, 0, 0 },
  { "17-bad-chunk-size", { .framing = DRAY_TEST_FRAMING_CHUNKED, .break_times = 1,
                           .break_after = 200000,
                           .break_how = DRAY_TEST_BREAK_BAD_CHUNK_SIZE }, 0, 0 },
  { "17-bad-chunk-size-without-size",
    { .framing = DRAY_TEST_FRAMING_CHUNKED, .content_range = DRAY_TEST_CONTENT_RANGE_STAR,
      .break_times = 1, .break_after = 200000, .break_how = DRAY_TEST_BREAK_BAD_CHUNK_SIZE },
    0, 0 },
  { "18-too-short", { .break_times = 1, .break_after = 200000 }, 0, 0 },
  { "18-too-short-at-once", { .break_times = 1, .break_after = 0 }, 0, 0 },
  { "18-too-short-by-one-byte", { .break_times = 1, .break_after = FIXTURE_SIZE - 1 }, 0, 0 },
  { "19-too-long", { .excess = 5000 }, 0, 5000 },
  { "19-too-long-without-ranges", { .excess = 5000, .ranges = DRAY_TEST_RANGES_DENIED }, 0, 5000 },
  { "21-length-and-chunked", { .framing = DRAY_TEST_FRAMING_CHUNKED_AND_LENGTH }, 0, 0 },
  { "33-request-timeout", { .answer = { .times = 1, .status = 408 } }, 0, 0 },
  { "33-too-early", { .answer = { .times = 1, .status = 425 } }, 0, 0 },
  { "33-error-of-the-server", { .answer = { .times = 1, .status = 500, .body = "no" } }, 0, 2 },
  { "33-bad-gateway", { .answer = { .times = 1, .status = 502 } }, 0, 0 },
  { "33-gateway-timeout", { .answer = { .times = 1, .status = 504 } }, 0, 0 },
  { "36-reset", { .break_times = 1, .break_after = 200000, .break_how = DRAY_TEST_BREAK_RESET },
    AT_MOST, 200000 },
  { "40-closes-after-each", { .close_after = TRUE }, 0, 0 },
  { "43-refuses-head", { .refuses_head = TRUE }, 0, 0 },
  { "44-multipart", { .ranges = DRAY_TEST_RANGES_MULTIPART }, AT_MOST, FIXTURE_SIZE + 1000 },
  { "51-some-interim-answers", { .interim = 3 }, 0, 0 },
};

static void
test_row (ManagerFixture *fixture, gconstpointer data)
{
  const Row *row = data;
  g_autoptr (DrayTestContent) content
      = dray_test_server_dup_content (fixture->server, FIXTURE_PATH);
  g_autofree char *sha256 = dray_test_content_dup_sha256 (content);
  g_autoptr (GPtrArray) log = NULL;
  const char *expected = row->flags & KNOWS_DIGEST ? sha256 : NULL;
  DrayRequest *request;
  gint64 excess;

  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &row->behaviour);
  request = fixture_get_with (fixture, FIXTURE_PATH, "sha256", expected, NULL);
  fixture_wait_for_end (request);

  fixture_assert_completed (fixture, request, FIXTURE_PATH);
  g_assert_cmpint (dray_request_is_length_proven (request), ==, !(row->flags & UNPROVEN));
  g_assert_cmpint (dray_request_is_digest_expected (request), ==,
                   (row->flags & KNOWS_DIGEST) != 0);
  excess = fixture_get_body_bytes (fixture, FIXTURE_PATH) - FIXTURE_SIZE;
  g_test_message ("%" G_GINT64_FORMAT " bytes beyond the file's own", excess);
  if (row->flags & AT_MOST)
    g_assert_cmpint (excess, <=, row->excess);
  else
    g_assert_cmpint (excess, ==, row->excess);

  log = dray_test_server_dup_log (fixture->server);
  for (guint i = 0; i < log->len; i++)
    g_assert_cmpstr (((DrayTestRecord *) g_ptr_array_index (log, i))->method, ==, "GET");
}

/* A link that works once, of a file that comes whole: there is no probe before the download. */
static void
test_one_request (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayTestBehaviour behaviour = {
    .answer = { .skip = 1, .times = DRAY_TEST_ALWAYS, .status = 410 },
  };
  g_autoptr (GPtrArray) log = NULL;
  const DrayTestRecord *record;
  DrayRequest *request;

  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &behaviour);
  request = fixture_get (fixture, FIXTURE_PATH);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);

  log = dray_test_server_dup_log (fixture->server);
  g_assert_cmpuint (log->len, ==, 1);
  record = g_ptr_array_index (log, 0);
  g_assert_cmpstr (record->range, ==, "bytes=0-");
  g_assert_null (record->if_range);
  g_assert_nonnull (strstr (record->head, "Accept-Encoding: identity\r\n"));
}

/* The end of a body without length is proved by a further request. */
static void
test_length_proof (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayTestBehaviour behaviour = { UNKNOWN_LENGTH, .gate = FIXTURE_HELD };
  g_autoptr (GPtrArray) log = NULL;
  DrayRequest *request;

  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &behaviour);
  request = fixture_get (fixture, FIXTURE_PATH);
  fixture_wait_for_sent (fixture, 1);
  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &(DrayTestBehaviour){ 0 });
  fixture_wait_for_end (request);

  fixture_assert_completed (fixture, request, FIXTURE_PATH);
  g_assert_true (dray_request_is_length_proven (request));
  log = dray_test_server_dup_log (fixture->server);
  g_assert_cmpuint (log->len, ==, 2);
  g_assert_cmpstr (((DrayTestRecord *) g_ptr_array_index (log, 1))->range, ==, "bytes=300001-");
}

/* Two lengths of which libsoup takes the last: there is no file of the wrong length. */
static void
test_two_lengths (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayTestBehaviour behaviour = { .framing = DRAY_TEST_FRAMING_TWO_LENGTHS };
  DrayRequest *request;

  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &behaviour);
  request = fixture_get (fixture, FIXTURE_PATH);
  fixture_wait_for_end (request);

  if (dray_request_get_state (request) == DRAY_REQUEST_COMPLETED)
    fixture_assert_completed (fixture, request, FIXTURE_PATH);
  else
    fixture_assert_failed (fixture, request, DRAY_ERROR_CHANGED);
}

static void
test_empty_file (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request;

  dray_test_server_add (fixture->server, "/empty", dray_test_content_new_text (""));
  request = fixture_get (fixture, "/empty");
  fixture_wait_for_end (request);

  fixture_assert_completed (fixture, request, "/empty");
}

static void
test_one_byte (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request;

  dray_test_server_add (fixture->server, "/byte", dray_test_content_new_text ("x"));
  request = fixture_get (fixture, "/byte");
  fixture_wait_for_end (request);

  fixture_assert_completed (fixture, request, "/byte");
}

/* A wrong byte: never completes, is kept, and the next call fetches the file anew. */
static void
test_wrong_byte (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayTestBehaviour behaviour = { .wrong_times = 1, .wrong_offset = 123456 };
  g_autoptr (DrayTestContent) content
      = dray_test_server_dup_content (fixture->server, FIXTURE_PATH);
  g_autofree char *sha256 = dray_test_content_dup_sha256 (content);
  DrayRequest *request;

  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &behaviour);
  request = fixture_get_with (fixture, FIXTURE_PATH, "sha256", sha256, NULL);
  fixture_wait_for_end (request);
  fixture_assert_failed (fixture, request, DRAY_ERROR_CHECKSUM_MISMATCH);
  g_assert_cmpuint (fixture_count_files (fixture, TRUE), ==, 1);
  g_assert_cmpint (fixture_get_body_bytes (fixture, FIXTURE_PATH), ==, FIXTURE_SIZE);

  request = fixture_get_with (fixture, FIXTURE_PATH, "sha256", sha256, NULL);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
  g_assert_cmpint (fixture_get_body_bytes (fixture, FIXTURE_PATH), ==, 2 * FIXTURE_SIZE);
}

/* The caller was wrong, not the bytes: with the right digest nothing is fetched again. */
static void
test_wrong_digest (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (DrayTestContent) content
      = dray_test_server_dup_content (fixture->server, FIXTURE_PATH);
  g_autofree char *right = dray_test_content_dup_sha256 (content);
  g_autofree char *wrong = g_strdup (right);
  DrayRequest *request;

  wrong[0] = wrong[0] == '0' ? '1' : '0';
  request = fixture_get_with (fixture, FIXTURE_PATH, "sha256", wrong, NULL);
  fixture_wait_for_end (request);
  fixture_assert_failed (fixture, request, DRAY_ERROR_CHECKSUM_MISMATCH);
  g_assert_nonnull (strstr (dray_request_get_error (request)->message, right));

  request = fixture_get_with (fixture, FIXTURE_PATH, "sha256", right, NULL);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
  g_assert_cmpint (fixture_get_body_bytes (fixture, FIXTURE_PATH), ==, FIXTURE_SIZE);
}

static void
add (const char *group, const char *name, gconstpointer data,
     void (*test) (ManagerFixture *, gconstpointer))
{
  g_autofree char *path = g_strdup_printf ("/transfer/%s%s", group, name);

  g_test_add (path, ManagerFixture, data, fixture_set_up, test, fixture_tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    add ("right-file/", rows[i].name, &rows[i], test_row);
  add ("", "one-request", NULL, test_one_request);
  add ("", "length-proof", NULL, test_length_proof);
  add ("", "two-lengths", NULL, test_two_lengths);
  add ("", "empty-file", NULL, test_empty_file);
  add ("", "one-byte", NULL, test_one_byte);
  add ("", "wrong-byte", NULL, test_wrong_byte);
  add ("", "wrong-digest", NULL, test_wrong_digest);

  return g_test_run ();
}
