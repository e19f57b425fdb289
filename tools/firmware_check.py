#!/usr/bin/env python3
"""What `make firmware-check` holds the USB image to, in QEMU with OVMF: its size and time to write, Secure Boot
(refused without a signature, started with one), the same file over the network by TFTP and by HTTP. Prints TAP.

Each start runs a few tests only; the platforms usb and usb-amd run them all.
"""

import functools
import http.server
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

from runner import fetch_qemu, qemu, stick, variables  # noqa: E402
from runner.status import Stop  # noqa: E402

APPLICATION = ROOT / "build" / "BOOTX64.EFI"
HOSTILE = ROOT / "build" / "HOSTILE.EFI"
WORDS = ["tests=vtd.reg.ver.*", "then=off"]
START_S = 120                         # until a machine has switched itself off, on a busy host
REFUSAL_S = 60
MAC = bytes.fromhex("525400506301")
CARD = 6                              # PCI device number of the network card
# Debian's firmware with Secure Boot on and a key that everybody knows: its passphrase is its name.
SECURE_CODE = "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd"
SECURE_SETTINGS = "/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd"
SECURE_KEY, SECURE_CERT = "/usr/share/ovmf/PkKek-1-snakeoil.key", "/usr/share/ovmf/PkKek-1-snakeoil.pem"


class Check:
    def __init__(self, folder, emulator):
        self.folder, self.emulator, self.n, self.failed = folder, emulator, 0, 0

    def result(self, good, name, why=""):
        self.n += 1
        self.failed += not good
        print(f"{'' if good else 'not '}ok {self.n} - {name}", flush=True)
        for line in [] if good else why.splitlines()[-20:]:
            print(f"# {line}")

    def skip(self, name, reason):
        self.n += 1
        print(f"ok {self.n} - {name} # SKIP {reason}", flush=True)

    def machine(self, arguments, code, settings, limit_s, until=None):
        """Starts a machine; what its serial console said, without the terminal's control sequences."""
        argv = self.emulator.argv + [
            "-no-user-config", "-nodefaults", "-display", "none", "-vga", "std", "-m", "512", "-cpu", "max",
            "-global", "ICH9-LPC.noreboot=off", "-serial", "stdio",
            "-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}",
            "-drive", f"if=pflash,unit=1,format=raw,file={settings}",
            "-device", "intel-iommu,intremap=on", "-device", "edu,addr=03.0,dma_mask=0xffffffffffffffff"] + arguments
        running = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        timer = threading.Timer(limit_s, running.kill)
        timer.start()
        said = b""
        try:
            for line in running.stdout:
                said += line
                if until and until in line:
                    break
        finally:
            timer.cancel()
            running.kill()
            running.wait()
            running.stdout.close()
        return re.sub(r"\x1b\[[0-9;=?]*[A-Za-z]", "", said.decode("utf-8", "replace"))

    def stick_arguments(self, application, more=(), words=WORDS):
        image = self.folder / "stick.img"
        subprocess.run([ROOT / "tools" / "usb_image.py", image, application], check=True)
        made = stick.Stick(image, self.folder, "check", words)
        for path, name in more:
            subprocess.run(["mcopy", "-i", f"{made.image}@@{stick.PARTITION}", path, name], check=True)
        return ["-device", "qemu-xhci,id=usb", "-drive", f"if=none,id=stick,format=raw,file={made.image}",
                "-device", "usb-storage,bus=usb.0,drive=stick,bootindex=0"]

    def settings(self, template):
        path = self.folder / "settings.fd"
        shutil.copyfile(template, path)
        return path


def ran(said):
    """Whether a run came to its end and was collected by the next start."""
    return "@end passed=2 failed=0" in said and "2 tests: 2 passed" in said


def size_and_time(check):
    image = check.folder / "image"
    began = time.monotonic()
    subprocess.run([ROOT / "tools" / "usb_image.py", image, APPLICATION], check=True)
    with open(image, "rb") as file:
        os.fsync(file.fileno())
    took = time.monotonic() - began
    check.result(image.stat().st_size < 16 << 20, "the image is smaller than 16 MiB", f"{image.stat().st_size} bytes")
    check.result(took < 5, "the image is written in under 5 s", f"{took:.1f} s")


def secure_boot(check):
    name = "Secure Boot: a file without signature is refused"
    if not all(map(os.path.exists, (SECURE_CODE, SECURE_SETTINGS, SECURE_KEY))):
        return check.skip(name, "no firmware with a test key is installed")
    machine = ["-machine", "q35,smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on"]
    said = check.machine(machine + check.stick_arguments(APPLICATION), SECURE_CODE, check.settings(SECURE_SETTINGS),
                         REFUSAL_S, b"Access Denied")
    check.result("Access Denied" in said and "TAP version" not in said, name, said)
    name = "Secure Boot: the same file, signed, is started"
    if not shutil.which("sbsign"):
        return check.skip(name, "sbsign is not installed")
    key, signed = check.folder / "key", check.folder / "signed.efi"
    subprocess.run(["openssl", "rsa", "-in", SECURE_KEY, "-passin", "pass:snakeoil", "-out", key], check=True,
                   stderr=subprocess.DEVNULL)
    subprocess.run(["sbsign", "--key", key, "--cert", SECURE_CERT, "--output", signed, APPLICATION], check=True,
                   stderr=subprocess.DEVNULL)
    said = check.machine(machine + check.stick_arguments(signed), SECURE_CODE, check.settings(SECURE_SETTINGS), START_S)
    return check.result(ran(said) and '"secure_boot": "on"' in said, name, said)


def wrong_word(check):
    arguments = check.stick_arguments(APPLICATION, words=["tests=vtd.*", "nonsense", "then=off"])
    code, settings = stick.firmware()
    said = check.machine(["-machine", "q35", *arguments], code, check.settings(settings), START_S)
    check.result('Nothing was tested: unknown word "nonsense"' in said and "TAP version" not in said,
                 "a word that nobody knows is told before anything starts", said)


def network(check, more):
    return ["-machine", "q35", "-netdev", f"user,id=net{more}", "-device",
            f"virtio-net-pci,netdev=net,romfile=,bootindex=0,addr={CARD:02x}.0,mac={MAC.hex(':')}"]


def served(check):
    """A server's folder with the file and its settings beside it."""
    folder = check.folder / "served" / "boot"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(APPLICATION, folder / "BOOTX64.EFI")
    (folder / "portcullis.cfg").write_text("\n".join(WORDS) + "  # over the network\n")
    return folder.parent


def tftp(check):
    code, settings = stick.firmware()
    said = check.machine(network(check, f",tftp={served(check)},bootfile=boot/BOOTX64.EFI"), code,
                         check.settings(settings), START_S)
    check.result(ran(said) and "portcullis.cfg, from the network" in said, "PXE: the same file runs, with its settings",
                 said)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def over_http(check):
    """By a boot option that names the address: QEMU's own DHCP server cannot offer one."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=served(check)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    code, template = stick.firmware()
    settings = check.settings(template)
    url = f"http://10.0.2.2:{server.server_port}/boot/BOOTX64.EFI"
    variables.add(settings, variables.GLOBAL, "Boot0099", variables.http_option(CARD, MAC, url))
    variables.add(settings, variables.GLOBAL, "BootOrder", struct.pack("<H", 0x99))
    said = check.machine(network(check, ""), code, settings, START_S)
    server.shutdown()
    good = ran(said) and "portcullis.cfg, from the network" in said
    check.result(good, "HTTP: the same file runs, with its settings", said)


def hostile(check):
    """Firmware that leaves x2APIC on, where this QEMU has it, and five levels of page tables, and changes its map."""
    arguments = check.stick_arguments(HOSTILE, [(APPLICATION, "::/EFI/BOOT/REAL.EFI")])
    code, settings = stick.firmware()
    said = check.machine(["-machine", "q35", *arguments], code, check.settings(settings), START_S)
    good = ran(said) and '"page_levels": 5' in said
    check.result(good, "five levels of page tables, left on by firmware, stay on", said)
    check.result(ran(said), "a memory map that changes while boot services end is read again", said)
    if check.emulator.version < (9, 0):
        check.skip("x2APIC, left on by firmware, stays on", f"{check.emulator.short} has it with KVM only")
    else:
        check.result(ran(said) and '"x2apic": true' in said, "x2APIC, left on by firmware, stays on", said)


def main(wanted):
    named = wanted is not None and fetch_qemu.is_version(wanted)
    with tempfile.TemporaryDirectory(prefix="portcullis-") as folder:
        try:
            check = Check(pathlib.Path(folder), fetch_qemu.find(wanted) if named else qemu.find(wanted))
            for part in (size_and_time, wrong_word, hostile, secure_boot, tftp, over_http):
                part(check)
        except Stop as stop:
            print(f"Bail out! {stop.sentence}")
            return 2
    print(f"1..{check.n}")
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2] or [None]))
