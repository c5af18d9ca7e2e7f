# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9, again and again over a transfer: what a kill costs, and that the file arrives whole.

DRAY_TEST_FULL=1 adds 20 kills, 3 seconds apart, at 50 MB/s: more than a minute and 7 GB of disk.
DRAY_TEST_KILLS is how many kills the test with random moments makes, DRAY_TEST_SEED which they are.
"""

import hashlib
import os
import random
import time

import tap
from command import PATIENCE, CommandTest, Home
from servers import ModelServer, Nginx, wait_for

MEGABYTE = 1000 * 1000


def write_random(path, size):
    digest = hashlib.sha256()
    with open(path, 'wb') as file:
        for start in range(0, size, MEGABYTE):
            chunk = os.urandom(min(MEGABYTE, size - start))
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


# How far one connection had come, the server's log tells by itself.
ONE = ('--connections', '1')


class Kill(CommandTest):
    def kill_often(self, server, url, size, n_kills, apart):
        """Kills runs of get that much time apart, each after bytes have come and were recorded, and
        sooner where a busy machine would leave too few bytes for those that follow."""
        written = 0
        for number in range(n_kills):
            run = self.home.get(*ONE, url)
            run.wait_for_event(lambda event: event['event'] == 'progress'
                               and event['state'] == 'downloading')
            wait_for(lambda: self.home.written() > written, 'the journal')
            # Anywhere in the journal's round, not at a moment that the printing chooses.
            moment = run.began + apart + random.random() * apart / 8
            share = (number + 1) * size // (n_kills + 2)
            while (time.monotonic() < moment
                   and run.events('progress')[-1]['downloaded'] < share):
                time.sleep(0.005)
            self.assertFalse(run.has_ended(), f'ended before kill {number}: {run.stderr()}')
            run.kill()
            wait_for(lambda: len(server.fetches()) > number, "the server's log")
            written = self.home.written()

    def check(self, server, size, rate, n_kills):
        """By the server's log: no fetch began at or before the one that came before it, and what
        was sent twice is at most a second's worth for each kill, on average: what lies unread in the
        sockets of a busy machine is lost as well."""
        fetches = server.fetches()
        self.assertEqual(len(fetches), n_kills + 1, fetches)
        self.assertEqual({fetch.status for fetch in fetches[1:]}, {206})
        starts = [fetch.first for fetch in fetches]
        self.assertEqual(starts, sorted(set(starts)))
        again = [before.first + before.n_bytes - after.first
                 for before, after in zip(fetches, fetches[1:])]
        tap.note(f'{n_kills} kills; sent again for each, MB: '
                 + ' '.join(f'{n_bytes / MEGABYTE:.1f}' for n_bytes in again)
                 + f'; {sum(again) / n_kills / rate:.2f} s worth on average')
        self.assertEqual(sum(fetch.n_bytes for fetch in fetches), size + sum(again))
        for n_bytes in again:
            self.assertGreaterEqual(n_bytes, 0)
        self.assertLessEqual(sum(again) / n_kills, rate * PATIENCE)

    def check_nginx(self, rate, size, n_kills, apart):
        with Nginx(rate) as server:
            sha256 = write_random(server.files / 'model.gguf', size)
            url = server.url('model.gguf')
            self.kill_often(server, url, size, n_kills, apart)
            server.hurry()
            self.assert_completed(self.home.get(*ONE, url), sha256, 'model.gguf')
            self.assertEqual(self.home.names(), ['model.gguf'])
            self.check(server, size, rate, n_kills)

    def test_nginx(self):
        self.check_nginx(10 * MEGABYTE, 160 * MEGABYTE, 6, 0.7)

    def test_model_server(self):
        rate, size = 20 * MEGABYTE, 160 * MEGABYTE
        with ModelServer(rate, gate=size - MEGABYTE, model=size) as server:
            url = server.url('model.gguf')
            self.kill_often(server, url, size, 6, 0.7)
            server.hurry()
            self.assert_completed(self.home.get(*ONE, url), server.digests['model.gguf'], 'model.gguf')
            server.wait_until_idle()
            self.check(server, size, rate, 6)

    if os.environ.get('DRAY_TEST_FULL'):
        def test_twenty_times_at_fifty_megabytes_a_second(self):
            self.check_nginx(50 * MEGABYTE, 3600 * MEGABYTE, 20, 3)


class RandomMoments(CommandTest):
    """Downloads of random sizes, with random numbers of connections, each killed a few times."""

    def wait_until(self, run, n_bytes):
        """Waits until so many bytes are there; returns whether the run goes on."""
        def is_there():
            return run.has_ended() or any(event.get('downloaded', 0) >= n_bytes
                                          for event in run.events('progress'))

        wait_for(is_there, f'{n_bytes} bytes', 60 * PATIENCE)
        return not run.has_ended()

    def kill_at(self, arguments, n_bytes, later):
        """Kills a run when it has so many bytes, a little later. Returns whether it was alive."""
        run = self.home.get(*arguments)
        if n_bytes > 0:
            self.wait_until(run, n_bytes)
        # Samples are printed ten times a second, moments are chosen between them.
        ended = run.has_ended(later)
        run.kill()
        return not ended

    def download(self, choose):
        """Returns how many kills there were, and how many seconds' worth was sent twice."""
        size = int(20 * MEGABYTE * 8 ** choose.random())
        connections = choose.randint(1, 16)
        rate = size / choose.uniform(0.8, 2.4)
        moments = sorted(choose.uniform(-0.1, 1) for _ in range(choose.randint(1, 4)))
        n_kills = 0
        with ModelServer(int(rate / connections), model=size) as server:
            url = server.url('model.gguf')
            arguments = '--connections', connections, url
            for moment in moments:
                n_kills += self.kill_at(arguments, moment * size, choose.uniform(0, 0.15))
            self.assert_completed(self.home.get(*arguments), server.digests['model.gguf'])
            self.assertEqual(self.home.names(), ['model.gguf'])
            server.wait_until_idle()
            again = sum(fetch.n_bytes for fetch in server.fetches()) - size
        return n_kills, again / rate

    def download_with(self, seed):
        """The same in a home of its own, with a seed that a failure tells."""
        self.home = Home()
        try:
            return self.download(random.Random(seed))
        except BaseException:
            tap.note(f'DRAY_TEST_SEED={seed} DRAY_TEST_KILLS=1 repeats it')
            raise
        finally:
            self.home.close()

    def test_at_random_moments(self):
        seed = int(os.environ.get('DRAY_TEST_SEED', '1'))
        wanted = int(os.environ.get('DRAY_TEST_KILLS')
                     or (25 if os.environ.get('DRAY_TEST_FULL') else 5))
        seconds = n_kills = 0
        while n_kills < wanted:
            kills, again = self.download_with(seed)
            n_kills += kills
            seconds += again
            seed += 1
        tap.note(f'{n_kills} kills; {seconds / n_kills:.2f} s worth sent again for each')
        self.assertLessEqual(seconds / n_kills, PATIENCE)


if __name__ == '__main__':
    tap.main()
