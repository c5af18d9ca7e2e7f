/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/library/library.h"

#include "core/library/file-name.h"

#include <string.h>

/* The sandbox's mark (flatpak-run(1)). */
#define SANDBOX_MARK "/.flatpak-info"

/**
 * dray_library_get_default_root:
 *
 * In a sandbox without a folder for downloads, the home folder is made anew at each start, and what
 * is put there is gone with it. Only the program's own data folder stays.
 *
 * Returns: (transfer full): `Models` in the person's folder for downloads, or in `Downloads` of the
 *   home folder where none is configured
 */
char *
dray_library_get_default_root (void)
{
  const char *downloads = g_get_user_special_dir (G_USER_DIRECTORY_DOWNLOAD);

  if (downloads != NULL)
    return g_build_filename (downloads, "Models", NULL);

  if (g_file_test (SANDBOX_MARK, G_FILE_TEST_EXISTS))
    return g_build_filename (g_get_user_data_dir (), "dray", "Models", NULL);

  return g_build_filename (g_get_home_dir (), "Downloads", "Models", NULL);
}

/**
 * dray_library_is_shelf:
 * @root: the library's folder
 * @directory: an absolute path
 *
 * Returns: whether @directory is where a model belongs in that library, two levels deep
 */
gboolean
dray_library_is_shelf (const char *root, const char *directory)
{
  g_autofree char *publisher = g_path_get_dirname (directory);
  g_autofree char *above = g_path_get_dirname (publisher);
  g_autofree char *canonical = g_canonicalize_filename (root, NULL);

  return g_str_equal (above, canonical) && !g_str_equal (publisher, above);
}

static gint64
get_modified (const struct stat *facts)
{
  return (gint64) facts->st_mtim.tv_sec * 1000000000 + facts->st_mtim.tv_nsec;
}

/**
 * dray_finished_file_is:
 * @finished: what is known of a finished file
 * @facts: what is there now
 *
 * Returns: whether it is that file, and nobody has written to it since
 */
gboolean
dray_finished_file_is (const DrayFinishedFile *finished, const struct stat *facts)
{
  return S_ISREG (facts->st_mode) && facts->st_ino == finished->inode
         && facts->st_size == finished->size
         && (finished->external ? get_modified (facts) == finished->modified
                                : facts->st_mtime <= finished->completed_at);
}

/**
 * dray_library_has_file:
 * @path: where a finished file was put
 * @finished: what is known of it
 *
 * Blocks: for a disk thread.
 *
 * Returns: whether it is still there and nobody has written to it since
 */
gboolean
dray_library_has_file (const char *path, const DrayFinishedFile *finished)
{
  struct stat facts;

  return (finished->external ? stat (path, &facts) : lstat (path, &facts)) == 0
         && dray_finished_file_is (finished, &facts);
}

/**
 * dray_shelf_init:
 * @shelf: (out caller-allocates): where a model belongs
 * @publisher: who publishes it, in any words
 * @model: what it is called, in any words
 */
void
dray_shelf_init (DrayShelf *shelf, const char *publisher, const char *model)
{
  shelf->publisher = dray_file_name_clean (publisher);
  shelf->model = dray_file_name_clean (model);
}

/**
 * dray_shelf_init_for_link:
 * @shelf: (out caller-allocates): where the file of a link belongs
 * @url: a link with a host
 *
 * The host stands for the publisher, the file's name without its suffix and without the number of a
 * shard for the model: all shards of a set have one shelf.
 */
void
dray_shelf_init_for_link (DrayShelf *shelf, const char *url)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_ENCODED, NULL);
  g_autofree char *file = dray_file_name_from_url (url);
  char *dot = strrchr (file, '.');

  if (dot != NULL && dot != file)
    *dot = '\0';
  dray_file_name_strip_shard (file);

  dray_shelf_init (shelf, uri != NULL ? g_uri_get_host (uri) : "", file);
}

/**
 * dray_shelf_get_directory:
 * @shelf: where a model belongs
 * @root: the library's folder
 *
 * Returns: (transfer full): the folder of the model
 */
char *
dray_shelf_get_directory (const DrayShelf *shelf, const char *root)
{
  return g_build_filename (root, shelf->publisher, shelf->model, NULL);
}

void
dray_shelf_clear (DrayShelf *shelf)
{
  g_clear_pointer (&shelf->publisher, g_free);
  g_clear_pointer (&shelf->model, g_free);
}
