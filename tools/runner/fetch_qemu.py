"""`--qemu 11.1`: a QEMU version from the distribution's own archives, run from a cache folder (see packages.py).

It is started through the C library that came with it.
"""

import os
import re

from . import packages, qemu
from .status import Stop

VERSION = re.compile(r"\d+\.\d+(\.\d+)?$")
PACKAGE = "qemu-system-x86"


def is_version(text):
    """A version rather than a path: digits and dots, and no file of that name."""
    return VERSION.match(text) is not None and not os.path.exists(text)


def find(version):
    """The emulator of that version; fetches it first where it is not in the cache."""
    folder = packages.cache() / f"qemu-{version}"
    if not folder.is_dir():
        packages.fill(folder, f"QEMU {version}", lambda work: _download(version, work))
    return qemu.start(_argv(folder), f"QEMU {version} in {folder}")


def _argv(folder):
    """How an unpacked QEMU is started: its own loader, its own libraries, its own firmware."""
    # Without this variable it would load the modules of the system's QEMU.
    argv = ["/usr/bin/env", f"QEMU_MODULE_DIR={folder}/usr/lib/x86_64-linux-gnu/qemu",
            *packages.program(folder, f"usr/bin/{qemu.NAME}")]
    for data in ("usr/share/qemu", "usr/share/seabios", "usr/lib/ipxe/qemu"):
        if (folder / data).is_dir():
            argv += ["-L", str(folder / data)]
    return argv


def _download(version, work):
    """The package files of that version and of everything that it needs."""
    offers = {}
    mirror, distribution, codename = packages.home()
    for suites in _places(distribution, codename):
        apt = packages.Apt(work / suites[-1], mirror, distribution, suites)
        if not apt.update():
            continue
        for full in apt.versions(PACKAGE):
            offers.setdefault(packages.upstream(full), suites[-1])
            if _matches(packages.upstream(full), version):
                return apt.download(f"{PACKAGE}={full}")
    there = ", ".join(f"{v} ({suite})" for v, suite in offers.items()) or "none that could be reached"
    raise Stop(f"--qemu {version}: the archives do not have it; there is: {there}.")


def _places(distribution, codename):
    """Lists of suites that belong together, from this machine's release on: [[a], [a, a-backports], [b], ...]."""
    order = packages.SUITES[distribution]
    places, base = [], None
    for suite in order[order.index(codename) if codename in order else 0:]:
        if suite.startswith("+"):
            places.append([base, suite[1:]])
        else:
            base = suite
            places.append([suite])
    return places


def _matches(upstream, version):
    return upstream == version or upstream.startswith(version + ".")
