/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * From a bundled model to its plan, without network; any thread.
 */

#pragma once

#include "core/source/planner.h"

G_BEGIN_DECLS

DrayPlan *dray_bundled_plan (const DrayReference *reference,
                             const DrayPlanContext *context,
                             GCancellable *cancellable,
                             GError **error);

G_END_DECLS
