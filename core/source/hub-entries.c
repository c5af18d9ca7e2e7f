/* SPDX-License-Identifier: GPL-3.0-or-later */

/* One page of a repository's list of files, and where the next one is. */

#include "core/source/hub-private.h"

#include "core/base/digest.h"
#include "core/base/download-key.h"
#include "core/base/piece.h"

#include <string.h>

/* Longer than any path that git keeps, in bytes. */
#define PATH_LENGTH_MAX 4096

/* Of all the links of a page. */
#define LINK_LENGTH_MAX 8192

static gboolean
refuse (GError **error, const char *what, const char *path)
{
  g_autofree char *shown = path != NULL ? g_utf8_substring (path, 0, MIN (g_utf8_strlen (path, -1), 200))
                                        : NULL;
  g_autofree char *clean = shown != NULL ? g_strescape (shown, NULL) : NULL;

  if (clean != NULL)
    g_set_error (error, DRAY_ERROR, DRAY_ERROR_SERVER_ERROR, "The hub %s: “%s”", what, clean);
  else
    g_set_error (error, DRAY_ERROR, DRAY_ERROR_SERVER_ERROR, "The hub %s", what);
  return FALSE;
}

/* Whether a repository can have a file of that name, below its own root. */
static gboolean
is_path (const char *path)
{
  g_auto (GStrv) parts = NULL;

  if (strlen (path) > PATH_LENGTH_MAX || strchr (path, '\\') != NULL)
    return FALSE;
  for (const char *p = path; *p != '\0'; p = g_utf8_next_char (p))
    if (g_unichar_iscntrl (g_utf8_get_char (p)))
      return FALSE;

  parts = g_strsplit (path, "/", -1);
  for (guint i = 0; parts[i] != NULL; i++)
    if (*parts[i] == '\0' || g_str_equal (parts[i], ".") || g_str_equal (parts[i], ".."))
      return FALSE;

  return parts[0] != NULL;
}

/* The digest of a large file; it may be written as in git's pointer, "sha256:<hex>". */
static gboolean
read_sha256 (JsonObject *lfs, char **sha256)
{
  const char *oid = dray_json_get_text (lfs, "oid");

  *sha256 = NULL;
  if (oid == NULL)
    oid = dray_json_get_text (lfs, "sha256");
  if (oid == NULL)
    return TRUE;

  if (g_str_has_prefix (oid, "sha256:"))
    oid += strlen ("sha256:");
  *sha256 = dray_digest_normalise_hex (oid);

  return *sha256 != NULL;
}

static DrayRepositoryFile *
read_file (JsonObject *entry, const char *path, GError **error)
{
  JsonObject *lfs = dray_json_get_object (dray_json_get_member (entry, "lfs"));
  g_autofree char *sha256 = NULL;
  gint64 size, lfs_size;

  if (!dray_json_get_size (entry, "size", &size) || !dray_json_get_size (lfs, "size", &lfs_size))
    return refuse (error, "gives a file a size that none can have", path), NULL;
  if (size != DRAY_SIZE_UNKNOWN && lfs_size != DRAY_SIZE_UNKNOWN && size != lfs_size)
    return refuse (error, "gives a file two sizes", path), NULL;
  if (lfs != NULL && !read_sha256 (lfs, &sha256))
    return refuse (error, "gives a file a digest that is none", path), NULL;

  return dray_repository_file_new (path, lfs_size != DRAY_SIZE_UNKNOWN ? lfs_size : size, sha256);
}

static gboolean
add_entry (GPtrArray *files, GHashTable *paths, JsonNode *node, GError **error)
{
  JsonObject *entry = dray_json_get_object (node);
  const char *type = dray_json_get_text (entry, "type");
  const char *path = dray_json_get_text (entry, "path");
  DrayRepositoryFile *file;

  if (type == NULL || path == NULL)
    return refuse (error, "lists something without a name or a kind", NULL);
  if (g_hash_table_size (paths) >= DRAY_HUB_ENTRIES_MAX)
    {
      g_set_error (error, DRAY_ERROR, DRAY_ERROR_UNSUPPORTED,
                   "The repository has more than %d files, as no model has", DRAY_HUB_ENTRIES_MAX);
      return FALSE;
    }
  if (!is_path (path))
    return refuse (error, "lists a file under a name that it cannot have", path);
  if (!g_hash_table_add (paths, g_strdup (path)))
    return refuse (error, "lists a file twice", path);
  if (!g_str_equal (type, "file"))
    return TRUE;

  file = read_file (entry, path, error);
  if (file == NULL)
    return FALSE;

  g_ptr_array_add (files, file);
  return TRUE;
}

/**
 * dray_hub_add_entries:
 * @files: (element-type DrayRepositoryFile): where the files go
 * @paths: (element-type utf8): the paths of all entries so far, and then of these
 * @entries: a page of the list
 * @error: return location for a #GError
 *
 * Errors: %DRAY_ERROR_SERVER_ERROR for what no repository can hold, %DRAY_ERROR_UNSUPPORTED for too
 * much.
 *
 * Returns: whether all entries could be read
 */
gboolean
dray_hub_add_entries (GPtrArray *files, GHashTable *paths, JsonArray *entries, GError **error)
{
  guint n_entries = json_array_get_length (entries);

  for (guint i = 0; i < n_entries; i++)
    if (!add_entry (files, paths, json_array_get_element (entries, i), error))
      return FALSE;

  return TRUE;
}

/* Whether the parameters of a link, up to a comma, have rel="next" (RFC 8288, section 3.3). */
static gboolean
is_next (const char *parameters)
{
  g_autofree char *own = g_strndup (parameters, strcspn (parameters, ","));

  return g_regex_match_simple (";\\s*rel\\s*=\\s*(\"(?:[^\"]*\\s)?next(?:\\s[^\"]*)?\"|next\\s*(?:;|$))",
                               own, G_REGEX_CASELESS | G_REGEX_RAW, 0);
}

/* The address in the Link headers that has rel="next", as sent. A link begins where the header does,
 * or after a comma. */
static char *
find_target (const char *link)
{
  const char *open = link;

  while (open != NULL)
    {
      const char *close;

      open += strspn (open, ", \t");
      close = *open == '<' ? strchr (open, '>') : NULL;
      if (close != NULL && is_next (close + 1))
        return g_strndup (open + 1, (gsize) (close - open - 1));
      open = strchr (close != NULL ? close : open, ',');
    }

  return NULL;
}

/**
 * dray_hub_find_next:
 * @link: (nullable): the Link headers of a page
 * @url: where the page came from
 * @next: (out) (transfer full): the address of the next page; %NULL for the last page
 * @error: return location for a #GError
 *
 * Errors: %DRAY_ERROR_SERVER_ERROR if there is a next page and its address cannot be read.
 *
 * Returns: whether it is known
 */
gboolean
dray_hub_find_next (const char *link, const char *url, char **next, GError **error)
{
  g_autofree char *target = NULL;
  g_autoptr (GUri) page = g_uri_parse (url, G_URI_FLAGS_ENCODED, NULL);
  g_autoptr (GUri) uri = NULL;

  *next = NULL;
  if (link != NULL && strlen (link) > LINK_LENGTH_MAX)
    return refuse (error, "tells the address of its next page at too great a length", NULL);
  target = find_target (link);
  if (target == NULL)
    return TRUE;

  if (g_utf8_validate (target, -1, NULL))
    uri = g_uri_parse_relative (page, target, G_URI_FLAGS_ENCODED | G_URI_FLAGS_PARSE_RELAXED,
                                NULL);
  if (uri != NULL && dray_uri_has_host (uri))
    *next = g_uri_to_string (uri);

  return *next != NULL
         || refuse (error, "continues its list of files at an address that cannot be read", NULL);
}
