"""What starts the kernel on the Xen platforms in place of QEMU: Xen, and below it this kernel or a Linux that starts it."""

from . import fetch_xen
from .status import CannotRun, Stop

# Xen's answers to its users are many; these make it start quickly, speak on one serial line and never wait. An
# interrupt number of -1 makes it write each byte before it goes on: what the kernel said is out when it ends.
CONSOLE = ["console=com1", "com1=115200,8n1,0x3f8,-1", "loglvl=all", "guest_loglvl=all", "cpuidle=0"]


def starter(platform, options):
    """The way to start a platform's kernel; everything that it needs is there when this returns."""
    try:
        return KernelDom0(platform, fetch_xen.find(options.xen))
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


def module(path, words=()):
    """One entry of QEMU's list of multiboot modules: commas separate them, text behind the first blank is theirs."""
    return " ".join([str(path), *words]).replace(",", ",,")
