# SPDX-License-Identifier: GPL-3.0-or-later
"""A drive that fills up at any moment of a download: what is kept, and that it arrives whole.

DRAY_TEST_FULL=1 fills it at 20 moments. DRAY_TEST_SEED is which moments they are.
"""

import os
import random
import signal

import tap
from command import PATIENCE, CommandTest, Home
from drives import LimitedFiles, Tmpfs, enter_namespace
from servers import ModelServer, wait_for

MEGABYTE = 1000 * 1000
FULL = {'disk-full', 'too-large-for-drive'}
ROOM = 32 * MEGABYTE  # that Dray leaves to others, and for the catalog
N_MOMENTS = 20 if os.environ.get('DRAY_TEST_FULL') else 4
Drive = Tmpfs if enter_namespace() else LimitedFiles


class DiskFull(CommandTest):
    def get(self, drive, url, connections):
        return self.home.start('get', '--json', '-d', drive.root / 'models', '--connections',
                               connections, url, **drive.options)

    def has_noticed(self, run):
        """Whether the run has come to a stand, by its own words or its end."""
        return run.has_ended() or any(event['state'] in ('waiting', 'paused')
                                      for event in run.events('progress'))

    def fill_up(self, drive, run, n_bytes):
        """Fills the drive when it has so many bytes of the file; returns whether the run then goes
        on waiting, and does not end with an error."""
        run.wait_for_bytes(n_bytes)
        drive.fill(run)
        wait_for(lambda: self.has_noticed(run), 'the full drive to be noticed', 30 * PATIENCE)
        if not run.has_ended():
            return True
        self.assertEqual(run.end(), 1, run.stderr())
        self.assertIn(run.events('failed')[0]['error'], FULL)
        return False

    def fill_once(self, seed, on_drive):
        choose = random.Random(seed)
        size = int(choose.uniform(36, 56) * MEGABYTE)
        connections = choose.randint(1, 16)
        drive = Drive(size + ROOM)
        self.addCleanup(drive.close)
        self.home = Home(drive.root if on_drive else None)
        self.addCleanup(self.home.close)
        with ModelServer(int(size / choose.uniform(0.6, 1.2) / connections), model=size) as server:
            url = server.url('model.gguf')
            run = self.get(drive, url, connections)
            waits = self.fill_up(drive, run, int(choose.uniform(0, 0.8) * size))
            drive.free(run)
            if waits and choose.random() < 0.5:
                run.signal(signal.SIGINT)
                run.end()
                waits = False
            if not waits:
                run = self.get(drive, url, connections)
            self.assert_completed(run, server.digests['model.gguf'])
            self.assertEqual(os.listdir(drive.root / 'models'), ['model.gguf'])
            server.wait_until_idle()
            again = sum(fetch.n_bytes for fetch in server.fetches()) - size
        self.doCleanups()
        return again

    def check(self, n_moments, on_drive):
        seed = int(os.environ.get('DRAY_TEST_SEED', '1'))
        again = []
        for number in range(seed, seed + n_moments):
            try:
                again.append(self.fill_once(number, on_drive))
            except BaseException:
                tap.note(f'DRAY_TEST_SEED={number} repeats it')
                raise
        tap.note(f'{Drive.__name__}; sent again, MB: '
                 + ' '.join(f'{n_bytes / MEGABYTE:.1f}' for n_bytes in again))

    def test_the_files_alone(self):
        self.check(N_MOMENTS, False)

    def test_with_the_catalog_on_the_same_drive(self):
        self.check(max(2, N_MOMENTS // 4), True)


if __name__ == '__main__':
    tap.main()
