# SPDX-License-Identifier: GPL-3.0-or-later
"""What cannot be done has a named error, loses nothing and leaves nothing under a final name."""

import os
import signal
import socket
import subprocess

import tap
from command import PATIENCE, CommandTest, Home
from servers import ModelServer, PlainServer, chunked, free_port

MEGABYTE = 1000 * 1000


class BadSource(CommandTest):
    def check(self, source, *names):
        failed = self.assert_failed(self.home.get(source), *names)
        self.assertFalse(self.home.out.exists() and self.home.names(), source)
        return failed

    def test_no_url(self):
        for source in ('nonsense', 'model.gguf', 'http://', 'https:///path', ' ', '', '//host/file',
                       'http://[::1/file', 'http://host:99999/file', '-'):
            self.assertIsNone(self.check(source, 'invalid-source')['requestId'])
        self.assertEqual(self.home.rows(), [])

    def test_a_scheme_that_is_not_spoken(self):
        for scheme in ('ftp', 'gopher', 'magnet', 's3', 'javascript', 'data'):
            self.check(f'{scheme}://example.org/model.gguf', 'invalid-source')

    def test_a_name_with_control_characters_stays_on_one_line(self):
        self.check('http://host name/with\nline\tbreak', 'invalid-source')

    def test_a_host_that_does_not_answer(self):
        """Refused, and a name that is none. Between the attempts it waits, for seconds in all."""
        sources = [f'http://127.0.0.1:{free_port()}/model.gguf',
                   'http://name-that-is-not.invalid/model.gguf']
        homes = [self.home, Home()]
        self.addCleanup(homes[1].close)
        runs = [home.get(source) for home, source in zip(homes, sources)]
        for run, home, host in zip(runs, homes, ('127.0.0.1', 'name-that-is-not.invalid')):
            self.assertIn(host, self.assert_failed(run, 'network')['message'])
            self.assertEqual([row['state'] for row in home.rows()], ['failed'])
            self.assertFalse(home.out.exists() and home.names())

    def test_404(self):
        with ModelServer(model=MEGABYTE) as server:
            self.check(server.url('other.gguf'), 'not-found')
            self.assertEqual(len(server.records()), 1)

    def test_other_statuses(self):
        with ModelServer(model=MEGABYTE) as server:
            for status, name in ((401, 'unauthorized'), (403, 'forbidden'), (410, 'not-found')):
                server.control(f'status?name=model.gguf&status={status}&times=1')
                self.check(server.url('model.gguf'), name)

    def test_the_file_vanishes_while_it_is_half_here(self):
        """Its bytes stay, and are of use when it is back."""
        with ModelServer(gate=2 * MEGABYTE, model=4 * MEGABYTE) as server:
            url = server.url('model.gguf')
            run = self.home.get(url)
            run.wait_for_bytes(MEGABYTE)
            run.signal(signal.SIGINT)
            self.assertEqual(run.end(), 130)
            written = self.home.written()
            server.open_gates()
            server.control('status?name=model.gguf&status=404&times=1')
            self.assert_failed(self.home.get(url), 'not-found')
            self.assertEqual(self.home.names(), ['model.gguf.part'])
            self.assertEqual(self.home.written(), written)
            self.assert_completed(self.home.get(url), server.digests['model.gguf'])
            server.wait_until_idle()
            self.assertEqual(server.fetches()[-1].first, written)


class BadFolder(CommandTest):
    def test_below_a_file(self):
        file = self.home.root / 'file'
        file.write_text('precious')
        with ModelServer(model=MEGABYTE) as server:
            run = self.home.start('get', '--json', '-d', file / 'folder', server.url('model.gguf'))
            self.assert_failed(run, 'permission')
        self.assertEqual(file.read_text(), 'precious')

    def test_read_only(self):
        """For root too: /proc takes no files from anybody."""
        folder = '/proc/self' if os.getuid() == 0 else self.home.out
        if os.getuid() != 0:
            self.home.out.mkdir(0o500)
        with ModelServer(model=MEGABYTE) as server:
            run = self.home.start('get', '--json', '-d', folder, server.url('model.gguf'))
            self.assert_failed(run, 'permission', 'partial-missing')

    def test_the_files_place_is_taken_by_another_file(self):
        self.home.out.mkdir()
        (self.home.out / 'model.gguf').write_text('precious')
        (self.home.out / 'model.gguf.part').write_text('precious too')
        with ModelServer(model=MEGABYTE) as server:
            completed = self.assert_completed(self.home.get(server.url('model.gguf')),
                                              server.digests['model.gguf'])
        self.assertNotEqual(completed['path'], str(self.home.out / 'model.gguf'))
        self.assertEqual((self.home.out / 'model.gguf').read_text(), 'precious')
        self.assertEqual((self.home.out / 'model.gguf.part').read_text(), 'precious too')

    def test_a_catalog_that_cannot_be_made(self):
        (self.home.root / 'data').write_text('a file')
        with ModelServer(model=MEGABYTE) as server:
            run = self.home.get(server.url('model.gguf'))
            self.assert_failed(run, 'permission', 'catalog-damaged')
            self.assertEqual(server.records(), [])


class FullDisk(CommandTest):
    """A disk of 40 MiB in a mount namespace that only the command sees; as anybody but root, in a
    user namespace of their own, which their system has to allow."""

    N_BYTES = 40 << 20

    # To be run with Python in the scripts, whose files wait at a gate until the disk is full.
    OPEN_GATE = """
import os, urllib.request
base, name = os.environ['URL'].rsplit('/', 1)
urllib.request.urlopen(f'{base}/control/gate?name={name}', data=b'')
"""

    # Lets a script wait until the command says that it waits for room; a full disk has none for that.
    UNTIL_FULL = '''
                until grep -q '"reason":"disk-full"' "$LOG" || ! kill -0 "$pid"; do sleep 0.02; done'''

    def on_small_disk(self, script, **values):
        """Runs a shell script beside a small disk that is mounted at $OUT."""
        self.home.out.mkdir(exist_ok=True)
        namespace = ['unshare', '--mount']
        if os.getuid() != 0:
            namespace += ['--user', '--map-root-user']
        # In a chroot the root is no mount, whose propagation could be set; but nobody shares it.
        for propagation in ('private', 'unchanged'):
            chosen = [*namespace, '--propagation', propagation]
            if subprocess.run([*chosen, 'true'], capture_output=True, check=False).returncode == 0:
                namespace = chosen
                break
        return subprocess.run(
            [*namespace, 'sh', '-c',
             f'mount -t tmpfs -o size={self.N_BYTES} tmpfs "$OUT" || exit 99\n{script}'],
            env={**self.home.environment, 'OUT': str(self.home.out),
                 'LOG': str(self.home.root / 'log'), 'DRAY': os.environ['DRAY'],
                 'OPEN_GATE': self.OPEN_GATE, **values},
            text=True, capture_output=True, timeout=120 * PATIENCE, check=False)

    def check(self, ended):
        self.assertEqual(ended.returncode, 1, ended)
        errors = ended.stderr.splitlines()
        self.assertEqual(len(errors), 1, errors)
        self.assertRegex(errors[0], '^dray: disk-full: .')

    def test_a_file_that_will_not_fit_is_not_begun(self):
        with ModelServer(model=50 * MEGABYTE) as server:
            ended = self.on_small_disk('"$DRAY" get --json -d "$OUT" "$URL"; status=$?\n'
                                       'ls -A "$OUT"; exit $status',
                                       URL=server.url('model.gguf'))
            self.check(ended)
            self.assertNotRegex(ended.stdout, r'(?m)^model\.gguf$')

    def test_the_room_for_a_file_is_taken_at_its_start(self):
        """Whoever fills the disk meanwhile does no harm. In memory, taking the room would cost as
        much as filling it, so there it is only looked at."""
        size = 20 * MEGABYTE
        with ModelServer(gate=MEGABYTE, model=size) as server:
            run = self.home.get(server.url('model.gguf'))
            run.wait_for_event(lambda event: event['event'] == 'progress'
                               and event['downloaded'] > 0)
            taken = 512 * (self.home.out / 'model.gguf.part').stat().st_blocks
            run.signal(signal.SIGINT)
            run.end()
        kind = subprocess.run(['stat', '-f', '-c', '%T', self.home.out], capture_output=True,
                              text=True, check=True).stdout.strip()
        if kind == 'tmpfs':
            self.assertLess(taken, size)
        else:
            self.assertGreaterEqual(taken, size)

    def test_a_body_without_length_that_fills_the_disk(self):
        """Nobody knew that it would not fit; the catalog is on another disk. It waits for room, which
        a signal ends as it ends everything."""
        with PlainServer(chunked(self.N_BYTES * 2)) as server:
            ended = self.on_small_disk(f'''
                "$DRAY" get --json -d "$OUT" "$URL" >"$LOG" & pid=$!
                {self.UNTIL_FULL}
                kill -INT "$pid"; wait "$pid"; status=$?
                ls -A "$OUT"; exit $status''', URL=server.url('model.gguf'))
            self.assertEqual(ended.returncode, 130, ended)
            self.assertEqual(ended.stdout.split(), ['model.gguf.part'])
            (row,) = self.home.rows()
            self.assertEqual((row['state'], row['error']), ('paused', None))
            self.assertGreater(row['downloaded'], self.N_BYTES // 2)

    def test_the_disk_fills_meanwhile(self):
        """In memory no room is set aside. It waits, and goes on as soon as there is room."""
        with ModelServer(gate=MEGABYTE, model=20 * MEGABYTE) as server:
            ended = self.on_small_disk(f'''
                "$DRAY" get --json -d "$OUT" "$URL" >"$LOG" & pid=$!
                until [ -s "$OUT/model.gguf.part" ] || ! kill -0 "$pid"; do sleep 0.02; done
                dd if=/dev/zero of="$OUT/filler" bs=65536 2>/dev/null
                /usr/bin/python3 -c "$OPEN_GATE"
                {self.UNTIL_FULL}
                rm "$OUT/filler"
                wait "$pid" || exit
                sha256sum <"$OUT/model.gguf"''', URL=server.url('model.gguf'))
            self.assertEqual(ended.returncode, 0, ended)
            self.assertEqual(ended.stdout.split()[0], server.digests['model.gguf'])

    def test_the_catalogs_disk_fills_too(self):
        """It waits with the bytes kept, and as soon as there is room the file arrives whole."""
        with ModelServer(gate=MEGABYTE, model=10 * MEGABYTE) as server:
            ended = self.on_small_disk(f'''
                export XDG_DATA_HOME="$OUT/data"
                "$DRAY" get --json -d "$OUT/files" "$URL" >"$LOG" & pid=$!
                until [ -s "$OUT/files/model.gguf.part" ] || ! kill -0 "$pid"; do sleep 0.02; done
                dd if=/dev/zero of="$OUT/filler" bs=4096 2>/dev/null
                /usr/bin/python3 -c "$OPEN_GATE"
                {self.UNTIL_FULL}
                ls -A "$OUT/files"
                rm "$OUT/filler"
                wait "$pid"; echo $?
                "$DRAY" list --all >/dev/null 2>&1; echo $?
                ls -A "$OUT/files"
                sha256sum <"$OUT/files/model.gguf"''', URL=server.url('model.gguf'))
            self.assertEqual(ended.returncode, 0, ended)
            self.assertEqual(ended.stdout.split()[:5],
                             ['model.gguf.part', '0', '0', 'model.gguf',
                              server.digests['model.gguf']], ended)

    def test_a_file_larger_than_the_system_allows(self):
        """`ulimit -f`, which counts in KiB: the answer is an error too and no end by a signal."""
        with ModelServer(MEGABYTE * 8, model=4 * MEGABYTE) as server:
            command = self.home.command(['get', '-d', self.home.out, server.url('model.gguf')])
            ended = subprocess.run(['bash', '-c', 'ulimit -f 1024; exec "$@"', 'sh', *command],
                                   env=self.home.environment, text=True, capture_output=True,
                                   timeout=120 * PATIENCE, check=False)
            self.assertEqual(ended.returncode, 1, ended)
            self.assertRegex(ended.stderr, r'\Adray: (too-large-for-drive|disk-full): .*\n\Z')
            self.assertNotIn('model.gguf', self.home.names())


class SecondDray(CommandTest):
    def test_another_on_the_same_catalog(self):
        with ModelServer(gate=MEGABYTE, model=2 * MEGABYTE) as server:
            url = server.url('model.gguf')
            first = self.home.get(url)
            first.wait_for_bytes(1)
            (row,) = self.home.rows()
            self.assertEqual(row['state'], 'downloading')

            self.assert_failed(self.home.get(url), 'busy')
            self.assert_failed(self.home.get('http://127.0.0.1:1/other.gguf'), 'busy')
            self.assert_failed(self.home.start('resume', '--json', row['requestId']), 'busy')
            for verb in ('pause', 'discard', 'remove'):
                run = self.home.run(verb, row['requestId'])
                self.assertEqual((run.status, len(run.stderr())), (1, 1))
                self.assertRegex(run.stderr()[0], '^dray: busy: .')
            self.assertEqual(self.home.run('cancel', '--model', row['modelId']).status, 1)

            self.assertFalse(first.has_ended())
            server.open_gates()
            self.assert_completed(first, server.digests['model.gguf'], 'model.gguf')
            self.assertEqual(len(server.records()), 1)
            self.assertEqual(self.home.names(), ['model.gguf'])

    def test_the_lock_ends_with_its_owner(self):
        with ModelServer(gate=MEGABYTE // 2, model=MEGABYTE) as server:
            first = self.home.get(server.url('model.gguf'))
            first.wait_for_bytes(1)
            first.kill()
            server.open_gates()
            self.assert_completed(self.home.get(server.url('model.gguf')),
                                  server.digests['model.gguf'])

    def test_list_beside_a_running_one(self):
        """It changes nothing and gets in nobody's way."""
        with ModelServer(gate=MEGABYTE, model=6 * MEGABYTE) as server:
            first = self.home.get(server.url('model.gguf'))
            first.wait_for_bytes(MEGABYTE // 10)
            for _ in range(5):
                (row,) = self.home.rows()
                self.assertEqual(row['state'], 'downloading')
                self.assertEqual(row['total'], 6 * MEGABYTE)
                plain = self.home.run('list')
                self.assertEqual((plain.status, len(plain.stdout())), (0, 1))
            server.open_gates()
            self.assert_completed(first, server.digests['model.gguf'])


class Usage(CommandTest):
    def test_usage_errors(self):
        for arguments in (['nonsense'], ['--nonsense'], ['get'], ['get', '--nonsense', 'x'],
                          ['get', '-d'], ['get', '--sha256', '0' * 64, 'a', 'b'],
                          ['list', 'x'], ['list', '--nonsense'], ['pause'], ['resume'],
                          ['discard'], ['remove'], ['cancel'], ['cancel', 'x'],
                          ['cancel', '--model'], ['cancel', '--model', 'a', 'b']):
            run = self.home.run(*arguments)
            self.assertEqual(run.status, 2, arguments)
            self.assertEqual(run.stdout(), [], arguments)
            self.assertRegex('\n'.join(run.stderr()), r'“dray .*--help”', arguments)
        self.assertFalse(self.home.catalog_path.exists())

    def test_no_display(self):
        """The window has nowhere to be; a build without it tells the verbs."""
        run = self.home.run()
        self.assertIn(run.status, (1, 2))
        self.assertEqual(run.stdout(), [])
        self.assertRegex(run.stderr()[0], '^(dray: There is no display|Usage: )')

    def test_a_bus_that_is_not_there_or_does_not_answer(self):
        """The command does its own work, within seconds."""
        mute = socket.socket(socket.AF_UNIX)
        self.addCleanup(mute.close)
        mute.bind(str(self.home.root / 'bus'))
        mute.listen()
        with ModelServer(one=MEGABYTE) as server:
            for number, address in enumerate((f'unix:path={self.home.root}/bus',
                                              'unix:path=/nonexistent', 'nonsense', '')):
                self.home.environment['DBUS_SESSION_BUS_ADDRESS'] = address
                run = self.home.start('get', '--json', '-d', self.home.out / str(number),
                                      server.url('one.gguf'))
                self.assertEqual(run.end(30), 0, run.stderr())

    def test_a_source_that_begins_with_a_dash(self):
        self.assert_failed(self.home.get('--', '--json'), 'invalid-source')

    def test_a_folder_whose_name_is_not_utf8(self):
        run = self.home.run('get', '-d', os.fsdecode(b'/tmp/\xff'), 'http://127.0.0.1:1/x')
        self.assertEqual(run.status, 2)


if __name__ == '__main__':
    tap.main()
