# SPDX-License-Identifier: GPL-3.0-or-later
"""The file on the server changes: no byte of one version is ever joined to one of another."""

import concurrent.futures
import os
import random
import signal
import time

import tap
from command import CommandTest, Home, sha256_of
from servers import ModelServer, Nginx

MEGABYTE = 1000 * 1000
SIZE = 24 * MEGABYTE  # at nginx's rate, longer than any machine stands still
N_ROUNDS = 48
N_AT_ONCE = 3


class Changed(CommandTest):
    def interrupt_halfway(self, url, n_bytes):
        run = self.home.get(url)
        run.wait_for_bytes(n_bytes)
        run.signal(signal.SIGINT)
        self.assertEqual(run.end(), 130)
        self.assertGreaterEqual(self.home.written(), n_bytes)

    def check_changed(self, url, name, replace):
        """Interrupted, changed, refused with every byte kept, and begun anew when asked."""
        self.interrupt_halfway(url, MEGABYTE)
        partial = self.home.out / f'{name}.part'
        written = self.home.written()
        before = partial.read_bytes()[:written]
        sha256 = replace()

        for _ in range(2):
            self.assert_failed(self.home.get(url), 'changed')
            self.assertEqual(self.home.names(), [f'{name}.part'])
            self.assertEqual(self.home.written(), written)
            self.assertEqual(partial.read_bytes()[:written], before)

        run = self.home.get('--restart-changed', url)
        self.assert_completed(run, sha256, name)
        self.assertEqual(self.home.names(), [name])

    def test_model_server(self):
        with ModelServer(gate=2 * MEGABYTE, model=4 * MEGABYTE) as server:
            def replace():
                server.open_gates()
                return server.replace('model.gguf')

            self.check_changed(server.url('model.gguf'), 'model.gguf', replace)

    def check_nginx(self, size):
        with Nginx(MEGABYTE) as server:
            path = server.files / 'model.gguf'
            path.write_bytes(os.urandom(SIZE))
            os.utime(path, (1_600_000_000, 1_600_000_000))

            def replace():
                server.hurry()
                path.write_bytes(os.urandom(size))
                return sha256_of(path)

            self.check_changed(server.url('model.gguf'), 'model.gguf', replace)

    def test_nginx_other_content_of_the_same_size(self):
        self.check_nginx(SIZE)

    def test_nginx_longer(self):
        self.check_nginx(SIZE + MEGABYTE)

    def test_nginx_shorter_than_what_is_here(self):
        self.check_nginx(MEGABYTE // 2)

    def test_it_changes_back(self):
        """The bytes that were kept are still good for the version that they came from."""
        with Nginx(MEGABYTE) as server:
            path = server.files / 'model.gguf'
            first = os.urandom(SIZE)
            path.write_bytes(first)
            os.utime(path, (1_600_000_000, 1_600_000_000))
            sha256 = sha256_of(path)
            url = server.url('model.gguf')
            self.interrupt_halfway(url, MEGABYTE)
            written = self.home.written()
            server.hurry()
            path.write_bytes(os.urandom(SIZE))
            self.assert_failed(self.home.get(url), 'changed')
            path.write_bytes(first)
            os.utime(path, (1_600_000_000, 1_600_000_000))
            self.assert_completed(self.home.get(url), sha256, 'model.gguf')
            self.assertEqual(server.fetches()[-1].first, written)

    def test_restart_changed_of_what_has_not_changed_keeps_the_bytes(self):
        with ModelServer(gate=2 * MEGABYTE, model=4 * MEGABYTE) as server:
            url = server.url('model.gguf')
            self.interrupt_halfway(url, MEGABYTE)
            server.open_gates()
            written = self.home.written()
            self.assert_completed(self.home.get('--restart-changed', url),
                                  server.digests['model.gguf'])
            server.wait_until_idle()
            self.assertEqual(server.fetches()[-1].first, written)
            # The server is asked to compare, too, and not only looked at afterwards.
            self.assertTrue(server.records()[-1]['if_range'])


class AnyOrder(CommandTest):
    """Rounds of kills, interrupts, changes, gets and resumes in an order that chance makes."""

    def test_no_splice(self):
        seed = int(os.environ.get('DRAY_TEST_SEED', 1))
        tap.note(f'DRAY_TEST_SEED={seed}')
        files = {f'm{number}': 700_000 + 1000 * number for number in range(N_ROUNDS)}
        with ModelServer(4 * MEGABYTE, **files) as server, \
                concurrent.futures.ThreadPoolExecutor(N_AT_ONCE) as pool:
            rounds = [pool.submit(Round(server, f'm{number}.gguf', seed + number).play)
                      for number in range(N_ROUNDS)]
            problems = [problem for played in rounds for problem in played.result()]
        self.assertEqual(problems, [])


class Round:
    """One file, one home, a dozen events. A problem is told with its story."""

    def __init__(self, server, name, seed):
        self.server = server
        self.name = name
        self.url = server.url(name)
        self.chance = random.Random(seed)
        self.versions = {server.digests[name]}
        self.story = [f'seed {seed}']
        self.problems = []

    def play(self):
        self.home = Home()
        try:
            for _ in range(self.chance.randint(3, 10)):
                self.chance.choice([self.change, self.change, self.kill, self.kill, self.interrupt,
                                    self.resume, self.get, self.restart, self.change_meanwhile])()
                self.check_files()
            self.finish()
        finally:
            self.home.close()
        return self.problems

    def tell(self, what):
        self.story.append(what)

    def complain(self, what):
        self.problems.append(f'{self.name}: {what}: {"; ".join(self.story)}')

    def change(self):
        self.versions.add(self.server.replace(self.name))
        self.tell('changed')

    def start(self):
        return self.home.get(*self.chance.choice([[], [], ['--restart-changed']]), self.url)

    def wait(self):
        time.sleep(self.chance.random() ** 2 * 0.25)

    def kill(self):
        run = self.start()
        self.wait()
        self.tell(f'killed: {run.kill()}')

    def interrupt(self):
        run = self.start()
        self.wait()
        run.signal(self.chance.choice([signal.SIGINT, signal.SIGTERM]))
        self.judge(run, 'interrupted', (0, 1, 130, 143, -signal.SIGINT, -signal.SIGTERM))

    def change_meanwhile(self):
        run = self.start()
        self.wait()
        self.change()
        self.judge(run, 'got while it changed', (0, 1))

    def get(self):
        self.judge(self.home.get(self.url), 'got', (0, 1))

    def restart(self):
        self.judge(self.home.get('--restart-changed', self.url), 'restarted', (0,))

    def resume(self):
        ids = [row['requestId'] for row in self.home.rows() if row['state'] != 'completed']
        if ids:
            self.judge(self.home.start('resume', '--json', *ids), 'resumed', (0, 1))

    def judge(self, run, what, statuses):
        status = run.end()
        self.tell(f'{what}: {status}')
        if status not in statuses:
            self.complain(f'status {status}: {run.stderr()}')
        for event in run.events('failed'):
            if event['error'] != 'changed':
                self.complain(f'{event}')
        for event in run.events('completed'):
            if sha256_of(event['path']) != event['sha256']:
                self.complain(f'completed with another digest: {event}')

    def check_files(self):
        for name in self.home.names() if self.home.out.exists() else []:
            if not name.endswith('.part') and sha256_of(self.home.out / name) not in self.versions:
                self.complain(f'{name} is no version in whole')

    def finish(self):
        """What is there in the end is a version in whole; a partial file beside it is told."""
        run = self.home.get('--restart-changed', self.url)
        self.judge(run, 'finished', (0,))
        self.check_files()
        if not run.events('completed'):
            self.complain('not completed')
        left = [name for name in self.home.names() if name.endswith('.part')]
        if left:
            tap.note(f'{self.name}: partial files left over: {left}: {"; ".join(self.story)}')


if __name__ == '__main__':
    tap.main()
