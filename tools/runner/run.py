"""One platform from its file to its reports: which boots, with which tests, and what they came to."""

import concurrent.futures
import contextlib
import io
import os
import subprocess
import sys
import time

from . import baseline, build, deviations, globs, live, platforms, process, qemu, stick, xen
from . import report as reports
from .boots import Session
from .status import Interrupted, Status, Stop

IMAGE = "build/portcullis.elf"
SYMBOLS = "build/portcullis.debug.elf"  # the same with symbols, for debuggers


class PlatformRun:
    """A platform that can run here: everything that can be refused has been checked when this exists."""

    def __init__(self, runner, platform, emulator):
        self.options, self.words, self.baseline = runner.options, runner.words, runner.baseline
        self.platform, self.emulator, self.root = platform, emulator, runner.root
        self.extra = runner.extra
        self.interrupted = False
        self.kept = self.changed = 0  # disks that no test may write, and those that were written all the same
        self.machine, self.under = None, ""
        self.target = IMAGE
        if platform.stick:
            self.target = stick.IMAGE
            stick.require()
        if emulator:
            platforms.choose_iommu(platform, self.options.iommu)
            starter = xen.starter(platform, self.options) if platform.kind == "xen" else None
            self.under = f" under {starter.short}" if starter else ""
            wishes = qemu.Wishes(self.options.accel, self.options.iommu, self.options.iommu_opts)
            self.machine = qemu.Machine(platform, emulator, wishes, self.root / self.target, starter)
        else:
            self.target = platform.program
        entries = deviations.load(runner.folder / "deviations", platform.deviations)
        self.known = deviations.Known(entries, emulator.version if emulator else (0, 0, 0), platform.name,
                                      partly=self.options.engine is not None)
        build.make(self.root, self.target)

    # ---- command lines ----

    def _argv(self, boot, words, kernel=None):
        if self.machine:
            return self.machine.argv(boot, words + self.machine.words(), kernel)
        return [str(self.root / self.target)] + words + self.platform.words

    def _selected(self, boot):
        """The kernel's words that select tests for one boot, or None where nothing of it is wanted."""
        tests = select(self.options.tests, boot, self.platform.boots)
        if not tests:
            return None
        skip = boot.skip + only_here(self.options.skip, boot, self.platform.boots)
        words = [] if tests == ["*"] else ["tests=" + ",".join(tests)]
        words += boot.words
        if self.options.fuzz is not None:
            words += self.known.fuzz_words()
        # Model units beside the emulator's cost memory and time: only for who names their tests.
        if self.machine and any(pattern.startswith("model.") for pattern in tests):
            words.append("model=on")
        return words + (["skip=" + ",".join(skip)] if skip else [])

    def _boots(self, view):
        """The boots to make, with their selections; says which this emulator cannot make."""
        for boot in self.platform.boots:
            words = self._selected(boot)
            lacking = self.machine.lacks(boot) if self.machine else None
            if words is None:
                continue
            if lacking:
                view.notice(f"No boot {boot.suffix}: {self.emulator.short} has no {self.platform.iommu.driver} "
                            f"option {lacking}.")
                continue
            yield boot, words

    # ---- a run ----

    def run(self):
        """Runs all boots, writes the files whatever happens, prints the summary; returns the status."""
        began = time.monotonic()
        folder = self.options.out / self.platform.name
        view = live.View(verbose=self.options.verbose, by_group=not self.options.shuffle)
        report = reports.Report(self.platform.name, self.emulator.text if self.emulator else None)
        sessions, trouble = [], None
        self._open(folder, view)
        try:
            with open(folder / "console.log", "wb", buffering=0) as console:
                self._run_boots(view, console, sessions)
        except Interrupted as stop:
            trouble = f"The run was interrupted ({stop})."
        finally:
            view.end_group()
            differences = self._fill(report, sessions)
            missing_junit = reports.write_all(folder, report)
        for sentence in differences:
            view.line("  differs from the baseline: " + sentence)
        if missing_junit:
            view.notice(missing_junit)
        return self._conclude(view, report, sessions, trouble, time.monotonic() - began)

    def _open(self, folder, view):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Stop(f"--out {self.options.out}: {error.strerror}.") from None
        emulator = f"{self.under} on {self.emulator.short}" if self.emulator else ""
        view.line(f"{self.platform.name}: {self.platform.title}{emulator}")
        if self.options.shuffle or self.options.fuzz is not None:
            view.notice(f"Seed {self.options.seed}.")
        if self.machine and self.machine.left_out:
            view.notice(f"{self.emulator.short} has no {', '.join(sorted(set(self.machine.left_out)))}: left out.")
        if self.emulator and deviations.is_development(self.emulator.version) and self.platform.deviations:
            release = ".".join(map(str, self.known.version))
            view.notice(f"{self.emulator.short} is a development build; known deviations are those of {release}.")

    def _run_boots(self, view, console, sessions):
        with self._disks():
            self._run_sessions(view, console, sessions)
            self.kept, self.changed = self.machine.kept_disks() if self.machine else (0, 0)

    def _run_sessions(self, view, console, sessions):
        """Runs the main boot here and, beside it, one more than there are processors: some of them wait.

        sessions gets each one in the order of the platform's file, as far as nothing keeps the run from going on.
        """
        ready = [(boot, selected) for boot, selected in self._boots(view)]
        if not ready:
            return
        process.stop_all.clear()
        first = self._session(*ready[0], view, console)
        with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0)) + 1) as pool:
            try:
                others = [self._beside(pool, *pair) for pair in ready[1:]]
                sessions.append(first)
                first.run()
                for session, recorder, log, done in others:
                    if sessions[-1].status != Status.OK:
                        break
                    done.result()
                    sessions.append(session)
                    recorder.replay(view)
                    console.write(log.getvalue())
            finally:
                process.stop_all.set()
                pool.shutdown(cancel_futures=True)

    def _session(self, boot, selected, view, console):
        def launch(resume):
            words = selected + self.words + ([f"resume={resume}"] if resume > 1 else [])
            return self._argv(boot, words)
        if self.platform.stick:
            return stick.StickSession(launch, self._judge, view, console, self.options.timeout,
                                      lambda: self.machine.stick, self.options.out / self.platform.name / "results")
        return Session(launch, self._judge, view, console, self.options.timeout, boot.suffix,
                       self.platform.boot_limit_s)

    def _beside(self, pool, boot, selected):
        """Hands a session to another thread; what it shows and prints is kept for its turn."""
        recorder, log = live.Recorder(), io.BytesIO()
        session = self._session(boot, selected, recorder, log)
        return session, recorder, log, pool.submit(session.run)

    def _judge(self, result):
        result.repeat = f"./run.sh {self.platform.name} --tests {result.id}{self.extra}"
        return self.known.judge(result)

    def _fill(self, report, sessions):
        """Puts what the sessions have into the report; sentences for what differs from the baseline."""
        report.results = [r for s in sessions for r in s.results]
        if sessions:
            machine = sessions[0].machine
            report.version, report.iommu = machine.version, (machine.iommus or [{}])[0]
            report.remarks = [f"{self.platform.name} {machine.version}"]
        if self.baseline is None:
            baseline.mark_failures(report.results)
            return []
        complete = self.options.tests is None and not self.options.skip
        differences = self.baseline.mark(report.results, complete)
        report.missing = len(differences) - sum(r.differs for r in report.results)
        return differences

    def _conclude(self, view, report, sessions, trouble, wall_s):
        counts = reports.as_json(report)["summary"]
        for line in live.summary_lines(self.platform.name, counts, report.results, sessions, wall_s):
            view.line(line)
        if self.kept:
            view.line(f"  disks:   {self.kept} that nobody may write, {self.changed} of them changed")
        view.line(f"  files:   {self.options.out / self.platform.name}/")
        last = sessions[-1] if sessions else None
        status, sentence = (last.status, last.sentence) if last else (Status.OK, None)
        if trouble:
            status, sentence = Status.UNFINISHED, trouble
        elif status == Status.OK and not report.results:
            status, sentence = Status.SETUP, "No test of this platform was selected."
        elif status == Status.OK and counts["unexpected"]:
            status = Status.FAILED
        elif status == Status.OK and self.changed:
            status, sentence = Status.FAILED, "A disk that nobody may write has changed."
        elif status == Status.OK and (absent := next((s.absent for s in sessions if s.absent), None)):
            status, sentence = Status.ABSENT, absent[:1].upper() + absent[1:] + "."
        if sentence:
            view.line(f"{self.platform.name}: {sentence}")
        self.interrupted = bool(trouble) or any(s.interrupted for s in sessions)
        return status

    # ---- other things to do with a platform ----

    def list(self):
        """Prints the names of the tests that would run."""
        with self._disks():
            for boot, selected in self._boots(live.View(out=sys.stderr)):
                direct = self.root / IMAGE if self.platform.stick else None  # names need no firmware
                argv = self._argv(boot, selected + self.words + ["list"], direct)
                try:
                    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False,
                                          stderr=subprocess.DEVNULL, timeout=self.options.timeout + 20)
                except subprocess.TimeoutExpired:
                    raise Stop("The kernel did not end its list.", Status.UNFINISHED) from None
                for name in listed(done.stdout.decode("utf-8", "replace")):
                    print(name + boot.suffix)
        return Status.OK

    def _disks(self):
        return self.machine.drives() if self.machine else contextlib.nullcontext()

    def debug(self):
        """Starts the main boot stopped, with QEMU's debugger port open, and waits for its end."""
        if not self.machine:
            raise Stop(f"--gdb needs an emulated machine; start {self.target} under gdb itself.")
        boot, selected = next(iter(self._boots(live.View())))
        print(f"gdb {self.root / SYMBOLS} -ex 'target remote localhost:1234' -ex 'hbreak kernel_main' -ex continue",
              flush=True)
        with self._disks():
            argv = self._argv(boot, selected + self.words) + ["-s", "-S"]
            subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=sys.stdout, check=False)
        return Status.OK


def listed(text):
    """Test names in the kernel's answer to `list`: the first word of its `# @test` lines."""
    return [line.split()[2] for line in text.splitlines() if line.startswith("# @test ")]


def select(wanted, boot, boots):
    """The patterns for one boot; [] where nothing of it is wanted.

    A wanted pattern that ends in the name of a variant is meant for that boot alone and taken as it is; others are
    narrowed to what the boot is for.
    """
    if wanted is None:
        return boot.tests
    general, own = split(wanted, boot, boots)
    narrowed = [p for p in globs.narrow(general, boot.tests) if not globs.match_any(boot.skip, p)]
    return own + [p for p in narrowed if p not in own]


def only_here(patterns, boot, boots):
    general, own = split(patterns, boot, boots)
    return own + general


def split(patterns, boot, boots):
    """(patterns for every boot, patterns for this one without their suffix); those for other boots are dropped."""
    suffixes = [b.suffix for b in boots if b.name]
    general = [p for p in patterns if not any(p.endswith(s) for s in suffixes)]
    own = [p[:-len(boot.suffix)] for p in patterns if boot.name and p.endswith(boot.suffix)]
    return general, own
