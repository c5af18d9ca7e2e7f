/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Connections that are not secure. */

#include "tests/core/manager-fixture.h"

#include "core/http/authorities.h"

#include <gio/gio.h>

/* Signed by itself, and its key, which is nobody's secret. */
static const char certificate[]
    = "-----BEGIN CERTIFICATE-----\n"
      "MIIBkTCCATagAwIBAgIUFPTUOVbSKj/vy1hQr6T1BF/kR6QwCgYIKoZIzj0EAwIw\n"
      "FDESMBAGA1UEAwwJMTI3LjAuMC4xMCAXDTI2MTEyMjE3MTk1N1oYDzIxMjYxMDI5\n"
      "MTcxOTU3WjAUMRIwEAYDVQQDDAkxMjcuMC4wLjEwWTATBgcqhkjOPQIBBggqhkjO\n"
      "PQMBBwNCAAR/3lfOBJbfw6P3xiB0XXTY9cC95SdjOAjTqhawRJO3TSkKj3wsCbDN\n"
      "N8RxJeAvrobAPxY0gSkFkp0rioifuoXDo2QwYjAdBgNVHQ4EFgQU0ppanmiHlE+o\n"
      "EoQ2lbMvRGMbEOswHwYDVR0jBBgwFoAU0ppanmiHlE+oEoQ2lbMvRGMbEOswDwYD\n"
      "VR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0kAMEYC\n"
      "IQDoOouZwusjMo5RGcowcboERawBesbBQrQ32Kc8BxA4AwIhAJboiOQH4thJf5H+\n"
      "ZcDYlMew+XD1nbXfS/4D3N/GnX2V\n"
      "-----END CERTIFICATE-----\n"
      "-----BEGIN PRIVATE KEY-----\n"
      "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjPnImT2xx6SD5vKA\n"
      "TVsiVGHyLmWgw6qPDjH2LIRl5BOhRANCAAR/3lfOBJbfw6P3xiB0XXTY9cC95Sdj\n"
      "OAjTqhawRJO3TSkKj3wsCbDNN8RxJeAvrobAPxY0gSkFkp0rioifuoXD\n"
      "-----END PRIVATE KEY-----\n";

typedef struct
{
  GSocketService *service;
  GTlsCertificate *certificate; /* NULL: it does not speak TLS */
  char *redirect;               /* (nullable): where it sends those who ask for the file */
  guint16 port;
} TlsServer;

static char *
make_answer (const TlsServer *server)
{
  if (server->redirect == NULL)
    return g_strdup ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
                     "Content-Type: application/octet-stream\r\n\r\nhello");

  return g_strdup_printf ("HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
                          server->redirect);
}

/* A client that trusts nobody unknown goes away during the handshake. */
static void
shaken_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree char *answer = user_data;
  g_autoptr (GIOStream) connection = G_IO_STREAM (source);
  char request[4096];

  if (g_tls_connection_handshake_finish (G_TLS_CONNECTION (connection), result, NULL)
      && g_input_stream_read (g_io_stream_get_input_stream (connection), request, sizeof request,
                              NULL, NULL)
             > 0)
    g_output_stream_write_all (g_io_stream_get_output_stream (connection), answer,
                               strlen (answer), NULL, NULL, NULL);
  g_io_stream_close (connection, NULL, NULL);
}

static gboolean
incoming_cb (G_GNUC_UNUSED GSocketService *service,
             GSocketConnection *connection,
             G_GNUC_UNUSED GObject *source,
             gpointer user_data)
{
  static const char answer[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
  TlsServer *server = user_data;
  GIOStream *secure;

  if (server->certificate == NULL)
    {
      g_output_stream_write (g_io_stream_get_output_stream (G_IO_STREAM (connection)), answer,
                             sizeof answer - 1, NULL, NULL);
      return TRUE;
    }

  secure = g_tls_server_connection_new (G_IO_STREAM (connection), server->certificate, NULL);
  g_tls_connection_handshake_async (G_TLS_CONNECTION (secure), G_PRIORITY_DEFAULT, NULL, shaken_cb,
                                    make_answer (server));
  return TRUE;
}

static void
tls_server_start (TlsServer *server, gboolean speaks_tls)
{
  g_autoptr (GError) error = NULL;

  server->certificate
      = speaks_tls ? g_tls_certificate_new_from_pem (certificate, -1, &error) : NULL;
  g_assert_no_error (error);
  server->service = g_socket_service_new ();
  server->port = g_socket_listener_add_any_inet_port (G_SOCKET_LISTENER (server->service), NULL,
                                                      &error);
  g_assert_no_error (error);
  g_signal_connect (server->service, "incoming", G_CALLBACK (incoming_cb), server);
}

static void
tls_server_stop (TlsServer *server)
{
  g_socket_service_stop (server->service);
  g_socket_listener_close (G_SOCKET_LISTENER (server->service));
  g_object_unref (server->service);
  g_free (server->redirect);
  g_clear_object (&server->certificate);
}

static DrayRequest *
get_from (ManagerFixture *fixture, const TlsServer *server, const char *host)
{
  g_autofree char *uri = g_strdup_printf ("https://%s:%u" FIXTURE_PATH, host, server->port);
  g_autoptr (DrayDownloadOptions) options = g_object_new (
      DRAY_TYPE_DOWNLOAD_OPTIONS, "directory", fixture->directory, "caller", "test", "token",
      "secret", NULL);
  g_autoptr (GError) error = NULL;
  DrayRequest *request = dray_manager_download_asset (fixture->manager, uri, options, &error);

  g_assert_no_error (error);
  fixture_wait_for_end (request);

  return request;
}

/* Ends at once; nothing is asked over a connection that is not secure. */
static void
test_not_secure (ManagerFixture *fixture, gconstpointer data)
{
  TlsServer server = { 0 };
  DrayRequest *request;

  tls_server_start (&server, GPOINTER_TO_INT (data));
  request = get_from (fixture, &server, "127.0.0.1");
  fixture_assert_failed (fixture, request, DRAY_ERROR_TLS);
  g_test_message ("%s", dray_request_get_error (request)->message);
  tls_server_stop (&server);
}

/* Whom the system trusts, for as long as a test runs. */
static void
trust (ManagerFixture *fixture)
{
  g_autofree char *path = g_build_filename (fixture->root, "authorities", NULL);
  g_autoptr (GTlsDatabase) database = NULL;
  g_autoptr (GTlsDatabase) authorities = NULL;
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, certificate, -1, &error);
  g_assert_no_error (error);
  database = g_tls_file_database_new (path, &error);
  g_assert_no_error (error);
  authorities = dray_authorities_new (database);
  g_tls_backend_set_default_database (g_tls_backend_get_default (), authorities);
}

static void
test_trusted (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  TlsServer server = { 0 };
  DrayRequest *request;

  trust (fixture);
  tls_server_start (&server, TRUE);
  request = get_from (fixture, &server, "127.0.0.1");
  g_assert_no_error (dray_request_get_error (request));
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_COMPLETED);
  tls_server_stop (&server);
  g_tls_backend_set_default_database (g_tls_backend_get_default (), NULL);
}

/* A certificate that is trusted says whose it is. */
static void
test_other_name (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  TlsServer server = { 0 };

  trust (fixture);
  tls_server_start (&server, TRUE);
  fixture_assert_failed (fixture, get_from (fixture, &server, "localhost"), DRAY_ERROR_TLS);
  tls_server_stop (&server);
  g_tls_backend_set_default_database (g_tls_backend_get_default (), NULL);
}

/* No secure link leads to an insecure one, with a token or without. */
static void
test_downgrade (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  TlsServer server = { 0 };

  trust (fixture);
  tls_server_start (&server, TRUE);
  server.redirect = dray_test_server_get_uri (fixture->server, FIXTURE_PATH);
  fixture_assert_failed (fixture, get_from (fixture, &server, "127.0.0.1"), DRAY_ERROR_TLS);
  g_assert_cmpuint (dray_test_server_get_n_requests (fixture->server), ==, 0);
  tls_server_stop (&server);
  g_tls_backend_set_default_database (g_tls_backend_get_default (), NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/transfer-tls/signed-by-itself", ManagerFixture, GINT_TO_POINTER (TRUE),
              fixture_set_up, test_not_secure, fixture_tear_down);
  g_test_add ("/transfer-tls/no-tls", ManagerFixture, GINT_TO_POINTER (FALSE), fixture_set_up,
              test_not_secure, fixture_tear_down);

  g_test_add ("/transfer-tls/trusted", ManagerFixture, NULL, fixture_set_up, test_trusted,
              fixture_tear_down);
  g_test_add ("/transfer-tls/other-name", ManagerFixture, NULL, fixture_set_up, test_other_name,
              fixture_tear_down);
  g_test_add ("/transfer-tls/downgrade", ManagerFixture, NULL, fixture_set_up, test_downgrade,
              fixture_tear_down);

  return g_test_run ();
}
