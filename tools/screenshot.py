#!/usr/bin/env python3
"""screenshot.py WIDTHxHEIGHT OUT.png [WORD...]: what the screen of platform usb shows after a run.

Starts the stick in QEMU as ./run.sh usb does, with WORDs for the kernel, and takes the picture when the report has been
collected; with --at N when test N starts. Prints the text of the QR code where zbarimg can read one.
"""

import argparse
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

from runner.usb_machine import Machine  # noqa: E402


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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("size", metavar="WIDTHxHEIGHT")
    parser.add_argument("out", type=pathlib.Path, metavar="OUT.png")
    parser.add_argument("--at", type=int, metavar="N", help="take it when test N starts")
    parser.add_argument("words", nargs="*", metavar="WORD")
    options = parser.parse_intermixed_args()
    size = tuple(int(part) for part in options.size.split("x"))
    until = f"# @start {options.at} " if options.at else "# @collected"
    with tempfile.TemporaryDirectory(prefix="portcullis-") as folder:
        machine = Machine(folder, options.words, size)
        try:
            machine.start()
            if not machine.wait(until):
                print("The machine did not come to what was waited for.", file=sys.stderr)
                return 3
            ppm = machine.screen()
        finally:
            machine.close()
        options.out.write_bytes(png_of(ppm.read_bytes()))
        if shutil.which("zbarimg"):
            code = subprocess.run(["zbarimg", "--quiet", "--raw", ppm], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, check=False)
            print(code.stdout.decode("utf-8", "replace"), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
