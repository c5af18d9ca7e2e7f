/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/library/space.h"

#include "core/base/piece.h"

#include <glib/gstdio.h>
#include <string.h>

#define SET_ASIDE ((gsize) 1024 * 1024)

/* A folder with a partial file in it that has some room already. */
typedef struct
{
  char *directory;
  char *part;
} Fixture;

static void
set_up (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *bytes = g_malloc (SET_ASIDE);
  g_autoptr (GError) error = NULL;

  memset (bytes, 'x', SET_ASIDE);
  fixture->directory = g_dir_make_tmp ("dray-space-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->part = g_build_filename (fixture->directory, "model.gguf.part", NULL);
  g_file_set_contents (fixture->part, bytes, SET_ASIDE, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_unlink (fixture->part);
  g_rmdir (fixture->directory);
  g_free (fixture->part);
  g_free (fixture->directory);
}

static gint64
sum_up (const char *where, const char *directory, const char *part, gint64 total, guint times)
{
  g_autoptr (GPtrArray) needs
      = g_ptr_array_new_with_free_func ((GDestroyNotify) dray_space_need_free);

  for (guint i = 0; i < times; i++)
    g_ptr_array_add (needs, dray_space_need_new (directory, part, total));

  return dray_space_sum_up (needs, where);
}

static void
test_sum (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  const char *here = fixture->directory;
  const gint64 total = 10 * (gint64) SET_ASIDE;

  g_assert_cmpint (dray_space_sum_up (NULL, here), ==, 0);
  g_assert_cmpint (sum_up (here, here, NULL, total, 1), ==, total);
  g_assert_cmpint (sum_up (here, here, NULL, total, 3), ==, 3 * total);
  g_assert_cmpint (sum_up (here, here, "/nowhere", total, 1), ==, total);

  /* What is set aside is not needed again. */
  g_assert_cmpint (sum_up (here, here, fixture->part, total, 1), <=, 9 * (gint64) SET_ASIDE);
  g_assert_cmpint (sum_up (here, here, fixture->part, 100, 1), ==, 0);

  /* Another drive, one that is not there, and a size that nobody knows. */
  g_assert_cmpint (sum_up (here, "/proc", NULL, total, 1), ==, 0);
  g_assert_cmpint (sum_up (here, "/nowhere", NULL, total, 1), ==, 0);
  g_assert_cmpint (sum_up ("/nowhere", here, NULL, total, 1), ==, 0);
  g_assert_cmpint (sum_up (here, here, NULL, DRAY_SIZE_UNKNOWN, 1), ==, 0);

  /* Sizes that no drive has do not overflow. */
  g_assert_cmpint (sum_up (here, here, NULL, (gint64) 1 << 60, 100), >=, (gint64) 1 << 60);
}

static gint64
get_missing (const char *directory, const char *part, gint64 total)
{
  g_autoptr (DraySpaceNeed) need = dray_space_need_new (directory, part, total);

  return dray_space_get_missing (need);
}

static void
test_missing (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_assert_cmpint (get_missing (fixture->directory, fixture->part, 100), ==, 0);
  g_assert_cmpint (get_missing (fixture->directory, NULL, (gint64) 1 << 60), >, (gint64) 1 << 59);
  g_assert_cmpint (get_missing ("/nowhere", NULL, (gint64) 1 << 60), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add ("/space/sum", Fixture, NULL, set_up, test_sum, tear_down);
  g_test_add ("/space/missing", Fixture, NULL, set_up, test_missing, tear_down);

  return g_test_run ();
}
