/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/catalog/queries.h"

#include "core/base/error.h"

#include <string.h>

static const char *const request_states[]
    = { "resolving", "queued",  "connecting", "downloading", "verifying", "loading",
        "completed", "waiting", "paused",     "failed",      "discarded", NULL };

static const char *const request_kinds[] = { "download", "set", "load", NULL };

/* A row whose columns are taken from left to right. The first bad value is kept as an error; the
 * taking goes on, so that a row is checked once, at its end. */
typedef struct
{
  sqlite3_stmt *statement;
  const char *table;
  int column;
  GError *error;
} Row;

static void
set_damaged (Row *row, int column, const char *fault)
{
  const char *key = (const char *) sqlite3_column_text (row->statement, 0);
  g_autofree char *shown = g_utf8_make_valid (key != NULL ? key : "NULL", -1);

  if (row->error != NULL)
    return;

  g_set_error (&row->error,
               DRAY_ERROR,
               DRAY_ERROR_CATALOG_DAMAGED,
               "%s “%s”: %s %s",
               row->table,
               shown,
               sqlite3_column_name (row->statement, column),
               fault);
}

static char *
take_optional_text (Row *row)
{
  int column = row->column++;
  const char *text = (const char *) sqlite3_column_text (row->statement, column);

  if (text != NULL && !g_utf8_validate (text, -1, NULL))
    {
      set_damaged (row, column, "is not UTF-8");
      return NULL;
    }

  return g_strdup (text);
}

static char *
take_text (Row *row)
{
  char *text = take_optional_text (row);

  if (text == NULL)
    set_damaged (row, row->column - 1, "is missing");

  return text;
}

static char *
take_digest (Row *row)
{
  g_autofree char *text = take_optional_text (row);
  g_autofree char *hex = text != NULL ? dray_digest_normalise_hex (text) : NULL;

  if (text != NULL && hex == NULL)
    set_damaged (row, row->column - 1, "is not a SHA-256");

  return g_steal_pointer (&hex);
}

static char *
take_word (Row *row, const char *const *words)
{
  char *text = take_text (row);

  if (text != NULL && !g_strv_contains (words, text))
    set_damaged (row, row->column - 1, "has an unknown value");

  return text;
}

static gint64
take_int64 (Row *row)
{
  return sqlite3_column_int64 (row->statement, row->column++);
}

static gint64
take_size (Row *row, gint64 if_null)
{
  int column = row->column++;
  gint64 value = sqlite3_column_int64 (row->statement, column);

  if (sqlite3_column_type (row->statement, column) == SQLITE_NULL)
    return if_null;
  if (value < 0)
    set_damaged (row, column, "is negative");

  return value;
}

static gboolean
take_boolean (Row *row)
{
  int column = row->column++;
  gint64 value = sqlite3_column_int64 (row->statement, column);

  if (value != 0 && value != 1)
    set_damaged (row, column, "is neither 0 nor 1");

  return value == 1;
}

static gboolean
row_end (Row *row, GError **error)
{
  g_assert (row->error != NULL || row->column == sqlite3_column_count (row->statement));

  if (row->error == NULL)
    return TRUE;

  g_propagate_error (error, g_steal_pointer (&row->error));

  return FALSE;
}

static gboolean
read_model (sqlite3_stmt *statement, DrayCatalogContents *contents, GError **error)
{
  Row row = { statement, "model", 0, NULL };
  DrayModelRecord *record = g_new0 (DrayModelRecord, 1);

  g_ptr_array_add (contents->models, record);
  record->id = take_text (&row);
  record->publisher = take_text (&row);
  record->name = take_text (&row);

  return row_end (&row, error);
}

static void
take_asset_state (Row *row, DrayAssetState *state)
{
  g_autofree char *name = take_text (row);

  if (name != NULL && !dray_asset_state_from_name (name, state))
    set_damaged (row, row->column - 1, "has an unknown value");
}

static void
take_identity (Row *row, DrayFileIdentity *identity)
{
  g_autofree char *boot_id = take_optional_text (row);

  if (boot_id != NULL && strlen (boot_id) != DRAY_BOOT_ID_LENGTH)
    set_damaged (row, row->column - 1, "has a wrong length");
  g_strlcpy (identity->boot_id, boot_id != NULL ? boot_id : "", sizeof identity->boot_id);
  identity->device = take_int64 (row);
  identity->inode = take_int64 (row);
  identity->mount = take_int64 (row);
}

static gboolean
read_asset (sqlite3_stmt *statement, DrayCatalogContents *contents, GError **error)
{
  Row row = { statement, "asset", 0, NULL };
  DrayStoredAsset *asset = dray_stored_asset_new ();
  DrayAssetRecord *record = &asset->record;

  g_ptr_array_add (contents->assets, asset);
  record->id = take_size (&row, 0);
  record->model_id = take_text (&row);
  record->download_key = take_text (&row);
  record->url = take_text (&row);
  record->directory = take_text (&row);
  record->name = take_optional_text (&row);
  take_asset_state (&row, &record->state);
  record->total = take_size (&row, DRAY_SIZE_UNKNOWN);
  record->expected_sha256 = take_digest (&row);
  record->sha256 = take_digest (&row);
  record->length_proven = take_boolean (&row);
  record->etag = take_optional_text (&row);
  record->last_modified = take_optional_text (&row);
  record->date_gap = take_size (&row, -1);
  take_identity (&row, &record->identity);
  record->sync_failed = take_boolean (&row);
  record->digest_tied = take_boolean (&row);
  record->planned_name = take_optional_text (&row);
  record->external = take_optional_text (&row);
  record->external_modified = take_int64 (&row);
  record->created_at = take_int64 (&row);
  record->completed_at = take_int64 (&row);

  return row_end (&row, error);
}

static gboolean
read_request (sqlite3_stmt *statement, DrayCatalogContents *contents, GError **error)
{
  Row row = { statement, "request", 0, NULL };
  DrayRequestRecord *record = dray_request_record_new ();

  g_ptr_array_add (contents->requests, record);
  record->id = take_text (&row);
  record->kind = take_word (&row, request_kinds);
  record->source = take_text (&row);
  record->model_id = take_text (&row);
  record->parent_id = take_optional_text (&row);
  record->asset_id = take_size (&row, 0);
  record->caller = take_text (&row);
  record->state = take_word (&row, request_states);
  record->error_name = take_optional_text (&row);
  record->error_message = take_optional_text (&row);
  record->directory = take_optional_text (&row);
  record->expected_sha256 = take_digest (&row);
  record->created_at = take_int64 (&row);
  record->position = take_int64 (&row);
  record->resumes = take_boolean (&row);
  record->left_out = take_optional_text (&row);

  return row_end (&row, error);
}

static gboolean
read_model_alias (sqlite3_stmt *statement, DrayCatalogContents *contents, GError **error)
{
  Row row = { statement, "model_alias", 0, NULL };
  DrayModelAlias *alias = g_new0 (DrayModelAlias, 1);

  g_ptr_array_add (contents->model_aliases, alias);
  alias->alias = take_text (&row);
  alias->model_id = take_text (&row);

  return row_end (&row, error);
}

static gboolean
read_setting (sqlite3_stmt *statement, DrayCatalogContents *contents, GError **error)
{
  Row row = { statement, "setting", 0, NULL };
  g_autofree char *name = take_text (&row);
  g_autofree char *value = take_text (&row);

  if (!row_end (&row, error))
    return FALSE;

  g_hash_table_insert (contents->settings, g_steal_pointer (&name), g_steal_pointer (&value));
  return TRUE;
}

static gboolean
read_facts (sqlite3_stmt *statement, DrayCatalogContents *contents, GError **error)
{
  Row row = { statement, "fact", 0, NULL };
  DrayFactsRecord *record = dray_facts_record_new (NULL, NULL);

  g_ptr_array_add (contents->facts, record);
  record->model_id = take_text (&row);
  record->format = take_text (&row);
  record->version = take_size (&row, -1);
  record->architecture = take_optional_text (&row);
  record->name = take_optional_text (&row);
  record->quantisation = take_optional_text (&row);
  record->parameters = take_size (&row, -1);
  record->context_length = take_size (&row, -1);
  record->layers = take_size (&row, -1);
  record->embedding_length = take_size (&row, -1);
  record->shards = take_size (&row, -1);
  record->tensors = take_size (&row, -1);
  record->unknown_tensors = take_size (&row, -1);
  record->size = take_size (&row, -1);

  return row_end (&row, error);
}

static gboolean
read_alias (sqlite3_stmt *statement, DrayStoredAsset *asset, GError **error)
{
  Row row = { statement, "asset_alias of asset", 1, NULL };

  g_ptr_array_add (asset->aliases, take_text (&row));

  return row_end (&row, error);
}

static gboolean
read_piece (sqlite3_stmt *statement, DrayStoredAsset *asset, GError **error)
{
  Row row = { statement, "piece of asset", 1, NULL };
  DrayPiece piece;

  piece.start = take_size (&row, 0);
  piece.end = take_size (&row, DRAY_END_UNKNOWN);
  piece.written = take_size (&row, 0);
  piece.synced = take_size (&row, 0);
  if (piece.start > piece.synced || piece.synced > piece.written || piece.written > piece.end)
    set_damaged (&row, 1, "and the other offsets are out of order");
  g_array_append_val (asset->pieces, piece);

  return row_end (&row, error);
}

static gboolean
read_block (sqlite3_stmt *statement, DrayStoredAsset *asset, GError **error)
{
  Row row = { statement, "block of asset", 1, NULL };
  DrayDigestState state = { 0 };
  gint64 number = take_size (&row, 0);
  int column = row.column++;

  if (number != asset->blocks->len)
    set_damaged (&row, 1, "leaves a gap");
  if (sqlite3_column_bytes (statement, column) != sizeof state.bytes)
    set_damaged (&row, column, "has a wrong length");
  else
    memcpy (state.bytes, sqlite3_column_blob (statement, column), sizeof state.bytes);
  g_array_append_val (asset->blocks, state);

  return row_end (&row, error);
}

static gboolean
read_rows (sqlite3 *db,
           const char *sql,
           gboolean (*read_row) (sqlite3_stmt *, DrayCatalogContents *, GError **),
           DrayCatalogContents *contents,
           GError **error)
{
  g_autoptr (sqlite3_stmt) statement = dray_database_prepare (db, sql, error);
  gboolean has_row = TRUE;

  if (statement == NULL)
    return FALSE;

  while (dray_statement_step (statement, &has_row, error) && has_row)
    {
      if (!read_row (statement, contents, error))
        return FALSE;
    }

  /* A failed step leaves no row and an error; the code is kept by the reset. */
  return sqlite3_reset (statement) == SQLITE_OK;
}

static gboolean
read_children (sqlite3 *db,
               const char *sql,
               gboolean (*read_row) (sqlite3_stmt *, DrayStoredAsset *, GError **),
               DrayCatalogContents *contents,
               GError **error)
{
  g_autoptr (sqlite3_stmt) statement = dray_database_prepare (db, sql, error);

  if (statement == NULL)
    return FALSE;

  for (guint i = 0; i < contents->assets->len; i++)
    {
      DrayStoredAsset *asset = g_ptr_array_index (contents->assets, i);
      gboolean has_row = FALSE;

      if (!dray_statement_bind_int64 (statement, ":asset_id", asset->record.id, error))
        return FALSE;
      while (dray_statement_step (statement, &has_row, error) && has_row)
        {
          if (!read_row (statement, asset, error))
            return FALSE;
        }
      if (sqlite3_reset (statement) != SQLITE_OK)
        return FALSE;
    }

  return TRUE;
}

/* What version 2 brought. */
static gboolean
read_version_2 (sqlite3 *db, DrayCatalogContents *contents, GError **error)
{
  return read_children (db,
                        "SELECT asset_id, key"
                        " FROM asset_alias WHERE asset_id = :asset_id ORDER BY key",
                        read_alias,
                        contents,
                        error)
         && read_rows (db,
                       "SELECT alias, model_id FROM model_alias ORDER BY alias, model_id",
                       read_model_alias,
                       contents,
                       error)
         && read_rows (db, "SELECT name, value FROM setting", read_setting, contents, error)
         && read_rows (db,
                       "SELECT model_id, format, version, architecture, name, quantisation,"
                       " parameters, context_length, layers, embedding_length, shards, tensors,"
                       " unknown_tensors, size FROM fact",
                       read_facts,
                       contents,
                       error);
}

static gboolean
read_assets (sqlite3 *db, guint version, DrayCatalogContents *contents, GError **error)
{
  g_autofree char *query
      = g_strdup_printf ("SELECT id, model_id, download_key, url, directory, name, state, total,"
                         " expected_sha256, sha256, length_proven, etag, last_modified, date_gap,"
                         " boot_id, device, inode, mount, sync_failed, %s, %s, %s,"
                         " created_at, completed_at FROM asset ORDER BY id",
                         version >= 2 ? "digest_tied" : "0 AS digest_tied",
                         version >= 3 ? "planned_name" : "NULL AS planned_name",
                         version >= 4 ? "external, external_modified"
                                      : "NULL AS external, NULL AS external_modified");

  return read_rows (db, query, read_asset, contents, error);
}

static gboolean
read_requests (sqlite3 *db, guint version, DrayCatalogContents *contents, GError **error)
{
  g_autofree char *sql
      = g_strconcat ("SELECT id, kind, source, model_id, parent_id, asset_id, caller, state,"
                     " error_name, error_message, directory, expected_sha256, created_at, ",
                     version >= 2 ? "position, resumes, " : "0 AS position, 0 AS resumes, ",
                     version >= 5 ? "left_out" : "NULL AS left_out",
                     " FROM request ORDER BY created_at, rowid",
                     NULL);

  return read_rows (db, sql, read_request, contents, error);
}

/**
 * dray_queries_read:
 * @db: a connection to a catalog, in a transaction
 * @version: its version, at least 1
 * @error: (out) (optional): where an error goes, which names the row that is damaged
 *
 * Returns: (transfer full) (nullable): all that the catalog holds
 */
DrayCatalogContents *
dray_queries_read (sqlite3 *db, guint version, GError **error)
{
  g_autoptr (DrayCatalogContents) contents = dray_catalog_contents_new ();

  if (!read_rows (db, "SELECT id, publisher, name FROM model", read_model, contents, error)
      || !read_assets (db, version, contents, error)
      || !read_children (db,
                         "SELECT asset_id, start, \"end\", written, synced"
                         " FROM piece WHERE asset_id = :asset_id ORDER BY start",
                         read_piece,
                         contents,
                         error)
      || !read_children (db,
                         "SELECT asset_id, number, state"
                         " FROM block WHERE asset_id = :asset_id ORDER BY number",
                         read_block,
                         contents,
                         error)
      || !read_requests (db, version, contents, error)
      || (version >= 2 && !read_version_2 (db, contents, error)))
    return NULL;

  return g_steal_pointer (&contents);
}

/**
 * dray_queries_read_last_asset_id:
 * @db: a connection to a catalog of the latest version
 * @id: (out): the largest id that an asset has or ever had, 0 for none
 * @error: (out) (optional): where an error goes
 *
 * Returns: whether it could be read
 */
gboolean
dray_queries_read_last_asset_id (sqlite3 *db, gint64 *id, GError **error)
{
  return dray_database_get_int64 (db,
                                  "SELECT max (seq) FROM sqlite_sequence WHERE name = 'asset'",
                                  id,
                                  error);
}
