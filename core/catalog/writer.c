/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/catalog/writer.h"

#include "core/base/error.h"
#include "core/catalog/change.h"
#include "core/catalog/database.h"
#include "core/catalog/lock-file.h"
#include "core/catalog/migrations.h"
#include "core/catalog/queries.h"

struct _DrayCatalogWriter
{
  int lock_file;
  sqlite3 *db;
  guint wal_pages;        /* in the write-ahead log after the last commit */
  gboolean log_has_grown; /* by the commit under way */
};

/**
 * dray_catalog_write_free:
 * @write: (transfer full): a write
 */
void
dray_catalog_write_free (DrayCatalogWrite *write)
{
  dray_catalog_change_free (write->change);
  g_clear_error (&write->error);
  g_clear_object (&write->task);
  g_free (write);
}

static int
committed_cb (void *data, G_GNUC_UNUSED sqlite3 *db, G_GNUC_UNUSED const char *name, int n_pages)
{
  DrayCatalogWriter *writer = data;

  writer->wal_pages = n_pages;
  writer->log_has_grown = TRUE;

  return SQLITE_OK;
}

static gboolean
open_database (DrayCatalogWriter *writer,
               const char *path,
               DrayCatalogContents **contents,
               gint64 *last_asset_id,
               GError **error)
{
  guint version;

  writer->db = dray_database_open (path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, error);
  if (writer->db == NULL || !dray_migrations_get_version (writer->db, &version, error)
      || !dray_database_use_wal (writer->db, error) || !dray_migrations_run (writer->db, error)
      || !dray_queries_read_last_asset_id (writer->db, last_asset_id, error))
    return FALSE;

  *contents = dray_queries_read (writer->db, dray_migrations_get_latest (), error);
  if (*contents == NULL)
    return FALSE;

  sqlite3_wal_hook (writer->db, committed_cb, writer);

  return TRUE;
}

/**
 * dray_catalog_writer_open:
 * @path: the catalog's file
 * @contents: (out) (transfer full): what it holds
 * @last_asset_id: (out): the largest id that an asset has or ever had
 * @error: (out) (optional): where an error goes
 *
 * Takes the lock, then opens the catalog and brings it to the latest version. A file that is not a
 * catalog, or that a newer Dray made, is left as it is.
 *
 * Returns: (transfer full) (nullable): a writer
 */
DrayCatalogWriter *
dray_catalog_writer_open (const char *path,
                          DrayCatalogContents **contents,
                          gint64 *last_asset_id,
                          GError **error)
{
  g_autoptr (DrayCatalogWriter) writer = g_new0 (DrayCatalogWriter, 1);

  writer->lock_file = dray_lock_file_acquire (path, error);
  if (writer->lock_file < 0)
    return NULL;

  if (!open_database (writer, path, contents, last_asset_id, error))
    {
      g_autofree char *shown = g_filename_display_name (path);

      g_prefix_error (error, "Could not open the catalog “%s”: ", shown);
      return NULL;
    }

  return g_steal_pointer (&writer);
}

/**
 * dray_catalog_writer_close:
 * @writer: (transfer full): a writer
 *
 * Closes the catalog, then releases the lock.
 */
void
dray_catalog_writer_close (DrayCatalogWriter *writer)
{
  sqlite3_close (writer->db);
  if (writer->lock_file >= 0)
    dray_lock_file_release (writer->lock_file);
  g_free (writer);
}

/**
 * dray_catalog_writer_get_wal_pages:
 * @writer: a writer
 *
 * Returns: how many pages the write-ahead log held after the last commit
 */
guint
dray_catalog_writer_get_wal_pages (DrayCatalogWriter *writer)
{
  return writer->wal_pages;
}

static gboolean
any_durable (GPtrArray *writes)
{
  for (guint i = 0; i < writes->len; i++)
    {
      const DrayCatalogWrite *write = g_ptr_array_index (writes, i);

      if (write->durability == DRAY_DURABILITY_MACHINE)
        return TRUE;
    }

  return FALSE;
}

/* With FULL the commit ends with a sync of the write-ahead log, which covers every commit before
 * it as well; with NORMAL it only reaches the kernel. */
static gboolean
begin (sqlite3 *db, gboolean durable, GError **error)
{
  return dray_database_exec (db,
                             durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL",
                             error)
         && dray_database_exec (db, "BEGIN IMMEDIATE", error);
}

/* A commit that leaves every row as it was writes nothing, and then SQLite syncs nothing. What it
 * confirms may have come with a commit that was not synced. */
static gboolean
sync_log (sqlite3 *db, GError **error)
{
  sqlite3_file *log = NULL;

  if (sqlite3_file_control (db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) == SQLITE_OK
      && log != NULL && log->pMethods != NULL
      && log->pMethods->xSync (log, SQLITE_SYNC_NORMAL) == SQLITE_OK)
    return TRUE;

  g_set_error_literal (error,
                       DRAY_ERROR,
                       DRAY_ERROR_CATALOG_DAMAGED,
                       "the write-ahead log could not be synced");

  return FALSE;
}

/* A change that fails is undone alone and keeps its error. The error of a full or failing disk can
 * end the transaction, and with it the others' changes: then it is everybody's. */
static gboolean
apply_alone (sqlite3 *db, DrayCatalogWrite *write, GError **error)
{
  if (!dray_database_exec (db, "SAVEPOINT one_change", error))
    return FALSE;

  if (dray_queries_apply (db, write->change, &write->error))
    return dray_database_exec (db, "RELEASE one_change", error);

  if (sqlite3_get_autocommit (db))
    {
      g_propagate_error (error, g_error_copy (write->error));
      return FALSE;
    }

  return dray_database_exec (db, "ROLLBACK TO one_change; RELEASE one_change", error);
}

static gboolean
write_together (DrayCatalogWriter *writer, GPtrArray *writes, GError **error)
{
  gboolean durable = any_durable (writes);

  if (!begin (writer->db, durable, error))
    return FALSE;

  for (guint i = 0; i < writes->len; i++)
    {
      if (!apply_alone (writer->db, g_ptr_array_index (writes, i), error))
        return FALSE;
    }

  writer->log_has_grown = FALSE;

  return dray_database_exec (writer->db, "COMMIT", error)
         && (!durable || writer->log_has_grown || sync_log (writer->db, error));
}

/**
 * dray_catalog_writer_commit:
 * @writer: a writer
 * @writes: (element-type DrayCatalogWrite): what is to be written, in order
 *
 * Writes all in one transaction. Those that could not be written have an error afterwards, and left
 * nothing behind.
 */
void
dray_catalog_writer_commit (DrayCatalogWriter *writer, GPtrArray *writes)
{
  g_autoptr (GError) error = NULL;

  if (write_together (writer, writes, &error))
    return;

  if (!sqlite3_get_autocommit (writer->db))
    dray_database_exec (writer->db, "ROLLBACK", NULL);

  g_prefix_error (&error, "Could not write to the catalog: ");
  for (guint i = 0; i < writes->len; i++)
    {
      DrayCatalogWrite *write = g_ptr_array_index (writes, i);

      if (write->error == NULL)
        write->error = g_error_copy (error);
    }
}

/**
 * dray_catalog_checkpoint:
 * @path: the catalog's file
 *
 * Carries the write-ahead log over into the catalog as far as that holds nobody up. For a thread
 * that may wait for the disk; it uses a connection of its own.
 */
void
dray_catalog_checkpoint (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (sqlite3) db = dray_database_open (path, SQLITE_OPEN_READWRITE, &error);

  /* What fails here is tried again after the next commit; nothing is lost meanwhile. */
  if (db == NULL || !dray_database_exec (db, "PRAGMA wal_checkpoint (PASSIVE)", &error))
    g_debug ("No checkpoint of the catalog: %s", error->message);
}
