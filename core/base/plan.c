/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/base/plan.h"

#include "core/base/piece.h"

static void
planned_asset_free (gpointer data)
{
  DrayPlannedAsset *asset = data;

  g_free (asset->url);
  g_free (asset->name);
  g_free (asset->sha256);
  g_free (asset);
}

static void
variant_free (gpointer data)
{
  DrayVariant *variant = data;

  g_free (variant->name);
  g_free (variant);
}

/**
 * dray_plan_new:
 * @model_id: the model id of what was asked for
 *
 * Returns: (transfer full): a plan without files
 */
DrayPlan *
dray_plan_new (const char *model_id)
{
  DrayPlan *plan = g_new0 (DrayPlan, 1);

  plan->model_id = g_strdup (model_id);
  plan->aliases = g_ptr_array_new_with_free_func (g_free);
  plan->assets = g_ptr_array_new_with_free_func (planned_asset_free);
  plan->variants = g_ptr_array_new_with_free_func (variant_free);

  return plan;
}

void
dray_plan_free (DrayPlan *plan)
{
  g_free (plan->model_id);
  g_ptr_array_unref (plan->aliases);
  g_free (plan->title);
  g_free (plan->publisher);
  g_free (plan->model);
  g_ptr_array_unref (plan->assets);
  g_ptr_array_unref (plan->variants);
  g_free (plan->variant);
  g_free (plan->suggested);
  g_free (plan);
}

/**
 * dray_plan_add_asset:
 * @plan: a plan
 * @url: where to ask for the file
 *
 * Returns: (transfer none): a file of which nothing else is known yet, at the end of the plan
 */
DrayPlannedAsset *
dray_plan_add_asset (DrayPlan *plan, const char *url)
{
  DrayPlannedAsset *asset = g_new0 (DrayPlannedAsset, 1);

  asset->url = g_strdup (url);
  asset->size = DRAY_SIZE_UNKNOWN;
  g_ptr_array_add (plan->assets, asset);

  return asset;
}

/**
 * dray_plan_add_variant:
 * @plan: a plan
 * @name: what a person chooses it by
 *
 * Returns: (transfer none): a variant without files, at the end of the plan
 */
DrayVariant *
dray_plan_add_variant (DrayPlan *plan, const char *name)
{
  DrayVariant *variant = g_new0 (DrayVariant, 1);

  variant->name = g_strdup (name);
  g_ptr_array_add (plan->variants, variant);

  return variant;
}

/**
 * dray_plan_leave_out:
 * @plan: a plan
 * @names: (nullable): names of companions
 *
 * Takes companions out of the plan. A file that the model needs stays, whatever its name.
 */
void
dray_plan_leave_out (DrayPlan *plan, const char *const *names)
{
  if (names == NULL)
    return;

  for (guint i = plan->assets->len; i > 0; i--)
    {
      const DrayPlannedAsset *asset = g_ptr_array_index (plan->assets, i - 1);

      if (asset->is_companion && asset->name != NULL && g_strv_contains (names, asset->name))
        g_ptr_array_remove_index (plan->assets, i - 1);
    }
}

/**
 * dray_plan_get_size:
 * @plan: a plan
 *
 * Returns: the size of all its files in bytes, or %DRAY_SIZE_UNKNOWN if that of one is not known
 */
gint64
dray_plan_get_size (const DrayPlan *plan)
{
  gint64 total = 0;

  for (guint i = 0; i < plan->assets->len; i++)
    {
      const DrayPlannedAsset *asset = g_ptr_array_index (plan->assets, i);

      if (asset->size == DRAY_SIZE_UNKNOWN || total > G_MAXINT64 - asset->size)
        return DRAY_SIZE_UNKNOWN;
      total += asset->size;
    }

  return total;
}
