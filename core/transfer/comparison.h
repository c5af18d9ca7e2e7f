/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Bytes that came from the server beside those that are on the disk already. A connection's thread.
 */

#pragma once

#include "core/transfer/hasher.h"
#include "core/transfer/partial-file.h"

G_BEGIN_DECLS

/**
 * DrayComparison:
 * @file: (transfer none): the file
 * @hasher: (transfer none): who is told of what is replaced
 * @buffer: (transfer none): room for as many bytes as are compared at once
 *
 * What the functions below work with; for the time of a call.
 */
typedef struct
{
  DrayPartialFile *file;
  DrayHasher *hasher;
  guint8 *buffer;
} DrayComparison;

gboolean dray_comparison_check (const DrayComparison *comparison,
                                gint64 position,
                                const guint8 *bytes,
                                gsize n_bytes,
                                GError **error);
gboolean dray_comparison_replace (const DrayComparison *comparison,
                                  gint64 position,
                                  const guint8 *bytes,
                                  gsize n_bytes,
                                  GError **error);

G_END_DECLS
