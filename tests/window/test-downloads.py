# SPDX-License-Identifier: GPL-3.0-or-later
"""The Downloads page from the empty list to the finished file, over a restart and a kill."""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / 'cli'))

import tap  # noqa: E402
from program import WindowTest  # noqa: E402
from servers import ModelServer  # noqa: E402

MEGABYTE = 1000 * 1000
SIZE = 6 * MEGABYTE
SLOW = MEGABYTE
FIRST_GATE, SECOND_GATE = 2 * MEGABYTE, 4 * MEGABYTE
PARTS = ('Big-00001-of-00002', 'Big-00002-of-00002')


class Downloads(WindowTest):
    def setUp(self):
        super().setUp()
        self.server = ModelServer(SLOW, FIRST_GATE, Small=SIZE, Other=SIZE,
                                  **{part: SIZE for part in PARTS})
        self.addCleanup(self.server.__exit__)
        self.url = self.server.url('Small.gguf')

    def let_some_come(self):
        for name in self.server.digests:
            self.server.set_gate(name, SECOND_GATE)

    def hurry(self, program, name='Small.gguf'):
        """Lets what is asked for from now on come at once, and what runs with it."""
        self.server.hurry()
        program.wait_for_label('Complete')
        self.assert_whole(self.server, name)

    def test_add_a_link_and_see_it_complete(self):
        program = self.open()
        program.wait_for_label('Paste or Drop a Link')
        self.shoot('empty')
        program.type_link(self.url)
        program.wait_for_label('Small')
        self.shoot('add')
        program.click('Download')
        first = program.wait_for_fraction('Small')
        self.let_some_come()
        second = program.wait_for_fraction('Small', first)
        self.assertLess(second, 1)
        self.shoot('running')
        self.hurry(program)
        self.assertIsNone(program.find_bar('Small'))
        self.shoot('finished')

    def test_pause_and_resume(self):
        program = self.open(self.url)
        program.wait_for_fraction('Small')
        program.click('Pause Small')
        program.wait_for_label('Paused · ')
        kept = self.written()
        self.assertGreater(kept, 0)
        program.wait_for_place('Small', kept / SIZE)
        self.shoot('paused')
        self.server.wait_until_idle()
        self.assertEqual(self.written(), kept)
        self.let_some_come()
        program.click('Resume Small')
        program.wait_for_fraction('Small', kept / SIZE)
        self.hurry(program)
        self.server.wait_until_idle()
        self.assertEqual(self.server.fetches()[-1].first, kept)

    def test_discard_and_undo(self):
        program = self.open(self.url)
        before = program.wait_for_fraction('Small')
        program.keep_toasts()
        program.click('Discard Small')
        program.wait_for_label('Download discarded')
        self.assertIsNone(program.find_bar('Small'))
        self.shoot('discarded')
        self.let_some_come()
        program.click('Undo')
        program.wait_for_fraction('Small', before)
        program.wait_for_no_label('Download discarded')
        self.hurry(program)
        self.server.wait_until_idle()
        self.assertGreater(self.server.fetches()[-1].first, 0)

    def test_a_discard_that_is_not_undone_takes_the_bytes(self):
        program = self.open(self.url)
        program.wait_for_fraction('Small')
        self.assertTrue(self.files())
        self.desktop.xdotool('mousemove', 0, 0)
        program.click('Discard Small')
        program.wait_for_label('Download discarded')
        program.wait_for_no_label('Download discarded')
        program.wait_for(lambda: not self.files(), 'the partial file to go')
        self.assertEqual(program.quit(), 0)
        self.assertEqual(self.home.rows(), [])

    def test_cancel_all_of_a_model(self):
        program = self.open(*(self.server.url(f'{part}.gguf') for part in PARTS))
        program.wait_for_fraction('Big')
        program.wait_for_label('2 files')
        self.shoot('several-files')
        program.keep_toasts()
        program.click('Cancel All Big')
        program.wait_for_label('2 downloads cancelled. ')
        program.wait_for_label('Paused · ')
        kept = self.written() / (2 * SIZE)
        program.wait_for_place('Big', kept)
        self.shoot('cancelled')
        for part in PARTS:
            program.wait_for(lambda: program.find_bar(f'{part}.gguf'), f'the row of {part}')
        self.let_some_come()
        program.click('Resume')
        program.wait_for_fraction('Big', kept + 0.01)
        self.server.hurry()
        program.wait_for_label('Complete')
        for part in PARTS:
            self.assert_whole(self.server, f'{part}.gguf')

    def test_pause_all_and_resume_all(self):
        program = self.open(self.url, self.server.url('Other.gguf'))
        for name in ('Small', 'Other'):
            program.wait_for_fraction(name)
        program.click('Pause All')
        program.wait_for(lambda: len([label for label in program.labels()
                                      if label.startswith('On hold · ')]) == 2, 'two held rows')
        program.wait_for_label('On Hold')
        program.wait_for_no_label('In Progress')
        self.server.wait_until_idle()
        program.click('Resume All')
        program.wait_for_label('In Progress')
        self.server.hurry()
        program.wait_for(lambda: len([label for label in program.labels()
                                      if label.startswith('Complete')]) == 2, 'two complete rows')

    def test_rows_are_back_after_closing(self):
        program = self.open(self.url)
        program.wait_for_fraction('Small')
        program.click('Close')
        self.assertEqual(program.wait_for_end(), 0)
        self.check_that_it_goes_on(self.written())

    def test_rows_are_back_after_a_kill(self):
        program = self.open(self.url)
        program.wait_for_fraction('Small', 0.2)
        program.wait_for(self.written, 'the journal')
        program.process.kill()
        program.wait_for_end()
        self.check_that_it_goes_on(self.written())

    def check_that_it_goes_on(self, kept):
        """The row is back with that many bytes, and none of them is fetched again."""
        self.assertGreater(kept, 0)
        self.server.wait_until_idle()
        before = len(self.server.fetches())
        self.let_some_come()
        program = self.open()
        program.wait_for_label('Small')
        self.assertGreaterEqual(program.fraction('Small'), kept / SIZE - 0.01)
        if program.find_button('Resume Small'):
            program.click('Resume Small')
        program.wait_for_fraction('Small', kept / SIZE)
        self.hurry(program)
        self.server.wait_until_idle()
        self.assertEqual([fetch.first for fetch in self.server.fetches()[before:]][-1], kept)

    def test_a_failure_and_its_help(self):
        self.server.control('status?name=Small.gguf&status=404&times=100')
        program = self.open(self.url)
        program.wait_for_label('Needs You')
        self.shoot('failed')
        self.server.control('status?name=Small.gguf&status=404&times=0')
        self.server.hurry()
        program.click('Try Again Small')
        program.wait_for_label('Complete')
        self.assert_whole(self.server, 'Small.gguf')

    def test_a_damaged_file_is_repaired(self):
        self.server.hurry()
        run = self.home.start('get', '--sha256', '0' * 64, self.url)
        self.assertNotEqual(run.end(), 0)
        self.server.wait_until_idle()
        before = len(self.server.fetches())
        program = self.open()
        program.wait_for_label('Damaged: the file does not have the checksum')
        program.click('Repair Small')
        program.wait_for(lambda: len(self.server.fetches()) > before, 'what is fetched again')
        program.wait_for_label('Damaged: the file does not have the checksum')
        self.assertEqual([row['state'] for row in self.home.rows()], ['failed'])

    def test_who_asks_again_for_a_finished_file_adds_no_row(self):
        self.server.hurry()
        for _ in range(3):
            run = self.home.start('get', self.url)
            self.assertEqual(run.end(), 0, run.stderr())
        self.assertEqual(len(self.home.rows()), 3)
        program = self.open()
        program.wait_for_label('Complete')
        self.assertEqual(len([label for label in program.labels() if 'Complete' in label]), 1)
        self.assertIsNone(program.find_button('Files of Small'))
        program.click('Remove from List Small')
        program.wait_for_label('Paste or Drop a Link')
        self.assertEqual(program.quit(), 0)
        self.assertEqual(self.home.rows(), [])
        self.assert_whole(self.server, 'Small.gguf')

    def test_a_second_run_adds_to_the_window(self):
        program = self.open()
        program.wait_for_label('Paste or Drop a Link')
        second = self.home.start(self.url)
        self.assertEqual(second.end(), 0, second.stderr())
        program.wait_for_fraction('Small')
        self.assertEqual(len(program.root.children()), 1)


if __name__ == '__main__':
    tap.main()
