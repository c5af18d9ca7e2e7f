/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What variants.c needs of file-set.c, which tells which files belong together. */

#pragma once

#include "core/source/variants.h"

G_BEGIN_DECLS

guint dray_shard_name_read (const char *path, char **name, guint *number);
char *dray_variants_find_quantisation (const char *path);
GPtrArray *dray_file_sets_group (GPtrArray *files);

G_END_DECLS
