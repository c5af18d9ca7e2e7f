/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/source/hub-link.h"

#include "core/http/credentials.h"
#include "core/source/bundled-models.h"
#include "core/source/json-fetch.h"

#include <string.h>

/* What a path may have beside letters and digits (RFC 3986 §3.3). */
#define IN_SEGMENT "!$&'()*+,;=:@"

/**
 * dray_hub_get_endpoint:
 * @error: return location for a #GError
 *
 * A mirror is named by HF_ENDPOINT, as the hub's own programs have it.
 *
 * Errors: %DRAY_ERROR_INVALID_SOURCE if that is no web address.
 *
 * Returns: (transfer full) (nullable): the hub's address, without a slash at the end
 */
char *
dray_hub_get_endpoint (GError **error)
{
  const char *chosen = g_getenv ("HF_ENDPOINT");
  g_autofree char *endpoint =
      g_strdup (chosen != NULL && *chosen != '\0' ? chosen : DRAY_HUB_ENDPOINT);

  while (g_str_has_suffix (endpoint, "/"))
    endpoint[strlen (endpoint) - 1] = '\0';
  if (!dray_server_check ("HF_ENDPOINT", endpoint, DRAY_HUB_ENDPOINT, error))
    return NULL;

  return g_steal_pointer (&endpoint);
}

/**
 * dray_hub_link_to_file:
 * @endpoint: the hub's address, without a slash at the end
 * @repo: `ORG/REPO`
 * @revision: a branch, tag or commit
 * @path: the path of the file in the repository
 *
 * Returns: (transfer full): what the file is asked for by
 */
char *
dray_hub_link_to_file (const char *endpoint,
                       const char *repo,
                       const char *revision,
                       const char *path)
{
  g_autofree char *escaped_revision = g_uri_escape_string (revision, IN_SEGMENT, FALSE);
  g_autofree char *escaped_path = g_uri_escape_string (path, "/" IN_SEGMENT, FALSE);

  return g_strdup_printf ("%s/%s/resolve/%s/%s", endpoint, repo, escaped_revision, escaped_path);
}

/**
 * dray_hub_link_to_page:
 * @reference: what a person typed
 *
 * Returns: (transfer full) (nullable): the page of the repository that it is in, on which there is
 *   its licence; %NULL if it is in none
 */
char *
dray_hub_link_to_page (const DrayReference *reference)
{
  const char *repo = reference->repo;
  const char *folder = reference->url != NULL ? strstr (reference->url, "/resolve/") : NULL;
  g_autofree char *endpoint = NULL;

  if (reference->kind == DRAY_REFERENCE_BUNDLED)
    repo = dray_bundled_models_find (reference->name)->repo;
  if (repo == NULL)
    return folder != NULL ? g_strndup (reference->url, (gsize) (folder - reference->url)) : NULL;

  endpoint = dray_hub_get_endpoint (NULL);
  return endpoint != NULL ? g_strdup_printf ("%s/%s", endpoint, repo) : NULL;
}
