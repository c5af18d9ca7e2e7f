# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a program on a display of its own: on-display.py PROGRAM ARGUMENT…."""

import os
import subprocess
import sys

from display import Desktop


def main():
    desktop = Desktop()
    try:
        environment = {**os.environ, **desktop.environment}
        return subprocess.run(sys.argv[1:], env=environment, check=False).returncode
    finally:
        desktop.stop()


sys.exit(main())
