"""QEMU versions by name: what can be checked without a network."""

import os
import pathlib
import tempfile
import unittest
import unittest.mock

from base import Case
from runner import fetch_qemu, packages, status


class Names(unittest.TestCase):
    def test_version_or_path(self):
        for text, expected in (("11.1", True), ("10.0.2", True), ("./qemu", False), ("qemu-11.1", False), ("11", False),
                               ("", False)):
            self.assertEqual(fetch_qemu.is_version(text), expected, text)

    def test_upstream_version(self):
        for full, expected in (("1:10.0.13+ds-0+deb13u1", "10.0.13"), ("1:11.1.3+ds-1~bpo13+1", "11.1.3"),
                               ("1:7.2+dfsg-7+deb12u18", "7.2"), ("8.2.2-0ubuntu1", "8.2.2")):
            self.assertEqual(packages.upstream(full), expected)

    def test_matching(self):
        self.assertTrue(fetch_qemu._matches("10.0.13", "10.0"))
        self.assertTrue(fetch_qemu._matches("7.2", "7.2"))
        self.assertFalse(fetch_qemu._matches("10.0.13", "10.0.1"))
        self.assertFalse(fetch_qemu._matches("11.10.1", "11.1"))

    def test_suites_from_this_release_on(self):
        self.assertEqual(fetch_qemu._places("debian", "trixie")[:2], [["trixie"], ["trixie", "trixie-backports"]])
        self.assertEqual(fetch_qemu._places("debian", "bookworm")[1], ["bookworm", "bookworm-backports"])


class Cache(Case):
    def setUp(self):
        super().setUp()
        os.environ["XDG_CACHE_HOME"] = str(self.root / "cache")
        self.addCleanup(os.environ.pop, "XDG_CACHE_HOME")

    def test_nothing_found_leaves_nothing(self):
        """The sentence names what there is; no folder stays that looks like a version."""
        class Empty:
            def __init__(self, folder, mirror, distribution, suites):
                self.suites = suites

            def update(self):
                return self.suites[-1] != "sid"

            def versions(self, _package):
                return ["1:10.0.2+ds-1"] if self.suites[-1] == "trixie" else []

        with unittest.mock.patch.object(packages, "Apt", Empty), \
                unittest.mock.patch.object(packages, "home", lambda: ("mirror", "debian", "trixie")):
            self.order("pass")
            self.assertEqual(self.run_sh(qemu="9.9"), 2)
        self.assertIn("there is: 10.0.2 (trixie)", self.text)
        self.assertEqual([p.name for p in (self.root / "cache/portcullis").iterdir()], ["lock"])

    def test_failure_while_unpacking_leaves_nothing(self):
        with unittest.mock.patch.object(fetch_qemu, "_download", lambda *_: [pathlib.Path("/nonesuch.deb")]):
            with self.assertRaises(status.Stop):
                fetch_qemu.find("9.9")
        self.assertEqual([p.name for p in (self.root / "cache/portcullis").iterdir()], ["lock"])

    def test_incomplete_folder_is_told(self):
        (self.root / "cache/portcullis/qemu-9.9").mkdir(parents=True)
        self.order("pass")
        self.assertEqual(self.run_sh(qemu="9.9"), 2)
        self.assertIn("is not complete", self.text)

    def test_other_distribution(self):
        with tempfile.TemporaryDirectory() as folder, \
                unittest.mock.patch.object(packages, "SUITES", {}):
            os.environ["XDG_CACHE_HOME"] = folder
            self.order("pass")
            self.assertEqual(self.run_sh(qemu="9.9"), 2)
        self.assertIn("needs Debian or Ubuntu", self.text)


if __name__ == "__main__":
    unittest.main()
