# SPDX-License-Identifier: GPL-3.0-or-later
"""Small drives for a test that fills them up while something runs."""

import contextlib
import ctypes
import os
import pathlib
import resource
import signal
import tempfile

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_REC, MS_PRIVATE, MNT_DETACH = 0x4000, 0x40000, 2
CHUNK = 1 << 20
libc = ctypes.CDLL(None, use_errno=True)


def enter_namespace():
    """Gives this process, which must not have threads yet, mounts of its own; returns whether it
    could. Takes root or a user namespace."""
    user, group = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWNS) == 0:
        # Where the root folder is no mount, nothing outside takes part in ours anyway.
        libc.mount(None, b'/', None, MS_REC | MS_PRIVATE, None)
        return True
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0:
        return False
    for name, text in (('setgroups', 'deny'), ('uid_map', f'{user} {user} 1'),
                       ('gid_map', f'{group} {group} 1')):
        pathlib.Path('/proc/self', name).write_text(text)
    return True


class Tmpfs:
    """A tmpfs that only this process and its children see. To be made in a namespace."""

    options = {}  # for what runs with it

    def __init__(self, size):
        self._folder = tempfile.TemporaryDirectory(prefix='dray-drive.')
        self.root = pathlib.Path(self._folder.name)
        if libc.mount(b'tmpfs', os.fsencode(self.root), b'tmpfs', 0, b'size=%d' % size) != 0:
            raise OSError(ctypes.get_errno(), 'Could not mount a tmpfs')

    def close(self):
        libc.umount2(os.fsencode(self.root), MNT_DETACH)
        self._folder.cleanup()

    def fill(self, _run):
        """Takes all the room that is left, whatever else is written meanwhile."""
        with open(self.root / 'filler', 'ab') as file:
            for n_bytes in (CHUNK, 4096):
                with contextlib.suppress(OSError):
                    while True:
                        end = os.fstat(file.fileno()).st_size
                        os.posix_fallocate(file.fileno(), end, n_bytes)

    def free(self, _run):
        (self.root / 'filler').unlink()


class LimitedFiles:
    """What stands for it where nothing may be mounted: a folder, and a run that may not write beyond
    the first megabytes of a file."""

    options = {'preexec_fn': lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN)}

    def __init__(self, _size):
        self._folder = tempfile.TemporaryDirectory(prefix='dray-drive.')
        self.root = pathlib.Path(self._folder.name)

    def close(self):
        self._folder.cleanup()

    def _limit(self, run, size):
        # A run that has ended has no limits.
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(run.process.pid, resource.RLIMIT_FSIZE,
                             (size, resource.RLIM_INFINITY))

    def fill(self, run):
        self._limit(run, 4 * CHUNK)

    def free(self, run):
        self._limit(run, resource.RLIM_INFINITY)
