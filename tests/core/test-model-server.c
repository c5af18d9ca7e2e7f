/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "tests/server/model-server.h"

#include <gio/gio.h>
#include <string.h>

#define PATH "/model.gguf"
#define SIZE ((gint64) 300001)

typedef struct
{
  DrayTestServer *server;
  GSocket *socket;
} Fixture;

/* One answer, read to the end of what its head announces or to the end of the connection. */
typedef struct
{
  guint status;
  char *head;
  GByteArray *body;
} Answer;

static void
answer_free (Answer *answer)
{
  g_free (answer->head);
  g_byte_array_unref (answer->body);
  g_free (answer);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Answer, answer_free)

static void
connect_again (Fixture *fixture)
{
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) address =
      g_inet_socket_address_new (loopback, dray_test_server_get_port (fixture->server));
  g_autoptr (GError) error = NULL;

  g_clear_object (&fixture->socket);
  fixture->socket =
      g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, &error);
  g_assert_no_error (error);
  g_socket_set_timeout (fixture->socket, 60);
  g_socket_connect (fixture->socket, address, NULL, &error);
  g_assert_no_error (error);
}

static void
set_up (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->server = dray_test_server_new (&error);
  g_assert_no_error (error);
  dray_test_server_add_gguf (fixture->server, PATH, 7, SIZE);
  connect_again (fixture);
}

static void
tear_down (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_clear_object (&fixture->socket);
  dray_test_server_free (fixture->server);
}

static void
send_request (Fixture *fixture, const char *method, const char *path, const char *headers)
{
  g_autofree char *text =
      g_strdup_printf ("%s %s HTTP/1.1\r\nHost: here\r\n%s\r\n", method, path, headers);
  g_autoptr (GError) error = NULL;

  g_socket_send (fixture->socket, text, strlen (text), NULL, &error);
  g_assert_no_error (error);
}

static char *
dup_header (const Answer *answer, const char *name)
{
  g_autofree char *start = g_strdup_printf ("\r\n%s: ", name);
  const char *found = strstr (answer->head, start);

  if (found == NULL)
    return NULL;
  found += strlen (start);

  return g_strndup (found, strcspn (found, "\r"));
}

static void
assert_header (const Answer *answer, const char *name, const char *value)
{
  g_autofree char *found = dup_header (answer, name);

  g_assert_cmpstr (found, ==, value);
}

/* Returns NULL when the connection ended before a head. */
static Answer *
receive_answer (Fixture *fixture, gboolean has_body)
{
  g_autoptr (Answer) answer = g_new0 (Answer, 1);
  g_autofree char *length = NULL;
  gsize wanted = G_MAXSIZE;
  char byte, buffer[65536];

  answer->body = g_byte_array_new ();
  while (answer->body->len < 4
         || memcmp (answer->body->data + answer->body->len - 4, "\r\n\r\n", 4) != 0)
    {
      if (g_socket_receive (fixture->socket, &byte, 1, NULL, NULL) <= 0)
        return NULL;
      g_byte_array_append (answer->body, (guint8 *) &byte, 1);
    }
  answer->head = g_strndup ((char *) answer->body->data, answer->body->len);
  g_byte_array_set_size (answer->body, 0);
  answer->status = (guint) g_ascii_strtoull (answer->head + strlen ("HTTP/1.1 "), NULL, 10);

  length = dup_header (answer, "Content-Length");
  if (length != NULL)
    wanted = g_ascii_strtoull (length, NULL, 10);
  while (has_body && answer->body->len < wanted)
    {
      gssize n = g_socket_receive (fixture->socket, buffer,
                                   MIN (sizeof buffer, wanted - answer->body->len), NULL, NULL);

      if (n <= 0)
        break;
      g_byte_array_append (answer->body, (guint8 *) buffer, (guint) n);
    }

  return g_steal_pointer (&answer);
}

static Answer *
get (Fixture *fixture, const char *headers)
{
  send_request (fixture, "GET", PATH, headers);

  return receive_answer (fixture, TRUE);
}

static void
assert_body (Fixture *fixture, const Answer *answer, gint64 start, gint64 length)
{
  g_autoptr (DrayTestContent) content = dray_test_server_dup_content (fixture->server, PATH);
  g_autofree guint8 *expected = g_malloc (length);

  dray_test_content_read (content, start, expected, length);
  g_assert_cmpmem (answer->body->data, answer->body->len, expected, length);
}

static void
test_whole (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (Answer) answer = get (fixture, "");
  g_autoptr (Answer) head = NULL;
  g_autoptr (Answer) missing = NULL;
  g_autofree char *etag = dup_header (answer, "ETag");
  g_autofree char *date = dup_header (answer, "Date");

  g_assert_cmpuint (answer->status, ==, 200);
  assert_header (answer, "Content-Length", "300001");
  assert_header (answer, "Accept-Ranges", "bytes");
  assert_header (answer, "Last-Modified", "Tue, 14 Nov 2023 22:14:20 GMT");
  g_assert_true (g_str_has_prefix (etag, "\""));
  g_assert_nonnull (date);
  assert_body (fixture, answer, 0, SIZE);

  send_request (fixture, "HEAD", PATH, "");
  head = receive_answer (fixture, FALSE);
  assert_header (head, "Content-Length", "300001");
  send_request (fixture, "GET", "/nothing", "");
  missing = receive_answer (fixture, TRUE);
  g_assert_cmpuint (missing->status, ==, 404);
}

static void
test_ranges (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const struct
  {
    const char *range;
    guint status;
    gint64 start, length;
    const char *content_range;
  } cases[] = {
    { "bytes=0-0", 206, 0, 1, "bytes 0-0/300001" },
    { "bytes=1001-299999", 206, 1001, 298999, "bytes 1001-299999/300001" },
    { "bytes=300000-", 206, 300000, 1, "bytes 300000-300000/300001" },
    { "bytes=5-99999999999999999999999", 206, 5, 299996, "bytes 5-300000/300001" },
    { "bytes=-3", 206, 299998, 3, "bytes 299998-300000/300001" },
    { "bytes=-400000", 206, 0, 300001, "bytes 0-300000/300001" },
    { "bytes=300001-", 416, 0, 0, "bytes */300001" },
    { "bytes=-0", 416, 0, 0, "bytes */300001" },
    { "bytes=5-4", 200, 0, 300001, NULL },
    { "bytes=-", 200, 0, 300001, NULL },
    { "bytes=1-2x", 200, 0, 300001, NULL },
    { "items=1-2", 200, 0, 300001, NULL },
    { "bytes=1-2,5-6", 200, 0, 300001, NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *header = g_strdup_printf ("Range: %s\r\n", cases[i].range);
      g_autoptr (Answer) answer = get (fixture, header);

      g_test_message ("%s", cases[i].range);
      g_assert_cmpuint (answer->status, ==, cases[i].status);
      assert_header (answer, "Content-Range", cases[i].content_range);
      assert_body (fixture, answer, cases[i].start, cases[i].length);
    }
}

static guint
status_if_range (Fixture *fixture, const char *condition)
{
  g_autofree char *headers = g_strdup_printf ("Range: bytes=10-19\r\nIf-Range: %s\r\n", condition);
  g_autoptr (Answer) answer = get (fixture, headers);

  return answer->status;
}

static void
test_if_range (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (Answer) first = get (fixture, "");
  g_autofree char *etag = dup_header (first, "ETag");
  g_autofree char *weak = g_strconcat ("W/", etag, NULL);
  g_autofree char *date = dup_header (first, "Last-Modified");
  DrayTestBehaviour behaviour = { 0 };

  g_assert_cmpuint (status_if_range (fixture, etag), ==, 206);
  g_assert_cmpuint (status_if_range (fixture, date), ==, 206);
  g_assert_cmpuint (status_if_range (fixture, weak), ==, 200);
  g_assert_cmpuint (status_if_range (fixture, "\"other\""), ==, 200);

  behaviour.validators = DRAY_TEST_VALIDATORS_WEAK;
  dray_test_server_set_behaviour (fixture->server, PATH, &behaviour);
  g_assert_cmpuint (status_if_range (fixture, weak), ==, 200);
  behaviour = (DrayTestBehaviour){ .if_range = DRAY_TEST_IF_RANGE_FAILS };
  dray_test_server_set_behaviour (fixture->server, PATH, &behaviour);
  g_assert_cmpuint (status_if_range (fixture, etag), ==, 200);
  behaviour = (DrayTestBehaviour){ .if_range = DRAY_TEST_IF_RANGE_IGNORED };
  dray_test_server_set_behaviour (fixture->server, PATH, &behaviour);
  g_assert_cmpuint (status_if_range (fixture, "\"other\""), ==, 206);

  behaviour = (DrayTestBehaviour){ 0 };
  dray_test_server_set_behaviour (fixture->server, PATH, &behaviour);
  dray_test_server_add_gguf (fixture->server, PATH, 8, SIZE);
  g_assert_cmpuint (status_if_range (fixture, etag), ==, 200);
  g_assert_cmpuint (status_if_range (fixture, date), ==, 200);
}

static void
test_breaks (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayTestBehaviour behaviour = { .break_times = 1, .break_after = 1000 };
  g_autoptr (Answer) cut = NULL;
  g_autoptr (Answer) whole = NULL;
  g_autoptr (Answer) wrong = NULL;
  g_autoptr (Answer) chunked = NULL;
  g_autoptr (Answer) stalled = NULL;

  dray_test_server_set_behaviour (fixture->server, PATH, &behaviour);
  cut = get (fixture, "");
  assert_body (fixture, cut, 0, 1000);
  connect_again (fixture);
  whole = get (fixture, "");
  assert_body (fixture, whole, 0, SIZE);

  behaviour = (DrayTestBehaviour){ .wrong_times = 1, .wrong_offset = 12345 };
  dray_test_server_set_behaviour (fixture->server, PATH, &behaviour);
  wrong = get (fixture, "");
  g_assert_cmpuint (wrong->body->data[12345] ^ 0xff, ==, whole->body->data[12345]);
  wrong->body->data[12345] ^= 0xff;
  assert_body (fixture, wrong, 0, SIZE);

  behaviour = (DrayTestBehaviour){ .framing = DRAY_TEST_FRAMING_CHUNKED,
                                   .break_times = 1,
                                   .break_after = 16 };
  dray_test_server_set_behaviour (fixture->server, PATH, &behaviour);
  chunked = get (fixture, "");
  assert_header (chunked, "Transfer-Encoding", "chunked");
  g_assert_cmpuint (chunked->body->len, ==, strlen ("10\r\n") + 16 + strlen ("\r\n"));
  g_assert_cmpint (memcmp (chunked->body->data, "10\r\nGGUF", 8), ==, 0);

  connect_again (fixture);
  behaviour = (DrayTestBehaviour){ .break_times = 1, .break_how = DRAY_TEST_BREAK_STALL };
  dray_test_server_set_behaviour (fixture->server, PATH, &behaviour);
  send_request (fixture, "GET", PATH, "");
  stalled = receive_answer (fixture, FALSE);
  g_assert_cmpuint (stalled->status, ==, 200);
  g_assert_cmpuint (dray_test_server_get_open_bodies (fixture->server), ==, 1);
  g_assert_true (g_socket_close (fixture->socket, NULL));
  g_assert_true (dray_test_server_wait_until_idle (fixture->server, 60000));
  g_assert_cmpuint (dray_test_server_get_open_bodies (fixture->server), ==, 0);
}

static void
test_answers (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayTestBehaviour behaviour = {
    .answer = { .skip = 1, .times = 2, .status = 503, .headers = "Retry-After: 1\r\n" }
  };
  static const guint expected[] = { 200, 503, 503, 200 };
  g_autoptr (Answer) shifted = NULL;
  g_autoptr (Answer) redirect = NULL;

  dray_test_server_set_behaviour (fixture->server, PATH, &behaviour);
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    {
      g_autoptr (Answer) answer = get (fixture, "");

      g_assert_cmpuint (answer->status, ==, expected[i]);
      assert_header (answer, "Retry-After", expected[i] == 503 ? "1" : NULL);
    }

  behaviour = (DrayTestBehaviour){ .start_shift = -4, .end_shift = 6 };
  dray_test_server_set_behaviour (fixture->server, PATH, &behaviour);
  shifted = get (fixture, "Range: bytes=10-19\r\n");
  assert_header (shifted, "Content-Range", "bytes 6-25/300001");
  assert_body (fixture, shifted, 6, 20);

  behaviour = (DrayTestBehaviour){ .redirect = "/elsewhere" };
  dray_test_server_set_behaviour (fixture->server, PATH, &behaviour);
  redirect = get (fixture, "");
  g_assert_cmpuint (redirect->status, ==, 302);
  assert_header (redirect, "Location", "/elsewhere");
}

static void
test_log (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (Answer) part = get (fixture, "Range: bytes=7-9\r\nAuthorization: Bearer x\r\n");
  g_autoptr (Answer) whole = get (fixture, "User-Agent: Dray\r\n");
  g_autoptr (GPtrArray) log = NULL;
  const DrayTestRecord *record;

  g_assert_cmpuint (part->body->len + whole->body->len, ==, SIZE + 3);
  g_assert_true (dray_test_server_wait_for_finished (fixture->server, 2, 60000));
  g_assert_false (dray_test_server_wait_for_requests (fixture->server, 3, 10));
  g_assert_cmpint (dray_test_server_get_body_bytes (fixture->server), ==, SIZE + 3);

  log = dray_test_server_dup_log (fixture->server);
  g_assert_cmpuint (log->len, ==, 2);
  record = g_ptr_array_index (log, 0);
  g_assert_cmpstr (record->range, ==, "bytes=7-9");
  g_assert_cmpstr (record->authorization, ==, "Bearer x");
  g_assert_cmpint (record->range_first, ==, 7);
  g_assert_cmpint (record->range_last, ==, 9);
  g_assert_cmpint (record->body_offset, ==, 7);
  g_assert_cmpint (record->body_bytes, ==, 3);
  g_assert_cmpuint (record->status, ==, 206);
  record = g_ptr_array_index (log, 1);
  g_assert_cmpstr (record->user_agent, ==, "Dray");
  g_assert_null (record->range);
  g_assert_cmpint (record->body_bytes, ==, SIZE);
  g_assert_cmpuint (record->connection, ==, 1);
  g_assert_cmpint (record->finished, >=, record->started);
  g_assert_false (record->client_gone);
}

/* A file waits at its gate, where a byte seeps through, until the gate is opened. */
static void
test_gate (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  const gint64 gate = 1000;
  DrayTestBehaviour behaviour = { .gate = gate, .gate_seeps = TRUE };
  g_autoptr (Answer) answer = NULL;

  dray_test_server_set_behaviour (fixture->server, PATH, &behaviour);
  send_request (fixture, "GET", PATH, "");
  g_assert_true (dray_test_server_wait_for_bytes (fixture->server, gate, 60000));
  g_assert_cmpint (dray_test_server_get_body_bytes (fixture->server), <, SIZE);
  g_assert_true (dray_test_server_wait_for_bytes (fixture->server, gate + 2, 60000));
  g_assert_cmpint (dray_test_server_get_body_bytes (fixture->server), <, SIZE);

  behaviour.gate = 0;
  dray_test_server_set_behaviour (fixture->server, PATH, &behaviour);
  answer = receive_answer (fixture, TRUE);
  assert_body (fixture, answer, 0, SIZE);
}

/* Returns how long the next answer took, in seconds. */
static double
measure_answer (Fixture *fixture)
{
  g_autoptr (Answer) answer = get (fixture, "");
  g_autoptr (GPtrArray) log = NULL;
  const DrayTestRecord *record;

  assert_body (fixture, answer, 0, SIZE);
  g_assert_true (dray_test_server_wait_until_idle (fixture->server, 60000));
  log = dray_test_server_dup_log (fixture->server);
  record = g_ptr_array_index (log, log->len - 1);

  return (double) (record->finished - record->started) / G_USEC_PER_SEC;
}

/* Never faster; and no slower, but for other work on the machine. */
static void
test_rate (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  const double expected = 0.6;
  double seconds = G_MAXDOUBLE;

  dray_test_server_set_rate (fixture->server, (gint64) ((double) SIZE / expected));
  for (guint i = 0; i < 5 && seconds >= expected * 1.25; i++)
    {
      seconds = measure_answer (fixture);
      g_assert_cmpfloat (seconds, >, expected * 0.97);
    }
  g_assert_cmpfloat (seconds, <, expected * 1.25);
}

static void
get_both (Fixture *fixture)
{
  g_autoptr (Answer) whole = get (fixture, "");
  g_autoptr (Answer) part = get (fixture, "Range: bytes=10-50009\r\n");

  assert_body (fixture, whole, 0, SIZE);
  assert_body (fixture, part, 10, 50000);
}

/* Every second connection slows down once it has carried the file's size, and no other does. */
static void
test_collapse (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  const DrayTestBehaviour behaviour = {
    .collapse_every = 2,
    .collapse_after = SIZE,
    .collapse_rate = 1,
  };
  g_autoptr (GSocket) collapsed = NULL;
  g_autoptr (Answer) whole = NULL;

  dray_test_server_set_behaviour (fixture->server, PATH, &behaviour);
  get_both (fixture);

  connect_again (fixture);
  collapsed = g_object_ref (fixture->socket);
  whole = get (fixture, "");
  assert_body (fixture, whole, 0, SIZE);
  send_request (fixture, "GET", PATH, "Range: bytes=10-50009\r\n");
  g_assert_true (dray_test_server_wait_for_requests (fixture->server, 4, 10000));

  connect_again (fixture);
  get_both (fixture);
  g_assert_true (dray_test_server_wait_for_finished (fixture->server, 5, 10000));
  g_assert_cmpuint (dray_test_server_get_open_bodies (fixture->server), ==, 1);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)
  ADD ("/model-server/whole", test_whole);
  ADD ("/model-server/ranges", test_ranges);
  ADD ("/model-server/if-range", test_if_range);
  ADD ("/model-server/breaks", test_breaks);
  ADD ("/model-server/answers", test_answers);
  ADD ("/model-server/log", test_log);
  ADD ("/model-server/gate", test_gate);
  ADD ("/model-server/rate", test_rate);
  ADD ("/model-server/collapse", test_collapse);
#undef ADD

  return g_test_run ();
}
