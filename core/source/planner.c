/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/source/planner.h"

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
    case DRAY_REFERENCE_LINK:
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

/**
 * dray_planner_plan:
 * @reference: what a person typed
 * @context: (nullable): what to ask a server with; may be %NULL where no network is needed
 * @cancellable: (nullable): ends the call within milliseconds
 * @error: return location for a #GError
 *
 * Finds the files that a reference stands for. Blocks if dray_planner_needs_network().
 *
 * Returns: (transfer full) (nullable): the plan
 */
DrayPlan *
dray_planner_plan (const DrayReference *reference,
                   G_GNUC_UNUSED const DrayPlanContext *context,
                   G_GNUC_UNUSED GCancellable *cancellable,
                   G_GNUC_UNUSED GError **error)
{
  switch (reference->kind)
    {
    case DRAY_REFERENCE_LINK:
    default:
      return plan_link (reference);
    }
}
