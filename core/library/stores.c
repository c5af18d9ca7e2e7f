/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/library/stores.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How many names one search reads at most, in all stores together. */
#define NAMES_MAX 50000

/* How many files one search proposes at most: each may have to be read from its first byte to its
 * last. */
#define FOUND_MAX 4

/* How deep a repository's folders may lie in each other. */
#define DEPTH_MAX 8

/* Where the system's Ollama, which runs as a user of its own, keeps its models. */
#define OLLAMA_SERVICE_MODELS "/usr/share/ollama/.ollama/models"

typedef struct
{
  DrayStoreLayout layout;
  const char *program;
  char *root; /* absolute */
} Store;

struct _DrayStores
{
  GPtrArray *stores; /* of Store */
};

/* One search. */
typedef struct
{
  const DrayStoreQuery *query;
  GCancellable *cancellable;
  GPtrArray *found; /* of DrayStoreFile */
  guint n_names;

  const Store *store;
  char *real_root; /* of the store, without links */
} Search;

static void
store_free (Store *store)
{
  g_free (store->root);
  g_free (store);
}

/**
 * dray_stores_new:
 *
 * Returns: (transfer full): no stores
 */
DrayStores *
dray_stores_new (void)
{
  DrayStores *stores = g_new0 (DrayStores, 1);

  stores->stores = g_ptr_array_new_with_free_func ((GDestroyNotify) store_free);
  return stores;
}

void
dray_stores_free (DrayStores *stores)
{
  g_ptr_array_unref (stores->stores);
  g_free (stores);
}

/**
 * dray_stores_add:
 * @stores: stores that nobody searches yet
 * @layout: how it is laid out
 * @program: whose it is, for a person; must outlive @stores
 * @root: its folder; ignored unless it is absolute. It need not exist
 */
void
dray_stores_add (DrayStores *stores, DrayStoreLayout layout, const char *program, const char *root)
{
  Store *store;

  if (!g_path_is_absolute (root))
    return;

  store = g_new0 (Store, 1);
  store->layout = layout;
  store->program = program;
  store->root = g_canonicalize_filename (root, NULL);
  g_ptr_array_add (stores->stores, store);
}

/* A folder that the environment names, or one in it. */
static void
add_named (DrayStores *stores,
           DrayStoreLayout layout,
           const char *program,
           const char *variable,
           const char *below)
{
  const char *folder = g_getenv (variable);
  g_autofree char *root = NULL;

  if (folder == NULL || *folder == '\0')
    return;

  root = g_build_filename (folder, below, NULL);
  dray_stores_add (stores, layout, program, root);
}

static void
add_in_home (DrayStores *stores, DrayStoreLayout layout, const char *program, const char *below)
{
  g_autofree char *root = g_build_filename (g_get_home_dir (), below, NULL);

  dray_stores_add (stores, layout, program, root);
}

/**
 * dray_stores_new_for_user:
 *
 * The folders that the programs use by themselves, and those that the environment tells them to use.
 * A program that was told to use another folder leaves what it had in the first one.
 *
 * Returns: (transfer full): what there may be on this machine for this person
 */
DrayStores *
dray_stores_new_for_user (void)
{
  static const char hub[] = "Hugging Face cache";
  static const char ollama[] = "Ollama";
  static const char lm_studio[] = "LM Studio";
  DrayStores *stores = dray_stores_new ();

  add_named (stores, DRAY_STORE_HUB, hub, "HF_HUB_CACHE", NULL);
  add_named (stores, DRAY_STORE_HUB, hub, "HF_HOME", "hub");
  add_named (stores, DRAY_STORE_HUB, hub, "XDG_CACHE_HOME", "huggingface/hub");
  add_in_home (stores, DRAY_STORE_HUB, hub, ".cache/huggingface/hub");
  add_named (stores, DRAY_STORE_OLLAMA, ollama, "OLLAMA_MODELS", NULL);
  add_in_home (stores, DRAY_STORE_OLLAMA, ollama, ".ollama/models");
  dray_stores_add (stores, DRAY_STORE_OLLAMA, ollama, OLLAMA_SERVICE_MODELS);
  add_in_home (stores, DRAY_STORE_SHELVES, lm_studio, ".lmstudio/models");
  add_in_home (stores, DRAY_STORE_SHELVES, lm_studio, ".cache/lm-studio/models");

  return stores;
}

void
dray_store_file_free (DrayStoreFile *file)
{
  g_free (file->program);
  g_free (file->path);
  g_free (file);
}

/* The next name in a folder, or NULL at its end or when the search has read enough. */
static const char *
next_name (Search *search, GDir *dir)
{
  if (search->n_names >= NAMES_MAX || g_cancellable_is_cancelled (search->cancellable))
    return NULL;

  search->n_names++;
  return g_dir_read_name (dir);
}

/* Whether a path leads, through whatever links, to a place in the store. */
static gboolean
is_inside (Search *search, const char *path)
{
  char *real = realpath (path, NULL);
  gsize length = strlen (search->real_root);
  gboolean inside = real != NULL && strncmp (real, search->real_root, length) == 0
                    && (real[length] == G_DIR_SEPARATOR || length == 1);

  free (real);
  return inside;
}

static gboolean
is_found (Search *search, const DrayFileFacts *facts)
{
  for (guint i = 0; i < search->found->len; i++)
    {
      const DrayStoreFile *file = g_ptr_array_index (search->found, i);

      if (file->facts.device == facts->device && file->facts.inode == facts->inode)
        return TRUE;
    }

  return FALSE;
}

/* Proposes a file if it is one, may be read, has the size and lies in the store. The catalog holds
 * no path that is not UTF-8. */
static void
propose (Search *search, const char *path)
{
  DrayStoreFile *file;
  DrayFileFacts facts;
  int fd;

  if (search->found->len >= FOUND_MAX || !g_utf8_validate (path, -1, NULL)
      || !is_inside (search, path))
    return;

  fd = dray_file_open_regular (path, &facts);
  if (fd < 0)
    return;
  close (fd);
  if ((search->query->size >= 0 && facts.size != search->query->size) || is_found (search, &facts))
    return;

  file = g_new0 (DrayStoreFile, 1);
  file->program = g_strdup (search->store->program);
  file->path = g_strdup (path);
  file->facts = facts;
  g_ptr_array_add (search->found, file);
}

/* A link in a repository's snapshot, compared with the best one so far: one that has the name that
 * is looked for, else the first in the alphabet, so that the answer is always the same. */
static void
choose_link (Search *search, char **best, const char *path)
{
  const char *name = search->query->name;
  g_autofree char *base = g_path_get_basename (path);
  g_autofree char *best_base = *best != NULL ? g_path_get_basename (*best) : NULL;
  gboolean fits = name != NULL && g_str_equal (base, name);
  gboolean best_fits = name != NULL && g_strcmp0 (best_base, name) == 0;

  if (*best != NULL && (fits == best_fits ? strcmp (path, *best) > 0 : best_fits))
    return;

  g_free (*best);
  *best = g_strdup (path);
}

/* Looks below a folder for the links that lead to a blob. */
static void
find_links (Search *search,
            const char *folder,
            const struct stat *blob,
            guint depth,
            char **best)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = next_name (search, dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      struct stat own, target;

      if (lstat (path, &own) != 0)
        continue;
      if (S_ISDIR (own.st_mode) && depth < DEPTH_MAX)
        find_links (search, path, blob, depth + 1, best);
      else if (S_ISLNK (own.st_mode) && stat (path, &target) == 0
               && target.st_dev == blob->st_dev && target.st_ino == blob->st_ino)
        choose_link (search, best, path);
    }
}

static void
find_in_repository (Search *search, const char *repository)
{
  g_autofree char *blob = g_build_filename (repository, "blobs", search->query->sha256, NULL);
  g_autofree char *snapshots = g_build_filename (repository, "snapshots", NULL);
  g_autofree char *link = NULL;
  struct stat status;

  if (stat (blob, &status) != 0 || !is_inside (search, blob))
    return;

  find_links (search, snapshots, &status, 1, &link);
  propose (search, link != NULL ? link : blob);
}

static void
find_in_hub_cache (Search *search)
{
  g_autoptr (GDir) dir = g_dir_open (search->store->root, 0, NULL);
  const char *name;

  while (dir != NULL && (name = next_name (search, dir)) != NULL)
    {
      g_autofree char *repository = g_build_filename (search->store->root, name, NULL);

      if (g_str_has_prefix (name, "models--"))
        find_in_repository (search, repository);
    }
}

static void
find_in_ollama (Search *search)
{
  g_autofree char *name = g_strconcat ("sha256-", search->query->sha256, NULL);
  g_autofree char *path = g_build_filename (search->store->root, "blobs", name, NULL);

  propose (search, path);
}

/* What programs call a file that they have not fetched to its end. */
static gboolean
is_partial (const char *name)
{
  static const char *const endings[]
      = { ".part", ".partial", "-partial", ".incomplete", ".tmp", ".download" };

  for (guint i = 0; i < G_N_ELEMENTS (endings); i++)
    if (g_str_has_suffix (name, endings[i]))
      return TRUE;

  return FALSE;
}

static gboolean
may_be_it (Search *search, const char *path, const char *name)
{
  const DrayStoreQuery *query = search->query;
  struct stat status;

  if (is_partial (name) || stat (path, &status) != 0 || !S_ISREG (status.st_mode))
    return FALSE;

  /* Without a size the name is all that speaks for a file before it is read. */
  return query->size >= 0 ? status.st_size == query->size : g_strcmp0 (name, query->name) == 0;
}

/* Goes down the two levels and the files; @level is 0 for the store's folder. */
static void
collect (Search *search, const char *folder, guint level, GPtrArray *paths)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = next_name (search, dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      if (name[0] == '.')
        continue;
      if (level < 2)
        collect (search, path, level + 1, paths);
      else if (may_be_it (search, path, name))
        g_ptr_array_add (paths, g_steal_pointer (&path));
    }
}

/* Those that bear the name come first, then the alphabet's order. */
static int
compare_paths (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const char *path_a = *(const char *const *) a;
  const char *path_b = *(const char *const *) b;
  const char *name = user_data;
  g_autofree char *base_a = g_path_get_basename (path_a);
  g_autofree char *base_b = g_path_get_basename (path_b);
  gboolean a_fits = g_strcmp0 (base_a, name) == 0;
  gboolean b_fits = g_strcmp0 (base_b, name) == 0;

  return a_fits != b_fits ? b_fits - a_fits : strcmp (path_a, path_b);
}

static void
find_on_shelves (Search *search)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);

  collect (search, search->store->root, 0, paths);
  g_ptr_array_sort_with_data (paths, compare_paths, (gpointer) search->query->name);
  for (guint i = 0; i < paths->len; i++)
    propose (search, g_ptr_array_index (paths, i));
}

static void
find_in_store (Search *search)
{
  search->real_root = realpath (search->store->root, NULL);
  if (search->real_root == NULL)
    return;

  switch (search->store->layout)
    {
    case DRAY_STORE_HUB:
      find_in_hub_cache (search);
      break;

    case DRAY_STORE_OLLAMA:
      find_in_ollama (search);
      break;

    case DRAY_STORE_SHELVES:
      find_on_shelves (search);
      break;

    default:
      g_assert_not_reached ();
    }
  g_clear_pointer (&search->real_root, free);
}

/**
 * dray_stores_find:
 * @stores: the stores
 * @query: what is looked for
 * @cancellable: (nullable): ends the search
 *
 * Looks for a file by the digest that its name states, or by its size. Half-fetched files, links
 * that lead out of their store, and what is no regular file are passed over. The search ends after a
 * bounded number of names.
 *
 * Returns: (transfer full) (element-type DrayStoreFile): a few files that may be it, the likeliest
 *   first; each is another one
 */
GPtrArray *
dray_stores_find (DrayStores *stores, const DrayStoreQuery *query, GCancellable *cancellable)
{
  Search search = { .query = query, .cancellable = cancellable };

  search.found = g_ptr_array_new_with_free_func ((GDestroyNotify) dray_store_file_free);
  for (guint i = 0; i < stores->stores->len; i++)
    {
      search.store = g_ptr_array_index (stores->stores, i);
      find_in_store (&search);
    }

  return search.found;
}
