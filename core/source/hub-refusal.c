/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Why the hub does not say what a repository holds, in words that a person can act on. */

#include "core/source/hub-private.h"

static void
refuse_unknown (const DrayHub *hub, const char *repo, guint status, GError **error)
{
  if (status == 401 && hub->token != NULL)
    g_set_error (error, DRAY_ERROR, DRAY_ERROR_UNAUTHORIZED,
                 "The hub does not accept the access token for “%s”: it may be mistyped or withdrawn",
                 repo);
  else if (status == 401)
    g_set_error (error, DRAY_ERROR, DRAY_ERROR_UNAUTHORIZED,
                 "The hub shows “%s” to nobody without an access token: it is private, or there is "
                 "no such repository",
                 repo);
  else
    g_set_error (error, DRAY_ERROR, DRAY_ERROR_NOT_FOUND,
                 "The hub has no repository “%s”%s", repo,
                 hub->token != NULL ? " that the account of the token may see" : "");
}

static void
refuse_for_now (const DrayHub *hub, const DrayJsonAnswer *answer, GError **error)
{
  if (hub->wait != NULL)
    *hub->wait = answer->retry_after;

  if (answer->retry_after > 0)
    g_set_error (error, DRAY_ERROR, DRAY_ERROR_RATE_LIMITED,
                 "The hub asks for fewer requests: it takes the next one in %" G_GINT64_FORMAT
                 " seconds",
                 answer->retry_after);
  else
    g_set_error_literal (error, DRAY_ERROR, DRAY_ERROR_RATE_LIMITED,
                         "The hub asks for fewer requests: try again a little later");
}

/**
 * dray_hub_refuse:
 * @hub: how the hub was asked
 * @repo: for what, `ORG/REPO`
 * @revision: at which revision
 * @answer: the answer, whose status is not 200
 * @error: return location for a #GError
 *
 * Sets an error that tells a gated repository from a private and from a missing one. Without a token
 * the hub does not tell the last two apart.
 */
void
dray_hub_refuse (const DrayHub *hub,
                 const char *repo,
                 const char *revision,
                 const DrayJsonAnswer *answer,
                 GError **error)
{
  const char *code = answer->error_code != NULL ? answer->error_code : "";
  guint status = answer->status;

  if ((status == 401 || status == 403) && g_str_equal (code, "GatedRepo"))
    g_set_error (error, DRAY_ERROR, DRAY_ERROR_GATED,
                 "The licence of “%s” must be accepted first, on %s/%s, with the account whose "
                 "access token is used",
                 repo, hub->endpoint, repo);
  else if (status == 404 && g_str_equal (code, "RevisionNotFound"))
    g_set_error (error, DRAY_ERROR, DRAY_ERROR_NOT_FOUND, "“%s” has no revision “%s”", repo,
                 revision);
  else if (status == 401 || status == 404 || status == 410)
    refuse_unknown (hub, repo, status, error);
  else if (status == 429)
    refuse_for_now (hub, answer, error);
  else if (status == 403 || status == 451)
    g_set_error (error, DRAY_ERROR, DRAY_ERROR_FORBIDDEN,
                 "The hub refuses access to “%s”%s", repo,
                 hub->token != NULL ? " with this access token" : "");
  else
    {
      if (hub->wait != NULL)
        *hub->wait = answer->retry_after;
      g_set_error (error, DRAY_ERROR, DRAY_ERROR_SERVER_ERROR,
                   "The hub could not say what “%s” holds (status %u)", repo, status);
    }
}
