/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The numbers of a model that is split into several files, as in "model-00002-of-00005.gguf".
 *
 * Pure; any thread.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

guint dray_shard_find (const char *path, gsize *number_at);
guint dray_shard_find_in_link (const char *link, gsize *number_at);
char *dray_shard_get_name (const char *path, gsize number_at, guint number);
char *dray_shard_get_set (const char *path, gsize number_at);

G_END_DECLS
