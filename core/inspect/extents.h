/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The byte ranges that a header gives to its tensors, and whether they can all be true.
 *
 * A range costs 16 bytes, and they may come in any order. One thread uses them at a time.
 */

#pragma once

#include "core/inspect/reader.h"

G_BEGIN_DECLS

typedef struct _DrayExtents DrayExtents;

DrayExtents *dray_extents_new (void);
void dray_extents_free (DrayExtents *extents);
void dray_extents_add (DrayExtents *extents, guint64 start, guint64 end);
guint64 dray_extents_get_end (const DrayExtents *extents);
gboolean dray_extents_check (DrayExtents *extents,
                             gboolean gaps_allowed,
                             DrayReader *reader,
                             GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayExtents, dray_extents_free)

G_END_DECLS
