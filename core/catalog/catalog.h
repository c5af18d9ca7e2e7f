/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The catalog: what the manager must remember, in SQLite.
 *
 * A journal of plain structs. One thread of its own holds the database; the main thread posts
 * changes and gets a GTask back. A change is atomic; the changes that wait go into one commit, a
 * failing one alone is undone and reported. Every function here is for the main thread.
 *
 * Promise: when a durable change has been reported as written, no crash of the machine loses it
 * or anything written before it. When any change has been reported, no crash of the process does.
 */

#pragma once

#include "core/base/worker.h"
#include "core/catalog/records.h"

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _DrayCatalog DrayCatalog;
typedef struct _DrayCatalogChange DrayCatalogChange;

/**
 * DrayDurability:
 * @DRAY_DURABILITY_PROCESS: outlives this process (synchronous=NORMAL)
 * @DRAY_DURABILITY_MACHINE: outlives a power cut too (synchronous=FULL)
 */
typedef enum
{
  DRAY_DURABILITY_PROCESS,
  DRAY_DURABILITY_MACHINE,
} DrayDurability;

void dray_catalog_open_async (const char *path,
                              DrayWorker *disk,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
DrayCatalog *dray_catalog_open_finish (GAsyncResult *result,
                                       DrayCatalogContents **contents,
                                       GError **error);
void dray_catalog_free (DrayCatalog *catalog);

gint64 dray_catalog_reserve_asset_id (DrayCatalog *catalog);

void dray_catalog_write_async (DrayCatalog *catalog,
                               DrayCatalogChange *change,
                               DrayDurability durability,
                               GAsyncReadyCallback callback,
                               gpointer user_data);
gboolean dray_catalog_write_finish (GAsyncResult *result, GError **error);

DrayCatalogContents *dray_catalog_read (const char *path, GError **error);

DrayCatalogChange *dray_catalog_change_new (void);
void dray_catalog_change_free (DrayCatalogChange *change);
void dray_catalog_change_put_model (DrayCatalogChange *change, const DrayModelRecord *record);
void dray_catalog_change_put_asset (DrayCatalogChange *change, const DrayAssetRecord *record);
void dray_catalog_change_put_pieces (DrayCatalogChange *change,
                                     gint64 asset_id,
                                     const DrayPiece *pieces,
                                     gsize n_pieces);
void dray_catalog_change_put_blocks (DrayCatalogChange *change,
                                     gint64 asset_id,
                                     guint first,
                                     const DrayDigestState *states,
                                     gsize n_states);
void dray_catalog_change_delete_asset (DrayCatalogChange *change, gint64 asset_id);
void dray_catalog_change_put_request (DrayCatalogChange *change, const DrayRequestRecord *record);
void dray_catalog_change_delete_request (DrayCatalogChange *change, const char *request_id);
void dray_catalog_change_put_aliases (DrayCatalogChange *change,
                                      gint64 asset_id,
                                      GPtrArray *aliases);
void dray_catalog_change_put_model_alias (DrayCatalogChange *change,
                                          const char *alias,
                                          const char *model_id);
void dray_catalog_change_put_facts (DrayCatalogChange *change, const DrayFactsRecord *record);
void dray_catalog_change_put_setting (DrayCatalogChange *change,
                                      const char *name,
                                      const char *value);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayCatalogChange, dray_catalog_change_free)

G_END_DECLS
