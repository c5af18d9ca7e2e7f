/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * How GGML stores numbers: its tensor types, and its names for mixtures of them. Pure; any thread.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * DrayGgmlType:
 * @name: what people call it
 * @block_length: how many numbers make one block
 * @block_size: a block's size in bytes
 */
typedef struct
{
  const char *name;
  guint block_length;
  guint block_size;
} DrayGgmlType;

const DrayGgmlType *dray_ggml_type_lookup (guint32 id);
const char *dray_ggml_file_type_get_name (guint64 file_type);

G_END_DECLS
