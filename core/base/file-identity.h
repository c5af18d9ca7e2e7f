/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What tells one partial file from another that has taken its place.
 *
 * The catalog records it beside the offsets; at the next start it decides whether "written" may be
 * believed or only "synced". A plain value.
 */

#pragma once

#include <glib.h>

#define DRAY_BOOT_ID_LENGTH 36

typedef struct
{
  char boot_id[DRAY_BOOT_ID_LENGTH + 1]; /* of the kernel that wrote; "" for none */
  guint64 device;                        /* st_dev */
  guint64 inode;                         /* st_ino; 0 for no file yet */
  guint64 mount;                         /* the kernel's mount id */
} DrayFileIdentity;
