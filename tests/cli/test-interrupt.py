# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGINT and SIGTERM pause: quickly, with the offsets recorded, so nothing is fetched twice."""

import os
import random
import signal
import statistics
import time

import tap
from command import PATIENCE, CommandTest, assert_quick
from servers import ModelServer, MuteServer, wait_for

# How long a person may wait for Ctrl+C, in seconds.
PROMPT = 0.2 * PATIENCE
MEGABYTE = 1000 * 1000


class Interrupt(CommandTest):
    def interrupt(self, run, number, after):
        """Returns the seconds between the signal and the end."""
        time.sleep(after)
        self.assertFalse(run.has_ended(), run.stderr())
        sent = time.monotonic()
        run.signal(number)
        self.assertTrue(run.has_ended(60 * PATIENCE))
        took = time.monotonic() - sent
        self.assertEqual(run.end(), 128 + number, run.stderr())
        return took

    def check_paused(self, size):
        """The catalog has the request paused, and as many bytes as the partial file holds."""
        self.assertEqual(self.home.query('SELECT state FROM request'), [{'state': 'paused'}])
        pieces = self.home.query('SELECT start, "end", written, synced FROM piece')
        self.assertEqual([(piece['start'], piece['end']) for piece in pieces], [(0, size)])
        self.assertLessEqual(pieces[0]['synced'], pieces[0]['written'])
        return pieces[0]['written']

    def test_at_random_moments(self):
        seed = int(os.environ.get('DRAY_TEST_SEED', 1))
        tap.note(f'seed {seed}')
        chance = random.Random(seed)
        share = 15 * MEGABYTE
        size = 9 * share
        times, again, offsets = [], [], []
        with ModelServer(50 * MEGABYTE, model=size) as server:
            url = server.url('model.gguf')
            for round_, number in enumerate([signal.SIGINT, signal.SIGTERM] * 4):
                # However late the signal is, something is left for the next ones.
                server.set_gate('model.gguf', (round_ + 1) * share)
                run = self.home.get('--connections', '1', url)
                run.wait_for_event(lambda event: event['event'] == 'progress'
                                   and event['state'] == 'downloading')
                times.append(self.interrupt(run, number, chance.random() * 0.15))
                offsets.append(self.check_paused(size))
                last = run.events('progress')[-1]
                self.assertEqual((last['state'], last['downloaded']), ('paused', offsets[-1]))
                self.assertEqual(self.home.names(), ['model.gguf.part'])
                self.assertEqual(run.stderr(), [])
            server.open_gates()
            self.assert_completed(self.home.get('--connections', '1', url),
                                  server.digests['model.gguf'])
            server.wait_until_idle()

            self.assertEqual([fetch.first for fetch in server.fetches()], [0] + offsets)
            again = sum(fetch.n_bytes for fetch in server.fetches()) - size
            tap.note('from the signal to the end, ms: '
                     + ' '.join(f'{1000 * took:.0f}' for took in times))
            tap.note(f'{again / len(times) / MEGABYTE:.1f} MB were on their way at each')
            # Other work on the machine can spoil some.
            self.assertLess(statistics.median(times), PROMPT)

    def test_while_a_server_does_not_answer(self):
        def interrupt_one():
            with MuteServer() as server:
                run = self.home.get(server.url('model.gguf'))
                wait_for(lambda: server.arrivals, 'the connection')
                took = self.interrupt(run, number, 0.05)
                self.assertEqual(self.home.query('SELECT DISTINCT state FROM request'),
                                 [{'state': 'paused'}])
                return took

        for number in (signal.SIGINT, signal.SIGTERM):
            assert_quick(self, PROMPT, interrupt_one)

    def test_while_it_waits_for_another_attempt(self):
        with ModelServer(model=MEGABYTE) as server:
            def interrupt_one():
                server.control('status?name=model.gguf&status=503&times=9&retry-after=300')
                run = self.home.get(server.url('model.gguf'))
                waiting = run.wait_for_event(lambda event: event.get('state') == 'waiting')
                self.assertTrue(waiting['reason'])
                return self.interrupt(run, signal.SIGINT, 0.1)

            assert_quick(self, PROMPT, interrupt_one)

    def test_at_once(self):
        """A signal at any moment of the start ends it, and a whole file comes of it later."""
        with ModelServer(gate=MEGABYTE, model=2 * MEGABYTE) as server:
            for step in range(12):
                run = self.home.get(server.url('model.gguf'))
                time.sleep(step * 0.003)
                run.signal(signal.SIGINT)
                # Before the handler stands, the signal itself ends the program.
                self.assertIn(run.end(), (130, -signal.SIGINT))
            server.open_gates()
            self.assert_completed(self.home.get(server.url('model.gguf')),
                                  server.digests['model.gguf'], 'model.gguf')

    def test_several_files(self):
        def interrupt_both():
            run = self.home.get(*urls)
            for url in urls:
                name = url.rsplit('/', 1)[1]
                wait_for((self.home.out / f'{name}.part').exists, name)
            took = self.interrupt(run, signal.SIGINT, 0.2)
            self.assertEqual({row['state'] for row in self.home.rows()}, {'paused'})
            return took

        with ModelServer(4 * MEGABYTE, gate=6 * MEGABYTE, one=8 * MEGABYTE,
                         two=8 * MEGABYTE) as server:
            urls = [server.url('one.gguf'), server.url('two.gguf')]
            assert_quick(self, PROMPT, interrupt_both)
            server.open_gates()
            again = self.home.get(*urls)
            self.assertEqual(again.end(), 0, again.stderr())
            for name in ('one.gguf', 'two.gguf'):
                self.assert_whole(self.home.out / name, server.digests[name])


if __name__ == '__main__':
    tap.main()
