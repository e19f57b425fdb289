"""`--baseline`: an earlier results.json says what is expected; only what differs from it counts as a failure."""

import json

from .status import Stop


class Baseline:
    def __init__(self, path):
        self.path = path
        try:
            with open(path, encoding="utf-8") as file:
                tests = json.load(file)["tests"]
            self.expected = {t["id"]: (t["status"], t["kind"]) for t in tests}
        except OSError as error:
            raise Stop(f"--baseline {path}: {error.strerror}.") from None
        except (ValueError, KeyError, TypeError):
            raise Stop(f"--baseline {path}: this is not a results.json.") from None

    def mark(self, results, complete):
        """Sets `differs` on results; returns sentences, one for each difference.

        complete: the run was of all tests, so that a test which only the baseline has is missing. A test that only
        the run has is judged on its own.
        """
        sentences = []
        for result in results:
            expected = self.expected.get(result.id)
            now = (result.status, result.kind)
            result.differs = result.status == "fail" if expected is None else now != expected
            if result.differs:
                before = _words(*expected) if expected else "not there"
                sentences.append(f"{result.id}: was {before}, is {_words(*now)}")
        if complete:
            ran = {r.id for r in results}
            sentences += [f"{name}: was {_words(*self.expected[name])}, is missing"
                          for name in self.expected if name not in ran]
        return sentences


def mark_failures(results):
    """Without a baseline every failure is unexpected."""
    for result in results:
        result.differs = result.status == "fail"


def _words(status, kind):
    return f"{status} ({kind})" if kind else status
