#!/usr/bin/env python3
"""What `make survival-check` holds the USB image to, in QEMU with OVMF: the report of a run outlives hangs, resets by
tests and by hand, machine checks and, where asked, the loss of RAM; the QR code on the screen says what the report
says. Prints TAP.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

from runner import variables  # noqa: E402
from runner.status import Stop  # noqa: E402
from runner.usb_machine import LIMIT_S, Machine  # noqa: E402

SCREEN = (1280, 800)
ENOUGH = "self.*,pci.enum.*"
FOREIGN = uuid.UUID("11111111-2222-3333-4444-555555555555")


class Check:
    def __init__(self, folder):
        self.folder, self.n, self.failed = folder, 0, 0

    def result(self, good, name, why=""):
        self.n += 1
        self.failed += not good
        print(f"{'' if good else 'not '}ok {self.n} - {name}", flush=True)
        for line in [] if good else str(why).splitlines()[-20:]:
            print(f"# {line}")

    def skip(self, name, reason):
        self.n += 1
        print(f"ok {self.n} - {name} # SKIP {reason}", flush=True)


def read(folder, name):
    return json.loads((folder / name).read_text())


def fates(folder):
    """{name: kind} of the tests that failed, and how many passed."""
    tests = read(folder, "results.json")["tests"]
    return ({t["id"]: t["kind"] for t in tests if t["status"] == "fail"},
            sum(t["status"] == "pass" for t in tests))


def summary(folder):
    """What the QR code must say, of the files."""
    report, machine = read(folder, "results.json"), read(folder, "machine.json")
    counts = report["summary"]
    failed = [t["id"] for t in report["tests"] if t["status"] == "fail"]
    return "\n".join([f"Portcullis {report['version']}", machine["board"], machine["date"],
                      f"{counts['total']} tests: {counts['passed']} passed, {counts['failed']} failed, "
                      f"{counts['skipped']} skipped, {counts['todo']} todo"] + [f"failed: {name}" for name in failed])


def deaths(check, machine):
    """Tests that hang, reset and stall the machine, and the screen at the end."""
    machine.start()
    collected = machine.wait(r"# @collected")
    picture = machine.screen()
    machine.cut()
    folder = machine.report()
    name = "a run with tests that take the machine down is collected"
    if not check_report(check, collected and folder, name, machine):
        return
    failed, passed = fates(folder)
    check.result(failed == {"debug.hang": "hang", "debug.reset": "crash", "debug.stall": "hang"},
                 "each has its name and its kind", failed)
    check.result(passed == 3, "all others ran", passed)
    if not shutil.which("zbarimg"):
        return check.skip("the QR code says what the report says", "zbarimg is not installed")
    code = subprocess.run(["zbarimg", "--quiet", "--raw", picture], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=False).stdout.decode().strip()
    return check.result(code == summary(folder), "the QR code says what the report says", code)


def check_report(check, good, name, machine):
    check.result(bool(good), name, machine.said)
    return good


def by_hand(check, machine):
    """A reset by hand while a test stands still."""
    machine.start()
    if machine.wait(r"# @start \d+ debug\.stall"):
        time.sleep(1)
        machine.command("system_reset")
    collected = machine.wait(r"# @collected")
    machine.cut()
    folder = machine.report()
    if check_report(check, collected and folder, "a run with a reset by hand is collected", machine):
        failed, _ = fates(folder)
        check.result(list(failed) == ["debug.stall"], "the test that ran then has failed, by name", failed)


def machine_check(check, machine):
    """A machine check while a test stands still: uncorrected, with the state lost."""
    machine.start()
    if machine.wait(r"# @start \d+ debug\.stall"):
        time.sleep(1)
        machine.command("human-monitor-command", **{"command-line": "mce 0 0 0xb200000000000000 0x4 0 0"})
    collected = machine.wait(r"# @collected")
    machine.cut()
    folder = machine.report()
    if check_report(check, collected and folder, "a run with a machine check is collected", machine):
        failed, _ = fates(folder)
        check.result(failed == {"debug.stall": "crash"}, "the test that ran then has failed, as a crash", failed)


def left(machine):
    return machine.stick.leftovers()


def cold(check, machine):
    """RAM lost in a test, with persist=nvram."""
    machine.start()
    machine.wait(r"# @start \d+ debug\.stall")
    time.sleep(1)
    machine.cut()
    names = left(machine)
    check.result(names == ["PortcullisRun"], "persist=nvram: there is one variable during the run", names)
    machine.start()
    collected = machine.wait(r"# @collected")
    machine.cut()
    folder = machine.report()
    if not check_report(check, collected and folder, "persist=nvram: a run goes on after RAM was lost", machine):
        return
    record = read(folder, "progress.json")
    check.result(fates(folder)[0] == {"debug.stall": "crash"}, "persist=nvram: the test that ran then has failed",
                 fates(folder))
    counts = record["summary"]
    check.result(counts["failed"] == len(record["failed"]) == 2 and counts["passed"] == 3 + 2,
                 "persist=nvram: verdicts from before the loss are counted", record)
    check.result(record["writes"] <= 64, "persist=nvram: the variable was written 64 times at most", record["writes"])
    check.result(not left(machine), "persist=nvram: no variable is left", left(machine))


def cold_end(check, machine):
    """RAM lost with the reset at the end."""
    machine.start()
    ended = machine.wait(r"# @end ") and not time.sleep(1)
    machine.cut()
    machine.start()
    collected = ended and machine.wait(r"# @collected")
    machine.cut()
    folder = machine.report()
    name = "persist=nvram: a run that lost RAM at its end is collected"
    if check_report(check, collected and folder, name, machine):
        record = read(folder, "progress.json")
        check.result(record["ended"] and record["summary"]["passed"] == 5, "persist=nvram: with its counts", record)
        check.result(not left(machine), "persist=nvram: no variable is left then, either", left(machine))


def full(check, machine):
    """A variable store without room. Firmware finds none for its console settings, either: it is silent."""
    for size in (32000, 2000, 200):
        try:
            for n in range(100):
                variables.add(machine.stick.settings, FOREIGN, f"Filler{size}-{n}", bytes(size))
        except variables.BadStore:
            pass
    machine.start()
    told = machine.wait("persist=nvram: firmware's store is full")
    machine.wait("# @end ")
    end, folder = time.monotonic() + LIMIT_S, None
    while not folder and time.monotonic() < end:
        time.sleep(5)
        try:
            folder = machine.report()
        except Stop:
            pass  # no report yet
    machine.cut()
    check.result(told, "a store that is full: one sentence", machine.said)
    check.result(bool(folder), "a store that is full: the log in RAM serves", machine.said)
    check.result(not left(machine), "a store that is full: nothing of ours is in there", left(machine))


PARTS = (
    (deaths, ["tests=self.*,debug.hang,debug.reset,debug.stall"]),
    (by_hand, ["tests=self.*,debug.stall"]),
    (machine_check, ["tests=self.*,debug.stall"]),
    (cold, [f"tests={ENOUGH},debug.fail,debug.stall", "persist=nvram"]),
    (cold_end, [f"tests={ENOUGH}", "persist=nvram"]),
    (full, [f"tests={ENOUGH}", "persist=nvram"]),
)


def main(wanted):
    with tempfile.TemporaryDirectory(prefix="portcullis-") as folder:
        check = Check(folder)
        for part, words in PARTS:
            if wanted and part.__name__ not in wanted:
                continue
            machine = None
            try:
                machine = Machine(folder, words, SCREEN)
                part(check, machine)
            except Stop as stop:
                check.result(False, f"{part.__name__}: a report", stop.sentence)
            finally:
                if machine:
                    machine.close()
    print(f"1..{check.n}")
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
