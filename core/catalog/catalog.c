/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/catalog/catalog.h"

#include "core/base/error.h"
#include "core/catalog/database.h"
#include "core/catalog/migrations.h"
#include "core/catalog/queries.h"
#include "core/catalog/writer.h"

/* Pages of write-ahead log (of 4 KiB) from which on a checkpoint is worth its while. */
#define CHECKPOINT_PAGES 1000

typedef struct _Checkpoint Checkpoint;

/* What the main thread knows. The two sides share nothing: a batch of writes is handed over whole,
 * and what arrives until it comes back is the next batch. */
struct _DrayCatalog
{
  char *path;
  DrayWorker *worker;            /* the catalog thread */
  DrayWorker *disk;              /* (unowned) (nullable): where checkpoints run */
  DrayCatalogWriter *writer;     /* only handed to the catalog thread */
  DrayCatalogContents *contents; /* as read at the opening, until somebody takes them */
  gint64 last_asset_id;
  GPtrArray *waiting;            /* of DrayCatalogWrite: the next batch */
  gboolean committing;           /* a batch is under way */
  gboolean closing;
  Checkpoint *checkpoint;        /* the one under way */
};

typedef struct
{
  DrayCatalog *catalog;
  char *path;
  DrayCatalogWriter *writer;
  DrayCatalogContents *contents;
  gint64 last_asset_id;
  GError *error;
  GTask *task;
} Opening;

typedef struct
{
  DrayCatalog *catalog;
  DrayCatalogWriter *writer;
  GPtrArray *writes;
  guint wal_pages;
} Batch;

struct _Checkpoint
{
  DrayCatalog *catalog; /* the main thread's; NULL once the catalog is freed */
  char *path;
};

static void
run_opening (gpointer data)
{
  Opening *opening = data;

  opening->writer = dray_catalog_writer_open (
      opening->path, &opening->contents, &opening->last_asset_id, &opening->error);
}

static void
opened_cb (gpointer data)
{
  Opening *opening = data;
  DrayCatalog *catalog = opening->catalog;
  g_autoptr (GTask) task = opening->task;

  catalog->writer = opening->writer;
  catalog->contents = opening->contents;
  catalog->last_asset_id = opening->last_asset_id;

  if (opening->error != NULL)
    {
      dray_catalog_free (catalog);
      g_task_return_error (task, opening->error);
    }
  else
    {
      g_task_return_pointer (task, catalog, (GDestroyNotify) dray_catalog_free);
    }

  g_free (opening->path);
  g_free (opening);
}

/**
 * dray_catalog_open_async:
 * @path: the catalog's file; it and its folder are made if they are not there
 * @disk: (nullable): the worker that runs the checkpoints, freed after the catalog; without one
 *   there are none
 * @callback: called when the catalog is open, or is not
 * @user_data: for @callback
 *
 * Opens the catalog for this process alone and reads it.
 */
void
dray_catalog_open_async (const char *path,
                         DrayWorker *disk,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  DrayCatalog *catalog = g_new0 (DrayCatalog, 1);
  Opening *opening = g_new0 (Opening, 1);

  catalog->path = g_strdup (path);
  catalog->disk = disk;
  catalog->worker = dray_worker_new ("dray-catalog");
  catalog->waiting = g_ptr_array_new_with_free_func ((GDestroyNotify) dray_catalog_write_free);

  opening->catalog = catalog;
  opening->path = g_strdup (path);
  opening->task = g_task_new (NULL, NULL, callback, user_data);
  g_task_set_source_tag (opening->task, dray_catalog_open_async);

  dray_worker_push (catalog->worker, run_opening, opened_cb, opening);
}

/**
 * dray_catalog_open_finish:
 * @result: the result that the callback was given
 * @contents: (out) (optional) (transfer full): what the catalog holds
 * @error: (out) (optional): where an error goes: %DRAY_ERROR_BUSY if another process has the
 *   catalog, %DRAY_ERROR_CATALOG_DAMAGED if it is damaged, foreign or of a newer Dray,
 *   %DRAY_ERROR_PERMISSION, %DRAY_ERROR_DISK_FULL
 *
 * Returns: (transfer full) (nullable): the catalog
 */
DrayCatalog *
dray_catalog_open_finish (GAsyncResult *result, DrayCatalogContents **contents, GError **error)
{
  DrayCatalog *catalog = g_task_propagate_pointer (G_TASK (result), error);

  if (catalog != NULL && contents != NULL)
    *contents = g_steal_pointer (&catalog->contents);

  return catalog;
}

static void
run_checkpoint (gpointer data)
{
  Checkpoint *checkpoint = data;

  dray_catalog_checkpoint (checkpoint->path);
}

static void
checkpointed_cb (gpointer data)
{
  Checkpoint *checkpoint = data;

  if (checkpoint->catalog != NULL)
    checkpoint->catalog->checkpoint = NULL;
  g_free (checkpoint->path);
  g_free (checkpoint);
}

static void
checkpoint_if_due (DrayCatalog *catalog, guint wal_pages)
{
  if (catalog->disk == NULL || catalog->checkpoint != NULL || catalog->closing
      || wal_pages < CHECKPOINT_PAGES)
    return;

  catalog->checkpoint = g_new0 (Checkpoint, 1);
  catalog->checkpoint->catalog = catalog;
  catalog->checkpoint->path = g_strdup (catalog->path);
  dray_worker_push (catalog->disk, run_checkpoint, checkpointed_cb, catalog->checkpoint);
}

static void
run_batch (gpointer data)
{
  Batch *batch = data;

  dray_catalog_writer_commit (batch->writer, batch->writes);
  batch->wal_pages = dray_catalog_writer_get_wal_pages (batch->writer);
}

static void commit_waiting (DrayCatalog *catalog);

static void
return_write (DrayCatalogWrite *write)
{
  if (write->error != NULL)
    g_task_return_error (write->task, g_steal_pointer (&write->error));
  else
    g_task_return_boolean (write->task, TRUE);
}

/* The callbacks come last: they may write more, or free the catalog. */
static void
committed_cb (gpointer data)
{
  Batch *batch = data;
  DrayCatalog *catalog = batch->catalog;

  catalog->committing = FALSE;
  if (!catalog->closing)
    commit_waiting (catalog);
  checkpoint_if_due (catalog, batch->wal_pages);

  for (guint i = 0; i < batch->writes->len; i++)
    return_write (g_ptr_array_index (batch->writes, i));

  g_ptr_array_unref (batch->writes);
  g_free (batch);
}

static void
commit_waiting (DrayCatalog *catalog)
{
  Batch *batch;

  if (catalog->waiting->len == 0)
    return;

  batch = g_new0 (Batch, 1);
  batch->catalog = catalog;
  batch->writer = catalog->writer;
  batch->writes = catalog->waiting;
  catalog->waiting = g_ptr_array_new_with_free_func ((GDestroyNotify) dray_catalog_write_free);
  catalog->committing = TRUE;
  dray_worker_push (catalog->worker, run_batch, committed_cb, batch);
}

static void
close_writer (gpointer data)
{
  dray_catalog_writer_close (data);
}

/**
 * dray_catalog_free:
 * @catalog: (transfer full): a catalog
 *
 * Waits until all that was asked to be written is, closes the catalog and releases its lock. The
 * callbacks of those writes run here, or later from the main loop; they cannot write more.
 */
void
dray_catalog_free (DrayCatalog *catalog)
{
  catalog->closing = TRUE;
  commit_waiting (catalog);
  if (catalog->writer != NULL)
    dray_worker_push (catalog->worker, close_writer, NULL, catalog->writer);
  dray_worker_free (catalog->worker);

  if (catalog->checkpoint != NULL)
    catalog->checkpoint->catalog = NULL;
  dray_catalog_contents_free (catalog->contents);
  g_ptr_array_unref (catalog->waiting);
  g_free (catalog->path);
  g_free (catalog);
}

/**
 * dray_catalog_reserve_asset_id:
 * @catalog: a catalog
 *
 * Returns: an id that no asset of this catalog has or ever had
 */
gint64
dray_catalog_reserve_asset_id (DrayCatalog *catalog)
{
  return ++catalog->last_asset_id;
}

/**
 * dray_catalog_write_async:
 * @catalog: a catalog
 * @change: (transfer full): what is to be written
 * @durability: what it must outlive once it is reported
 * @callback: (nullable): called when it is written, or is not
 * @user_data: for @callback
 *
 * Writes all of @change or nothing. Changes are written, and reported, in the order of the calls.
 */
void
dray_catalog_write_async (DrayCatalog *catalog,
                          DrayCatalogChange *change,
                          DrayDurability durability,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  DrayCatalogWrite *write = g_new0 (DrayCatalogWrite, 1);

  write->change = change;
  write->durability = durability;
  write->task = g_task_new (NULL, NULL, callback, user_data);
  g_task_set_source_tag (write->task, dray_catalog_write_async);

  if (catalog->closing)
    {
      g_task_return_new_error (
          write->task, DRAY_ERROR, DRAY_ERROR_CANCELLED, "The catalog is being closed");
      dray_catalog_write_free (write);
      return;
    }

  g_ptr_array_add (catalog->waiting, write);
  if (!catalog->committing)
    commit_waiting (catalog);
}

/**
 * dray_catalog_write_finish:
 * @result: the result that the callback was given
 * @error: (out) (optional): where an error goes. Text that is not UTF-8 is %DRAY_ERROR_UNSUPPORTED,
 *   a row that the schema refuses %DRAY_ERROR_CATALOG_DAMAGED, both for that change alone
 *
 * Returns: whether the change is written; if not, nothing of it is
 */
gboolean
dray_catalog_write_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static DrayCatalogContents *
read_contents (const char *path, GError **error)
{
  g_autoptr (sqlite3) db = dray_database_open (path, SQLITE_OPEN_READONLY, error);
  guint version;

  /* One transaction, so that all is read as of one commit. The connection's end ends it. */
  if (db == NULL || !dray_database_exec (db, "BEGIN", error)
      || !dray_migrations_get_version (db, &version, error))
    return NULL;

  if (version == 0)
    return dray_catalog_contents_new ();

  return dray_queries_read (db, version, error);
}

/**
 * dray_catalog_read:
 * @path: the catalog's file, perhaps in use by another process
 * @error: (out) (optional): where an error goes
 *
 * Reads the catalog without taking it, for a listing; one of an older version stays as it is. Makes
 * no file where there is none. Blocks for as long as the reading takes, so it is for programs without
 * a window.
 *
 * Returns: (transfer full) (nullable): what the catalog holds; nothing if there is none
 */
DrayCatalogContents *
dray_catalog_read (const char *path, GError **error)
{
  DrayCatalogContents *contents;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return dray_catalog_contents_new ();

  contents = read_contents (path, error);
  if (contents == NULL)
    {
      g_autofree char *shown = g_filename_display_name (path);

      g_prefix_error (error, "Could not read the catalog “%s”: ", shown);
    }

  return contents;
}
