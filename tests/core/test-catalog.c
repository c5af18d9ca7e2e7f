/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "tests/core/catalog-fixture.h"

#include "core/base/error.h"

#include <sqlite3.h>
#include <string.h>

#define SHA_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SHA_B "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define BOOT_ID "01234567-89ab-cdef-0123-456789abcdef"

static void
fill_states (DrayDigestState *states, gsize n_states)
{
  for (gsize i = 0; i < n_states; i++)
    for (gsize k = 0; k < sizeof states[i].bytes; k++)
      states[i].bytes[k] = g_test_rand_int_range (0, 256);
}

static void
init_full_asset (DrayAssetRecord *asset)
{
  init_asset (asset, 1, "naïve name.gguf");
  asset->state = DRAY_ASSET_FINISHING;
  asset->total = G_GINT64_CONSTANT (5) << 40;
  asset->expected_sha256 = g_strdup (SHA_A);
  asset->sha256 = g_strdup (SHA_B);
  asset->length_proven = TRUE;
  asset->etag = g_strdup ("W/\"x\"");
  asset->last_modified = g_strdup ("Sun, 06 Nov 1994 08:49:37 GMT");
  asset->date_gap = 7;
  g_strlcpy (asset->identity.boot_id, BOOT_ID, sizeof asset->identity.boot_id);
  asset->identity.device = G_MAXUINT64;
  asset->identity.inode = G_MAXUINT64 - 1;
  asset->identity.mount = 42;
  asset->sync_failed = TRUE;
  asset->digest_tied = TRUE;
  asset->planned_name = g_strdup ("llama.gguf");
  asset->created_at = 1700000000;
  asset->completed_at = 1700000001;
}

static DrayRequestRecord *
new_full_request (const char *id, gint64 asset_id)
{
  DrayRequestRecord *request = dray_request_record_new ();

  request->id = g_strdup (id);
  request->kind = g_strdup ("download");
  request->source = g_strdup ("http://localhost/f");
  request->model_id = g_strdup ("m");
  request->asset_id = asset_id;
  request->caller = g_strdup ("terminal");
  request->state = g_strdup ("failed");
  request->error_name = g_strdup ("changed");
  request->error_message = g_strdup ("It’s another file");
  request->directory = g_strdup ("/elsewhere");
  request->expected_sha256 = g_strdup (SHA_B);
  request->created_at = 1700000002;
  request->position = -3;
  request->resumes = TRUE;

  return request;
}

static void
assert_same_asset (const DrayAssetRecord *a, const DrayAssetRecord *b)
{
  g_assert_cmpint (a->id, ==, b->id);
  g_assert_cmpstr (a->model_id, ==, b->model_id);
  g_assert_cmpstr (a->download_key, ==, b->download_key);
  g_assert_cmpstr (a->url, ==, b->url);
  g_assert_cmpstr (a->directory, ==, b->directory);
  g_assert_cmpstr (a->name, ==, b->name);
  g_assert_cmpint (a->state, ==, b->state);
  g_assert_cmpint (a->total, ==, b->total);
  g_assert_cmpstr (a->expected_sha256, ==, b->expected_sha256);
  g_assert_cmpstr (a->sha256, ==, b->sha256);
  g_assert_cmpint (a->length_proven, ==, b->length_proven);
  g_assert_cmpstr (a->etag, ==, b->etag);
  g_assert_cmpstr (a->last_modified, ==, b->last_modified);
  g_assert_cmpint (a->date_gap, ==, b->date_gap);
  g_assert_cmpstr (a->identity.boot_id, ==, b->identity.boot_id);
  g_assert_cmpuint (a->identity.device, ==, b->identity.device);
  g_assert_cmpuint (a->identity.inode, ==, b->identity.inode);
  g_assert_cmpuint (a->identity.mount, ==, b->identity.mount);
  g_assert_cmpint (a->sync_failed, ==, b->sync_failed);
  g_assert_cmpint (a->digest_tied, ==, b->digest_tied);
  g_assert_cmpstr (a->planned_name, ==, b->planned_name);
  g_assert_cmpint (a->created_at, ==, b->created_at);
  g_assert_cmpint (a->completed_at, ==, b->completed_at);
}

static void
assert_same_request (const DrayRequestRecord *a, const DrayRequestRecord *b)
{
  g_assert_cmpstr (a->id, ==, b->id);
  g_assert_cmpstr (a->kind, ==, b->kind);
  g_assert_cmpstr (a->source, ==, b->source);
  g_assert_cmpstr (a->model_id, ==, b->model_id);
  g_assert_cmpstr (a->parent_id, ==, b->parent_id);
  g_assert_cmpint (a->asset_id, ==, b->asset_id);
  g_assert_cmpstr (a->caller, ==, b->caller);
  g_assert_cmpstr (a->state, ==, b->state);
  g_assert_cmpstr (a->error_name, ==, b->error_name);
  g_assert_cmpstr (a->error_message, ==, b->error_message);
  g_assert_cmpstr (a->directory, ==, b->directory);
  g_assert_cmpstr (a->expected_sha256, ==, b->expected_sha256);
  g_assert_cmpint (a->created_at, ==, b->created_at);
  g_assert_cmpint (a->position, ==, b->position);
  g_assert_cmpint (a->resumes, ==, b->resumes);
}

static const DrayStoredAsset *
get_asset (const DrayCatalogContents *contents, guint i)
{
  g_assert_cmpuint (i, <, contents->assets->len);

  return g_ptr_array_index (contents->assets, i);
}

static const DrayRequestRecord *
get_request (const DrayCatalogContents *contents, guint i)
{
  g_assert_cmpuint (i, <, contents->requests->len);

  return g_ptr_array_index (contents->requests, i);
}

static DrayCatalogContents *
must_read (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  DrayCatalogContents *contents = dray_catalog_read (fixture->path, &error);

  g_assert_no_error (error);

  return contents;
}

static const DrayPiece pieces[] = {
  { .start = 0, .synced = 5, .written = 9, .end = 100 },
  { .start = 100, .synced = 100, .written = 100, .end = DRAY_END_UNKNOWN },
};

static void
test_round_trip (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayCatalog *catalog = must_open (fixture, NULL);
  DrayCatalogChange *change = model_change ("m");
  g_autoptr (DrayRequestRecord) parent = new_full_request ("r0", 0);
  g_autoptr (DrayRequestRecord) child = new_full_request ("r1", 1);
  g_autoptr (DrayCatalogContents) contents = NULL;
  g_auto (DrayAssetRecord) asset;
  g_auto (DrayAssetRecord) bare;
  DrayDigestState states[3];

  fill_states (states, G_N_ELEMENTS (states));
  init_full_asset (&asset);
  init_asset (&bare, 2, NULL);
  child->parent_id = g_strdup ("r0");
  dray_catalog_change_put_asset (change, &asset);
  dray_catalog_change_put_asset (change, &bare);
  dray_catalog_change_put_pieces (change, 1, pieces, G_N_ELEMENTS (pieces));
  dray_catalog_change_put_blocks (change, 1, 0, states, G_N_ELEMENTS (states));
  dray_catalog_change_put_request (change, parent);
  dray_catalog_change_put_request (change, child);
  must_write (catalog, change, DRAY_DURABILITY_MACHINE);
  dray_catalog_free (catalog);

  catalog = must_open (fixture, &contents);
  g_assert_cmpuint (contents->models->len, ==, 1);
  g_assert_cmpstr (((DrayModelRecord *) contents->models->pdata[0])->publisher, ==, "publisher");
  assert_same_asset (&get_asset (contents, 0)->record, &asset);
  assert_same_asset (&get_asset (contents, 1)->record, &bare);
  g_assert_cmpmem (get_asset (contents, 0)->pieces->data,
                   get_asset (contents, 0)->pieces->len * sizeof (DrayPiece),
                   pieces,
                   sizeof pieces);
  g_assert_cmpmem (get_asset (contents, 0)->blocks->data,
                   get_asset (contents, 0)->blocks->len * sizeof (DrayDigestState),
                   states,
                   sizeof states);
  g_assert_cmpuint (get_asset (contents, 1)->pieces->len, ==, 0);
  assert_same_request (get_request (contents, 0), parent);
  assert_same_request (get_request (contents, 1), child);
  g_assert_cmpint (dray_catalog_reserve_asset_id (catalog), ==, 3);
  dray_catalog_free (catalog);
}

static void
test_replacing (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayCatalog *catalog = must_open (fixture, NULL);
  DrayCatalogChange *change = asset_change (1, "f");
  g_autoptr (DrayRequestRecord) request = new_full_request ("r", 1);
  g_autoptr (DrayCatalogContents) kept = NULL;
  g_autoptr (DrayCatalogContents) replaced = NULL;
  g_autoptr (DrayCatalogContents) deleted = NULL;
  DrayDigestState states[4];

  fill_states (states, G_N_ELEMENTS (states));
  dray_catalog_change_put_pieces (change, 1, pieces, 2);
  dray_catalog_change_put_blocks (change, 1, 0, states, 3);
  dray_catalog_change_put_request (change, request);
  must_write (catalog, change, DRAY_DURABILITY_PROCESS);

  must_write (catalog, asset_change (1, "g"), DRAY_DURABILITY_PROCESS);
  kept = must_read (fixture);
  g_assert_cmpstr (get_asset (kept, 0)->record.name, ==, "g");
  g_assert_cmpuint (get_asset (kept, 0)->pieces->len, ==, 2);
  g_assert_cmpuint (get_asset (kept, 0)->blocks->len, ==, 3);
  g_assert_cmpint (get_request (kept, 0)->asset_id, ==, 1);

  change = dray_catalog_change_new ();
  dray_catalog_change_put_pieces (change, 1, pieces + 1, 1);
  dray_catalog_change_put_blocks (change, 1, 1, states + 3, 1);
  must_write (catalog, change, DRAY_DURABILITY_PROCESS);
  replaced = must_read (fixture);
  g_assert_cmpuint (get_asset (replaced, 0)->pieces->len, ==, 1);
  g_assert_cmpuint (get_asset (replaced, 0)->blocks->len, ==, 2);
  g_assert_cmpmem (&g_array_index (get_asset (replaced, 0)->blocks, DrayDigestState, 1),
                   sizeof (DrayDigestState),
                   states + 3,
                   sizeof (DrayDigestState));

  change = dray_catalog_change_new ();
  dray_catalog_change_delete_asset (change, 1);
  must_write (catalog, change, DRAY_DURABILITY_PROCESS);
  deleted = must_read (fixture);
  g_assert_cmpuint (deleted->assets->len, ==, 0);
  g_assert_cmpint (get_request (deleted, 0)->asset_id, ==, 0);

  change = dray_catalog_change_new ();
  dray_catalog_change_delete_request (change, "r");
  must_write (catalog, change, DRAY_DURABILITY_PROCESS);
  dray_catalog_free (catalog);

  /* The id stays used although its asset is gone. */
  g_clear_pointer (&deleted, dray_catalog_contents_free);
  catalog = must_open (fixture, &deleted);
  g_assert_cmpuint (deleted->requests->len, ==, 0);
  g_assert_cmpint (dray_catalog_reserve_asset_id (catalog), ==, 2);
  dray_catalog_free (catalog);
}

static void
assert_refused (DrayCatalog *catalog, DrayCatalogChange *change, DrayError code, const char *words)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (write_change (catalog, change, DRAY_DURABILITY_PROCESS, &error));
  g_assert_error (error, DRAY_ERROR, (int) code);
  g_assert_nonnull (strstr (error->message, words));
}

static void
test_refused_changes (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayCatalog *catalog = must_open (fixture, NULL);
  static const DrayPiece backwards = { .start = 5, .synced = 7, .written = 6, .end = 10 };
  static const DrayPiece beyond = { .start = 5, .synced = 5, .written = 11, .end = 10 };
  DrayDigestState state = { 0 };
  g_autoptr (DrayRequestRecord) request = new_full_request ("r", 1);
  DrayCatalogChange *change;
  g_autoptr (DrayCatalogContents) contents = NULL;

  must_write (catalog, asset_change (1, "name.gguf"), DRAY_DURABILITY_PROCESS);

  assert_refused (catalog, asset_change (2, "NAME.gguf"), DRAY_ERROR_CATALOG_DAMAGED, "UNIQUE");
  assert_refused (catalog, asset_change (2, "\xff"), DRAY_ERROR_UNSUPPORTED, "UTF-8");

  change = dray_catalog_change_new ();
  dray_catalog_change_put_pieces (change, 1, &backwards, 1);
  assert_refused (catalog, change, DRAY_ERROR_CATALOG_DAMAGED, "pieces of asset 1");
  change = dray_catalog_change_new ();
  dray_catalog_change_put_pieces (change, 1, &beyond, 1);
  assert_refused (catalog, change, DRAY_ERROR_CATALOG_DAMAGED, "CHECK");
  change = dray_catalog_change_new ();
  dray_catalog_change_put_pieces (change, 9, pieces, 1);
  assert_refused (catalog, change, DRAY_ERROR_CATALOG_DAMAGED, "FOREIGN KEY");
  change = dray_catalog_change_new ();
  dray_catalog_change_put_blocks (change, 1, 1, &state, 1);
  assert_refused (catalog, change, DRAY_ERROR_CATALOG_DAMAGED, "block 1");

  g_free (request->state);
  request->state = g_strdup ("dreaming");
  change = model_change ("not kept");
  dray_catalog_change_put_request (change, request);
  assert_refused (catalog, change, DRAY_ERROR_CATALOG_DAMAGED, "request “r”");

  contents = must_read (fixture);
  g_assert_cmpuint (contents->models->len, ==, 1);
  g_assert_cmpuint (contents->assets->len, ==, 1);
  g_assert_cmpuint (contents->requests->len, ==, 0);
  dray_catalog_free (catalog);
}

static void
run_sql (const char *path, const char *sql)
{
  sqlite3 *db = NULL;

  g_assert_cmpint (sqlite3_open (path, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_close (db), ==, SQLITE_OK);
}

static void
assert_not_opened (Fixture *fixture, DrayError code, const char *words)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (open_catalog (fixture, NULL, &error));
  g_assert_error (error, DRAY_ERROR, (int) code);
  if (strstr (error->message, words) == NULL)
    g_error ("“%s” does not say “%s”", error->message, words);
}

static void
test_damaged_rows (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const struct
  {
    const char *damage;
    const char *repair;
    const char *words;
  } cases[] = {
    { "UPDATE asset SET state = 'lost'", "UPDATE asset SET state = 'complete'", "“1”: state" },
    { "UPDATE asset SET total = -5", "UPDATE asset SET total = NULL", "total is negative" },
    { "UPDATE asset SET sha256 = 'x'", "UPDATE asset SET sha256 = NULL", "sha256" },
    { "UPDATE asset SET boot_id = 'x'", "UPDATE asset SET boot_id = NULL", "boot_id" },
    { "UPDATE asset SET sync_failed = 2", "UPDATE asset SET sync_failed = 0", "sync_failed" },
    { "UPDATE asset SET url = CAST (x'ff' AS TEXT)", "UPDATE asset SET url = 'u'", "url" },
    { "INSERT INTO piece VALUES (1, 5, 9, 10, 6)", "DELETE FROM piece", "piece of asset “1”" },
    { "INSERT INTO block VALUES (1, 1, zeroblob (32))", "DELETE FROM block", "gap" },
    { "INSERT INTO block VALUES (1, 0, zeroblob (31))", "DELETE FROM block", "length" },
    { "INSERT INTO request VALUES ('r', 'download', 's', 'm', NULL, NULL, 'c', 'lost', NULL,"
      " NULL, NULL, NULL, 0, 0, 0, NULL)",
      "DELETE FROM request",
      "request “r”: state" },
    { "INSERT INTO request VALUES ('r', 'download', 's', 'm', NULL, NULL, 'c', 'paused', NULL,"
      " NULL, NULL, NULL, 0, 0, 2, NULL)",
      "DELETE FROM request",
      "request “r”: resumes" },
    { "INSERT INTO fact (model_id, format, tensors) VALUES ('m', 'gguf', -2)", "DELETE FROM fact",
      "fact “m”: tensors" },
    { "INSERT INTO setting VALUES ('s', CAST (x'ff' AS TEXT))", "DELETE FROM setting",
      "setting “s”: value" },
    { "INSERT INTO asset_alias VALUES (1, CAST (x'ff' AS TEXT))", "DELETE FROM asset_alias",
      "asset_alias of asset “1”: key" },
    { "INSERT INTO model_alias VALUES (CAST (x'ff' AS TEXT), 'm')", "DELETE FROM model_alias",
      "model_alias" },
  };
  DrayCatalog *catalog = must_open (fixture, NULL);

  must_write (catalog, asset_change (1, "f"), DRAY_DURABILITY_PROCESS);
  dray_catalog_free (catalog);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *sql
          = g_strconcat ("PRAGMA ignore_check_constraints = ON;", cases[i].damage, NULL);
      g_autoptr (GError) error = NULL;

      run_sql (fixture->path, sql);
      assert_not_opened (fixture, DRAY_ERROR_CATALOG_DAMAGED, cases[i].words);
      g_assert_null (dray_catalog_read (fixture->path, &error));
      g_assert_error (error, DRAY_ERROR, DRAY_ERROR_CATALOG_DAMAGED);
      run_sql (fixture->path, cases[i].repair);
    }

  dray_catalog_free (must_open (fixture, NULL));
}

static void
make_folder_of (const char *path)
{
  g_autofree char *directory = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (directory, 0700), ==, 0);
}

static void
assert_left_alone (Fixture *fixture, DrayError code, const char *words)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  gsize n_before, n_after;

  g_assert_true (g_file_get_contents (fixture->path, &before, &n_before, NULL));
  assert_not_opened (fixture, code, words);
  g_assert_null (dray_catalog_read (fixture->path, &error));
  g_assert_error (error, DRAY_ERROR, (int) code);
  g_assert_true (g_file_get_contents (fixture->path, &after, &n_after, NULL));
  g_assert_cmpmem (before, n_before, after, n_after);
}

static void
test_foreign_files (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *garbage = g_strnfill (10000, 'x');

  make_folder_of (fixture->path);
  g_assert_true (g_file_set_contents (fixture->path, garbage, 10000, NULL));
  assert_left_alone (fixture, DRAY_ERROR_CATALOG_DAMAGED, "not a database");
  g_assert_true (g_file_set_contents (fixture->path, garbage, 10, NULL));
  assert_left_alone (fixture, DRAY_ERROR_CATALOG_DAMAGED, "not a database");

  g_remove (fixture->path);
  run_sql (fixture->path, "CREATE TABLE recipe (name TEXT)");
  assert_left_alone (fixture, DRAY_ERROR_CATALOG_DAMAGED, "another program");
  run_sql (fixture->path, "PRAGMA user_version = 1");
  assert_left_alone (fixture, DRAY_ERROR_CATALOG_DAMAGED, "another program");
}

static void
test_newer_version (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  dray_catalog_free (must_open (fixture, NULL));
  run_sql (fixture->path, "PRAGMA user_version = 999");
  assert_left_alone (fixture, DRAY_ERROR_CATALOG_DAMAGED, "newer Dray");
}

static void
test_impossible_places (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *file = g_build_filename (fixture->root, "file", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir_with_parents (fixture->path, 0700), ==, 0);
  assert_not_opened (fixture, DRAY_ERROR_PERMISSION, "unable to open");
  g_assert_null (dray_catalog_read (fixture->path, &error));
  g_assert_nonnull (error);

  g_assert_true (g_file_set_contents (file, "", 0, NULL));
  g_free (fixture->path);
  fixture->path = g_build_filename (file, "dray", "catalog.sqlite3", NULL);
  assert_not_opened (fixture, DRAY_ERROR_PERMISSION, "make the folder");
}

static void
test_reading_nothing (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (DrayCatalogContents) nothing = must_read (fixture);
  g_autoptr (DrayCatalogContents) empty = NULL;
  g_autofree char *directory = g_path_get_dirname (fixture->path);

  g_assert_cmpuint (nothing->models->len + nothing->assets->len + nothing->requests->len, ==, 0);
  g_assert_false (g_file_test (directory, G_FILE_TEST_EXISTS));

  make_folder_of (fixture->path);
  g_assert_true (g_file_set_contents (fixture->path, "", 0, NULL));
  empty = must_read (fixture);
  g_assert_cmpuint (empty->models->len, ==, 0);
}

static void
test_schema_explains_itself (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  sqlite3 *db = NULL;
  sqlite3_stmt *statement = NULL;
  guint n_tables = 0;

  dray_catalog_free (must_open (fixture, NULL));
  g_assert_cmpint (sqlite3_open (fixture->path, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_prepare_v2 (db,
                                       "SELECT sql FROM sqlite_schema"
                                       " WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
                                       -1,
                                       &statement,
                                       NULL),
                   ==,
                   SQLITE_OK);
  for (; sqlite3_step (statement) == SQLITE_ROW; n_tables++)
    {
      const char *sql = (const char *) sqlite3_column_text (statement, 0);

      g_assert_nonnull (strstr (sql, "STRICT"));
      g_assert_nonnull (strstr (sql, "(\n  -- A"));
    }
  g_assert_cmpuint (n_tables, ==, 9);
  sqlite3_finalize (statement);
  sqlite3_close (db);
}

#define ADD(name, func)                                                                           \
  g_test_add ("/catalog/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  ADD ("round-trip", test_round_trip);
  ADD ("replacing", test_replacing);
  ADD ("refused-changes", test_refused_changes);
  ADD ("damaged-rows", test_damaged_rows);
  ADD ("foreign-files", test_foreign_files);
  ADD ("newer-version", test_newer_version);
  ADD ("impossible-places", test_impossible_places);
  ADD ("reading-nothing", test_reading_nothing);
  ADD ("schema-explains-itself", test_schema_explains_itself);

  return g_test_run ();
}
