/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Between the rows of the catalog and the records: read all, carry out one change.
 *
 * Called inside a transaction, by the thread that owns the connection. Reading believes nothing: a
 * value that no version of Dray can have written is %DRAY_ERROR_CATALOG_DAMAGED.
 */

#pragma once

#include "core/catalog/change.h"
#include "core/catalog/database.h"

G_BEGIN_DECLS

DrayCatalogContents *dray_queries_read (sqlite3 *db, guint version, GError **error);
gboolean dray_queries_read_last_asset_id (sqlite3 *db, gint64 *id, GError **error);
gboolean dray_queries_apply (sqlite3 *db, const DrayCatalogChange *change, GError **error);

G_END_DECLS
