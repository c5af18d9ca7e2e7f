# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a program on a display of its own: on-display.py PROGRAM ARGUMENT…."""

import os
import pathlib
import subprocess
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / 'cli'))

from display import Desktop  # noqa: E402


def main():
    desktop = Desktop()
    try:
        environment = {**os.environ, **desktop.environment}
        return subprocess.run(sys.argv[1:], env=environment, check=False).returncode
    finally:
        desktop.close()


sys.exit(main())
