#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs dray, curl, aria2c and wget2 in turn against servers on loopback and prints medians.

To be called by scripts/bench, in a mount namespace of its own. See docs/bench.md.
"""

import argparse
import os
import pathlib
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

from bench_programs import ARIA2_8, ARIA2_16, CURL, WGET2, BenchError, dray, measure  # noqa: E402
from bench_servers import ModelServer, Nginx, make_certificate  # noqa: E402

MB, MIB = 1000 * 1000, 1024 * 1024
RATE = 20 * MB  # of each connection of a capped server, bytes per second
CONNECTIONS = 16  # as many as dray opens at most
COLLAPSE = {'every': 4, 'after': 8 * MB, 'rate': 50 * 1000}
NAME = 'model.bin'
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
UNITS = {'K': 1024, 'M': 1024 ** 2, 'G': 1024 ** 3}


class Case:
    """A server and those who download from it. Where the server's rate makes the time, `ideal` is
    the time of as many connections as dray opens, if all had that rate from the first moment."""

    def __init__(self, title, make_server, programs, capped=False, tells_end=False):
        self.title = title
        self.make_server = make_server
        self.programs = programs
        self.capped = capped
        self.tells_end = tells_end


class Bench:
    """Where everything is, and the cases."""

    def __init__(self, options, scratch):
        self.options = options
        self.scratch = scratch
        self.files = scratch / 'files'
        self.files.mkdir()
        self.certificate = None

    def write_file(self):
        """The file that all download: random bytes."""
        with open(self.files / NAME, 'wb') as file:
            for start in range(0, self.options.size, MIB):
                file.write(os.urandom(min(MIB, self.options.size - start)))

    def secure_server(self):
        """nginx with TLS, whose certificate everyone trusts."""
        if not self.certificate:
            self.certificate = make_certificate(self.scratch)
        return Nginx(self.scratch, self.files, certificate=self.certificate)

    def cases(self):
        """All of them, by name."""
        options, build = self.options, self.options.build
        alone = [dray(build)]
        everyone = alone + [CURL, ARIA2_8, ARIA2_16, WGET2]
        parallel = alone + [ARIA2_8, ARIA2_16]
        many = [dray(build, '--connections', str(options.connections))]
        return {
            'plain': Case('nginx, plain', lambda: Nginx(self.scratch, self.files), everyone,
                          tells_end=True),
            'tls': Case('nginx, TLS', self.secure_server, everyone, tells_end=True),
            'nginx-capped': Case('nginx, 20 MB/s a connection',
                                 lambda: Nginx(self.scratch, self.files, RATE), parallel, True),
            'capped': Case('model server, 20 MB/s a connection',
                           lambda: ModelServer(build, self.files, RATE), parallel, True),
            'collapse': Case('the same, one connection in four collapses',
                             lambda: ModelServer(build, self.files, RATE, COLLAPSE), parallel,
                             True),
            'memory': Case('nginx, plain, many connections',
                           lambda: Nginx(self.scratch, self.files), many, tells_end=True),
            'memory-tls': Case('nginx, TLS, many connections', self.secure_server, many,
                               tells_end=True),
        }

    def run(self, case):
        """All rounds of a case: in each, every program once; who begins changes. Returns the runs
        of each program and the seconds from the last byte to `completed`."""
        runs = {program: [] for program in case.programs}
        waits = []
        with case.make_server() as server:
            for number in range(self.options.rounds):
                begin = number % len(case.programs)
                for program in case.programs[begin:] + case.programs[:begin]:
                    print(f'  {case.title}: round {number + 1}, {program.name}          ',
                          end='\r', file=sys.stderr, flush=True)
                    run = measure(program, server.url(NAME), self.options.size, self.scratch,
                                  self.options.patience)
                    runs[program].append(run)
                    if case.tells_end and run.completed:
                        waits.append(run.completed - server.last_byte())
        return runs, waits


TOO_LONG = float('inf')


def ratio(seconds, other):
    """One time in terms of another, where there are both."""
    return f'{seconds / other:.2f}' if other and max(seconds, other) < TOO_LONG else ''


def print_program(program, runs, size, curl, aria2):
    """One line of the table."""
    times = [TOO_LONG if run.seconds is None else run.seconds for run in runs]
    seconds = statistics.median(times)
    if seconds == TOO_LONG:
        print(f'  {program.name:20}  took too long')
        return
    print(f'  {program.name:20}{seconds:8.2f}{min(times):8.2f}–{max(times):<6.2f}'
          f'{size / seconds / MB:8.0f}{ratio(seconds, curl):>9}{ratio(seconds, aria2):>9}'
          f'{statistics.median(run.cpu for run in runs):8.2f}'
          f'{max(run.memory for run in runs):10.1f}')


def print_case(case, size, runs, waits):
    """The table's lines of one case."""
    times = {program: statistics.median(TOO_LONG if run.seconds is None else run.seconds
                                        for run in of) for program, of in runs.items()}
    curl = times.get(CURL)
    aria2 = min((times[program] for program in (ARIA2_8, ARIA2_16) if program in times),
                default=None)
    print(f'\n{case.title}')
    print(f'  {"":20}{"s":>8}{"range":>15}{"MB/s":>8}{"× curl":>9}{"× aria2c":>9}{"CPU s":>8}'
          f'{"peak MiB":>10}')
    for program, of in runs.items():
        print_program(program, of, size, curl, aria2)
    if case.capped:
        seconds = size / RATE / CONNECTIONS
        print(f'  {"ideal":20}{seconds:8.2f}{"":15}{size / seconds / MB:8.0f}{"":9}'
              f'{ratio(seconds, aria2):>9}')
    if waits:
        print(f'  from the last byte sent to “completed”: {statistics.median(waits):.3f} s, at most '
              f'{max(waits):.3f} s')
    sys.stdout.flush()


def print_head(options, scratch):
    """What was measured where."""
    load = ' '.join(f'{figure:.1f}' for figure in os.getloadavg())
    print(f'{options.size / MIB:.0f} MiB on tmpfs ({scratch.parent}), medians of {options.rounds} '
          f'rounds, best aria2c, most memory.')
    print(f'{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}, load {load}; '
          f'dray as meson --buildtype=release.')
    print('; '.join(program.version()
                    for program in (dray(options.build), CURL, ARIA2_16, WGET2)), flush=True)


def parse_size(text):
    """A size such as 2G or 512M, in units of 1024."""
    number, unit = (text[:-1], text[-1].upper()) if text[-1:].isalpha() else (text, '')
    return int(float(number) * UNITS[unit]) if unit else int(number)


def parse_options():
    """The command line."""
    parser = argparse.ArgumentParser(prog='scripts/bench',
                                     description='Measures dray beside curl, aria2c and wget2.')
    parser.add_argument('--size', type=parse_size, default=2 * UNITS['G'], metavar='SIZE',
                        help='of the file, such as 512M (2G)')
    parser.add_argument('--rounds', type=int, default=5, metavar='N',
                        help='how often each program runs (5)')
    parser.add_argument('--case', action='append', metavar='NAME', dest='cases',
                        help='plain, tls, nginx-capped, capped, collapse, memory or '
                             'memory-tls; all without it')
    parser.add_argument('--connections', type=int, default=CONNECTIONS, metavar='N',
                        help='of dray in the cases of memory (16)')
    parser.add_argument('--patience', type=float, default=120, metavar='SECONDS',
                        help='for one run (120)')
    parser.add_argument('--folder', type=pathlib.Path, metavar='FOLDER',
                        help='where the files are instead of tmpfs, such as on a disk')
    parser.add_argument('--build', type=pathlib.Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def choose_folder(options):
    """tmpfs with room for the file twice."""
    folder = options.folder or pathlib.Path('/dev/shm')
    if not options.folder and not is_tmpfs(folder):
        raise BenchError(f'{folder} is no tmpfs; name another folder with --folder.')
    if shutil.disk_usage(folder).free < 2 * options.size + 64 * MIB:
        raise BenchError(f'{folder} has no room for twice {options.size / MIB:.0f} MiB.')
    return folder


def is_tmpfs(folder):
    """Whether a folder is on tmpfs."""
    result = subprocess.run(['stat', '--file-system', '--format=%T', folder],
                            stdout=subprocess.PIPE, text=True, check=False)
    return result.stdout.strip() == 'tmpfs'


def measure_all(options):
    """Every case that was asked for."""
    with tempfile.TemporaryDirectory(prefix='dray-bench.', dir=choose_folder(options)) as folder:
        bench = Bench(options, pathlib.Path(folder))
        cases = bench.cases()
        names = options.cases or list(cases)
        for name in names:
            if name not in cases:
                raise BenchError(f'There is no case {name}.')
        print_head(options, bench.scratch)
        bench.write_file()
        for name in names:
            print_case(cases[name], options.size, *bench.run(cases[name]))


def stop(number, _frame):
    """Ends the bench by way of every context's exit."""
    sys.exit(128 + number)


def main():
    """Returns the exit status."""
    options = parse_options()
    for number in SIGNALS:
        signal.signal(number, stop)
    try:
        measure_all(options)
    except BenchError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
