/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/catalog/lock-file.h"

#include "core/base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define CATALOG_SUFFIX ".sqlite3"

static gboolean
fail (GError **error, int errnum, const char *doing, const char *path)
{
  g_autofree char *shown = g_filename_display_name (path);
  DrayError code = dray_error_from_errno (errnum);

  g_set_error (error,
               DRAY_ERROR,
               code == DRAY_ERROR_DISK_FULL ? code : DRAY_ERROR_PERMISSION,
               "Could not %s “%s”: %s",
               doing,
               shown,
               g_strerror (errnum));

  return FALSE;
}

static gboolean
lock_whole_file (int fd, const char *lock_path, const char *catalog_path, GError **error)
{
  struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
  g_autofree char *shown = NULL;

  if (fcntl (fd, F_OFD_SETLK, &whole) == 0)
    return TRUE;
  if (errno != EAGAIN && errno != EACCES)
    return fail (error, errno, "lock", lock_path);

  shown = g_filename_display_name (catalog_path);
  g_set_error (error,
               DRAY_ERROR,
               DRAY_ERROR_BUSY,
               "Another Dray is using the catalog “%s”",
               shown);

  return FALSE;
}

/**
 * dray_lock_file_acquire:
 * @catalog_path: the catalog's file; its folder is made, for this user alone, if it is not there
 * @error: (out) (optional): where an error goes, %DRAY_ERROR_BUSY if the lock is held elsewhere
 *
 * Takes the lock without waiting.
 *
 * Returns: the lock, or -1
 */
int
dray_lock_file_acquire (const char *catalog_path, GError **error)
{
  g_autofree char *directory = g_path_get_dirname (catalog_path);
  g_autofree char *stem = g_str_has_suffix (catalog_path, CATALOG_SUFFIX)
                              ? g_strndup (catalog_path,
                                           strlen (catalog_path) - strlen (CATALOG_SUFFIX))
                              : g_strdup (catalog_path);
  g_autofree char *lock_path = g_strconcat (stem, ".lock", NULL);
  int fd;

  if (g_mkdir_with_parents (directory, 0700) != 0)
    {
      fail (error, errno, "make the folder", directory);
      return -1;
    }

  fd = open (lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    {
      fail (error, errno, "open", lock_path);
      return -1;
    }

  if (!lock_whole_file (fd, lock_path, catalog_path, error))
    {
      close (fd);
      return -1;
    }

  return fd;
}

/**
 * dray_lock_file_release:
 * @lock_file: a lock of dray_lock_file_acquire()
 *
 * Releases the lock. The file stays: deleting it would let two processes lock two files.
 */
void
dray_lock_file_release (int lock_file)
{
  close (lock_file);
}
