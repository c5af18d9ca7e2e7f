/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Models of Ollama's registry. */

#include "core/source/reference-private.h"

#include <string.h>

#define NAME_MAX_LENGTH 128

#define DEFAULT_TAG "latest"

/* The account that plain names belong to. */
#define LIBRARY "library"

#define EXAMPLE "A model is ollama:NAME, ollama:USER/NAME:TAG or https://ollama.com/library/NAME"

static const char *const hosts[] = { "ollama.com", "www.ollama.com", NULL };

/* What stands where an account would, and is none. */
static const char *const pages[] = {
  "account",  "api",    "blog",    "cloud",   "connect", "discord", "docs",
  "download", "models", "pricing", "privacy", "public",  "search",  "settings",
  "signin",   "signup", "terms",   "turbo",   NULL,
};

static gboolean
is_name (const char *name)
{
  for (const char *c = name; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && strchr ("-._", *c) == NULL)
      return FALSE;

  return g_ascii_isalnum (*name) && strlen (name) <= NAME_MAX_LENGTH;
}

/* @parts: an account, which may be the library's, and a name with or without a tag */
static DrayReference *
judge (const char *account, const char *name_and_tag, const DraySourceText *text)
{
  gsize length = strcspn (name_and_tag, ":");
  g_autofree char *name = g_strndup (name_and_tag, length);
  const char *tag = name_and_tag[length] == ':' ? name_and_tag + length + 1 : DEFAULT_TAG;
  DrayReference *reference;

  if (!is_name (account) || !is_name (name))
    return dray_source_refuse (text, "names no model that Ollama could have. " EXAMPLE);
  if (!is_name (tag))
    return dray_source_refuse (text,
                               "names a tag of “%s” that cannot be. One that can is such as "
                               "ollama:%s:latest",
                               name, name);

  reference = dray_reference_new (DRAY_REFERENCE_OLLAMA);
  reference->name = g_str_equal (account, LIBRARY) ? g_steal_pointer (&name)
                                                   : g_strjoin ("/", account, name, NULL);
  reference->tag = g_strdup (tag);
  reference->model_id = g_strjoin (":", "ollama", reference->name, reference->tag, NULL);

  return reference;
}

/**
 * dray_reference_parse_ollama_name:
 * @name: what follows `ollama:`
 * @text: the text that it is from
 *
 * Returns: (transfer full) (nullable): the reference
 */
DrayReference *
dray_reference_parse_ollama_name (const char *name, const DraySourceText *text)
{
  g_auto (GStrv) parts = g_strsplit (name, "/", -1);
  guint n_parts = g_strv_length (parts);

  if (n_parts == 3)
    return dray_source_refuse (text, "names a registry of its own. Dray knows Ollama's alone; a "
                                     "repository of Hugging Face is hf:ORG/REPO");
  if (n_parts < 1 || n_parts > 3)
    return dray_source_refuse (text, "names no model that Ollama could have. " EXAMPLE);

  return n_parts == 1 ? judge (LIBRARY, parts[0], text) : judge (parts[0], parts[1], text);
}

/**
 * dray_reference_is_on_ollama:
 * @uri: an address
 *
 * Returns: whether it is a page of Ollama's
 */
gboolean
dray_reference_is_on_ollama (GUri *uri)
{
  g_autofree char *host = g_ascii_strdown (g_uri_get_host (uri), -1);

  return g_strv_contains (hosts, host)
         && (g_uri_get_port (uri) == -1 || g_uri_get_port (uri) == 80
             || g_uri_get_port (uri) == 443);
}

/**
 * dray_reference_parse_ollama_link:
 * @uri: an address of Ollama's
 * @text: the text that it is from
 *
 * Returns: (transfer full) (nullable): the reference
 */
DrayReference *
dray_reference_parse_ollama_link (GUri *uri, const DraySourceText *text)
{
  g_auto (GStrv) parts = dray_source_split_path (g_uri_get_path (uri));
  guint n_parts = g_strv_length (parts);
  g_autofree char *name = NULL;

  if (n_parts == 0 || g_strv_contains (pages, parts[0]))
    return dray_source_refuse (text, "is a page of Ollama's and no model. " EXAMPLE);
  if (n_parts == 1)
    return dray_source_refuse (text, "is the page of an account of Ollama's. " EXAMPLE);
  /* "tags" is the page that lists the forms of the same model. */
  if (n_parts > 3 || (n_parts == 3 && !g_str_equal (parts[2], "tags")))
    return dray_source_refuse (text, "is a page about a model of Ollama's. " EXAMPLE);

  name = g_uri_unescape_string (parts[1], "/");
  return judge (parts[0], name != NULL ? name : "", text);
}
