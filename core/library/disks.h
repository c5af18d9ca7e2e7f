/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The disk threads: one per filesystem, so that a slow stick does not hold up a fast drive.
 *
 * Owned by a manager and used in the main thread.
 */

#pragma once

#include "core/base/worker.h"

G_BEGIN_DECLS

typedef struct _DrayDisks DrayDisks;

DrayDisks *dray_disks_new (void);
void dray_disks_free (DrayDisks *disks);
DrayWorker *dray_disks_get (DrayDisks *disks, guint64 device);
DrayWorker *dray_disks_get_scout (DrayDisks *disks);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayDisks, dray_disks_free)

G_END_DECLS
