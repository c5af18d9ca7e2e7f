# SPDX-License-Identifier: GPL-3.0-or-later
"""The desktop of the tests: scripts/lib/desktop.py with a virtual display, the bus of accessibility,
and hands.

No portal, settings daemon or file service answers there, and no setting of a person's holds.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.append(str(pathlib.Path(__file__).parents[2] / 'scripts' / 'lib'))

import desktop  # noqa: E402

SCREEN = (1600, 1000)


class Desktop(desktop.Desktop):
    """`environment` is what a program needs to be on it."""

    def __init__(self):
        self._temporary = tempfile.TemporaryDirectory(prefix='dray-window.')
        folder = pathlib.Path(self._temporary.name)
        super().__init__(folder, {
            'PATH': os.environ['PATH'],
            'HOME': str(folder),
            'XDG_RUNTIME_DIR': str(folder / 'runtime'),
            'XDG_CONFIG_HOME': str(folder / 'config'),
            'LC_ALL': 'C.UTF-8',
            'GSETTINGS_BACKEND': 'keyfile',
            'GSETTINGS_SCHEMA_DIR': os.environ.get('GSETTINGS_SCHEMA_DIR', ''),
            'GIO_USE_VFS': 'local',
            'GTK_USE_PORTAL': '0',
            'ADW_DISABLE_PORTAL': '1',
            'NO_AT_BRIDGE': '1',
        }, screen=SCREEN, accessible=True)
        (folder / 'runtime').mkdir(0o700)
        self.__enter__()

    def stop(self):
        super().stop()
        self._temporary.cleanup()

    def run(self, *command):
        return subprocess.run(command, env=self.environment, check=True, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True,
                              timeout=desktop.PATIENCE).stdout.strip()

    def xdotool(self, *arguments):
        return self.run('xdotool', *map(str, arguments))

    def shoot(self, name):
        """Leaves a picture of the screen in the folder $DRAY_TEST_SCREENSHOTS, if that is set."""
        folder = os.environ.get('DRAY_TEST_SCREENSHOTS')
        if folder:
            os.makedirs(folder, exist_ok=True)
            self.take_picture(f'{folder}/{name}.png')
