/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * One connection of a transfer: a thread that asks for bytes and writes them.
 *
 * The thread judges the answer and hands it to the main thread, which gives it a claim and lets the
 * body through with dray_connection_proceed(), or ends the fetch with dray_connection_stop(). So the
 * transfer sees every header before a byte is written, takes bytes from another connection only
 * when this one can have them, and the body never passes through the main thread.
 * The main thread makes, drives and frees it; one fetch at a time.
 */

#pragma once

#include "core/http/session-pool.h"
#include "core/http/session.h"
#include "core/transfer/hasher.h"
#include "core/transfer/partial-file.h"
#include "core/transfer/piece-map.h"
#include "core/transfer/rate-limiter.h"
#include "core/transfer/resolver.h"

G_BEGIN_DECLS

typedef struct _DrayConnection DrayConnection;

/* How much of what is on the disk is fetched again and compared where nothing else ties the
 * server's file to it, in bytes. */
#define DRAY_OVERLAP ((gint64) 64 * 1024)

/**
 * DrayFetch:
 * @location: (transfer none): where to ask
 * @start: the first byte that is lacking
 * @end: one past the last byte to ask for; %DRAY_END_UNKNOWN where the size is not known
 * @compare_from: the first byte to ask for; the bytes from there to @start are on the disk and
 *   are compared where no validator ties the answer to them
 * @part_only: whether the whole file is of no use where a part was asked for
 * @repairs: whether the bytes are on the disk already, and are replaced only where they differ
 * @use_if_range: whether to send an If-Range header
 * @total: as in #DrayQuestion
 * @validator: likewise
 * @holds_bytes: likewise
 * @digest_known: likewise
 *
 * What to fetch, copied by dray_connection_start().
 */
typedef struct
{
  const DrayLocation *location;
  gint64 start;
  gint64 end;
  gint64 compare_from;
  gboolean part_only;
  gboolean repairs;
  gboolean use_if_range;
  gint64 total;
  const DrayValidator *validator;
  gboolean holds_bytes;
  gboolean digest_known;
} DrayFetch;

/**
 * DrayConnectionEvents:
 * @answered: an answer came whose verdict is TAKE, COMPLETE, STALE, CHANGED or FAILED, or
 *   ASK_WITHOUT_RANGE where only a part is of use. After TAKE the connection waits for
 *   dray_connection_proceed() or dray_connection_stop(); after the others `ended` follows by itself
 * @ended: the fetch is over and the connection free, after @n_bytes were written: with %NULL if the
 *   claim is filled, or if the body of a file of unknown size came to its end; else with what broke
 *   it
 *
 * What a connection tells, in the main thread.
 */
typedef struct
{
  void (*answered) (gpointer user_data, const DrayVerdict *verdict, const DrayHttpAnswer *answer);
  void (*ended) (gpointer user_data, gint64 n_bytes, const GError *error);
} DrayConnectionEvents;

DrayConnection *dray_connection_new (DraySessionPool *sessions,
                                     DrayRateLimiter *limiter,
                                     const DrayConnectionEvents *events,
                                     gpointer user_data);
void dray_connection_free (DrayConnection *connection);
gboolean dray_connection_is_busy (DrayConnection *connection);
void dray_connection_start (DrayConnection *connection, const DrayFetch *fetch);
void dray_connection_proceed (DrayConnection *connection,
                              DrayPieceMap *map,
                              const DrayClaim *claim,
                              DrayPartialFile *file,
                              DrayHasher *hasher);
void dray_connection_stop (DrayConnection *connection);
void dray_connection_rate_changed (DrayConnection *connection);
void dray_connection_measure (DrayConnection *connection, gint64 *moved, gint64 *starved);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayConnection, dray_connection_free)

G_END_DECLS
