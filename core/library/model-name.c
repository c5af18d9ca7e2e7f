/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/library/model-name.h"

#include "core/library/file-name.h"

#include <string.h>

/* Suffixes that say how a model is stored, which nobody calls a model by. */
static const char *const suffixes[] = { ".gguf", ".safetensors", ".bin", ".onnx", ".pt", ".pth" };

/* The number of a shard, or what a clean file name makes of the asterisk that stands for it in a
 * model id. */
#define SHARD "-(?:[0-9]{5}|.)-of-[0-9]{5}$"

/* How a file is quantised, at the end of its name. */
#define VARIANT "^(.+?)[-._]((?:UD-)?(?:I?Q[1-9](?:_[0-9A-Z]+)*|TQ[12]_0|MXFP4|BF16|F16|F32|FP16|FP8))$"

static char *
remove_suffix (char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      gsize length = strlen (name), cut = strlen (suffixes[i]);

      if (length > cut && g_ascii_strcasecmp (name + length - cut, suffixes[i]) == 0)
        {
          name[length - cut] = '\0';
          break;
        }
    }

  return name;
}

/* Takes "Q4_K_M" off the end of @stem and returns it. */
static char *
take_variant (char **stem)
{
  g_autoptr (GRegex) regex = g_regex_new (VARIANT, G_REGEX_CASELESS, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  char *rest, *variant;

  if (!g_regex_match (regex, *stem, 0, &match))
    return NULL;

  rest = g_match_info_fetch (match, 1);
  variant = g_match_info_fetch (match, 2);
  g_free (*stem);
  *stem = rest;

  return variant;
}

/* On the hub the first folder of the path is the account; elsewhere the host has to do. */
static char *
find_publisher (const char *url)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_PARSE_RELAXED, NULL);
  const char *host = uri != NULL ? g_uri_get_host (uri) : NULL;
  g_auto (GStrv) parts = NULL;

  if (host == NULL || *host == '\0')
    return NULL;
  if (!g_str_equal (host, "huggingface.co") && !g_str_equal (host, "hf.co"))
    return g_strdup (host);

  parts = g_strsplit (g_uri_get_path (uri), "/", 3);
  return g_strdup (g_strv_length (parts) == 3 && *parts[1] != '\0' ? parts[1] : host);
}

/**
 * dray_model_name_init_for_link:
 * @name: (out caller-allocates): where the parts go
 * @url: a link to a file of the model
 *
 * The same for every shard of a model. Where the name is a file's name, dashes and underscores
 * become spaces.
 */
void
dray_model_name_init_for_link (DrayModelName *name, const char *url)
{
  g_autoptr (GRegex) shard = g_regex_new (SHARD, 0, 0, NULL);
  g_autofree char *file = dray_file_name_from_url (url);
  g_autofree char *stem = g_regex_replace_literal (shard, remove_suffix (file), -1, 0, "", 0, NULL);

  name->variant = take_variant (&stem);
  name->publisher = find_publisher (url);
  name->title = g_strdelimit (g_steal_pointer (&stem), "-_", ' ');
}

void
dray_model_name_clear (DrayModelName *name)
{
  g_clear_pointer (&name->title, g_free);
  g_clear_pointer (&name->variant, g_free);
  g_clear_pointer (&name->publisher, g_free);
}
