/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What later versions of the catalog brought, and the catalogs of earlier ones. */

#include "tests/core/catalog-fixture.h"

#include "core/base/error.h"

#include <sqlite3.h>

#define MODEL "url:http://localhost/f"

/* Runs the statements, and returns the one text or number that they give; "" for none. */
static char *
query (const char *path, const char *sql)
{
  sqlite3 *db = NULL;
  sqlite3_stmt *statement = NULL;
  char *value;

  g_assert_cmpint (sqlite3_open (path, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_prepare_v2 (db, sql, -1, &statement, NULL), ==, SQLITE_OK);
  value = sqlite3_step (statement) == SQLITE_ROW
              ? g_strdup ((const char *) sqlite3_column_text (statement, 0))
              : g_strdup ("");
  sqlite3_finalize (statement);
  sqlite3_close (db);

  return value;
}

static void
assert_query (Fixture *fixture, const char *sql, const char *expected)
{
  g_autofree char *value = query (fixture->path, sql);

  g_assert_cmpstr (value, ==, expected);
}

static void
make_version_1 (Fixture *fixture)
{
  g_autofree char *file = g_test_build_filename (G_TEST_DIST, "catalog-1.sql", NULL);
  g_autofree char *directory = g_path_get_dirname (fixture->path);
  g_autofree char *sql = NULL;
  sqlite3 *db = NULL;

  g_assert_true (g_file_get_contents (file, &sql, NULL, NULL));
  g_assert_cmpint (g_mkdir_with_parents (directory, 0700), ==, 0);
  g_assert_cmpint (sqlite3_open (fixture->path, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (db, "PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON;",
                                 NULL, NULL, NULL),
                   ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_close (db), ==, SQLITE_OK);
}

static DrayCatalogContents *
must_read (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  DrayCatalogContents *contents = dray_catalog_read (fixture->path, &error);

  g_assert_no_error (error);

  return contents;
}

/* The same rows in the same order, and nothing in what version 1 did not have. */
static void
assert_version_1_rows (const DrayCatalogContents *contents)
{
  static const char *const ids[] = { "child", "parent", "last" };
  const DrayStoredAsset *asset;

  g_assert_cmpuint (contents->models->len, ==, 1);
  g_assert_cmpuint (contents->assets->len, ==, 1);
  asset = g_ptr_array_index (contents->assets, 0);
  g_assert_cmpint (asset->record.id, ==, 4);
  g_assert_cmpuint (asset->pieces->len, ==, 1);
  g_assert_cmpuint (asset->blocks->len, ==, 1);
  g_assert_cmpuint (asset->aliases->len, ==, 0);

  g_assert_cmpuint (contents->requests->len, ==, G_N_ELEMENTS (ids));
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      const DrayRequestRecord *request = g_ptr_array_index (contents->requests, i);

      g_assert_cmpstr (request->id, ==, ids[i]);
      g_assert_cmpstr (request->parent_id, ==, i == 0 ? "parent" : NULL);
      g_assert_cmpint (request->asset_id, ==, i == 1 ? 0 : 4);
      g_assert_cmpstr (request->error_name, ==,
                       i == 0 ? NULL : (i == 1 ? "network" : "checksum-mismatch"));
      g_assert_cmpint (request->position, ==, 0);
      g_assert_false (request->resumes);
    }

  g_assert_cmpuint (contents->model_aliases->len, ==, 0);
  g_assert_cmpuint (contents->facts->len, ==, 0);
  g_assert_cmpuint (g_hash_table_size (contents->settings), ==, 0);
}

static void
test_migration (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (DrayCatalogContents) contents = NULL;
  g_autoptr (DrayCatalogContents) again = NULL;
  DrayCatalogChange *change;
  DrayCatalog *catalog;

  make_version_1 (fixture);
  catalog = must_open (fixture, &contents);
  assert_version_1_rows (contents);
  g_assert_cmpint (dray_catalog_reserve_asset_id (catalog), ==, 5);

  /* The references between requests are those of the new table. */
  change = dray_catalog_change_new ();
  dray_catalog_change_delete_request (change, "parent");
  dray_catalog_change_delete_asset (change, 4);
  must_write (catalog, change, DRAY_DURABILITY_PROCESS);
  dray_catalog_free (catalog);

  assert_query (fixture, "PRAGMA user_version", "5");
  assert_query (fixture, "PRAGMA integrity_check", "ok");
  assert_query (fixture, "PRAGMA foreign_key_check", "");
  assert_query (fixture, "SELECT count (*) FROM request", "2");
  assert_query (fixture, "SELECT count (*) FROM request WHERE parent_id IS NULL", "2");
  assert_query (fixture, "SELECT count (*) FROM request WHERE asset_id IS NULL", "2");
  again = must_read (fixture);
  g_assert_cmpuint (again->requests->len, ==, 2);
}

/* A catalog that was brought up to date looks as one that was made today. */
static void
test_same_schema (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const char sql[]
      = "SELECT group_concat (sql, char (10)) FROM"
        " (SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name)";
  g_autofree char *fresh = NULL;
  G_GNUC_UNUSED g_autofree char *fresh_path = fixture->path;

  dray_catalog_free (must_open (fixture, NULL));
  fresh = query (fixture->path, sql);
  fixture->path = g_build_filename (fixture->root, "old", "catalog.sqlite3", NULL);
  make_version_1 (fixture);
  dray_catalog_free (must_open (fixture, NULL));
  assert_query (fixture, sql, fresh);
  g_assert_nonnull (strstr (fresh, "CREATE TABLE request (\n"));
}

/* A listing neither needs nor makes the latest version. */
static void
test_reading_version_1 (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (DrayCatalogContents) contents = NULL;

  make_version_1 (fixture);
  contents = must_read (fixture);
  assert_version_1_rows (contents);
  assert_query (fixture, "PRAGMA user_version", "1");
}

static void
put_aliases (DrayCatalogChange *change, gint64 asset_id, const char *first, const char *second)
{
  g_autoptr (GPtrArray) aliases = g_ptr_array_new ();

  if (first != NULL)
    g_ptr_array_add (aliases, (gpointer) first);
  if (second != NULL)
    g_ptr_array_add (aliases, (gpointer) second);
  dray_catalog_change_put_aliases (change, asset_id, aliases);
}

static void
test_aliases (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayCatalog *catalog = must_open (fixture, NULL);
  DrayCatalogChange *change = asset_change (1, "f");
  g_autoptr (DrayCatalogContents) both = NULL;
  g_autoptr (DrayCatalogContents) one = NULL;
  const DrayStoredAsset *asset;
  const DrayModelAlias *alias;

  put_aliases (change, 1, "url:http://localhost/z", "sha256:a");
  dray_catalog_change_put_model_alias (change, "url:http://localhost/z", "m");
  must_write (catalog, change, DRAY_DURABILITY_PROCESS);
  must_write (catalog, asset_change (1, "g"), DRAY_DURABILITY_PROCESS);
  both = must_read (fixture);
  asset = g_ptr_array_index (both->assets, 0);
  g_assert_cmpuint (asset->aliases->len, ==, 2);
  g_assert_cmpstr (g_ptr_array_index (asset->aliases, 0), ==, "sha256:a");
  g_assert_cmpstr (g_ptr_array_index (asset->aliases, 1), ==, "url:http://localhost/z");

  change = model_change ("n");
  put_aliases (change, 1, "sha256:b", NULL);
  dray_catalog_change_put_model_alias (change, "url:http://localhost/z", "n");
  must_write (catalog, change, DRAY_DURABILITY_PROCESS);
  one = must_read (fixture);
  asset = g_ptr_array_index (one->assets, 0);
  g_assert_cmpuint (asset->aliases->len, ==, 1);
  g_assert_cmpstr (g_ptr_array_index (asset->aliases, 0), ==, "sha256:b");
  g_assert_cmpuint (one->model_aliases->len, ==, 2);
  alias = g_ptr_array_index (one->model_aliases, 1);
  g_assert_cmpstr (alias->alias, ==, "url:http://localhost/z");
  g_assert_cmpstr (alias->model_id, ==, "n");

  change = dray_catalog_change_new ();
  dray_catalog_change_delete_asset (change, 1);
  must_write (catalog, change, DRAY_DURABILITY_PROCESS);
  dray_catalog_free (catalog);
  assert_query (fixture, "SELECT count (*) FROM asset_alias", "0");
}

static void
test_unknown_owners (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayCatalog *catalog = must_open (fixture, NULL);
  g_autoptr (DrayFactsRecord) facts = dray_facts_record_new ("nobody", "gguf");

  for (guint i = 0; i < 3; i++)
    {
      DrayCatalogChange *change = dray_catalog_change_new ();
      g_autoptr (GError) error = NULL;

      if (i == 0)
        put_aliases (change, 9, "sha256:a", NULL);
      else if (i == 1)
        dray_catalog_change_put_model_alias (change, "a", "nobody");
      else
        dray_catalog_change_put_facts (change, facts);
      g_assert_false (write_change (catalog, change, DRAY_DURABILITY_PROCESS, &error));
      g_assert_error (error, DRAY_ERROR, DRAY_ERROR_CATALOG_DAMAGED);
    }
  dray_catalog_free (catalog);
}

static void
assert_same_facts (const DrayFactsRecord *a, const DrayFactsRecord *b)
{
  g_assert_cmpstr (a->model_id, ==, b->model_id);
  g_assert_cmpstr (a->format, ==, b->format);
  g_assert_cmpint (a->version, ==, b->version);
  g_assert_cmpstr (a->architecture, ==, b->architecture);
  g_assert_cmpstr (a->name, ==, b->name);
  g_assert_cmpstr (a->quantisation, ==, b->quantisation);
  g_assert_cmpint (a->parameters, ==, b->parameters);
  g_assert_cmpint (a->context_length, ==, b->context_length);
  g_assert_cmpint (a->layers, ==, b->layers);
  g_assert_cmpint (a->embedding_length, ==, b->embedding_length);
  g_assert_cmpint (a->shards, ==, b->shards);
  g_assert_cmpint (a->tensors, ==, b->tensors);
  g_assert_cmpint (a->unknown_tensors, ==, b->unknown_tensors);
  g_assert_cmpint (a->size, ==, b->size);
}

static void
write_facts (DrayCatalog *catalog, const DrayFactsRecord *facts)
{
  DrayCatalogChange *change = model_change (facts->model_id);

  dray_catalog_change_put_facts (change, facts);
  must_write (catalog, change, DRAY_DURABILITY_PROCESS);
}

static void
test_facts (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayCatalog *catalog = must_open (fixture, NULL);
  g_autoptr (DrayFactsRecord) bare = dray_facts_record_new (MODEL, "safetensors");
  DrayFactsRecord full = { (char *) MODEL, (char *) "gguf", 3, (char *) "llama", (char *) "Qwen",
                           (char *) "Q4_K_M", G_GINT64_CONSTANT (400) << 30, 131072, 64, 8192, 5,
                           900, 0, G_GINT64_CONSTANT (1) << 40 };
  g_autoptr (DrayCatalogContents) first = NULL;
  g_autoptr (DrayCatalogContents) second = NULL;

  write_facts (catalog, &full);
  first = must_read (fixture);
  g_assert_cmpuint (first->facts->len, ==, 1);
  assert_same_facts (g_ptr_array_index (first->facts, 0), &full);

  write_facts (catalog, bare);
  second = must_read (fixture);
  g_assert_cmpuint (second->facts->len, ==, 1);
  assert_same_facts (g_ptr_array_index (second->facts, 0), bare);
  dray_catalog_free (catalog);
}

static void
test_settings (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayCatalog *catalog = must_open (fixture, NULL);
  DrayCatalogChange *change = dray_catalog_change_new ();
  g_autoptr (DrayCatalogContents) contents = NULL;

  dray_catalog_change_put_setting (change, "held", "0");
  dray_catalog_change_put_setting (change, "max-transfers", "");
  must_write (catalog, change, DRAY_DURABILITY_PROCESS);
  change = dray_catalog_change_new ();
  dray_catalog_change_put_setting (change, "held", "1");
  must_write (catalog, change, DRAY_DURABILITY_PROCESS);
  dray_catalog_free (catalog);

  catalog = must_open (fixture, &contents);
  g_assert_cmpuint (g_hash_table_size (contents->settings), ==, 2);
  g_assert_cmpstr (g_hash_table_lookup (contents->settings, "held"), ==, "1");
  g_assert_cmpstr (g_hash_table_lookup (contents->settings, "max-transfers"), ==, "");
  dray_catalog_free (catalog);
}

static DrayCatalogChange *
external_change (gint64 id, DrayAssetState state)
{
  DrayCatalogChange *change = model_change ("m");
  g_auto (DrayAssetRecord) asset;

  init_asset (&asset, id, "f");
  asset.state = state;
  asset.external = g_strdup ("Ollama");
  asset.external_modified = G_GINT64_CONSTANT (1700000000123456789);
  dray_catalog_change_put_asset (change, &asset);

  return change;
}

/* Another program's file may be that of several assets, and is never anything but complete. */
static void
test_external (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayCatalog *catalog = must_open (fixture, NULL);
  g_autoptr (DrayCatalogContents) contents = NULL;
  g_autoptr (GError) error = NULL;

  must_write (catalog, asset_change (1, "f"), DRAY_DURABILITY_PROCESS);
  for (gint64 id = 2; id <= 3; id++)
    must_write (catalog, external_change (id, DRAY_ASSET_COMPLETE), DRAY_DURABILITY_PROCESS);
  g_assert_false (write_change (catalog, external_change (4, DRAY_ASSET_DISCARDING),
                                DRAY_DURABILITY_PROCESS, &error));
  g_assert_error (error, DRAY_ERROR, DRAY_ERROR_CATALOG_DAMAGED);
  dray_catalog_free (catalog);

  contents = must_read (fixture);
  g_assert_cmpuint (contents->assets->len, ==, 3);
  for (guint i = 0; i < 3; i++)
    {
      const DrayStoredAsset *asset = g_ptr_array_index (contents->assets, i);

      g_assert_cmpstr (asset->record.external, ==, i > 0 ? "Ollama" : NULL);
      g_assert_cmpint (asset->record.external_modified, ==,
                       i > 0 ? G_GINT64_CONSTANT (1700000000123456789) : 0);
    }
}

#define ADD(name, func)                                                                           \
  g_test_add ("/catalog-versions/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  ADD ("migration", test_migration);
  ADD ("same-schema", test_same_schema);
  ADD ("reading-version-1", test_reading_version_1);
  ADD ("aliases", test_aliases);
  ADD ("unknown-owners", test_unknown_owners);
  ADD ("external", test_external);
  ADD ("facts", test_facts);
  ADD ("settings", test_settings);

  return g_test_run ();
}
