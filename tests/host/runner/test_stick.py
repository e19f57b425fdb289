"""The USB stick: what is compared between console and report, and the image that a run starts from."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest
import uuid

import base  # noqa: F401 (finds the package)
from runner import platforms, stick, variables
from runner.status import Stop

POINT = "ok {} - vtd.a\n  ---\n  us: {}\n  ...\n"
LOST = "not ok {} - vtd.b\n  ---\n  kind: {}\n  ...\n"


class Comparison(unittest.TestCase):
    def difference(self, console, report):
        with tempfile.TemporaryDirectory() as folder:
            paths = [pathlib.Path(folder) / name for name in ("console", "report")]
            for path, text in zip(paths, (console, report)):
                path.write_text("TAP version 14\n1..3\n" + text)
            return stick.difference(*map(stick.points, paths))

    def test_same(self):
        self.assertIsNone(self.difference(POINT.format(1, 5), POINT.format(1, 5)))

    def test_what_took_the_machine_down_is_in_the_report_alone(self):
        for kind in ("crash", "hang"):
            self.assertIsNone(self.difference("", LOST.format(2, kind)))

    def test_differences(self):
        for console, report, said in (
                (POINT.format(1, 5), POINT.format(1, 6), "test 1, vtd.a, differs between"),
                (POINT.format(1, 5), "", "test 1, vtd.a, is on the console, but not in the report"),
                ("", POINT.format(1, 5), "but was not on the console"),
                ("", LOST.format(2, "verdict"), "but was not on the console"),
                (POINT.format(1, 5), "not " + POINT.format(1, 5), "differs")):
            self.assertIn(said, self.difference(console, report))


@unittest.skipUnless(shutil.which("mformat"), "mtools are not installed")
class Image(unittest.TestCase):
    """An image made and read with the tools that a run uses, without firmware and QEMU."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="stick-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "app").write_bytes(b"\x7fapplication" * 1000)
        subprocess.run([base.ROOT / "tools" / "usb_image.py", self.folder / "image", self.folder / "app"], check=True)
        pair = (self.folder / "code", self.folder / "settings")
        for path in pair:
            path.write_bytes(b"firmware")
        known, stick.FIRMWARE = stick.FIRMWARE, (pair,)
        self.addCleanup(setattr, stick, "FIRMWARE", known)

    def file(self, name):
        return subprocess.run(["mtype", "-i", f"{self.folder / 'image'}@@1M", name], stdout=subprocess.PIPE,
                              check=True).stdout

    def test_partition_and_files(self):
        first = (self.folder / "image").read_bytes()[:512]
        self.assertEqual(first[510:], b"\x55\xaa")
        self.assertEqual((first[446], first[450]), (0x80, 0x0e))
        self.assertLess((self.folder / "image").stat().st_size, 16 << 20)
        self.assertEqual(self.file("::/EFI/BOOT/BOOTX64.EFI"), b"\x7fapplication" * 1000)
        self.assertIn(b"Secure Boot: Disabled", self.file("::/SECURE-BOOT.TXT"))
        for line in self.file("::/README.TXT").split(b"\r\n"):
            self.assertNotIn(b"\n", line)

    def test_words_and_results(self):
        made = stick.Stick(self.folder / "image", self.folder, "0", ["tests=vtd.*", "then=off"])
        disk = f"{made.image}@@1M"
        self.assertEqual(subprocess.run(["mtype", "-i", disk, stick.CONFIG], stdout=subprocess.PIPE, check=True).stdout,
                         b"tests=vtd.* then=off\n")
        self.assertEqual(made.results(self.folder / "out" / "results"), [])
        subprocess.run(["mmd", "-i", disk, "::/results/2026-board"], check=True)
        subprocess.run(["mcopy", "-i", disk, "-", "::/results/2026-board/results.tap"], input=b"1..0\n", check=True)
        found = made.results(self.folder / "out" / "results")
        self.assertEqual([p.read_bytes() for p in found], [b"1..0\n"])
        self.assertNotEqual(made.image.read_bytes(), (self.folder / "image").read_bytes())

    def test_no_firmware(self):
        stick.FIRMWARE = (("/nowhere/code", "/nowhere/settings"),)
        with self.assertRaisesRegex(Stop, "no OVMF here"):
            stick.firmware()

    def test_no_image(self):
        made = stick.Stick(self.folder / "image", self.folder, "0", [])
        made.image.write_bytes(b"not a file system")
        with self.assertRaisesRegex(Stop, "cannot use the stick's image"):
            made.results(self.folder / "out")


def store(room=400):
    """A settings file as OVMF's: a volume's head, the store, and what follows it."""
    head = bytes(48) + b"\x48\0" + bytes(0x48 - 50)
    size = variables.STORE_HEAD.size + room
    return head + variables.STORE_HEAD.pack(variables.STORE.bytes_le, size, 0x5a, 0xfe, 0, 0) + b"\xff" * room + b"tail"


class Variables(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="stick-test-")
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "settings"
        self.path.write_bytes(store())

    def test_added_ones_are_read(self):
        self.assertEqual(variables.read(self.path), {})
        variables.add(self.path, variables.GLOBAL, "BootOrder", b"\x99\0")
        variables.add(self.path, stick.VENDOR, "Run", b"abc")
        self.assertEqual(variables.read(self.path), {(variables.GLOBAL, "BootOrder"): b"\x99\0",
                                                     (stick.VENDOR, "Run"): b"abc"})
        self.assertTrue(self.path.read_bytes().endswith(b"\xfftail"))

    def test_deleted_ones_are_not(self):
        variables.add(self.path, stick.VENDOR, "Run", b"abc")
        data = self.path.read_bytes()
        self.path.write_bytes(data.replace(b"\xaa\x55\x3f", b"\xaa\x55\x3c"))
        self.assertEqual(variables.read(self.path), {})

    def test_broken_ones(self):
        with self.assertRaises(variables.BadStore):
            variables.add(self.path, stick.VENDOR, "Run", bytes(400))
        data = bytearray(store())
        data[0x48] ^= 1
        self.path.write_bytes(data)
        with self.assertRaises(variables.BadStore):
            variables.read(self.path)
        self.path.write_bytes(store())
        variables.add(self.path, uuid.UUID(int=1), "x", b"abc")
        data = bytearray(self.path.read_bytes())
        data[0x48 + variables.STORE_HEAD.size + 41] = 0x7f  # a length that leaves the store
        self.path.write_bytes(data)
        with self.assertRaises(variables.BadStore):
            variables.read(self.path)

    def test_what_a_run_left(self):
        made = stick.Stick.__new__(stick.Stick)
        made.settings = self.path
        variables.add(self.path, variables.GLOBAL, "Lang", b"en")
        self.assertEqual(made.leftovers(), [])
        variables.add(self.path, stick.VENDOR, "Run", b"x")
        self.assertEqual(made.leftovers(), ["Run"])


class Platform(unittest.TestCase):
    def test_one_boot_only(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "x.toml"
            path.write_text('title = "x"\nstick = true\n[[boots]]\n[[boots]]\nname = "y"\n')
            with self.assertRaisesRegex(Stop, "has one boot"):
                platforms.load(folder, "x")


if __name__ == "__main__":
    unittest.main()
