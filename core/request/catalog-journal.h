/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The journal of one asset's transfer, kept in the catalog.
 *
 * It brings the asset in the table up to date at once and the catalog behind it. The main thread's.
 */

#pragma once

#include "core/catalog/catalog.h"
#include "core/request/asset-table.h"
#include "core/transfer/journal.h"

G_BEGIN_DECLS

#define DRAY_TYPE_CATALOG_JOURNAL (dray_catalog_journal_get_type ())
G_DECLARE_FINAL_TYPE (DrayCatalogJournal, dray_catalog_journal, DRAY, CATALOG_JOURNAL, GObject)

DrayJournal *dray_catalog_journal_new (DrayCatalog *catalog,
                                       DrayAssetTable *table,
                                       DrayStoredAsset *asset);

G_END_DECLS
