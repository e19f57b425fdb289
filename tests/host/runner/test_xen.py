"""The Xen platforms: command lines, one's own builds, and the ramdisk of a Linux dom0. Nothing is fetched."""

import gzip
import lzma
import os
import struct
import subprocess
import unittest
import unittest.mock

from base import Case
from runner import dom0, fetch_xen, packages, status, xen

PLATFORM = """
title = "a fake machine with Xen"
kind = "xen"
xen = ["dom0=pvh", "iommu=no-sharept"]
deviations = ["fake"]
[[iommus]]
kind = "vtd"
driver = "intel-iommu"
options = { intremap = "on" }
[[iommus]]
kind = "amdvi"
driver = "amd-iommu"
[[boots]]
"""
ELF = b"\x7fELF and the rest"


class Xen(Case):
    def setUp(self):
        super().setUp()
        os.environ["XDG_CACHE_HOME"] = str(self.root / "cache")
        self.addCleanup(os.environ.pop, "XDG_CACHE_HOME")
        self.platform("xen-dom0", PLATFORM)
        self.own = self.root / "xen-own"
        self.own.write_bytes(ELF)

    def test_command_line(self):
        """Xen is the kernel, ours its first module; commas in words are doubled; the console is a serial line."""
        self.order("pass", drivers=["intel-iommu", "amd-iommu"])
        self.run_sh("xen-dom0", "--xen", str(self.own), "--tests", "a.*,b.*")
        call = self.calls()[0]
        self.assertEqual(call[call.index("-kernel") + 1], str(self.own))
        self.assertIn("iommu=no-sharept", call[call.index("-append") + 1])
        self.assertIn("tests=a.*,,b.*", call[call.index("-initrd") + 1])
        self.assertTrue(call[call.index("-initrd") + 1].startswith(str(self.root / "build/portcullis.elf") + " "))
        self.assertEqual(call[call.index("-serial") + 1], "chardev:console")
        self.assertTrue(any(a.startswith("intel-iommu") for a in call))

    def test_other_iommu(self):
        self.order("pass", drivers=["intel-iommu", "amd-iommu"])
        self.run_sh("xen-dom0", "--xen", str(self.own), "--iommu", "amdvi")
        self.assertTrue(any(a.startswith("amd-iommu") for a in self.calls()[0]))

    def test_packed_hypervisor(self):
        packed = self.root / "xen.gz"
        packed.write_bytes(gzip.compress(ELF))
        self.assertEqual(fetch_xen.find(packed).image.read_bytes(), ELF)

    def test_install_tree(self):
        tree = self.root / "install"
        (tree / "boot").mkdir(parents=True)
        (tree / "boot/xen-4.99.gz").write_bytes(gzip.compress(ELF))
        (tree / "boot/xen.gz").symlink_to("xen-4.99.gz")
        found = fetch_xen.find(tree)
        self.assertEqual((found.image.read_bytes(), found.tools), (ELF, tree))

    def test_what_is_no_hypervisor(self):
        self.order("pass")
        for name, text, sentence in (("nonesuch", None, "no such file"),
                                     ("text", b"hello", "no Xen that can be started")):
            if text is not None:
                (self.root / name).write_bytes(text)
            self.assertEqual(self.run_sh("xen-dom0", "--xen", str(self.root / name)), 2)
            self.assertIn(sentence, self.text)
        (self.root / "empty").mkdir()
        self.assertEqual(self.run_sh("xen-dom0", "--xen", str(self.root / "empty")), 2)
        self.assertIn("one boot/xen*.gz; this has 0", self.text)

    def test_guests_need_matching_tools(self):
        self.platform("xen-guest", 'dom0 = "linux"\n' + PLATFORM)
        self.order("pass")
        self.assertEqual(self.run_sh("xen-guest", "--xen", str(self.own)), 2)
        self.assertIn("dist/install", self.text)

    def test_fetching_picks_the_newest(self):
        class Fake:
            def __init__(self, *_):
                pass

            def update(self):
                return True

            def names(self, _prefix):
                return ["xen-hypervisor-4.9-amd64", "xen-hypervisor-4.17-amd64", "xen-hypervisor-common",
                        "xen-hypervisor-4.17-arm64"]

            def download(self, *names):
                raise status.Stop(f"asked for {' '.join(names)}")

        with unittest.mock.patch.object(packages, "Apt", Fake), \
                unittest.mock.patch.object(packages, "home", lambda *_: ("mirror", "debian", "bookworm")):
            with self.assertRaisesRegex(status.Stop, "asked for xen-hypervisor-4.17-amd64$"):
                fetch_xen.find(None)


class Revisions(Case):
    ENTRY = """
[[deviation]]
id = "fake-t"
tests = ["vtd.t.1"]
requirement = "PVI-001"
versions = ">=7.2"
revisions = "T F"
seen = ["refused"]
where = "nowhere"
clause = "none"
"""

    def test_deviation_of_one_revision(self):
        self.deviations(self.ENTRY)
        for facts, expected in (('{"revision": "T", "by": "hypervisor"}', 0),
                                ('{"revision": "T", "by": "reference"}', 1),
                                ('{"revision": "H", "by": "hypervisor"}', 1), ('"odd"', 1)):
            with self.subTest(facts):
                self.order("fail", facts=facts)
                self.assertEqual(self.run_sh(), expected, self.text)


class Ramdisk(Case):
    def test_archive_is_what_cpio_reads(self):
        self.need("cpio")
        archive = dom0.Archive()
        archive.add("a/b/file", b"12345", 0o755)
        archive.add("a/b/file", b"twice")
        archive.link("a/link", "/a/b/file")
        folder = self.root / "unpacked"
        folder.mkdir()
        done = subprocess.run(["cpio", "-id", "--quiet"], input=archive.bytes(), cwd=folder, check=False,
                              stderr=subprocess.PIPE)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual((folder / "a/b/file").read_bytes(), b"12345")
        self.assertTrue(os.access(folder / "a/b/file", os.X_OK))
        self.assertEqual(os.readlink(folder / "a/link"), "/a/b/file")

    def test_linux_is_unpacked(self):
        elf = ELF + bytes(1000)
        for packed, expected in ((lzma.compress(elf), elf), (gzip.compress(elf), elf), (b"(\xb5/\xfd" + elf, None),
                                 (lzma.compress(b"no ELF"), None), (lzma.compress(elf)[:50], None)):
            head = bytearray(2 * 512)
            head[0x1f1], head[0x202:0x206] = 1, b"HdrS"
            struct.pack_into("<II", head, 0x248, 16, len(packed) + 4)  # gzip's and xz's size follows
            image = bytes(head) + bytes(16) + packed + bytes(4)
            self.assertEqual(dom0.payload(image), expected)

    def test_settings_of_guests(self):
        pvh = xen.Guest(False, 128, ["tests=a.*", "seed=1"], []).config()
        self.assertIn('type = "pvh"', pvh)
        self.assertIn("cmdline = 'tests=a.* seed=1'", pvh)
        self.assertNotIn("passthrough", pvh)
        hvm = xen.Guest(True, 128, ["tests=a.*"], ["0000:00:10.0"]).config()
        self.assertIn("pci = ['0000:00:10.0@10']", hvm)
        self.assertIn('passthrough = "sync_pt"', hvm)
        self.assertIn('firmware_override = "/kernel"', hvm)


if __name__ == "__main__":
    unittest.main()
