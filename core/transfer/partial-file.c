/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/transfer/partial-file.h"

#include "core/base/error.h"
#include "core/library/rename.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

struct _DrayPartialFile
{
  gint ref_count; /* atomic */
  int directory_fd;
  int fd;
  char *name;      /* the final name */
  char *part_name; /* the name until then */
  char *path;      /* of the partial file, for messages */
  DrayFileIdentity identity;
  gboolean fixed;
};

static int
open_directory (const char *directory, GError **error)
{
  int fd = open (directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0)
    dray_set_file_error (error, errno, "open the folder", directory);

  return fd;
}

static gboolean
identify (DrayPartialFile *file, const char *boot_id, GError **error)
{
  struct stat facts;
  DrayDrive drive;

  if (fstat (file->fd, &facts) != 0 || !dray_drive_query (file->fd, &drive))
    {
      dray_set_file_error (error, errno, "look at", file->path);
      return FALSE;
    }
  if (!S_ISREG (facts.st_mode))
    {
      dray_set_file_error (error, EISDIR, "use as a file", file->path);
      return FALSE;
    }

  g_strlcpy (file->identity.boot_id, boot_id, sizeof file->identity.boot_id);
  file->identity.device = facts.st_dev;
  file->identity.inode = facts.st_ino;
  file->identity.mount = drive.mount;
  file->fixed = drive.fixed;

  return TRUE;
}

static gboolean
sync_directory (int fd, const char *path, GError **error)
{
  /* EINVAL: a filesystem whose folders cannot be synced (fsync(2)); it has nothing better. */
  if (fsync (fd) == 0 || errno == EINVAL)
    return TRUE;

  dray_set_file_error (error, errno, "save the folder of", path);
  return FALSE;
}

static DrayPartialFile *
partial_file_new (const char *directory, const char *name, int directory_fd)
{
  DrayPartialFile *file = g_new0 (DrayPartialFile, 1);

  file->ref_count = 1;
  file->directory_fd = directory_fd;
  file->fd = -1;
  file->name = g_strdup (name);
  file->part_name = g_strconcat (name, DRAY_PARTIAL_SUFFIX, NULL);
  file->path = g_build_filename (directory, file->part_name, NULL);

  return file;
}

/**
 * dray_partial_file_is_name_free:
 * @directory: an existing folder
 * @name: the name that a finished file would have
 * @name_free: (out): whether no file has that name, nor that of its partial file
 * @error: return location for a #GError
 *
 * Returns: whether the folder could be looked into
 */
gboolean
dray_partial_file_is_name_free (const char *directory,
                                const char *name,
                                gboolean *name_free,
                                GError **error)
{
  g_autofree char *part_name = g_strconcat (name, DRAY_PARTIAL_SUFFIX, NULL);
  int directory_fd = open_directory (directory, error);

  if (directory_fd < 0)
    return FALSE;

  *name_free = faccessat (directory_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0
               && faccessat (directory_fd, part_name, F_OK, AT_SYMLINK_NOFOLLOW) != 0;
  close (directory_fd);
  return TRUE;
}

/* What a crash leaves that came between making the file and recording which one it is: an empty
 * one. Anything else belongs to somebody else. */
static void
remove_empty (DrayPartialFile *file)
{
  struct stat facts;

  if (fstatat (file->directory_fd, file->part_name, &facts, AT_SYMLINK_NOFOLLOW) == 0
      && S_ISREG (facts.st_mode) && facts.st_size == 0)
    unlinkat (file->directory_fd, file->part_name, 0);
}

/**
 * dray_partial_file_create:
 * @directory: an existing folder
 * @name: the name that the finished file will have
 * @boot_id: of the running kernel
 * @name_taken: (out): whether it failed because a file of either name exists
 * @error: return location for a #GError
 *
 * Makes a new, empty partial file, never an existing one, in a place that the catalog already names
 * as its own. Its name is durable: what is synced into the file later cannot be lost with the name,
 * nor can a deleted file come back in its place.
 *
 * Returns: (transfer full) (nullable): the file, or %NULL with an error, or %NULL without one if
 *   @name_taken
 */
DrayPartialFile *
dray_partial_file_create (const char *directory,
                          const char *name,
                          const char *boot_id,
                          gboolean *name_taken,
                          GError **error)
{
  g_autoptr (DrayPartialFile) file = NULL;
  int directory_fd = open_directory (directory, error);

  *name_taken = FALSE;
  if (directory_fd < 0)
    return NULL;

  file = partial_file_new (directory, name, directory_fd);
  if (faccessat (directory_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
    {
      *name_taken = TRUE;
      return NULL;
    }

  remove_empty (file);
  file->fd = openat (directory_fd,
                     file->part_name,
                     O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                     0666);
  if (file->fd < 0)
    {
      *name_taken = errno == EEXIST;
      if (!*name_taken)
        dray_set_file_error (error, errno, "create", file->path);
      return NULL;
    }

  if (!identify (file, boot_id, error) || !sync_directory (directory_fd, file->path, error))
    return NULL;

  return g_steal_pointer (&file);
}

/**
 * dray_partial_file_open:
 * @directory: a folder
 * @name: the name that the finished file will have
 * @boot_id: of the running kernel
 * @missing: (out): whether it failed because the folder is there and the file is not
 * @error: return location for a #GError
 *
 * Opens the partial file of an earlier run.
 *
 * Errors: %DRAY_ERROR_PARTIAL_MISSING if the folder is not there or the drive fails,
 * %DRAY_ERROR_PERMISSION if the file cannot be opened or is a symbolic link.
 *
 * Returns: (transfer full) (nullable): the file, or %NULL with an error, or %NULL without one if
 *   @missing
 */
DrayPartialFile *
dray_partial_file_open (const char *directory,
                        const char *name,
                        const char *boot_id,
                        gboolean *missing,
                        GError **error)
{
  g_autoptr (DrayPartialFile) file = NULL;
  int directory_fd = open_directory (directory, error);

  *missing = FALSE;
  if (directory_fd < 0)
    return NULL;

  file = partial_file_new (directory, name, directory_fd);
  file->fd = openat (directory_fd, file->part_name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
  if (file->fd < 0)
    {
      *missing = errno == ENOENT;
      if (!*missing)
        dray_set_file_error (error, errno, "open", file->path);
      return NULL;
    }

  return identify (file, boot_id, error) ? g_steal_pointer (&file) : NULL;
}

DrayPartialFile *
dray_partial_file_ref (DrayPartialFile *file)
{
  g_atomic_int_inc (&file->ref_count);
  return file;
}

void
dray_partial_file_unref (DrayPartialFile *file)
{
  if (!g_atomic_int_dec_and_test (&file->ref_count))
    return;

  if (file->fd >= 0)
    close (file->fd);
  close (file->directory_fd);
  g_free (file->name);
  g_free (file->part_name);
  g_free (file->path);
  g_free (file);
}

const DrayFileIdentity *
dray_partial_file_get_identity (DrayPartialFile *file)
{
  return &file->identity;
}

gboolean
dray_partial_file_is_on_fixed_drive (DrayPartialFile *file)
{
  return file->fixed;
}

/**
 * dray_partial_file_get_size:
 * @file: a partial file
 *
 * Returns: its size in bytes, 0 if the system does not tell
 */
gint64
dray_partial_file_get_size (DrayPartialFile *file)
{
  struct stat facts;

  return fstat (file->fd, &facts) == 0 ? facts.st_size : 0;
}

/**
 * dray_partial_file_check_room:
 * @directory: an existing folder
 * @total: the size of the file that is to come, in bytes, or %DRAY_SIZE_UNKNOWN
 * @promised: how many bytes of the free ones go to others
 * @error: return location for a #GError
 *
 * Errors: %DRAY_ERROR_DISK_FULL, with the number of bytes that are missing;
 * %DRAY_ERROR_TOO_LARGE_FOR_DRIVE.
 *
 * Returns: whether the folder's drive has room for a new file
 */
gboolean
dray_partial_file_check_room (const char *directory,
                              gint64 total,
                              gint64 promised,
                              GError **error)
{
  int fd = open_directory (directory, error);
  gboolean room = fd >= 0
                  && dray_drive_check_room (fd, directory, total, MAX (total, 1) + promised, error);

  if (fd >= 0)
    close (fd);
  return room;
}

/* On tmpfs a reservation takes each page from the kernel, which is most of what writing it costs:
 * the download would begin a third of a second later for each GiB. */
static gboolean
is_in_memory (DrayPartialFile *file)
{
  struct statfs fs;

  return fstatfs (file->fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
}

/**
 * dray_partial_file_reserve:
 * @file: a partial file
 * @total: the size of the finished file in bytes
 * @promised: how many bytes of the free ones go to others
 * @error: return location for a #GError
 *
 * Sees to it that the drive has room for the whole file before the first byte is fetched. The
 * file's own size does not change, so that it still tells how far the bytes go.
 *
 * Errors: as dray_partial_file_check_room().
 *
 * Returns: whether there is room
 */
gboolean
dray_partial_file_reserve (DrayPartialFile *file, gint64 total, gint64 promised, GError **error)
{
  struct stat facts;
  gint64 lacking;

  if (fstat (file->fd, &facts) != 0)
    {
      dray_set_file_error (error, errno, "look at", file->path);
      return FALSE;
    }
  lacking = total - (gint64) facts.st_blocks * 512;
  if (!dray_drive_check_room (file->fd, file->path, total,
                              lacking > 0 ? lacking + promised : 0, error))
    return FALSE;

  /* Where the filesystem cannot reserve, nothing is lost but the certainty; writing zeros instead,
   * as posix_fallocate() does, would cost the file twice. */
  if (total > 0 && !is_in_memory (file)
      && fallocate (file->fd, FALLOC_FL_KEEP_SIZE, 0, total) != 0
      && dray_error_from_errno (errno) == DRAY_ERROR_DISK_FULL)
    {
      dray_set_file_error (error, errno, "reserve space for", file->path);
      return FALSE;
    }

  return TRUE;
}

/**
 * dray_partial_file_write:
 * @file: a partial file
 * @offset: where the first byte belongs
 * @bytes: the bytes
 * @n_bytes: how many
 * @error: return location for a #GError
 *
 * Hands all the bytes to the kernel, or fails with %DRAY_ERROR_DISK_FULL or another error of the
 * disk. A connection's thread calls it.
 */
gboolean
dray_partial_file_write (DrayPartialFile *file,
                         gint64 offset,
                         gconstpointer bytes,
                         gsize n_bytes,
                         GError **error)
{
  const guint8 *next = bytes;

  while (n_bytes > 0)
    {
      ssize_t n = pwrite (file->fd, next, n_bytes, offset);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          dray_set_file_error (error, n == 0 ? ENOSPC : errno, "write to", file->path);
          return FALSE;
        }
      next += n;
      n_bytes -= (gsize) n;
      offset += n;
    }

  return TRUE;
}

/**
 * dray_partial_file_read:
 * @file: a partial file
 * @offset: the first byte
 * @buffer: where the bytes go
 * @size: how many are wanted
 * @error: return location for a #GError
 *
 * Returns: how many bytes were read, fewer than @size only at the end of the file; -1 on error
 */
gssize
dray_partial_file_read (DrayPartialFile *file,
                        gint64 offset,
                        gpointer buffer,
                        gsize size,
                        GError **error)
{
  guint8 *next = buffer;
  gsize done = 0;

  while (done < size)
    {
      ssize_t n = pread (file->fd, next + done, size - done, offset + (gint64) done);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          dray_set_file_error (error, errno, "read", file->path);
          return -1;
        }
      if (n == 0)
        break;
      done += (gsize) n;
    }

  return (gssize) done;
}

/**
 * dray_partial_file_cut:
 * @file: a partial file
 * @size: the size of the asset in bytes
 * @error: return location for a #GError
 *
 * Takes away what lies beyond the asset's end: reserved room, or bytes that somebody appended.
 */
gboolean
dray_partial_file_cut (DrayPartialFile *file, gint64 size, GError **error)
{
  if (ftruncate (file->fd, size) == 0)
    return TRUE;

  dray_set_file_error (error, errno, "set the size of", file->path);
  return FALSE;
}

/**
 * dray_partial_file_sync:
 * @file: a partial file
 * @error: return location for a #GError
 *
 * Waits until all bytes written before the call are on the drive. After a failure nothing says
 * which bytes are, and a second call may wrongly succeed (fsync(2)): the file must be given up.
 */
gboolean
dray_partial_file_sync (DrayPartialFile *file, GError **error)
{
  if (fdatasync (file->fd) == 0)
    return TRUE;

  dray_set_file_error (error, errno, "save", file->path);
  return FALSE;
}

/**
 * dray_partial_file_sync_directory:
 * @directory: a folder
 * @error: return location for a #GError
 *
 * Makes the names in a folder outlive a power cut.
 */
gboolean
dray_partial_file_sync_directory (const char *directory, GError **error)
{
  int fd = open_directory (directory, error);
  gboolean synced = fd >= 0 && sync_directory (fd, directory, error);

  if (fd >= 0)
    close (fd);
  return synced;
}

/* Whether a name in the folder is one of this file's, and not one that another program has put
 * there; keeps errno. */
static gboolean
is_named (DrayPartialFile *file, const char *name)
{
  int kept = errno;
  struct stat named;
  gboolean same = fstatat (file->directory_fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0
                  && named.st_dev == file->identity.device
                  && named.st_ino == file->identity.inode;

  errno = kept;
  return same;
}

/**
 * dray_partial_file_finish:
 * @file: a partial file whose bytes are whole, right and synced
 * @named: (out): whether it has its name, even if that may not outlive a power cut
 * @error: return location for a #GError
 *
 * Gives the file its final name, replacing nothing, and makes the name outlive a power cut.
 *
 * Returns: whether it has its name
 */
gboolean
dray_partial_file_finish (DrayPartialFile *file, gboolean *named, GError **error)
{
  errno = ESTALE;
  *named = is_named (file, file->part_name)
           && dray_rename_without_replacing (file->directory_fd, file->part_name, file->name);
  if (!*named)
    {
      dray_set_file_error (error, errno, "give its final name to", file->path);
      return FALSE;
    }

  return sync_directory (file->directory_fd, file->path, error);
}

/**
 * dray_partial_file_discard:
 * @directory: a folder
 * @name: the name that the finished file would have had
 * @error: return location for a #GError
 *
 * Deletes the partial file. That none is there is no error.
 */
gboolean
dray_partial_file_discard (const char *directory, const char *name, GError **error)
{
  g_autofree char *part_name = g_strconcat (name, DRAY_PARTIAL_SUFFIX, NULL);
  g_autofree char *path = g_build_filename (directory, part_name, NULL);

  if (unlink (path) == 0 || errno == ENOENT || errno == ENOTDIR)
    return TRUE;

  dray_set_file_error (error, errno, "delete", path);
  return FALSE;
}

/**
 * dray_partial_file_find:
 * @directory: a folder
 * @name: the name of the finished file
 * @identity: the identity that was recorded for the partial file
 * @size: (out): the size in bytes of what was found
 *
 * Looks where a file stands that a crash may have caught at any step of its finish.
 *
 * Returns: where it stands
 */
DrayPartialPresence
dray_partial_file_find (const char *directory,
                        const char *name,
                        const DrayFileIdentity *identity,
                        gint64 *size)
{
  g_autofree char *part_name = g_strconcat (name, DRAY_PARTIAL_SUFFIX, NULL);
  g_autofree char *part_path = g_build_filename (directory, part_name, NULL);
  g_autofree char *path = g_build_filename (directory, name, NULL);
  struct stat facts;

  *size = 0;
  if (lstat (part_path, &facts) == 0 && S_ISREG (facts.st_mode))
    {
      *size = facts.st_size;
      return DRAY_PARTIAL_PRESENT;
    }
  if (lstat (path, &facts) == 0 && S_ISREG (facts.st_mode) && facts.st_ino == identity->inode)
    {
      *size = facts.st_size;
      return DRAY_PARTIAL_FINISHED;
    }

  return DRAY_PARTIAL_ABSENT;
}
