/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/catalog/database.h"

#include "core/base/error.h"

#include <errno.h>

/* How long a connection waits for another, in milliseconds. Only a reader that recovers the
 * write-ahead log, or a person's own sqlite3, ever makes one wait. */
#define BUSY_TIMEOUT 1000

/* Bytes of write-ahead log that are kept for reuse once it has been emptied. */
#define WAL_SIZE_LIMIT "16777216"

static DrayError
error_from_code (sqlite3 *db, int code)
{
  switch (code & 0xff)
    {
    case SQLITE_FULL:
      return DRAY_ERROR_DISK_FULL;

    case SQLITE_IOERR:
      if (sqlite3_system_errno (db) == ENOSPC || sqlite3_system_errno (db) == EDQUOT)
        return DRAY_ERROR_DISK_FULL;
      return DRAY_ERROR_CATALOG_DAMAGED;

    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return DRAY_ERROR_PERMISSION;

    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return DRAY_ERROR_BUSY;

    default:
      return DRAY_ERROR_CATALOG_DAMAGED;
    }
}

/**
 * dray_database_set_error:
 * @db: (nullable): a connection whose last call failed; %NULL if there was no memory for one
 * @error: (out) (optional): where the error goes
 */
void
dray_database_set_error (sqlite3 *db, GError **error)
{
  int code = db != NULL ? sqlite3_extended_errcode (db) : SQLITE_NOMEM;
  const char *words = db != NULL ? sqlite3_errmsg (db) : sqlite3_errstr (SQLITE_NOMEM);

  g_set_error_literal (error, DRAY_ERROR, error_from_code (db, code), words);
}

/**
 * dray_database_open:
 * @path: the database's file
 * @flags: `SQLITE_OPEN_READONLY`, or `SQLITE_OPEN_READWRITE` with or without `SQLITE_OPEN_CREATE`
 * @error: (out) (optional): where an error goes
 *
 * Opens a connection for the calling thread. Nothing is read or written yet, so that a file that is
 * not ours is still as it was. Closing the connection leaves the write-ahead log as it is.
 *
 * Returns: (transfer full) (nullable): a connection
 */
sqlite3 *
dray_database_open (const char *path, int flags, GError **error)
{
  g_autoptr (sqlite3) db = NULL;

  if (sqlite3_open_v2 (path, &db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL)
          != SQLITE_OK
      || sqlite3_busy_timeout (db, BUSY_TIMEOUT) != SQLITE_OK
      || sqlite3_db_config (db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL) != SQLITE_OK
      || sqlite3_wal_autocheckpoint (db, 0) != SQLITE_OK)
    {
      dray_database_set_error (db, error);
      return NULL;
    }

  return g_steal_pointer (&db);
}

/**
 * dray_database_use_wal:
 * @db: a connection that may write
 * @error: (out) (optional): where an error goes
 *
 * Makes ready for writing: write-ahead log, foreign keys.
 *
 * Returns: whether all of that is so
 */
gboolean
dray_database_use_wal (sqlite3 *db, GError **error)
{
  g_autoptr (sqlite3_stmt) statement = NULL;
  gboolean has_row;

  if (sqlite3_db_readonly (db, "main") == 1)
    {
      g_set_error_literal (error, DRAY_ERROR, DRAY_ERROR_PERMISSION, "the file may only be read");
      return FALSE;
    }

  statement = dray_database_prepare (db, "PRAGMA journal_mode = WAL", error);
  if (statement == NULL || !dray_statement_step (statement, &has_row, error))
    return FALSE;
  if (!has_row || g_strcmp0 ((const char *) sqlite3_column_text (statement, 0), "wal") != 0)
    {
      g_set_error_literal (error,
                           DRAY_ERROR,
                           DRAY_ERROR_PERMISSION,
                           "this folder's drive cannot keep a write-ahead log");
      return FALSE;
    }
  g_clear_pointer (&statement, sqlite3_finalize);

  return dray_database_exec (db,
                             "PRAGMA foreign_keys = ON;"
                             "PRAGMA journal_size_limit = " WAL_SIZE_LIMIT ";",
                             error);
}

/**
 * dray_database_exec:
 * @db: a connection
 * @sql: statements
 * @error: (out) (optional): where an error goes
 *
 * Returns: whether all of @sql was carried out
 */
gboolean
dray_database_exec (sqlite3 *db, const char *sql, GError **error)
{
  if (sqlite3_exec (db, sql, NULL, NULL, NULL) == SQLITE_OK)
    return TRUE;

  dray_database_set_error (db, error);

  return FALSE;
}

/**
 * dray_database_get_int64:
 * @db: a connection
 * @sql: a query for one number
 * @value: (out): where the number goes; 0 for NULL or no row
 * @error: (out) (optional): where an error goes
 *
 * Returns: whether the query was carried out
 */
gboolean
dray_database_get_int64 (sqlite3 *db, const char *sql, gint64 *value, GError **error)
{
  g_autoptr (sqlite3_stmt) statement = dray_database_prepare (db, sql, error);
  gboolean has_row;

  if (statement == NULL || !dray_statement_step (statement, &has_row, error))
    return FALSE;

  *value = has_row ? sqlite3_column_int64 (statement, 0) : 0;

  return TRUE;
}

/**
 * dray_database_prepare:
 * @db: a connection
 * @sql: one statement
 * @error: (out) (optional): where an error goes
 *
 * Returns: (transfer full) (nullable): the statement
 */
sqlite3_stmt *
dray_database_prepare (sqlite3 *db, const char *sql, GError **error)
{
  sqlite3_stmt *statement = NULL;

  if (sqlite3_prepare_v2 (db, sql, -1, &statement, NULL) != SQLITE_OK)
    dray_database_set_error (db, error);

  return statement;
}

static gboolean
check_bound (sqlite3_stmt *statement, int code, GError **error)
{
  if (code == SQLITE_OK)
    return TRUE;

  dray_database_set_error (sqlite3_db_handle (statement), error);

  return FALSE;
}

static int
index_of (sqlite3_stmt *statement, const char *name)
{
  int index = sqlite3_bind_parameter_index (statement, name);

  g_assert (index > 0);

  return index;
}

gboolean
dray_statement_bind_int64 (sqlite3_stmt *statement, const char *name, gint64 value, GError **error)
{
  return check_bound (statement,
                      sqlite3_bind_int64 (statement, index_of (statement, name), value),
                      error);
}

/**
 * dray_statement_bind_text:
 * @statement: a statement
 * @name: the parameter
 * @text: (nullable): UTF-8 that stays until the statement has run; %NULL binds NULL
 * @error: (out) (optional): where an error goes, %DRAY_ERROR_UNSUPPORTED if @text is not UTF-8
 *
 * Returns: whether @text was bound
 */
gboolean
dray_statement_bind_text (sqlite3_stmt *statement,
                          const char *name,
                          const char *text,
                          GError **error)
{
  if (text != NULL && !g_utf8_validate (text, -1, NULL))
    {
      g_autofree char *shown = g_utf8_make_valid (text, -1);

      g_set_error (error,
                   DRAY_ERROR,
                   DRAY_ERROR_UNSUPPORTED,
                   "%s is not UTF-8: “%s”",
                   name + 1,
                   shown);
      return FALSE;
    }

  return check_bound (
      statement,
      sqlite3_bind_text (statement, index_of (statement, name), text, -1, SQLITE_STATIC),
      error);
}

gboolean
dray_statement_bind_blob (sqlite3_stmt *statement,
                          const char *name,
                          gconstpointer bytes,
                          gsize n_bytes,
                          GError **error)
{
  return check_bound (
      statement,
      sqlite3_bind_blob64 (statement, index_of (statement, name), bytes, n_bytes, SQLITE_STATIC),
      error);
}

/**
 * dray_statement_step:
 * @statement: a statement
 * @has_row: (out): whether there is a row to read; %FALSE at the end
 * @error: (out) (optional): where an error goes
 *
 * Returns: %FALSE if it failed
 */
gboolean
dray_statement_step (sqlite3_stmt *statement, gboolean *has_row, GError **error)
{
  int code = sqlite3_step (statement);

  *has_row = code == SQLITE_ROW;
  if (code == SQLITE_ROW || code == SQLITE_DONE)
    return TRUE;

  dray_database_set_error (sqlite3_db_handle (statement), error);

  return FALSE;
}

/**
 * dray_statement_run:
 * @statement: a statement without rows
 * @error: (out) (optional): where an error goes
 *
 * Carries @statement out and makes it ready to be bound again.
 *
 * Returns: whether it was carried out
 */
gboolean
dray_statement_run (sqlite3_stmt *statement, GError **error)
{
  gboolean has_row;

  if (!dray_statement_step (statement, &has_row, error))
    return FALSE;

  sqlite3_reset (statement);

  return TRUE;
}
