# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the demo's window is shown: on the display that there is, or on a virtual one.

The session bus is the demo's own and starts no services, so nothing of the user's session answers,
and a Dray that already runs is not met. What is started here is ended here, by its id.
"""

import os
import pathlib
import select
import subprocess

DISPLAYS = ('DISPLAY', 'WAYLAND_DISPLAY')
SCREEN = '900x700x24'  # the window's own size
SETTINGS = '[Settings]\ngtk-font-name=Cantarell 11\n'  # no desktop chooses a font there
PATIENCE = 30  # seconds for a program to say that it is ready
BUS_CONFIGURATION = '''<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <policy context="default">
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
  </policy>
</busconfig>
'''


class DesktopError(Exception):
    """What could not be started, in words for a person."""


class Desktop:
    """A context in which programs run with ENVIRONMENT have a bus and a display. FOLDER is private
    and temporary."""

    def __init__(self, folder, environment):
        self.environment = environment
        self.folder = folder
        self.is_virtual = not any(os.environ.get(name) for name in DISPLAYS)
        self.processes = []

    def __enter__(self):
        try:
            self.start_bus()
            if self.is_virtual:
                self.start_display()
            else:
                self.pass_display()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Ends what was started, the last first, and waits for it."""
        while self.processes:
            process = self.processes.pop()
            process.terminate()
            process.wait()

    def start(self, *command):
        """Starts a program that writes a line, once it is ready, on the descriptor whose number
        replaces {}; returns that line."""
        reader, writer = os.pipe()
        with open(reader, encoding='utf-8') as said:
            try:
                with open(self.folder / f'{command[0]}.log', 'wb') as log:
                    self.processes.append(subprocess.Popen(
                        [part.format(writer) for part in command], env=self.environment,
                        stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[writer]))
            except OSError as error:
                raise DesktopError(f'{command[0]} does not start: {error.strerror}.') from error
            finally:
                os.close(writer)
            line = said.readline() if select.select([reader], [], [], PATIENCE)[0] else ''
        if not line:
            words = (self.folder / f'{command[0]}.log').read_text(errors='replace').strip()
            raise DesktopError(f'{command[0]} did not become ready. {words}')
        return line.strip()

    def start_bus(self):
        """A session bus."""
        configuration = self.folder / 'bus.conf'
        configuration.write_text(BUS_CONFIGURATION.format(socket=self.folder / 'bus'))
        self.environment['DBUS_SESSION_BUS_ADDRESS'] = self.start(
            'dbus-daemon', '--nofork', f'--config-file={configuration}', '--print-address={}')

    def start_display(self):
        """A virtual display, whose number the server chooses."""
        settings = pathlib.Path(self.environment['XDG_CONFIG_HOME'], 'gtk-4.0', 'settings.ini')
        settings.parent.mkdir()
        settings.write_text(SETTINGS)
        number = self.start('Xvfb', '-displayfd', '{}', '-screen', '0', SCREEN,
                            '-nolisten', 'tcp', '-noreset')
        self.environment.update(DISPLAY=f':{number}', GDK_BACKEND='x11', GSK_RENDERER='cairo',
                                GTK_A11Y='none')

    def pass_display(self):
        """The user's display, found without the user's own folders."""
        names = (*DISPLAYS, 'XAUTHORITY', 'GDK_BACKEND', 'GSK_RENDERER', 'AT_SPI_BUS_ADDRESS')
        for name in names:
            if os.environ.get(name):
                self.environment[name] = os.environ[name]
        if 'AT_SPI_BUS_ADDRESS' not in self.environment:
            self.environment['GTK_A11Y'] = 'none'  # GTK would ask our bus for it
        authority = pathlib.Path.home() / '.Xauthority'
        if authority.is_file():
            self.environment.setdefault('XAUTHORITY', str(authority))
        socket = self.environment.get('WAYLAND_DISPLAY')
        if socket:
            runtime = os.environ.get('XDG_RUNTIME_DIR', '/')
            self.environment['WAYLAND_DISPLAY'] = os.path.join(runtime, socket)

    def take_picture(self, path):
        """Leaves a picture of the whole virtual display at PATH."""
        command = ['import', '-silent', '-window', 'root', path]
        try:
            subprocess.run(command, env=self.environment, stdin=subprocess.DEVNULL,
                           stderr=subprocess.PIPE, timeout=PATIENCE, text=True, check=True)
        except (OSError, subprocess.SubprocessError) as error:
            words = getattr(error, 'stderr', None) or error
            raise DesktopError(f'No picture could be taken. {words}') from error
