# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs that the bench compares, and one measured run of one of them."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading
import time


class BenchError(Exception):
    """Something that ends the bench, in words for a person."""


class Run:
    """What one run cost: seconds, CPU seconds of the program, its peak memory in MiB, and for
    dray the moment (Unix time) of its line `completed`. `seconds` is None for one that took too
    long."""

    def __init__(self, seconds, cpu, memory, completed=None):
        self.seconds = seconds
        self.cpu = cpu
        self.memory = memory
        self.completed = completed


class Program:
    """A command that downloads a URL into a folder, as a file of the URL's name."""

    def __init__(self, name, *command):
        self.name = name
        self.command = command

    def version(self):
        """The first line of its --version."""
        result = subprocess.run([self.command[0], '--version'], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, text=True, check=False)
        return result.stdout.partition('\n')[0].partition(' Copyright')[0]

    def arguments(self, folder, url):
        """The whole command."""
        return [argument.format(folder=folder, name=url.rpartition('/')[2])
                for argument in self.command] + [url]


CURL = Program('curl', 'curl', '--silent', '--show-error', '--fail', '--output', '{folder}/{name}')
ARIA2_8 = Program('aria2c -x8', 'aria2c', '-x8', '-s8', '--quiet', '--dir={folder}',
                  '--no-conf')
ARIA2_16 = Program('aria2c -x16 -k1M', 'aria2c', '-x16', '-s16', '-k1M', '--quiet',
                   '--dir={folder}', '--no-conf')
WGET2 = Program('wget2', 'wget2', '--quiet', '--no-config', '--no-hsts',
                '--directory-prefix={folder}')


def dray(build, *options):
    """dray from a build folder."""
    return Program(' '.join(('dray', *options)), str(build / 'app' / 'dray'), 'get', '--json',
                   '--directory', '{folder}', *options)


def make_environment(home):
    """Only what a program needs: without a display or a bus, with folders of its own."""
    environment = {'PATH': os.environ['PATH'], 'LC_ALL': 'C.UTF-8', 'no_proxy': '*',
                   'HOME': str(home)}
    for name in ('data', 'config', 'cache', 'state', 'runtime'):
        folder = home / name
        folder.mkdir(mode=0o700, parents=True)
        variable = 'XDG_RUNTIME_DIR' if name == 'runtime' else f'XDG_{name.upper()}_HOME'
        environment[variable] = str(folder)
    return environment


def end_group(process):
    """Ends a program with all that it has started; it leads a group of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def find_completed(stream):
    """When the line with which dray says that the file is complete came, as Unix time."""
    completed = None
    for line in stream:
        if '"completed"' in line:
            completed = time.time()
    return completed


def read_cost(path, name):
    """CPU seconds and peak memory, by GNU time. Its own process is small, whereas what we fork is
    counted with our own memory."""
    found = re.fullmatch(r'([\d.]+) ([\d.]+) (\d+)', path.read_text().strip())
    if not found:
        raise BenchError(f'{name} failed: {path.read_text().strip()}')
    return float(found[1]) + float(found[2]), int(found[3]) / 1024


def measure(program, url, size, scratch, patience):
    """Runs a program once; its file and its home are made before and removed after."""
    home, target, cost = scratch / 'home', scratch / 'target', scratch / 'cost'
    environment = make_environment(home)
    target.mkdir()
    try:
        began = time.monotonic()
        with subprocess.Popen(['/usr/bin/time', '-q', '-f', '%U %S %M', '-o', cost,
                               *program.arguments(target, url)],
                              env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              text=True, start_new_session=True) as process:
            watch = threading.Timer(patience, end_group, (process,))
            watch.start()
            try:
                completed = find_completed(process.stdout)
                status = process.wait()
                seconds = time.monotonic() - began
            finally:
                watch.cancel()
                end_group(process)
        if status == -signal.SIGKILL:
            return Run(None, 0, 0)
        check(program, target / url.rpartition('/')[2], size, status)
        return Run(seconds, *read_cost(cost, program.name), completed)
    finally:
        shutil.rmtree(home)
        shutil.rmtree(target)


def check(program, path, size, status):
    """The program ended well, and the file has its size."""
    if status != 0:
        raise BenchError(f'{program.name} ended with status {status}.')
    if not pathlib.Path(path).is_file() or path.stat().st_size != size:
        raise BenchError(f'{program.name} left no whole file.')
