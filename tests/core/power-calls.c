/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The core's system calls, as the linker brings them to the disk. */

#include "tests/core/power-disk-private.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* No write takes more bytes at once, so that there are many places to cut between. */
#define WRITE_MAX (24 * 1024)

/* How long a sync takes, in microseconds: long enough for writes to come in between. */
#define SYNC_TIME 1500

ssize_t __real_pwrite64 (int fd, const void *bytes, size_t n_bytes, off_t offset);
int __real_ftruncate64 (int fd, off_t size);
int __real_openat64 (int folder, const char *name, int flags, ...);
int __real_renameat2 (int from, const char *name, int to, const char *new_name, unsigned flags);
int __real_linkat (int from, const char *name, int to, const char *new_name, int flags);
int __real_unlinkat (int folder, const char *name, int flags);
int __real_unlink (const char *path);
int __real_fstat64 (int fd, struct stat *facts);
int __real_fstatat64 (int folder, const char *path, struct stat *facts, int flags);
int __real_statx (int folder, const char *path, int flags, unsigned mask, struct statx *facts);

ssize_t __wrap_pwrite64 (int fd, const void *bytes, size_t n_bytes, off_t offset);
int __wrap_ftruncate64 (int fd, off_t size);
int __wrap_fdatasync (int fd);
int __wrap_fsync (int fd);
int __wrap_openat64 (int folder, const char *name, int flags, ...);
int __wrap_renameat2 (int from, const char *name, int to, const char *new_name, unsigned flags);
int __wrap_linkat (int from, const char *name, int to, const char *new_name, int flags);
int __wrap_unlinkat (int folder, const char *name, int flags);
int __wrap_unlink (const char *path);
int __wrap_fstat64 (int fd, struct stat *facts);
int __wrap_fstatat64 (int folder, const char *path, struct stat *facts, int flags);
int __wrap_lstat64 (const char *path, struct stat *facts);
int __wrap_statx (int folder, const char *path, int flags, unsigned mask, struct statx *facts);

static PowerEntry *
find_open (int fd) DRAY_REQUIRES (&power_disk.lock)
{
  struct stat facts;

  return __real_fstat64 (fd, &facts) == 0 ? power_disk_find (facts.st_ino) : NULL;
}

ssize_t
__wrap_pwrite64 (int fd, const void *bytes, size_t n_bytes, off_t offset)
{
  ssize_t n = __real_pwrite64 (fd, bytes, MIN (n_bytes, WRITE_MAX), offset);
  PowerEntry *entry;

  if (n <= 0)
    return n;

  dray_lock_acquire (&power_disk.lock);
  entry = power_disk.tape != NULL ? find_open (fd) : NULL;
  if (entry != NULL)
    {
      PowerOp *op = power_disk_append (POWER_WRITE, entry->number);

      op->offset = offset;
      op->bytes = g_bytes_new (bytes, (gsize) n);
      power_disk.n_written += n;
    }
  dray_lock_release (&power_disk.lock);

  return n;
}

int
__wrap_ftruncate64 (int fd, off_t size)
{
  int status = __real_ftruncate64 (fd, size);
  PowerEntry *entry;

  dray_lock_acquire (&power_disk.lock);
  entry = power_disk.tape != NULL && status == 0 ? find_open (fd) : NULL;
  if (entry != NULL)
    power_disk_append (POWER_RESIZE, entry->number)->offset = size;
  dray_lock_release (&power_disk.lock);

  return status;
}

/* The bytes reach a real disk when they like; what counts is what the tape says. */
int
__wrap_fdatasync (int fd)
{
  gboolean recording, failed = FALSE;
  guint since = power_disk_get_position (&recording);
  PowerEntry *entry;

  if (!recording)
    return 0;

  g_usleep (SYNC_TIME);
  dray_lock_acquire (&power_disk.lock);
  entry = power_disk.tape != NULL ? find_open (fd) : NULL;
  if (entry != NULL)
    {
      failed = ++power_disk.n_syncs == power_disk.faults.failing_sync;
      power_disk_append (failed ? POWER_SYNC_FAILED : POWER_SYNC, entry->number)->since = since;
    }
  dray_lock_release (&power_disk.lock);

  errno = EIO;
  return failed ? -1 : 0;
}

int
__wrap_fsync (G_GNUC_UNUSED int fd)
{
  gboolean recording;
  guint since = power_disk_get_position (&recording);

  if (!recording)
    return 0;

  g_usleep (SYNC_TIME);
  power_disk_note (POWER_FOLDER_SYNC, since, 0, NULL, 0);
  return 0;
}

int
__wrap_openat64 (int folder, const char *name, int flags, ...)
{
  int fd = __real_openat64 (folder, name, flags, 0666);
  struct stat facts;

  if (fd < 0 || (flags & O_CREAT) == 0)
    return fd;

  dray_lock_acquire (&power_disk.lock);
  if (__real_fstat64 (fd, &facts) == 0)
    power_disk_append_name (POWER_CREATE,
                            power_disk_add (facts.st_ino, power_disk_find_free_inode ())->number,
                            name, NULL);
  dray_lock_release (&power_disk.lock);

  return fd;
}

int
__wrap_renameat2 (int from, const char *name, int to, const char *new_name, unsigned flags)
{
  struct stat facts;
  int status;

  dray_lock_acquire (&power_disk.lock);
  if (power_disk.faults.plain_renames && flags != 0)
    {
      errno = EINVAL;
      status = -1;
    }
  else
    {
      status = __real_renameat2 (from, name, to, new_name, flags);
      if (status == 0 && __real_fstatat64 (to, new_name, &facts, AT_SYMLINK_NOFOLLOW) == 0)
        {
          PowerEntry *entry = power_disk_find (facts.st_ino);

          power_disk_append_name (POWER_RENAME, entry != NULL ? entry->number : 0, name, new_name);
        }
    }
  dray_lock_release (&power_disk.lock);

  return status;
}

int
__wrap_linkat (int from, const char *name, int to, const char *new_name, int flags)
{
  struct stat facts;
  PowerEntry *entry = NULL;
  int status;

  dray_lock_acquire (&power_disk.lock);
  status = __real_linkat (from, name, to, new_name, flags);
  if (status == 0 && __real_fstatat64 (to, new_name, &facts, AT_SYMLINK_NOFOLLOW) == 0)
    entry = power_disk_find (facts.st_ino);
  if (entry != NULL)
    {
      entry->n_names++;
      power_disk_append_name (POWER_LINK, entry->number, name, new_name);
    }
  dray_lock_release (&power_disk.lock);

  return status;
}

int
__wrap_unlinkat (int folder, const char *name, int flags)
{
  struct stat facts;
  int status;

  dray_lock_acquire (&power_disk.lock);
  if (__real_fstatat64 (folder, name, &facts, AT_SYMLINK_NOFOLLOW) != 0)
    facts.st_ino = 0;
  status = __real_unlinkat (folder, name, flags);
  if (status == 0)
    power_disk_take_name (facts.st_ino, name);
  dray_lock_release (&power_disk.lock);

  return status;
}

int
__wrap_unlink (const char *path)
{
  struct stat facts;
  int status;

  dray_lock_acquire (&power_disk.lock);
  if (__real_lstat64 (path, &facts) != 0)
    facts.st_ino = 0;
  status = __real_unlink (path);
  if (status == 0)
    power_disk_take_name (facts.st_ino, path);
  dray_lock_release (&power_disk.lock);

  return status;
}

static int
disguise (int status, struct stat *facts)
{
  PowerEntry *entry;

  if (status != 0)
    return status;

  dray_lock_acquire (&power_disk.lock);
  entry = power_disk_find (facts->st_ino);
  if (entry != NULL)
    facts->st_ino = entry->inode;
  dray_lock_release (&power_disk.lock);

  return 0;
}

int
__wrap_fstat64 (int fd, struct stat *facts)
{
  return disguise (__real_fstat64 (fd, facts), facts);
}

int
__wrap_fstatat64 (int folder, const char *path, struct stat *facts, int flags)
{
  return disguise (__real_fstatat64 (folder, path, facts, flags), facts);
}

int
__wrap_lstat64 (const char *path, struct stat *facts)
{
  return disguise (__real_lstat64 (path, facts), facts);
}

int
__wrap_statx (int folder, const char *path, int flags, unsigned mask, struct statx *facts)
{
  int status = __real_statx (folder, path, flags, mask, facts);

  dray_lock_acquire (&power_disk.lock);
  if (status == 0)
    facts->stx_mnt_id += power_disk.mount_shift;
  dray_lock_release (&power_disk.lock);

  return status;
}
