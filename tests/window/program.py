# SPDX-License-Identifier: GPL-3.0-or-later
"""The built `dray` with its window, as a person would use it who hears what is on the screen."""

import contextlib
import re
import subprocess
import time
import unittest

import tap
from accessible import BUTTON, CHECK, LABEL, PROGRESS_BAR, TEXT, Bus, Gone
from command import PATIENCE, Home, sha256_of
from display import Desktop
from servers import end

INTERVAL = 0.03
COMPLAINT = re.compile(r'-(WARNING|CRITICAL|ERROR) \*\*')  # of GLib's logging


class Program:
    """A run of dray. What it shows is looked for until it is there, or until a deadline."""

    def __init__(self, desktop, bus, home, *sources):
        self._bus = bus
        self.home = home
        self.process = subprocess.Popen(home.command(sources), env=home.environment,
                                        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self._desktop = desktop
        self.root = self.wait_for(lambda: bus.application_of(self.process.pid), 'the program')
        self.wait_for(lambda: self.labels() and self.window_id(), 'the window')

    def close(self):
        """Ends it as the session's end would; returns what it said on standard error."""
        end(self.process)
        with self.process.stderr:
            return self.process.stderr.read()

    def quit(self):
        self.process.terminate()
        return self.wait_for_end()

    def wait_for_end(self):
        return self.process.wait(60 * PATIENCE)

    def wait_for(self, probe, what, seconds=60):
        """Waits until the probe returns something, and returns that."""
        deadline = time.monotonic() + seconds * PATIENCE
        while True:
            with contextlib.suppress(Gone):
                if found := probe():
                    return found
            if self.process.poll() is not None:
                raise AssertionError(f'dray ended with {self.process.returncode} before {what}: '
                                     + self.close())
            if time.monotonic() > deadline:
                self._desktop.shoot('failure')
                raise AssertionError(f'waited {seconds} s for {what}; shown: {self.words()}')
            time.sleep(INTERVAL)

    def nodes(self, role):
        found = []
        for window in self.root.children():
            for node in window.walk():
                with contextlib.suppress(Gone):
                    if node.role == role:
                        found.append(node)
        return found

    def names(self, role):
        names = []
        for node in self.nodes(role):
            with contextlib.suppress(Gone):
                names.append(node.name)
        return names

    def labels(self):
        return self.names(LABEL)

    def words(self):
        with contextlib.suppress(Gone):
            return self.labels()
        return []

    def window_id(self):
        """The X window of the main window, or None."""
        with contextlib.suppress(subprocess.CalledProcessError):
            return self._desktop.xdotool('search', '--onlyvisible', '--pid', self.process.pid,
                                         '--name', '.').split()[0]
        return None

    def wait_for_label(self, text, seconds=60):
        """A label in which the text stands."""
        return self.wait_for(lambda: [label for label in self.labels() if text in label],
                             f'“{text}”', seconds)[0]

    def wait_for_no_label(self, text, seconds=60):
        self.wait_for(lambda: not [label for label in self.labels() if text in label],
                      f'“{text}” to go', seconds)

    def find_button(self, name):
        """GTK 4.8 tells a name twice where a label was changed or has a mnemonic."""
        for button in self.nodes(BUTTON):
            with contextlib.suppress(Gone):
                if (button.is_sensitive
                        and button.name in (name, f'{name} {name}', f'_{name} {name}')):
                    return button
        return None

    def click(self, name):
        self.wait_for(lambda: self.find_button(name), f'the button “{name}”').click()

    def find_check(self, name):
        for check in self.nodes(CHECK):
            with contextlib.suppress(Gone):
                if name in check.name.split(' '):
                    return check
        return None

    def check(self, name):
        """Ticks or unticks what is called so in a dialog, or chooses it among several, with the
        pointer: GTK 4.8 offers no action for that."""
        x, y, width, height = self.wait_for(lambda: self.find_check(name),
                                            f'the tick of {name}').extents()
        self._desktop.xdotool('mousemove', '--window', self._dialog(),
                              x + width // 2, y + height // 2, 'click', 1)

    def find_bar(self, name):
        for bar in self.nodes(PROGRESS_BAR):
            with contextlib.suppress(Gone):
                if bar.name == name:
                    return bar
        return None

    def fraction(self, name):
        """How far the bar of what is called so is, 0 to 1. A row that goes to another section is
        not there for a moment."""
        return self.wait_for(lambda: [bar.value for bar in [self.find_bar(name)] if bar],
                             f'the bar of {name}')[0]

    def wait_for_fraction(self, name, more_than=0.0):
        return self.wait_for(lambda: (self.fraction(name) or 0) > more_than and self.fraction(name),
                             f'the bar of {name} to pass {more_than}')

    def wait_for_place(self, name, fraction):
        """Waits until the bar of what is called so shows that, to a hundredth."""
        self.wait_for(lambda: abs(self.fraction(name) - fraction) <= 0.01,
                      f'the bar of {name} to be at {fraction}')

    def keep_toasts(self):
        """Rests the pointer where toasts appear: one on which it rests stays."""
        geometry = self._desktop.xdotool('getwindowgeometry', '--shell', self.window_id())
        place = dict(line.split('=') for line in geometry.splitlines())
        self._desktop.xdotool('mousemove', int(place['X']) + int(place['WIDTH']) // 2,
                              int(place['Y']) + int(place['HEIGHT']) - 40)

    def type_link(self, text):
        """Adds a link with the dialog."""
        self.click('Add Model')
        self.type_again(text)

    def type_again(self, text):
        """Puts another link into the dialog that is open."""
        self.wait_for(lambda: self.nodes(TEXT), 'the field for a link')[0].set_text(text)

    def choose_folder(self, folder):
        """Types the folder into the dialog of the toolkit, as one does who has no mouse."""
        self._desktop.xdotool('windowfocus', '--sync', self._dialog())
        self._desktop.xdotool('key', 'ctrl+l')
        self.wait_for(lambda: self.nodes(TEXT), 'the field for a folder')[0].set_text(str(folder))
        self.click('Select')

    def _dialog(self):
        return self.wait_for(lambda: [name for name in self._windows()
                                      if name != self.window_id()], 'the dialog')[0]

    def _windows(self):
        return self._desktop.xdotool('search', '--onlyvisible', '--pid', self.process.pid,
                                     '--name', '.').split()


class WindowTest(unittest.TestCase):
    """Cases that share a desktop; each has a home of its own, and programs that end with it."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.desktop = Desktop()
        cls.addClassCleanup(cls.desktop.stop)
        cls.bus = Bus(cls.desktop.environment['DBUS_SESSION_BUS_ADDRESS'])
        cls.addClassCleanup(cls.bus.close)

    def setUp(self):
        self.home = Home()
        self.addCleanup(self.home.close)
        self.home.environment.update(
            {name: value for name, value in self.desktop.environment.items()
             if name not in ('HOME', 'PATH', 'XDG_CONFIG_HOME')})
        self.library = self.home.root / 'home' / 'Downloads' / 'Models'

    def open(self, *sources):
        program = Program(self.desktop, self.bus, self.home, *sources)
        self.addCleanup(self._end, program)
        return program

    def _end(self, program):
        lines = program.close().splitlines()
        for line in lines:
            tap.note(f'stderr: {line}')
        self.assertEqual([line for line in lines if COMPLAINT.search(line)], [],
                         'what dray complained of')

    def shoot(self, state):
        self.desktop.shoot(f'{type(self).__name__.lower()}-{state}')

    def files(self):
        """The names of the files in the library."""
        return sorted(path.name for path in self.library.rglob('*') if path.is_file())

    def assert_whole(self, server, name):
        """The file is in the library under its name, and is what the server has."""
        (path,) = self.library.rglob(name)
        self.assertEqual(sha256_of(path), server.digests[name])

    def written(self):
        return self.home.written() if self.home.catalog_path.exists() else 0
