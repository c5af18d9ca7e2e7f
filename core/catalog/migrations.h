/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The catalog's schema, version by version.
 *
 * `user_version` says how many migrations a file has been through. Each runs in one transaction.
 * The latest schema reads like documentation in `sqlite3 catalog.sqlite3 .schema`.
 */

#pragma once

#include "core/catalog/database.h"

G_BEGIN_DECLS

guint dray_migrations_get_latest (void);
gboolean dray_migrations_get_version (sqlite3 *db, guint *version, GError **error);
gboolean dray_migrations_run (sqlite3 *db, GError **error);

G_END_DECLS
