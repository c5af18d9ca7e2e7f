/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The one movement of bytes that serves every running request for one asset.
 *
 * A transfer takes up what an earlier run left, asks the server, writes, journals, verifies and
 * gives the file its final name. It knows neither where the address comes from (DrayResolver) nor
 * who remembers (DrayJournal). It runs once; a later run is a new transfer. The main thread owns
 * it, and samples it; nothing is pushed per read.
 */

#pragma once

#include "core/base/error.h"
#include "core/base/worker.h"
#include "core/http/host-limits.h"
#include "core/http/network.h"
#include "core/http/session-pool.h"
#include "core/transfer/journal.h"
#include "core/transfer/rate-limiter.h"
#include "core/transfer/resolver.h"

G_BEGIN_DECLS

/**
 * DrayTransferState:
 * @DRAY_TRANSFER_CONNECTING: no byte has come yet in this run or after a break
 * @DRAY_TRANSFER_DOWNLOADING: bytes come
 * @DRAY_TRANSFER_WAITING: a retry is waited for
 * @DRAY_TRANSFER_VERIFYING: all bytes are here; the digest or the disk is waited for
 */
typedef enum
{
  DRAY_TRANSFER_CONNECTING,
  DRAY_TRANSFER_DOWNLOADING,
  DRAY_TRANSFER_WAITING,
  DRAY_TRANSFER_VERIFYING,
} DrayTransferState;

/**
 * DrayKnownFile:
 * @path: where it is
 * @size: in bytes
 * @sha256: its digest
 * @length_proven: whether the server or the digest proved that it ends there
 * @validator: the version that it is of
 *
 * A finished file that is known to be as it was made.
 */
typedef struct
{
  char *path;
  gint64 size;
  char *sha256;
  gboolean length_proven;
  DrayValidator validator;
} DrayKnownFile;

/**
 * DrayTransferPlan:
 * @directory: an existing folder for the partial and the finished file
 * @name: (nullable): the name of the finished file, once decided
 * @planned_name: (nullable): what to call the file, whatever the server suggests
 * @suggested_name: (nullable): what to call the file if the server suggests nothing
 * @expected_sha256: (nullable): what the digest is likely to be; what is accepted, the resolver says
 * @restart_changed: whether to start over when the file on the server is another one
 * @total: size in bytes, or %DRAY_SIZE_UNKNOWN
 * @length_proven: whether the server proved that the file ends there
 * @validator: the version of the bytes
 * @identity: of the partial file
 * @sync_failed: whether a sync of it failed
 * @digest_tied: whether only @expected_sha256 ties some of the bytes to the others
 * @pieces: (element-type DrayPiece) (nullable): what was recorded
 * @blocks: (element-type DrayDigestState) (nullable): likewise
 * @boot_id: of the running kernel
 * @interval: how often `written` is journaled while bytes move, in milliseconds
 * @rate_limit: bytes per second, or %DRAY_RATE_UNLIMITED
 * @limiter: (nullable): what holds for all transfers together
 * @network: (nullable): who knows whether there is a network; must outlive the run
 * @n_connections: how many connections to use, 1 to %DRAY_CONNECTIONS_MAX; 0 for as many as pay
 * @known: (nullable): a finished file of the same link; if the server still has that version, the
 *   transfer ends with it and fetches nothing
 *
 * What a transfer starts from, copied by dray_transfer_new().
 */
typedef struct
{
  const char *directory;
  const char *name;
  const char *planned_name;
  const char *suggested_name;
  const char *expected_sha256;
  gboolean restart_changed;
  gint64 total;
  gboolean length_proven;
  const DrayValidator *validator;
  const DrayFileIdentity *identity;
  gboolean sync_failed;
  gboolean digest_tied;
  GArray *pieces;
  GArray *blocks;
  const char *boot_id;
  guint interval;
  gint64 rate_limit;
  DrayRateLimiter *limiter;
  DrayNetwork *network;
  guint n_connections;
  const DrayKnownFile *known;
} DrayTransferPlan;

/**
 * DrayTransferProgress:
 * @state: what it does
 * @downloaded: bytes on the disk
 * @total: size in bytes, or %DRAY_SIZE_UNKNOWN
 * @verified: bytes hashed
 * @speed: bytes per second
 * @eta: seconds left; -1 unknown
 * @wait_until: with WAITING: the monotonic time of the next attempt, in microseconds
 * @wait_reason: with WAITING: what broke the last attempt
 */
typedef struct
{
  DrayTransferState state;
  gint64 downloaded;
  gint64 total;
  gint64 verified;
  gint64 speed;
  gint64 eta;
  gint64 wait_until;
  DrayError wait_reason;
} DrayTransferProgress;

/**
 * DrayTransferResult:
 * @path: the finished file
 * @size: in bytes
 * @sha256: its digest
 * @length_proven: whether the server or the digest proved that the file ends there
 * @known: whether it is the file that was known already
 */
typedef struct
{
  char *path;
  gint64 size;
  char *sha256;
  gboolean length_proven;
  gboolean known;
} DrayTransferResult;

#define DRAY_TYPE_TRANSFER (dray_transfer_get_type ())
G_DECLARE_FINAL_TYPE (DrayTransfer, dray_transfer, DRAY, TRANSFER, GObject)

void dray_known_file_clear (DrayKnownFile *known);

DrayTransfer *dray_transfer_new (const DrayTransferPlan *plan,
                                 DraySessionPool *sessions,
                                 DrayHostLimits *hosts,
                                 DrayWorker *disk,
                                 DrayJournal *journal,
                                 DrayResolver *resolver);
void dray_transfer_run_async (DrayTransfer *self,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
DrayTransferResult *dray_transfer_run_finish (DrayTransfer *self,
                                              GAsyncResult *result,
                                              GError **error);
void dray_transfer_result_free (DrayTransferResult *result);
void dray_transfer_set_rate_limit (DrayTransfer *self, gint64 rate_limit);
void dray_transfer_rate_changed (DrayTransfer *self);
void dray_transfer_try_now (DrayTransfer *self);
void dray_transfer_reconnect (DrayTransfer *self);
const DrayValidator *dray_transfer_get_validator (DrayTransfer *self, gint64 *total);
void dray_transfer_sample (DrayTransfer *self, DrayTransferProgress *progress);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayTransferResult, dray_transfer_result_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DrayKnownFile, dray_known_file_clear)

G_END_DECLS
