"""As many boots as one list of tests needs: a verdict is never lost, whatever the machine under test does.

The kernel announces each test before it runs it. When the machine dies or falls silent, the announced test is
recorded as failed (crash or hang) and the machine is booted again with `resume=K`, which goes on after it.
"""

import collections
import dataclasses
import re
import time

from . import process, results, tap
from .status import Interrupted, Status

MAX_BOOTS = 64       # an emulator that dies in every test will not get better
MAX_STUCK = 2        # boots in a row that do not come to a test
NOTE_LINES = 40
NO_MATCH = "no test matches"  # how the kernel begins to say that its selection is empty
PANIC = 2 * 3 + 1    # isa-debug-exit of the kernel's own panic
# How Xen says that it, or the domain that we are in, is at its end. The line after a panic's says why.
XEN_PANIC = re.compile(r"\(XEN\) Panic on CPU \d+:")
XEN_END = re.compile(r"\(XEN\) (?:Hardware Dom0 (?:crashed|halted)|Domain \d+ \(vcpu#\d+\) crashed)")
XEN_NOISE = re.compile(r"^\(XEN\) |\b(?:0x)?[0-9a-f]{8,}\b|\(vcpu#\d+\)| on cpu#\d+:?|[:.]+$")


@dataclasses.dataclass
class Machine:
    """What the kernel said about the machine that it found, on the first boot that came so far."""
    version: str = None
    boot_us: int = None
    first_test_s: float = None
    machine: dict = dataclasses.field(default_factory=dict)
    iommus: list = dataclasses.field(default_factory=list)
    engines: list = dataclasses.field(default_factory=list)
    revision: str = None  # of a hypervisor's PV-IOMMU
    remarks: list = dataclasses.field(default_factory=list)  # other `# @` lines, shown in the summary


class Session:
    """All boots of one variant of a platform.

    launch(resume) makes the command line of one boot; judge(result) applies known deviations and the like, and
    everything goes to view as it happens. After run(): results in plan order, boots_n, machine, and status with a
    sentence, which tell of the run, not of its verdicts.
    """

    def __init__(self, launch, judge, view, console, timeout_s, suffix="", boot_limit_s=30.0):
        self.launch, self.judge, self.view, self.console = launch, judge, view, console
        self.timeout_s, self.suffix, self.boot_limit_s = timeout_s, suffix, boot_limit_s
        self.machine, self.plan, self.boots_n = Machine(), None, 0
        self.status, self.sentence, self.interrupted = Status.OK, None, False
        self.absent = None  # a sentence: the platform's subject is not there, whatever the tests came to
        self._verdicts = {}
        self._new_boot()

    @property
    def results(self):
        return [self._verdicts[n] for n in sorted(self._verdicts)]

    def run(self):
        resume, stuck = 1, 0
        try:
            while resume is not None:
                end = self._boot(resume)
                stuck = 0 if self._current else stuck + 1
                resume = self._after(end, resume, stuck)
        except Interrupted as stop:
            self.interrupted = True
            self._stop(Status.UNFINISHED, f"The run was interrupted ({stop}).")

    # ---- one boot ----

    def _new_boot(self):
        self._current = None  # the test that was announced last
        self._seen = set()    # numbers announced in this boot
        self._ended = False
        self._bail, self._bail_status = None, None
        self._xen_end, self._xen_panics = None, False
        self._first_meta = not (self.machine.iommus or self.machine.version)
        self._recent = collections.deque(maxlen=NOTE_LINES)
        self._began = time.monotonic()

    def _boot(self, resume):
        self._new_boot()
        self.boots_n += 1
        self.view.boot(self.suffix, self.boots_n, resume)
        parser = tap.Parser()
        try:
            return process.follow(self.launch(resume), lambda data: self._take(parser.feed(data)),
                                  self._limit_s, self.console)
        finally:
            self._take(parser.flush())

    def _limit_s(self):
        return self.timeout_s if self._current else max(self.boot_limit_s, self.timeout_s)

    def _take(self, events):
        """Handles events; tells process.follow() whether this was progress."""
        said = "quiet"
        for event in events:
            handler = self._HANDLERS[type(event)]
            if handler(self, event) and said == "quiet":
                said = "progress"
        return "over" if self._ended or self._bail is not None or self._xen_end else said

    def _on_plan(self, event):
        if self.plan not in (None, event.n):
            self._bail = f"The kernel planned {self.plan} tests at first and {event.n} after a new boot."
            self._bail_status = Status.UNFINISHED
            return False
        self.plan = event.n
        self.view.plan(self.suffix, event.n)
        return True

    def _on_start(self, event):
        if event.number in self._seen:
            return False
        if self.machine.first_test_s is None:
            self.machine.first_test_s = time.monotonic() - self._began
        self._seen.add(event.number)
        self._recent.clear()
        self._current = event
        self.view.start(event.id + self.suffix, event.number)
        return True

    def _on_point(self, event):
        if event.number in self._verdicts or not 1 <= event.number <= (self.plan or 0):
            self.view.notice(f"The kernel gave a verdict that was not due: test {event.number}, {event.id}.")
            return False
        self._record(event.number, results.from_point(event, self.suffix))
        return True

    def _on_bail(self, event):
        self._bail = event.sentence
        return False

    def _on_meta(self, event):
        key, value, machine = event.key, event.value, self.machine
        if key == "end":
            self._ended = True
        elif key == "status":
            self._bail_status = Status(value) if value in (2, 4) else Status.SETUP
        elif key == "absent":
            self.absent = event.text
        elif not self._first_meta:
            return False
        elif key in ("version", "boot_us", "machine"):
            setattr(machine, key, event.text if key == "version" else value)
        elif key in ("iommu", "engine") and isinstance(value, dict):
            getattr(machine, key + "s").append(value)
        else:
            if key == "pviommu" and isinstance(value, dict) and value.get("by") == "hypervisor":
                machine.revision = value.get("revision")
            machine.remarks.append(f"{key} {event.text}")
        return False

    def _on_text(self, event):
        self._recent.append(event.line)
        self.view.text(event.line)
        self._watch_xen(event.line)
        return False

    def _watch_xen(self, line):
        """A hypervisor at its end may take seconds to restart the machine: what it says is enough."""
        if self._xen_end or not line.startswith("(XEN) "):
            return
        if self._xen_panics and XEN_NOISE.sub("", line).strip():
            self._xen_end = "the hypervisor panicked: " + " ".join(XEN_NOISE.sub("", line).split())
        elif found := XEN_END.match(line):
            self._xen_end = "the hypervisor says: " + " ".join(XEN_NOISE.sub("", found.group()).split())
        self._xen_panics = self._xen_panics or bool(XEN_PANIC.match(line))

    _HANDLERS = {tap.Plan: _on_plan, tap.Start: _on_start, tap.Point: _on_point, tap.Bail: _on_bail,
                 tap.Meta: _on_meta, tap.Text: _on_text}

    def _record(self, number, result):
        result.revision = self.machine.revision
        result = self.judge(result)
        self._verdicts[number] = result
        self.view.result(result)

    # ---- what follows a boot ----

    def _after(self, end, resume, stuck):
        """Judges how a boot ended; the number to resume with, or None when there is nothing left to do."""
        if end.how == "outside":
            return self._stop(Status.UNFINISHED, f"The machine was ended from outside ({end.detail}).")
        if self._xen_end:
            return self._blame(end) if self._current else self._stop(Status.UNFINISHED, self._xen_end + ".")
        if self._bail is not None and self._bail.startswith(NO_MATCH):
            return None  # this boot has nothing to do; whether the whole run has not, its caller sees
        if self._bail is not None:
            status = self._bail_status or {5: Status.SETUP, 9: Status.ABSENT}.get(end.code, Status.SETUP)
            return self._stop(status, self._bail)
        if self._ended:
            return self._all_there(end)
        if self._current:
            return self._blame(end)
        if self.plan is None and self.boots_n == 1 and end.how == "exit" and end.code == 1 and end.stderr:
            return self._stop(Status.SETUP, f"The machine does not start: {end.stderr.splitlines()[-1]}")
        if self.plan is None or stuck >= MAX_STUCK:
            last = f" ({end.stderr.splitlines()[-1]})" if end.stderr else ""
            return self._stop(Status.UNFINISHED, f"The machine did not come to a test: {describe(end)}{last}.")
        return resume

    def _all_there(self, end):
        missing = (self.plan or 0) - len(self._verdicts)
        if self.plan is None:
            return self._stop(Status.UNFINISHED, "The kernel ended without a plan.")
        if missing:
            return self._stop(Status.UNFINISHED, f"{missing} of {self.plan} planned tests gave no verdict.")
        if end.how == "crash":
            self.view.notice(f"After the last test the machine died: {describe(end)}.")
        return None

    def _blame(self, end):
        """The announced test is the one that did it, even if it had its verdict: it took the rest down."""
        number = self._current.number
        kind = "hang" if end.how in ("hang", "flood") and not self._xen_end else "crash"
        notes = list(self._recent) + [f"stderr: {line}" for line in end.stderr.splitlines()[-10:]]
        seen = f"{kind}: {self._xen_end or describe(end, self.timeout_s)}"
        self._record(number, results.lost(self._current.id, kind, seen, notes, self.suffix))
        if number >= (self.plan or 0):
            return None
        if self.boots_n >= MAX_BOOTS:
            return self._stop(Status.UNFINISHED, f"Given up after {self.boots_n} boots.")
        return number + 1

    def _stop(self, status, sentence):
        self.status, self.sentence = status, sentence


def describe(end, timeout_s=None):
    """Symbolic and free of addresses and times, since deviations are told by it."""
    if end.how == "hang":
        return f"no verdict within {timeout_s:g} s" if timeout_s else "it fell silent"
    if end.how == "flood":
        return "output without end"
    if end.how == "crash":
        return f"the emulator died by {end.detail}"
    if end.code == PANIC:
        return "the kernel panicked"
    return f"the emulator left with status {end.code}"
