"""A verdict is never lost: crashes, hangs, machines that are killed, and consoles full of rubbish."""

import os
import signal
import subprocess
import sys
import time
import unittest
import unittest.mock

from base import Case, FAKE, PLATFORM, ROOT
from runner import boots


class Recovery(Case):
    def test_abort_at_the_tenth_test(self):
        self.order(*["pass"] * 9, "abort", *["pass"] * 5)
        self.assertEqual(self.run_sh(), 1)
        verdicts = self.verdicts()
        self.assertEqual(len(verdicts), 15)
        self.assertEqual(verdicts.pop("vtd.t.10"), "crash")
        self.assertEqual(set(verdicts.values()), {"pass"})
        self.assertIn("resume=11", self.words()[1])
        self.assertIn("boots:   2", self.text)
        self.assertIn("SIGABRT", self.text)
        self.assertIn("assertion failed", self.text)

    def test_wrapper_that_is_no_exec(self):
        """A shell around the emulator reports its death as 128 + signal."""
        self.order("pass", "abort", "pass")
        self.assertEqual(self.run_sh(qemu=self.wrapper(f'#!/bin/sh\n{FAKE} "$@"\n')), 1)
        self.assertEqual(self.verdicts(), {"vtd.t.1": "pass", "vtd.t.2": "crash", "vtd.t.3": "pass"})

    def test_hang_ends_at_the_limit(self):
        self.order("pass", "hang", "pass")
        self.assertEqual(self.run_sh("--timeout", "0.5"), 1)
        self.assertEqual(self.verdicts(), {"vtd.t.1": "pass", "vtd.t.2": "hang", "vtd.t.3": "pass"})

    def test_noise_is_no_progress(self):
        self.order("babble", "pass")
        began = time.monotonic()
        self.assertEqual(self.run_sh("--timeout", "0.5"), 1)
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual(self.verdicts(), {"vtd.t.1": "hang", "vtd.t.2": "pass"})

    def test_panic_keeps_the_console_lines(self):
        self.order("panic", "pass")
        self.assertEqual(self.run_sh(), 1)
        self.assertEqual(self.verdicts(), {"vtd.t.1": "crash", "vtd.t.2": "pass"})
        self.assertIn("page fault at 0x0", (self.root / "out/vtd/results.tap").read_text())

    def test_hypervisor_that_panics(self):
        """Its last words end the boot at once and count against the test; the run goes on."""
        self.order("pass", "xen-panic", "pass")
        began = time.monotonic()
        self.assertEqual(self.run_sh(), 1)
        self.assertLess(time.monotonic() - began, 8)
        self.assertEqual(self.verdicts(), {"vtd.t.1": "pass", "vtd.t.2": "crash", "vtd.t.3": "pass"})
        self.assertIn("the hypervisor panicked: Xen BUG at common/x.c:7", self.text)

    def test_hypervisor_that_loses_its_dom0(self):
        self.order("dom0-crash", "pass")
        self.assertEqual(self.run_sh(), 1)
        self.assertEqual(self.verdicts(), {"vtd.t.1": "crash", "vtd.t.2": "pass"})
        self.assertIn("Hardware Dom0 crashed", self.text)

    def test_lines_of_the_hypervisor_in_between(self):
        self.order("xen-cuts", "pass")
        self.assertEqual(self.run_sh(), 0)
        self.assertEqual(self.verdicts(), {"vtd.t.1": "pass", "vtd.t.2": "pass"})
        self.assertEqual(self.json()["tests"][0]["us"], 7)

    def test_death_after_the_verdict_counts_against_the_test(self):
        self.order("pass-then-abort", "pass")
        self.assertEqual(self.run_sh(), 1)
        self.assertEqual(self.verdicts(), {"vtd.t.1": "crash", "vtd.t.2": "pass"})

    def test_crash_in_the_last_test(self):
        self.order("pass", "abort")
        self.assertEqual(self.run_sh(), 1)
        self.assertEqual(self.verdicts(), {"vtd.t.1": "pass", "vtd.t.2": "crash"})
        self.assertEqual(len(self.calls()), 1)

    def test_crash_at_the_very_end_is_told(self):
        self.order("pass", end="abort")
        self.assertEqual(self.run_sh(), 0)
        self.assertIn("After the last test the machine died", self.text)

    def test_block_that_is_cut_short(self):
        self.order("cut", "pass")
        self.assertEqual(self.run_sh(), 1)
        self.assertEqual(self.verdicts(), {"vtd.t.1": "crash", "vtd.t.2": "pass"})

    def test_vanishing_machine_is_a_crash(self):
        self.order("vanish", "pass")
        self.assertEqual(self.run_sh(), 1)
        self.assertEqual(self.verdicts()["vtd.t.1"], "crash")

    def test_garbage_loses_nothing(self):
        self.order("garbage", "pass")
        self.assertEqual(self.run_sh(), 0)
        self.assertEqual(self.verdicts(), {"vtd.t.1": "pass", "vtd.t.2": "pass"})
        self.assertIn("not due: test 77", self.text)

    def test_test_without_verdict_is_unfinished(self):
        self.order("pass", "silent")
        self.assertEqual(self.run_sh(), 3)
        self.assertIn("1 of 2 planned tests gave no verdict", self.text)

    def test_emulator_that_always_dies_is_given_up(self):
        self.order(*["abort"] * 8)
        with unittest.mock.patch.object(boots, "MAX_BOOTS", 5):
            self.assertEqual(self.run_sh(), 3)
        self.assertEqual(len(self.verdicts()), 5)

    def test_no_boot_at_all(self):
        self.order("pass", boot="panic")
        self.assertEqual(self.run_sh(), 3)
        self.assertIn("did not come to a test", self.text)

    def test_emulator_that_refuses_its_options(self):
        self.order("pass", refuse="-device nvme: no such bus")
        self.assertEqual(self.run_sh(), 2)
        self.assertIn("no such bus", self.text)


class Outside(Case):
    def test_killed_emulator(self):
        for deed in ("kill", "term"):
            with self.subTest(deed):
                self.order("pass", "fail", deed, "pass")
                self.assertEqual(self.run_sh(), 3)
                self.assertEqual(self.verdicts(), {"vtd.t.1": "pass", "vtd.t.2": "verdict"})
                self.assertIn("ended from outside", self.text)

    def test_signal_to_the_runner(self):
        """Results so far are written, status 3, and no emulator stays behind."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number):
                self.order("pass", "pass", "hang", "pass")
                child = self._start()
                self._wait_for("# @start 3")
                child.send_signal(number)
                text = child.communicate(timeout=20)[0].decode()
                self.assertEqual(child.returncode, 3, text)
                self.assertEqual(self.verdicts(), {"vtd.t.1": "pass", "vtd.t.2": "pass"})
                self.assertIn("interrupted", text)
                self.assertFalse(self._emulators(), "an emulator stays behind")

    def test_signal_ends_every_boot(self):
        """The machines that run beside the main one are ended, too."""
        self.platform("vtd", PLATFORM + '[[boots]]\nname = "cm"\niommu = { caching-mode = "on" }\n')
        self.order("hang")
        child = self._start()
        for _ in range(200):
            if len(self._emulators()) == 2:
                break
            time.sleep(0.05)
        self.assertEqual(len(self._emulators()), 2)
        child.terminate()
        text = child.communicate(timeout=20)[0].decode()
        self.assertEqual(child.returncode, 3, text)
        self.assertFalse(self._emulators(), "an emulator stays behind")

    def test_emulator_dies_with_a_killed_runner(self):
        self.order("hang")
        child = self._start()
        self._wait_for("# @start 1")
        child.kill()
        child.communicate()
        time.sleep(0.5)
        self.assertFalse(self._emulators(), "an emulator stays behind")

    def _start(self):
        (self.root / "out/vtd/console.log").unlink(missing_ok=True)
        code = ("import sys, pathlib; from runner import cli; "
                "sys.exit(cli.main(sys.argv[2:], pathlib.Path(sys.argv[1])))")
        return subprocess.Popen([sys.executable, "-c", code, str(self.root), "--qemu", str(FAKE)],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                env={**os.environ, "PYTHONPATH": str(ROOT / "tools"), "TMPDIR": str(self.root)})

    def _wait_for(self, text):
        log = self.root / "out/vtd/console.log"
        for _ in range(200):
            if log.exists() and text in self._console():
                return
            time.sleep(0.05)
        self.fail(f"'{text}' never came")

    def _console(self):
        return (self.root / "out/vtd/console.log").read_text(errors="replace")

    def _emulators(self):
        """Processes that run the fake for this very tree."""
        mark, found = str(self.root).encode(), []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    line = file.read()
            except OSError:
                continue
            if b"fake_qemu" in line and b"-kernel" in line and mark in line:
                found.append(pid)
        return found


if __name__ == "__main__":
    unittest.main()
