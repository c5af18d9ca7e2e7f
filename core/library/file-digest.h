/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The SHA-256 of a whole file that this program has not written itself.
 *
 * Reading one may take minutes, so what it has come to is remembered for as long as the program
 * runs and nobody writes to the file. Blocks: for a thread that may wait. Any thread.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * DrayFileFacts:
 * @device: its `st_dev`
 * @inode: its `st_ino`
 * @size: in bytes
 * @modified: when it was last written to, in nanoseconds since the epoch
 *
 * What tells that a file is still the one that was looked at.
 */
typedef struct
{
  guint64 device;
  guint64 inode;
  gint64 size;
  gint64 modified;
} DrayFileFacts;

/**
 * DrayDigestProgressFunc:
 * @done: how many bytes have been read
 * @user_data: as given
 *
 * Called in the thread that reads.
 */
typedef void (*DrayDigestProgressFunc) (gint64 done, gpointer user_data);

typedef struct _DrayFileDigests DrayFileDigests;

int dray_file_open_regular (const char *path, DrayFileFacts *facts);

DrayFileDigests *dray_file_digests_new (void);
void dray_file_digests_free (DrayFileDigests *digests);
char *dray_file_digests_compute (DrayFileDigests *digests,
                                 const char *path,
                                 const DrayFileFacts *expected,
                                 DrayDigestProgressFunc progress,
                                 gpointer user_data,
                                 GCancellable *cancellable,
                                 GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayFileDigests, dray_file_digests_free)

G_END_DECLS
