/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/http/session-pool.h"

#include "core/http/session.h"

#include "tests/server/model-server.h"

#define SIZE 100000

static void
get_all (SoupSession *session, const char *url)
{
  const DrayHttpQuery query = { .url = url, .start = -1 };
  g_autoptr (GError) error = NULL;
  g_autoptr (DrayHttpAnswer) answer = dray_http_get (session, &query, NULL, &error);
  char buffer[16384];
  gssize n_bytes = 0;
  gssize n;

  g_assert_no_error (error);
  g_assert_cmpuint (answer->response.status, ==, 200);
  while ((n = dray_http_read (answer, buffer, sizeof buffer, NULL, &error)) > 0)
    n_bytes += n;
  g_assert_no_error (error);
  g_assert_cmpint (n_bytes, ==, SIZE);
}

static DrayTestServer *
new_server (void)
{
  g_autoptr (GError) error = NULL;
  DrayTestServer *server = dray_test_server_new (&error);

  g_assert_no_error (error);
  dray_test_server_add_gguf (server, "/model.gguf", 1, SIZE);
  return server;
}

/* A small file after another costs no second handshake. */
static void
test_socket_is_kept (void)
{
  g_autoptr (DrayTestServer) server = new_server ();
  g_autofree char *url = dray_test_server_get_uri (server, "/model.gguf");
  g_autoptr (DraySessionPool) pool = dray_session_pool_new ();
  g_autoptr (GPtrArray) log = NULL;

  for (guint i = 0; i < 3; i++)
    {
      SoupSession *session = dray_session_pool_take (pool);

      get_all (session, url);
      dray_session_pool_give_back (pool, session);
    }

  log = dray_test_server_dup_log (server);
  g_assert_cmpuint (log->len, ==, 3);
  for (guint i = 0; i < log->len; i++)
    g_assert_cmpuint (((DrayTestRecord *) g_ptr_array_index (log, i))->connection, ==, 1);
}

/* Two threads in one session would share GLib's addresses of the host; see session-pool.h. */
static void
test_lent_once (void)
{
  g_autoptr (DraySessionPool) pool = dray_session_pool_new ();
  SoupSession *first = dray_session_pool_take (pool);
  SoupSession *second = dray_session_pool_take (pool);

  g_assert_true (first != second);
  dray_session_pool_give_back (pool, first);
  dray_session_pool_give_back (pool, second);
  g_assert_true (dray_session_pool_take (pool) == second);
  g_assert_true (dray_session_pool_take (pool) == first);
  dray_session_pool_give_back (pool, first);
  dray_session_pool_give_back (pool, second);
}

/* What a busy hour has opened does not stay open. */
static void
test_idle_are_bounded (void)
{
  g_autoptr (DraySessionPool) pool = dray_session_pool_new ();
  SoupSession *sessions[40];
  guint n_left = 0;

  for (guint i = 0; i < G_N_ELEMENTS (sessions); i++)
    sessions[i] = dray_session_pool_take (pool);
  for (guint i = 0; i < G_N_ELEMENTS (sessions); i++)
    {
      g_object_add_weak_pointer (G_OBJECT (sessions[i]), (gpointer *) &sessions[i]);
      dray_session_pool_give_back (pool, sessions[i]);
    }

  for (guint i = 0; i < G_N_ELEMENTS (sessions); i++)
    if (sessions[i] != NULL)
      {
        n_left++;
        g_object_remove_weak_pointer (G_OBJECT (sessions[i]), (gpointer *) &sessions[i]);
      }
  g_assert_cmpuint (n_left, ==, 16);
  g_assert_null (sessions[0]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/session-pool/socket-is-kept", test_socket_is_kept);
  g_test_add_func ("/session-pool/lent-once", test_lent_once);
  g_test_add_func ("/session-pool/idle-are-bounded", test_idle_are_bounded);

  return g_test_run ();
}
