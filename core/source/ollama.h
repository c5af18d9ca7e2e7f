/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Plans for models of Ollama's registry. Blocks: for a thread that may wait. */

#pragma once

#include "core/source/planner.h"

G_BEGIN_DECLS

/* Where the registry is if DRAY_OLLAMA_REGISTRY does not say otherwise. */
#define DRAY_OLLAMA_REGISTRY "https://registry.ollama.ai"

DrayPlan *dray_ollama_plan (const DrayReference *reference,
                            const DrayPlanContext *context,
                            GCancellable *cancellable,
                            GError **error);

G_END_DECLS
