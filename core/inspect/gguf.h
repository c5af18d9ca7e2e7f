/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The header of a GGUF file, versions 2 and 3, of either byte order.
 *
 * Nothing in the file is trusted: every count and length has a limit, no name comes twice, and
 * every tensor of a known type lies inside the file and shares no byte with another. What is kept
 * is 16 bytes for a name and as many for a tensor. In the reader's thread, which it blocks.
 */

#pragma once

#include "core/inspect/facts.h"
#include "core/inspect/reader.h"

G_BEGIN_DECLS

DrayModelFacts *dray_gguf_read (DrayReader *reader, GError **error);

G_END_DECLS
