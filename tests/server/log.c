/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "tests/server/model-server-private.h"

#include <poll.h>
#include <time.h>

typedef gboolean (*Predicate) (DrayTestServer *server, gint64 figure);

void
dray_test_record_free (DrayTestRecord *record)
{
  g_free (record->head);
  g_free (record->method);
  g_free (record->target);
  g_free (record->host);
  g_free (record->range);
  g_free (record->if_range);
  g_free (record->authorization);
  g_free (record->user_agent);
  g_free (record);
}

static DrayTestRecord *
record_copy (const DrayTestRecord *record)
{
  DrayTestRecord *copy = g_new (DrayTestRecord, 1);

  *copy = *record;
  copy->head = g_strdup (record->head);
  copy->method = g_strdup (record->method);
  copy->target = g_strdup (record->target);
  copy->host = g_strdup (record->host);
  copy->range = g_strdup (record->range);
  copy->if_range = g_strdup (record->if_range);
  copy->authorization = g_strdup (record->authorization);
  copy->user_agent = g_strdup (record->user_agent);

  return copy;
}

/* Calls the log function with a copy, without the lock, from the connection's thread. */
static void
tell (DrayTestServer *server, const DrayTestRecord *record)
{
  DrayTestRecord *copy;
  DrayTestLogFunc func;
  gpointer data;

  dray_lock_acquire (&server->lock);
  func = server->log_func;
  data = server->log_data;
  copy = record_copy (record);
  dray_lock_release (&server->lock);

  if (func != NULL)
    func (copy, data);
  dray_test_record_free (copy);
}

/* The record belongs to the log; only the functions here touch it afterwards. */
DrayTestRecord *
dray_test_log_start (DrayTestServer *server, const DrayTestRequest *request, guint connection)
{
  DrayTestRecord *record = g_new0 (DrayTestRecord, 1);

  record->connection = connection;
  record->head = g_strdup (request->head);
  record->method = g_strdup (request->method);
  record->target = g_strdup (request->target);
  record->host = dray_test_request_dup_header (request, "Host");
  record->range = dray_test_request_dup_header (request, "Range");
  record->if_range = dray_test_request_dup_header (request, "If-Range");
  record->authorization = dray_test_request_dup_header (request, "Authorization");
  record->user_agent = dray_test_request_dup_header (request, "User-Agent");
  record->range_first = request->range.first;
  record->range_last = request->range.last;
  record->body_offset = -1;
  record->started = g_get_monotonic_time ();

  dray_lock_acquire (&server->lock);
  g_ptr_array_add (server->log, record);
  record->number = server->log->len;
  dray_condition_broadcast (&server->changed);
  dray_lock_release (&server->lock);

  tell (server, record);

  return record;
}

static gboolean
counts_as_body (const DrayTestResponse *response)
{
  return response != NULL && response->file != NULL && response->status != 0
         && !response->head_only;
}

/* Whether a client still listens on a connection that sends a file. One that has left may not have
 * been noticed yet. */
static gboolean
is_open (const DrayTestConnection *connection)
{
  struct pollfd poll_fd = { .events = POLLRDHUP };

  if (!connection->has_body)
    return FALSE;

  poll_fd.fd = g_socket_get_fd (connection->socket);
  return poll (&poll_fd, 1, 0) == 0;
}

static guint
count_open (DrayTestServer *server)
{
  guint n_open = 0;

  for (guint i = 0; i < server->connections->len; i++)
    n_open += is_open (g_ptr_array_index (server->connections, i));

  return n_open;
}

void
dray_test_log_answer (DrayTestConnection *connection,
                      DrayTestRecord *record,
                      const DrayTestResponse *response)
{
  DrayTestServer *server = connection->server;

  dray_lock_acquire (&server->lock);
  record->status = response->status;
  if (response->is_file && !response->head_only)
    record->body_offset = response->start;
  if (counts_as_body (response))
    {
      connection->has_body = TRUE;
      server->open_bodies++;
      server->most_open_bodies = MAX (server->most_open_bodies, count_open (server));
    }
  dray_condition_broadcast (&server->changed);
  dray_lock_release (&server->lock);
}

void
dray_test_log_sent (DrayTestServer *server, DrayTestRecord *record, gsize n_bytes)
{
  dray_lock_acquire (&server->lock);
  record->body_bytes += (gint64) n_bytes;
  server->body_bytes += (gint64) n_bytes;
  dray_condition_broadcast (&server->changed);
  dray_lock_release (&server->lock);
}

void
dray_test_log_finish (DrayTestConnection *connection,
                      DrayTestRecord *record,
                      const DrayTestResponse *response,
                      gboolean client_gone)
{
  DrayTestServer *server = connection->server;

  dray_lock_acquire (&server->lock);
  record->client_gone = client_gone;
  record->finished = g_get_monotonic_time ();
  server->n_finished++;
  connection->has_body = FALSE;
  if (counts_as_body (response))
    server->open_bodies--;
  dray_condition_broadcast (&server->changed);
  dray_lock_release (&server->lock);

  tell (server, record);
}

/**
 * dray_test_server_set_log_func:
 * @server: a server
 * @func: (nullable): what to call
 * @data: handed to @func
 *
 * @func is called from a connection's thread when a request has arrived (status and finished are 0)
 * and again when its answer is over. Set it before the first request.
 */
void
dray_test_server_set_log_func (DrayTestServer *server, DrayTestLogFunc func, gpointer data)
{
  dray_lock_acquire (&server->lock);
  server->log_func = func;
  server->log_data = data;
  dray_lock_release (&server->lock);
}

/**
 * dray_test_server_dup_log:
 * @server: a server
 *
 * Returns: (transfer full) (element-type DrayTestRecord): copies of all records, in the order in
 *   which the requests arrived, including those that are not finished
 */
GPtrArray *
dray_test_server_dup_log (DrayTestServer *server)
{
  GPtrArray *copies = g_ptr_array_new_with_free_func ((GDestroyNotify) dray_test_record_free);

  dray_lock_acquire (&server->lock);
  for (guint i = 0; i < server->log->len; i++)
    g_ptr_array_add (copies, record_copy (g_ptr_array_index (server->log, i)));
  dray_lock_release (&server->lock);

  return copies;
}

guint
dray_test_server_get_n_requests (DrayTestServer *server)
{
  guint n;

  dray_lock_acquire (&server->lock);
  n = server->log->len;
  dray_lock_release (&server->lock);

  return n;
}

/**
 * dray_test_server_get_open_bodies:
 * @server: a server
 *
 * Returns: how many answers to GET for a file are being sent now
 */
guint
dray_test_server_get_open_bodies (DrayTestServer *server)
{
  guint n;

  dray_lock_acquire (&server->lock);
  n = server->open_bodies;
  dray_lock_release (&server->lock);

  return n;
}

guint
dray_test_server_get_most_open_bodies (DrayTestServer *server)
{
  guint n;

  dray_lock_acquire (&server->lock);
  n = server->most_open_bodies;
  dray_lock_release (&server->lock);

  return n;
}

/**
 * dray_test_server_get_body_bytes:
 * @server: a server
 *
 * Returns: how many body bytes the kernel has taken, of all answers together
 */
gint64
dray_test_server_get_body_bytes (DrayTestServer *server)
{
  gint64 n;

  dray_lock_acquire (&server->lock);
  n = server->body_bytes;
  dray_lock_release (&server->lock);

  return n;
}

static gboolean
has_requests (DrayTestServer *server, gint64 n) DRAY_REQUIRES (server->lock)
{
  return server->log->len >= n;
}

static gboolean
has_finished (DrayTestServer *server, gint64 n) DRAY_REQUIRES (server->lock)
{
  return server->n_finished >= n;
}

static gboolean
has_bytes (DrayTestServer *server, gint64 n) DRAY_REQUIRES (server->lock)
{
  return server->body_bytes >= n;
}

static gboolean
is_idle (DrayTestServer *server, G_GNUC_UNUSED gint64 unused) DRAY_REQUIRES (server->lock)
{
  return server->n_finished == server->log->len;
}

static gboolean
wait_for (DrayTestServer *server, Predicate predicate, gint64 figure, gint64 timeout)
{
  gint64 deadline = g_get_monotonic_time () + timeout * 1000;
  gboolean reached;

  dray_lock_acquire (&server->lock);
  while (!(reached = predicate (server, figure)) && g_get_monotonic_time () < deadline)
    dray_condition_wait_until (&server->changed, &server->lock, deadline);
  dray_lock_release (&server->lock);

  return reached;
}

/**
 * dray_test_server_wait_for_requests:
 * @server: a server
 * @n: how many
 * @timeout: milliseconds
 *
 * Returns: whether @n requests have arrived since the server was made
 */
gboolean
dray_test_server_wait_for_requests (DrayTestServer *server, guint n, gint64 timeout)
{
  return wait_for (server, has_requests, n, timeout);
}

/**
 * dray_test_server_wait_for_finished:
 * @server: a server
 * @n: how many
 * @timeout: milliseconds
 *
 * Returns: whether @n answers are over, completely or not
 */
gboolean
dray_test_server_wait_for_finished (DrayTestServer *server, guint n, gint64 timeout)
{
  return wait_for (server, has_finished, n, timeout);
}

/**
 * dray_test_server_wait_for_bytes:
 * @server: a server
 * @n_bytes: how many
 * @timeout: milliseconds
 *
 * Returns: whether the kernel has taken @n_bytes body bytes since the server was made
 */
gboolean
dray_test_server_wait_for_bytes (DrayTestServer *server, gint64 n_bytes, gint64 timeout)
{
  return wait_for (server, has_bytes, n_bytes, timeout);
}

/**
 * dray_test_server_wait_until_idle:
 * @server: a server
 * @timeout: milliseconds
 *
 * Returns: whether every request that arrived is finished
 */
gboolean
dray_test_server_wait_until_idle (DrayTestServer *server, gint64 timeout)
{
  return wait_for (server, is_idle, 0, timeout);
}
