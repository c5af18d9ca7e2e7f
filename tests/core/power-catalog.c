/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The disk's second half: a VFS in front of SQLite's own that puts the calls on the catalog's
 * write-ahead log on the tape. While recording, checkpoints fail, as they may at any time; what
 * SQLite does when one is cut short is its own promise.
 */

#include "tests/core/power-disk.h"

#include <pthread.h>

/* How long a sync of the log takes, in microseconds. */
#define SYNC_TIME 500

static pthread_mutex_t methods_lock = PTHREAD_MUTEX_INITIALIZER;
static const sqlite3_io_methods *real_log_methods;
static const sqlite3_io_methods *real_database_methods;
static sqlite3_io_methods log_methods;
static sqlite3_io_methods database_methods;
static sqlite3_vfs *real_vfs;
static sqlite3_vfs noting_vfs;

static int
write_log (sqlite3_file *file, const void *bytes, int n_bytes, sqlite3_int64 offset)
{
  int status = real_log_methods->xWrite (file, bytes, n_bytes, offset);

  if (status == SQLITE_OK)
    power_disk_note (POWER_LOG_WRITE, 0, offset, bytes, (gsize) n_bytes);

  return status;
}

static int
sync_log (G_GNUC_UNUSED sqlite3_file *file, G_GNUC_UNUSED int flags)
{
  gboolean recording;
  guint since = power_disk_get_position (&recording);

  if (recording)
    g_usleep (SYNC_TIME);
  power_disk_note (POWER_LOG_SYNC, since, 0, NULL, 0);

  return SQLITE_OK;
}

static int
write_database (sqlite3_file *file, const void *bytes, int n_bytes, sqlite3_int64 offset)
{
  gboolean recording;

  power_disk_get_position (&recording);
  if (recording)
    return SQLITE_IOERR_WRITE;

  return real_database_methods->xWrite (file, bytes, n_bytes, offset);
}

static int
sync_database (G_GNUC_UNUSED sqlite3_file *file, G_GNUC_UNUSED int flags)
{
  return SQLITE_OK;
}

static void
take_over_log (sqlite3_file *file)
{
  if (real_log_methods == NULL)
    {
      real_log_methods = file->pMethods;
      log_methods = *real_log_methods;
      log_methods.xWrite = write_log;
      log_methods.xSync = sync_log;
    }
  file->pMethods = &log_methods;
}

static void
take_over_database (sqlite3_file *file)
{
  if (real_database_methods == NULL)
    {
      real_database_methods = file->pMethods;
      database_methods = *real_database_methods;
      database_methods.xWrite = write_database;
      database_methods.xSync = sync_database;
    }
  file->pMethods = &database_methods;
}

static int
open_file (
    G_GNUC_UNUSED sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
  int status = real_vfs->xOpen (real_vfs, name, file, flags, out_flags);

  if (status != SQLITE_OK)
    return status;

  pthread_mutex_lock (&methods_lock);
  if ((flags & SQLITE_OPEN_WAL) != 0)
    take_over_log (file);
  else if ((flags & SQLITE_OPEN_MAIN_DB) != 0)
    take_over_database (file);
  pthread_mutex_unlock (&methods_lock);

  return SQLITE_OK;
}

/* From now on every catalog is opened through the disk. */
void
power_catalog_register (void)
{
  real_vfs = sqlite3_vfs_find (NULL);
  noting_vfs = *real_vfs;
  noting_vfs.zName = "noting";
  noting_vfs.pNext = NULL;
  noting_vfs.xOpen = open_file;
  g_assert_cmpint (sqlite3_vfs_register (&noting_vfs, 1), ==, SQLITE_OK);
}
