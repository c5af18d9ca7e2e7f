/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/library/placement.h"

#include "core/base/error.h"
#include "core/library/drive.h"
#include "core/library/rename.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* How much is copied between two looks at the cancellable, in bytes. */
#define CHUNK ((gsize) 4 * 1024 * 1024)

/* As that of a partial file, which the copy is where a file without a name cannot be. */
#define COPY_SUFFIX ".part"

typedef struct
{
  const char *source_path;
  const char *name;
  char *path; /* of the new place, for messages */
  int source;
  int directory;
  gboolean is_external;
  gint64 size;
  struct timespec modified;
  GCancellable *cancellable;
} Placement;

static void
placement_clear (Placement *placement)
{
  if (placement->source >= 0)
    close (placement->source);
  if (placement->directory >= 0)
    close (placement->directory);
  g_free (placement->path);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Placement, placement_clear)

static void
set_error (const Placement *placement, int errnum, const char *doing, GError **error)
{
  if (errnum == EEXIST)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS, "“%s” exists already", placement->path);
  else
    dray_set_file_error (error, errnum, doing, placement->path);
}

static gboolean
open_source (Placement *placement, const DrayFinishedFile *expected, GError **error)
{
  int links = placement->is_external ? 0 : O_NOFOLLOW;
  struct stat facts;

  placement->source = open (placement->source_path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | links);
  if (placement->source < 0 || fstat (placement->source, &facts) != 0)
    {
      dray_set_file_error (error, errno, "open", placement->source_path);
      return FALSE;
    }

  if (!S_ISREG (facts.st_mode) || (expected != NULL && !dray_finished_file_is (expected, &facts)))
    {
      g_set_error (error, DRAY_ERROR, DRAY_ERROR_PARTIAL_MISSING,
                   "“%s” is not the file any more that was downloaded", placement->source_path);
      return FALSE;
    }

  placement->size = facts.st_size;
  placement->modified = facts.st_mtim;
  return TRUE;
}

static gboolean
open_directory (Placement *placement, const char *directory, GError **error)
{
  placement->directory = open (directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (placement->directory < 0)
    {
      dray_set_file_error (error, errno, "open the folder", directory);
      return FALSE;
    }

  /* Found out before a long copy; the last step refuses an existing name in any case. */
  if (faccessat (placement->directory, placement->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
    {
      set_error (placement, EEXIST, NULL, error);
      return FALSE;
    }

  return TRUE;
}

/* A file that has no name until it is whole, so that neither a failure nor a crash leaves anything;
 * -1 where the filesystem has no such thing, or /proc, which gives it its name, is not there. */
static int
open_unnamed (const Placement *placement)
{
  if (access ("/proc/self/fd", X_OK) != 0)
    return -1;

  return openat (placement->directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
}

/* Gives the open file @fd the name, and no other file's place. */
static gboolean
link_open_file (const Placement *placement, int fd)
{
  g_autofree char *link = g_strdup_printf ("/proc/self/fd/%d", fd);

  return linkat (AT_FDCWD, link, placement->directory, placement->name, AT_SYMLINK_FOLLOW) == 0;
}

static gboolean
write_all (int fd, const guint8 *bytes, gsize n_bytes)
{
  while (n_bytes > 0)
    {
      ssize_t n = write (fd, bytes, n_bytes);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          errno = n == 0 ? ENOSPC : errno;
          return FALSE;
        }
      bytes += n;
      n_bytes -= (gsize) n;
    }

  return TRUE;
}

static gssize
read_chunk (int fd, guint8 *buffer, gsize size, gint64 offset)
{
  ssize_t n;

  do
    n = pread (fd, buffer, size, offset);
  while (n < 0 && errno == EINTR);

  return n;
}

static gboolean
has_source_changed (const Placement *placement)
{
  struct stat facts;

  return fstat (placement->source, &facts) != 0 || facts.st_size != placement->size
         || facts.st_mtim.tv_sec != placement->modified.tv_sec
         || facts.st_mtim.tv_nsec != placement->modified.tv_nsec;
}

/* That it cannot be reserved is no reason not to try; that there is no room is. */
static gboolean
reserve (const Placement *placement, int fd, GError **error)
{
  if (!dray_drive_check_room (fd, placement->path, placement->size, placement->size, error))
    return FALSE;
  if (placement->size == 0 || fallocate (fd, FALLOC_FL_KEEP_SIZE, 0, placement->size) == 0
      || dray_error_from_errno (errno) != DRAY_ERROR_DISK_FULL)
    return TRUE;

  set_error (placement, errno, "reserve space for", error);
  return FALSE;
}

static gboolean
copy_bytes (const Placement *placement, int fd, GError **error)
{
  g_autofree guint8 *buffer = g_malloc (CHUNK);
  gint64 done = 0;
  gssize n = 1;

  if (!reserve (placement, fd, error))
    return FALSE;

  for (; n > 0 && done < placement->size; done += n)
    {
      if (g_cancellable_set_error_if_cancelled (placement->cancellable, error))
        return FALSE;

      n = read_chunk (placement->source, buffer, MIN (CHUNK, (gsize) (placement->size - done)),
                      done);
      if (n < 0)
        {
          dray_set_file_error (error, errno, "read", placement->source_path);
          return FALSE;
        }
      if (!write_all (fd, buffer, (gsize) n))
        {
          set_error (placement, errno, "write to", error);
          return FALSE;
        }
    }

  if (done == placement->size && !has_source_changed (placement))
    return TRUE;

  g_set_error (error, DRAY_ERROR, DRAY_ERROR_PARTIAL_MISSING, "“%s” changed while it was copied",
               placement->source_path);
  return FALSE;
}

static gboolean
save_bytes (const Placement *placement, int fd, GError **error)
{
  if (fdatasync (fd) == 0)
    return TRUE;

  set_error (placement, errno, "save", error);
  return FALSE;
}

/* The same blocks of the drive under two inodes. */
static gboolean
make_reflink (const Placement *placement, int unnamed)
{
  if (ioctl (unnamed, FICLONE, placement->source) != 0 || fdatasync (unnamed) != 0)
    return FALSE;
  if (has_source_changed (placement))
    {
      errno = ESTALE;
      return FALSE;
    }

  return link_open_file (placement, unnamed);
}

static gboolean
copy_unnamed (const Placement *placement, int unnamed, GError **error)
{
  /* What a reflink may have begun. */
  if (ftruncate (unnamed, 0) != 0)
    {
      set_error (placement, errno, "set the size of", error);
      return FALSE;
    }
  if (!copy_bytes (placement, unnamed, error) || !save_bytes (placement, unnamed, error))
    return FALSE;
  if (link_open_file (placement, unnamed))
    return TRUE;

  set_error (placement, errno, "give its final name to", error);
  return FALSE;
}

static gboolean
copy_named (const Placement *placement, GError **error)
{
  g_autofree char *part = g_strconcat (placement->name, COPY_SUFFIX, NULL);
  int fd = openat (placement->directory, part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                   0666);
  gboolean done;

  if (fd < 0)
    {
      set_error (placement, errno, "create", error);
      return FALSE;
    }

  done = copy_bytes (placement, fd, error) && save_bytes (placement, fd, error);
  close (fd);
  if (done && !dray_rename_without_replacing (placement->directory, part, placement->name))
    {
      set_error (placement, errno, "give its final name to", error);
      done = FALSE;
    }
  if (!done)
    unlinkat (placement->directory, part, 0);

  return done;
}

/* A second name of another program's file would change with it, and outlive it as ours. */
static gboolean
make_hard_link (const Placement *placement)
{
  if (placement->is_external)
    {
      errno = EXDEV;
      return FALSE;
    }

  return link_open_file (placement, placement->source);
}

static gboolean
make (const Placement *placement, GError **error)
{
  int unnamed = open_unnamed (placement);
  gboolean made = (unnamed >= 0 && make_reflink (placement, unnamed)) || make_hard_link (placement);

  if (!made && errno == EEXIST)
    set_error (placement, EEXIST, NULL, error);
  else if (!made && unnamed >= 0)
    made = copy_unnamed (placement, unnamed, error);
  else if (!made)
    made = copy_named (placement, error);

  if (unnamed >= 0)
    close (unnamed);
  return made;
}

/* Makes the new name outlive a power cut, and tells which file it is. */
static gboolean
settle (const Placement *placement, DrayFileIdentity *identity, GError **error)
{
  struct stat facts;
  DrayDrive drive;

  /* EINVAL: a filesystem whose folders cannot be synced (fsync(2)); it has nothing better. */
  if ((fsync (placement->directory) != 0 && errno != EINVAL)
      || fstatat (placement->directory, placement->name, &facts, AT_SYMLINK_NOFOLLOW) != 0
      || !dray_drive_query (placement->directory, &drive))
    {
      set_error (placement, errno, "save", error);
      unlinkat (placement->directory, placement->name, 0);
      return FALSE;
    }

  if (identity != NULL)
    *identity = (DrayFileIdentity){
      .device = facts.st_dev,
      .inode = facts.st_ino,
      .mount = drive.mount,
    };
  return TRUE;
}

/**
 * dray_placement_make:
 * @existing_path: a finished file, which is synced
 * @expected: (nullable): what is known of that file; %NULL not to compare
 * @directory: an existing folder
 * @name: a clean name for the file there
 * @cancellable: (nullable): ends a copy
 * @identity: (out caller-allocates) (optional): which file the new place holds, without a boot id
 * @error: return location for a #GError
 *
 * Gives a finished file a second place: a reflink, else a hard link, else a copy; no hard link of
 * a file that another program keeps. The new place is durable when this returns. It never replaces a file, and leaves nothing if it fails; only a crash
 * during a copy may leave `<name>.part`, and only where a file cannot be made without a name.
 *
 * Errors: %G_IO_ERROR_EXISTS if @directory has a file of that name (or of that partial file's),
 * %G_IO_ERROR_CANCELLED, %DRAY_ERROR_PARTIAL_MISSING if the existing file is gone or is another one
 * than expected, %DRAY_ERROR_DISK_FULL, %DRAY_ERROR_TOO_LARGE_FOR_DRIVE, %DRAY_ERROR_PERMISSION.
 *
 * Returns: whether the file is there
 */
gboolean
dray_placement_make (const char *existing_path,
                     const DrayFinishedFile *expected,
                     const char *directory,
                     const char *name,
                     GCancellable *cancellable,
                     DrayFileIdentity *identity,
                     GError **error)
{
  g_auto (Placement) placement = {
    .source_path = existing_path,
    .name = name,
    .path = g_build_filename (directory, name, NULL),
    .source = -1,
    .directory = -1,
    .is_external = expected != NULL && expected->external,
    .cancellable = cancellable,
  };

  return !g_cancellable_set_error_if_cancelled (cancellable, error)
         && open_source (&placement, expected, error)
         && open_directory (&placement, directory, error) && make (&placement, error)
         && settle (&placement, identity, error);
}
