# SPDX-License-Identifier: GPL-3.0-or-later
"""`dray get`: a file arrives whole, and what is told meanwhile."""

import contextlib
import hashlib
import json
import os
import pathlib
import statistics
import subprocess
import time

import tap
from command import PATIENCE, STATES, CommandTest, assert_quick
from servers import ModelServer, MuteServer, Nginx, PlainServer, redirect_to, wait_for

GIBIBYTE = 1 << 30
RATE = 8 << 20
REQUEST_FIELDS = {'event', 'requestId', 'parentId', 'modelId', 'downloadKey', 'source'}
PROGRESS_FIELDS = {'event', 'requestId', 'downloadKey', 'state', 'downloaded', 'total',
                   'percentage', 'speed', 'eta'}
PIPE_WRITE = 4096
COMPLETED_FIELDS = {'event', 'requestId', 'path', 'size', 'sha256', 'verified'}


def write_random(path, size):
    """Returns the SHA-256 of what was written."""
    digest = hashlib.sha256()
    with open(path, 'wb') as file:
        for _ in range(size >> 20):
            chunk = os.urandom(1 << 20)
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


class GetFromNginx(CommandTest):
    def test_a_gibibyte_arrives_identical(self):
        with Nginx() as server:
            sha256 = write_random(server.files / 'big.gguf', GIBIBYTE)
            run = self.home.get('--connections', '1', server.url('big.gguf'))
            completed = self.assert_completed(run, sha256, 'big.gguf')
            took = time.monotonic() - run.began

            self.assertEqual(completed['size'], GIBIBYTE)
            self.assertEqual(completed['verified'], 'computed')
            self.assertEqual(self.home.names(), ['big.gguf'])
            self.assertEqual(sum(fetch.n_bytes for fetch in server.fetches()), GIBIBYTE)
            self.assertEqual(run.stderr(), [])
            tap.note(f'1 GiB took {took:.1f} s with its check')

    def test_events_have_every_field(self):
        size = 16 << 20
        with Nginx(rate=RATE) as server:
            sha256 = write_random(server.files / 'model.gguf', size)
            url = server.url('model.gguf')
            run = self.home.get('--sha256', sha256, url)
            completed = self.assert_completed(run, sha256, 'model.gguf')
            events = run.events()

            self.assertEqual([event['event'] for event in events],
                             ['request'] + ['progress'] * (len(events) - 2) + ['completed'])
            request, progress = events[0], events[1:-1]
            self.assertEqual(set(request), REQUEST_FIELDS)
            self.assertEqual(request['source'], url)
            self.assertEqual(request['modelId'], f'url:{url}')
            self.assertIsNone(request['parentId'])
            self.assertEqual({event['requestId'] for event in events}, {request['requestId']})
            self.assertEqual(set(completed), COMPLETED_FIELDS)
            self.assertEqual(completed['verified'], 'digest')
            self.assertEqual(completed['size'], size)
            for event in progress:
                self.check_progress(event, size)
            self.check_course(progress, size)

    def check_progress(self, event, size):
        self.assertEqual(set(event) - {'reason', 'wait'}, PROGRESS_FIELDS)
        self.assertIn(event['state'], STATES)
        self.assertIsInstance(event['downloaded'], int)
        self.assertIn(event['total'], (None, size))
        for name in ('speed', 'eta'):
            self.assertIsInstance(event[name], (int, type(None)))
        if event['percentage'] is not None:
            self.assertLessEqual(event['percentage'], 100 * event['downloaded'] / size)
            self.assertGreater(event['percentage'], 100 * event['downloaded'] / size - 0.1)

    def check_course(self, progress, size):
        downloaded = [event['downloaded'] for event in progress]
        self.assertEqual(downloaded, sorted(downloaded))
        self.assertEqual(downloaded[-1], size)
        self.assertEqual(progress[-1]['percentage'], 100)
        moving = [event for event in progress
                  if event['state'] == 'downloading' and size / 2 < event['downloaded'] < size]
        self.assertTrue(moving)
        for event in moving:
            self.assertEqual(event['total'], size)
            self.assertTrue(event['downloadKey'])
            self.assertLess(abs(event['eta'] - (size - event['downloaded']) / event['speed']), 2)
        # A busy machine may stand still for a moment.
        speed = statistics.median(event['speed'] for event in moving)
        self.assertGreater(speed, RATE / 2)
        self.assertLess(speed, RATE * 2)

    def test_the_second_get_of_a_finished_file_is_told_its_path(self):
        with ModelServer(small=1 << 20) as server:
            url, sha256 = server.url('small.gguf'), server.digests['small.gguf']
            self.assert_completed(self.home.get(url), sha256, 'small.gguf')
            self.assert_completed(self.home.get(url), sha256)
            self.assertTrue(all(self.home.out.joinpath(name).suffix == '.gguf'
                                for name in self.home.names()))


class Progress(CommandTest):
    def test_five_to_ten_times_a_second(self):
        """Counted over every second of a transfer with an even rate. Other work on the machine can
        spoil one; what tells too little or too much does so in all."""
        with ModelServer(rate=4 << 20, model=16 << 20) as server:
            for _ in range(5):
                counts = self.count_progress(server)
                tap.note(f'progress events in each second: {min(counts)} to {max(counts)}')
                self.assertGreaterEqual(len(counts), 8)
                if min(counts) >= 5 and max(counts) <= 10:
                    return
                server.replace('model.gguf')
        self.fail('fewer than 5 or more than 10 progress events in some second of each')

    def count_progress(self, server):
        run = self.home.get(server.url('model.gguf'))
        completed = self.assert_completed(run, server.digests['model.gguf'])
        self.home.run('remove', completed['requestId'])
        times = [at for (at, _), event in zip(run.lines, run.events())
                 if event['event'] == 'progress' and event['state'] == 'downloading']
        counts = []
        start = times[0]
        while start + 1 <= times[-1]:
            counts.append(sum(start <= at < start + 1 for at in times))
            start += 0.25
        return counts

    def test_the_request_line_comes_before_the_network(self):
        """As long as nobody takes the line, the server is not reached; it is the first line."""
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        n_filled = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                n_filled += os.write(writer, bytes(PIPE_WRITE))
        os.set_blocking(writer, True)
        with MuteServer() as server, open(reader, 'rb') as output:
            run = self.home.get(server.url('model.gguf'), stdout=writer)
            os.close(writer)
            self.assertFalse(run.has_ended(1.5))
            self.assertEqual(server.arrivals, [])

            output.read(n_filled)
            request = json.loads(output.readline())
            self.assertEqual(set(request), REQUEST_FIELDS)
            wait_for(lambda: server.arrivals, 'the connection')
            run.kill()

    def test_the_request_line_comes_within_a_second(self):
        def told_after():
            run = self.home.get(server.url('model.gguf'))
            request = run.wait_for_event(lambda event: event['event'] == 'request')
            self.assertEqual(run.events()[0], request)
            run.kill()
            self.home.run('discard', request['requestId'])
            return run.lines[0][0] - run.began

        with MuteServer() as server:
            assert_quick(self, 1 * PATIENCE, told_after)

    def test_the_request_line_needs_no_network_at_all(self):
        run = self.home.get('http://name-that-is-not.invalid/model.gguf')
        run.wait_for_event(lambda event: event['event'] == 'request')
        run.kill()


class Options(CommandTest):
    def test_several_sources_of_which_one_fails(self):
        with ModelServer(one=2 << 20, two=3 << 20) as server:
            run = self.home.get(server.url('one.gguf'), server.url('none.gguf'),
                                server.url('two.gguf'))
            self.assertEqual(run.end(), 1)
            failed = run.events('failed')
            self.assertEqual([event['error'] for event in failed], ['not-found'])
            self.assertEqual(len(run.stderr()), 1)
            self.assertEqual(len(run.events('request')), 3)
            self.assertEqual(self.home.names(), ['one.gguf', 'two.gguf'])
            for name in self.home.names():
                self.assert_whole(self.home.out / name, server.digests[name])

    def test_one_source_that_is_no_source_stops_no_other(self):
        with ModelServer(one=2 << 20) as server:
            run = self.home.get('nonsense', server.url('one.gguf'))
            self.assertEqual(run.end(), 1)
            self.assertEqual([event['error'] for event in run.events('failed')],
                             ['invalid-source'])
            self.assertIsNone(run.events('failed')[0]['requestId'])
            self.assert_whole(self.home.out / 'one.gguf', server.digests['one.gguf'])

    def test_the_same_source_twice_is_fetched_once(self):
        with ModelServer(rate=8 << 20, one=2 << 20) as server:
            run = self.home.get(server.url('one.gguf'), server.url('one.gguf'))
            self.assertEqual(run.end(), 0, run.stderr())
            self.assertEqual(self.home.names(), ['one.gguf'])
            self.assertEqual(len(server.fetches()), 1)

    def test_two_files_of_one_name(self):
        with ModelServer(one=1 << 20) as first, ModelServer(one=3 << 20) as second:
            run = self.home.get(first.url('one.gguf'), second.url('one.gguf'))
            self.assertEqual(run.end(), 0, run.stderr())
            digests = {event['sha256'] for event in run.events('completed')}
            self.assertEqual(digests, {first.digests['one.gguf'], second.digests['one.gguf']})
            self.assertEqual(len(self.home.names()), 2)
            for event in run.events('completed'):
                self.assert_whole(event['path'], event['sha256'])

    def test_sha256_right_in_any_case(self):
        with ModelServer(one=2 << 20) as server:
            sha256 = server.digests['one.gguf']
            run = self.home.get('--sha256', sha256.upper(), server.url('one.gguf'))
            self.assertEqual(self.assert_completed(run, sha256)['verified'], 'digest')

    def test_sha256_wrong(self):
        with ModelServer(one=2 << 20) as server:
            run = self.home.get('--sha256', '0' * 64, server.url('one.gguf'))
            self.assert_failed(run, 'checksum-mismatch')
            self.assertNotIn('one.gguf', self.home.names())

    def test_sha256_malformed(self):
        with ModelServer(one=2 << 20) as server:
            for malformed in ('abc', 'g' * 64, '0' * 63, '0' * 65, ''):
                run = self.home.run('get', '--sha256', malformed, server.url('one.gguf'))
                self.assertEqual(run.status, 2, malformed)
                self.assertTrue(run.stderr())
            self.assertEqual(server.records(), [])

    def test_limit_rate(self):
        with ModelServer(one=3_000_000) as server:
            run = self.home.get('--limit-rate', '2M', server.url('one.gguf'))
            self.assert_completed(run, server.digests['one.gguf'])
            took = time.monotonic() - run.began
            tap.note(f'3 MB at 2 MB/s took {took:.2f} s')
            self.assertGreater(took, 1)
            self.assertLess(took, 8, 'as many bits would take 12 s')
            for malformed in ('', 'fast', '-1', '1X', '1M1'):
                run = self.home.run('get', '--limit-rate', malformed, server.url('one.gguf'))
                self.assertEqual(run.status, 2, malformed)

    def test_connections(self):
        with ModelServer(rate=8 * 1000 * 1000, one=100 * 1000 * 1000) as server:
            run = self.home.get('--connections', '4', server.url('one.gguf'))
            self.assert_completed(run, server.digests['one.gguf'])
            self.assertGreaterEqual(len(server.records('started')), 4)
            for wrong in ('0', '17', '-1', 'all'):
                run = self.home.run('get', '--connections', wrong, server.url('one.gguf'))
                self.assertEqual(run.status, 2, wrong)

    def test_without_a_folder_files_go_to_the_library(self):
        with ModelServer(one=2 << 20) as server:
            run = self.home.start('get', '--json', server.url('one.gguf'))
            completed = self.assert_completed(run, server.digests['one.gguf'])
            path = pathlib.Path(completed['path'])
            library = self.home.root / 'home' / 'Downloads' / 'Models'
            self.assertRegex(str(path.relative_to(library)), r'\A[^/]+/one/one\.gguf\Z')

    def test_a_relative_folder_is_where_the_command_stands(self):
        with ModelServer(one=2 << 20) as server:
            run = self.home.start('get', '--json', '-d', 'here/there', server.url('one.gguf'),
                                  cwd=self.home.root)
            completed = self.assert_completed(run, server.digests['one.gguf'])
            self.assertEqual(completed['path'],
                             os.path.realpath(self.home.root) + '/here/there/one.gguf')

    def test_quiet_says_nothing_of_success(self):
        with ModelServer(one=2 << 20) as server:
            run = self.home.run('get', '--quiet', '-d', self.home.out, server.url('one.gguf'))
            self.assertEqual((run.status, run.stdout(), run.stderr()), (0, [], []))
            self.assert_whole(self.home.out / 'one.gguf', server.digests['one.gguf'])
            run = self.home.run('get', '--quiet', '-d', self.home.out, server.url('none.gguf'))
            self.assertEqual((run.status, run.stdout(), len(run.stderr())), (1, [], 1))

    def test_without_a_terminal_the_path_is_printed(self):
        with ModelServer(one=2 << 20) as server:
            run = self.home.run('get', '-d', self.home.out, server.url('one.gguf'))
            self.assertEqual((run.status, run.stdout(), run.stderr()),
                             (0, [str(self.home.out / 'one.gguf')], []))


class Token(CommandTest):
    def token_file(self, text):
        path = self.home.root / 'token'
        path.write_text(text)
        return path

    def test_the_token_goes_to_the_source_and_to_no_other(self):
        token = self.token_file('hf_abcDEF123\n')
        with ModelServer(one=2 << 20) as origin, ModelServer(one=2 << 20) as elsewhere:
            run = self.home.get('--token-file', token, origin.url('one.gguf'))
            self.assert_completed(run, origin.digests['one.gguf'])
            self.assertEqual([record['authorization'] for record in origin.records()],
                             ['Bearer hf_abcDEF123'])

            with PlainServer(redirect_to(elsewhere.url('one.gguf'))) as server:
                run = self.home.get('--token-file', token, server.url('two.gguf'))
                self.assert_completed(run, elsewhere.digests['one.gguf'])
                self.assertEqual(server.tokens, ['Bearer hf_abcDEF123'])
            self.assertEqual([record['authorization'] for record in elsewhere.records()], [None])

    def test_the_token_is_not_written_down(self):
        token = self.token_file('hf_secretsecret')
        with ModelServer(one=2 << 20) as server:
            run = self.home.get('--token-file', token, server.url('one.gguf'))
            self.assert_completed(run, server.digests['one.gguf'])
            self.assertNotIn('hf_secret', '\n'.join(run.stdout() + run.stderr()))
            for path in self.home.catalog_path.parent.iterdir():
                self.assertNotIn(b'hf_secret', path.read_bytes(), path)

    def test_a_token_file_that_is_none(self):
        with ModelServer(one=2 << 20) as server:
            for path in (self.home.root / 'missing', self.token_file('two words\n'),
                         self.token_file('two\nlines\n')):
                run = self.home.run('get', '--token-file', path, server.url('one.gguf'))
                self.assertEqual(run.status, 2)
                self.assertRegex(run.stderr()[0], '^dray: .*')
            self.assertEqual(server.records(), [])


class OutputThatEnds(CommandTest):
    def check_reader_that_left(self, *options):
        with ModelServer(rate=8 << 20, one=4 << 20) as server:
            reader, writer = os.pipe()
            run = self.home.start('get', *options, '-d', self.home.out, server.url('one.gguf'),
                                  stdout=writer)
            os.close(writer)
            os.read(reader, 1) if options else time.sleep(0.1)
            os.close(reader)
            status = run.end()
            tap.note(f'status {status} when the reader left')
            if 'one.gguf' in self.home.names():
                self.assert_whole(self.home.out / 'one.gguf', server.digests['one.gguf'])
            again = self.home.get(server.url('one.gguf'))
            self.assert_completed(again, server.digests['one.gguf'])

    def test_json_to_a_reader_that_leaves(self):
        self.check_reader_that_left('--json')

    def test_plain_to_a_reader_that_leaves(self):
        self.check_reader_that_left()

    def test_streams_closed_from_the_start(self):
        """What is printed must not go into the file that got the number of standard output."""
        with ModelServer(gate=1 << 20, one=2 << 20) as server:
            for number, closed in enumerate(('>&-', '2>&-', '<&-', '<&- >&- 2>&-')):
                folder = self.home.out / str(number)
                command = self.home.command(['get', '--json', '-d', folder,
                                             server.url('one.gguf')])
                sha256 = server.replace('one.gguf')
                server.set_gate('one.gguf', 1 << 20)
                with subprocess.Popen(['sh', '-c', f'exec "$@" {closed}', 'sh', *command],
                                      stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL, env=self.home.environment) as run:
                    streams = pathlib.Path('/proc', str(run.pid), 'fd')
                    wait_for((folder / 'one.gguf.part').exists, 'the first bytes')
                    self.assertEqual({os.readlink(streams / str(fd)) for fd in range(3)},
                                     {'/dev/null'}, closed)
                    server.open_gates()
                    self.assertEqual(run.wait(), 0)
                self.assert_whole(folder / 'one.gguf', sha256)


if __name__ == '__main__':
    tap.main()
