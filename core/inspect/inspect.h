/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What a model file says of itself: opens it, reads its header, checks that its tensors are there.
 *
 * A file may be hostile: whatever it claims, it costs a few MiB at most, and the time of reading
 * its header. To be called in a worker thread, since it waits for the disk; it knows no object but
 * the #GCancellable.
 */

#pragma once

#include "core/base/error.h"
#include "core/inspect/facts.h"

G_BEGIN_DECLS

DrayModelFacts *dray_inspect_file (const char *path, GCancellable *cancellable, GError **error);
DrayModelFacts *
dray_inspect_files (GPtrArray *paths, GCancellable *cancellable, GError **error);
DrayModelFacts *
dray_inspect_bytes (GBytes *bytes, const char *name, GCancellable *cancellable, GError **error);

G_END_DECLS
