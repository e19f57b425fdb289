#!/usr/bin/env python3
"""screenshot.py WIDTHxHEIGHT OUT.png [WORD...]: what the screen of platform usb shows after a run.

Starts the stick in QEMU as ./run.sh usb does, with WORDs for the kernel, and takes the picture when the report has been
collected; with --at N when test N starts. Prints the text of the QR code where zbarimg can read one.
"""

import argparse
import json
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

from runner import platforms, qemu, stick  # noqa: E402

LIMIT_S = 600
SETTLE_S = 3  # the application draws after it has spoken


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(ppm):
    """A PNG with a palette of what QEMU's screendump writes (PPM); screens of text have few colours."""
    magic, size, depth, pixels = ppm.split(b"\n", 3)
    width, height = map(int, size.split())
    if magic != b"P6" or depth != b"255":
        raise ValueError("not a picture of QEMU's")
    colours = {}
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for at in range(y * width * 3, (y + 1) * width * 3, 3):
            rows.append(colours.setdefault(pixels[at:at + 3], len(colours) % 256))
    if len(colours) > 256:
        raise ValueError("more than 256 colours")
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)) +
            chunk(b"PLTE", b"".join(colours)) + chunk(b"IDAT", zlib.compress(bytes(rows), 9)) + chunk(b"IEND", b""))


def machine_argv(machine, folder, size, words):
    """The command line of ./run.sh usb with another screen, which stays after the end, and can be asked for."""
    argv = machine.argv(machine.platform.boots[0], words + machine.words())
    at = argv.index("-vga")
    argv[at:at + 2] = ["-vga", "none", "-device", f"VGA,edid=on,xres={size[0]},yres={size[1]}"]
    return argv + ["-no-shutdown", "-qmp", f"unix:{folder}/monitor,server=on,wait=off"]


def dump(folder):
    """The picture, by QEMU's machine protocol."""
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(str(folder / "monitor"))
        stream = link.makefile("rw")
        stream.readline()
        for command in ({"execute": "qmp_capabilities"},
                        {"execute": "screendump", "arguments": {"filename": str(folder / "screen.ppm")}}):
            stream.write(json.dumps(command) + "\n")
            stream.flush()
            while "return" not in (answer := json.loads(stream.readline())):
                if "error" in answer:
                    raise OSError(answer["error"]["desc"])
    return (folder / "screen.ppm").read_bytes()


def picture(folder, argv, until):
    """Runs the machine until it has said a line, and for as long as the drawing takes."""
    running = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    timer = threading.Timer(LIMIT_S, running.kill)
    timer.start()
    try:
        for line in running.stdout:
            if until in line:
                threading.Thread(target=running.stdout.read, daemon=True).start()  # or it would wait for us
                time.sleep(SETTLE_S)
                return dump(folder)
        return None
    finally:
        timer.cancel()
        running.kill()
        running.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("size", metavar="WIDTHxHEIGHT")
    parser.add_argument("out", type=pathlib.Path, metavar="OUT.png")
    parser.add_argument("--at", type=int, metavar="N", help="take it when test N starts")
    parser.add_argument("words", nargs="*", metavar="WORD")
    options = parser.parse_intermixed_args()
    size = tuple(int(part) for part in options.size.split("x"))
    until = f"# @start {options.at} ".encode() if options.at else b"# @collected"
    machine = qemu.Machine(platforms.load(ROOT / "tests" / "platforms", "usb"), qemu.find(None), qemu.Wishes(),
                           ROOT / stick.IMAGE)
    with machine.drives(), tempfile.TemporaryDirectory(prefix="portcullis-") as folder:
        folder = pathlib.Path(folder)
        ppm = picture(folder, machine_argv(machine, folder, size, options.words), until)
        if ppm is None:
            print("The machine ended without what was waited for.", file=sys.stderr)
            return 3
        options.out.write_bytes(png_of(ppm))
        if shutil.which("zbarimg"):
            code = subprocess.run(["zbarimg", "--quiet", "--raw", f"{folder}/screen.ppm"], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, check=False)
            print(code.stdout.decode("utf-8", "replace"), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
