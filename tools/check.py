#!/usr/bin/env python3
"""The tests behind `make check`: unit-test programs that print TAP, then the platforms. Arguments: the programs.

A program that prints no plan, a wrong one, or exits with an error although all its tests passed counts as one more
failure: a test that dies silently must not look like success. Known deviations of an emulator (todo) count as skipped.
"""

import json
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
OUT = ROOT / "out" / "check"
LIMIT_S = 600
PLATFORMS = ("vtd", "vtd-legacy", "amdvi", "board", "model", "usb")
# A part is enough where the others have the rest: here it is about the way in, the reset and the report.
PARTS = {"usb": ["--tests", "acpi.*,pci.*,vtd.reg.*,dma.*@vtd-ss"]}
POINT = re.compile(r"(not )?ok\b(?:.*# (SKIP|TODO))?", re.I)
PLAN = re.compile(r"1\.\.(\d+)")


class Count:
    def __init__(self, passed=0, failed=0, skipped=0, todo=0):
        self.passed, self.failed, self.skipped, self.todo = passed, failed, skipped, todo  # todo: those of skipped

    def __add__(self, other):
        return Count(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped,
                     self.todo + other.todo)

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def count_tap(text, code):
    """Counts a program's TAP; returns it with the lines that a person needs to see."""
    count, shown, plan, points = Count(), [], None, 0
    for line in text.splitlines():
        if found := PLAN.match(line):
            plan = int(found.group(1))
        elif found := POINT.match(line):
            points += 1
            if found.group(2):
                count.skipped += 1
                count.todo += found.group(2).upper() == "TODO"
            elif found.group(1):
                count.failed += 1
                shown.append(line)
            else:
                count.passed += 1
        elif shown and line.startswith("#"):
            shown.append(line)
    if plan != points or (code and not count.failed):
        count.failed += 1
        tail = [line for line in text.splitlines() if not line.startswith("ok ")][-15:]
        shown += tail + [f"ended with status {code}, {points} tests, plan {'missing' if plan is None else plan}"]
    return count, shown


def run_program(path):
    """A unit-test program, path below the repository; its output is kept. Python ones run on this Python."""
    began = time.monotonic()
    argv = [sys.executable, *cache_option(), str(path)] if path.endswith(".py") else [f"./{path}"]
    try:
        done = subprocess.run(argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=LIMIT_S, check=False)
        text, code = done.stdout.decode("utf-8", "replace"), done.returncode
    except subprocess.TimeoutExpired as late:
        text, code = (late.stdout or b"").decode("utf-8", "replace"), f"none after {LIMIT_S} s"
    except OSError as error:
        text, code = error.strerror, "none"
    name = re.sub(r"^build/host/tests/|^tests/host/|(/main)?\.py$", "", path).replace("/", "-")
    (OUT / f"{name}.log").write_text(text, encoding="utf-8")
    count, shown = count_tap(text, code)
    print(f"  {name:<32} {count}  ({time.monotonic() - began:.1f} s)", flush=True)
    for line in shown:
        print(f"      {line}", flush=True)
    return count


def cache_option():
    """Compiled Python stays below build/."""
    return ["-X", f"pycache_prefix={sys.pycache_prefix}"] if sys.pycache_prefix else []


def run_platform(name):
    """A platform by ./run.sh; anything that keeps it from giving verdicts is one failure."""
    report = ROOT / "out" / name / "results.json"
    report.unlink(missing_ok=True)
    argv = [str(ROOT / "run.sh"), name, *PARTS.get(name, [])]
    code = subprocess.run(argv, stdin=subprocess.DEVNULL, check=False).returncode
    try:
        summary = json.loads(report.read_text(encoding="utf-8"))["summary"]
    except (OSError, ValueError, KeyError):
        summary = {"passed": 0, "failed": 0, "skipped": 0, "todo": 0}
    count = Count(summary["passed"], summary["failed"], summary["skipped"] + summary["todo"], summary["todo"])
    if code and not count.failed:
        count.failed += 1
    if code:
        print(f"  ./run.sh {name} ended with status {code}", flush=True)
    return count


def main(programs):
    OUT.mkdir(parents=True, exist_ok=True)
    total = Count()
    for path in [*programs, "tests/host/runner/main.py"]:
        total += run_program(path)
    for name in PLATFORMS:
        if name != "model" or (ROOT / "build/host/portcullis-model").exists():
            total += run_platform(name)
    (OUT / "summary.txt").write_text(f"{total}\n", encoding="ascii")
    print(f"{total.todo} of the skipped are todo: known deviations, and outcomes that the specification leaves open.")
    print(total, flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
