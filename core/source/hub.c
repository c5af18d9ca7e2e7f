/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/source/hub.h"

#include "core/source/hub-api.h"
#include "core/source/hub-link.h"

#include <string.h>

/* Where a reference names no revision. */
#define DEFAULT_REVISION "main"

/* A program may be told that there is no network to be used for the hub. */
static gboolean
is_switched_off (void)
{
  static const char *const yes[] = { "1", "on", "true", "yes", NULL };
  const char *value = g_getenv ("HF_HUB_OFFLINE");
  g_autofree char *lower = value != NULL ? g_ascii_strdown (value, -1) : NULL;

  return lower != NULL && g_strv_contains (yes, lower);
}

/* What is planned, and of what. */
typedef struct
{
  DrayPlan *plan;
  const DrayReference *reference;
  const DrayHubRepository *repository;
  const char *endpoint;
} Planning;

static void
add_file (const Planning *planning, const DrayRepositoryFile *file, gboolean is_companion)
{
  g_autofree char *url
      = dray_hub_link_to_file (planning->endpoint, planning->reference->repo,
                               planning->repository->commit, file->path);
  DrayPlannedAsset *asset = dray_plan_add_asset (planning->plan, url);

  asset->name = dray_repository_file_dup_name (file);
  asset->size = file->size;
  asset->sha256 = g_strdup (file->sha256);
  asset->is_companion = is_companion;
}

static void
add_set (const Planning *planning, const DrayFileSet *set)
{
  for (guint i = 0; i < set->files->len; i++)
    add_file (planning, g_ptr_array_index (set->files, i), FALSE);
}

/* The same model by the name of what was chosen. */
static void
add_alias (DrayPlan *plan, const DrayReference *reference)
{
  if (reference->variant == NULL && plan->variant != NULL)
    g_ptr_array_add (plan->aliases, g_strdup_printf ("%s:%s", reference->model_id, plan->variant));
}

static gboolean
plan_variants (const Planning *planning, GError **error)
{
  DrayPlan *plan = planning->plan;
  g_autoptr (DrayVariants) variants = dray_variants_new (planning->repository->files);
  GPtrArray *sets = dray_variants_get_sets (variants);
  const DrayFileSet *chosen
      = dray_variants_choose (variants, planning->reference->variant, error);
  const DrayRepositoryFile *companion = dray_variants_get_companion (variants);

  if (chosen == NULL)
    return FALSE;

  for (guint i = 0; i < sets->len; i++)
    {
      const DrayFileSet *set = g_ptr_array_index (sets, i);
      DrayVariant *variant = dray_plan_add_variant (plan, set->name);

      variant->size = set->size;
      variant->n_files = set->files->len;
    }
  plan->variant = g_strdup (chosen->name);
  plan->suggested = g_strdup (dray_variants_get_suggested (variants)->name);
  add_set (planning, chosen);
  if (companion != NULL)
    add_file (planning, companion, TRUE);
  add_alias (plan, planning->reference);

  return TRUE;
}

static gboolean
plan_path (const Planning *planning, GError **error)
{
  g_autoptr (DrayFileSet) set
      = dray_file_set_find (planning->repository->files, planning->reference->path, error);

  if (set == NULL)
    return FALSE;

  add_set (planning, set);
  return TRUE;
}

/* Asks the hub for the repository with the caller's token, else with that of the hub's account. */
static DrayHubRepository *
list (const DrayReference *reference,
      const DrayPlanContext *context,
      const char *endpoint,
      GCancellable *cancellable,
      GError **error)
{
  g_autofree char *token = context->token != NULL
                               ? g_strdup (context->token)
                               : dray_credentials_dup_token (context->credentials, endpoint);
  const DrayHub hub = {
    .session = context->session,
    .endpoint = endpoint,
    .token = token,
    .wait = context->wait,
  };

  return dray_hub_list (&hub, reference->repo,
                        reference->revision != NULL ? reference->revision : DEFAULT_REVISION,
                        cancellable, error);
}

/**
 * dray_hub_plan:
 * @reference: of the kind %DRAY_REFERENCE_HUB
 * @context: what to ask the hub with
 * @cancellable: (nullable): ends the call within milliseconds
 * @error: return location for a #GError
 *
 * The links of the plan name the commit that the revision is now, so that a repository which changes
 * meanwhile changes nothing.
 *
 * Errors: as dray_hub_list(), dray_variants_choose() and dray_file_set_find();
 * %DRAY_ERROR_INVALID_SOURCE and %DRAY_ERROR_NO_NETWORK for what the environment says.
 *
 * Returns: (transfer full) (nullable): the plan
 */
DrayPlan *
dray_hub_plan (const DrayReference *reference,
               const DrayPlanContext *context,
               GCancellable *cancellable,
               GError **error)
{
  g_autofree char *endpoint = dray_hub_get_endpoint (error);
  g_autoptr (DrayHubRepository) repository = NULL;
  g_autoptr (DrayPlan) plan = dray_plan_new (reference->model_id);
  Planning planning = { .plan = plan, .reference = reference, .endpoint = endpoint };

  if (endpoint == NULL)
    return NULL;
  if (is_switched_off ())
    {
      g_set_error_literal (error, DRAY_ERROR, DRAY_ERROR_NO_NETWORK,
                           "HF_HUB_OFFLINE is set, so the hub is not asked");
      return NULL;
    }

  planning.repository = repository = list (reference, context, endpoint, cancellable, error);
  if (repository == NULL)
    return NULL;
  if (reference->path != NULL ? !plan_path (&planning, error) : !plan_variants (&planning, error))
    {
      g_prefix_error (error, "“%s”: ", reference->repo);
      return NULL;
    }

  plan->publisher = g_strndup (reference->repo, strcspn (reference->repo, "/"));
  plan->model = g_strdup (strchr (reference->repo, '/') + 1);
  return g_steal_pointer (&plan);
}
