# SPDX-License-Identifier: GPL-3.0-or-later
"""Links dragged from another program's window and dropped on ours, with the X server's pointer."""

import pathlib
import subprocess
import sys
import threading

sys.path.append(str(pathlib.Path(__file__).parents[1] / 'cli'))

import tap  # noqa: E402
from program import WindowTest  # noqa: E402
from servers import ModelServer, end, wait_for  # noqa: E402

MEGABYTE = 1000 * 1000
HELPER = pathlib.Path(__file__).with_name('drag-source.py')
BESIDE = 1200  # where the helper's window is, right of ours


class DragSource:
    """The helper, and the pointer that drags from it."""

    def __init__(self, desktop, mime_type, text):
        self._desktop = desktop
        self.words = []
        self._process = subprocess.Popen(
            ['/usr/bin/python3', HELPER, mime_type, text], env=desktop.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            self.words.append(line.strip())

    def close(self):
        end(self._process)
        self._reader.join()
        self._process.stdout.close()

    def wait_for(self, word):
        wait_for(lambda: word in self.words, f'“{word}” of the helper, which said {self.words}')

    def _nudge_until(self, word, x, y):
        """A pointer that stands still tells nothing, so it trembles as a hand does."""
        def arrived():
            self._desktop.xdotool('mousemove', x + len(moves) % 2 * 20, y)
            moves.append(None)
            return word in self.words

        moves = []
        wait_for(arrived, f'“{word}” of the helper, which said {self.words}')

    def drag_to(self, x, y):
        self.wait_for('ready')
        window = self._desktop.xdotool('search', '--name', '^Drag source$').split()[0]
        self._desktop.xdotool('windowmove', '--sync', window, BESIDE, 100)
        self._desktop.xdotool('mousemove', BESIDE + 50, 150)
        self._desktop.xdotool('mousedown', 1)
        try:
            self._nudge_until('begin', BESIDE + 80, 180)
            self._nudge_until('accepted', x, y)
        finally:
            self._desktop.xdotool('mouseup', 1)
        self.wait_for('dropped')


class Drop(WindowTest):
    def setUp(self):
        super().setUp()
        self.server = ModelServer(0, First=MEGABYTE, Second=MEGABYTE)
        self.addCleanup(self.server.__exit__)

    def drop(self, mime_type, text):
        source = DragSource(self.desktop, mime_type, text)
        self.addCleanup(source.close)
        source.drag_to(400, 400)
        self.shoot('dropped')

    def check_both(self, program):
        program.wait_for(lambda: len([label for label in program.labels()
                                      if label.startswith('Complete')]) == 2, 'two complete rows')
        for name in ('First.gguf', 'Second.gguf'):
            self.assert_whole(self.server, name)

    def test_a_list_of_links_on_the_empty_page(self):
        program = self.open()
        program.wait_for_label('Paste or Drop a Link')
        links = ['# what a browser may say', *(self.server.url(f'{name}.gguf')
                                               for name in ('First', 'Second')), '']
        self.drop('text/uri-list', '\r\n'.join(links))
        self.check_both(program)

    def test_text_on_the_list(self):
        program = self.open(self.server.url('First.gguf'))
        program.wait_for_label('Complete')
        self.drop('text/plain;charset=utf-8', self.server.url('Second.gguf'))
        self.check_both(program)

    def test_a_file_with_links(self):
        """What stands in it is added, and not the file."""
        program = self.open()
        program.wait_for_label('Paste or Drop a Link')
        path = self.home.root / 'links.txt'
        path.write_text(''.join(f'{self.server.url(name)}.gguf\n' for name in ('First', 'Second')))
        self.drop('text/uri-list', f'{path.as_uri()}\r\n')
        self.check_both(program)


if __name__ == '__main__':
    tap.main()
