# SPDX-License-Identifier: GPL-3.0-or-later
"""A model in several files, downloaded by a command that runs the engine itself."""

import tap
from command import CommandTest
from sets import NAMES, SetChecks
from terminal import show


class Sets(SetChecks, CommandTest):
    # Without a bus nobody else can reach the engine.
    test_a_pause_from_elsewhere_is_said_once = None

    def test_a_line_for_each_file_and_one_for_the_sum(self):
        server = self.serve(rate=2_000_000)
        status, lines, text = show(self, 100, 'get', '-d', self.home.out, server.url(NAMES[0]))
        self.assertEqual(status, 0)
        for line, name in zip(lines[-4:], [*NAMES, 'm.gguf'], strict=True):
            self.assertRegex(line, rf'^{name}  .*Complete')
        # Four lines, drawn over themselves.
        self.assertEqual(text.count('\n') - 4 * text.count('\x1b[4A'), 4)

    def test_more_files_than_the_terminal_has_lines(self):
        server = self.serve(rate=2_000_000)
        status, lines, text = show(self, 100, 'get', '-d', self.home.out, server.url(NAMES[0]),
                                   rows=3)
        self.assertEqual(status, 0)
        self.assertNotIn('\x1b[3A', text)
        for name in (*NAMES, 'm.gguf'):
            self.assertTrue(any(line.startswith(f'{name}  ') and 'Complete' in line
                                for line in lines), name)


if __name__ == '__main__':
    tap.main()
