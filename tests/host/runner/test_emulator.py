"""The runner with the real kernel on the real QEMU: what a stand-in cannot show. Skipped where either is missing."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from base import ROOT

QEMU = shutil.which("qemu-system-x86_64")
IMAGE = ROOT / "build" / "portcullis.elf"

# Passes everything on; a run ends by SIGABRT when the tenth test is announced, as an assertion in it would do it.
ABORTING = """#!{python} -IS
import os, signal, subprocess, sys
child = subprocess.Popen([{qemu!r}] + sys.argv[1:], stdout=subprocess.PIPE)
for line in child.stdout:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()
    if line.startswith(b"# @start 10 "):
        child.kill()
        os.abort()
sys.exit(child.wait())
"""


@unittest.skipUnless(QEMU and IMAGE.exists(), "no QEMU or no kernel image")
class RealEmulator(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="runner-test-")
        self.addCleanup(folder.cleanup)
        self.out = pathlib.Path(folder.name)

    def command(self, *arguments):
        return [sys.executable, str(ROOT / "tools" / "run.py"), "--out", str(self.out), *arguments]

    def run_sh(self, *arguments):
        done = subprocess.run(self.command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout.decode()

    def report(self):
        return json.loads((self.out / "vtd" / "results.json").read_text())

    def test_abort_at_the_tenth_test(self):
        wrapper = self.out / "wrapper"
        wrapper.write_text(ABORTING.format(python=sys.executable, qemu=QEMU))
        wrapper.chmod(0o755)
        status, text = self.run_sh("--qemu", str(wrapper), "--tests", "acpi.*")
        self.assertEqual(status, 1, text)
        tests = self.report()["tests"]
        self.assertEqual([n for n, t in enumerate(tests, 1) if t["status"] == "fail"], [10])
        self.assertEqual(tests[9]["kind"], "crash")
        self.assertGreater(len(tests), 20)

    def test_without_an_iommu(self):
        status, text = self.run_sh("--iommu", "none")
        self.assertEqual(status, 4, text)
        self.assertIn("nothing to test", text)

    def test_killed_from_outside(self):
        """QEMU, found by the folder of its scratch disks, gets SIGTERM and SIGKILL in the middle of a run."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(number):
                child = subprocess.Popen(self.command("--shuffle"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                os.kill(self._emulator_of(child.pid), number)
                text = child.communicate(timeout=60)[0].decode()
                self.assertEqual(child.returncode, 3, text)
                self.assertIn("ended from outside", text)
                self.report()

    def _emulator_of(self, parent):
        """The process id of the machine that a runner has started; the probes before it have no kernel."""
        for _ in range(2000):
            try:
                with open(f"/proc/{parent}/task/{parent}/children", encoding="ascii") as file:
                    children = file.read().split()
            except OSError:
                children = []
            for pid in children:
                try:
                    with open(f"/proc/{pid}/cmdline", "rb") as file:
                        if b"-kernel" in file.read():
                            return int(pid)
                except OSError:
                    pass
            time.sleep(0.002)
        self.fail("no machine was started")

    def test_flipped_expectation_in_a_baseline(self):
        self.run_sh("--tests", "self.*")
        before = self.out / "before.json"
        report = self.report()
        report["tests"][0]["status"], report["tests"][0]["kind"] = "fail", "verdict"
        before.write_text(json.dumps(report))
        status, text = self.run_sh("--tests", "self.*", "--baseline", str(before))
        self.assertEqual(status, 1, text)
        self.assertEqual(self.report()["summary"]["unexpected"], 1)

    def test_list_is_the_plan(self):
        """What --list names is what runs."""
        _, text = self.run_sh("--list", "--tests", "self.*")
        self.run_sh("--tests", "self.*")
        self.assertEqual(sorted(text.split()), sorted(t["id"] for t in self.report()["tests"]))
        self.assertTrue(text.split())


if __name__ == "__main__":
    unittest.main()
