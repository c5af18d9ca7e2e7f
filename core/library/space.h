/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * How much room a download still needs on its drive, and how much of that is missing.
 *
 * A need is a plain value: where a file is to be and how large. What the drive has set aside for
 * it already is asked of the filesystem, so that nobody has to keep count. Blocks: for a disk thread
 * or the scout.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _DraySpaceNeed DraySpaceNeed;

DraySpaceNeed *dray_space_need_new (const char *directory, const char *part_path, gint64 total);
void dray_space_need_free (DraySpaceNeed *need);
gint64 dray_space_get_missing (const DraySpaceNeed *need);
gint64 dray_space_sum_up (GPtrArray *needs, const char *directory);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DraySpaceNeed, dray_space_need_free)

G_END_DECLS
