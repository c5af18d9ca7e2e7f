# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the test cases of a module and tells their outcomes as TAP, each as soon as it is known.

For `tap.main ()` at the end of a test file. There is no skipping: a case that cannot run fails.
Names of cases on the command line choose among them.
"""

import sys
import time
import unittest


class TapResult(unittest.TestResult):
    """Prints a TAP line per case; what went wrong follows as comments."""

    def __init__(self):
        super().__init__()
        self.number = 0
        self.failed = 0     # the number of the last case that a part of has failed
        self.began = 0.0

    def startTest(self, test):
        super().startTest(test)
        self.number += 1
        self.began = time.monotonic()

    def _tell(self, test, outcome, details=''):
        name = test.id().removeprefix('__main__.')
        print(f'{outcome} {self.number} - {name}')
        print(f'# {time.monotonic() - self.began:.2f} s')
        for line in details.splitlines():
            print(f'# {line}')
        sys.stdout.flush()

    def addSuccess(self, test):
        super().addSuccess(test)
        self._tell(test, 'ok')

    def addError(self, test, err):
        super().addError(test, err)
        if not isinstance(test, unittest.TestCase):
            self.number += 1
            self.began = time.monotonic()
        self._tell(test, 'not ok', self.errors[-1][1])

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._tell(test, 'not ok', self.failures[-1][1])

    def addSubTest(self, test, subtest, err):
        """A case fails once, with what went wrong first; what else did follows as comments."""
        super().addSubTest(test, subtest, err)
        if err is None:
            return
        failed = self.failures if issubclass(err[0], test.failureException) else self.errors
        if self.failed != self.number:
            self._tell(test, 'not ok', f'{subtest.id()}\n{failed[-1][1]}')
            self.failed = self.number
        else:
            note(f'{subtest.id()}: {err[1]}'.replace('\n', ' '))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._tell(test, 'not ok', f'skipped: {reason}')


def note(text):
    """A measured figure, for whoever reads the log."""
    print(f'# {text}', flush=True)


def main():
    loader = unittest.defaultTestLoader
    module = sys.modules['__main__']
    if len(sys.argv) > 1:
        suite = loader.loadTestsFromNames(sys.argv[1:], module)
    else:
        suite = loader.loadTestsFromModule(module)
    print(f'1..{suite.countTestCases()}', flush=True)
    result = TapResult()
    suite.run(result)
    sys.exit(0 if result.wasSuccessful() and not result.skipped else 1)
