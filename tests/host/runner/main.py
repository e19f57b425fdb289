#!/usr/bin/env python3
"""Runs the tests of the runner and prints TAP, as every other unit-test program does."""

import pathlib
import sys
import traceback
import unittest

HERE = pathlib.Path(__file__).resolve().parent


class Tap(unittest.TestResult):
    """A subtest that fails makes its test fail; the plan comes last."""

    def __init__(self):
        super().__init__()
        self.n, self._failed, self._skipped = 0, None, None

    def startTest(self, test):
        super().startTest(test)
        self._failed, self._skipped = None, None

    def _fail(self, error):
        self._failed = self._failed or "".join(traceback.format_exception(*error))

    def addFailure(self, test, err):
        self._fail(err)

    def addError(self, test, err):
        if isinstance(test, unittest.TestCase):
            self._fail(err)
        else:  # a file that cannot be loaded, or a fixture of a whole class
            self._print(str(test), "".join(traceback.format_exception(*err)), None)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self._fail(err)

    def addSkip(self, test, reason):
        self._skipped = reason

    def stopTest(self, test):
        super().stopTest(test)
        self._print(test.id(), self._failed, self._skipped)

    def _print(self, name, failed, skipped):
        self.n += 1
        print(f"{'not ok' if failed else 'ok'} {self.n} - {name}{f' # SKIP {skipped}' if skipped else ''}", flush=True)
        for line in (failed or "").splitlines():
            print(f"# {line}")
        self.failures += [(name, failed)] if failed else []


def main():
    sys.path.insert(0, str(HERE))
    tests = unittest.defaultTestLoader.discover(str(HERE), top_level_dir=str(HERE))
    result = Tap()
    tests.run(result)
    print(f"1..{result.n}")
    return 1 if result.failures else 0


if __name__ == "__main__":
    sys.exit(main())
