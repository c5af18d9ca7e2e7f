/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/catalog/migrations.h"

#include "core/base/error.h"

/* "Dray" in ASCII: what tells our files from other programs' SQLite databases. */
#define APPLICATION_ID "1148346745"

static const char version_1[] =
    "PRAGMA application_id = " APPLICATION_ID ";\n"

    "CREATE TABLE model (\n"
    "  -- A model: what requests are grouped and swept by.\n"
    "  id        TEXT NOT NULL PRIMARY KEY, -- the model id, a function of the source's text\n"
    "  publisher TEXT NOT NULL,             -- the first folder level of the library\n"
    "  name      TEXT NOT NULL              -- the second\n"
    ") STRICT, WITHOUT ROWID;\n"

    "CREATE TABLE asset (\n"
    "  -- An asset: one file of a model, and what is known of its bytes.\n"
    "  -- Sizes are bytes, times seconds since 1970-01-01 00:00 UTC.\n"
    "  id              INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again\n"
    "  model_id        TEXT NOT NULL REFERENCES model (id),\n"
    "  download_key    TEXT NOT NULL, -- identity of the bytes: sha256:<hex> or url:<URL>\n"
    "  url             TEXT NOT NULL, -- where it is fetched from\n"
    "  directory       TEXT NOT NULL, -- absolute; holds the partial and the finished file\n"
    "  name            TEXT,          -- of the finished file; the partial file's is <name>.part;\n"
    "                                 -- NULL until the server's first response\n"
    "  state           TEXT NOT NULL CHECK (state IN (\n"
    "                    'fetching',    -- bytes are missing; there may be no partial file yet\n"
    "                    'finishing',   -- whole, verified, synced; is given its final name\n"
    "                    'complete',    -- the finished file is in its place\n"
    "                    'discarding'   -- the partial file is to be deleted, then this row\n"
    "                  )),\n"
    "  total           INTEGER CHECK (total >= 0), -- size in bytes; NULL while unknown\n"
    "  expected_sha256 TEXT CHECK (length (expected_sha256) = 64), -- hex; NULL for none\n"
    "  sha256          TEXT CHECK (length (sha256) = 64), -- hex, of the finished file\n"
    "  length_proven   INTEGER NOT NULL CHECK (length_proven IN (0, 1)), -- total is sure\n"
    "  etag            TEXT,          -- the server's validators; NULL for none\n"
    "  last_modified   TEXT,\n"
    "  date_gap        INTEGER CHECK (date_gap >= 0), -- seconds from Last-Modified to Date when\n"
    "                                 -- they were received; NULL if unknown\n"
    "  boot_id         TEXT CHECK (length (boot_id) = 36), -- of the kernel that wrote the\n"
    "                                 -- partial file; with the next three it tells whether\n"
    "                                 -- written offsets are believed; NULL for none\n"
    "  device          INTEGER NOT NULL, -- st_dev, inode and mount id: 64 unsigned bits each,\n"
    "  inode           INTEGER NOT NULL, -- so that large ones look negative here;\n"
    "  mount           INTEGER NOT NULL, -- inode 0 means that there is no partial file yet\n"
    "  sync_failed     INTEGER NOT NULL CHECK (sync_failed IN (0, 1)), -- an fdatasync\n"
    "                                 -- of the partial file failed: nothing in it counts\n"
    "  created_at      INTEGER NOT NULL,\n"
    "  completed_at    INTEGER        -- NULL before\n"
    ") STRICT;\n"

    "CREATE UNIQUE INDEX asset_name -- no two assets want one file, even where case is ignored\n"
    "  ON asset (directory, name COLLATE NOCASE) WHERE name IS NOT NULL;\n"
    "CREATE INDEX asset_download_key ON asset (download_key);\n"
    "CREATE INDEX asset_model ON asset (model_id);\n"

    "CREATE TABLE piece (\n"
    "  -- A piece: a byte range of an asset that is fetched as one. Figures are byte offsets in\n"
    "  -- the file. After a crash of the machine only what was synced is believed.\n"
    "  asset_id INTEGER NOT NULL REFERENCES asset (id) ON DELETE CASCADE,\n"
    "  start    INTEGER NOT NULL, -- the first byte\n"
    "  \"end\"    INTEGER,          -- one past the last byte; NULL while the size is unknown\n"
    "  written  INTEGER NOT NULL, -- start up to here was handed to the kernel\n"
    "  synced   INTEGER NOT NULL, -- start up to here survived an fdatasync\n"
    "  PRIMARY KEY (asset_id, start),\n"
    "  CHECK (0 <= start AND start <= synced AND synced <= written),\n"
    "  CHECK (written <= \"end\")\n"
    ") STRICT, WITHOUT ROWID;\n"

    "CREATE TABLE block (\n"
    "  -- A block: 16 MiB of an asset. Its state is what SHA-256 has come to after the bytes from\n"
    "  -- the file's first to this block's last, so each block can be checked alone.\n"
    "  asset_id INTEGER NOT NULL REFERENCES asset (id) ON DELETE CASCADE,\n"
    "  number   INTEGER NOT NULL CHECK (number >= 0), -- from 0, without gaps\n"
    "  state    BLOB NOT NULL CHECK (length (state) = 32), -- H of FIPS 180-4, big-endian\n"
    "  PRIMARY KEY (asset_id, number)\n"
    ") STRICT, WITHOUT ROWID;\n"

    "CREATE TABLE request (\n"
    "  -- A request: one caller's wish, kept until the caller removes it.\n"
    "  id              TEXT NOT NULL PRIMARY KEY,\n"
    "  kind            TEXT NOT NULL CHECK (kind IN ('download', 'set', 'load')),\n"
    "  source          TEXT NOT NULL, -- what the caller gave\n"
    "  model_id        TEXT NOT NULL REFERENCES model (id),\n"
    "  parent_id       TEXT REFERENCES request (id) ON DELETE SET NULL, -- the set it belongs to\n"
    "  asset_id        INTEGER REFERENCES asset (id) ON DELETE SET NULL, -- NULL until known\n"
    "  caller          TEXT NOT NULL, -- who asked: terminal, window, ...\n"
    "  state           TEXT NOT NULL CHECK (state IN (\n"
    "                    'resolving', 'queued', 'connecting', 'downloading', 'verifying',\n"
    "                    'loading', 'completed', 'waiting', 'paused', 'failed', 'discarded'\n"
    "                  )),\n"
    "  error_name      TEXT,          -- the error's stable name; NULL unless failed\n"
    "  error_message   TEXT,          -- the error in words; NULL unless failed\n"
    "  directory       TEXT,          -- asked for by the caller; NULL for the library\n"
    "  expected_sha256 TEXT CHECK (length (expected_sha256) = 64), -- asked for by the caller\n"
    "  created_at      INTEGER NOT NULL -- seconds since 1970-01-01 00:00 UTC\n"
    ") STRICT;\n"

    "CREATE INDEX request_model ON request (model_id);\n"
    "CREATE INDEX request_parent ON request (parent_id);\n"
    "CREATE INDEX request_asset ON request (asset_id);\n";

/* SQLite adds a column in front of the comment that explains the one before, so the requests move
 * into a new table, whose text is in order. Nothing refers to a request but its children. */
static const char version_2[] =
    "ALTER TABLE asset ADD COLUMN -- some of the bytes are tied to the others by nothing but the\n"
    "                             -- expected digest\n"
    "  digest_tied INTEGER NOT NULL DEFAULT 0 CHECK (digest_tied IN (0, 1));\n"

    "DROP INDEX request_model;\n"
    "DROP INDEX request_parent;\n"
    "DROP INDEX request_asset;\n"
    "ALTER TABLE request RENAME TO request_1;\n"

    "CREATE TABLE request (\n"
    "  -- A request: one caller's wish, kept until the caller removes it.\n"
    "  id              TEXT NOT NULL PRIMARY KEY,\n"
    "  kind            TEXT NOT NULL CHECK (kind IN ('download', 'set', 'load')),\n"
    "  source          TEXT NOT NULL, -- what the caller gave\n"
    "  model_id        TEXT NOT NULL REFERENCES model (id),\n"
    "  parent_id       TEXT REFERENCES request (id) ON DELETE SET NULL, -- the set it belongs to\n"
    "  asset_id        INTEGER REFERENCES asset (id) ON DELETE SET NULL, -- NULL until known\n"
    "  caller          TEXT NOT NULL, -- who asked: terminal, window, ...\n"
    "  state           TEXT NOT NULL CHECK (state IN (\n"
    "                    'resolving', 'queued', 'connecting', 'downloading', 'verifying',\n"
    "                    'loading', 'completed', 'waiting', 'paused', 'failed', 'discarded'\n"
    "                  )),\n"
    "  error_name      TEXT,          -- the error's stable name; NULL unless failed\n"
    "  error_message   TEXT,          -- the error in words; NULL unless failed\n"
    "  directory       TEXT,          -- asked for by the caller; NULL for the library\n"
    "  expected_sha256 TEXT CHECK (length (expected_sha256) = 64), -- asked for by the caller\n"
    "  created_at      INTEGER NOT NULL, -- seconds since 1970-01-01 00:00 UTC\n"
    "  position        INTEGER NOT NULL DEFAULT 0, -- place in the queue, the smallest first\n"
    "  resumes         INTEGER NOT NULL DEFAULT 0 CHECK (resumes IN (0, 1)) -- it ran when the\n"
    "                                 -- program ended in good order\n"
    ") STRICT;\n"

    "INSERT INTO request (rowid, id, kind, source, model_id, parent_id, asset_id, caller, state,\n"
    "    error_name, error_message, directory, expected_sha256, created_at)\n"
    "  SELECT rowid, id, kind, source, model_id, parent_id, asset_id, caller, state,\n"
    "    error_name, error_message, directory, expected_sha256, created_at FROM request_1;\n"
    "DROP TABLE request_1;\n"

    "CREATE INDEX request_model ON request (model_id);\n"
    "CREATE INDEX request_parent ON request (parent_id);\n"
    "CREATE INDEX request_asset ON request (asset_id);\n"

    "CREATE TABLE asset_alias (\n"
    "  -- An asset_alias is another download key that names the bytes of an asset.\n"
    "  asset_id INTEGER NOT NULL REFERENCES asset (id) ON DELETE CASCADE,\n"
    "  key      TEXT NOT NULL, -- sha256:<hex> or url:<URL>\n"
    "  PRIMARY KEY (asset_id, key)\n"
    ") STRICT, WITHOUT ROWID;\n"

    "CREATE TABLE model_alias (\n"
    "  -- A model_alias is another model id under which a model is known.\n"
    "  alias    TEXT NOT NULL,\n"
    "  model_id TEXT NOT NULL REFERENCES model (id) ON DELETE CASCADE,\n"
    "  PRIMARY KEY (alias, model_id)\n"
    ") STRICT, WITHOUT ROWID;\n"

    "CREATE TABLE setting (\n"
    "  -- A setting of the engine, kept from one run to the next.\n"
    "  name  TEXT NOT NULL PRIMARY KEY,\n"
    "  value TEXT NOT NULL\n"
    ") STRICT, WITHOUT ROWID;\n"

    "CREATE TABLE fact (\n"
    "  -- A fact sheet: what the header of a model's file says. NULL is what it does not say.\n"
    "  model_id         TEXT NOT NULL PRIMARY KEY REFERENCES model (id) ON DELETE CASCADE,\n"
    "  format           TEXT NOT NULL, -- gguf, safetensors\n"
    "  version          INTEGER CHECK (version >= 0), -- of the format\n"
    "  architecture     TEXT,          -- as in llama\n"
    "  name             TEXT,          -- what the file calls the model\n"
    "  quantisation     TEXT,          -- as in Q4_K_M\n"
    "  parameters       INTEGER CHECK (parameters >= 0),\n"
    "  context_length   INTEGER CHECK (context_length >= 0), -- in tokens\n"
    "  layers           INTEGER CHECK (layers >= 0),\n"
    "  embedding_length INTEGER CHECK (embedding_length >= 0), -- numbers for a token\n"
    "  shards           INTEGER CHECK (shards >= 0), -- how many files the model is split into\n"
    "  tensors          INTEGER CHECK (tensors >= 0),\n"
    "  unknown_tensors  INTEGER CHECK (unknown_tensors >= 0), -- of a type unknown to Dray\n"
    "  size             INTEGER CHECK (size >= 0) -- in bytes\n"
    ") STRICT, WITHOUT ROWID;\n";

static const char version_3[] = "ALTER TABLE asset ADD COLUMN -- what the source calls the file; "
                                "NULL to let the server or the\n"
                                "                             -- link say it\n"
                                "  planned_name TEXT;\n";

/* SQLite keeps what stands inside the definition of a column that it adds. */
static const char version_4[] =
    "ALTER TABLE asset ADD COLUMN external\n"
    "                  TEXT -- the program that keeps the finished file, which Dray then only "
    "reads;\n"
    "                       -- NULL where Dray keeps it\n"
    "                  CHECK (external IS NULL OR state = 'complete');\n"
    "ALTER TABLE asset ADD COLUMN external_modified\n"
    "                  INTEGER -- when that file was last written to, in nanoseconds since\n"
    "                          -- 1970-01-01 00:00 UTC\n"
    "                  CHECK ((external_modified IS NULL) = (external IS NULL));\n"

    "DROP INDEX asset_name;\n"
    "CREATE UNIQUE INDEX asset_name -- no two assets want one file, even where case is ignored\n"
    "  ON asset (directory, name COLLATE NOCASE) WHERE name IS NOT NULL AND external IS NULL;\n";

static const char version_5[] =
    "ALTER TABLE request ADD COLUMN left_out\n"
    "                  TEXT -- names of companions that the caller does not want, one on a line;\n"
    "                       -- NULL for none\n"
    "                  CHECK (left_out <> '');\n";

/* Element n takes a catalog from version n to version n + 1. */
static const char *const migrations[] = { version_1, version_2, version_3, version_4, version_5 };

static gboolean
set_foreign_error (GError **error)
{
  g_set_error_literal (error, DRAY_ERROR, DRAY_ERROR_CATALOG_DAMAGED,
                       "the file is another program's database");

  return FALSE;
}

/**
 * dray_migrations_get_latest:
 *
 * Returns: the version that this Dray reads and writes
 */
guint
dray_migrations_get_latest (void)
{
  return G_N_ELEMENTS (migrations);
}

/**
 * dray_migrations_get_version:
 * @db: a connection
 * @version: (out): where the version goes, 0 for an empty file
 * @error: (out) (optional): where an error goes
 *
 * Asks how old the catalog is, without writing. A newer version than the latest here, or somebody
 * else's database, is %DRAY_ERROR_CATALOG_DAMAGED.
 *
 * Returns: whether the catalog is one of ours
 */
gboolean
dray_migrations_get_version (sqlite3 *db, guint *version, GError **error)
{
  gint64 application_id, user_version, n_objects;

  if (!dray_database_get_int64 (db, "PRAGMA user_version", &user_version, error)
      || !dray_database_get_int64 (db, "PRAGMA application_id", &application_id, error)
      || !dray_database_get_int64 (db, "SELECT count (*) FROM sqlite_schema", &n_objects, error))
    return FALSE;

  if (user_version == 0 ? n_objects > 0
                        : application_id != g_ascii_strtoll (APPLICATION_ID, NULL, 10))
    return set_foreign_error (error);

  if (user_version < 0 || user_version > dray_migrations_get_latest ())
    {
      g_set_error (error, DRAY_ERROR, DRAY_ERROR_CATALOG_DAMAGED,
                   "a newer Dray made it (version %" G_GINT64_FORMAT ", this one knows up to %u); "
                   "nothing was changed, please update Dray",
                   user_version, dray_migrations_get_latest ());
      return FALSE;
    }

  *version = user_version;

  return TRUE;
}

static gboolean
migrate (sqlite3 *db, guint version, GError **error)
{
  g_autofree char *set_version = g_strdup_printf ("PRAGMA user_version = %u", version + 1);

  if (dray_database_exec (db, "BEGIN IMMEDIATE", error)
      && dray_database_exec (db, migrations[version], error)
      && dray_database_exec (db, set_version, error) && dray_database_exec (db, "COMMIT", error))
    return TRUE;

  if (!sqlite3_get_autocommit (db))
    dray_database_exec (db, "ROLLBACK", NULL);

  return FALSE;
}

/**
 * dray_migrations_run:
 * @db: a connection that may write, for which dray_migrations_get_version() found no fault
 * @error: (out) (optional): where an error goes
 *
 * Brings the catalog to the latest version. If that fails it stays at the last version it reached.
 *
 * Returns: whether the catalog has the latest version
 */
gboolean
dray_migrations_run (sqlite3 *db, GError **error)
{
  guint version;

  if (!dray_migrations_get_version (db, &version, error))
    return FALSE;

  for (; version < dray_migrations_get_latest (); version++)
    {
      if (!migrate (db, version, error))
        return FALSE;
    }

  return TRUE;
}
