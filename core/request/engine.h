/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What a manager shares with its jobs: the sessions, the hub's token, what the hosts take, the threads, the catalog
 * and its contents.
 *
 * A plain struct that the manager owns; the main thread's.
 */

#pragma once

#include "core/catalog/catalog.h"
#include "core/http/credentials.h"
#include "core/http/host-limits.h"
#include "core/http/network.h"
#include "core/http/session-pool.h"
#include "core/library/disks.h"
#include "core/library/stores.h"
#include "core/request/asset-table.h"
#include "core/request/request-private.h"
#include "core/transfer/rate-limiter.h"

G_BEGIN_DECLS

typedef struct
{
  DraySessionPool *sessions;
  DrayCredentials *credentials;
  DrayNetwork *network;
  DrayRateLimiter *limiter; /* for all transfers together */
  DrayHostLimits *hosts;
  DrayDisks *disks;
  DrayCatalog *catalog;
  DrayAssetTable *assets;
  GListStore *requests; /* of DrayRequest */
  const char *library_root;
  DrayStores *stores;       /* of other programs */
  DrayFileDigests *digests; /* of the files there that were read */
  GPtrArray *readers;       /* of DrayWorker: what may read such a file, and does not now */
  char *boot_id;
  guint interval; /* of the journal, in milliseconds */
} DrayEngine;

GPtrArray *dray_engine_snapshot (GPtrArray *objects);
DrayRequest *dray_engine_get_request (DrayEngine *engine, guint position);
DrayStoredAsset *dray_engine_get_asset (DrayEngine *engine, DrayRequest *request);
gboolean dray_engine_is_in_place (DrayEngine *engine,
                                  const DrayStoredAsset *asset,
                                  const char *directory);
void dray_engine_put_request (DrayEngine *engine, DrayRequest *request);
void dray_engine_put_setting (DrayEngine *engine, const char *name, const char *value);
void dray_engine_settle (DrayEngine *engine,
                         DrayRequest *request,
                         DrayRequestState state,
                         const GError *error);
void dray_engine_report (GObject *source, GAsyncResult *result, gpointer user_data);

G_END_DECLS
