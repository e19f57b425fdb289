"""What a person sees while a platform runs. On a terminal with progress and colour, elsewhere plain lines."""

import os
import shutil
import sys

from .report import detail_lines

COLOURS = {"pass": "32", "fail": "31;1", "skip": "36", "todo": "33", "todo-passed": "33;1", "head": "1"}
LABELS = (("pass", "passed"), ("fail", "FAILED"), ("skip", "skipped"), ("todo", "todo"),
          ("todo-passed", "todo passed"))


class View:
    """Prints a line per group of tests, failures in full, and notices. verbose shows the console as well."""

    def __init__(self, out=None, verbose=False, by_group=True):
        self.out = out or sys.stdout
        self.tty = self.out.isatty() and os.environ.get("TERM") != "dumb"
        self.colour = self.tty and "NO_COLOR" not in os.environ
        self.verbose, self.by_group = verbose, by_group
        self.differences = 0
        self._planned, self._done = 0, 0
        self._group, self._counts = None, {}
        self._progress, self._heading = "", None

    # ---- what boots.Session tells ----

    def boot(self, suffix, number, resume):
        if number > 1:
            self.notice(f"Boot {number}, going on with test {resume}.")
        if number == 1:
            self.end_group()
            self._done = 0
            self._heading = f"boot {suffix}" if suffix else None

    def plan(self, suffix, n):
        self._planned = n
        if self._heading:  # not before: a boot may turn out to have nothing to do
            self.line(self._paint("head", self._heading))
            self._heading = None

    def start(self, test_id, number):
        self._show_progress(test_id)
        if self.verbose:
            self.line(f"    {test_id}")

    def result(self, result):
        group = result.group if self.by_group else "all"
        if group != self._group:
            self.end_group()
            self._group = group
        self._counts[result.status] = self._counts.get(result.status, 0) + 1
        self._done += 1
        if result.status == "fail":
            self.failure(result)
        elif result.status == "todo-passed":
            self.notice(f"{result.id} {result.reason}.")

    def text(self, line):
        if self.verbose:
            self.line("    | " + line)

    # ---- lines ----

    def end_group(self):
        """Prints the line of the group that just ended."""
        if self._counts:
            total = sum(self._counts.values())
            parts = [self._paint(s, f"{self._counts[s]} {label}") for s, label in LABELS if self._counts.get(s)]
            self.line(f"  {self._group:<24} {total:>4}  {', '.join(parts)}")
        self._group, self._counts = None, {}

    def failure(self, result):
        self.line(self._paint("fail", f"  FAIL ({result.kind}) {result.id}"))
        for line in detail_lines(result):
            self.line("      " + line)

    def notice(self, sentence):
        self.line("  note: " + sentence)

    def line(self, text):
        self._wipe()
        print(text, file=self.out, flush=True)

    def _show_progress(self, text):
        if not self.tty or self.verbose:
            return
        width = shutil.get_terminal_size().columns - 1
        progress = f"  [{self._done + 1}/{self._planned or '?'}] {text}"[:width]
        self.out.write("\r" + progress.ljust(len(self._progress)))
        self.out.flush()
        self._progress = progress

    def _wipe(self):
        if self._progress:
            self.out.write("\r" + " " * len(self._progress) + "\r")
            self._progress = ""

    def _paint(self, kind, text):
        return f"\x1b[{COLOURS[kind]}m{text}\x1b[0m" if self.colour else text


class Recorder:
    """A view for a boot that runs beside another one: keeps what it is told, for replay() in its turn."""

    CALLS = ("boot", "plan", "start", "result", "text", "notice")

    def __init__(self):
        self._calls = []
        for name in self.CALLS:
            setattr(self, name, self._keeper(name))

    def _keeper(self, name):
        return lambda *arguments: self._calls.append((name, arguments))

    def replay(self, view):
        for name, arguments in self._calls:
            getattr(view, name)(*arguments)
        self._calls = []


def summary_lines(name, counts, results, sessions, wall_s):
    """The end of a platform's run: counts, the machine, the boots and their times."""
    absent = sum(r.kind == "absent" for r in results if r.status == "skip")
    skipped = f"{counts['skipped']} skipped"
    if counts["skipped"]:
        skipped += f" ({absent} absent, {counts['skipped'] - absent} unreached)"
    lines = [f"{name}: {counts['total']} tests: {counts['passed']} passed, {counts['failed']} failed, {skipped}, "
             f"{counts['todo']} todo; {counts['unexpected']} unexpected"]
    main = sessions[0].machine if sessions else None
    if main:
        lines += [f"  IOMMU:   {_iommu(i)}" for i in main.iommus]
        if main.engines:
            lines.append("  engines: " + ", ".join(f"{e.get('name')} {e.get('sid', '')}".strip() for e in main.engines))
        lines += [f"  {remark}" for remark in main.remarks]
    lines.append(f"  boots:   {_boots(sessions)}; {wall_s:.2f} s in all")
    return lines


def _boots(sessions):
    n = sum(s.boots_n for s in sessions)
    text = f"{n} for {len(sessions)} list{'s' if len(sessions) != 1 else ''} of tests" if n != 1 else "1"
    main = sessions[0].machine if sessions else None
    if main and main.first_test_s is not None:
        text += f"; first test after {main.first_test_s:.2f} s"
        if isinstance(main.boot_us, int):
            text += f" (the kernel's part: {main.boot_us / 1000:.0f} ms)"
    return text


def _iommu(iommu):
    features = iommu.get("features")
    words = [f"{k} {v}" for k, v in iommu.items() if k not in ("features", "kind") and not isinstance(v, (list, dict))]
    text = f"{iommu.get('kind', '?')}: {', '.join(words)}"
    return f"{text}: {' '.join(map(str, features))}" if features else text
