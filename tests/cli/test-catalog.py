# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalog as somebody with sqlite3 finds it."""

import re
import signal
import sqlite3
import subprocess

import tap
from command import CommandTest
from servers import ModelServer


class Schema(CommandTest):
    def setUp(self):
        super().setUp()
        self.assertEqual(self.home.run('list').status, 0)
        self.tables = {row['name']: row['sql'] for row in self.home.query(
            "SELECT name, sql FROM sqlite_schema "
            "WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")}

    def test_every_table_is_strict(self):
        self.assertLessEqual({'model', 'asset', 'piece', 'block', 'request'}, set(self.tables))
        for name, sql in self.tables.items():
            self.assertRegex(sql, r'\) STRICT(, WITHOUT ROWID)?\Z', name)
        strict = self.home.query("SELECT name, strict FROM pragma_table_list WHERE schema = 'main' "
                                 "AND name NOT LIKE 'sqlite_%'")
        self.assertEqual({row['name'] for row in strict if row['strict']}, set(self.tables))

    def test_pieces_have_byte_offsets_written_and_synced(self):
        columns = {row['name']: row['type']
                   for row in self.home.query("SELECT * FROM pragma_table_info ('piece')")}
        for name in ('start', 'end', 'written', 'synced'):
            self.assertEqual(columns.get(name), 'INTEGER')

    def test_it_reads_like_documentation(self):
        """Every table opens with what it is; a piece's every figure is explained."""
        for name, sql in self.tables.items():
            self.assertRegex(sql, rf'CREATE TABLE {name} \(\n  -- An? {name}\b.*\n', name)
        for column in ('start', '"end"', 'written', 'synced'):
            self.assertRegex(self.tables['piece'], rf'\n  {column} .* -- \w')
        for sql in self.tables.values():
            self.assertLessEqual(max(len(line) for line in sql.splitlines()), 100)

    def test_sqlite3_shows_it(self):
        shown = subprocess.run(['sqlite3', self.home.catalog_path, '.schema'], text=True,
                               capture_output=True, check=True).stdout
        self.assertEqual(len(re.findall(r'\) STRICT', shown)), len(self.tables))
        self.assertIn('survived an fdatasync', shown)

    def test_it_says_whose_it_is(self):
        self.assertEqual(self.home.query('PRAGMA application_id'),
                         [{'application_id': int.from_bytes(b'Dray', 'big')}])
        self.assertGreaterEqual(self.home.query('PRAGMA user_version')[0]['user_version'], 1)
        self.assertEqual(self.home.query('PRAGMA integrity_check'), [{'integrity_check': 'ok'}])
        self.assertEqual(self.home.query('PRAGMA foreign_key_check'), [])


class OtherCatalogs(CommandTest):
    """What is not ours, or not whole, is refused and left as it is."""

    def write(self, data):
        self.home.catalog_path.parent.mkdir(parents=True)
        self.home.catalog_path.write_bytes(data)

    def check_refused(self):
        before = self.home.catalog_path.read_bytes()
        with ModelServer(model=1 << 20) as server:
            self.assert_failed(self.home.get(server.url('model.gguf')), 'catalog-damaged')
            self.assertEqual(server.records(), [])
        run = self.home.run('list')
        self.assertEqual((run.status, len(run.stderr())), (1, 1))
        self.assertEqual(self.home.catalog_path.read_bytes(), before)
        self.assertFalse(self.home.out.exists())

    def test_no_database(self):
        self.write(b'This is a text and no database.\n' * 200)
        self.check_refused()

    def test_another_programs_database(self):
        self.home.catalog_path.parent.mkdir(parents=True)
        with sqlite3.connect(self.home.catalog_path) as database:
            database.execute('CREATE TABLE theirs (a)')
        database.close()
        self.check_refused()

    def test_a_newer_drays(self):
        self.home.run('list')
        with sqlite3.connect(self.home.catalog_path) as database:
            database.execute('PRAGMA user_version = 999')
        database.close()
        self.check_refused()

    def test_a_damaged_one(self):
        with ModelServer(gate=1 << 20, model=4 << 20) as server:
            run = self.home.get(server.url('model.gguf'))
            run.wait_for_bytes(1 << 18)
            run.signal(signal.SIGINT)
            run.end()
        with sqlite3.connect(self.home.catalog_path) as database:
            database.execute('PRAGMA wal_checkpoint (TRUNCATE)')
        database.close()
        data = bytearray(self.home.catalog_path.read_bytes())
        data[4096:] = bytes(len(data) - 4096)
        self.home.catalog_path.write_bytes(data)
        run = self.home.run('list')
        self.assertEqual(run.status, 1)
        self.assertRegex(run.stderr()[-1], '^dray: catalog-damaged: ')
        self.assertEqual(self.home.names(), ['model.gguf.part'])


if __name__ == '__main__':
    tap.main()
