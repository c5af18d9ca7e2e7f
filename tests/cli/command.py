# SPDX-License-Identifier: GPL-3.0-or-later
"""The built `dray` as a person would use it: a home of its own, and runs of it that are watched."""

import contextlib
import hashlib
import json
import os
import pathlib
import select
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time
import unittest

# Sanitizers make everything slower; only figures of time are multiplied by it.
PATIENCE = float(os.environ.get('DRAY_TEST_PATIENCE', '1'))

STATES = {'resolving', 'queued', 'connecting', 'downloading', 'verifying', 'loading', 'completed',
          'waiting', 'paused', 'failed', 'discarded'}


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def assert_quick(case, limit, measure, tries=5):
    """One of some measurements, each a function's number of seconds, is below the limit. Other work
    on the machine can spoil some; what is slow by itself is so each time. Returns all."""
    times = []
    while not times or (min(times) >= limit and len(times) < tries):
        times.append(measure())
    case.assertLess(min(times), limit, times)
    return times


class Run:
    """A run of dray with --json or not, whose lines are taken as they come."""

    def __init__(self, home, arguments, **options):
        self.lines = []     # (monotonic time, text)
        self.errors = []
        options.setdefault('stdout', subprocess.PIPE)
        self.began = time.monotonic()
        self.process = subprocess.Popen(home.command(arguments), env=home.environment, text=True,
                                        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        encoding='utf-8', **options)
        self._pidfd = os.pidfd_open(self.process.pid)
        self._changed = threading.Condition()
        self._readers = [threading.Thread(target=self._read, args=(stream, into))
                         for stream, into in ((self.process.stdout, self.lines),
                                              (self.process.stderr, self.errors))
                         if stream is not None]
        for reader in self._readers:
            reader.start()

    def _read(self, stream, into):
        for line in stream:
            with self._changed:
                into.append((time.monotonic(), line.rstrip('\n')))
                self._changed.notify_all()
        stream.close()

    def events(self, kind=None):
        with self._changed:
            events = [json.loads(line) for _, line in self.lines]
        return [event for event in events if kind in (None, event['event'])]

    def wait_for_event(self, predicate, seconds=60):
        """Waits for an event of which the predicate holds, and returns it."""
        deadline = time.monotonic() + seconds * PATIENCE
        seen = 0
        while True:
            with self._changed:
                while seen < len(self.lines):
                    event = json.loads(self.lines[seen][1])
                    seen += 1
                    if predicate(event):
                        return event
                left = deadline - time.monotonic()
                if left <= 0 or (self.has_ended() and not self._readers[0].is_alive()):
                    raise AssertionError(f'the event did not come; {self.lines[-3:]} {self.errors}')
                self._changed.wait(min(left, 0.05))

    def wait_for_bytes(self, n_bytes):
        return self.wait_for_event(lambda event: event['event'] == 'progress'
                                   and event['state'] == 'downloading'
                                   and event['downloaded'] >= n_bytes)

    def has_ended(self, seconds=0):
        return bool(select.select([self._pidfd], [], [], seconds)[0])

    def end(self, seconds=120):
        """Waits for the end, to the millisecond; returns the exit status."""
        try:
            if not self.has_ended(seconds * PATIENCE):
                self.process.kill()
                raise AssertionError(f'dray did not end in time; {self.lines[-3:]} {self.errors}')
        finally:
            status = self.process.wait()
            for reader in self._readers:
                reader.join()
            if self._pidfd >= 0:
                os.close(self._pidfd)
                self._pidfd = -1
        return status

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.end()

    def stderr(self):
        return [line for _, line in self.errors]

    def stdout(self):
        return [line for _, line in self.lines]


class Home:
    """A person's folders, with a catalog of their own and a folder to download to."""

    def __init__(self, parent=None):
        self._folder = tempfile.TemporaryDirectory(prefix='dray-cli.', dir=parent)
        self.root = pathlib.Path(self._folder.name)
        self.out = self.root / 'out'
        self.catalog_path = self.root / 'data' / 'dray' / 'catalog.sqlite3'
        self.environment = {
            'PATH': os.environ['PATH'],
            'HOME': str(self.root / 'home'),
            'XDG_DATA_HOME': str(self.root / 'data'),
            'XDG_CONFIG_HOME': str(self.root / 'config'),
            'XDG_CACHE_HOME': str(self.root / 'cache'),
            'XDG_RUNTIME_DIR': str(self.root / 'runtime'),
            'LC_ALL': 'C.UTF-8',
            'no_proxy': '*',
            'G_DEBUG': 'fatal-criticals',
            # Says that there is a network, whatever the machine's own is like.
            'GIO_USE_NETWORK_MONITOR': 'base',
            **{name: value for name, value in os.environ.items()
               if name.endswith('SAN_OPTIONS') or name == 'MALLOC_PERTURB_'},
        }
        for name in ('home', 'runtime'):
            (self.root / name).mkdir(0o700)

    def close(self):
        self._folder.cleanup()

    @staticmethod
    def command(arguments):
        return [os.environ['DRAY'], *map(str, arguments)]

    def start(self, *arguments, **options):
        return Run(self, arguments, **options)

    def run(self, *arguments, seconds=120, **options):
        run = self.start(*arguments, **options)
        run.status = run.end(seconds)
        return run

    def get(self, *arguments, **options):
        """`dray get --json` into the folder, started."""
        return self.start('get', '--json', '-d', self.out, *arguments, **options)

    def rows(self, *options):
        """What `dray list --all --json` says."""
        return [json.loads(line)
                for line in self.run('list', '--all', '--json', *options).stdout()]

    def query(self, statement):
        """What the catalog holds, read as a person with sqlite3 would; rows as dictionaries."""
        with contextlib.closing(sqlite3.connect(f'file:{self.catalog_path}?mode=ro',
                                                uri=True)) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(statement)]

    def written(self):
        """How many bytes the catalog says are written, of all files together."""
        return self.query('SELECT coalesce (sum (written - start), 0) AS n FROM piece')[0]['n']

    def names(self):
        """The names in the folder, and below."""
        return sorted(str(path.relative_to(self.out)) for path in self.out.rglob('*')
                      if not path.is_dir())


class CommandTest(unittest.TestCase):
    """A case with a home, and checks that several files share."""

    maxDiff = None

    def setUp(self):
        self.home = Home()
        self.addCleanup(self.home.close)

    def assert_whole(self, path, sha256):
        self.assertEqual(sha256_of(path), sha256, path)

    def assert_completed(self, run, sha256, name=None):
        """The run ended well, with one file that has the digest."""
        self.assertEqual(run.end(), 0, run.stderr())
        completed = run.events('completed')
        self.assertEqual(len(completed), 1)
        self.assertEqual(completed[0]['sha256'], sha256)
        self.assert_whole(completed[0]['path'], sha256)
        if name is not None:
            self.assertEqual(completed[0]['path'], str(self.home.out / name))
        return completed[0]

    def assert_failed(self, run, *names):
        """The run ended with status 1 and one of the named errors, in one line."""
        self.assertEqual(run.end(), 1, (run.stdout(), run.stderr()))
        self.assertEqual(len(run.stderr()), 1, run.stderr())
        self.assertRegex(run.stderr()[0], f'^dray: ({"|".join(names)}): .')
        failed = run.events('failed')
        self.assertEqual(len(failed), 1)
        self.assertIn(failed[0]['error'], names)
        self.assertTrue(failed[0]['message'])
        return failed[0]
