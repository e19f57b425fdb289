"""The USB stick of a platform: an image and firmware's settings for one boot, and what is on the stick afterwards."""

import os
import pathlib
import shutil
import subprocess
import uuid

from . import boots, results, tap, variables
from .status import CannotRun, Status, Stop

IMAGE = "build/portcullis.img"
PARTITION = 1 << 20                        # where tools/usb_image.py puts it
SILENCE_S = 60.0                           # firmware, and a watchdog that ends a test that hangs, take their time
CONFIG = "::/EFI/BOOT/portcullis.cfg"
VENDOR = uuid.UUID("5d1c8f3a-7b0e-4c52-9a61-2fd4830b57ce")  # of our variables: kernel/vendor.h
# Where distributions put firmware for virtual machines: code, and settings as they are on the first start.
FIRMWARE = (
    ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
    ("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
    ("/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"),
    ("/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"),
)


def require():
    """What building and starting the image needs beyond the rest; a run of all platforms goes on without it."""
    firmware()
    for there, what, group in ((shutil.which("mformat"), "mtools", "usb"),
                               (os.path.exists("/usr/include/efi/efi.h"), "GNU-EFI", "usb")):
        if not there:
            raise CannotRun(f"There is no {what} here, by which the USB stick's image is made; ./tools/setup.sh "
                            f"{group} sets it up.")


def firmware():
    """(code, settings) of the firmware that is installed here."""
    for pair in FIRMWARE:
        if all(os.path.exists(path) for path in pair):
            return pair
    raise CannotRun("There is no OVMF here, the firmware that starts a USB stick in QEMU; ./tools/setup.sh ovmf "
                    "sets it up.")


class Stick:
    """One boot's copies: the run writes to both."""

    def __init__(self, image, folder, name, words):
        self.code, settings = firmware()
        self.image, self.settings = folder / f"{name}-stick.img", folder / f"{name}-settings.fd"
        shutil.copyfile(image, self.image)
        shutil.copyfile(settings, self.settings)
        self._mtools("mcopy", "-o", "-i", self._disk, "-", CONFIG, text=" ".join(words) + "\n")

    @property
    def _disk(self):
        return f"{self.image}@@{PARTITION}"

    def _mtools(self, *argv, text=""):
        try:
            done = subprocess.run(argv, input=text.encode(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  env={**os.environ, "MTOOLS_SKIP_CHECK": "1"}, check=False)
        except OSError as error:
            raise Stop(f"{argv[0]} cannot be run: {error.strerror}; ./tools/setup.sh usb sets it up.") from None
        if done.returncode:
            raise Stop(f"{argv[0]} cannot use the stick's image: {done.stdout.decode('utf-8', 'replace').strip()}.")

    def arguments(self):
        """QEMU's: firmware with settings of its own, a screen, the stick on a USB 3 controller, the serial console."""
        settings, image = (str(path).replace(",", ",,") for path in (self.settings, self.image))
        return ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={self.code}",
                "-drive", f"if=pflash,unit=1,format=raw,cache=unsafe,file={settings}",
                "-vga", "std", "-serial", "chardev:console", "-device", "qemu-xhci,id=usb,addr=1e.0",
                "-drive", f"if=none,id=stick,format=raw,cache=unsafe,file={image}",
                "-device", "usb-storage,bus=usb.0,drive=stick,removable=on,bootindex=0"]

    def results(self, folder):
        """Copies the reports from the stick to folder; paths of the TAP files among them."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        self._mtools("mcopy", "-s", "-n", "-i", self._disk, "::/results", str(folder))
        return sorted(pathlib.Path(folder).glob("*/*.tap"))

    def leftovers(self):
        """Names of variables that the run left in firmware's settings; each is a fault."""
        return [name for vendor, name in variables.read(self.settings) if vendor == VENDOR]


def points(path):
    """The test points of a report, by number; a number that comes twice keeps its last one."""
    parser = tap.Parser()
    events = parser.feed(path.read_bytes())
    return {e.number: e for e in [*events, *parser.flush()] if isinstance(e, tap.Point)}


def difference(console, report):
    """One sentence about the first test of which console and report do not say the same; None where they agree.

    What the machine took down with it has its verdict in the report alone.
    """
    for number in sorted(set(console) | set(report)):
        said, kept = console.get(number), report.get(number)
        if kept is None:
            return f"test {number}, {said.id}, is on the console, but not in the report on the stick"
        if said is None and kept.block.get("kind") not in ("crash", "hang"):
            return f"test {number}, {kept.id}, is in the report on the stick, but was not on the console"
        if said is not None and said != kept:
            return f"test {number}, {said.id}, differs between the console and the report on the stick"
    return None


class StickSession(boots.Session):
    """A run from the stick: one machine, which starts again by itself until everything is tested and collected.

    launch() starts it; stick() is what it was started with; reports go to folder.
    """

    def __init__(self, launch, judge, view, console, timeout_s, stick, folder):
        super().__init__(launch, judge, view, console, timeout_s)
        self.stick, self.folder = stick, folder
        self._said = {}

    def _take(self, events):
        # The last word is said by the application that collects: the machine switches itself off then.
        return "quiet" if super()._take(events) == "quiet" else "progress"

    def _limit_s(self):
        return max(SILENCE_S, self.timeout_s)

    def _on_point(self, event):
        self._said[event.number] = event
        return super()._on_point(event)

    def _on_plan(self, event):
        self._first_meta = False  # later starts say of the machine what the first one said
        return super()._on_plan(event)

    def _on_meta(self, event):
        if event.key == "collected":
            self.machine.remarks.append(f"{event.key} {event.text}")
        return super()._on_meta(event)

    _HANDLERS = {**boots.Session._HANDLERS, tap.Plan: _on_plan, tap.Point: _on_point, tap.Meta: _on_meta}

    def _after(self, end, resume, stuck):
        if end.how != "exit":
            return self._stop(Status.UNFINISHED, "The machine did not come to its end: " + boots.describe(end) + ".")
        reports = self.stick().results(self.folder)
        if len(reports) != 1:
            return self._stop(Status.UNFINISHED, f"There are {len(reports)} reports on the stick; one was expected.")
        kept = points(reports[0])
        self._take_lost(kept)
        if sentence := difference(self._said, kept):
            return self._stop(Status.UNFINISHED, sentence[:1].upper() + sentence[1:] + ".")
        if names := self.stick().leftovers():
            return self._stop(Status.UNFINISHED, f"After the collection there are variables left: {', '.join(names)}.")
        return super()._after(end, resume, stuck)

    def _take_lost(self, kept):
        """Tests that took the machine down said nothing any more: what the next start made of them is their verdict."""
        for number, point in sorted(kept.items()):
            if number not in self._said:
                self._record(number, results.from_point(point))
