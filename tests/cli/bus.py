# SPDX-License-Identifier: GPL-3.0-or-later
"""A session bus of the tests' own, on which dray can be started, and programs that call it there.

The bus activates dray and nothing else. What is started is ended by its id.
"""

import contextlib
import os
import pathlib
import select
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import gi

gi.require_version('Gio', '2.0')
from gi.repository import Gio, GLib

from command import PATIENCE, Home
from servers import ModelServer, end

NAME = os.environ['DRAY_APPLICATION_ID']
PATH = '/' + NAME.replace('.', '/').replace('-', '_')
MANAGER = 'org.dray.Dray.Manager1'
REQUEST = 'org.dray.Dray.Request1'
PROPERTIES = 'org.freedesktop.DBus.Properties'
OBJECTS = 'org.freedesktop.DBus.ObjectManager'

CONFIGURATION = '''<busconfig>
  <type>session</type>
  <listen>unix:dir={folder}</listen>
  <servicedir>{folder}/services</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
  <limit name="max_match_rules_per_connection">100000</limit>
</busconfig>
'''
SERVICE = '''[D-BUS Service]
Name={name}
Exec={program} --gapplication-service
'''

# A caller that can be killed: asks, says the id, and stays.
CALLER = '''
import sys
sys.path.insert(0, sys.argv[1])
import bus
caller = bus.Caller(sys.argv[2])
print(caller.call('DownloadAsset', '(sa{sv})', sys.argv[3], {})[0], flush=True)
sys.stdin.read()
'''


def read_line(descriptor, what):
    line = b''
    while not line.endswith(b'\n'):
        if not select.select([descriptor], [], [], 60 * PATIENCE)[0]:
            raise AssertionError(f'{what} said nothing')
        piece = os.read(descriptor, 4096)
        if not piece:
            raise AssertionError(f'{what} ended: {line}')
        line += piece
    return line.decode().strip()


class Bus:
    """`environment` is what a program needs to be on it; with a display also to be seen."""

    def __init__(self, environment, display=False):
        self._folder = tempfile.TemporaryDirectory(prefix='dray-bus.')
        self._root = pathlib.Path(self._folder.name)
        self._processes = []
        self.environment = {'GSETTINGS_BACKEND': 'memory', 'GIO_USE_VFS': 'local',
                            'GTK_A11Y': 'none', 'NO_AT_BRIDGE': '1', 'GTK_USE_PORTAL': '0',
                            'ADW_DISABLE_PORTAL': '1', 'GDK_BACKEND': 'x11',
                            'GSK_RENDERER': 'cairo'}
        try:
            if display:
                number = self._start_told('Xvfb', [
                    'Xvfb', '-displayfd', '{}', '-nolisten', 'tcp', '-noreset', '-screen', '0',
                    '1000x800x24'], environment)
                self.environment['DISPLAY'] = f':{number}'
            services = self._root / 'services'
            services.mkdir()
            (services / f'{NAME}.service').write_text(
                SERVICE.format(name=NAME, program=os.environ['DRAY']))
            configuration = self._root / 'session.conf'
            configuration.write_text(CONFIGURATION.format(folder=self._root))
            self.address = self._start_told('dbus-daemon', [
                'dbus-daemon', '--nofork', '--print-address={}',
                f'--config-file={configuration}'], {**environment, **self.environment})
            self.environment['DBUS_SESSION_BUS_ADDRESS'] = self.address
        except BaseException:
            self.close()
            raise

    def close(self):
        for process in reversed(self._processes):
            end(process)
        self._processes.clear()
        self._folder.cleanup()

    def _start_told(self, what, command, environment):
        reader, writer = os.pipe()
        try:
            self._processes.append(subprocess.Popen(
                [part.format(writer) for part in command], env=environment, pass_fds=[writer],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        finally:
            os.close(writer)
        try:
            return read_line(reader, what)
        finally:
            os.close(reader)


class Caller:
    """A connection to the bus, which calls one process and notes what it says."""

    def __init__(self, address, name=NAME):
        self._context = GLib.MainContext.new()
        self._context.push_thread_default()
        self.connection = Gio.DBusConnection.new_for_address_sync(
            address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
            | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
        self._context.pop_thread_default()
        self.connection.set_exit_on_close(False)
        self.name = name
        self.unique_name = self.connection.get_unique_name()

    def close(self):
        """Leaves the bus, as the end of a program would."""
        if not self.connection.is_closed():
            self.connection.close_sync(None)

    def call_interface(self, interface, method, signature, *arguments, path=PATH, seconds=60):
        parameters = GLib.Variant(signature, pack(signature, arguments)) if signature else None
        reply = self.connection.call_sync(self.name, path, interface, method, parameters, None,
                                          Gio.DBusCallFlags.NONE,
                                          int(seconds * PATIENCE * 1000), None)
        return reply.unpack()

    def call(self, method, signature=None, *arguments, seconds=60):
        return self.call_interface(MANAGER, method, signature, *arguments, seconds=seconds)

    def call_bus(self, method, signature=None, *arguments):
        parameters = GLib.Variant(signature, arguments) if signature else None
        return self.connection.call_sync(
            'org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus', method,
            parameters, None, Gio.DBusCallFlags.NONE, -1, None).unpack()

    def has_owner(self, name):
        return self.call_bus('NameHasOwner', '(s)', name)[0]

    def process_of(self, name):
        return self.call_bus('GetConnectionUnixProcessID', '(s)', name)[0]

    def error_of(self, method, signature, *arguments):
        """The name of the error that the call ends with."""
        try:
            reply = self.call(method, signature, *arguments)
        except GLib.Error as error:
            return Gio.DBusError.get_remote_error(error)
        raise AssertionError(f'{method}{arguments} was answered with {reply}')

    def download(self, source, **options):
        return self.call('DownloadAsset', '(sa{sv})', source, options)[0]

    def cancel(self, request_id, **options):
        self.call('Cancel', '(sa{sv})', request_id, options)

    def request(self, request_id):
        """All properties of a request."""
        return self.call_interface(PROPERTIES, 'GetAll', '(s)', REQUEST,
                                   path=path_of(request_id))[0]

    def state(self, request_id):
        return self.request(request_id)['State']

    def requests(self):
        """All requests, by their ids."""
        objects = self.call_interface(OBJECTS, 'GetManagedObjects', None)[0]
        return {interfaces[REQUEST]['Id']: interfaces[REQUEST] for interfaces in objects.values()}

    def wait_for(self, condition, what, seconds=60):
        deadline = time.monotonic() + seconds * PATIENCE
        while True:
            while self._context.iteration(False):
                pass
            if found := condition():
                return found
            if time.monotonic() > deadline:
                raise AssertionError(f'waited {seconds} s for {what}')
            time.sleep(0.01)

    def wait_for_state(self, request_id, *states, seconds=60):
        self.wait_for(lambda: self.state(request_id) in states, f'{request_id} to be {states}',
                      seconds)

    def wait_for_bytes(self, request_id, n_bytes):
        self.wait_for(lambda: self.request(request_id)['Downloaded'] >= n_bytes,
                      f'{n_bytes} bytes')

    def listen(self, interface, signal_name, path=None):
        """A list to which the parameters of each signal are added while this caller waits."""
        heard = []
        self._context.push_thread_default()
        self.connection.signal_subscribe(
            None, interface, signal_name, path, None, Gio.DBusSignalFlags.NONE,
            lambda _connection, _sender, sent_by, _interface, _signal, parameters:
            heard.append((time.monotonic(), sent_by, parameters.unpack())))
        self._context.pop_thread_default()
        return heard


def path_of(request_id):
    return f'{PATH}/requests/{request_id.replace("-", "_")}'


OPTION_TYPES = {'directory': 's', 'sha256': 's', 'limit-rate': 't', 'connections': 'u',
                'detached': 'b', 'clear-cache': 'b', 'caller': 's', 'restart-changed': 'b'}


def pack(signature, arguments):
    """Options are given by names with underscores, and as Variants where another type is meant."""
    if not signature.endswith('a{sv})'):
        return arguments
    *others, options = arguments
    packed = {}
    for name, value in options.items():
        name = name.replace('_', '-')
        packed[name] = (value if isinstance(value, GLib.Variant)
                        else GLib.Variant(OPTION_TYPES[name], value))
    return (*others, packed)


class OtherProgram:
    """A caller in a process of its own, which asks for a file at once."""

    def __init__(self, address, source):
        self._process = subprocess.Popen(
            [sys.executable, '-c', CALLER, str(pathlib.Path(__file__).parent), address, source],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.request_id = read_line(self._process.stdout.fileno(), 'the caller')

    def kill(self):
        self._process.send_signal(signal.SIGKILL)
        self._process.communicate()

    def close(self):
        if self._process.returncode is None:
            self.kill()
        with contextlib.suppress(OSError):
            self._process.stdin.close()


class BusTest(unittest.TestCase):
    """A home and a bus; dray's process on it has a display, and so may be started."""

    maxDiff = None

    def setUp(self):
        self.home = Home()
        self.addCleanup(self.home.close)
        self.bus = Bus(self.home.environment, display=True)
        self.addCleanup(self.bus.close)
        self.caller = self.new_caller()
        self.addCleanup(self.end_service)

    def new_caller(self, **options):
        caller = Caller(self.bus.address, **options)
        self.addCleanup(caller.close)
        return caller

    def serve(self, rate=0, gate=0, **files):
        server = ModelServer(rate, gate, **files)
        self.addCleanup(server.__exit__)
        return server

    def end_service(self):
        """Its process must not outlive the home in which it has its catalog."""
        caller = Caller(self.bus.address)
        if caller.has_owner(NAME):
            process = os.pidfd_open(caller.process_of(NAME))
            try:
                caller.call('Close')
                self.assertTrue(has_ended(process, 60), 'the service did not end')
            finally:
                os.close(process)
        caller.close()

    def assert_no_byte_twice(self, server, allowance=0):
        """The server has sent each byte of its one file once, but for the allowance."""
        server.wait_until_idle()
        sent = [(fetch.first, fetch.first + fetch.n_bytes) for fetch in server.fetches()]
        reached = again = 0
        for first, last in sorted(sent):
            again += max(0, min(last, reached) - first)
            reached = max(reached, last)
        self.assertLessEqual(again, allowance, sent)


def has_ended(process, seconds):
    return bool(select.select([process], [], [], seconds * PATIENCE)[0])
