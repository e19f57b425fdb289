"""QEMU: which one, what it offers, and its command line for a platform."""

import contextlib
import dataclasses
import hashlib
import os
import pathlib
import random
import re
import shutil
import subprocess
import tempfile

from . import stick
from .status import CannotRun, Status, Stop

NAME = "qemu-system-x86_64"
PROBE_LIMIT_S = 30
VERSION = re.compile(r"version (\d+)\.(\d+)\.(\d+)")
PROPERTY = re.compile(r"^\s+([\w-]+)=", re.M)


@dataclasses.dataclass
class Emulator:
    """A QEMU that answers. argv is how it is started: a version from the cache comes with its own loader."""
    argv: list
    version: tuple   # (7, 2, 22)
    text: str        # first line of --version
    _answers: dict = dataclasses.field(default_factory=dict)

    @property
    def short(self):
        return "QEMU " + ".".join(str(n) for n in self.version)

    def ask_ahead(self, drivers):
        """Asks several questions at once: each costs a start of the emulator."""
        questions = [("-device", f"{d},help") for d in drivers] + [("-L", "help")]
        questions = [q for q in dict.fromkeys(questions) if q not in self._answers]
        for question, answer in zip(questions, _ask_all([self.argv + list(q) for q in questions])):
            self._answers[question] = answer

    def properties(self, driver):
        """Names of the options that a device takes; empty for a device that it does not have.

        Not asked by `-device help`: that loads every module, and a QEMU that runs beside another one's files has some
        that it cannot load.
        """
        return set(PROPERTY.findall(self._answer("-device", f"{driver},help")))

    def has_file(self, name):
        """Whether a firmware file lies in one of its data folders."""
        return any(os.path.exists(os.path.join(folder, name)) for folder in self._answer("-L", "help").splitlines())

    def _answer(self, *question):
        if question not in self._answers:
            self._answers[question] = _ask_all([self.argv + list(question)])[0]
        return self._answers[question]


def find(path):
    """The emulator at a path, or the one of the system for None."""
    if path is None:
        path = shutil.which(NAME)
        if path is None:
            raise Stop(f"{NAME} is not installed; ./run.sh sets it up, or --qemu names one.")
    if not os.path.isfile(path):
        raise Stop(f"--qemu {path}: there is no such file.")
    if not os.access(path, os.X_OK):
        raise Stop(f"--qemu {path}: this is not an executable file.")
    return start([os.path.abspath(path)], path)


def start(argv, name):
    """The emulator that argv starts; it must answer --version."""
    answer = _ask_all([argv + ["--version"]])[0]
    found = VERSION.search(answer)
    if not found:
        raise Stop(f"{name} does not answer --version as QEMU does.")
    return Emulator(argv, tuple(int(n) for n in found.groups()), answer.splitlines()[0])


def _ask_all(questions):
    """What programs print, started all at once."""
    running = []
    try:
        for argv in questions:
            running.append(subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                            stderr=subprocess.DEVNULL))
        return [p.communicate(timeout=PROBE_LIMIT_S)[0].decode("utf-8", "replace") for p in running]
    except subprocess.TimeoutExpired:
        raise Stop(f"{questions[0][0]} does not come back when asked for {' '.join(questions[0][1:])}.") from None
    except OSError as error:
        raise Stop(f"{questions[0][0]} cannot be run: {error.strerror}.") from None
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
                process.communicate()


@dataclasses.dataclass
class Wishes:
    """What the user's options change about a platform's machine."""
    accel: str = "tcg"
    iommu: str = None      # vtd, amdvi, none
    iommu_opts: dict = dataclasses.field(default_factory=dict)


class Machine:
    """A platform on a given emulator: command lines for its boots, and what had to be left out."""

    def __init__(self, platform, emulator, wishes, image, xen=None):
        self.platform, self.emulator, self.wishes, self.image = platform, emulator, wishes, image
        self.xen = xen  # what starts the kernel in place of QEMU itself, see xen.py
        self.left_out = []
        self.stick = None  # of the boot that was started last
        self._folder = None
        self._kept = {}  # path of a disk that must not change: digest of its content
        emulator.ask_ahead([d.driver for d in [platform.iommu, *platform.devices] if d])
        self._check_iommu()
        self._devices = [d for d in platform.devices if self._offered(d)]

    def _check_iommu(self):
        """A machine without its subject must not start: what it would say is about something else."""
        iommu, wanted = self.platform.iommu, self.wishes.iommu
        if wanted not in (None, "none") and (iommu is None or iommu.kind != wanted):
            raise Stop(f"--iommu {wanted}: platform {self.platform.name} has none of that kind.")
        if iommu is None or wanted == "none":
            return
        offered = self.emulator.properties(iommu.driver)
        if not offered:
            raise CannotRun(f"{self.emulator.short} has no {iommu.driver}: platform {self.platform.name} cannot run "
                            "on it.", Status.ABSENT)
        for names in iommu.options:
            if chosen(names, offered) is None:
                raise CannotRun(f"{self.emulator.short} has no {iommu.driver} option {names.replace('|', ' or ')}: "
                                f"platform {self.platform.name} cannot run on it.", Status.ABSENT)
        for name in self.wishes.iommu_opts:
            if name not in offered:
                raise Stop(f"--iommu-opts: {self.emulator.short} has no {iommu.driver} option {name}.")

    def _offered(self, device):
        if self.emulator.properties(device.driver):
            return True
        if device.required:
            raise CannotRun(f"{self.emulator.short} has no {device.driver}, which platform {self.platform.name} needs.")
        self.left_out.append(device.driver)
        return False

    def lacks(self, boot):
        """The option that keeps a boot from being run on this emulator, or None."""
        if self.platform.iommu is None:
            return None
        offered = self.emulator.properties(self.platform.iommu.driver)
        return next((names for names in boot.iommu if chosen(names, offered) is None), None)

    def _iommu_options(self, boot):
        """The platform's options under the names that this emulator knows; the boot's and the user's go first."""
        iommu, options = self.platform.iommu, {}
        offered = self.emulator.properties(iommu.driver)
        for table in (iommu.optional, iommu.options, boot.iommu, self.wishes.iommu_opts):
            options.update({chosen(names, offered): value for names, value in table.items()})
        options.pop(None, None)  # an optional one that is not there
        return options

    @contextlib.contextmanager
    def drives(self):
        """Scratch disks can be made while this is open; they are sparse and gone afterwards."""
        with tempfile.TemporaryDirectory(prefix="portcullis-") as folder:
            self._folder = pathlib.Path(folder)
            try:
                yield
            finally:
                self._folder = None

    def _fresh_drive(self, boot, number, mib):
        """An empty disk: boots run beside each other, and a boot after a crash finds what the first one found."""
        path = self._folder / f"{self.platform.boots.index(boot)}-{number}.img"
        with open(path, "wb") as file:
            file.truncate(mib * 1024 ** 2)
        return str(path).replace(",", ",,")

    def _kept_drive(self, boot, number, mib):
        """A disk with content that no two blocks of share. It can be written: that nobody does is to be shown."""
        path = self._folder / f"{self.platform.boots.index(boot)}-{number}-kept.img"
        if str(path) not in self._kept:
            path.write_bytes(random.Random(number).randbytes(mib * 1024 ** 2))
            self._kept[str(path)] = _digest(path)
        return str(path).replace(",", ",,")

    def kept_disks(self):
        """(how many disks were to be kept, how many of them have changed); before drives() is over."""
        return len(self._kept), sum(_digest(path) != digest for path, digest in self._kept.items())

    def words(self):
        """What the kernel must be told about this machine."""
        scratch = ["scratch=on"] if any(d.drive_mib for d in self._devices) else []
        return self.platform.words + scratch + [f"platform={self.platform.name}"]

    def argv(self, boot, words, kernel=None):
        """The command line of one boot; words are the kernel's. kernel: a file to start instead of the stick."""
        platform, tcg = self.platform, self.wishes.accel == "tcg"
        machine = platform.machine if tcg or "kernel-irqchip" in platform.machine else \
            f"{platform.machine},kernel-irqchip=split"
        argv = self.emulator.argv + ["-no-user-config", "-nodefaults", "-display", "none", "-net", "none",
                                     "-boot", "strict=on", "-machine", machine, "-accel", self.wishes.accel,
                                     "-cpu", platform.cpu if tcg else "host", "-m", str(platform.memory_mib),
                                     "-chardev", "stdio,id=console,signal=off"]
        if platform.firmware and self.emulator.has_file(platform.firmware):
            argv += ["-bios", platform.firmware]
        if platform.icount and tcg:
            argv += ["-icount", platform.icount]
        if platform.iommu and self.wishes.iommu != "none":
            argv += ["-device", _joined(platform.iommu.driver, self._iommu_options(boot))]
        for number, device in enumerate(d for d in self._devices if boot.has(d)):
            options = dict(device.options)
            if device.drive_mib or device.kept_mib:
                file = (self._fresh_drive(boot, number, device.drive_mib) if device.drive_mib else
                        self._kept_drive(boot, number, device.kept_mib))
                argv += ["-drive", f"if=none,id=disk{number},format=raw,cache=unsafe,file={file}"]
                options["drive"] = f"disk{number}"
            argv += ["-device", _joined(device.driver, options)]
        return argv + platform.arguments + self._start(boot, words, kernel)

    def _start(self, boot, words, kernel):
        """How the machine comes to the kernel and its words, and where its console is."""
        if self.platform.stick and not kernel:
            self.stick = stick.Stick(self.image, self._folder, self.platform.boots.index(boot), words + ["then=off"])
            return self.stick.arguments()
        plain = ["-vga", "none", "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
        if self.xen:
            return plain + ["-serial", "chardev:console"] + self.xen.arguments(self.image, words, self._folder)
        return plain + ["-device", "isa-debugcon,iobase=0xe9,chardev=console", "-kernel", str(kernel or self.image),
                        "-append", " ".join(words)]


def chosen(names, offered):
    """The first of `x-flts|fsts` that an emulator has, or None: options change their names between versions."""
    return next((name for name in names.split("|") if name in offered), None)


def _digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).digest()


def _joined(driver, options):
    return ",".join([driver] + [f"{k}={v}" for k, v in options.items()])
