#!/usr/bin/env python3
"""What `make xen-iso-check` holds the Xen ISO to: it starts from BIOS and from UEFI in QEMU, as a disc and as a stick,
Xen starts the kernel as dom0, and the guest environment passes. Prints TAP."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

from runner import qemu, stick  # noqa: E402
from runner.status import Stop  # noqa: E402

LIMIT_S = 240  # on a busy host; the menu waits 3 s, firmware under emulation takes most of the rest
END = re.compile(r"# @end passed=(\d+) failed=(\d+)")
MACHINE = ["-no-user-config", "-nodefaults", "-display", "none", "-vga", "none", "-no-reboot", "-m", "1536",
           "-M", "q35,kernel-irqchip=split", "-cpu", "EPYC,check=off,-monitor",
           "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
           "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-device", "intel-iommu,intremap=on,aw-bits=48",
           "-device", "edu,dma_mask=0xffffffffffffffff,addr=0x10"]
DISC = ["-drive", "if=none,id=disc,media=cdrom,readonly=on,file={}", "-device", "ide-cd,drive=disc,bootindex=0"]
STICK = ["-drive", "if=none,id=disc,format=raw,readonly=on,file={}", "-device", "qemu-xhci",
         "-device", "usb-storage,drive=disc,bootindex=0"]


def firmware(kind, folder):
    if kind == "BIOS":
        return []
    code, settings = stick.firmware()
    own = pathlib.Path(folder) / "settings.fd"
    shutil.copyfile(settings, own)
    return ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}",
            "-drive", f"if=pflash,unit=1,format=raw,file={own}"]


def start(emulator, iso, kind, medium):
    """What the serial console said until the machine ended."""
    with tempfile.TemporaryDirectory(prefix="portcullis-") as folder:
        argv = emulator.argv + MACHINE + firmware(kind, folder) + [a.format(iso) for a in medium]
        try:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                  timeout=LIMIT_S, check=False)
            return done.stdout.decode("utf-8", "replace")
        except subprocess.TimeoutExpired as late:
            return (late.stdout or b"").decode("utf-8", "replace") + f"\nno end after {LIMIT_S} s\n"


def main(iso):
    emulator, failed = qemu.find(None), 0
    starts = [("BIOS", "disc", DISC), ("UEFI", "disc", DISC), ("BIOS", "stick", STICK), ("UEFI", "stick", STICK)]
    print(f"1..{len(starts)}")
    for n, (kind, name, medium) in enumerate(starts, 1):
        text = start(emulator, iso, kind, medium)
        end = END.search(text)
        good = bool(end) and int(end.group(1)) > 0 and end.group(2) == "0"
        failed += not good
        print(f"{'' if good else 'not '}ok {n} - started from {kind} as a {name}", flush=True)
        for line in [] if good else text.splitlines()[-20:]:
            print(f"# {line}")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1]))
    except Stop as stop:
        sys.exit(f"xen-iso-check: {stop.sentence}")
