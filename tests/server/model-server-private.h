/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What the model server's own files share.
 *
 * The server's lock guards everything that more than one thread touches: the files with their
 * behaviours, the connections' list, the log. Nobody holds it while waiting for a socket.
 */

#pragma once

#include "core/base/lock.h"
#include "tests/server/model-server.h"
#include "tests/server/request.h"

#include <gio/gio.h>
#include <netinet/in.h>
#include <sys/socket.h>

G_BEGIN_DECLS

typedef struct
{
  guint ref_count; /* under the server's lock, as is everything here */
  DrayTestContent *content;
  char *etag;
  gint64 modified; /* seconds since 1970 */
  char *type;
  char *disposition; /* nullable */
  DrayTestBehaviour behaviour;
  guint n_requests;
  guint open_bodies;
} DrayTestFile;

typedef struct
{
  DrayTestServer *server;
  GSocket *socket;
  pthread_t thread;
  guint number;
  GByteArray *input; /* what was received and not yet parsed */
  gint64 body_bytes; /* sent, of all bodies together */
  gboolean gone;     /* the client left, or the server ends */
  gboolean has_body; /* under the server's lock: sends a file */
  gboolean finished; /* under the server's lock: the socket is closed, the thread may be joined */
} DrayTestConnection;

struct _DrayTestServer
{
  GSocket *listener;
  guint16 port;
  pthread_t thread;

  DrayLock lock;
  DrayCondition changed; /* anything below that the wait functions look at */

  /* Guarded by the lock. */
  GHashTable *files; /* path to DrayTestFile */
  GPtrArray *connections;
  GPtrArray *log;
  gboolean stopping;
  gint64 rate;
  guint n_connections; /* ever accepted */
  guint max_connections;
  guint n_finished;
  guint open_bodies;
  guint most_open_bodies;
  gint64 body_bytes;
  char *prefix;
  DrayTestHandler handler;
  gpointer handler_data;
  DrayTestLogFunc log_func;
  gpointer log_data;
};

/* What is to be sent for one request. The body is prefix, content, suffix and excess in a row. */
typedef struct
{
  guint status;       /* 0: close without an answer */
  GString *head;      /* after the status line, with the empty line */
  DrayTestFile *file; /* (nullable): counts as an open body of it */
  gboolean is_file;   /* the content is the file's own */
  DrayTestContent *content;
  gint64 start; /* in the content */
  gint64 length;
  char *prefix; /* nullable */
  char *suffix; /* nullable */
  gint64 excess;
  DrayTestFraming framing;
  gboolean head_only;
  gboolean closes;

  guint delay;
  guint interim;
  gint64 header_padding;
  gint64 drip_after;  /* -1: never */
  gint64 break_after; /* -1: never */
  DrayTestBreak break_how;
  gint64 wrong_offset; /* in the content; -1: none */
} DrayTestResponse;

void dray_test_file_unref (DrayTestFile *file);

DrayTestResponse *dray_test_response_new (DrayTestFile *file, const DrayTestRequest *request);
DrayTestResponse *dray_test_response_new_text (guint status,
                                               const char *headers,
                                               const char *text,
                                               const DrayTestRequest *request);
void dray_test_response_free (DrayTestResponse *response);
gint64 dray_test_response_get_body_size (const DrayTestResponse *response);
void dray_test_response_read (const DrayTestResponse *response,
                              gint64 position,
                              guint8 *buffer,
                              gsize n_bytes);
const char *dray_test_status_phrase (guint status);
char *dray_test_dup_http_date (gint64 seconds);

void *dray_test_connection_run (void *connection);
gboolean dray_test_connection_send (DrayTestConnection *connection,
                                    gconstpointer bytes,
                                    gsize n_bytes,
                                    DrayTestRecord *record);
gboolean dray_test_connection_wait (DrayTestConnection *connection, gint64 until);
gboolean dray_test_connection_send_body (DrayTestConnection *connection,
                                         DrayTestResponse *response,
                                         DrayTestRecord *record);

DrayTestRecord *
dray_test_log_start (DrayTestServer *server, const DrayTestRequest *request, guint connection);
void dray_test_log_answer (DrayTestConnection *connection,
                           DrayTestRecord *record,
                           const DrayTestResponse *response);
void dray_test_log_sent (DrayTestServer *server, DrayTestRecord *record, gsize n_bytes);
void dray_test_log_finish (DrayTestConnection *connection,
                           DrayTestRecord *record,
                           const DrayTestResponse *response,
                           gboolean client_gone);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayTestResponse, dray_test_response_free)

G_END_DECLS
