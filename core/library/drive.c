/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/library/drive.h"

#include "core/base/error.h"
#include "core/base/file-identity.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

/* Room that is left to the catalog and to everybody else, in bytes. */
#define FREE_BYTES_MIN ((gint64) 16 * 1024 * 1024)

/* Not in the headers of Linux 6.1; the kernel has it from 6.8 (statx(2), STATX_MNT_ID_UNIQUE). An
 * older kernel leaves it out of the answer's mask, and its reusable mount id serves instead. */
#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x00004000U
#endif

/* linux/magic.h leaves these to their filesystems' own headers. */
#define XFS_MAGIC 0x58465342
#define ZFS_MAGIC 0x2fc12fc1
#define BCACHEFS_MAGIC 0xca451a4e
#define VFAT_MAGIC MSDOS_SUPER_MAGIC

/* Filesystems whose page cache is the truth for as long as the machine runs. All others (network
 * mounts, FUSE, FAT on a stick) are believed only as far as a sync covered them. */
static gboolean
is_local_type (guint32 type)
{
  switch (type)
    {
    case EXT4_SUPER_MAGIC:
    case XFS_MAGIC:
    case BTRFS_SUPER_MAGIC:
    case F2FS_SUPER_MAGIC:
    case ZFS_MAGIC:
    case BCACHEFS_MAGIC:
    case TMPFS_MAGIC:
    case OVERLAYFS_SUPER_MAGIC:
      return TRUE;

    default:
      return FALSE;
    }
}

/* A drive on USB, FireWire or a card reader comes off, whatever its "removable" says: that flag
 * means exchangeable media and is 0 on most USB disks. A device with no folder under /sys has no
 * hardware of its own (btrfs, tmpfs, overlay), and its type has to do. */
static gboolean
comes_off (dev_t device)
{
  g_autofree char *link
      = g_strdup_printf ("/sys/dev/block/%u:%u", major (device), minor (device));
  g_autofree char *path = realpath (link, NULL);

  if (path == NULL)
    return FALSE;

  return strstr (path, "/usb") != NULL || strstr (path, "/firewire") != NULL
         || strstr (path, "/mmc") != NULL || strstr (path, "/memstick") != NULL;
}

/**
 * dray_drive_query:
 * @fd: a file or folder on the drive
 * @drive: (out caller-allocates): where the facts go
 *
 * Returns: whether the system told; if not, `errno` says why
 */
gboolean
dray_drive_query (int fd, DrayDrive *drive)
{
  struct statfs fs;
  struct statx facts;

  if (fstatfs (fd, &fs) != 0
      || statx (fd, "", AT_EMPTY_PATH, STATX_MNT_ID | STATX_MNT_ID_UNIQUE, &facts) != 0)
    return FALSE;

  /* Some filesystems, of FUSE most of all, count no blocks: they have not said that they are full. */
  drive->free_bytes = G_MAXINT64;
  if (fs.f_blocks > 0)
    drive->free_bytes = (gint64) MIN ((guint64) fs.f_bavail * (guint64) fs.f_bsize, G_MAXINT64);
  drive->file_max = fs.f_type == VFAT_MAGIC ? DRAY_FAT_FILE_MAX : G_MAXINT64;
  drive->mount = facts.stx_mnt_id;
  drive->fixed = is_local_type ((guint32) fs.f_type)
                 && !comes_off (makedev (facts.stx_dev_major, facts.stx_dev_minor));

  return TRUE;
}

static gint64
get_missing (const DrayDrive *drive, gint64 lacking)
{
  if (lacking <= 0 || lacking <= drive->free_bytes - FREE_BYTES_MIN)
    return 0;

  return lacking + FREE_BYTES_MIN - drive->free_bytes;
}

/**
 * dray_drive_get_missing:
 * @fd: a file or folder on the drive
 * @lacking: for how many bytes room is wanted; 0 or less for none
 *
 * Returns: how many bytes too few are free, if some are to be left to everybody else; 0 if there
 *   are enough, or if the drive does not tell
 */
gint64
dray_drive_get_missing (int fd, gint64 lacking)
{
  DrayDrive drive;

  return dray_drive_query (fd, &drive) ? get_missing (&drive, lacking) : 0;
}

/**
 * dray_drive_check_room:
 * @fd: a file or folder on the drive
 * @path: its path, for messages
 * @total: the size of the file that is to be there, in bytes
 * @lacking: how many of its bytes have no room on the drive yet; 0 or less for none
 * @error: return location for a #GError
 *
 * Errors: %DRAY_ERROR_DISK_FULL, with the number of bytes that are missing;
 * %DRAY_ERROR_TOO_LARGE_FOR_DRIVE.
 *
 * Returns: whether there is room for the file, and some is left to everybody else
 */
gboolean
dray_drive_check_room (int fd, const char *path, gint64 total, gint64 lacking, GError **error)
{
  DrayDrive drive;

  if (!dray_drive_query (fd, &drive))
    {
      dray_set_file_error (error, errno, "look at", path);
      return FALSE;
    }

  if (total > drive.file_max)
    {
      g_autofree char *size = g_format_size ((guint64) total);

      g_set_error (error, DRAY_ERROR, DRAY_ERROR_TOO_LARGE_FOR_DRIVE,
                   "The drive's format cannot hold a file of %s", size);
      return FALSE;
    }

  if (get_missing (&drive, lacking) > 0)
    {
      g_autofree char *missing = g_format_size ((guint64) get_missing (&drive, lacking));

      g_set_error (error, DRAY_ERROR, DRAY_ERROR_DISK_FULL,
                   "Not enough space: %s missing on the drive of “%s”", missing, path);
      return FALSE;
    }

  return TRUE;
}

/**
 * dray_drive_read_boot_id:
 *
 * Returns: (transfer full): the kernel's id of this boot, or "" where there is none to be had
 */
char *
dray_drive_read_boot_id (void)
{
  g_autofree char *text = NULL;

  if (!g_file_get_contents ("/proc/sys/kernel/random/boot_id", &text, NULL, NULL))
    return g_strdup ("");

  g_strstrip (text);
  return g_strdup (strlen (text) == DRAY_BOOT_ID_LENGTH ? text : "");
}
