/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The library: the folder of finished models, `<publisher>/<model>/<file>`, exactly two levels.
 *
 * Any thread; only dray_library_has_file() looks at the disk.
 */

#pragma once

#include <glib.h>

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
 *
 * What is known of a finished file.
 */
typedef struct
{
  guint64 inode;
  gint64 size;
  gint64 completed_at;
} DrayFinishedFile;

char *dray_library_get_default_root (void);
gboolean dray_library_has_file (const char *path, const DrayFinishedFile *finished);
void dray_shelf_init (DrayShelf *shelf, const char *publisher, const char *model);
void dray_shelf_init_for_link (DrayShelf *shelf, const char *url);
char *dray_shelf_get_directory (const DrayShelf *shelf, const char *root);
void dray_shelf_clear (DrayShelf *shelf);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DrayShelf, dray_shelf_clear)

G_END_DECLS
