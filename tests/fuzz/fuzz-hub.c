/* SPDX-License-Identifier: GPL-3.0-or-later */

/* A page of the hub's list of files, after a line that is its Link header. */

#include "core/base/digest.h"
#include "core/base/piece.h"
#include "core/http/response.h"
#include "core/source/hub-private.h"

#include <string.h>

#define PAGE "https://hub.example/api/models/o/r/tree/0?recursive=true"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* What holds of every error, whatever it is about. */
static void
check_error (const GError *error)
{
  g_assert_nonnull (error);
  g_assert_true (error->domain == DRAY_ERROR);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  g_assert_cmpuint (strlen (error->message), <, 100000);
}

static void
check_file (const DrayRepositoryFile *file)
{
  g_auto (GStrv) parts = g_strsplit (file->path, "/", -1);

  g_assert_true (g_utf8_validate (file->path, -1, NULL));
  for (guint i = 0; parts[i] != NULL; i++)
    {
      g_assert_cmpstr (parts[i], !=, "");
      g_assert_cmpstr (parts[i], !=, ".");
      g_assert_cmpstr (parts[i], !=, "..");
    }
  g_assert_true (file->size == DRAY_SIZE_UNKNOWN
                 || (file->size >= 0 && file->size <= DRAY_LENGTH_MAX));
  g_assert_true (file->sha256 == NULL || strlen (file->sha256) == DRAY_DIGEST_HEX_LENGTH);
}

/* Each variant is whole, has a name of its own, and is found by it. */
static void
check_variants (GPtrArray *files)
{
  g_autoptr (DrayVariants) variants = dray_variants_new (files);
  g_autoptr (GError) error = NULL;
  GPtrArray *sets = dray_variants_get_sets (variants);
  guint n_files = 0;

  for (guint i = 0; i < sets->len; i++)
    {
      const DrayFileSet *set = g_ptr_array_index (sets, i);

      g_assert_cmpuint (set->n_missing, ==, 0);
      g_assert_cmpuint (set->files->len, >, 0);
      g_assert_nonnull (dray_variants_choose (variants, set->name, NULL));
      n_files += set->files->len;
    }
  g_assert_cmpuint (n_files, <=, files->len);
  if (dray_variants_choose (variants, NULL, &error) == NULL)
    check_error (error);
}

static void
check_page (JsonArray *entries)
{
  g_autoptr (GPtrArray) files
      = g_ptr_array_new_with_free_func ((GDestroyNotify) dray_repository_file_free);
  g_autoptr (GHashTable) paths = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GError) error = NULL;

  if (!dray_hub_add_entries (files, paths, entries, &error))
    {
      check_error (error);
      return;
    }

  for (guint i = 0; i < files->len; i++)
    check_file (g_ptr_array_index (files, i));
  check_variants (files);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  const guint8 *line = size > 0 ? memchr (data, '\n', size) : NULL;
  gsize line_length = line != NULL ? (gsize) (line - data) : 0;
  g_autofree char *link = g_strndup ((const char *) data, line_length);
  g_autofree char *next = NULL;
  g_autofree char *page = g_memdup2 (data + line_length, size - line_length);
  g_autoptr (GError) link_error = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) root = dray_json_parse (page, size - line_length, &error);

  if (!dray_hub_find_next (link, PAGE, &next, &link_error))
    check_error (link_error);
  if (next != NULL)
    g_assert_true (g_utf8_validate (next, -1, NULL));
  if (root == NULL)
    check_error (error);
  else if (dray_json_get_array (root) != NULL)
    check_page (dray_json_get_array (root));

  return 0;
}
