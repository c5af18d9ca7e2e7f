/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "tests/server/model-server-private.h"

#include <poll.h>
#include <string.h>

#define LARGEST_HEAD ((guint) 256 * 1024)
#define LARGEST_REQUEST_BODY ((gint64) 1024 * 1024)

/**
 * dray_test_connection_send:
 * @connection: a connection
 * @bytes: what to send
 * @n_bytes: how much
 * @record: (nullable): where the bytes count as body bytes
 *
 * Waits until the kernel has taken everything.
 *
 * Returns: %FALSE if the client is gone
 */
gboolean
dray_test_connection_send (DrayTestConnection *connection,
                           gconstpointer bytes,
                           gsize n_bytes,
                           DrayTestRecord *record)
{
  const char *p = bytes;

  while (n_bytes > 0 && !connection->gone)
    {
      gssize n = g_socket_send (connection->socket, p, n_bytes, NULL, NULL);

      if (n <= 0)
        {
          connection->gone = TRUE;
          break;
        }
      p += n;
      n_bytes -= (gsize) n;
      if (record != NULL)
        dray_test_log_sent (connection->server, record, (gsize) n);
    }

  return !connection->gone;
}

/**
 * dray_test_connection_wait:
 * @connection: a connection
 * @until: monotonic time in microseconds; G_MAXINT64 is for ever
 *
 * Returns: %FALSE, at once, if the client leaves meanwhile
 */
gboolean
dray_test_connection_wait (DrayTestConnection *connection, gint64 until)
{
  struct pollfd watched = { .fd = g_socket_get_fd (connection->socket), .events = POLLRDHUP };

  while (!connection->gone)
    {
      gint64 left = until - g_get_monotonic_time ();
      struct timespec timeout = { left / G_USEC_PER_SEC, left % G_USEC_PER_SEC * 1000 };

      if (left <= 0)
        break;
      if (ppoll (&watched, 1, until == G_MAXINT64 ? NULL : &timeout, NULL) > 0)
        connection->gone = TRUE;
    }

  return !connection->gone;
}

static gboolean
receive (DrayTestConnection *connection)
{
  guint8 buffer[8192];
  gssize n = g_socket_receive (connection->socket, (char *) buffer, sizeof buffer, NULL, NULL);

  if (n <= 0)
    return FALSE;
  g_byte_array_append (connection->input, buffer, (guint) n);

  return TRUE;
}

/* Returns the head's length with its empty line, or 0 if the client left or sends no end. */
static gsize
receive_head (DrayTestConnection *connection)
{
  for (;;)
    {
      GByteArray *input = connection->input;
      const guint8 *end = input->len > 0 ? memmem (input->data, input->len, "\r\n\r\n", 4) : NULL;

      if (end != NULL)
        return (gsize) (end - input->data) + 4;
      if (input->len > LARGEST_HEAD || !receive (connection))
        return 0;
    }
}

/* Request bodies mean nothing to any file, but they must not be taken for the next request. */
static gboolean
skip_request_body (DrayTestConnection *connection, gint64 size)
{
  if (size > LARGEST_REQUEST_BODY)
    return FALSE;
  while (connection->input->len < size)
    if (!receive (connection))
      return FALSE;
  if (size > 0)
    g_byte_array_remove_range (connection->input, 0, (guint) size);

  return TRUE;
}

/* Asks the handler, if there is one for that path. */
static DrayTestResponse *
handle (DrayTestServer *server, const DrayTestRequest *request)
{
  g_autoptr (GString) body = g_string_new (NULL);
  DrayTestHandler handler = NULL;
  gpointer data = NULL;
  guint status;

  dray_lock_acquire (&server->lock);
  if (server->handler != NULL && g_str_has_prefix (request->path, server->prefix))
    {
      handler = server->handler;
      data = server->handler_data;
    }
  dray_lock_release (&server->lock);

  if (handler == NULL)
    return NULL;
  status = handler (request->method, request->target, body, data);

  return dray_test_response_new_text (status, NULL, body->str, request);
}

static DrayTestResponse *
answer_with_file (DrayTestServer *server, const DrayTestRequest *request)
{
  DrayTestResponse *response;
  DrayTestFile *file;

  dray_lock_acquire (&server->lock);
  file = g_hash_table_lookup (server->files, request->target);
  if (file == NULL)
    file = g_hash_table_lookup (server->files, request->path);
  if (file == NULL)
    response = dray_test_response_new_text (404, NULL, "There is no such file.\n", request);
  else
    response = dray_test_response_new (file, request);
  dray_lock_release (&server->lock);

  return response;
}

static DrayTestResponse *
answer (DrayTestServer *server, const DrayTestRequest *request)
{
  DrayTestResponse *response = handle (server, request);

  if (response != NULL)
    return response;
  if (strcmp (request->method, "GET") != 0 && strcmp (request->method, "HEAD") != 0)
    return dray_test_response_new_text (405, "Allow: GET, HEAD\r\n", "Only GET.\n", request);

  return answer_with_file (server, request);
}

static gboolean
send_interim (DrayTestConnection *connection, guint times)
{
  static const char early_hints[] = "HTTP/1.1 103 Early Hints\r\nX-Wait: a little\r\n\r\n";

  while (dray_test_behaviour_use (&times))
    if (!dray_test_connection_send (connection, early_hints, strlen (early_hints), NULL))
      return FALSE;

  return TRUE;
}

static gboolean
send_padding (DrayTestConnection *connection, gint64 n_bytes)
{
  char line[1024];

  memset (line, 'p', sizeof line);
  memcpy (line, "X-Padding: ", strlen ("X-Padding: "));
  memcpy (line + sizeof line - 2, "\r\n", 2);

  for (gint64 sent = 0; sent < n_bytes; sent += (gint64) sizeof line)
    if (!dray_test_connection_send (connection, line, sizeof line, NULL))
      return FALSE;

  return TRUE;
}

static gboolean
send_response (DrayTestConnection *connection, DrayTestResponse *response, DrayTestRecord *record)
{
  g_autofree char *status_line = g_strdup_printf ("HTTP/1.1 %u %s\r\n", response->status,
                                                  dray_test_status_phrase (response->status));

  if (response->delay > 0
      && !dray_test_connection_wait (connection,
                                     g_get_monotonic_time () + (gint64) response->delay * 1000))
    return FALSE;
  if (response->status == 0)
    return TRUE;

  return send_interim (connection, response->interim)
         && dray_test_connection_send (connection, status_line, strlen (status_line), NULL)
         && send_padding (connection, response->header_padding)
         && dray_test_connection_send (connection, response->head->str, response->head->len, NULL)
         && dray_test_connection_send_body (connection, response, record);
}

/* Returns whether the connection can take another request. */
static gboolean
serve_one (DrayTestConnection *connection)
{
  DrayTestServer *server = connection->server;
  g_autoptr (DrayTestRequest) request = NULL;
  DrayTestResponse *response;
  DrayTestRecord *record;
  gsize length = receive_head (connection);
  gboolean stays, goes_on;

  if (length == 0)
    return FALSE;

  request = dray_test_request_parse ((const char *) connection->input->data, length - 4);
  g_byte_array_remove_range (connection->input, 0, (guint) length);
  if (request == NULL || !skip_request_body (connection, request->body_size))
    {
      static const char bad[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n"
                                "Connection: close\r\n\r\n";

      dray_test_connection_send (connection, bad, strlen (bad), NULL);
      return FALSE;
    }

  record = dray_test_log_start (server, request, connection->number);
  response = answer (server, request);
  dray_test_log_answer (connection, record, response);
  stays = send_response (connection, response, record);
  goes_on = stays && !response->closes;
  dray_test_log_finish (connection, record, response, !stays);

  dray_lock_acquire (&server->lock);
  dray_test_response_free (response);
  dray_lock_release (&server->lock);

  return goes_on;
}

/**
 * dray_test_connection_run:
 * @connection: a #DrayTestConnection that was just accepted
 *
 * The connection's thread: answers requests until one side closes.
 */
void *
dray_test_connection_run (void *data)
{
  DrayTestConnection *connection = data;
  DrayTestServer *server = connection->server;

  while (serve_one (connection))
    ;

  dray_lock_acquire (&server->lock);
  g_socket_close (connection->socket, NULL);
  connection->finished = TRUE;
  dray_condition_broadcast (&server->changed);
  dray_lock_release (&server->lock);

  return NULL;
}
