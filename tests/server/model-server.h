/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * A model server on loopback: correct HTTP/1.1 until a file's behaviour says otherwise.
 *
 * Belongs to the test that made it. Every function may be called from any thread and during a
 * transfer; each connection has a thread of its own inside. The log tells afterwards what was
 * asked, what was answered and how many bytes the kernel took.
 */

#pragma once

#include "tests/server/behaviour.h"
#include "tests/server/content.h"

#include <glib.h>

G_BEGIN_DECLS

typedef struct _DrayTestServer DrayTestServer;

/* One request. Texts are NULL where the request had no such header. */
typedef struct
{
  guint number;     /* counts from 1, in the order in which requests arrived */
  guint connection; /* counts from 1 */
  char *head;       /* the whole request head */
  char *method;
  char *target;
  char *host;
  char *range;
  char *if_range;
  char *authorization;
  char *user_agent;
  gint64 range_first;   /* as asked; -1 without a range that was understood */
  gint64 range_last;    /* as asked, the last byte itself; -1 when open */
  gint64 body_offset;   /* where in the file the answer's body begins; -1 if it is no file's */
  guint status;         /* 0 until the answer begins, or if there was none */
  gint64 body_bytes;    /* of the body, without chunk sizes, that the kernel took */
  gint64 started;       /* monotonic time in microseconds */
  gint64 finished;      /* the same, 0 while the answer goes on */
  gboolean client_gone; /* the client left before the answer was over */
} DrayTestRecord;

typedef void (*DrayTestLogFunc) (const DrayTestRecord *record, gpointer data);
typedef guint (*DrayTestHandler) (const char *method,
                                  const char *target,
                                  GString *body,
                                  gpointer data);

DrayTestServer *dray_test_server_new (GError **error);
DrayTestServer *dray_test_server_new_on_port (guint16 port, GError **error);
void dray_test_server_free (DrayTestServer *server);
guint16 dray_test_server_get_port (DrayTestServer *server);
char *dray_test_server_get_uri (DrayTestServer *server, const char *path);

void dray_test_server_add (DrayTestServer *server, const char *path, DrayTestContent *content);
void
dray_test_server_add_gguf (DrayTestServer *server, const char *path, guint64 seed, gint64 size);
void dray_test_server_remove (DrayTestServer *server, const char *path);
DrayTestContent *dray_test_server_dup_content (DrayTestServer *server, const char *path);

void dray_test_server_set_etag (DrayTestServer *server, const char *path, const char *etag);
void dray_test_server_set_modified (DrayTestServer *server, const char *path, gint64 seconds);
void dray_test_server_set_type (DrayTestServer *server, const char *path, const char *type);
void dray_test_server_set_disposition (DrayTestServer *server,
                                       const char *path,
                                       const char *disposition);

void dray_test_server_set_behaviour (DrayTestServer *server,
                                     const char *path,
                                     const DrayTestBehaviour *behaviour);
void dray_test_server_get_behaviour (DrayTestServer *server,
                                     const char *path,
                                     DrayTestBehaviour *behaviour);
void dray_test_server_set_rate (DrayTestServer *server, gint64 bytes_per_second);
void dray_test_server_set_max_connections (DrayTestServer *server, guint n_connections);
void dray_test_server_set_handler (DrayTestServer *server,
                                   const char *prefix,
                                   DrayTestHandler handler,
                                   gpointer data);

void dray_test_server_set_log_func (DrayTestServer *server, DrayTestLogFunc func, gpointer data);
GPtrArray *dray_test_server_dup_log (DrayTestServer *server);
void dray_test_record_free (DrayTestRecord *record);
guint dray_test_server_get_n_requests (DrayTestServer *server);
guint dray_test_server_get_open_bodies (DrayTestServer *server);
guint dray_test_server_get_most_open_bodies (DrayTestServer *server);
guint dray_test_server_get_open_connections (DrayTestServer *server);
gint64 dray_test_server_get_body_bytes (DrayTestServer *server);

gboolean dray_test_server_wait_for_requests (DrayTestServer *server, guint n, gint64 timeout);
gboolean dray_test_server_wait_for_finished (DrayTestServer *server, guint n, gint64 timeout);
gboolean dray_test_server_wait_for_bytes (DrayTestServer *server, gint64 n_bytes, gint64 timeout);
gboolean dray_test_server_wait_until_idle (DrayTestServer *server, gint64 timeout);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayTestServer, dray_test_server_free)

G_END_DECLS
