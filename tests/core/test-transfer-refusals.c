/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Servers that refuse, ask for patience, fall silent or are not there. */

#include "tests/core/manager-fixture.h"

static DrayRequest *
get_uri (ManagerFixture *fixture, const char *uri)
{
  g_autoptr (DrayDownloadOptions) options = g_object_new (
      DRAY_TYPE_DOWNLOAD_OPTIONS, "directory", fixture->directory, "caller", "test", NULL);
  g_autoptr (GError) error = NULL;
  DrayRequest *request
      = dray_manager_download_asset (fixture->manager, uri, options, &error);

  g_assert_no_error (error);

  return request;
}

/* Ends at once with the named error, and no file of any kind is made. */
static void
test_refusals (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const struct
  {
    guint status;
    const char *headers;
    DrayError error;
  } cases[] = {
    { 400, NULL, DRAY_ERROR_FORBIDDEN },
    { 401, NULL, DRAY_ERROR_UNAUTHORIZED },
    { 401, "X-Error-Code: GatedRepo\r\n", DRAY_ERROR_GATED },
    { 403, NULL, DRAY_ERROR_FORBIDDEN },
    { 403, "X-Error-Code: GatedRepo\r\n", DRAY_ERROR_GATED },
    { 404, NULL, DRAY_ERROR_NOT_FOUND },
    { 410, NULL, DRAY_ERROR_NOT_FOUND },
    { 451, NULL, DRAY_ERROR_FORBIDDEN },
    { 200, "Content-Type: text/html\r\n", DRAY_ERROR_NOT_A_MODEL },
    { 200, "Content-Type: application/xhtml+xml\r\n", DRAY_ERROR_NOT_A_MODEL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      DrayTestBehaviour behaviour = {
        .answer = { .times = 1, .status = cases[i].status, .headers = cases[i].headers,
                    .body = "<html>An error page, longer than nothing</html>" },
      };
      guint n_before = dray_test_server_get_n_requests (fixture->server);
      DrayRequest *request;

      g_test_message ("status %u", cases[i].status);
      dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &behaviour);
      request = fixture_get (fixture, FIXTURE_PATH);
      fixture_wait_for_end (request);
      fixture_assert_failed (fixture, request, cases[i].error);
      g_assert_cmpuint (fixture_count_files (fixture, TRUE), ==, 0);
      g_assert_cmpuint (dray_test_server_get_n_requests (fixture->server), ==, n_before + 1);
    }
}

typedef struct
{
  const char *name;
  DrayTestBehaviour behaviour;
  DrayError reason;
} WaitRow;

/* Answers that are no file and may pass, and servers that say nothing. */
static const WaitRow wait_rows[] = {
  { "45-no-content", { .answer = { .times = DRAY_TEST_ALWAYS, .status = 204 } },
    DRAY_ERROR_SERVER_ERROR },
  { "45-reset-content", { .answer = { .times = DRAY_TEST_ALWAYS, .status = 205 } },
    DRAY_ERROR_SERVER_ERROR },
  { "45-not-modified", { .answer = { .times = DRAY_TEST_ALWAYS, .status = 304 } },
    DRAY_ERROR_SERVER_ERROR },
  { "33-unavailable", { .answer = { .times = DRAY_TEST_ALWAYS, .status = 503 } },
    DRAY_ERROR_SERVER_ERROR },
  { "32-too-many-requests", { .answer = { .times = DRAY_TEST_ALWAYS, .status = 429 } },
    DRAY_ERROR_RATE_LIMITED },
  { "13-encoded", { .content_encoding = "gzip" }, DRAY_ERROR_SERVER_ERROR },
  { "14-encoded-without-size",
    { .content_encoding = "br", .framing = DRAY_TEST_FRAMING_CHUNKED,
      .ranges = DRAY_TEST_RANGES_IGNORED },
    DRAY_ERROR_SERVER_ERROR },
  { "22-nothing-but-416", { .answer = { .times = DRAY_TEST_ALWAYS, .status = 416 } },
    DRAY_ERROR_SERVER_ERROR },
  { "51-endless-header", { .header_padding = G_MAXINT64 }, DRAY_ERROR_TOO_SHORT },
  { "37-nothing-after-the-header",
    { .break_times = DRAY_TEST_ALWAYS, .break_how = DRAY_TEST_BREAK_STALL }, DRAY_ERROR_STALLED },
  { "37-not-even-a-header", { .delay = 100000 }, DRAY_ERROR_STALLED },
  { "36-reset-after-the-header",
    { .break_times = DRAY_TEST_ALWAYS, .break_how = DRAY_TEST_BREAK_RESET }, DRAY_ERROR_NETWORK },
};

/* The request waits and says for what; nothing is written but what was the file's; a cancel takes
 * effect during the wait. */
static void
test_waits (ManagerFixture *fixture, gconstpointer data)
{
  const WaitRow *row = data;
  DrayRequest *request;

  fixture_set_silence (fixture, 1);
  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &row->behaviour);
  request = fixture_get (fixture, FIXTURE_PATH);
  fixture_wait_for_state (request, DRAY_REQUEST_WAITING);

  g_assert_cmpstr (dray_request_get_reason (request), ==, dray_error_get_name (row->reason));
  g_assert_cmpint (dray_request_get_wait (request), >=, 0);
  g_assert_cmpint (dray_request_get_downloaded (request), ==, 0);
  g_assert_cmpuint (fixture_count_files (fixture, FALSE), ==, 0);
  g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (request), FALSE), ==, 1);
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_PAUSED);
  g_assert_null (dray_request_get_reason (request));

  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &(DrayTestBehaviour){ 0 });
  fixture_resume (fixture, request);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
}

/* Silence in mid-body: stalled, and on from that byte. */
static void
test_stall (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayTestBehaviour behaviour = {
    .break_times = 1,
    .break_after = FIXTURE_HELD,
    .break_how = DRAY_TEST_BREAK_STALL,
  };
  DrayRequest *request;

  fixture_set_silence (fixture, 1);
  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &behaviour);
  request = fixture_get (fixture, FIXTURE_PATH);
  fixture_wait_for_end (request);

  fixture_assert_completed (fixture, request, FIXTURE_PATH);
  g_assert_cmpint (fixture_get_body_bytes (fixture, FIXTURE_PATH), ==, FIXTURE_SIZE);
}

/* The server says how long to wait: in seconds, as a date, as the reset of a limit. */
static void
test_retry_after (ManagerFixture *fixture, gconstpointer data)
{
  guint kind = GPOINTER_TO_UINT (data);
  g_autoptr (GDateTime) soon = g_date_time_new_now_utc ();
  g_autoptr (GDateTime) then = g_date_time_add_seconds (soon, 3);
  g_autofree char *date = g_date_time_format (then, "Retry-After: %a, %d %b %Y %H:%M:%S GMT\r\n");
  const char *headers[] = { "Retry-After: 1\r\n", date, "RateLimit: \"resolvers\";r=0;t=1\r\n" };
  DrayTestBehaviour behaviour = {
    .answer = { .times = 1, .status = 429, .headers = headers[kind] },
  };
  gint64 began = g_get_monotonic_time ();
  DrayRequest *request;

  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &behaviour);
  request = fixture_get (fixture, FIXTURE_PATH);
  fixture_wait_for_state (request, DRAY_REQUEST_WAITING);
  g_assert_cmpstr (dray_request_get_reason (request), ==, "rate-limited");
  fixture_wait_for_end (request);

  g_assert_cmpint (g_get_monotonic_time () - began, >=, G_USEC_PER_SEC);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
  g_assert_cmpuint (dray_test_server_get_n_requests (fixture->server), ==, 2);
}

/* A server that is not there, and then is. */
static void
test_not_there_yet (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *uri = dray_test_server_get_uri (fixture->server, FIXTURE_PATH);
  guint16 port = dray_test_server_get_port (fixture->server);
  g_autoptr (GError) error = NULL;
  DrayRequest *request;

  dray_test_server_free (fixture->server);
  request = get_uri (fixture, uri);
  fixture_wait_for_state (request, DRAY_REQUEST_WAITING);
  g_assert_cmpstr (dray_request_get_reason (request), ==, "network");

  fixture->server = dray_test_server_new_on_port (port, &error);
  g_assert_no_error (error);
  dray_test_server_add_gguf (fixture->server, FIXTURE_PATH, 7, FIXTURE_SIZE);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
}

static void
test_no_such_host (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request = get_uri (fixture, "http://host.invalid/model.gguf");

  fixture_wait_for_state (request, DRAY_REQUEST_WAITING);
  g_assert_cmpstr (dray_request_get_reason (request), ==, "network");
  fixture_cancel (fixture, dray_request_get_id (request), FALSE);
}

/* The server takes one connection only, and another request has it: a cancel takes effect at
 * once, and the other request does not notice. */
static void
test_cancel_while_refused (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayTestBehaviour stall = {
    .break_times = DRAY_TEST_ALWAYS,
    .break_after = 1000,
    .break_how = DRAY_TEST_BREAK_STALL,
  };
  DrayRequest *first, *second;
  gint64 took = G_USEC_PER_SEC;

  dray_test_server_add_gguf (fixture->server, "/other.gguf", 9, FIXTURE_SIZE);
  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &stall);
  dray_test_server_set_max_connections (fixture->server, 1);
  first = fixture_get (fixture, FIXTURE_PATH);
  fixture_wait_for_bytes (first, 1000);
  second = fixture_get (fixture, "/other.gguf");

  /* Other work on the machine can spoil a measurement, but not each. */
  for (guint i = 0; i < 5 && took >= G_USEC_PER_SEC; i++)
    {
      gint64 began;

      if (i > 0)
        fixture_resume (fixture, second);
      fixture_wait_for_state (second, DRAY_REQUEST_WAITING);
      began = g_get_monotonic_time ();
      g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (second), FALSE), ==, 1);
      took = g_get_monotonic_time () - began;
    }
  g_assert_cmpint (took, <, G_USEC_PER_SEC);
  g_assert_true (dray_request_is_running (first));
}

static void
add (const char *group, const char *name, gconstpointer data,
     void (*test) (ManagerFixture *, gconstpointer))
{
  g_autofree char *path = g_strdup_printf ("/transfer-refusals/%s%s", group, name);

  g_test_add (path, ManagerFixture, data, fixture_set_up, test, fixture_tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (wait_rows); i++)
    add ("waits/", wait_rows[i].name, &wait_rows[i], test_waits);
  add ("", "refusals", NULL, test_refusals);
  add ("", "stall", NULL, test_stall);
  add ("retry-after/", "seconds", GUINT_TO_POINTER (0), test_retry_after);
  add ("retry-after/", "date", GUINT_TO_POINTER (1), test_retry_after);
  add ("retry-after/", "rate-limit", GUINT_TO_POINTER (2), test_retry_after);
  add ("", "not-there-yet", NULL, test_not_there_yet);
  add ("", "no-such-host", NULL, test_no_such_host);
  add ("", "cancel-while-refused", NULL, test_cancel_while_refused);

  return g_test_run ();
}
