# SPDX-License-Identifier: GPL-3.0-or-later
"""A desktop of the tests' own: a virtual display, a session bus and the bus of accessibility.

Nothing of a person's session is seen or touched. The session bus activates nothing, so no portal,
settings daemon or file service answers that is not named here. What is started is ended by its id.
"""

import os
import pathlib
import select
import subprocess
import tempfile

from servers import end

BUS_LAUNCHERS = ('/usr/libexec/at-spi-bus-launcher', '/usr/lib/at-spi2-core/at-spi-bus-launcher')
BUS_CONFIGURATION = '''<busconfig>
  <type>session</type>
  <listen>unix:dir={folder}</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
'''
PATIENCE = 20


def read_line(descriptor, what):
    """The first line that a program says on a pipe."""
    line = b''
    while not line.endswith(b'\n'):
        if not select.select([descriptor], [], [], PATIENCE)[0]:
            raise AssertionError(f'{what} said nothing for {PATIENCE} s')
        piece = os.read(descriptor, 4096)
        if not piece:
            raise AssertionError(f'{what} ended: {line}')
        line += piece
    return line.decode().strip()


class Desktop:
    """`environment` is what a program needs to be on it."""

    def __init__(self, width=1600, height=1000):
        self._folder = tempfile.TemporaryDirectory(prefix='dray-window.')
        self._root = pathlib.Path(self._folder.name)
        self._processes = []
        runtime = self._root / 'runtime'
        runtime.mkdir(0o700)
        self.environment = {
            'PATH': os.environ['PATH'],
            'HOME': str(self._root),
            'XDG_RUNTIME_DIR': str(runtime),
            'LC_ALL': 'C.UTF-8',
            'GDK_BACKEND': 'x11',
            'GSK_RENDERER': 'cairo',
            'GTK_A11Y': 'atspi',
            'GSETTINGS_BACKEND': 'keyfile',
            'GSETTINGS_SCHEMA_DIR': os.environ.get('GSETTINGS_SCHEMA_DIR', ''),
            'GIO_USE_VFS': 'local',
            'GTK_USE_PORTAL': '0',
            'ADW_DISABLE_PORTAL': '1',
            'NO_AT_BRIDGE': '1',
        }
        try:
            self._start_display(width, height)
            self._start_bus()
            self._start_accessibility()
        except BaseException:
            self.close()
            raise

    def close(self):
        for process in reversed(self._processes):
            end(process)
        self._processes.clear()
        self._folder.cleanup()

    def _start(self, command, **options):
        process = subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL,
                                   **options)
        self._processes.append(process)
        return process

    def _start_told(self, what, command):
        """Starts a program that writes a line on the descriptor whose number replaces {}."""
        reader, writer = os.pipe()
        try:
            self._start([part.format(writer) for part in command], pass_fds=[writer],
                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        finally:
            os.close(writer)
        try:
            return read_line(reader, what)
        finally:
            os.close(reader)

    def _start_display(self, width, height):
        # The server chooses a number that is free. Only this machine's sockets, no network.
        number = self._start_told('Xvfb', ['Xvfb', '-displayfd', '{}', '-nolisten', 'tcp',
                                           '-noreset', '-screen', '0', f'{width}x{height}x24'])
        self.environment['DISPLAY'] = f':{number}'

    def _start_bus(self):
        configuration = self._root / 'session.conf'
        configuration.write_text(BUS_CONFIGURATION.format(folder=self._root))
        self.environment['DBUS_SESSION_BUS_ADDRESS'] = self._start_told(
            'dbus-daemon', ['dbus-daemon', '--nofork', '--print-address={}',
                            f'--config-file={configuration}'])

    def _start_accessibility(self):
        launcher = next(path for path in BUS_LAUNCHERS if os.path.exists(path))
        self._start([launcher, '--launch-immediately'], stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL)

    def run(self, *command):
        return subprocess.run(command, env=self.environment, check=True, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=PATIENCE).stdout.strip()

    def xdotool(self, *arguments):
        return self.run('xdotool', *map(str, arguments))

    def shoot(self, name):
        """Leaves a picture of the screen in the folder $DRAY_TEST_SCREENSHOTS, if that is set."""
        folder = os.environ.get('DRAY_TEST_SCREENSHOTS')
        if folder:
            os.makedirs(folder, exist_ok=True)
            self.run('import', '-window', 'root', f'{folder}/{name}.png')
