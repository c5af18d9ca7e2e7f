#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies a source file with one check left out, for a build that a fuzzer has to find broken.

usage: plant.py SOURCE COPY OLD NEW

OLD must stand in the source once, so that a change of the code cannot make this do nothing.
"""

import pathlib
import sys


def main():
    source, copy, old, new = sys.argv[1:]
    text = pathlib.Path(source).read_text(encoding='utf-8')
    if text.count(old) != 1:
        sys.exit(f'{source} has “{old}” {text.count(old)} times; plant.py needs another mistake')
    pathlib.Path(copy).write_text(text.replace(old, new), encoding='utf-8')


if __name__ == '__main__':
    main()
