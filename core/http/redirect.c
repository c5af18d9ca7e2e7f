/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/http/redirect.h"

#include "core/base/download-key.h"

/**
 * dray_redirect_is_status:
 * @status: a status code
 *
 * Returns: whether @status sends a GET elsewhere (RFC 9110, section 15.4)
 */
gboolean
dray_redirect_is_status (guint status)
{
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/**
 * dray_redirect_follow:
 * @from: the URL that answered with a redirect
 * @location: (nullable): the value of its Location header
 * @hops: how many redirects were followed before this one
 * @error: return location for a #GError
 *
 * Errors: %DRAY_ERROR_NOT_FOUND for a missing or unreadable Location and for more than
 * %DRAY_REDIRECTS_MAX hops (which is also how a loop ends), %DRAY_ERROR_TLS for a way from https to
 * http.
 *
 * Returns: (transfer full) (nullable): the URL to ask next
 */
char *
dray_redirect_follow (const char *from, const char *location, guint hops, GError **error)
{
  g_autoptr (GUri) base = NULL;
  g_autoptr (GUri) next = NULL;
  g_autofree char *shown = dray_url_redact (from);

  if (hops >= DRAY_REDIRECTS_MAX)
    {
      g_set_error (error, DRAY_ERROR, DRAY_ERROR_NOT_FOUND,
                   "“%s” leads through more than %d redirects", shown, DRAY_REDIRECTS_MAX);
      return NULL;
    }

  base = g_uri_parse (from, G_URI_FLAGS_ENCODED | G_URI_FLAGS_SCHEME_NORMALIZE, NULL);
  if (base != NULL && location != NULL)
    next = g_uri_parse_relative (base,
                                 location,
                                 G_URI_FLAGS_ENCODED | G_URI_FLAGS_SCHEME_NORMALIZE
                                     | G_URI_FLAGS_PARSE_RELAXED,
                                 NULL);
  if (next == NULL || !dray_uri_has_host (next)
      || !(g_str_equal (g_uri_get_scheme (next), "http")
           || g_str_equal (g_uri_get_scheme (next), "https")))
    {
      g_set_error (error, DRAY_ERROR, DRAY_ERROR_NOT_FOUND,
                   "“%s” redirects to an address that cannot be read", shown);
      return NULL;
    }

  if (g_str_equal (g_uri_get_scheme (base), "https")
      && g_str_equal (g_uri_get_scheme (next), "http"))
    {
      g_set_error (error, DRAY_ERROR, DRAY_ERROR_TLS,
                   "“%s” redirects from a secure connection to an insecure one", shown);
      return NULL;
    }

  return g_uri_to_string (next);
}
