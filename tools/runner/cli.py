"""The command line of ./run.sh."""

import argparse
import pathlib
import random
import shlex
import signal
import sys

from . import engines, fetch_qemu, platforms, qemu
from .baseline import Baseline
from .run import PlatformRun
from .status import CannotRun, Interrupted, Status, Stop, for_bisect, worst

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEFAULT_PLATFORM = "vtd"

EPILOG = """\
platforms: {platforms}, all (every platform that can run here)

Xen platforms: --xen takes a hypervisor (xen.gz, or the ELF), or an install tree with its tools (dist/install), which
xen-guest needs. They run with iommu=no-sharept: under software emulation Xen takes the processor's page tables and
VT-d's for interchangeable and shares them, and a Xen with PV-IOMMU contexts then leaves the default context empty, so
that all DMA faults. See docs/xen.md and tests/platforms/xen-dom0.toml.

exit status: 0 nothing unexpected, 1 a test failed, 2 set-up or usage, 3 the run did not finish, 4 the platform's
subject is absent (no IOMMU, a Xen without PV-IOMMU). Of several, the first of 2, 3, 1, 4, 0.

Results go to out/<platform>/: console.log, results.tap, results.json, junit.xml.

examples:
  ./run.sh                                      every test of platform vtd
  ./run.sh --qemu ~/qemu/build/qemu-system-x86_64
  ./run.sh vtd-legacy --tests 'vtd.ss.*,dma.*'
  ./run.sh --qemu 11.1                          that version, from the distribution's archives
  ./run.sh xen-dom0 --xen ~/xen/xen/xen.gz      your own hypervisor
  ./run.sh xen-guest --hvm                      an HVM guest with a passed-through device
  git bisect run ./run.sh --yes --bisect --qemu ./build/qemu-system-x86_64 --tests vtd.x.y
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise Stop(f"{message[:1].upper()}{message[1:]}; see ./run.sh --help.")


def parser(names):
    p = _Parser(prog="./run.sh", allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter,
                description="Boots Portcullis on a platform and says, clause by clause, whether its IOMMU does what "
                            "its specification promises.",
                epilog=EPILOG.format(platforms=", ".join(names)))
    p.add_argument("platform", nargs="?", default=DEFAULT_PLATFORM, metavar="PLATFORM",
                   help=f"the machine to run on (default: {DEFAULT_PLATFORM})")
    p.add_argument("--qemu", metavar="PATH|VERSION", help="another QEMU: a program, or a version such as 11.1")
    p.add_argument("--accel", choices=("tcg", "kvm"), default="tcg", help="QEMU's accelerator (default: tcg)")
    p.add_argument("--tests", type=_list, metavar="GLOB,..", help="only these tests; NAME@VARIANT: only on that boot")
    p.add_argument("--skip", type=_list, default=[], metavar="GLOB,..", help="leave these tests out")
    p.add_argument("--seed", type=_number, metavar="N", help="seed of the random tests and of --shuffle")
    p.add_argument("--shuffle", action="store_true", help="run the tests in a random order")
    p.add_argument("--fuzz", type=_number, metavar="N", help="N cases in each random test")
    p.add_argument("--bench", action="store_true", help="measure as well")
    p.add_argument("--iommu", choices=("vtd", "amdvi", "none"), help="insist on a kind of IOMMU, or take it away")
    p.add_argument("--iommu-opts", type=_pairs, default={}, metavar="K=V,..", help="options for QEMU's IOMMU device")
    p.add_argument("--engine", metavar="NAME",
                   help="use this DMA engine only: nvme, nvme-admin, edu, iommu-testdev, ahci, xhci, e1000e, igb, hda, "
                        "virtio-blk")
    p.add_argument("--xen", metavar="PATH", help="your own Xen: a hypervisor, or an install tree (dist/install)")
    p.add_argument("--hvm", action="store_true", help="an HVM guest instead of a PVH one, for xen-guest")
    p.add_argument("--hazard", action="store_true", help="also the tests that may harm a machine")
    p.add_argument("--check-only", action="store_true",
                   help="only look: tables, registers, what firmware left; nothing is written to an IOMMU")
    p.add_argument("--baseline", metavar="RESULTS_JSON",
                   help="count only what differs from an earlier results.json as a failure")
    p.add_argument("--bisect", action="store_true", help="exit as `git bisect run` wants it: 0, 1, or 125 cannot tell")
    p.add_argument("--out", type=pathlib.Path, metavar="DIR", help="where results go (default: out)")
    p.add_argument("--timeout", type=_seconds, default=10.0, metavar="S",
                   help="a test without a verdict after so many seconds hangs (default: 10)")
    p.add_argument("--yes", action="store_true", help="install missing packages without asking")
    p.add_argument("--gdb", action="store_true", help="stop at the first instruction and wait for a debugger")
    p.add_argument("--verbose", action="store_true", help="show every test and the kernel's console")
    p.add_argument("--list", action="store_true", help="list the platform's tests, run none")
    return p


def _list(text):
    parts = [p.strip() for p in text.split(",") if p.strip()]
    if not parts or any(" " in p for p in parts):
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of patterns")
    return parts


def _pairs(text):
    pairs = [p.partition("=") for p in text.split(",") if p]
    if not pairs or any(not (k and sign) for k, sign, _ in pairs):
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of K=V")
    return {k: v for k, _, v in pairs}


def _number(text):
    try:
        value = int(text, 0)
    except ValueError:
        value = -1
    if not 0 <= value < 1 << 64:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 0 to 2^64 - 1")
    return value


def _seconds(text):
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value <= 86400:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds")
    return value


def kernel_words(options):
    """The kernel's command line, apart from which tests and which machine."""
    if options.seed is None and (options.shuffle or options.fuzz is not None):
        options.seed = random.randrange(1 << 32)  # chosen here: every boot of a run must make the same plan
    words = []
    for name in ("seed", "fuzz", "engine"):
        if getattr(options, name) is not None:
            words.append(f"{name}={getattr(options, name)}")
    words += [name for name in ("shuffle", "bench", "check-only") if getattr(options, name.replace("-", "_"))]
    return words + (["hazard=on"] if options.hazard else [])


def repeat_options(options):
    """What a command that repeats one test has to carry besides its name."""
    words = []
    for name in ("qemu", "iommu", "engine", "seed", "fuzz", "xen"):
        if getattr(options, name) is not None:
            words.append(f"--{name} {shlex.quote(str(getattr(options, name)))}")
    if options.iommu_opts:
        words.append("--iommu-opts " + ",".join(f"{k}={v}" for k, v in options.iommu_opts.items()))
    words += [word for word, on in (("--accel kvm", options.accel == "kvm"), ("--hazard", options.hazard),
                                ("--hvm", options.hvm)) if on]
    return "".join(" " + word for word in words)


class Runner:
    """One call of ./run.sh: loads platforms, finds the emulator once, runs what was asked for."""

    def __init__(self, options, root):
        self.options, self.root = options, root
        self.folder = root / "tests" / "platforms"
        self.baseline = Baseline(options.baseline) if options.baseline else None
        self.words = kernel_words(options)
        self.extra = repeat_options(options)
        self._emulator = None

    def emulator(self):
        if self._emulator is None:
            wanted = self.options.qemu
            named = wanted is not None and fetch_qemu.is_version(wanted)
            self._emulator = fetch_qemu.find(wanted) if named else qemu.find(wanted)
        return self._emulator

    def prepare(self, name):
        platform = platforms.load(self.folder, name)
        refuse_xen_options(self.options, platform)
        emulator = self.emulator() if platform.kind != "process" else None
        if self.options.engine:
            engines.fit(platform, self.folder, self.options.engine, emulator)
        return PlatformRun(self, platform, emulator)

    def run(self):
        if self.options.platform != "all":
            return self._one(self.prepare(self.options.platform))
        statuses = []
        for name in platforms.available(self.folder):
            try:
                ready = self.prepare(name)
            except CannotRun as reason:
                print(f"{name} is left out: {reason.sentence}", flush=True)
                continue
            statuses.append(self._one(ready))
            if statuses[-1] == Status.UNFINISHED and ready.interrupted:
                break
        if not statuses:
            raise Stop("No platform can run here.", Status.ABSENT)
        return worst(statuses)

    def _one(self, ready):
        if self.options.list:
            return ready.list()
        if self.options.gdb:
            return ready.debug()
        return ready.run()


def refuse(options):
    """Options that make no sense together, or that belong to platforms which are not there."""
    if options.iommu == "none" and options.iommu_opts:
        raise Stop("--iommu-opts has nothing to act on with --iommu none.")
    if options.accel == "kvm" and not pathlib.Path("/dev/kvm").exists():
        raise Stop("--accel kvm: this machine has no /dev/kvm.")
    if options.platform == "all" and (options.gdb or options.baseline):
        raise Stop(f"{'--gdb' if options.gdb else '--baseline'} needs one platform, not all.")


def refuse_xen_options(options, platform):
    if options.xen is not None and platform.kind != "xen":
        raise Stop("--xen belongs to the platforms xen-dom0 and xen-guest.")
    if options.hvm and platform.dom0 != "linux":
        raise Stop("--hvm belongs to the platform xen-guest.")


def catch_signals():
    """Ctrl-C and its kin end the run in good order; once: what follows must be able to finish."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(number, _frame):
        for s in signals:
            signal.signal(s, signal.SIG_IGN)
        raise Interrupted(signal.Signals(number).name)

    for s in signals:
        signal.signal(s, interrupt)


def main(argv, root=ROOT):
    """Runs ./run.sh with these arguments; returns the exit status."""
    bisecting = "--bisect" in argv
    try:
        catch_signals()
        options = parser(platforms.available(root / "tests" / "platforms")).parse_args(argv)
        options.out = options.out or root / "out"
        refuse(options)
        status = Runner(options, root).run()
    except Stop as stop:
        print(f"run.sh: {stop.sentence}", file=sys.stderr)
        status = stop.status
    except Interrupted as reason:
        print(f"run.sh: The run was interrupted ({reason}).", file=sys.stderr)
        status = Status.UNFINISHED
    return for_bisect(status) if bisecting else int(status)
