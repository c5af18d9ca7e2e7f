# SPDX-License-Identifier: GPL-3.0-or-later
"""What the window says of those who wait in line, and of other callers of the same file."""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / 'cli'))

import tap  # noqa: E402
from program import WindowTest  # noqa: E402
from servers import ModelServer  # noqa: E402

MEGABYTE = 1000 * 1000
SIZE = 6 * MEGABYTE
SLOW = MEGABYTE
HALFWAY = SIZE // 2
NAMES = ('First', 'Second', 'Third', 'Fourth', 'Fifth')


class Callers(WindowTest):
    def setUp(self):
        super().setUp()
        self.server = ModelServer(SLOW, HALFWAY, **{name: SIZE for name in NAMES})
        self.addCleanup(self.server.__exit__)

    def url(self, name):
        return self.server.url(f'{name}.gguf')

    def test_the_line(self):
        program = self.open(*(self.url(name) for name in NAMES))
        program.wait_for_label('First in line')
        program.wait_for_label('Second in line')
        self.shoot('line')
        program.click('Start Now Fifth')
        program.wait_for_fraction('Fifth')
        program.wait_for_no_label('Second in line')
        program.wait_for_label('First in line')
        self.server.hurry()
        program.wait_for(lambda: len([label for label in program.labels()
                                      if label.startswith('Complete')]) == len(NAMES),
                         'five complete rows')

    def test_the_terminal_waits_too(self):
        program = self.open(self.url('First'))
        program.wait_for_fraction('First')
        run = self.home.start('get', '--json', self.url('First'))
        program.wait_for_label('also for Terminal')
        self.shoot('shared')
        program.keep_toasts()
        program.click('Pause First.gguf')
        program.wait_for_label('Terminal is still downloading this file')
        self.shoot('paused-here')
        program.click('Pause Everywhere')
        self.assertEqual(run.end(), 1)
        self.assertEqual(len(self.server.records('started')), 1)
        program.wait_for_label('Paused · ')
        self.assertEqual({row['state'] for row in self.home.rows()}, {'paused'})

    def test_a_discard_leaves_the_bytes_to_the_terminal(self):
        program = self.open(self.url('First'))
        program.wait_for_fraction('First')
        run = self.home.start('get', '--json', self.url('First'))
        program.wait_for_label('also for Terminal')
        program.keep_toasts()
        program.click('Discard First.gguf')
        program.wait_for_label('Removed here; kept for Terminal')
        self.shoot('kept')
        self.server.hurry()
        self.assertEqual(run.end(), 0)
        self.assertEqual(len(self.server.records('started')), 1)
        self.assert_whole(self.server, 'First.gguf')
        program.wait_for_label('for Terminal')
        self.shoot('for-terminal')


if __name__ == '__main__':
    tap.main()
