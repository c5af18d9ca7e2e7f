/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/source/reference.h"

#include "core/base/download-key.h"

#include <string.h>

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

/* "model-00002-of-00005.gguf" and its siblings are one model: the number becomes an asterisk. */
static char *
mask_shard (const char *url)
{
  g_autoptr (GRegex) shard = g_regex_new ("-[0-9]{5}-of-([0-9]{5}\\.gguf)(?=$|\\?)", 0, 0, NULL);

  return g_regex_replace (shard, url, -1, 0, "-*-of-\\1", 0, NULL);
}

/**
 * dray_reference_parse:
 * @source: what a person typed or dropped
 * @error: return location for a #GError
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
  g_autofree char *masked = NULL;
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
  masked = mask_shard (normalised);

  reference = g_new0 (DrayReference, 1);
  reference->model_id = g_strconcat ("url:", masked, NULL);
  reference->url = g_steal_pointer (&url);

  return reference;
}

void
dray_reference_free (DrayReference *reference)
{
  g_free (reference->model_id);
  g_free (reference->url);
  g_free (reference);
}
