"""A Linux dom0 that starts this kernel as its guest: a ramdisk made of packaged files, and what it does.

The ramdisk has two parts, one behind the other: tools, libraries and modules, which are made once and kept in the
cache, and the kernel with its settings, which change from boot to boot.
"""

import gzip
import hashlib
import lzma
import os
import pathlib
import re
import shutil
import stat
import struct
import subprocess
import zlib

from . import fetch_xen, packages
from .status import Stop

PROGRAMS = ("xenstored", "xen-init-dom0", "xenconsoled", "xenconsole", "xl", "xenstore-write")
OPTIONAL = ("libxl-save-helper",)
DEVICE_MODELS = ("xen-qemu-system-i386", "qemu-system-i386", "qemu-system-x86_64")
LIBRARIES_BY_NAME = ("libgcc_s.so.1",)  # loaded by name at a thread's end: xl aborts without
MODULES = ("xen-evtchn", "xen-gntdev", "xen-gntalloc", "xen-privcmd", "xenfs", "xen-pciback")
FOLDERS = ("proc", "sys", "dev", "run", "tmp", "etc/xen", "var/run/xen", "var/run/xenstored", "var/lib/xen",
           "var/lib/xenstored", "var/lock", "var/log/xen", "root")
NEEDED = re.compile(r"\(NEEDED\).*\[(.+)\]")
DEPENDS = re.compile(rb"\0depends=([^\0]*)\0")
ELF = b"\x7fELF"
GUEST = "portcullis"
KEYMAP = "usr/share/qemu/keymaps/en-us"

INIT = """\
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin:{paths} LD_LIBRARY_PATH={libraries}
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts pts /dev/pts
exec >/dev/hvc0 2>&1 </dev/null

# Nothing can be tested: the sentence goes where the kernel's would.
give_up()
{{
	echo
	echo "# @status 2"
	echo "Bail out! $1"
	leave
}}
leave()
{{
	printf '\\000' | dd of=/dev/port bs=1 seek=244 2>/dev/null
	poweroff -f
}}

for m in {modules}; do insmod /$m || give_up "Linux cannot load $m"; done
mount -t xenfs xenfs /proc/xen
xenstored --pid-file /var/run/xenstored.pid || give_up "xenstored does not start: do the tools belong to this Xen?"
xen-init-dom0 >/tmp/log 2>&1 || give_up "xen-init-dom0: $(tail -n 1 /tmp/log)"
xenconsoled --pid-file=/var/run/xenconsoled.pid
for d in {passthrough}; do
	xl pci-assignable-add $d >/tmp/log 2>&1 || give_up "xl pci-assignable-add $d: $(tail -n 1 /tmp/log)"
done
if ! xl create -p /guest.cfg >/tmp/log 2>&1; then
	cat /tmp/log
	give_up "xl create: $(grep -v '^Parsing' /tmp/log | tail -n 1)"
fi
id=$(xl domid {guest})
xenstore-write /local/domain/$id/vm-data/words "$(cat /words)"
mkfifo /tmp/in
exec 3<>/tmp/in
xenconsole $id --num 0 --type pv <&3 &
console=$!
# A guest that ends before anybody listens takes its words with it.
n=0
until ls -l /proc/$console/fd 2>/dev/null | grep -q /dev/pts/; do
	[ -d /proc/$console ] && [ $n != 300 ] || give_up "the guest gets no console: does xenconsoled run?"
	sleep 0.1
	n=$((n + 1))
done
xl unpause {guest}
wait $console
echo "The guest is gone."
leave
"""


def ramdisk(xen, guest, image, words, folder):
    """Makes the ramdisk of one boot in a folder; returns its path. guest: see Guest in xen.py."""
    base = _base(xen, guest.hvm)
    own = Archive()
    own.add("guest.cfg", guest.config().encode())
    own.add("words", " ".join(words).encode())
    own.add("kernel", pathlib.Path(image).read_bytes())
    own.add("init", _init(base, guest).encode(), 0o755)
    path = pathlib.Path(folder) / f"dom0-{hashlib.sha1(' '.join(words).encode()).hexdigest()[:12]}.cpio"
    with open(path, "wb") as file, open(base / "base.cpio", "rb") as first:
        shutil.copyfileobj(first, file)
        file.write(own.bytes())
    return path


def kernel():
    """The Linux of dom0, unpacked: Xen would take four seconds for it under emulation."""
    packed = _one(fetch_xen.linux(), "boot", "vmlinuz-*")
    plain = packages.cache() / f"vmlinux-{packed.name.partition('-')[2]}"
    if not plain.exists():
        data = payload(packed.read_bytes())
        if data is None:
            return packed  # packed in some other way: Xen knows more of them
        new = plain.with_suffix(f".{os.getpid()}")
        new.write_bytes(data)
        new.rename(plain)
    return plain


def payload(image):
    """The ELF file in a bzImage (Linux Documentation/arch/x86/boot.rst); None where it cannot be unpacked here."""
    if image[0x202:0x206] != b"HdrS":
        return None
    offset, length = struct.unpack_from("<II", image, 0x248)
    begin = (image[0x1f1] + 1) * 512 + offset
    data = image[begin:begin + length]
    reader = {b"\xfd7z": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ), b"\x1f\x8b\x08": lambda: zlib.decompressobj(31)}
    if data[:3] not in reader:
        return None
    try:
        unpacking = reader[data[:3]]()
        data = unpacking.decompress(data)
    except (lzma.LZMAError, zlib.error):
        return None
    return data if unpacking.eof and data.startswith(ELF) else None


def _init(base, guest):
    lines = dict(line.split("=", 1) for line in (base / "facts").read_text(encoding="ascii").splitlines())
    return INIT.format(guest=GUEST, passthrough=" ".join(guest.passthrough), **lines)


def _base(xen, hvm):
    """The part that stays: made anew where one's own tools have changed."""
    packaged = fetch_xen.linux()
    tree = xen.tools or packaged
    mark = "packaged" if tree == packaged else \
        hashlib.sha1(f"{tree.resolve()} {_find(tree, 'xl').stat().st_mtime}".encode()).hexdigest()[:12]
    name = f"dom0-{mark}-{'hvm' if hvm else 'pvh'}"
    folder = packages.cache() / f"{name}-{_recipe()}"
    if (folder / "facts").exists():
        return folder
    for old in packages.cache().glob(f"{name}-*"):
        shutil.rmtree(old, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    maker = _Maker(tree, packaged)
    facts = maker.make(hvm)
    (folder / "base.cpio").write_bytes(maker.archive.bytes())
    (folder / "facts").write_text("".join(f"{k}={v}\n" for k, v in facts.items()), encoding="ascii")
    return folder


def _recipe():
    """Changes with this file: what was made by another version of it is not used."""
    return hashlib.sha1(pathlib.Path(__file__).read_bytes()).hexdigest()[:8]


class _Maker:
    def __init__(self, tree, packaged):
        self.trees = [tree] if tree == packaged else [tree, packaged]
        self.packaged = packaged
        self.archive, self._known = Archive(), set()
        self._libraries = self._library_folders()

    def make(self, hvm):
        """Puts everything into the archive; returns what init has to know."""
        for name in FOLDERS:
            self.archive.folder(name)
        self.archive.add("etc/xen/xl.conf", b"")
        self.archive.add("bin/busybox", _find(self.packaged, "busybox").read_bytes(), 0o755)
        programs = [self._program(name) for name in PROGRAMS]
        programs += [p for p in (_find(self.trees[0], name, False) for name in OPTIONAL) if p]
        if hvm:
            programs.append(self._device_model())
            self.archive.add(KEYMAP, (self.packaged / KEYMAP).read_bytes())
            self.archive.add("bios", b"\xf4" * 65536)  # xl insists on reading one; nobody runs it
        for program in programs:
            self._with_libraries(program)
        for name in LIBRARIES_BY_NAME:
            self._library(name)
        modules = self._modules()
        folders = dict.fromkeys("/" + str(pathlib.PurePath(self._place(p)).parent) for p in programs)
        return {"paths": ":".join(folders), "modules": " ".join(modules),
                "libraries": ":".join("/" + str(self._place(f)) for f in self._libraries)}

    def _program(self, name):
        for tree in self.trees:
            if found := _find(tree, name, False):
                return found
        raise Stop(f"{self.trees[0]} has no {name}: an install tree of Xen has its tools, too.")

    def _device_model(self):
        for name in DEVICE_MODELS:
            for tree in self.trees:
                if found := _find(tree, name, False):
                    self.archive.link("device-model", "/" + str(self._place(found)))
                    return found
        raise Stop("There is no device model for HVM guests among Xen's tools.")

    def _library_folders(self):
        folders = []
        for tree in self.trees:
            folders += sorted({p.parent for pattern in ("libxen*.so*", "libc.so*", "libz.so*", "libspice*.so*")
                               for p in tree.rglob(pattern) if p.is_file()})
        return list(dict.fromkeys(folders))

    def _place(self, path):
        """Where a file of one of the trees lies in the ramdisk."""
        return next(path.relative_to(tree) for tree in self.trees if path.is_relative_to(tree))

    def _with_libraries(self, program):
        waiting = [program]
        while waiting:
            path = waiting.pop()
            if path in self._known:
                continue
            self._known.add(path)
            self.archive.add(self._place(path), path.read_bytes(), 0o755)
            for name in _needed(path):
                waiting += self._found(name)

    def _library(self, name):
        for path in self._found(name):
            self._with_libraries(path)

    def _found(self, name):
        """The first library of that name; the loader lies where programs expect it."""
        for folder in self._libraries:
            path = folder / name
            if path.is_file():
                if name.startswith("ld-linux"):
                    self.archive.add(f"lib64/{name}", path.read_bytes(), 0o755)
                    return []
                return [path]
        raise Stop(f"The library {name}, which Xen's tools need, is nowhere in {' or '.join(map(str, self.trees))}.")

    def _modules(self):
        """Adds modules and what they depend on; returns their places in the order of loading."""
        there = {re.sub(r"\.ko(\.\w+)?$", "", p.name).replace("_", "-"): p
                 for p in (self.packaged / "lib/modules").rglob("*.ko*")}
        there = there or {re.sub(r"\.ko(\.\w+)?$", "", p.name).replace("_", "-"): p
                          for p in (self.packaged / "usr/lib/modules").rglob("*.ko*")}
        order, places = [], []

        def visit(name):
            name = name.replace("_", "-")
            if name in order or name not in there:
                return  # one that is not there is part of the kernel
            data = _plain(there[name])
            found = DEPENDS.search(data)
            for other in found.group(1).decode().split(",") if found and found.group(1) else []:
                visit(other)
            order.append(name)
            places.append(f"modules/{name}.ko")
            self.archive.add(places[-1], data)

        for name in MODULES:
            visit(name)
        return places


def _plain(path):
    """A module as the kernel takes it."""
    data = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(data)
    if path.suffix == ".gz":
        return gzip.decompress(data)
    if path.suffix == ".zst":
        if not shutil.which("zstd"):
            raise Stop("The modules of this Linux are packed by zstd, which is not installed.")
        return subprocess.run(["zstd", "-dc", str(path)], stdout=subprocess.PIPE, check=True).stdout
    return data


def _find(tree, name, must=True):
    """A program of that name, not a script around it."""
    for path in sorted(tree.rglob(name)):
        if path.is_file() and not path.is_symlink() and path.read_bytes()[:4] == ELF:
            return path
    if must:
        raise Stop(f"{tree} has no {name}.")
    return None


def _one(tree, folder, pattern):
    found = sorted((tree / folder).glob(pattern))
    if not found:
        raise Stop(f"{tree} is not complete ({folder}/{pattern}); remove it, and it is fetched again.")
    return found[-1]


def _needed(path):
    done = subprocess.run(["readelf", "-d", str(path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
                          env={**os.environ, "LC_ALL": "C"})
    return NEEDED.findall(done.stdout.decode("ascii", "replace"))


class Archive:
    """A cpio archive in the "newc" form that Linux takes (Documentation/driver-api/early-userspace)."""

    def __init__(self):
        self._parts, self._names, self._n = [], set(), 0

    def add(self, name, data, mode=0o644):
        self._entry(str(name), stat.S_IFREG | mode, data)

    def link(self, name, target):
        self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def folder(self, name):
        self._entry(name, stat.S_IFDIR | 0o755, b"")

    def bytes(self):
        return b"".join(self._parts) + self._record("TRAILER!!!", 0, b"")

    def _entry(self, name, mode, data):
        parent = str(pathlib.PurePath(name).parent)
        if parent != "." and parent not in self._names:
            self.folder(parent)
        if name not in self._names:
            self._names.add(name)
            self._parts.append(self._record(name, mode, data))

    def _record(self, name, mode, data):
        self._n += 1
        fields = (self._n, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        head = b"070701" + "".join(f"{field:08x}" for field in fields).encode() + name.encode() + b"\0"
        return _padded(head) + _padded(data)


def _padded(data):
    return data + bytes(-len(data) % 4)
