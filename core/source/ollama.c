/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/source/ollama.h"

#include "core/base/digest.h"
#include "core/base/piece.h"
#include "core/source/json-fetch.h"

#include <string.h>

#define MANIFEST_TYPE "application/vnd.docker.distribution.manifest.v2+json"
#define LAYER_TYPE "application/vnd.ollama.image."

/* What may name another registry. */
#define REGISTRY_VARIABLE "DRAY_OLLAMA_REGISTRY"

/* The account that plain names belong to. */
#define LIBRARY "library"

/* More layers than this make no model. */
#define LAYERS_MAX 1000

/* The layers that are files of a model; what else there is are texts. */
static const struct
{
  const char *type;
  const char *ending; /* of the file's name, after that of the model */
  gboolean is_companion;
} kinds[] = {
  { LAYER_TYPE "model", "", FALSE },
  { LAYER_TYPE "projector", "-mmproj", TRUE },
  { LAYER_TYPE "adapter", "-adapter", TRUE },
};

/* A model of the registry, and where it is. */
typedef struct
{
  char *base; /* the address of all that belongs to it */
  char *stem; /* of its files' names */
  const DrayReference *reference;
} Entry;

static void
entry_clear (Entry *entry)
{
  g_free (entry->base);
  g_free (entry->stem);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Entry, entry_clear)

/* The file's name is what the model is called: "llama3.2-3b", "user-model-latest". */
static void
entry_init (Entry *entry, const DrayReference *reference, const char *registry)
{
  const char *account = strchr (reference->name, '/') != NULL ? "" : LIBRARY "/";

  entry->reference = reference;
  entry->base = g_strdup_printf ("%s%sv2/%s%s", registry,
                                 g_str_has_suffix (registry, "/") ? "" : "/", account,
                                 reference->name);
  entry->stem = g_strdup_printf ("%s-%s", reference->name, reference->tag);
  g_strdelimit (entry->stem, "/", '-');
}

static void
refuse (const DrayPlanContext *context,
        const Entry *entry,
        const DrayJsonAnswer *answer,
        GError **error)
{
  const char *name = entry->reference->name;
  const char *tag = entry->reference->tag;

  if (context->wait != NULL)
    *context->wait = answer->retry_after;

  if (answer->status == 404)
    g_set_error (error, DRAY_ERROR, DRAY_ERROR_NOT_FOUND,
                 "Ollama's registry has no model “%s:%s”", name, tag);
  else if (answer->status == 401)
    g_set_error (error, DRAY_ERROR, DRAY_ERROR_UNAUTHORIZED,
                 "Ollama's registry does not show “%s:%s” to everybody", name, tag);
  else if (answer->status == 429)
    g_set_error (error, DRAY_ERROR, DRAY_ERROR_RATE_LIMITED,
                 "Ollama's registry asks for fewer requests: try “%s:%s” again a little later",
                 name, tag);
  else if (answer->status >= 400 && answer->status < 500 && answer->status != 408
           && answer->status != 425)
    g_set_error (error, DRAY_ERROR, DRAY_ERROR_FORBIDDEN,
                 "Ollama's registry refuses “%s:%s” (status %u)", name, tag, answer->status);
  else
    g_set_error (error, DRAY_ERROR, DRAY_ERROR_SERVER_ERROR,
                 "Ollama's registry could not say what “%s:%s” is (status %u)", name, tag,
                 answer->status);
}

static gboolean
holds (const DrayPlan *plan, const char *sha256)
{
  for (guint i = 0; i < plan->assets->len; i++)
    {
      const DrayPlannedAsset *asset = g_ptr_array_index (plan->assets, i);

      if (g_str_equal (asset->sha256, sha256))
        return TRUE;
    }

  return FALSE;
}

/* @n_alike: how many of this kind there are already; adds one, unless the layer is there twice */
static gboolean
add_layer (DrayPlan *plan,
           const Entry *entry,
           JsonObject *layer,
           guint kind,
           guint *n_alike,
           GError **error)
{
  const char *digest = dray_json_get_text (layer, "digest");
  g_autofree char *sha256 = NULL;
  g_autofree char *url = NULL;
  g_autofree char *number = NULL;
  DrayPlannedAsset *asset;
  gint64 size;

  if (digest != NULL && g_str_has_prefix (digest, "sha256:"))
    sha256 = dray_digest_normalise_hex (digest + strlen ("sha256:"));
  if (sha256 == NULL || !dray_json_get_size (layer, "size", &size) || size == DRAY_SIZE_UNKNOWN)
    {
      g_set_error (error, DRAY_ERROR, DRAY_ERROR_SERVER_ERROR,
                   "Ollama's registry does not give size and digest of a file of “%s:%s”",
                   entry->reference->name, entry->reference->tag);
      return FALSE;
    }

  if (holds (plan, sha256))
    return TRUE;

  url = g_strdup_printf ("%s/blobs/sha256:%s", entry->base, sha256);
  number = *n_alike > 0 ? g_strdup_printf ("-%u", *n_alike + 1) : g_strdup ("");
  (*n_alike)++;
  asset = dray_plan_add_asset (plan, url);
  asset->name = g_strdup_printf ("%s%s%s.gguf", entry->stem, kinds[kind].ending, number);
  asset->size = size;
  asset->sha256 = g_steal_pointer (&sha256);
  asset->is_companion = kinds[kind].is_companion;

  return TRUE;
}

/* Adds the layers of one kind, in their order. */
static gboolean
add_layers (DrayPlan *plan, const Entry *entry, JsonArray *layers, guint kind, GError **error)
{
  guint n_alike = 0;

  for (guint i = 0; i < json_array_get_length (layers); i++)
    {
      JsonObject *layer = dray_json_get_object (json_array_get_element (layers, i));

      if (g_strcmp0 (dray_json_get_text (layer, "mediaType"), kinds[kind].type) == 0
          && !add_layer (plan, entry, layer, kind, &n_alike, error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
read_manifest (DrayPlan *plan, const Entry *entry, JsonNode *root, GError **error)
{
  JsonArray *layers
      = dray_json_get_array (dray_json_get_member (dray_json_get_object (root), "layers"));

  if (layers == NULL)
    {
      g_set_error (error, DRAY_ERROR, DRAY_ERROR_SERVER_ERROR,
                   "Ollama's registry does not list the files of “%s:%s”", entry->reference->name,
                   entry->reference->tag);
      return FALSE;
    }
  if (json_array_get_length (layers) > LAYERS_MAX)
    {
      g_set_error (error, DRAY_ERROR, DRAY_ERROR_UNSUPPORTED,
                   "“%s:%s” has more than %d files, as no model has", entry->reference->name,
                   entry->reference->tag, LAYERS_MAX);
      return FALSE;
    }

  for (guint kind = 0; kind < G_N_ELEMENTS (kinds); kind++)
    if (!add_layers (plan, entry, layers, kind, error))
      return FALSE;

  if (plan->assets->len == 0
      || ((DrayPlannedAsset *) g_ptr_array_index (plan->assets, 0))->is_companion)
    {
      g_set_error (error, DRAY_ERROR, DRAY_ERROR_UNSUPPORTED,
                   "“%s:%s” is no single file in Ollama's registry: it runs in Ollama alone, or in "
                   "its cloud",
                   entry->reference->name, entry->reference->tag);
      return FALSE;
    }

  return TRUE;
}

/**
 * dray_ollama_plan:
 * @reference: of the kind %DRAY_REFERENCE_OLLAMA
 * @context: what to ask the registry with
 * @cancellable: (nullable): ends the call within milliseconds
 * @error: return location for a #GError
 *
 * Errors: as dray_json_fetch(); %DRAY_ERROR_NOT_FOUND if there is no such model,
 * %DRAY_ERROR_UNSUPPORTED for one that is no file, and what the registry's status means.
 *
 * Returns: (transfer full) (nullable): the plan
 */
DrayPlan *
dray_ollama_plan (const DrayReference *reference,
                  const DrayPlanContext *context,
                  GCancellable *cancellable,
                  GError **error)
{
  const char *chosen = g_getenv (REGISTRY_VARIABLE);
  const char *registry = chosen != NULL && *chosen != '\0' ? chosen : DRAY_OLLAMA_REGISTRY;
  g_auto (Entry) entry = { 0 };
  g_autoptr (DrayPlan) plan = dray_plan_new (reference->model_id);
  g_autoptr (DrayJsonAnswer) answer = NULL;
  g_autofree char *url = NULL;
  DrayHttpQuery query = { .start = -1, .token = context->token, .accept = MANIFEST_TYPE };

  if (!dray_server_check (REGISTRY_VARIABLE, registry, DRAY_OLLAMA_REGISTRY, error))
    return NULL;

  entry_init (&entry, reference, registry);
  url = g_strdup_printf ("%s/manifests/%s", entry.base, reference->tag);
  query.url = url;
  answer = dray_json_fetch (context->session, &query, cancellable, error);
  if (answer == NULL)
    return NULL;
  if (answer->root == NULL)
    {
      refuse (context, &entry, answer, error);
      return NULL;
    }
  if (!read_manifest (plan, &entry, answer->root, error))
    return NULL;

  plan->publisher = g_strdup ("ollama");
  plan->model = g_strdup (reference->name);
  g_strdelimit (plan->model, "/", '-');
  return g_steal_pointer (&plan);
}
