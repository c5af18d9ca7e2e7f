/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/catalog/queries.h"

#include "core/base/error.h"

static gboolean
bind_int64 (sqlite3_stmt *statement, const char *name, gint64 value, GError **error)
{
  return dray_statement_bind_int64 (statement, name, value, error);
}

static gboolean
bind_text (sqlite3_stmt *statement, const char *name, const char *text, GError **error)
{
  return dray_statement_bind_text (statement, name, text, error);
}

/* A parameter that is not bound is NULL. */
static gboolean
bind_unless (sqlite3_stmt *statement,
             const char *name,
             gboolean is_null,
             gint64 value,
             GError **error)
{
  return is_null || dray_statement_bind_int64 (statement, name, value, error);
}

static gboolean
put_model (sqlite3 *db, const DrayModelRecord *record, GError **error)
{
  static const char sql[]
      = "INSERT INTO model (id, publisher, name) VALUES (:id, :publisher, :name)"
        " ON CONFLICT (id) DO UPDATE SET publisher = excluded.publisher, name = excluded.name";
  g_autoptr (sqlite3_stmt) statement = dray_database_prepare (db, sql, error);

  return statement != NULL && bind_text (statement, ":id", record->id, error)
         && bind_text (statement, ":publisher", record->publisher, error)
         && bind_text (statement, ":name", record->name, error)
         && dray_statement_run (statement, error);
}

static const char put_asset_sql[]
    = "INSERT INTO asset (id, model_id, download_key, url, directory, name, state, total,"
      "  expected_sha256, sha256, length_proven, etag, last_modified, date_gap,"
      "  boot_id, device, inode, mount, sync_failed, digest_tied, planned_name,"
      "  external, external_modified, created_at, completed_at)"
      " VALUES (:id, :model_id, :download_key, :url, :directory, :name, :state, :total,"
      "  :expected_sha256, :sha256, :length_proven, :etag, :last_modified, :date_gap,"
      "  :boot_id, :device, :inode, :mount, :sync_failed, :digest_tied, :planned_name,"
      "  :external, :external_modified, :created_at, :completed_at)"
      " ON CONFLICT (id) DO UPDATE SET model_id = excluded.model_id,"
      "  download_key = excluded.download_key, url = excluded.url,"
      "  directory = excluded.directory, name = excluded.name, state = excluded.state,"
      "  total = excluded.total, expected_sha256 = excluded.expected_sha256,"
      "  sha256 = excluded.sha256, length_proven = excluded.length_proven,"
      "  etag = excluded.etag, last_modified = excluded.last_modified,"
      "  date_gap = excluded.date_gap, boot_id = excluded.boot_id, device = excluded.device,"
      "  inode = excluded.inode, mount = excluded.mount, sync_failed = excluded.sync_failed,"
      "  digest_tied = excluded.digest_tied, planned_name = excluded.planned_name,"
      "  external = excluded.external, external_modified = excluded.external_modified,"
      "  created_at = excluded.created_at, completed_at = excluded.completed_at";

static gboolean
bind_asset_bytes (sqlite3_stmt *statement, const DrayAssetRecord *record, GError **error)
{
  const DrayFileIdentity *identity = &record->identity;
  const char *boot_id = identity->boot_id[0] != '\0' ? identity->boot_id : NULL;

  return bind_unless (statement, ":total", record->total < 0, record->total, error)
         && bind_int64 (statement, ":length_proven", record->length_proven != FALSE, error)
         && bind_unless (statement, ":date_gap", record->date_gap < 0, record->date_gap, error)
         && bind_text (statement, ":boot_id", boot_id, error)
         && bind_int64 (statement, ":device", identity->device, error)
         && bind_int64 (statement, ":inode", identity->inode, error)
         && bind_int64 (statement, ":mount", identity->mount, error)
         && bind_int64 (statement, ":sync_failed", record->sync_failed != FALSE, error)
         && bind_int64 (statement, ":digest_tied", record->digest_tied != FALSE, error);
}

static gboolean
put_asset (sqlite3 *db, const DrayAssetRecord *record, GError **error)
{
  g_autoptr (sqlite3_stmt) statement = dray_database_prepare (db, put_asset_sql, error);
  gint64 completed_at = record->completed_at;

  return statement != NULL && bind_int64 (statement, ":id", record->id, error)
         && bind_text (statement, ":model_id", record->model_id, error)
         && bind_text (statement, ":download_key", record->download_key, error)
         && bind_text (statement, ":url", record->url, error)
         && bind_text (statement, ":directory", record->directory, error)
         && bind_text (statement, ":name", record->name, error)
         && bind_text (statement, ":planned_name", record->planned_name, error)
         && bind_text (statement, ":state", dray_asset_state_get_name (record->state), error)
         && bind_text (statement, ":expected_sha256", record->expected_sha256, error)
         && bind_text (statement, ":sha256", record->sha256, error)
         && bind_text (statement, ":etag", record->etag, error)
         && bind_text (statement, ":last_modified", record->last_modified, error)
         && bind_asset_bytes (statement, record, error)
         && bind_text (statement, ":external", record->external, error)
         && bind_unless (statement, ":external_modified", record->external == NULL,
                         record->external_modified, error)
         && bind_int64 (statement, ":created_at", record->created_at, error)
         && bind_unless (statement, ":completed_at", completed_at == 0, completed_at, error)
         && dray_statement_run (statement, error);
}

static gboolean
delete_rows (sqlite3 *db, const char *sql, gint64 asset_id, guint first, GError **error)
{
  g_autoptr (sqlite3_stmt) statement = dray_database_prepare (db, sql, error);

  return statement != NULL && bind_int64 (statement, ":asset_id", asset_id, error)
         && (sqlite3_bind_parameter_count (statement) == 1
             || bind_int64 (statement, ":first", first, error))
         && dray_statement_run (statement, error);
}

static gboolean
insert_piece (sqlite3_stmt *statement, gint64 asset_id, const DrayPiece *piece, GError **error)
{
  sqlite3_clear_bindings (statement);

  return bind_int64 (statement, ":asset_id", asset_id, error)
         && bind_int64 (statement, ":start", piece->start, error)
         && bind_unless (statement, ":end", piece->end == DRAY_END_UNKNOWN, piece->end, error)
         && bind_int64 (statement, ":written", piece->written, error)
         && bind_int64 (statement, ":synced", piece->synced, error)
         && dray_statement_run (statement, error);
}

static gboolean
put_pieces (sqlite3 *db, const DrayStep *step, GError **error)
{
  static const char sql[] = "INSERT INTO piece (asset_id, start, \"end\", written, synced)"
                            " VALUES (:asset_id, :start, :end, :written, :synced)";
  g_autoptr (sqlite3_stmt) statement = NULL;

  if (!delete_rows (
          db, "DELETE FROM piece WHERE asset_id = :asset_id", step->asset_id, 0, error))
    return FALSE;

  statement = dray_database_prepare (db, sql, error);
  if (statement == NULL)
    return FALSE;

  for (guint i = 0; i < step->rows->len; i++)
    {
      if (!insert_piece (
              statement, step->asset_id, &g_array_index (step->rows, DrayPiece, i), error))
        return FALSE;
    }

  return TRUE;
}

/* The states of an asset are counted from 0 without gaps: a row whose predecessor is missing would
 * be damage to the next reader. */
static gboolean
insert_block (sqlite3 *db,
              sqlite3_stmt *statement,
              gint64 asset_id,
              guint number,
              const DrayDigestState *state,
              GError **error)
{
  if (!bind_int64 (statement, ":asset_id", asset_id, error)
      || !bind_int64 (statement, ":number", number, error)
      || !dray_statement_bind_blob (
          statement, ":state", state->bytes, sizeof state->bytes, error)
      || !dray_statement_run (statement, error))
    return FALSE;

  if (sqlite3_changes (db) == 1)
    return TRUE;

  g_set_error (error,
               DRAY_ERROR,
               DRAY_ERROR_CATALOG_DAMAGED,
               "block %u has no block before it",
               number);

  return FALSE;
}

static gboolean
put_blocks (sqlite3 *db, const DrayStep *step, GError **error)
{
  static const char sql[]
      = "INSERT INTO block (asset_id, number, state) SELECT :asset_id, :number, :state"
        " WHERE :number = 0 OR EXISTS"
        " (SELECT 1 FROM block WHERE asset_id = :asset_id AND number = :number - 1)";
  g_autoptr (sqlite3_stmt) statement = NULL;

  if (!delete_rows (db,
                    "DELETE FROM block WHERE asset_id = :asset_id AND number >= :first",
                    step->asset_id,
                    step->first_block,
                    error))
    return FALSE;

  statement = dray_database_prepare (db, sql, error);
  if (statement == NULL)
    return FALSE;

  for (guint i = 0; i < step->rows->len; i++)
    {
      const DrayDigestState *state = &g_array_index (step->rows, DrayDigestState, i);

      if (!insert_block (db, statement, step->asset_id, step->first_block + i, state, error))
        return FALSE;
    }

  return TRUE;
}

static const char put_request_sql[]
    = "INSERT INTO request (id, kind, source, model_id, parent_id, asset_id, caller, state,"
      "  error_name, error_message, directory, expected_sha256, created_at, position,"
      "  resumes, left_out)"
      " VALUES (:id, :kind, :source, :model_id, :parent_id, :asset_id, :caller, :state,"
      "  :error_name, :error_message, :directory, :expected_sha256, :created_at, :position,"
      "  :resumes, :left_out)"
      " ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, source = excluded.source,"
      "  model_id = excluded.model_id, parent_id = excluded.parent_id,"
      "  asset_id = excluded.asset_id, caller = excluded.caller, state = excluded.state,"
      "  error_name = excluded.error_name, error_message = excluded.error_message,"
      "  directory = excluded.directory, expected_sha256 = excluded.expected_sha256,"
      "  created_at = excluded.created_at, position = excluded.position,"
      "  resumes = excluded.resumes, left_out = excluded.left_out";

static gboolean
put_request (sqlite3 *db, const DrayRequestRecord *record, GError **error)
{
  g_autoptr (sqlite3_stmt) statement = dray_database_prepare (db, put_request_sql, error);

  return statement != NULL && bind_text (statement, ":id", record->id, error)
         && bind_text (statement, ":kind", record->kind, error)
         && bind_text (statement, ":source", record->source, error)
         && bind_text (statement, ":model_id", record->model_id, error)
         && bind_text (statement, ":parent_id", record->parent_id, error)
         && bind_unless (statement, ":asset_id", record->asset_id == 0, record->asset_id, error)
         && bind_text (statement, ":caller", record->caller, error)
         && bind_text (statement, ":state", record->state, error)
         && bind_text (statement, ":error_name", record->error_name, error)
         && bind_text (statement, ":error_message", record->error_message, error)
         && bind_text (statement, ":directory", record->directory, error)
         && bind_text (statement, ":expected_sha256", record->expected_sha256, error)
         && bind_int64 (statement, ":created_at", record->created_at, error)
         && bind_int64 (statement, ":position", record->position, error)
         && bind_int64 (statement, ":resumes", record->resumes != FALSE, error)
         && bind_text (statement, ":left_out", record->left_out, error)
         && dray_statement_run (statement, error);
}

static gboolean
delete_request (sqlite3 *db, const char *request_id, GError **error)
{
  g_autoptr (sqlite3_stmt) statement
      = dray_database_prepare (db, "DELETE FROM request WHERE id = :id", error);

  return statement != NULL && bind_text (statement, ":id", request_id, error)
         && dray_statement_run (statement, error);
}

static gboolean
put_aliases (sqlite3 *db, const DrayStep *step, GError **error)
{
  static const char sql[] = "INSERT INTO asset_alias (asset_id, key) VALUES (:asset_id, :key)";
  g_autoptr (sqlite3_stmt) statement = NULL;

  if (!delete_rows (
          db, "DELETE FROM asset_alias WHERE asset_id = :asset_id", step->asset_id, 0, error))
    return FALSE;

  statement = dray_database_prepare (db, sql, error);
  if (statement == NULL)
    return FALSE;

  for (guint i = 0; i < step->aliases->len; i++)
    {
      if (!bind_int64 (statement, ":asset_id", step->asset_id, error)
          || !bind_text (statement, ":key", g_ptr_array_index (step->aliases, i), error)
          || !dray_statement_run (statement, error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
put_pair (sqlite3 *db, const char *sql, const DrayStep *step, GError **error)
{
  g_autoptr (sqlite3_stmt) statement = dray_database_prepare (db, sql, error);

  return statement != NULL && bind_text (statement, ":name", step->name, error)
         && bind_text (statement, ":value", step->value, error)
         && dray_statement_run (statement, error);
}

static gboolean
put_facts (sqlite3 *db, const DrayFactsRecord *record, GError **error)
{
  static const char sql[]
      = "INSERT OR REPLACE INTO fact (model_id, format, version, architecture, name,"
        "  quantisation, parameters, context_length, layers, embedding_length, shards, tensors,"
        "  unknown_tensors, size)"
        " VALUES (:model_id, :format, :version, :architecture, :name, :quantisation,"
        "  :parameters, :context_length, :layers, :embedding_length, :shards, :tensors,"
        "  :unknown_tensors, :size)";
  g_autoptr (sqlite3_stmt) statement = dray_database_prepare (db, sql, error);
  const struct
  {
    const char *name;
    gint64 value;
  } figures[] = {
    { ":version", record->version },
    { ":parameters", record->parameters },
    { ":context_length", record->context_length },
    { ":layers", record->layers },
    { ":embedding_length", record->embedding_length },
    { ":shards", record->shards },
    { ":tensors", record->tensors },
    { ":unknown_tensors", record->unknown_tensors },
    { ":size", record->size },
  };

  for (guint i = 0; statement != NULL && i < G_N_ELEMENTS (figures); i++)
    if (!bind_unless (statement, figures[i].name, figures[i].value < 0, figures[i].value, error))
      return FALSE;

  return statement != NULL && bind_text (statement, ":model_id", record->model_id, error)
         && bind_text (statement, ":format", record->format, error)
         && bind_text (statement, ":architecture", record->architecture, error)
         && bind_text (statement, ":name", record->name, error)
         && bind_text (statement, ":quantisation", record->quantisation, error)
         && dray_statement_run (statement, error);
}

static gboolean
apply_step (sqlite3 *db, const DrayStep *step, GError **error)
{
  switch (step->kind)
    {
    case DRAY_STEP_PUT_MODEL:
      return put_model (db, step->model, error);

    case DRAY_STEP_PUT_ASSET:
      return put_asset (db, &step->asset, error);

    case DRAY_STEP_PUT_PIECES:
      return put_pieces (db, step, error);

    case DRAY_STEP_PUT_BLOCKS:
      return put_blocks (db, step, error);

    case DRAY_STEP_DELETE_ASSET:
      return delete_rows (
          db, "DELETE FROM asset WHERE id = :asset_id", step->asset_id, 0, error);

    case DRAY_STEP_PUT_REQUEST:
      return put_request (db, step->request, error);

    case DRAY_STEP_DELETE_REQUEST:
      return delete_request (db, step->request_id, error);

    case DRAY_STEP_PUT_ALIASES:
      return put_aliases (db, step, error);

    case DRAY_STEP_PUT_MODEL_ALIAS:
      return put_pair (db,
                       "INSERT INTO model_alias (alias, model_id) VALUES (:name, :value)"
                       " ON CONFLICT (alias, model_id) DO NOTHING",
                       step,
                       error);

    case DRAY_STEP_PUT_FACTS:
      return put_facts (db, step->facts, error);

    case DRAY_STEP_PUT_SETTING:
      return put_pair (db,
                       "INSERT INTO setting (name, value) VALUES (:name, :value)"
                       " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                       step,
                       error);

    default:
      g_assert_not_reached ();
    }
}

static char *
describe_step (const DrayStep *step)
{
  switch (step->kind)
    {
    case DRAY_STEP_PUT_MODEL:
      return g_strdup_printf ("record the model “%s”", step->model->id);

    case DRAY_STEP_PUT_ASSET:
      return g_strdup_printf ("record asset %" G_GINT64_FORMAT, step->asset.id);

    case DRAY_STEP_PUT_PIECES:
      return g_strdup_printf ("record the pieces of asset %" G_GINT64_FORMAT, step->asset_id);

    case DRAY_STEP_PUT_BLOCKS:
      return g_strdup_printf ("record the blocks of asset %" G_GINT64_FORMAT, step->asset_id);

    case DRAY_STEP_DELETE_ASSET:
      return g_strdup_printf ("delete asset %" G_GINT64_FORMAT, step->asset_id);

    case DRAY_STEP_PUT_REQUEST:
      return g_strdup_printf ("record the request “%s”", step->request->id);

    case DRAY_STEP_DELETE_REQUEST:
      return g_strdup_printf ("delete the request “%s”", step->request_id);

    case DRAY_STEP_PUT_ALIASES:
      return g_strdup_printf ("record the aliases of asset %" G_GINT64_FORMAT, step->asset_id);

    case DRAY_STEP_PUT_MODEL_ALIAS:
      return g_strdup_printf ("record the alias “%s”", step->name);

    case DRAY_STEP_PUT_FACTS:
      return g_strdup_printf ("record the facts of “%s”", step->facts->model_id);

    case DRAY_STEP_PUT_SETTING:
      return g_strdup_printf ("record the setting “%s”", step->name);

    default:
      g_assert_not_reached ();
    }
}

/**
 * dray_queries_apply:
 * @db: a connection, in a transaction
 * @change: a change
 * @error: (out) (optional): where an error goes, which says what could not be recorded
 *
 * Carries out the steps of @change up to the first that fails; undoing those is the caller's.
 *
 * Returns: whether all were carried out
 */
gboolean
dray_queries_apply (sqlite3 *db, const DrayCatalogChange *change, GError **error)
{
  for (guint i = 0; i < change->steps->len; i++)
    {
      const DrayStep *step = g_ptr_array_index (change->steps, i);

      if (!apply_step (db, step, error))
        {
          g_autofree char *doing = describe_step (step);

          g_prefix_error (error, "Could not %s in the catalog: ", doing);
          return FALSE;
        }
    }

  return TRUE;
}
