/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The inside of a connection, shared by connection.c (what the main thread asks, and the question to
 * the server) and connection-body.c (the body of the answer).
 */

#pragma once

#include "core/base/lock.h"
#include "core/base/worker.h"
#include "core/transfer/connection.h"

G_BEGIN_DECLS

/* What one read of the socket takes at most: larger is no faster, smaller is slower by half. */
#define DRAY_CONNECTION_BUFFER_SIZE (256 * 1024)

typedef enum
{
  DRAY_PERMISSION_PENDING,
  DRAY_PERMISSION_GRANTED,
  DRAY_PERMISSION_REFUSED,
} DrayPermission;

struct _DrayConnection
{
  DrayWorker *worker;
  DraySessionPool *sessions;
  SoupSession *session; /* lent by the pool */
  DrayRateLimiter *limiter; /* its own, below the transfer's */
  const DrayConnectionEvents *events; /* NULL while the connection is being freed */
  gpointer user_data;
  gboolean busy; /* main thread */
  GCancellable *cancellable;

  DrayLock lock; /* guards what follows */
  DrayCondition wake;
  DrayPermission permission;
  gboolean rate_changed; /* a wait for the limiter must be measured anew */
  gint64 body_since;     /* when the body was begun or last measured; 0 for no body */
  gint64 read_since;     /* likewise of the read under way; 0 for none */
  gint64 starved;        /* how long reads had to wait for bytes since then */

  /* Written by the main thread before the push or the grant, then the connection's alone: */
  DrayPieceMap *map;
  DrayPartialFile *file;
  DrayHasher *hasher;
  DrayLocation *location;
  DrayClaim claim;
  gboolean part_only;
  gboolean repairs;
  DrayQuestion question;
  DrayValidator validator;

  /* The connection's thread alone, until it hands them over: */
  DrayHttpAnswer *answer;
  DrayVerdict verdict;
  GError *error;
  gint64 turn; /* when it may read on */
  gint64 n_bytes; /* written in this fetch */
  guint8 *buffer;
  guint8 *disk_buffer; /* for comparing; made when first needed */
};

/* connection-body.c */
void dray_connection_take_body (DrayConnection *self);

G_END_DECLS
