/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The inside of the disk, shared by power-disk.c (files and tape) and power-calls.c (the calls).
 */

#pragma once

#include "core/base/lock.h"
#include "tests/core/power-disk.h"

#include <sys/stat.h>

G_BEGIN_DECLS

/* A file that the core made or that was adopted. */
typedef struct
{
  guint number; /* on the tape */
  guint64 inode;
  guint n_names;
} PowerEntry;

typedef struct
{
  DrayLock lock;       /* guards what follows */
  GHashTable *entries; /* real inode, as guint64 → PowerEntry */
  PowerTape *tape;     /* NULL unless recording */
  PowerFaults faults;
  guint n_syncs;       /* of files, on the tape */
  gint64 n_written;    /* bytes of files on the tape */
  guint64 mount_shift; /* what is added to a mount's id */
} PowerDisk;

extern PowerDisk power_disk;

PowerOp *power_disk_append (PowerOpKind kind, guint file) DRAY_REQUIRES (&power_disk.lock);
void power_disk_append_name (PowerOpKind kind, guint file, const char *name, const char *new_name)
    DRAY_REQUIRES (&power_disk.lock);
PowerEntry *power_disk_find (guint64 real_inode) DRAY_REQUIRES (&power_disk.lock);
PowerEntry *power_disk_add (guint64 real_inode, guint64 inode) DRAY_REQUIRES (&power_disk.lock);
guint64 power_disk_find_free_inode (void) DRAY_REQUIRES (&power_disk.lock);
void power_disk_take_name (guint64 real_inode, const char *name) DRAY_REQUIRES (&power_disk.lock);

/* The system's own, past the disk. */
int __real_lstat64 (const char *path, struct stat *facts);

G_END_DECLS
