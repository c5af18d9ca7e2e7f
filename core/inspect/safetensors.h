/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The header of a safetensors file.
 *
 * Nothing in the file is trusted: the header has at most 100 MB, as the format says, and is read
 * piece by piece; no name comes twice; the tensors' bytes follow one another without a gap from the
 * header's end to the file's. In the reader's thread, which it blocks.
 */

#pragma once

#include "core/inspect/facts.h"
#include "core/inspect/reader.h"

G_BEGIN_DECLS

/* The largest header of the format, in bytes. */
#define DRAY_SAFETENSORS_HEADER_MAX ((guint64) 100 * 1000 * 1000)

DrayModelFacts *dray_safetensors_read (DrayReader *reader, GError **error);

G_END_DECLS
