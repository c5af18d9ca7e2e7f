/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Plans for repositories and files of the Hugging Face hub. Blocks: for a thread that may wait. */

#pragma once

#include "core/source/planner.h"

G_BEGIN_DECLS

DrayPlan *dray_hub_plan (const DrayReference *reference,
                         const DrayPlanContext *context,
                         GCancellable *cancellable,
                         GError **error);

G_END_DECLS
