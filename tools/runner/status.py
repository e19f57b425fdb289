"""Exit statuses: what each means, which one wins, and how `git bisect run` wants to hear it."""

import enum


class Status(enum.IntEnum):
    """What `./run.sh` exits with."""

    OK = 0          # nothing unexpected
    FAILED = 1      # a test failed
    SETUP = 2       # set-up or usage
    UNFINISHED = 3  # the run did not finish
    ABSENT = 4      # the platform's subject is absent


# Of several, the first of these: a report that cannot be trusted matters more than a failed test in it.
PRECEDENCE = (Status.SETUP, Status.UNFINISHED, Status.FAILED, Status.ABSENT, Status.OK)

BISECT_CANNOT_TELL = 125


class Stop(Exception):
    """Ends a run with one sentence for the user and a status."""

    def __init__(self, sentence, status=Status.SETUP):
        super().__init__(sentence)
        self.sentence = sentence
        self.status = status


class CannotRun(Stop):
    """This platform cannot run here; `all` leaves it out, and says so."""


class Interrupted(Exception):
    """Somebody asked us to stop (Ctrl-C, SIGTERM, SIGHUP)."""


def worst(statuses):
    """The status of a run that consists of several; OK for none."""
    found = set(statuses)
    return next((s for s in PRECEDENCE if s in found), Status.OK)


def for_bisect(status):
    """0 good, 1 bad; a run that proves neither must not steer the search."""
    return int(status) if status in (Status.OK, Status.FAILED) else BISECT_CANNOT_TELL
