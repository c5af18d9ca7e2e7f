# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the C test of the thousand rows on a display of its own."""

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
        return subprocess.run([os.environ['DRAY_TEST_MOTION'], *sys.argv[1:]], env=environment,
                              check=False).returncode
    finally:
        desktop.close()


sys.exit(main())
