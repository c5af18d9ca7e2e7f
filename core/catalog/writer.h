/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The catalog thread's side of the catalog: the lock, the connection that writes, the commits.
 *
 * A writer is made, used and closed on the catalog thread.
 */

#pragma once

#include "core/catalog/catalog.h"

G_BEGIN_DECLS

typedef struct _DrayCatalogWriter DrayCatalogWriter;

/**
 * DrayCatalogWrite:
 * @change: (owned): what is to be written
 * @durability: what it must outlive
 * @error: (owned) (nullable): why it was not written
 * @task: (owned): what the main thread answers with; the catalog thread leaves it alone
 *
 * A change on its way to the catalog thread and back.
 */
typedef struct
{
  DrayCatalogChange *change;
  DrayDurability durability;
  GError *error;
  GTask *task;
} DrayCatalogWrite;

void dray_catalog_write_free (DrayCatalogWrite *write);

DrayCatalogWriter *dray_catalog_writer_open (const char *path,
                                             DrayCatalogContents **contents,
                                             gint64 *last_asset_id,
                                             GError **error);
void dray_catalog_writer_close (DrayCatalogWriter *writer);
void dray_catalog_writer_commit (DrayCatalogWriter *writer, GPtrArray *writes);
guint dray_catalog_writer_get_wal_pages (DrayCatalogWriter *writer);

void dray_catalog_checkpoint (const char *path);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayCatalogWriter, dray_catalog_writer_close)

G_END_DECLS
