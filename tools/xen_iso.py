#!/usr/bin/env python3
"""Makes the ISO for a Xen host: xen_iso.py ISO KERNEL [--xen PATH] [--words WORDS] [--com1 OPTIONS]

Xen (a packaged one, or one's own) with the kernel as its dom0, started by GRUB from BIOS and from UEFI, off a disc or a
stick; beside it settings of guests for xl. GRUB and xorriso come into the cache, nothing is installed.
"""

import argparse
import gzip
import pathlib
import subprocess
import sys
import tempfile

from runner import fetch_xen, packages
from runner.status import Stop

ROOT = pathlib.Path(__file__).resolve().parents[1]
SOURCE = ROOT / "xen" / "iso"
TOOLS = ["grub-common", "grub-pc-bin", "grub-efi-amd64-bin", "xorriso", "mtools"]
MODULES = ["iso9660", "normal", "multiboot2", "serial", "terminal", "configfile", "echo", "search", "test", "gzio"]
BIOS_MODULES = ["biosdisk"]
EFI_MODULES = ["part_gpt", "part_msdos", "fat", "efi_gop"]
EFI_KIB = 2880


class Maker:
    def __init__(self, tools, tree):
        self.tools, self.tree = tools, tree

    def run(self, program, *arguments):
        done = subprocess.run([*packages.program(self.tools, program), *map(str, arguments)], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            last = (done.stdout.decode("utf-8", "replace").strip().splitlines() or ["no reason given"])[-1]
            raise Stop(f"{program}: {last}")

    def grub(self, form, output, modules, *more):
        folder = {"i386-pc-eltorito": "i386-pc"}.get(form, form)
        self.run("usr/bin/grub-mkimage", "-O", form, "-d", self.tools / "usr/lib/grub" / folder, "-p", "/boot/grub",
                 *more, "-o", output, *MODULES, *modules)

    def boot_images(self):
        """What BIOS and UEFI start."""
        place = self.tree / "boot/grub"
        self.grub("i386-pc-eltorito", place / "bios.img", BIOS_MODULES)
        with tempfile.TemporaryDirectory() as folder:
            application = pathlib.Path(folder) / "BOOTX64.EFI"
            early = pathlib.Path(folder) / "early.cfg"
            # Started from the small file system on the disc, it looks for the disc itself.
            early.write_text("search --file --set=root /boot/portcullis.elf\nset prefix=($root)/boot/grub\n",
                             encoding="ascii")
            self.grub("x86_64-efi", application, EFI_MODULES, "-c", early)
            disk = place / "efi.img"
            disk.write_bytes(bytes(EFI_KIB * 1024))
            self.run("usr/bin/mformat", "-i", disk, "-f", EFI_KIB, "::")
            self.run("usr/bin/mmd", "-i", disk, "::/EFI", "::/EFI/BOOT")
            self.run("usr/bin/mcopy", "-i", disk, application, "::/EFI/BOOT/BOOTX64.EFI")

    def disc(self, output):
        """As grub-mkrescue lays it out: El Torito for both, and a boot sector for who writes it to a stick."""
        self.run("usr/bin/xorriso", "-as", "mkisofs", "-quiet", "-V", "PORTCULLIS_XEN", "-r", "-J",
                 "-b", "boot/grub/bios.img", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table",
                 "--grub2-boot-info", "--grub2-mbr", self.tools / "usr/lib/grub/i386-pc/boot_hybrid.img",
                 "--eltorito-alt-boot", "-e", "boot/grub/efi.img", "-no-emul-boot", "-isohybrid-gpt-basdat",
                 "-o", output, self.tree)


def fill(tree, xen, kernel, options):
    """The files of the disc, but for what firmware starts."""
    for folder in ("boot/grub", "xl"):
        (tree / folder).mkdir(parents=True)
    (tree / "boot/xen.gz").write_bytes(gzip.compress(xen.image.read_bytes(), 6, mtime=0))
    (tree / "boot/portcullis.elf").write_bytes(kernel.read_bytes())
    menu = (SOURCE / "grub.cfg").read_text(encoding="ascii")
    for mark, text in (("@WORDS@", options.words), ("@XEN@", xen.short), ("@COM1@", options.com1)):
        menu = menu.replace(mark, text)
    (tree / "boot/grub/grub.cfg").write_text(menu, encoding="utf-8")
    for name in ("pvh.cfg", "hvm.cfg"):
        (tree / "xl" / name).write_bytes((SOURCE / name).read_bytes())
    (tree / "README.txt").write_bytes((SOURCE / "README.txt").read_bytes())


def main(argv):
    p = argparse.ArgumentParser()
    p.add_argument("iso", type=pathlib.Path)
    p.add_argument("kernel", type=pathlib.Path)
    p.add_argument("--xen")
    p.add_argument("--words", default="")
    p.add_argument("--com1", default="")
    options = p.parse_args(argv)
    try:
        tools = packages.cache() / "iso-tools"
        if not tools.is_dir():
            packages.fill(tools, "GRUB and xorriso", lambda work: packages.own(
                work, ("make xen-iso", "it is not to be had elsewhere")).download(*TOOLS))
        with tempfile.TemporaryDirectory(dir=options.iso.parent) as folder:
            tree, made = pathlib.Path(folder) / "tree", pathlib.Path(folder) / options.iso.name
            maker = Maker(tools, tree)
            fill(tree, fetch_xen.find(options.xen or None), options.kernel, options)
            maker.boot_images()
            maker.disc(made)
            made.rename(options.iso)
    except Stop as stop:
        print(f"xen-iso: {stop.sentence}", file=sys.stderr)
        return 2
    print(f"{options.iso}: {options.iso.stat().st_size / 2 ** 20:.1f} MiB", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
