"""What the tests of the runner share: a small tree of its own, the fake QEMU, and a call of run.sh's command line."""

import atexit
import contextlib
import io
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from runner import cli  # noqa: E402

PLATFORM = """
title = "a fake machine"
deviations = ["fake"]
[iommu]
kind = "vtd"
driver = "intel-iommu"
options = { intremap = "on", "x-scalable-mode|scalable-mode" = "on" }
[[boots]]
[[devices]]
driver = "nvme"
drive_mib = 1
"""
MAKEFILE = "build/portcullis.elf:\n\tmkdir -p build && touch $@\n"


def _quick_fake():
    """A copy of the fake that starts as fast as Python can: it is started hundreds of times."""
    folder = tempfile.mkdtemp(prefix="runner-fake-")
    atexit.register(shutil.rmtree, folder)
    path = pathlib.Path(folder) / "fake_qemu.py"
    path.write_text(f"#!{sys.executable} -IS\n" + (HERE / "fake_qemu.py").read_text())
    path.chmod(0o755)
    return path


FAKE = _quick_fake()


class Case(unittest.TestCase):
    """A test with a tree in a temporary folder; order() says what the fake machine does."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="runner-test-")
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.platform("vtd", PLATFORM)
        self.deviations("")
        (self.root / "Makefile").write_text(MAKEFILE)
        self.orders = self.root / "order.json"
        os.environ["FAKE_QEMU"] = str(self.orders)
        self.addCleanup(os.environ.pop, "FAKE_QEMU")
        handlers = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        self.addCleanup(lambda: [signal.signal(s, h) for s, h in handlers.items()])

    def platform(self, name, text):
        folder = self.root / "tests" / "platforms"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.toml").write_text(text)

    def deviations(self, text):
        folder = self.root / "tests" / "platforms" / "deviations"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "fake.toml").write_text(text)

    def order(self, *deeds, **others):
        """Tests vtd.t.1, vtd.t.2, ... with these deeds; pairs name their tests themselves."""
        tests = [list(d) if isinstance(d, tuple) else [f"vtd.t.{n}", d] for n, d in enumerate(deeds, 1)]
        self.orders.write_text(json.dumps({"tests": tests, **others}))

    def run_sh(self, *arguments, qemu=FAKE):
        """Calls the command line; returns the status. self.text has what was printed."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            status = cli.main([*arguments, *(["--qemu", str(qemu)] if qemu else [])], root=self.root)
        self.text = out.getvalue()
        return status

    def json(self, platform="vtd"):
        return json.loads((self.root / "out" / platform / "results.json").read_text())

    def verdicts(self, platform="vtd"):
        """{id: status or fail kind}"""
        return {t["id"]: t["kind"] if t["status"] == "fail" else t["status"] for t in self.json(platform)["tests"]}

    def calls(self):
        """The command lines with which the fake was started."""
        path = pathlib.Path(str(self.orders) + ".calls")
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def words(self):
        """The kernel's words, call by call."""
        return [c[c.index("-append") + 1].split() for c in self.calls()]

    def wrapper(self, text):
        path = self.root / "wrapper"
        path.write_text(text)
        path.chmod(0o755)
        return path

    def need(self, program):
        if shutil.which(program) is None:
            self.skipTest(f"{program} is not installed")
