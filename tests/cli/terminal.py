# SPDX-License-Identifier: GPL-3.0-or-later
"""A terminal in which dray runs."""

import fcntl
import os
import pty
import re
import struct
import termios
import threading

from servers import wait_for


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

    def lines(self):
        """What was drawn, in its order."""
        text = re.sub(r'\x1b\[[0-9]*[A-Z]', '', self._written.decode(errors='replace'))
        return [line for line in re.split(r'[\r\n]+', text) if line]

    def wait_for(self, pattern):
        """Waits until a line has been drawn in which the pattern is found."""
        wait_for(lambda: any(re.search(pattern, line) for line in self.lines()), pattern)

    def finish(self):
        os.close(self.slave)
        self._thread.join()
        os.close(self._master)
        return self._written.decode()


def show(case, columns, *arguments, meanwhile=None, rows=24):
    """Returns the exit status and the lines in the order in which they were drawn. `meanwhile` is
    called with the run and its terminal."""
    terminal = Terminal(columns, rows)
    run = case.home.start(*arguments, stdout=terminal.slave)
    try:
        if meanwhile is not None:
            meanwhile(run, terminal)
        status = run.end()
    finally:
        if run.process.poll() is None:
            run.kill()
        text = terminal.finish()
    return status, terminal.lines(), text
