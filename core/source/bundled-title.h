/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * From the names of a bundled model to what a person calls it. Pure; any thread.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How the names of the files begin that let a language model see. */
#define DRAY_BUNDLED_COMPANION_PREFIX "MMPROJ_"

char *dray_bundled_title_new (const char *name, const char *repo);

G_END_DECLS
