"""Xen, its tools and a Linux for its dom0: packaged ones from the cache (see packages.py), or one's own build.

Nothing of them is ever installed: the Xen packages change what a machine boots.
"""

import dataclasses
import gzip
import pathlib
import re

from . import packages
from .status import Stop

VERSION = re.compile(r"xen-(\d+\.\d+)-amd64\.gz$")
HYPERVISOR = re.compile(r"xen-hypervisor-(\d+\.\d+)-amd64$")
# What a dom0 consists of: the toolstack, a device model for HVM guests, a kernel, and a shell.
TOOLS = {
    "debian": ["xen-utils-{}", "qemu-system-xen", "linux-image-amd64", "busybox-static"],
    "ubuntu": ["xen-utils-{}", "qemu-system-xen", "linux-image-generic", "busybox-static"],
}
NO_PACKAGES = ("A packaged Xen", "name one's own by --xen")
ELF = b"\x7fELF"
GZIP = b"\x1f\x8b"


@dataclasses.dataclass
class Xen:
    """A hypervisor that QEMU can start by -kernel, and where its tools lie."""
    image: pathlib.Path  # 32-bit multiboot ELF
    short: str           # for people
    tools: pathlib.Path = None  # the install tree that it lies in; None: a file alone, or the packaged one
    version: str = None         # of the packaged one


def find(path):
    """One's own: a hypervisor's file, or an install tree (dist/install) that has one; for None the packaged one."""
    if path is None:
        return _packaged()
    given = pathlib.Path(path)
    tree = given if given.is_dir() else None
    image = _image_in(given) if tree else given
    if not image.is_file():
        raise Stop(f"--xen {path}: there is no such file.")
    return Xen(_unpacked(image, packages.cache() / "xen-own"), f"the Xen in {path}", tree)


def linux():
    """Folder of packaged tools, kernel and shell for a Linux dom0; fetched where it is not in the cache."""
    version, folder = _packaged().version, packages.cache() / "xen-tools"
    if not folder.is_dir():
        _, distribution, _ = packages.home(*NO_PACKAGES)
        names = [name.format(version) for name in TOOLS[distribution]]
        packages.fill(folder, f"the tools of Xen {version} and a Linux", lambda work: _apt(work).download(*names))
    return folder


def _packaged():
    """The newest one of this machine's own release."""
    folder = packages.cache() / "xen"
    if not folder.is_dir():
        packages.fill(folder, "Xen", _download)
    image = next(iter(folder.glob("boot/xen-*.gz")), None)
    version = image and VERSION.match(image.name)
    if not version:
        raise Stop(f"{folder} is not complete; remove it, and it is fetched again.")
    return Xen(_unpacked(image, folder), f"Xen {version.group(1)}", version=version.group(1))


def _download(work):
    apt = _apt(work)
    found = [m.group(1) for m in map(HYPERVISOR.match, apt.names("xen-hypervisor-")) if m]
    if not found:
        raise Stop("The archives of this machine's release have no Xen; --xen names one's own.")
    newest = max(found, key=lambda version: tuple(int(n) for n in version.split(".")))
    return apt.download(f"xen-hypervisor-{newest}-amd64")


def _apt(work):
    return packages.own(work, NO_PACKAGES)


def _image_in(tree):
    """The hypervisor of an install tree; the packed one carries no symbols and is what gets installed."""
    candidates = [p for p in sorted(tree.glob("boot/xen*.gz")) if not p.is_symlink()] or sorted(tree.glob("boot/xen"))
    if len(candidates) != 1:
        raise Stop(f"--xen {tree}: an install tree has one boot/xen*.gz; this has {len(candidates)}.")
    return candidates[0]


def _unpacked(image, folder):
    """QEMU starts a plain ELF file only."""
    data = image.read_bytes()
    if data.startswith(ELF):
        return image.resolve()
    if not data.startswith(GZIP):
        raise Stop(f"{image} is no Xen that can be started: neither an ELF file nor a gzip of one.")
    folder.mkdir(parents=True, exist_ok=True)
    plain = folder / (image.name.removesuffix(".gz") + ".elf")
    if not plain.exists() or plain.stat().st_mtime < image.stat().st_mtime:
        new = plain.with_suffix(".new")
        new.write_bytes(gzip.decompress(data))
        new.rename(plain)
    return plain
