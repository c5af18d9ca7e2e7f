/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The assets that the catalog knows, as the manager sees them now.
 *
 * The truth in memory of which the catalog is the memory: a transfer's journal brings both up to
 * date. The main thread's alone.
 */

#pragma once

#include "core/catalog/records.h"
#include "core/library/library.h"
#include "core/library/space.h"

G_BEGIN_DECLS

typedef struct _DrayAssetTable DrayAssetTable;

DrayAssetTable *dray_asset_table_new (void);
void dray_asset_table_free (DrayAssetTable *table);

void dray_asset_table_add (DrayAssetTable *table, DrayStoredAsset *asset);
void dray_asset_table_remove (DrayAssetTable *table, DrayStoredAsset *asset);
guint dray_asset_table_get_size (DrayAssetTable *table);
DrayStoredAsset *dray_asset_table_get (DrayAssetTable *table, guint position);

DrayStoredAsset *dray_asset_table_find (DrayAssetTable *table, gint64 id);
DrayStoredAsset *dray_asset_table_find_unfinished (DrayAssetTable *table,
                                                   const char *key,
                                                   const DrayStoredAsset *except);
DrayStoredAsset *dray_asset_table_find_finished (DrayAssetTable *table,
                                                 const char *key,
                                                 const char *directory);
DrayStoredAsset *dray_asset_table_find_copy (DrayAssetTable *table,
                                             const char *sha256,
                                             const char *directory);
gboolean dray_asset_table_is_discarding (DrayAssetTable *table, const DrayStoredAsset *asset);
char *dray_asset_table_claim_name (DrayAssetTable *table,
                                   DrayStoredAsset *asset,
                                   const char *suggested,
                                   guint *attempt);
gboolean dray_asset_table_is_name_used (DrayAssetTable *table,
                                        const char *directory,
                                        const char *name,
                                        const DrayStoredAsset *except);

gboolean dray_stored_asset_has_key (const DrayStoredAsset *asset, const char *key);
gboolean dray_stored_asset_has_alias (const DrayStoredAsset *asset, const char *key);
gboolean dray_stored_asset_add_alias (DrayStoredAsset *asset, const char *key);
void dray_stored_asset_keep_link_key (DrayStoredAsset *asset);
const char *dray_stored_asset_get_promise (const DrayStoredAsset *asset);
gboolean dray_stored_asset_set_promise (DrayStoredAsset *asset, const char *key);
gint64 dray_stored_asset_get_written (const DrayStoredAsset *asset);
char *dray_stored_asset_get_path (const DrayStoredAsset *asset);
DraySpaceNeed *dray_stored_asset_get_need (const DrayStoredAsset *asset, gint64 total);
DrayFinishedFile dray_stored_asset_get_finished (const DrayStoredAsset *asset);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayAssetTable, dray_asset_table_free)

G_END_DECLS
