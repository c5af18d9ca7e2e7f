-- A catalog of version 1, as Dray 0.1.0 left it, with a row of every kind.
PRAGMA application_id = 1148346745;
CREATE TABLE model (
  -- A model: what requests are grouped and swept by.
  id        TEXT NOT NULL PRIMARY KEY, -- the model id, a function of the source's text
  publisher TEXT NOT NULL,             -- the first folder level of the library
  name      TEXT NOT NULL              -- the second
) STRICT, WITHOUT ROWID;
CREATE TABLE asset (
  -- An asset: one file of a model, and what is known of its bytes.
  -- Sizes are bytes, times seconds since 1970-01-01 00:00 UTC.
  id              INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again
  model_id        TEXT NOT NULL REFERENCES model (id),
  download_key    TEXT NOT NULL, -- identity of the bytes: sha256:<hex> or url:<URL>
  url             TEXT NOT NULL, -- where it is fetched from
  directory       TEXT NOT NULL, -- absolute; holds the partial and the finished file
  name            TEXT,          -- of the finished file; the partial file's is <name>.part;
                                 -- NULL until the server's first response
  state           TEXT NOT NULL CHECK (state IN (
                    'fetching',    -- bytes are missing; there may be no partial file yet
                    'finishing',   -- whole, verified, synced; is given its final name
                    'complete',    -- the finished file is in its place
                    'discarding'   -- the partial file is to be deleted, then this row
                  )),
  total           INTEGER CHECK (total >= 0), -- size in bytes; NULL while unknown
  expected_sha256 TEXT CHECK (length (expected_sha256) = 64), -- hex; NULL for none
  sha256          TEXT CHECK (length (sha256) = 64), -- hex, of the finished file
  length_proven   INTEGER NOT NULL CHECK (length_proven IN (0, 1)), -- total is sure
  etag            TEXT,          -- the server's validators; NULL for none
  last_modified   TEXT,
  date_gap        INTEGER CHECK (date_gap >= 0), -- seconds from Last-Modified to Date when
                                 -- they were received; NULL if unknown
  boot_id         TEXT CHECK (length (boot_id) = 36), -- of the kernel that wrote the
                                 -- partial file; with the next three it tells whether
                                 -- written offsets are believed; NULL for none
  device          INTEGER NOT NULL, -- st_dev, inode and mount id: 64 unsigned bits each,
  inode           INTEGER NOT NULL, -- so that large ones look negative here;
  mount           INTEGER NOT NULL, -- inode 0 means that there is no partial file yet
  sync_failed     INTEGER NOT NULL CHECK (sync_failed IN (0, 1)), -- an fdatasync
                                 -- of the partial file failed: nothing in it counts
  created_at      INTEGER NOT NULL,
  completed_at    INTEGER        -- NULL before
) STRICT;
CREATE UNIQUE INDEX asset_name -- no two assets want one file, even where case is ignored
  ON asset (directory, name COLLATE NOCASE) WHERE name IS NOT NULL;
CREATE INDEX asset_download_key ON asset (download_key);
CREATE INDEX asset_model ON asset (model_id);
CREATE TABLE piece (
  -- A piece: a byte range of an asset that is fetched as one. Figures are byte offsets in
  -- the file. After a crash of the machine only what was synced is believed.
  asset_id INTEGER NOT NULL REFERENCES asset (id) ON DELETE CASCADE,
  start    INTEGER NOT NULL, -- the first byte
  "end"    INTEGER,          -- one past the last byte; NULL while the size is unknown
  written  INTEGER NOT NULL, -- start up to here was handed to the kernel
  synced   INTEGER NOT NULL, -- start up to here survived an fdatasync
  PRIMARY KEY (asset_id, start),
  CHECK (0 <= start AND start <= synced AND synced <= written),
  CHECK (written <= "end")
) STRICT, WITHOUT ROWID;
CREATE TABLE block (
  -- A block: 16 MiB of an asset. Its state is what SHA-256 has come to after the bytes from
  -- the file's first to this block's last, so each block can be checked alone.
  asset_id INTEGER NOT NULL REFERENCES asset (id) ON DELETE CASCADE,
  number   INTEGER NOT NULL CHECK (number >= 0), -- from 0, without gaps
  state    BLOB NOT NULL CHECK (length (state) = 32), -- H of FIPS 180-4, big-endian
  PRIMARY KEY (asset_id, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE request (
  -- A request: one caller's wish, kept until the caller removes it.
  id              TEXT NOT NULL PRIMARY KEY,
  kind            TEXT NOT NULL CHECK (kind IN ('download', 'set', 'load')),
  source          TEXT NOT NULL, -- what the caller gave
  model_id        TEXT NOT NULL REFERENCES model (id),
  parent_id       TEXT REFERENCES request (id) ON DELETE SET NULL, -- the set it belongs to
  asset_id        INTEGER REFERENCES asset (id) ON DELETE SET NULL, -- NULL until known
  caller          TEXT NOT NULL, -- who asked: terminal, window, ...
  state           TEXT NOT NULL CHECK (state IN (
                    'resolving', 'queued', 'connecting', 'downloading', 'verifying',
                    'loading', 'completed', 'waiting', 'paused', 'failed', 'discarded'
                  )),
  error_name      TEXT,          -- the error's stable name; NULL unless failed
  error_message   TEXT,          -- the error in words; NULL unless failed
  directory       TEXT,          -- asked for by the caller; NULL for the library
  expected_sha256 TEXT CHECK (length (expected_sha256) = 64), -- asked for by the caller
  created_at      INTEGER NOT NULL -- seconds since 1970-01-01 00:00 UTC
) STRICT;
CREATE INDEX request_model ON request (model_id);
CREATE INDEX request_parent ON request (parent_id);
CREATE INDEX request_asset ON request (asset_id);

INSERT INTO model VALUES ('url:http://localhost/f', 'localhost', 'f');
INSERT INTO asset VALUES (4, 'url:http://localhost/f', 'url:http://localhost/f', 'http://localhost/f', '/models/f', 'f.gguf', 'fetching', 1000, NULL, NULL, 1, '"x"', NULL, NULL, '01234567-89ab-cdef-0123-456789abcdef', 5, 6, 7, 0, 1700000000, NULL);
INSERT INTO piece VALUES (4, 0, 1000, 600, 500);
INSERT INTO block VALUES (4, 0, zeroblob (32));
INSERT INTO request VALUES ('child', 'download', 'http://localhost/f', 'url:http://localhost/f', NULL, 4, 'terminal', 'paused', NULL, NULL, '/models/f', NULL, 1700000001);
INSERT INTO request VALUES ('parent', 'set', 'http://localhost/f', 'url:http://localhost/f', NULL, NULL, 'window', 'failed', 'network', 'No way', NULL, NULL, 1700000001);
UPDATE request SET parent_id = 'parent' WHERE id = 'child';
INSERT INTO request VALUES ('last', 'download', 'http://localhost/f', 'url:http://localhost/f', NULL, 4, 'bus', 'failed', 'checksum-mismatch', 'Wrong', NULL, '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef', 1700000002);
PRAGMA user_version = 1;
