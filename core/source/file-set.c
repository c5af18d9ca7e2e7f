/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Which files of a repository belong together, and what their names say. */

#include "core/source/variants-private.h"

#include "core/base/piece.h"
#include "core/source/quantisation.h"
#include "core/source/shard.h"

#include <string.h>

/**
 * dray_repository_file_new:
 * @path: where it lies in the repository
 * @size: in bytes, or %DRAY_SIZE_UNKNOWN
 * @sha256: (nullable): its digest in hexadecimal
 *
 * Returns: (transfer full): a file
 */
DrayRepositoryFile *
dray_repository_file_new (const char *path, gint64 size, const char *sha256)
{
  DrayRepositoryFile *file = g_new0 (DrayRepositoryFile, 1);

  file->path = g_strdup (path);
  file->size = size;
  file->sha256 = g_strdup (sha256);

  return file;
}

void
dray_repository_file_free (DrayRepositoryFile *file)
{
  g_free (file->path);
  g_free (file->sha256);
  g_free (file);
}

/**
 * dray_repository_file_dup_name:
 * @file: a file
 *
 * Returns: (transfer full): its name without the folders
 */
char *
dray_repository_file_dup_name (const DrayRepositoryFile *file)
{
  const char *slash = strrchr (file->path, '/');

  return g_strdup (slash != NULL ? slash + 1 : file->path);
}

static DrayFileSet *
file_set_new (void)
{
  DrayFileSet *set = g_new0 (DrayFileSet, 1);

  set->files = g_ptr_array_new ();
  return set;
}

void
dray_file_set_free (DrayFileSet *set)
{
  g_free (set->name);
  g_free (set->quantisation);
  g_ptr_array_unref (set->files);
  g_free (set);
}

/**
 * dray_variants_find_quantisation:
 * @path: a path in a repository
 *
 * Returns: (transfer full) (nullable): the quantisation that the file's name says, or else the
 *   innermost folder that names one, in capitals
 */
char *
dray_variants_find_quantisation (const char *path)
{
  g_auto (GStrv) parts = g_strsplit (path, "/", -1);

  for (guint i = g_strv_length (parts); i > 0; i--)
    {
      char *found = dray_quantisation_find_last (parts[i - 1]);

      if (found != NULL)
        return found;
    }

  return NULL;
}

/**
 * dray_shard_name_read:
 * @path: a path in a repository
 * @name: (out): what is the same for all shards of the set, and is no path; for no shard the path
 * @number: (out): which shard it is, from 1
 *
 * Returns: how many shards there are; 1 for a file that is whole
 */
guint
dray_shard_name_read (const char *path, char **name, guint *number)
{
  gsize number_at;
  guint n_shards = dray_shard_find (path, &number_at);
  g_autofree char *set = NULL;

  *number = 1;
  if (n_shards == 0)
    {
      *name = g_strdup (path);
      return 1;
    }

  *number = (guint) g_ascii_strtoull (path + number_at, NULL, 10);
  set = dray_shard_get_set (path, number_at);
  /* No path in a repository begins with a slash, so none is the name of a set. */
  *name = g_strconcat ("/", set, NULL);
  return n_shards;
}

/* Sets the figures of a set from the @n_shards places of @places, some of which may be empty. */
static void
fill (DrayFileSet *set, gpointer *places, guint n_shards)
{
  for (guint i = 0; i < n_shards; i++)
    {
      const DrayRepositoryFile *file = places[i];

      if (file == NULL)
        {
          set->n_missing++;
          continue;
        }
      g_ptr_array_add (set->files, places[i]);
      if (file->size == DRAY_SIZE_UNKNOWN || set->size == DRAY_SIZE_UNKNOWN
          || set->size > G_MAXINT64 - file->size)
        set->size = DRAY_SIZE_UNKNOWN;
      else
        set->size += file->size;
    }
}

static void
places_free (gpointer data)
{
  g_ptr_array_unref (data);
}

/**
 * dray_file_sets_group:
 * @files: (element-type DrayRepositoryFile): files of a repository, each path once
 *
 * Returns: (transfer full) (element-type DrayFileSet): the sets that they form, in the order of
 *   their first files, without names; @files must live longer
 */
GPtrArray *
dray_file_sets_group (GPtrArray *files)
{
  GPtrArray *sets = g_ptr_array_new_with_free_func ((GDestroyNotify) dray_file_set_free);
  g_autoptr (GHashTable) by_name =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, places_free);
  g_autoptr (GPtrArray) order = g_ptr_array_new ();

  for (guint i = 0; i < files->len; i++)
    {
      DrayRepositoryFile *file = g_ptr_array_index (files, i);
      g_autofree char *name = NULL;
      guint number;
      guint n_shards = dray_shard_name_read (file->path, &name, &number);
      GPtrArray *places = g_hash_table_lookup (by_name, name);

      if (places == NULL)
        {
          places = g_ptr_array_new ();
          g_ptr_array_set_size (places, (gint) n_shards);
          g_hash_table_insert (by_name, g_steal_pointer (&name), places);
          g_ptr_array_add (order, places);
        }
      if (number <= places->len)
        places->pdata[number - 1] = file;
    }

  for (guint i = 0; i < order->len; i++)
    {
      GPtrArray *places = g_ptr_array_index (order, i);
      DrayFileSet *set = file_set_new ();

      fill (set, places->pdata, places->len);
      g_ptr_array_add (sets, set);
    }

  return sets;
}

static gboolean
holds (const DrayFileSet *set, const char *path)
{
  for (guint i = 0; i < set->files->len; i++)
    {
      const DrayRepositoryFile *file = g_ptr_array_index (set->files, i);

      if (g_str_equal (file->path, path))
        return TRUE;
    }

  return FALSE;
}

/**
 * dray_file_set_find:
 * @files: (element-type DrayRepositoryFile): files of a repository, each path once
 * @path: one of their paths
 * @error: return location for a #GError
 *
 * Errors: %DRAY_ERROR_NOT_FOUND if there is no such file, or not all of its shards.
 *
 * Returns: (transfer full) (nullable): the file, with the other shards if it is one; @files must
 *   live longer
 */
DrayFileSet *
dray_file_set_find (GPtrArray *files, const char *path, GError **error)
{
  g_autoptr (GPtrArray) sets = dray_file_sets_group (files);

  for (guint i = 0; i < sets->len; i++)
    {
      DrayFileSet *set = g_ptr_array_index (sets, i);

      if (!holds (set, path))
        continue;
      if (set->n_missing > 0)
        {
          g_set_error (error, DRAY_ERROR, DRAY_ERROR_NOT_FOUND,
                       "The repository has only %u of the %u shards of “%s”", set->files->len,
                       set->files->len + set->n_missing, path);
          return NULL;
        }
      set->name = g_strdup (path);
      return g_ptr_array_steal_index (sets, i);
    }

  g_set_error (error, DRAY_ERROR, DRAY_ERROR_NOT_FOUND, "The repository has no file “%s”", path);
  return NULL;
}
