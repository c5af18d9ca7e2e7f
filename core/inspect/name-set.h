/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Which names a header has used already.
 *
 * A name costs 16 bytes whatever its length, and no choice of names makes the set slow: it keeps
 * the first half of a SHA-256 that begins with a random number. One thread uses a set at a time.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _DrayNameSet DrayNameSet;

DrayNameSet *dray_name_set_new (void);
void dray_name_set_free (DrayNameSet *set);
gboolean dray_name_set_add (DrayNameSet *set, const char *name, gsize length);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayNameSet, dray_name_set_free)

G_END_DECLS
