/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What the catalog promises: order, one commit for what waits, one process, kills, syncs, a full
 * disk.
 *
 * A child process is this program again with two arguments; see write_until_killed(). The syncs are
 * counted in SQLite's own calls, by a VFS that puts itself in front of the default one.
 */

#include "tests/core/catalog-fixture.h"

#include "core/base/error.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t methods_lock = PTHREAD_MUTEX_INITIALIZER;
static sqlite3_io_methods wal_methods;
static const sqlite3_io_methods *real_methods;
static sqlite3_vfs *real_vfs;
static sqlite3_vfs counting_vfs;
static int n_wal_syncs;
static int wal_is_full;

static int
count_sync (sqlite3_file *file, int flags)
{
  g_atomic_int_inc (&n_wal_syncs);

  return real_methods->xSync (file, flags);
}

static int
refuse_write (sqlite3_file *file, const void *bytes, int n_bytes, sqlite3_int64 offset)
{
  if (g_atomic_int_get (&wal_is_full))
    return SQLITE_FULL;

  return real_methods->xWrite (file, bytes, n_bytes, offset);
}

static int
open_file (G_GNUC_UNUSED sqlite3_vfs *vfs,
           const char *name,
           sqlite3_file *file,
           int flags,
           int *out_flags)
{
  int status = real_vfs->xOpen (real_vfs, name, file, flags, out_flags);

  if (status != SQLITE_OK || (flags & SQLITE_OPEN_WAL) == 0)
    return status;

  pthread_mutex_lock (&methods_lock);
  if (real_methods == NULL)
    {
      real_methods = file->pMethods;
      wal_methods = *real_methods;
      wal_methods.xSync = count_sync;
      wal_methods.xWrite = refuse_write;
    }
  pthread_mutex_unlock (&methods_lock);
  file->pMethods = &wal_methods;

  return status;
}

static void
register_counting_vfs (void)
{
  real_vfs = sqlite3_vfs_find (NULL);
  counting_vfs = *real_vfs;
  counting_vfs.zName = "counting";
  counting_vfs.pNext = NULL;
  counting_vfs.xOpen = open_file;
  g_assert_cmpint (sqlite3_vfs_register (&counting_vfs, 1), ==, SQLITE_OK);
}

static DrayCatalogChange *
numbered_change (guint number)
{
  g_autofree char *id = g_strdup_printf ("%06u", number);

  return model_change (id);
}

/* Models are read in the order of their ids, so the ids must be 0, 1, 2 and so on. */
static guint
count_models (const DrayCatalogContents *contents)
{
  for (guint i = 0; i < contents->models->len; i++)
    {
      const DrayModelRecord *model = g_ptr_array_index (contents->models, i);

      g_assert_cmpuint (atoi (model->id), ==, i);
    }

  return contents->models->len;
}

static void
test_syncs (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayCatalog *catalog = must_open (fixture, NULL);
  int before;

  must_write (catalog, numbered_change (0), DRAY_DURABILITY_PROCESS);
  for (guint i = 1; i < 20; i += 2)
    {
      before = g_atomic_int_get (&n_wal_syncs);
      must_write (catalog, numbered_change (i), DRAY_DURABILITY_PROCESS);
      g_assert_cmpint (g_atomic_int_get (&n_wal_syncs) - before, ==, 0);

      /* A durable change that finds its row as it should be confirms what was not synced. */
      must_write (catalog, numbered_change (i), DRAY_DURABILITY_MACHINE);
      g_assert_cmpint (g_atomic_int_get (&n_wal_syncs) - before, ==, 1);

      must_write (catalog, numbered_change (i + 1), DRAY_DURABILITY_MACHINE);
      g_assert_cmpint (g_atomic_int_get (&n_wal_syncs) - before, ==, 2);
    }
  dray_catalog_free (catalog);
}

typedef struct
{
  guint n_returned;
  guint n_refused;
  guint only_refused; /* the number of the write that is to be refused */
} Many;

static void
written_cb (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer user_data)
{
  Many *many = user_data;
  g_autoptr (GError) error = NULL;

  if (!dray_catalog_write_finish (result, &error))
    {
      g_assert_error (error, DRAY_ERROR, DRAY_ERROR_CATALOG_DAMAGED);
      g_assert_cmpuint (many->n_returned, ==, many->only_refused);
      many->n_refused++;
    }
  many->n_returned++;
}

#define MANY 100

static void
test_together (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayCatalog *catalog = must_open (fixture, NULL);
  g_autoptr (DrayCatalogContents) contents = NULL;
  Many many = { .only_refused = g_test_rand_int_range (0, MANY) };
  int before = g_atomic_int_get (&n_wal_syncs);

  for (guint i = 0; i < MANY; i++)
    {
      DrayCatalogChange *change = numbered_change (i < many.only_refused ? i : i - 1);

      if (i == many.only_refused)
        {
          dray_catalog_change_free (change);
          change = model_change ("undone with the rest of its change");
          dray_catalog_change_put_pieces (change, 77, &(DrayPiece){ 0 }, 1);
        }
      dray_catalog_write_async (catalog, change, DRAY_DURABILITY_MACHINE, written_cb, &many);
    }
  while (many.n_returned < MANY)
    g_main_context_iteration (NULL, TRUE);

  g_assert_cmpuint (many.n_refused, ==, 1);
  g_assert_cmpint (g_atomic_int_get (&n_wal_syncs) - before, <=, 3);
  dray_catalog_free (catalog);
  dray_catalog_free (must_open (fixture, &contents));
  g_assert_cmpuint (count_models (contents), ==, MANY - 1);
}

static void
test_free_writes_what_waits (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayCatalog *catalog = must_open (fixture, NULL);
  g_autoptr (DrayCatalogContents) contents = NULL;
  Many many = { .only_refused = G_MAXUINT };

  for (guint i = 0; i < MANY; i++)
    dray_catalog_write_async (catalog,
                              numbered_change (i),
                              DRAY_DURABILITY_PROCESS,
                              i % 2 == 0 ? written_cb : NULL,
                              &many);
  dray_catalog_free (catalog);

  dray_catalog_free (must_open (fixture, &contents));
  g_assert_cmpuint (count_models (contents), ==, MANY);
  while (many.n_returned < MANY / 2)
    g_main_context_iteration (NULL, TRUE);
}

static void
test_full_disk (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayCatalog *catalog = must_open (fixture, NULL);
  g_autoptr (DrayCatalogContents) contents = NULL;
  g_autoptr (GError) error = NULL;
  DrayCatalogChange *change = numbered_change (1);
  g_auto (DrayAssetRecord) asset;

  init_asset (&asset, 1, "f");
  g_free (asset.model_id);
  asset.model_id = g_strdup ("000001");
  dray_catalog_change_put_asset (change, &asset);

  must_write (catalog, numbered_change (0), DRAY_DURABILITY_PROCESS);
  g_atomic_int_set (&wal_is_full, TRUE);
  g_assert_false (write_change (catalog, change, DRAY_DURABILITY_PROCESS, &error));
  g_assert_error (error, DRAY_ERROR, DRAY_ERROR_DISK_FULL);
  g_atomic_int_set (&wal_is_full, FALSE);

  contents = dray_catalog_read (fixture->path, NULL);
  g_assert_cmpuint (count_models (contents), ==, 1);
  g_assert_cmpuint (contents->assets->len, ==, 0);
  must_write (catalog, numbered_change (1), DRAY_DURABILITY_PROCESS);
  dray_catalog_free (catalog);
}

static void
test_checkpoints (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *large = g_strnfill (6 * 1024 * 1024, 'x');
  g_autoptr (DrayModelRecord) model = dray_model_record_new ("000000", "publisher", large);
  DrayCatalogChange *change = dray_catalog_change_new ();
  DrayCatalog *catalog;
  g_autoptr (DrayCatalogContents) contents = NULL;
  GStatBuf before, after;

  fixture->disk = dray_worker_new ("disk");
  catalog = must_open (fixture, NULL);
  g_assert_cmpint (g_stat (fixture->path, &before), ==, 0);
  dray_catalog_change_put_model (change, model);
  must_write (catalog, change, DRAY_DURABILITY_PROCESS);
  for (guint i = 1; i < 20; i++)
    must_write (catalog, numbered_change (i), DRAY_DURABILITY_PROCESS);

  /* The catalog goes while a checkpoint may be under way. */
  dray_catalog_free (catalog);
  g_clear_pointer (&fixture->disk, dray_worker_free);
  g_assert_cmpint (g_stat (fixture->path, &after), ==, 0);
  g_assert_cmpint (before.st_size, <, 1024 * 1024);
  g_assert_cmpint (after.st_size, >, 6 * 1024 * 1024);

  dray_catalog_free (must_open (fixture, &contents));
  g_assert_cmpuint (count_models (contents), ==, 20);
}

static void
assert_busy (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (open_catalog (fixture, NULL, &error));
  g_assert_error (error, DRAY_ERROR, DRAY_ERROR_BUSY);
  g_assert_nonnull (strstr (error->message, "Another Dray"));
}

static void
test_one_at_a_time (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayCatalog *catalog = must_open (fixture, NULL);
  g_autofree char *directory = g_path_get_dirname (fixture->path);
  g_autofree char *lock = g_build_filename (directory, "catalog.lock", NULL);
  GStatBuf info;

  assert_busy (fixture);
  assert_busy (fixture);
  g_assert_cmpint (g_stat (directory, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 0777, ==, 0700);
  must_write (catalog, numbered_change (0), DRAY_DURABILITY_PROCESS);
  dray_catalog_free (catalog);

  g_assert_true (g_file_test (lock, G_FILE_TEST_EXISTS));
  dray_catalog_free (must_open (fixture, NULL));
}

/* The child: adds numbered models where the last one stopped, and says each number once the catalog
 * has said that it is written. */
static int
write_until_killed (const char *path)
{
  Fixture fixture = { .path = g_strdup (path) };
  g_autoptr (DrayCatalogContents) contents = NULL;
  DrayCatalog *catalog = must_open (&fixture, &contents);

  for (guint i = count_models (contents);; i++)
    {
      must_write (catalog, numbered_change (i), DRAY_DURABILITY_PROCESS);
      printf ("%u\n", i);
      if (fflush (stdout) != 0)
        return 1;
    }
}

static GSubprocess *
start_child (Fixture *fixture, GDataInputStream **lines)
{
  g_autoptr (GError) error = NULL;
  GSubprocess *child = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE,
                                         &error,
                                         "/proc/self/exe",
                                         "--write-until-killed",
                                         fixture->path,
                                         NULL);

  g_assert_no_error (error);
  *lines = g_data_input_stream_new (g_subprocess_get_stdout_pipe (child));

  return child;
}

static gboolean
read_number (GDataInputStream *lines, guint *number)
{
  g_autofree char *line = g_data_input_stream_read_line (lines, NULL, NULL, NULL);

  if (line == NULL)
    return FALSE;

  *number = atoi (line);

  return TRUE;
}

static void
test_kills (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  for (guint round = 0; round < 20; round++)
    {
      g_autoptr (GDataInputStream) lines = NULL;
      g_autoptr (GSubprocess) child = start_child (fixture, &lines);
      g_autoptr (DrayCatalogContents) contents = NULL;
      guint last = 0;

      for (gint wanted = g_test_rand_int_range (1, 60); wanted > 0; wanted--)
        g_assert_true (read_number (lines, &last));
      g_subprocess_force_exit (child);
      while (read_number (lines, &last))
        ;
      g_assert_true (g_subprocess_wait (child, NULL, NULL));

      dray_catalog_free (must_open (fixture, &contents));
      g_assert_cmpuint (count_models (contents), >, last);
      g_assert_cmpuint (count_models (contents), <=, last + 2);
    }
}

static void
test_reading_beside_a_writer (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GDataInputStream) lines = NULL;
  g_autoptr (GSubprocess) child = start_child (fixture, &lines);

  for (guint i = 0; i < 30; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (DrayCatalogContents) contents = NULL;
      guint last = 0;

      g_assert_true (read_number (lines, &last));
      contents = dray_catalog_read (fixture->path, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (count_models (contents), >, last);
      assert_busy (fixture);
    }
  g_subprocess_force_exit (child);
  g_assert_true (g_subprocess_wait (child, NULL, NULL));
}

#define ADD(name, func)                                                                           \
  g_test_add ("/catalog/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main (int argc, char *argv[])
{
  if (argc == 3 && g_str_equal (argv[1], "--write-until-killed"))
    return write_until_killed (argv[2]);

  register_counting_vfs ();
  g_test_init (&argc, &argv, NULL);

  ADD ("syncs", test_syncs);
  ADD ("together", test_together);
  ADD ("free-writes-what-waits", test_free_writes_what_waits);
  ADD ("full-disk", test_full_disk);
  ADD ("checkpoints", test_checkpoints);
  ADD ("one-at-a-time", test_one_at_a_time);
  ADD ("kills", test_kills);
  ADD ("reading-beside-a-writer", test_reading_beside_a_writer);

  return g_test_run ();
}
