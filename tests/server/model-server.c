/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "tests/server/model-server-private.h"

#include <netinet/tcp.h>
#include <signal.h>

static void
connection_free (DrayTestConnection *connection)
{
  pthread_join (connection->thread, NULL);
  g_object_unref (connection->socket);
  g_byte_array_unref (connection->input);
  g_free (connection);
}

static void
start_thread (pthread_t *thread, const char *name, void *(*func) (void *), gpointer data)
{
  sigset_t all, before;
  int status;

  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  status = pthread_create (thread, NULL, func, data);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  if (status != 0)
    g_error ("Could not start the thread “%s”: %s", name, g_strerror (status));
  pthread_setname_np (*thread, name);
}

/* Takes the connections whose threads are over out of the list. Join them without the lock. */
static GPtrArray *
take_finished (DrayTestServer *server) DRAY_REQUIRES (server->lock)
{
  GPtrArray *finished = g_ptr_array_new_with_free_func ((GDestroyNotify) connection_free);

  for (guint i = server->connections->len; i > 0; i--)
    {
      DrayTestConnection *connection = g_ptr_array_index (server->connections, i - 1);

      if (connection->finished)
        g_ptr_array_add (finished, g_ptr_array_remove_index_fast (server->connections, i - 1));
    }

  return finished;
}

static void
start_connection (DrayTestServer *server, GSocket *socket) DRAY_REQUIRES (server->lock)
{
  DrayTestConnection *connection = g_new0 (DrayTestConnection, 1);

  g_socket_set_option (socket, IPPROTO_TCP, TCP_NODELAY, 1, NULL);
  connection->server = server;
  connection->socket = g_object_ref (socket);
  connection->number = ++server->n_connections;
  connection->input = g_byte_array_new ();
  g_ptr_array_add (server->connections, connection);
  start_thread (&connection->thread, "test connection", dray_test_connection_run, connection);
}

static void *
accept_connections (void *data)
{
  DrayTestServer *server = data;

  for (;;)
    {
      g_autoptr (GSocket) socket = g_socket_accept (server->listener, NULL, NULL);
      g_autoptr (GPtrArray) finished = NULL;
      gboolean stopping;

      dray_lock_acquire (&server->lock);
      finished = take_finished (server);
      stopping = server->stopping;
      if (socket != NULL && !stopping
          && (server->max_connections == 0 || server->connections->len < server->max_connections))
        start_connection (server, socket);
      dray_lock_release (&server->lock);

      if (stopping)
        return NULL;
      if (socket == NULL)
        g_usleep (1000);
    }
}

static GSocket *
listen_on (guint16 port, GError **error)
{
  g_autoptr (GSocket) socket =
      g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, error);
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (loopback, port);

  if (socket == NULL)
    return NULL;
  g_socket_set_listen_backlog (socket, 128);
  if (!g_socket_bind (socket, address, TRUE, error) || !g_socket_listen (socket, error))
    return NULL;

  return g_steal_pointer (&socket);
}

/**
 * dray_test_server_new:
 * @error: a #GIOErrorEnum
 *
 * Returns: (transfer full) (nullable): a server without files, on a port that the kernel chose
 */
DrayTestServer *
dray_test_server_new (GError **error)
{
  return dray_test_server_new_on_port (0, error);
}

/**
 * dray_test_server_new_on_port:
 * @port: a port of 127.0.0.1, or 0 for any
 * @error: a #GIOErrorEnum
 *
 * Returns: (transfer full) (nullable): a server without files
 */
DrayTestServer *
dray_test_server_new_on_port (guint16 port, GError **error)
{
  g_autoptr (GSocket) listener = listen_on (port, error);
  g_autoptr (GSocketAddress) address = NULL;
  DrayTestServer *server;

  if (listener == NULL)
    return NULL;
  address = g_socket_get_local_address (listener, error);
  if (address == NULL)
    return NULL;

  server = g_new0 (DrayTestServer, 1);
  server->listener = g_steal_pointer (&listener);
  server->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address));
  dray_lock_init (&server->lock);
  dray_condition_init (&server->changed);

  dray_lock_acquire (&server->lock);
  server->files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                         (GDestroyNotify) dray_test_file_unref);
  server->connections = g_ptr_array_new ();
  server->log = g_ptr_array_new_with_free_func ((GDestroyNotify) dray_test_record_free);
  dray_lock_release (&server->lock);

  start_thread (&server->thread, "test server", accept_connections, server);

  return server;
}

/**
 * dray_test_server_free:
 * @server: (transfer full): a server
 *
 * Breaks every connection and waits for the threads, which takes milliseconds.
 */
void
dray_test_server_free (DrayTestServer *server)
{
  dray_lock_acquire (&server->lock);
  server->stopping = TRUE;
  g_socket_shutdown (server->listener, TRUE, TRUE, NULL);
  for (guint i = 0; i < server->connections->len; i++)
    {
      DrayTestConnection *connection = g_ptr_array_index (server->connections, i);

      if (!connection->finished)
        g_socket_shutdown (connection->socket, TRUE, TRUE, NULL);
    }
  dray_lock_release (&server->lock);

  /* Nothing is added to the list once the accepting thread is gone. */
  pthread_join (server->thread, NULL);
  for (guint i = 0; i < server->connections->len; i++)
    connection_free (g_ptr_array_index (server->connections, i));

  g_ptr_array_unref (server->connections);
  g_ptr_array_unref (server->log);
  g_hash_table_unref (server->files);
  g_object_unref (server->listener);
  g_free (server->prefix);
  dray_condition_clear (&server->changed);
  dray_lock_clear (&server->lock);
  g_free (server);
}

guint16
dray_test_server_get_port (DrayTestServer *server)
{
  return server->port;
}

/**
 * dray_test_server_get_uri:
 * @server: a server
 * @path: a path that begins with a slash, with its query if it has one
 *
 * Returns: (transfer full): where @path is
 */
char *
dray_test_server_get_uri (DrayTestServer *server, const char *path)
{
  return g_strdup_printf ("http://127.0.0.1:%u%s", server->port, path);
}

guint
dray_test_server_get_open_connections (DrayTestServer *server)
{
  guint n = 0;

  dray_lock_acquire (&server->lock);
  for (guint i = 0; i < server->connections->len; i++)
    {
      const DrayTestConnection *connection = g_ptr_array_index (server->connections, i);

      n += !connection->finished;
    }
  dray_lock_release (&server->lock);

  return n;
}

/**
 * dray_test_server_set_rate:
 * @server: a server
 * @bytes_per_second: for each connection; 0 is as fast as it goes
 *
 * Takes effect at once, also for answers that are being sent. A file's own rate comes first.
 */
void
dray_test_server_set_rate (DrayTestServer *server, gint64 bytes_per_second)
{
  dray_lock_acquire (&server->lock);
  server->rate = bytes_per_second;
  dray_lock_release (&server->lock);
}

/**
 * dray_test_server_set_max_connections:
 * @server: a server
 * @n_connections: how many may be open; 0 is no limit
 *
 * Connections beyond that are closed as soon as they are accepted.
 */
void
dray_test_server_set_max_connections (DrayTestServer *server, guint n_connections)
{
  dray_lock_acquire (&server->lock);
  server->max_connections = n_connections;
  dray_lock_release (&server->lock);
}

/**
 * dray_test_server_set_handler:
 * @server: a server
 * @prefix: what the paths begin with
 * @handler: returns the status and fills the body
 * @data: handed to @handler
 *
 * Requests of any method below @prefix go to @handler, in the thread of their connection.
 */
void
dray_test_server_set_handler (DrayTestServer *server,
                              const char *prefix,
                              DrayTestHandler handler,
                              gpointer data)
{
  dray_lock_acquire (&server->lock);
  g_free (server->prefix);
  server->prefix = g_strdup (prefix);
  server->handler = handler;
  server->handler_data = data;
  dray_lock_release (&server->lock);
}
