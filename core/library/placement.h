/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * A second place for a finished file, at the least cost that the filesystem allows.
 *
 * Blocks, for as long as a copy takes: for a disk thread. Nothing is shared.
 */

#pragma once

#include "core/base/file-identity.h"
#include "core/library/library.h"

#include <gio/gio.h>

G_BEGIN_DECLS

gboolean dray_placement_make (const char *existing_path,
                              const DrayFinishedFile *expected,
                              const char *directory,
                              const char *name,
                              GCancellable *cancellable,
                              DrayFileIdentity *identity,
                              GError **error);

G_END_DECLS
