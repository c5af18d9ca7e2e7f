/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * A thin layer over SQLite: connections, statements, and errors in the database's own words.
 *
 * A connection belongs to the thread that opened it. Errors are of %DRAY_ERROR; their messages are
 * SQLite's, which the caller prefixes with what it was doing.
 */

#pragma once

#include <glib.h>
#include <sqlite3.h>

G_BEGIN_DECLS

sqlite3 *dray_database_open (const char *path, int flags, GError **error);
gboolean dray_database_use_wal (sqlite3 *db, GError **error);
void dray_database_set_error (sqlite3 *db, GError **error);

gboolean dray_database_exec (sqlite3 *db, const char *sql, GError **error);
gboolean dray_database_get_int64 (sqlite3 *db, const char *sql, gint64 *value, GError **error);

sqlite3_stmt *dray_database_prepare (sqlite3 *db, const char *sql, GError **error);
gboolean dray_statement_bind_int64 (sqlite3_stmt *statement,
                                    const char *name,
                                    gint64 value,
                                    GError **error);
gboolean dray_statement_bind_text (sqlite3_stmt *statement,
                                   const char *name,
                                   const char *text,
                                   GError **error);
gboolean dray_statement_bind_blob (sqlite3_stmt *statement,
                                   const char *name,
                                   gconstpointer bytes,
                                   gsize n_bytes,
                                   GError **error);
gboolean dray_statement_step (sqlite3_stmt *statement, gboolean *has_row, GError **error);
gboolean dray_statement_run (sqlite3_stmt *statement, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (sqlite3, sqlite3_close)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (sqlite3_stmt, sqlite3_finalize)

G_END_DECLS
