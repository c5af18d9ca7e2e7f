# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the window of the demo and those of the tests are shown: on the display that there is, or
on a virtual one.

The session bus is their own and starts no services, so nothing of the user's session answers, and a
Dray that already runs is not met. What is started here is ended here, by its id.
"""

import os
import pathlib
import select
import subprocess

DISPLAYS = ('DISPLAY', 'WAYLAND_DISPLAY')
SCREEN = (900, 700)  # the window's own size
SETTINGS = '[Settings]\ngtk-font-name=Cantarell 11\n'  # no desktop chooses a font there
PATIENCE = 30  # seconds for a program to say that it is ready
LAUNCHERS = ('/usr/libexec/at-spi-bus-launcher', '/usr/lib/at-spi2-core/at-spi-bus-launcher')
BUS_CONFIGURATION = '''<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
'''


class DesktopError(Exception):
    """What could not be started, in words for a person."""


class Desktop:
    """A context in which programs run with ENVIRONMENT have a bus and a display. FOLDER is private
    and temporary. With SCREEN, a width and a height, the display is virtual in any case; with
    ACCESSIBLE, there is the bus on which a screen reader listens."""

    def __init__(self, folder, environment, screen=None, accessible=False):
        self.environment = environment
        self.folder = folder
        self.screen = screen or SCREEN
        self.is_virtual = screen is not None or not any(map(os.environ.get, DISPLAYS))
        self.is_accessible = accessible
        self.processes = []

    def __enter__(self):
        try:
            self.start_bus()
            if self.is_virtual:
                self.start_display()
            else:
                self.pass_display()
            if self.is_accessible:
                self.start_accessibility()
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
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def log_of(self, command):
        """The file for what a program says."""
        return self.folder / f'{pathlib.Path(command[0]).name}.log'

    def launch(self, *command, descriptors=()):
        """Starts a program."""
        try:
            with open(self.log_of(command), 'wb') as log:
                self.processes.append(subprocess.Popen(
                    command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log,
                    stderr=log, pass_fds=descriptors))
        except OSError as error:
            raise DesktopError(f'{command[0]} does not start: {error.strerror}.') from error

    def start(self, *command):
        """Starts a program that writes a line, once it is ready, on the descriptor whose number
        replaces {}; returns that line."""
        reader, writer = os.pipe()
        with open(reader, encoding='utf-8') as said:
            try:
                self.launch(*(part.format(writer) for part in command), descriptors=[writer])
            finally:
                os.close(writer)
            line = said.readline() if select.select([reader], [], [], PATIENCE)[0] else ''
        if not line:
            words = self.log_of(command).read_text(errors='replace').strip()
            raise DesktopError(f'{command[0]} did not become ready. {words}')
        return line.strip()

    def start_bus(self):
        """A session bus."""
        configuration = self.folder / 'bus.conf'
        configuration.write_text(BUS_CONFIGURATION.format(socket=self.folder / 'bus'))
        self.environment['DBUS_SESSION_BUS_ADDRESS'] = self.start(
            'dbus-daemon', '--nofork', f'--config-file={configuration}', '--print-address={}')

    def start_display(self):
        """A virtual display, whose number the server chooses; only this machine reaches it."""
        settings = pathlib.Path(self.environment['XDG_CONFIG_HOME'], 'gtk-4.0', 'settings.ini')
        settings.parent.mkdir(parents=True)
        settings.write_text(SETTINGS)
        screen = 'x'.join(map(str, (*self.screen, 24)))
        number = self.start('Xvfb', '-displayfd', '{}', '-screen', '0', screen,
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

    def start_accessibility(self):
        """The bus of accessibility, which GTK asks the session bus for."""
        launcher = next(filter(os.path.exists, LAUNCHERS), LAUNCHERS[0])
        self.launch(launcher, '--launch-immediately')
        self.environment['GTK_A11Y'] = 'atspi'

    def take_picture(self, path):
        """Leaves a picture of the whole virtual display at PATH."""
        command = ['import', '-silent', '-window', 'root', path]
        try:
            subprocess.run(command, env=self.environment, stdin=subprocess.DEVNULL,
                           stderr=subprocess.PIPE, timeout=PATIENCE, text=True, check=True)
        except (OSError, subprocess.SubprocessError) as error:
            words = getattr(error, 'stderr', None) or error
            raise DesktopError(f'No picture could be taken. {words}') from error
