/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/source/bundled-plan.h"

#include "core/source/bundled-models.h"
#include "core/source/hub-link.h"

#include <string.h>

static void
add_files (DrayPlan *plan, const DrayBundledModel *model, const char *endpoint)
{
  for (guint i = 0; i < model->files->len; i++)
    {
      const DrayBundledFile *file = g_ptr_array_index (model->files, i);
      g_autofree char *url =
          dray_hub_link_to_file (endpoint, model->repo, model->revision, file->path);
      DrayPlannedAsset *asset = dray_plan_add_asset (plan, url);

      asset->name = g_path_get_basename (file->path);
      asset->size = file->size;
      asset->sha256 = g_strdup (file->sha256);
    }
}

/* The link to the file on the hub is the same model, if it says the same revision. */
static void
add_alias (DrayPlan *plan, const DrayBundledModel *model)
{
  const DrayBundledFile *first = g_ptr_array_index (model->files, 0);
  g_autofree char *link =
      dray_hub_link_to_file ("https://huggingface.co", model->repo, model->revision, first->path);
  g_autoptr (DrayReference) file = dray_reference_parse (link, NULL);

  g_ptr_array_add (plan->aliases, g_strdup (file->model_id));
}

/**
 * dray_bundled_plan:
 * @reference: the name of a bundled model
 * @context: (nullable): not needed
 * @cancellable: (nullable): not needed
 * @error: return location for a #GError
 *
 * Errors: %DRAY_ERROR_NOT_FOUND if the list has no such model; %DRAY_ERROR_INVALID_SOURCE if the
 * hub's address is none.
 *
 * Returns: (transfer full) (nullable): the plan, with what lets the model see, if there is something
 */
DrayPlan *
dray_bundled_plan (const DrayReference *reference,
                   G_GNUC_UNUSED const DrayPlanContext *context,
                   G_GNUC_UNUSED GCancellable *cancellable,
                   GError **error)
{
  const DrayBundledModel *model = dray_bundled_models_find (reference->name);
  const DrayBundledModel *companion;
  g_autofree char *endpoint = NULL;
  DrayPlan *plan;
  const char *slash;

  if (model == NULL)
    {
      g_set_error (error, DRAY_ERROR, DRAY_ERROR_NOT_FOUND,
                   "No bundled model is called “%s”. “dray models” lists them", reference->name);
      return NULL;
    }
  endpoint = dray_hub_get_endpoint (error);
  if (endpoint == NULL)
    return NULL;

  slash = strchr (model->repo, '/');
  plan = dray_plan_new (reference->model_id);
  plan->publisher = g_strndup (model->repo, (gsize) (slash - model->repo));
  plan->model = g_strdup (slash + 1);
  plan->variant = g_strdup (model->quantisation);
  add_alias (plan, model);
  add_files (plan, model, endpoint);

  companion = dray_bundled_model_get_companion (model);
  if (companion != NULL)
    {
      guint n_files = plan->assets->len;

      add_files (plan, companion, endpoint);
      for (guint i = n_files; i < plan->assets->len; i++)
        ((DrayPlannedAsset *) g_ptr_array_index (plan->assets, i))->is_companion = TRUE;
    }

  return plan;
}
