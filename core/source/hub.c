/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/source/hub.h"

#include "core/base/piece.h"
#include "core/source/hub-api.h"
#include "core/source/json-fetch.h"

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

static gboolean
check_environment (const char *endpoint, GError **error)
{
  if (is_switched_off ())
    {
      g_set_error_literal (error, DRAY_ERROR, DRAY_ERROR_NO_NETWORK,
                           "HF_HUB_OFFLINE is set, so the hub is not asked");
      return FALSE;
    }

  return dray_server_check ("HF_ENDPOINT", endpoint, DRAY_HUB_ENDPOINT, error);
}

/* What a person calls the model: the repository's name without what it says of the format. */
static char *
make_title (const char *model)
{
  g_autofree char *title = g_strdup (model);
  gsize length = strlen (title);

  if (length > strlen ("-GGUF")
      && g_ascii_strcasecmp (title + length - strlen ("-GGUF"), "-GGUF") == 0)
    title[length - strlen ("-GGUF")] = '\0';

  return g_strdelimit (g_steal_pointer (&title), "-_", ' ');
}

static void
add_file (DrayPlan *plan, const char *base, const DrayRepositoryFile *file, gboolean is_companion)
{
  g_autofree char *escaped = g_uri_escape_string (file->path, "/", FALSE);
  g_autofree char *url = g_strconcat (base, escaped, NULL);
  DrayPlannedAsset *asset = dray_plan_add_asset (plan, url);

  asset->name = dray_repository_file_dup_name (file);
  asset->size = file->size;
  asset->sha256 = g_strdup (file->sha256);
  asset->is_companion = is_companion;
}

static void
add_set (DrayPlan *plan, const char *base, const DrayFileSet *set)
{
  for (guint i = 0; i < set->files->len; i++)
    add_file (plan, base, g_ptr_array_index (set->files, i), FALSE);
}

/* The same model by the name of what was chosen. */
static void
add_alias (DrayPlan *plan, const DrayReference *reference)
{
  if (reference->variant == NULL && plan->variant != NULL)
    g_ptr_array_add (plan->aliases, g_strdup_printf ("%s:%s", reference->model_id, plan->variant));
}

static gboolean
plan_variants (DrayPlan *plan,
               const DrayReference *reference,
               const DrayHubRepository *repository,
               const char *base,
               GError **error)
{
  g_autoptr (DrayVariants) variants = dray_variants_new (repository->files);
  GPtrArray *sets = dray_variants_get_sets (variants);
  const DrayFileSet *chosen = dray_variants_choose (variants, reference->variant, error);
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
  add_set (plan, base, chosen);
  if (companion != NULL)
    add_file (plan, base, companion, TRUE);
  add_alias (plan, reference);

  return TRUE;
}

static gboolean
plan_path (DrayPlan *plan,
           const DrayReference *reference,
           const DrayHubRepository *repository,
           const char *base,
           GError **error)
{
  g_autoptr (DrayFileSet) set = dray_file_set_find (repository->files, reference->path, error);

  if (set == NULL)
    return FALSE;

  add_set (plan, base, set);
  return TRUE;
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
  const char *endpoint = dray_credentials_get_endpoint (context->credentials);
  g_autofree char *token = g_strdup (context->token);
  g_autoptr (DrayHubRepository) repository = NULL;
  g_autoptr (DrayPlan) plan = dray_plan_new (reference->model_id);
  g_autofree char *base = NULL;
  DrayHub hub = { .session = context->session, .endpoint = endpoint, .wait = context->wait };
  gboolean is_planned;

  if (!check_environment (endpoint, error))
    return NULL;

  if (token == NULL)
    token = dray_credentials_dup_token (context->credentials, endpoint);
  hub.token = token;
  repository = dray_hub_list (&hub, reference->repo,
                              reference->revision != NULL ? reference->revision : DEFAULT_REVISION,
                              cancellable, error);
  if (repository == NULL)
    return NULL;

  base = dray_hub_build_link (endpoint, reference->repo, repository->commit, "");
  is_planned = reference->path != NULL
                   ? plan_path (plan, reference, repository, base, error)
                   : plan_variants (plan, reference, repository, base, error);
  if (!is_planned)
    {
      g_prefix_error (error, "“%s”: ", reference->repo);
      return NULL;
    }

  plan->publisher = g_strndup (reference->repo, strcspn (reference->repo, "/"));
  plan->model = g_strdup (strchr (reference->repo, '/') + 1);
  plan->title = make_title (plan->model);
  return g_steal_pointer (&plan);
}
