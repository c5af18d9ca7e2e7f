/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/source/planner.h"

#include "core/source/bundled-plan.h"
#include "core/source/hub.h"
#include "core/source/ollama.h"
#include "core/source/source-title.h"

/**
 * dray_planner_needs_network:
 * @reference: what a person typed
 *
 * Returns: whether dray_planner_plan() asks a server, and so blocks
 */
gboolean
dray_planner_needs_network (const DrayReference *reference)
{
  switch (reference->kind)
    {
    case DRAY_REFERENCE_HUB:
    case DRAY_REFERENCE_OLLAMA:
      return TRUE;
    case DRAY_REFERENCE_LINK:
    case DRAY_REFERENCE_BUNDLED:
    case DRAY_REFERENCE_FILE:
    default:
      return FALSE;
    }
}

static DrayPlan *
plan_link (const DrayReference *reference)
{
  DrayPlan *plan = dray_plan_new (reference->model_id);

  for (guint i = 0; i < reference->urls->len; i++)
    dray_plan_add_asset (plan, g_ptr_array_index (reference->urls, i));

  return plan;
}

static DrayPlan *
refuse_file (const DrayReference *reference, GError **error)
{
  g_set_error (error, DRAY_ERROR, DRAY_ERROR_UNSUPPORTED,
               "“%s” is on this computer already, and Dray takes no files from there into its "
               "library",
               reference->path);
  return NULL;
}

static DrayPlan *
resolve (const DrayReference *reference,
         const DrayPlanContext *context,
         GCancellable *cancellable,
         GError **error)
{
  switch (reference->kind)
    {
    case DRAY_REFERENCE_LINK:
      return plan_link (reference);
    case DRAY_REFERENCE_BUNDLED:
      return dray_bundled_plan (reference, context, cancellable, error);
    case DRAY_REFERENCE_HUB:
      return dray_hub_plan (reference, context, cancellable, error);
    case DRAY_REFERENCE_OLLAMA:
      return dray_ollama_plan (reference, context, cancellable, error);
    case DRAY_REFERENCE_FILE:
    default:
      return refuse_file (reference, error);
    }
}

/**
 * dray_planner_plan:
 * @reference: what a person typed
 * @context: (nullable): what to ask a server with; may be %NULL where no network is needed
 * @cancellable: (nullable): ends the call within milliseconds
 * @error: return location for a #GError
 *
 * Finds the files that a reference stands for. Blocks if dray_planner_needs_network().
 *
 * Errors: as dray_hub_plan() and dray_ollama_plan(); %DRAY_ERROR_UNSUPPORTED for a file on this
 * computer.
 *
 * Returns: (transfer full) (nullable): the plan
 */
DrayPlan *
dray_planner_plan (const DrayReference *reference,
                   const DrayPlanContext *context,
                   GCancellable *cancellable,
                   GError **error)
{
  DrayPlan *plan = resolve (reference, context, cancellable, error);

  if (plan != NULL)
    plan->title = dray_source_title_new (reference);
  return plan;
}
