/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What a program that is killed leaves behind, without killing the test. */

#include "tests/core/contract-world-private.h"

#include "core/request/manager-private.h"

#include <sqlite3.h>
#include <unistd.h>

static void
copy_catalog (const char *path, const char *copy)
{
  g_autofree char *statement = g_strdup_printf ("VACUUM INTO '%s'", copy);
  sqlite3 *database = NULL;

  if (sqlite3_open_v2 (path, &database, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK
      || sqlite3_exec (database, statement, NULL, NULL, NULL) != SQLITE_OK)
    g_error ("Could not copy the catalog: %s", sqlite3_errmsg (database));
  sqlite3_close (database);
}

static void
written_cb (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer user_data)
{
  gboolean *written = user_data;

  *written = dray_catalog_write_finish (result, NULL);
}

static gboolean
is_set (gpointer data)
{
  return *(gboolean *) data;
}

/* What the manager has seen by now is written when a later change is. */
static void
wait_for_catalog (DrayManager *manager)
{
  gboolean written = FALSE;

  dray_catalog_write_async (manager->engine.catalog, dray_catalog_change_new (),
                            DRAY_DURABILITY_PROCESS, written_cb, &written);
  fixture_wait (is_set, &written);
}

/* Gives every file of one folder its name in another as well, so that it stays the same file. */
static void
link_files (const char *from, const char *to)
{
  g_autoptr (GDir) dir = g_dir_open (from, 0, NULL);
  const char *name;

  g_mkdir_with_parents (to, 0700);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *old = g_build_filename (from, name, NULL);
      g_autofree char *new = g_build_filename (to, name, NULL);

      if (link (old, new) != 0 && errno != EEXIST)
        g_error ("Could not link “%s”: %s", old, g_strerror (errno));
    }
}

static void
unlink_files (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      g_unlink (path);
    }
}

static void
move_files (const char *from, const char *to)
{
  unlink_files (to);
  link_files (from, to);
  unlink_files (from);
}

/* What a kill at this moment would leave: the catalog and the files as they are now, whatever the
 * manager still does to them before it has closed. */
void
world_kill (World *world)
{
  ManagerFixture *fixture = &world->fixture;
  g_autofree char *copy = g_build_filename (fixture->root, "killed.sqlite3", NULL);
  g_autofree char *elsewhere = world_dup_folder (world, 1);
  g_autofree char *aside = g_build_filename (fixture->root, "aside", NULL);
  g_autofree char *aside_too = g_build_filename (fixture->root, "aside-too", NULL);
  g_autofree char *journal = g_strconcat (fixture->catalog_path, "-wal", NULL);
  g_autofree char *index = g_strconcat (fixture->catalog_path, "-shm", NULL);

  oracle_kill (world->oracle);
  wait_for_catalog (fixture->manager);
  copy_catalog (fixture->catalog_path, copy);
  link_files (fixture->directory, aside);
  link_files (elsewhere, aside_too);
  fixture_close (fixture);
  move_files (aside, fixture->directory);
  move_files (aside_too, elsewhere);
  g_unlink (journal);
  g_unlink (index);
  g_assert_cmpint (g_rename (copy, fixture->catalog_path), ==, 0);
  world_open (world);
}
