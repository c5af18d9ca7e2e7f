/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The keys and values of a GGUF header: all are checked, the few that tell of the model are kept.
 *
 * The parser of gguf.h owns one, in its thread.
 */

#pragma once

#include "core/inspect/facts.h"
#include "core/inspect/name-set.h"
#include "core/inspect/reader.h"

G_BEGIN_DECLS

#define DRAY_GGUF_N_KEYS_MAX (1 << 16)

/**
 * DrayGgufMetadata:
 * @architecture: (nullable): `general.architecture`
 * @name: (nullable): `general.name`
 * @alignment: to how many bytes the tensors are aligned, a power of two
 * @file_type: `general.file_type`, or -1
 * @n_shards: `split.count`, or -1
 * @figures: what keys of any architecture say, since the architecture may be named after them
 */
typedef struct
{
  char *architecture;
  char *name;
  guint32 alignment;
  gint64 file_type;
  gint64 n_shards;
  GArray *figures;
} DrayGgufMetadata;

void dray_gguf_metadata_init (DrayGgufMetadata *metadata);
void dray_gguf_metadata_clear (DrayGgufMetadata *metadata);
gboolean dray_gguf_metadata_read (DrayGgufMetadata *metadata,
                                  DrayReader *reader,
                                  guint64 n_keys,
                                  GError **error);
void dray_gguf_metadata_tell (const DrayGgufMetadata *metadata, DrayModelFacts *facts);

char *
dray_gguf_read_name (DrayReader *reader, DrayNameSet *names, const char *what, GError **error);

G_END_DECLS
