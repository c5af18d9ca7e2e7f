# SPDX-License-Identifier: GPL-3.0-or-later
"""A terminal in which dray runs."""

import fcntl
import os
import pty
import re
import struct
import termios
import threading


class Terminal:
    """A terminal that keeps what is written to it."""

    def __init__(self, columns, rows):
        self._master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
        self._written = b''
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self):
        try:
            while data := os.read(self._master, 4096):
                self._written += data
        except OSError:     # nobody has the other side open any more
            pass

    def finish(self):
        os.close(self.slave)
        self._thread.join()
        os.close(self._master)
        return self._written.decode()


def show(case, columns, *arguments, signalled=None, rows=24):
    """Returns the exit status and the lines in the order in which they were drawn."""
    terminal = Terminal(columns, rows)
    run = case.home.start(*arguments, stdout=terminal.slave)
    if signalled is not None:
        case.assertFalse(run.has_ended(0.6))
        run.signal(signalled)
    status = run.end()
    text = terminal.finish()
    lines = [re.sub(r'\x1b\[[0-9]*[A-Z]', '', line) for line in re.split(r'[\r\n]+', text)]
    return status, [line for line in lines if line], text
