/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/source/hub-private.h"

#include "core/base/download-key.h"

#include <string.h>

/* The length of a commit's name in hexadecimal, of either kind that git has. */
#define SHA1_LENGTH 40
#define SHA256_LENGTH 64

void
dray_hub_repository_free (DrayHubRepository *repository)
{
  g_free (repository->commit);
  g_ptr_array_unref (repository->files);
  g_free (repository);
}

static DrayJsonAnswer *
ask (const DrayHub *hub,
     const char *url,
     const char *repo,
     const char *revision,
     GCancellable *cancellable,
     GError **error)
{
  const DrayHttpQuery query
      = { .url = url, .start = -1, .token = hub->token, .accept = "application/json" };
  g_autoptr (DrayJsonAnswer) answer = dray_json_fetch (hub->session, &query, cancellable, error);

  if (answer == NULL)
    return NULL;
  if (answer->root == NULL)
    {
      dray_hub_refuse (hub, repo, revision, answer, error);
      return NULL;
    }

  return g_steal_pointer (&answer);
}

static gboolean
is_commit (const char *text)
{
  gsize length = text != NULL ? strlen (text) : 0;

  return (length == SHA1_LENGTH || length == SHA256_LENGTH)
         && strspn (text, "0123456789abcdef") == length;
}

/* Which commit the revision is now. */
static char *
find_commit (const DrayHub *hub,
             const char *repo,
             const char *revision,
             GCancellable *cancellable,
             GError **error)
{
  g_autofree char *escaped = g_uri_escape_string (revision, NULL, FALSE);
  g_autofree char *url = g_strdup_printf ("%s/api/models/%s/revision/%s?expand=sha", hub->endpoint,
                                          repo, escaped);
  g_autoptr (DrayJsonAnswer) answer = ask (hub, url, repo, revision, cancellable, error);
  const char *commit;

  if (answer == NULL)
    return NULL;

  commit = dray_json_get_text (dray_json_get_object (answer->root), "sha");
  if (!is_commit (commit))
    {
      g_set_error (error, DRAY_ERROR, DRAY_ERROR_SERVER_ERROR,
                   "The hub does not say which commit the revision “%s” of “%s” is", revision,
                   repo);
      return NULL;
    }

  return g_strdup (commit);
}

/* The next page is the hub's, and none that came before. */
static gboolean
may_follow (const DrayHub *hub, GHashTable *pages, const char *next, GError **error)
{
  DrayError code = DRAY_ERROR_SERVER_ERROR;
  const char *why = NULL;

  if (!dray_url_same_origin (hub->endpoint, next))
    why = "goes on at another server";
  else if (g_hash_table_contains (pages, next))
    why = "goes in a circle";
  else if (g_hash_table_size (pages) >= DRAY_HUB_PAGES_MAX)
    {
      code = DRAY_ERROR_UNSUPPORTED;
      why = "is longer than any that a model needs";
    }

  if (why != NULL)
    g_set_error (error, DRAY_ERROR, code, "The hub's list of files %s", why);
  return why == NULL;
}

/**
 * dray_hub_list:
 * @hub: how to ask the hub
 * @repo: `ORG/REPO`
 * @revision: a branch, a tag or a commit
 * @cancellable: (nullable): ends the call within milliseconds
 * @error: return location for a #GError
 *
 * Errors: as dray_json_fetch() and dray_hub_refuse(), %DRAY_ERROR_SERVER_ERROR and
 * %DRAY_ERROR_UNSUPPORTED for a list that no repository can have.
 *
 * Returns: (transfer full) (nullable): the repository
 */
DrayHubRepository *
dray_hub_list (const DrayHub *hub,
               const char *repo,
               const char *revision,
               GCancellable *cancellable,
               GError **error)
{
  g_autoptr (DrayHubRepository) repository = g_new0 (DrayHubRepository, 1);
  g_autoptr (GHashTable) pages = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GHashTable) paths = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  char *url;

  repository->files = g_ptr_array_new_with_free_func ((GDestroyNotify) dray_repository_file_free);
  repository->commit = find_commit (hub, repo, revision, cancellable, error);
  if (repository->commit == NULL)
    return NULL;

  url = g_strdup_printf ("%s/api/models/%s/tree/%s?recursive=true", hub->endpoint, repo,
                         repository->commit);
  while (url != NULL)
    {
      g_autoptr (DrayJsonAnswer) answer = NULL;
      JsonArray *entries;

      g_hash_table_add (pages, url);
      answer = ask (hub, url, repo, revision, cancellable, error);
      if (answer == NULL)
        return NULL;

      entries = dray_json_get_array (answer->root);
      if (entries == NULL)
        {
          g_set_error (error, DRAY_ERROR, DRAY_ERROR_SERVER_ERROR,
                       "The hub did not answer with the list of files of “%s”", repo);
          return NULL;
        }
      if (!dray_hub_add_entries (repository->files, paths, entries, error)
          || !dray_hub_find_next (answer->link, answer->url, &url, error))
        return NULL;
      if (url != NULL && !may_follow (hub, pages, url, error))
        {
          g_free (url);
          return NULL;
        }
    }

  return g_steal_pointer (&repository);
}
