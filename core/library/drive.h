/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What is to be known of the drive that a folder lies on. Blocks: for a disk thread.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The largest file that FAT32 can hold, in bytes. */
#define DRAY_FAT_FILE_MAX ((gint64) G_MAXUINT32)

/**
 * DrayDrive:
 * @free_bytes: bytes that this user may still write
 * @file_max: the largest file that the filesystem holds, in bytes
 * @mount: the kernel's id of the mount, unique for the boot where the kernel gives such ids
 * @fixed: whether it is a local drive that does not come off
 */
typedef struct
{
  gint64 free_bytes;
  gint64 file_max;
  guint64 mount;
  gboolean fixed;
} DrayDrive;

gboolean dray_drive_query (int fd, DrayDrive *drive);
gint64 dray_drive_get_missing (int fd, gint64 lacking);
gboolean dray_drive_check_room (int fd,
                                const char *path,
                                gint64 total,
                                gint64 lacking,
                                GError **error);
char *dray_drive_read_boot_id (void);

G_END_DECLS
