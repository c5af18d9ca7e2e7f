/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/source/reference.h"

#include "core/base/download-key.h"

#include <string.h>

/* More shards than this make no model; a number so large is part of a name. */
#define SHARDS_MAX 1000

#define SHARD_DIGITS 5

/* What GLib lets pass in the name of a host, although no name has it. */
#define NOT_IN_HOST " \"<>\\^`{|}"

static gboolean
refuse (GError **error, const char *source, const char *why)
{
  g_autofree char *shown = g_utf8_make_valid (source, -1);

  g_set_error (error, DRAY_ERROR, DRAY_ERROR_INVALID_SOURCE,
               "“%s” %s. A source is a link such as https://example.com/model.gguf",
               shown, why);
  return FALSE;
}

static GUri *
parse_link (const char *source, GError **error)
{
  g_autoptr (GUri) uri = NULL;
  const char *scheme;

  if (*source == '\0')
    return refuse (error, source, "is empty"), NULL;
  if (!g_utf8_validate (source, -1, NULL))
    return refuse (error, source, "is not text"), NULL;

  uri = g_uri_parse (source,
                     G_URI_FLAGS_ENCODED | G_URI_FLAGS_SCHEME_NORMALIZE | G_URI_FLAGS_PARSE_RELAXED,
                     NULL);
  if (uri == NULL)
    return refuse (error, source, "is not a web address"), NULL;

  scheme = g_uri_get_scheme (uri);
  if (!g_str_equal (scheme, "https") && !g_str_equal (scheme, "http"))
    return refuse (error, source, "is neither an http nor an https address"), NULL;
  if (g_uri_get_host (uri) == NULL || *g_uri_get_host (uri) == '\0')
    return refuse (error, source, "names no server"), NULL;
  if (strpbrk (g_uri_get_host (uri), NOT_IN_HOST) != NULL)
    return refuse (error, source, "names no server that can be"), NULL;

  return g_steal_pointer (&uri);
}

/* Finds the number in "model-00002-of-00005.gguf", where that is the last part of the path:
 * @number_at is where its five digits stand. Returns how many shards there are, 0 for no shard. */
static guint
find_shard (const char *url, gsize *number_at)
{
  g_autoptr (GRegex) shard = g_regex_new (
      "^[^?]*[^/?]-([0-9]{5})-of-([0-9]{5})\\.(?:gguf|safetensors)(?=$|\\?)", 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  guint64 number, n_shards;
  int start;

  if (!g_regex_match (shard, url, 0, &match) || !g_match_info_fetch_pos (match, 1, &start, NULL))
    return 0;

  *number_at = (gsize) start;
  number = g_ascii_strtoull (url + start, NULL, 10);
  n_shards = g_ascii_strtoull (url + start + SHARD_DIGITS + strlen ("-of-"), NULL, 10);

  return number >= 1 && number <= n_shards && n_shards <= SHARDS_MAX ? (guint) n_shards : 0;
}

/* The model id is the same for every shard: the number becomes an asterisk. */
static char *
make_model_id (const char *normalised)
{
  gsize at;

  if (find_shard (normalised, &at) == 0)
    return g_strconcat ("url:", normalised, NULL);

  return g_strdup_printf ("url:%.*s*%s", (int) at, normalised, normalised + at + SHARD_DIGITS);
}

static GPtrArray *
list_urls (const char *url, guint *asked)
{
  GPtrArray *urls = g_ptr_array_new_with_free_func (g_free);
  gsize at;
  guint n_shards = find_shard (url, &at);

  *asked = n_shards > 0 ? (guint) g_ascii_strtoull (url + at, NULL, 10) - 1 : 0;
  if (n_shards == 0)
    g_ptr_array_add (urls, g_strdup (url));

  for (guint i = 1; i <= n_shards; i++)
    g_ptr_array_add (urls, g_strdup_printf ("%.*s%05u%s", (int) at, url, i,
                                            url + at + SHARD_DIGITS));

  return urls;
}

/**
 * dray_reference_parse:
 * @source: what a person typed or dropped
 * @error: return location for a #GError
 *
 * A link to any shard of a set, as in `model-00002-of-00005.gguf`, is a link to the whole set; the
 * query of the link, which may be a signature, goes to every shard.
 *
 * Errors: %DRAY_ERROR_INVALID_SOURCE, with what was understood.
 *
 * Returns: (transfer full) (nullable): the reference
 */
DrayReference *
dray_reference_parse (const char *source, GError **error)
{
  g_autofree char *trimmed = g_strstrip (g_strdup (source));
  g_autoptr (GUri) uri = parse_link (trimmed, error);
  g_autofree char *url = NULL;
  g_autofree char *normalised = NULL;
  DrayReference *reference;

  if (uri == NULL)
    return NULL;

  url = g_uri_to_string_partial (uri, G_URI_HIDE_FRAGMENT);
  normalised = dray_url_normalise (url);
  if (normalised == NULL)
    {
      refuse (error, trimmed, "is not a web address");
      return NULL;
    }

  reference = g_new0 (DrayReference, 1);
  reference->kind = DRAY_REFERENCE_LINK;
  reference->model_id = make_model_id (normalised);
  reference->urls = list_urls (url, &reference->asked);
  reference->url = g_strdup (g_ptr_array_index (reference->urls, 0));

  return reference;
}

void
dray_reference_free (DrayReference *reference)
{
  g_free (reference->model_id);
  g_free (reference->url);
  g_ptr_array_unref (reference->urls);
  g_free (reference);
}
