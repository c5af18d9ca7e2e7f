# SPDX-License-Identifier: GPL-3.0-or-later
"""How the window is laid out where it is narrow, for those who read large text too: everything
stays inside it."""

import contextlib
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / 'cli'))

import tap  # noqa: E402
from accessible import BUTTON, LABEL, PROGRESS_BAR, Gone  # noqa: E402
from program import WindowTest  # noqa: E402
from servers import ModelServer  # noqa: E402

MEGABYTE = 1000 * 1000
NARROW = 360
LARGE_TEXT = 'Xft.dpi: 144'  # instead of 96
PARTS = tuple(f'A-Model-With-A-Rather-Long-Name-UD-Q4_K_XL-0000{i}-of-00002' for i in (1, 2))


class Layout(WindowTest):
    def setUp(self):
        super().setUp()
        self.server = ModelServer(MEGABYTE, 30 * MEGABYTE, Small=60 * MEGABYTE, Broken=MEGABYTE,
                                  **{part: 60 * MEGABYTE for part in PARTS})
        self.addCleanup(self.server.__exit__)
        self.server.control('status?name=Broken.gguf&status=404&times=100')

    def enlarge_text(self):
        """For the programs that begin from now on."""
        self.set_resources(LARGE_TEXT)
        self.addCleanup(self.set_resources, '')

    def set_resources(self, text):
        self.desktop.run('xprop', '-root', '-f', 'RESOURCE_MANAGER', '8s', '-set',
                         'RESOURCE_MANAGER', text)

    def open_list(self, width=NARROW):
        """The program with rows of several kinds, in a window of that width."""
        names = ('Broken', *PARTS, 'Small')  # the others would have it wait in line
        program = self.open(*(self.server.url(f'{name}.gguf') for name in names))
        program.wait_for_label('Needs You')
        program.wait_for_fraction('Small')
        self.assertEqual(program.quit(), 0)
        # The page of the first run, once shown, would be told of with the places that it had.
        program = self.open()
        program.wait_for_label('In Progress')
        self.desktop.xdotool('windowsize', program.window_id(), width, 1000)
        program.wait_for(lambda: self.right_edge(program) <= width, f'a window of {width} pixels')
        return program

    def nodes(self, program):
        """The name, role, left and right edge of each widget that is shown."""
        found = []
        for role in (BUTTON, LABEL, PROGRESS_BAR):
            for node in program.nodes(role):
                with contextlib.suppress(Gone):
                    x, _y, width, _height = node.extents()
                    found.append((node.name, role, x, x + width))
        return found

    def height(self, program, label):
        (node,) = (node for node in program.nodes(LABEL) if node.name == label)
        return node.extents()[3]

    def right_edge(self, program):
        return max(right for *_, right in self.nodes(program))

    def check_inside(self, program, width):
        nodes = self.nodes(program)
        self.assertGreater(len(nodes), 15)
        # Versions of GTK differ in where they count from; the widgets at both edges tell the rest.
        start = min(left for *_, left, _right in nodes)
        for node in nodes:
            self.assertLessEqual(node[-1] - start, width, node)
        self.assertLess(width - (self.right_edge(program) - start), 40)

    def test_narrow(self):
        self.check_inside(self.open_list(), NARROW)
        self.shoot('narrow')

    def test_large_text(self):
        self.enlarge_text()
        program = self.open_list()
        self.assertGreaterEqual(self.height(program, 'Downloads'), 22)
        self.check_inside(program, NARROW)
        self.shoot('large-text')

    def test_first_run_with_large_text(self):
        self.enlarge_text()
        program = self.open()
        program.wait_for_label('Saved in ')
        self.desktop.xdotool('windowsize', program.window_id(), NARROW, 600)
        program.wait_for(lambda: self.right_edge(program) <= NARROW, 'a narrow window')
        self.assertIsNotNone(program.find_button('Change'))
        self.shoot('first-run-large-text')


if __name__ == '__main__':
    tap.main()
