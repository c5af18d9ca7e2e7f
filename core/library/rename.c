/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/library/rename.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether the two names are of one file; keeps errno. */
static gboolean
is_same_file (int directory_fd, const char *from, const char *to)
{
  int kept = errno;
  struct stat a, b;
  gboolean same = fstatat (directory_fd, from, &a, AT_SYMLINK_NOFOLLOW) == 0
                  && fstatat (directory_fd, to, &b, AT_SYMLINK_NOFOLLOW) == 0
                  && a.st_dev == b.st_dev && a.st_ino == b.st_ino;

  errno = kept;
  return same;
}

/**
 * dray_rename_without_replacing:
 * @directory_fd: a folder
 * @from: the name of a file in it
 * @to: the name that it is to have
 *
 * RENAME_NOREPLACE is not on every filesystem; a hard link refuses an existing name as well, and is
 * there already if a crash came before the old name went. Where neither is to be had (FAT), the name
 * is looked up first: nothing better exists there.
 *
 * Returns: whether the file has the new name and no longer the old one; if not, `errno` says why,
 *   `EEXIST` where another file has it
 */
gboolean
dray_rename_without_replacing (int directory_fd, const char *from, const char *to)
{
  if (renameat2 (directory_fd, from, directory_fd, to, RENAME_NOREPLACE) == 0)
    return TRUE;
  if (errno != EINVAL && errno != ENOSYS)
    return FALSE;

  if (linkat (directory_fd, from, directory_fd, to, 0) == 0
      || (errno == EEXIST && is_same_file (directory_fd, from, to)))
    return unlinkat (directory_fd, from, 0) == 0;
  if (errno == EEXIST)
    return FALSE;

  if (faccessat (directory_fd, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
    {
      errno = EEXIST;
      return FALSE;
    }

  return renameat (directory_fd, from, directory_fd, to) == 0;
}
