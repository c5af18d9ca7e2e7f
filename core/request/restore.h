/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * From what the catalog holds to assets and requests, with what a crash interrupted completed or
 * undone: a rename under way, a deletion under way, a request that ran. The main thread's; the
 * looking on the disk is the scout's.
 */

#pragma once

#include "core/request/engine.h"

G_BEGIN_DECLS

void dray_restore_async (DrayEngine *engine,
                         DrayCatalogContents *contents,
                         gboolean resumes,
                         GAsyncReadyCallback callback,
                         gpointer user_data);
void dray_restore_finish (GAsyncResult *result);
gboolean dray_restore_read (const char *catalog_path, GListStore *requests, GError **error);

G_END_DECLS
