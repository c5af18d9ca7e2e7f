/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/source/bundled-models.h"

#include "core/source/bundled-title.h"

#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include <pthread.h>
#include <string.h>

#define LIST_PATH "/org/dray/Dray/models.json"

/* The list for as long as the process lives. Made by pthread_once(), which ThreadSanitizer sees. */
static GPtrArray *all;
static GHashTable *by_name; /* from the name in lower case */

static char *
dup_member (JsonObject *object, const char *member)
{
  return g_strdup (json_object_get_string_member_with_default (object, member, NULL));
}

static DrayBundledFile *
read_file (JsonObject *object)
{
  DrayBundledFile *file = g_new0 (DrayBundledFile, 1);

  file->path = dup_member (object, "path");
  file->size = json_object_get_int_member (object, "size");
  file->sha256 = dup_member (object, "sha256");

  return file;
}

static DrayBundledModel *
read_model (JsonObject *object)
{
  DrayBundledModel *model = g_new0 (DrayBundledModel, 1);
  JsonArray *files = json_object_get_array_member (object, "files");

  model->name = dup_member (object, "name");
  model->task = dup_member (object, "task");
  model->parameters = dup_member (object, "params");
  model->quantisation = dup_member (object, "quantization");
  model->repo = dup_member (object, "repo");
  model->revision = dup_member (object, "revision");
  model->title = dray_bundled_title_new (model->name, model->repo);
  model->is_companion = g_str_has_prefix (model->name, DRAY_BUNDLED_COMPANION_PREFIX);
  model->files = g_ptr_array_new ();
  for (guint i = 0; i < json_array_get_length (files); i++)
    {
      DrayBundledFile *file = read_file (json_array_get_object_element (files, i));

      model->size += file->size;
      g_ptr_array_add (model->files, file);
    }

  return model;
}

static void
load (void)
{
  g_autoptr (GBytes) bytes = g_resources_lookup_data (LIST_PATH, 0, NULL);
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GError) error = NULL;
  JsonArray *models;
  gsize length;
  const char *text = g_bytes_get_data (bytes, &length);

  if (!json_parser_load_from_data (parser, text, (gssize) length, &error))
    g_error ("The list of bundled models: %s", error->message);

  models =
      json_object_get_array_member (json_node_get_object (json_parser_get_root (parser)), "models");
  all = g_ptr_array_new ();
  by_name = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < json_array_get_length (models); i++)
    {
      DrayBundledModel *model = read_model (json_array_get_object_element (models, i));

      g_ptr_array_add (all, model);
      g_hash_table_insert (by_name, g_ascii_strdown (model->name, -1), model);
    }
}

static void
ensure_loaded (void)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;

  pthread_once (&once, load);
}

/**
 * dray_bundled_models_get_all:
 *
 * Returns: (transfer none) (element-type DrayBundledModel): every bundled model, by name
 */
const GPtrArray *
dray_bundled_models_get_all (void)
{
  ensure_loaded ();

  return all;
}

/**
 * dray_bundled_models_find:
 * @name: a name, in upper or lower case
 *
 * Returns: (transfer none) (nullable): the model of that name
 */
const DrayBundledModel *
dray_bundled_models_find (const char *name)
{
  g_autofree char *key = g_ascii_strdown (name, -1);

  ensure_loaded ();

  return g_hash_table_lookup (by_name, key);
}

/* Whether @needle stands in @text at the beginning of a word; both in lower case. */
static gboolean
has_word (const char *text, const char *needle)
{
  for (const char *c = strstr (text, needle); c != NULL; c = strstr (c + 1, needle))
    if (c == text || !g_ascii_isalnum (c[-1]))
      return TRUE;

  return FALSE;
}

static gboolean
is_count (const char *word)
{
  return g_regex_match_simple ("^a?([0-9]+x)?[0-9.]+[bm]$", word, 0, 0);
}

/* "8b" is meant as a number of parameters, which 0.8B is not. */
static gboolean
has_count (const DrayBundledModel *model, const char *word)
{
  g_autofree char *parameters = NULL;
  g_auto (GStrv) parts = NULL;

  if (model->parameters == NULL)
    return FALSE;

  parameters = g_ascii_strdown (model->parameters, -1);
  parts = g_strsplit (parameters, "-", -1);
  return g_strv_contains ((const char *const *) parts, word);
}

static gboolean
fits (const DrayBundledModel *model, char *const *words)
{
  g_autofree char *joined =
      g_strjoin ("\n", model->name, model->title, model->task, model->repo,
                 model->quantisation != NULL ? model->quantisation : "", NULL);
  g_autofree char *text = g_ascii_strdown (joined, -1);

  for (guint i = 0; words[i] != NULL; i++)
    if (*words[i] != '\0'
        && !(is_count (words[i]) ? has_count (model, words[i]) : has_word (text, words[i])))
      return FALSE;

  return TRUE;
}

/**
 * dray_bundled_models_search:
 * @query: words, in upper or lower case
 *
 * A word is found at the beginning of one in the name, the title, the task, the repository or the
 * quantisation. A word such as "8B" is the number of parameters, and nothing else.
 *
 * Returns: (transfer container) (element-type DrayBundledModel): the models that have all words,
 *   by name
 */
GPtrArray *
dray_bundled_models_search (const char *query)
{
  g_autofree char *lower = g_ascii_strdown (query, -1);
  g_auto (GStrv) words = g_strsplit_set (lower, " \t", -1);
  GPtrArray *found = g_ptr_array_new ();

  ensure_loaded ();
  for (guint i = 0; i < all->len; i++)
    if (fits (g_ptr_array_index (all, i), words))
      g_ptr_array_add (found, g_ptr_array_index (all, i));

  return found;
}

/* How welcome a companion is: F16 runs everywhere and loses nothing that matters. */
static guint
rank_companion (const DrayBundledModel *companion)
{
  if (g_strcmp0 (companion->quantisation, "F16") == 0)
    return 3;

  return g_strcmp0 (companion->quantisation, "BF16") == 0 ? 2 : 1;
}

/**
 * dray_bundled_model_get_companion:
 * @model: a model of the list
 *
 * Where the repository has the same companion in several forms, one is enough.
 *
 * Returns: (transfer none) (nullable): what lets @model see, if there is something
 */
const DrayBundledModel *
dray_bundled_model_get_companion (const DrayBundledModel *model)
{
  const DrayBundledModel *best = NULL;

  if (model->is_companion)
    return NULL;

  for (guint i = 0; i < all->len; i++)
    {
      const DrayBundledModel *other = g_ptr_array_index (all, i);

      if (other->is_companion && g_str_equal (other->repo, model->repo)
          && (best == NULL || rank_companion (other) > rank_companion (best)))
        best = other;
    }

  return best;
}
