/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/base/download-key.h"

#include <string.h>

/* Query parameters that sign a link for a while and say nothing of which file it is: Amazon's and
 * Google's by prefix, CloudFront's and older S3's by name, Azure's by name where a `sig` is there. */
static const char *const signature_prefixes[] = { "x-amz-", "x-goog-" };
static const char *const signature_names[]
    = { "signature", "expires", "key-pair-id", "policy", "awsaccesskeyid", "googleaccessid", NULL };
static const char *const azure_names[] = { "sig",   "se",    "st",  "sp",  "sv",  "sr",
                                           "skoid", "sktid", "skt", "ske", "sks", "skv",
                                           "spr",   NULL };

static gboolean
is_signature (const char *parameter, gboolean azure)
{
  g_autofree char *name = g_ascii_strdown (parameter, strcspn (parameter, "="));

  for (guint i = 0; i < G_N_ELEMENTS (signature_prefixes); i++)
    if (g_str_has_prefix (name, signature_prefixes[i]))
      return TRUE;

  return g_strv_contains (signature_names, name) || (azure && g_strv_contains (azure_names, name));
}

static char *
strip_signature (const char *query)
{
  g_auto (GStrv) parameters = NULL;
  g_autoptr (GPtrArray) kept = g_ptr_array_new ();
  gboolean azure = FALSE;

  if (query == NULL)
    return NULL;

  parameters = g_strsplit (query, "&", -1);
  for (guint i = 0; parameters[i] != NULL; i++)
    azure = azure || g_ascii_strncasecmp (parameters[i], "sig=", 4) == 0;
  for (guint i = 0; parameters[i] != NULL; i++)
    if (!is_signature (parameters[i], azure))
      g_ptr_array_add (kept, parameters[i]);
  if (kept->len == 0)
    return NULL;

  g_ptr_array_add (kept, NULL);
  return g_strjoinv ("&", (char **) kept->pdata);
}

/**
 * dray_uri_has_host:
 * @uri: an address, however it was parsed
 *
 * Parsed with %G_URI_FLAGS_PARSE_RELAXED, the name of a host ends at a semicolon, too. GLib calls
 * what follows a path, which it then cannot write.
 *
 * Returns: whether @uri names a host, and what follows can be written
 */
gboolean
dray_uri_has_host (GUri *uri)
{
  const char *host = g_uri_get_host (uri), *path = g_uri_get_path (uri);

  return host != NULL && *host != '\0' && (*path == '\0' || *path == '/');
}

/**
 * dray_url_normalise:
 * @url: an absolute http or https URL
 *
 * Two links that differ only in the spelling of the host, a default port, a fragment, or a
 * signature that expires, are one file.
 *
 * Returns: (transfer full) (nullable): @url with a lower-case host and without those parts, or
 *   %NULL if it is not a URL with a host
 */
char *
dray_url_normalise (const char *url)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_ENCODED | G_URI_FLAGS_SCHEME_NORMALIZE, NULL);
  g_autofree char *host = NULL;
  g_autofree char *query = NULL;
  g_autofree char *path = NULL;
  g_autoptr (GUri) normalised = NULL;

  if (uri == NULL || g_uri_get_host (uri) == NULL || *g_uri_get_host (uri) == '\0')
    return NULL;

  host = g_ascii_strdown (g_uri_get_host (uri), -1);
  query = strip_signature (g_uri_get_query (uri));
  path = g_strdup (*g_uri_get_path (uri) != '\0' ? g_uri_get_path (uri) : "/");
  normalised = g_uri_build (G_URI_FLAGS_ENCODED | G_URI_FLAGS_SCHEME_NORMALIZE,
                            g_uri_get_scheme (uri),
                            NULL,
                            host,
                            g_uri_get_port (uri),
                            path,
                            query,
                            NULL);

  return g_uri_to_string (normalised);
}

/**
 * dray_url_same_origin:
 * @a: an absolute URL
 * @b: another
 *
 * Returns: whether scheme, host and port are the same (RFC 6454, section 5)
 */
gboolean
dray_url_same_origin (const char *a, const char *b)
{
  g_autoptr (GUri) uri_a = g_uri_parse (a, G_URI_FLAGS_ENCODED | G_URI_FLAGS_SCHEME_NORMALIZE, NULL);
  g_autoptr (GUri) uri_b = g_uri_parse (b, G_URI_FLAGS_ENCODED | G_URI_FLAGS_SCHEME_NORMALIZE, NULL);

  return uri_a != NULL && uri_b != NULL && g_uri_get_host (uri_a) != NULL
         && g_uri_get_host (uri_b) != NULL
         && g_str_equal (g_uri_get_scheme (uri_a), g_uri_get_scheme (uri_b))
         && g_ascii_strcasecmp (g_uri_get_host (uri_a), g_uri_get_host (uri_b)) == 0
         && g_uri_get_port (uri_a) == g_uri_get_port (uri_b);
}

/**
 * dray_url_redact:
 * @url: a URL, perhaps with a password or a signature in it
 *
 * Returns: (transfer full): what may be shown of @url in a message: scheme, host, port and path
 */
char *
dray_url_redact (const char *url)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_ENCODED, NULL);

  if (uri == NULL)
    return g_strdup (url);

  return g_uri_to_string_partial (uri,
                                  G_URI_HIDE_USERINFO | G_URI_HIDE_QUERY | G_URI_HIDE_FRAGMENT);
}

/**
 * dray_download_key_new:
 * @url: where the bytes are asked for
 * @sha256: (nullable): their digest in lower-case hexadecimal, where known
 *
 * Returns: (transfer full) (nullable): the download key, or %NULL if @url has no host
 */
char *
dray_download_key_new (const char *url, const char *sha256)
{
  g_autofree char *normalised = NULL;

  if (sha256 != NULL)
    return g_strconcat ("sha256:", sha256, NULL);

  normalised = dray_url_normalise (url);
  return normalised != NULL ? g_strconcat ("url:", normalised, NULL) : NULL;
}
