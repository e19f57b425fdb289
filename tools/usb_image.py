#!/usr/bin/env python3
"""Makes the image of the USB stick: usb_image.py IMAGE BOOTX64.EFI

One partition (MBR, FAT16) from 1 MiB on, so that firmware starts it and every desktop opens it. No root is needed:
mtools write into the file.
"""

import os
import pathlib
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
STICK = ROOT / "boot" / "efi" / "stick"
SECTOR = 512
START = 2048                      # the first sector of the partition: 1 MiB
SECTORS = 12 * 2048 - START       # 12 MiB in all: written in seconds, room for the reports of many runs
FAT16_LBA = 0x0e
ACTIVE = 0x80                     # some firmware passes over sticks without an active partition
NO_CHS = b"\xfe\xff\xff"          # only the addresses in sectors count
TEXTS = [(STICK / "README.txt", "README.TXT"), (STICK / "SECURE-BOOT.txt", "SECURE-BOOT.TXT"),
         (ROOT / "LICENSE", "LICENSE.TXT"), (STICK / "portcullis.cfg", "EFI/BOOT/portcullis.cfg")]


def partition_table():
    """The first sector."""
    entry = struct.pack("<B3sB3sII", ACTIVE, NO_CHS, FAT16_LBA, NO_CHS, START, SECTORS)
    return bytes(440) + b"PCLS" + bytes(2) + entry + bytes(48) + b"\x55\xaa"


def mtools(*argv, text=""):
    # The checks of mtools are about floppy disks' geometry.
    subprocess.run(argv, check=True, env={**os.environ, "MTOOLS_SKIP_CHECK": "1"}, input=text.encode())


def put_text(disk, text, name):
    """A text file as every editor shows it, Windows' included."""
    mtools("mcopy", "-o", "-i", disk, "-", f"::/{name}", text=text.replace("\n", "\r\n"))


def build(image, application):
    with open(image, "wb") as file:
        file.write(partition_table())
        file.truncate((START + SECTORS) * SECTOR)
    disk = f"{image}@@{START * SECTOR}"
    mtools("mformat", "-i", disk, "-T", str(SECTORS), "-h", "64", "-s", "32", "-H", str(START), "-c", "4",
           "-N", "50434c53", "-v", "PORTCULLIS", "::")
    mtools("mmd", "-i", disk, "::/EFI", "::/EFI/BOOT", "::/results")
    mtools("mcopy", "-i", disk, str(application), "::/EFI/BOOT/BOOTX64.EFI")
    for path, name in TEXTS:
        put_text(disk, path.read_text(encoding="utf-8"), name)


def main(image, application):
    image = pathlib.Path(image)
    # A half-made image must not be taken for a whole one.
    with tempfile.TemporaryDirectory(dir=image.parent) as folder:
        made = pathlib.Path(folder) / image.name
        build(made, application)
        made.replace(image)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__.splitlines()[0])
    main(*sys.argv[1:])
