# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of docs/examples, in Python and JavaScript, against nginx."""

import os
import subprocess
import tempfile

import tap
from command import PATIENCE, CommandTest, sha256_of
from servers import Nginx

SIZE = 24 << 20
RATE = 2 << 20

# GLib asks the C library, of which Python's own os.environ has only an early copy.
ASKS_FOR_HTTP1 = '''
import gi
gi.require_version('Dray', '0.1')
from gi.repository import Dray, GLib
assert GLib.getenv('SOUP_FORCE_HTTP1') is None
Dray.Manager.new('/nowhere/catalog', '/nowhere')
assert GLib.getenv('SOUP_FORCE_HTTP1') == '1'
'''

SPEAKS_TO_CALLERS = '''
import gi
gi.require_version('Dray', '0.1')
from gi.repository import Dray, Gio, GLib
import sys
loop = GLib.MainLoop()
manager = Dray.Manager.new(sys.argv[1] + '/catalog.sqlite3', sys.argv[1])
def opened(_manager, result):
    assert manager.open_finish(result)
    options = Dray.DownloadOptions(directory='/tmp', rate_limit=1000, caller='an example')
    assert options.props.directory == '/tmp' and options.props.sha256 is None
    try:
        manager.download_asset('neither link nor name', options)
        raise SystemExit('no error')
    except GLib.Error as error:
        assert error.matches(Dray.error_quark(), Dray.Error.INVALID_SOURCE), error
    assert manager.find_request('unknown') is None
    manager.cancel_async('unknown', True, cancelled)
def cancelled(_manager, result):
    assert manager.cancel_finish(result) == 0
    manager.close_async(lambda *_: loop.quit())
manager.open_async(opened)
loop.run()
assert Dray.error_get_name(Dray.Error.CHECKSUM_MISMATCH) == 'checksum-mismatch'
print('done')
'''


class Examples(CommandTest):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory(prefix='dray-example.')
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def run_program(self, *command):
        environment = {**self.home.environment,
                       **{name: os.environ[name]
                          for name in ('GI_TYPELIB_PATH', 'LD_LIBRARY_PATH')}}
        run = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL,
                             capture_output=True, text=True, timeout=120 * PATIENCE)
        self.assertEqual((run.returncode, run.stderr), (0, ''), run.stdout)
        return run.stdout.splitlines()

    def shown(self, line):
        """Downloaded, total and percentage of a line of progress, whose key is looked at."""
        downloaded, total, percentage, sign, key = line.split()
        self.assertEqual((sign, key.split(':')[0]), ('%', 'url'))
        return int(downloaded), int(total), float(percentage)

    def check(self, *interpreter):
        with Nginx(rate=RATE) as nginx:
            (nginx.files / 'model.gguf').write_bytes(os.urandom(SIZE))
            digest = sha256_of(nginx.files / 'model.gguf')
            command = (*interpreter, nginx.url('model.gguf'), self.folder)

            *lines, last = self.run_program(*command)
            self.assertEqual(last, 'paused')
            self.assertGreaterEqual(len(lines), 2)
            for line in lines:
                downloaded, total, percentage = self.shown(line)
                self.assertLessEqual(total, SIZE)
            self.assertGreaterEqual(percentage, 10)
            self.assertLess(downloaded, SIZE / 2)

            nginx.hurry()
            *lines, last = self.run_program(*command)
            outcome, path = last.split(' ', 1)
            self.assertEqual(outcome, 'completed')
            self.assertEqual(sha256_of(path), digest)
            self.assertEqual(self.shown(lines[-1]), (SIZE, SIZE, 100.0))
            self.assertGreaterEqual(self.shown(lines[0])[0], downloaded)

            first, second = nginx.fetches()
            self.assertEqual((first.first, second.status), (0, 206))
            self.assertGreaterEqual(second.first, SIZE // 10)
            self.assertLessEqual(second.first, first.n_bytes)
            self.assertEqual(second.n_bytes, SIZE - second.first)

    def test_python(self):
        self.check('/usr/bin/python3', os.environ['DRAY_EXAMPLES'] + '/download.py')

    def test_javascript(self):
        self.check('gjs', '-m', os.environ['DRAY_EXAMPLES'] + '/download.js')

    def test_errors_and_counts(self):
        self.assertEqual(
            self.run_program('/usr/bin/python3', '-c', SPEAKS_TO_CALLERS, self.folder), ['done'])

    def test_library_keeps_to_http1(self):
        self.run_program('/usr/bin/python3', '-c', ASKS_FOR_HTTP1)


tap.main()
