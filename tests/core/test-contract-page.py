# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/contract.md names, for each promise, the tests that hold it: each of them must exist."""

import os
import pathlib
import re
import subprocess
import sys

page, sources, programs = (pathlib.Path(path) for path in sys.argv[1:])


def read_promises():
    """Each row of the tables of promises: the promise and what stands beside it."""
    promised = False
    for line in page.read_text(encoding='utf-8').splitlines():
        cells = [cell.strip() for cell in line.strip('|').split(' | ')]
        if not line.startswith('|'):
            promised = False
        elif cells == ['promise', 'held by']:
            promised = True
        elif promised and line.startswith('| ') and len(cells) == 2:
            yield cells


def list_cases(name):
    """The test cases that are in a file of tests/."""
    files = list(sources.glob(f'*/{name}'))
    if len(files) != 1:
        return set()
    if name.endswith('.py'):
        return set(re.findall(r'^    def (test_\w+)', files[0].read_text(encoding='utf-8'), re.M))
    program = programs / files[0].parent.name / name.removesuffix('.c')
    listed = subprocess.run([program, '-l'], check=True, capture_output=True, text=True,
                            env={**os.environ, 'G_MESSAGES_DEBUG': ''})
    # Newer versions of GLib make comments of the names.
    return {line.removeprefix('# ') for line in listed.stdout.splitlines()}


def find_faults():
    known = {}
    promises = list(read_promises())
    if len(promises) < 30:
        yield f'{page} has only {len(promises)} promises'
    for promise, beside in promises:
        tests = re.findall(r'`(\S+) (\S+)`', beside)
        if not tests or ', '.join(f'`{file} {case}`' for file, case in tests) != beside:
            yield f'no tests are named for “{promise}”'
        for file, case in tests:
            if case not in known.setdefault(file, list_cases(file)):
                yield f'{file} has no test {case}'


faults = list(find_faults())
for fault in faults:
    print(f'# {fault}')
print('1..1')
print('not ok' if faults else 'ok', '1 - every test that docs/contract.md names exists')
