#!/usr/bin/env python3
"""font.py OUT: writes the console font that the EFI application brings along, a PSF from the machine's packages."""

import glob
import gzip
import pathlib
import sys

# Best first: Debian's console-setup, psf-unifont, and what other distributions' kbd has.
PLACES = (
    "/usr/share/consolefonts/Uni2-Terminus16.psf.gz",
    "/usr/share/consolefonts/Unifont-APL8x16.psf.gz",
    "/usr/lib/kbd/consolefonts/default8x16.psfu.gz",
    "/usr/share/kbd/consolefonts/default8x16.psfu.gz",
    "/usr/share/consolefonts/*8x16*.psf*",
)
MAGICS = (b"\x36\x04", b"\x72\xb5\x4a\x86")


def main(out):
    for place in PLACES:
        for path in sorted(glob.glob(place)):
            data = pathlib.Path(path).read_bytes()
            if path.endswith(".gz"):
                data = gzip.decompress(data)
            if data.startswith(MAGICS):
                pathlib.Path(out).write_bytes(data)
                return 0
    print("There is no console font (PSF): please install psf-unifont, console-setup-linux or kbd.", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
