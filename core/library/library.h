/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The library: the folder of finished models, `<publisher>/<model>/<file>`, exactly two levels.
 *
 * Any thread; only dray_library_has_file() looks at the disk.
 */

#pragma once

#include <glib.h>
#include <sys/stat.h>

G_BEGIN_DECLS

/**
 * DrayShelf:
 * @publisher: the first folder level
 * @model: the second
 *
 * Where in the library a model belongs.
 */
typedef struct
{
  char *publisher;
  char *model;
} DrayShelf;

/**
 * DrayFinishedFile:
 * @inode: its inode
 * @size: in bytes
 * @completed_at: when it was finished, in seconds since the epoch
 * @external: whether another program keeps it
 * @modified: of an external file: when it was last written to, in nanoseconds since the epoch
 *
 * What is known of a finished file. An external one may be a link, which is followed, and is as old
 * as it likes.
 */
typedef struct
{
  guint64 inode;
  gint64 size;
  gint64 completed_at;
  gboolean external;
  gint64 modified;
} DrayFinishedFile;

char *dray_library_get_default_root (void);
gboolean dray_library_is_shelf (const char *root, const char *directory);
gboolean dray_library_has_file (const char *path, const DrayFinishedFile *finished);
gboolean dray_finished_file_is (const DrayFinishedFile *finished, const struct stat *facts);
void dray_shelf_init (DrayShelf *shelf, const char *publisher, const char *model);
void dray_shelf_init_for_link (DrayShelf *shelf, const char *url);
char *dray_shelf_get_directory (const DrayShelf *shelf, const char *root);
void dray_shelf_clear (DrayShelf *shelf);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DrayShelf, dray_shelf_clear)

G_END_DECLS
