/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Several sources at once: a text of many lines, and files that hold such a text or one link.
 *
 * Any thread; what reads a file says so, and blocks.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How many sources a list has at most. */
#define DRAY_SOURCE_LIST_MAX 10000

GStrv dray_source_list_from_text (const char *text, GError **error);
gboolean dray_source_list_is_file (const char *source);
GStrv dray_source_list_read_file (const char *source, GError **error);
GStrv dray_source_list_expand (const char *const *sources, GError **error);

G_END_DECLS
