# SPDX-License-Identifier: GPL-3.0-or-later
"""What a screen reader would be told: AT-SPI over its bus, read anew at every look.

No library stands between, so no cache has to be believed. A Node is one accessible object; those
that have gone meanwhile are passed over.
"""

import contextlib

import gi
gi.require_version('Gio', '2.0')
from gi.repository import Gio, GLib  # noqa: E402

from servers import wait_for  # noqa: E402

PREFIX = 'org.a11y.atspi.'
REGISTRY = 'org.a11y.atspi.Registry'
ROOT = '/org/a11y/atspi/accessible/root'
WINDOW_COORDINATES = 1
STATE_SENSITIVE, STATE_VISIBLE = 24, 30
WINDOW, LABEL, PROGRESS_BAR, BUTTON, TEXT = 'window', 'label', 'progress bar', 'button', 'text'
CHECK = 'check'
# By number, since names have changed over time; a heading is a label too.
ROLES = {69: WINDOW, 23: WINDOW, 29: LABEL, 83: LABEL, 42: PROGRESS_BAR, 43: BUTTON, 62: BUTTON,
         61: TEXT, 79: TEXT, 7: CHECK, 44: CHECK}
TIMEOUT = 60000


class Gone(Exception):
    """The object, or its program, is no more."""


class Bus:
    """The bus of accessibility of the session whose address is given."""

    def __init__(self, session_address):
        self._connection = self._connect(session_address)
        wait_for(self._has_launcher, 'the bus of accessibility')
        (address,) = self.call('org.a11y.Bus', '/org/a11y/bus', 'org.a11y.Bus', 'GetAddress')
        self.close()
        self._connection = self._connect(address)
        # Starts the registry, so that it is there before any program.
        self.applications()

    @staticmethod
    def _connect(address):
        flags = (Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
                 | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION)
        return Gio.DBusConnection.new_for_address_sync(address, flags, None, None)

    def _has_launcher(self):
        return self.call('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus',
                         'NameHasOwner', GLib.Variant('(s)', ('org.a11y.Bus',)))[0]

    def close(self):
        self._connection.close_sync(None)

    def call(self, name, path, interface, method, parameters=None):
        try:
            return self._connection.call_sync(name, path, interface, method, parameters, None, 0,
                                              TIMEOUT, None).unpack()
        except GLib.Error as error:
            raise Gone(f'{name} {path} {interface}.{method}: {error.message}') from error

    def applications(self):
        return Node(self, REGISTRY, ROOT).children()

    def process_of(self, name):
        return self.call('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus',
                         'GetConnectionUnixProcessID', GLib.Variant('(s)', (name,)))[0]

    def application_of(self, pid):
        """The root of what the process shows, or None as long as it is not registered."""
        for application in self.applications():
            with contextlib.suppress(Gone):
                if self.process_of(application.bus_name) == pid:
                    return application
        return None


class Node:
    def __init__(self, bus, bus_name, path):
        self._bus = bus
        self.bus_name = bus_name
        self.path = path

    def __repr__(self):
        return f'{self.role} “{self.name}”'

    def _call(self, interface, method, parameters=None):
        return self._bus.call(self.bus_name, self.path, PREFIX + interface, method, parameters)

    def _get(self, interface, name):
        return self._bus.call(self.bus_name, self.path, 'org.freedesktop.DBus.Properties', 'Get',
                              GLib.Variant('(ss)', (PREFIX + interface, name)))[0]

    @property
    def name(self):
        return self._get('Accessible', 'Name')

    @property
    def description(self):
        return self._get('Accessible', 'Description')

    @property
    def role(self):
        number = self._call('Accessible', 'GetRole')[0]
        return ROLES.get(number, number)

    @property
    def value(self):
        return self._get('Value', 'CurrentValue')

    def children(self):
        return [Node(self._bus, name, path)
                for name, path in self._call('Accessible', 'GetChildren')[0]]

    def _has_state(self, state):
        words = self._call('Accessible', 'GetState')[0]
        return bool(words[state // 32] >> state % 32 & 1)

    @property
    def is_shown(self):
        """The hidden page of a stack is visible too, in a room of no size."""
        if not self._has_state(STATE_VISIBLE):
            return False
        try:
            return min(self.extents()[2:]) > 0
        except Gone:
            return True

    @property
    def is_sensitive(self):
        return self._has_state(STATE_SENSITIVE)

    def walk(self):
        """Itself and all below that is shown, in the order of the screen."""
        yield self
        with contextlib.suppress(Gone):
            for child in self.children():
                with contextlib.suppress(Gone):
                    if child.is_shown:
                        yield from child.walk()

    def click(self):
        """What a click does to a button."""
        if not self._call('Action', 'DoAction', GLib.Variant('(i)', (0,)))[0]:
            raise AssertionError(f'{self!r} cannot be clicked')

    def set_text(self, text):
        if not self._call('EditableText', 'SetTextContents', GLib.Variant('(s)', (text,)))[0]:
            raise AssertionError(f'{self!r} takes no text')

    def extents(self):
        """x, y, width and height in the window."""
        return self._call('Component', 'GetExtents', GLib.Variant('(u)', (WINDOW_COORDINATES,)))[0]
