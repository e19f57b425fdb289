"""What starts the kernel on the Xen platforms: Xen, and below it this kernel or a Linux that starts it as a guest."""

import dataclasses

from . import dom0, fetch_xen
from .status import CannotRun, Stop

# Xen's answers to its users are many; these make it start quickly, speak on one serial line and never wait. An
# interrupt number of -1 makes it write each byte before it goes on: what the kernel said is out when it ends.
CONSOLE = ["console=com1", "com1=115200,8n1,0x3f8,-1", "loglvl=all", "guest_loglvl=all", "cpuidle=0"]
LINUX = ["console=hvc0", "quiet", "loglevel=3", "panic=1", "rdinit=/init", "mitigations=off", "apparmor=0", "audit=0",
         "nowatchdog", "rcupdate.rcu_expedited=1"]


def starter(platform, options):
    """The way to start a platform's kernel; everything that it needs is there when this returns."""
    try:
        hypervisor = fetch_xen.find(options.xen)
        if platform.dom0 == "kernel":
            return KernelDom0(platform, hypervisor)
        return LinuxDom0(platform, hypervisor, options)
    except Stop as reason:
        raise CannotRun(reason.sentence, reason.status) from None  # `all` goes on without


class KernelDom0:
    """This kernel is dom0: a PVH one, with the machine's devices."""

    def __init__(self, platform, hypervisor):
        self.hypervisor, self.short = hypervisor, hypervisor.short
        self.options = CONSOLE + platform.xen

    def arguments(self, image, words, _folder):
        """QEMU's arguments that start it."""
        return ["-kernel", str(self.hypervisor.image), "-append", " ".join(self.options),
                "-initrd", module(image, words)]


@dataclasses.dataclass
class Guest:
    """Settings of the guest, as xl reads them."""
    hvm: bool
    memory_mib: int
    words: list
    passthrough: list

    def config(self):
        lines = [f'name = "{dom0.GUEST}"', f"memory = {self.memory_mib}", "vcpus = 1", 'on_poweroff = "destroy"',
                 'on_reboot = "destroy"', 'on_crash = "destroy"']
        if not self.hvm:
            return "\n".join(lines + ['type = "pvh"', 'kernel = "/kernel"', f"cmdline = '{' '.join(self.words)}'", ""])
        lines += ['type = "hvm"', 'firmware_override = "/kernel"', 'bios_path_override = "/bios"',
                  'device_model_override = "/device-model"', "vnc = 0", "sdl = 0", 'vga = "none"', "usb = 0",
                  "serial = 'none'"]
        if self.passthrough:
            lines += [f"pci = [{', '.join(repr(_same_place(d)) for d in self.passthrough)}]", 'passthrough = "sync_pt"']
        return "\n".join(lines + [""])


def _same_place(function):
    """Asks xl for the number that the device has on the machine: PV-IOMMU names it by that, whatever the guest sees."""
    return f"{function}@{function.split(':')[-1].split('.')[0]}"


class LinuxDom0:
    """A packaged Linux is dom0 and starts this kernel as a guest, by the tools that belong to the hypervisor."""

    def __init__(self, platform, hypervisor, options):
        if options.xen is not None and hypervisor.tools is None:
            raise Stop(f"--xen {options.xen}: guests are made by Xen's tools, which must be of the same build; give "
                       "the folder that `make install DESTDIR=...` or `make dist` filled (dist/install).")
        self.hypervisor, self.platform, self.hvm = hypervisor, platform, options.hvm
        self.short = f"{hypervisor.short}, {'HVM' if options.hvm else 'PVH'} guest of Linux"
        self.options = CONSOLE + platform.xen
        self.linux = dom0.kernel()

    def arguments(self, image, words, folder):
        """QEMU's arguments that start it."""
        guest = Guest(self.hvm, self.platform.guest_mib, words, self.platform.passthrough if self.hvm else [])
        ramdisk = dom0.ramdisk(self.hypervisor, guest, image, words, folder)
        return ["-kernel", str(self.hypervisor.image), "-append", " ".join(self.options),
                "-initrd", module(self.linux, LINUX) + "," + module(ramdisk)]


def module(path, words=()):
    """One entry of QEMU's list of multiboot modules: commas separate them, text behind the first blank is theirs."""
    return " ".join([str(path), *words]).replace(",", ",,")
