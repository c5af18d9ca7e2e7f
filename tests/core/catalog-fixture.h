/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * A throwaway folder with a catalog in it, and blocking forms of the catalog's calls.
 */

#pragma once

#include "core/catalog/catalog.h"

#include <glib/gstdio.h>

typedef struct
{
  char *root; /* the folder to throw away */
  char *path; /* of the catalog, in a folder that is not there yet */
  DrayWorker *disk;
} Fixture;

static inline void
fixture_set_up (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->root = g_dir_make_tmp ("dray-catalog-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->path = g_build_filename (fixture->root, "data", "dray", "catalog.sqlite3", NULL);
  fixture->disk = NULL;
}

static inline void
remove_tree (const char *path)
{
  GDir *dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_tree (child);
    }
  g_clear_pointer (&dir, g_dir_close);
  g_remove (path);
}

static inline void
fixture_tear_down (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  remove_tree (fixture->root);
  g_free (fixture->root);
  g_free (fixture->path);
}

static inline void
keep_result_cb (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer user_data)
{
  GAsyncResult **kept = user_data;

  *kept = g_object_ref (result);
}

static inline GAsyncResult *
wait_for (GAsyncResult **kept)
{
  while (*kept == NULL)
    g_main_context_iteration (NULL, TRUE);

  return *kept;
}

static inline DrayCatalog *
open_catalog (Fixture *fixture, DrayCatalogContents **contents, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  dray_catalog_open_async (fixture->path, fixture->disk, keep_result_cb, &result);

  return dray_catalog_open_finish (wait_for (&result), contents, error);
}

static inline DrayCatalog *
must_open (Fixture *fixture, DrayCatalogContents **contents)
{
  g_autoptr (GError) error = NULL;
  DrayCatalog *catalog = open_catalog (fixture, contents, &error);

  g_assert_no_error (error);
  g_assert_nonnull (catalog);

  return catalog;
}

static inline gboolean
write_change (DrayCatalog *catalog,
              DrayCatalogChange *change,
              DrayDurability durability,
              GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  dray_catalog_write_async (catalog, change, durability, keep_result_cb, &result);

  return dray_catalog_write_finish (wait_for (&result), error);
}

static inline void
must_write (DrayCatalog *catalog, DrayCatalogChange *change, DrayDurability durability)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (write_change (catalog, change, durability, &error));
  g_assert_no_error (error);
}

/* A change that adds a model of this name. */
static inline DrayCatalogChange *
model_change (const char *id)
{
  DrayCatalogChange *change = dray_catalog_change_new ();
  g_autoptr (DrayModelRecord) model = dray_model_record_new (id, "publisher", "name");

  dray_catalog_change_put_model (change, model);

  return change;
}

/* A plain asset of the model "m", the least that the catalog takes. */
static inline void
init_asset (DrayAssetRecord *asset, gint64 id, const char *name)
{
  dray_asset_record_init (asset);
  asset->id = id;
  asset->model_id = g_strdup ("m");
  asset->download_key = g_strdup ("url:http://localhost/f");
  asset->url = g_strdup ("http://localhost/f");
  asset->directory = g_strdup ("/models/m");
  asset->name = g_strdup (name);
}

static inline DrayCatalogChange *
asset_change (gint64 id, const char *name)
{
  DrayCatalogChange *change = model_change ("m");
  g_auto (DrayAssetRecord) asset;

  init_asset (&asset, id, name);
  dray_catalog_change_put_asset (change, &asset);

  return change;
}
