"""The files in tests/platforms: one small TOML file for each machine that can be run.

See tests/platforms/README.md for the format. A key that is not known is an error: a misspelt one would quietly run
another machine than the one that was meant.
"""

import dataclasses
import pathlib

try:
    import tomllib
except ImportError:  # Python before 3.11
    import tomli as tomllib

from .status import Stop


@dataclasses.dataclass
class Iommu:
    kind: str                 # vtd, amdvi: what --iommu calls it
    driver: str               # QEMU's name
    options: dict = dataclasses.field(default_factory=dict)   # "old-name|new-name" = "value"
    optional: dict = dataclasses.field(default_factory=dict)  # left out where this QEMU lacks them


@dataclasses.dataclass
class Device:
    driver: str
    options: dict = dataclasses.field(default_factory=dict)
    drive_mib: int = 0        # a scratch disk of this size, made for the run
    kept_mib: int = 0         # a disk with content, of which no byte may have changed after the run
    boots: list = dataclasses.field(default_factory=list)  # names of the boots that have it; none: all of them
    label: str = ""           # by which boots do without it
    required: bool = False    # set-up fails without it; others are left out where QEMU lacks them


@dataclasses.dataclass
class Boot:
    """One boot of the platform. One without a name is the main one, or a part of it that runs beside the rest."""
    name: str = ""
    iommu: dict = dataclasses.field(default_factory=dict)  # options on top of the platform's
    tests: list = dataclasses.field(default_factory=lambda: ["*"])
    skip: list = dataclasses.field(default_factory=list)
    without: list = dataclasses.field(default_factory=list)  # labels of devices that it does not have
    words: list = dataclasses.field(default_factory=list)  # for the kernel's command line, on top of the platform's

    def has(self, device):
        return device.label not in self.without and (not device.boots or self.name in device.boots)

    @property
    def suffix(self):
        return "@" + self.name if self.name else ""


@dataclasses.dataclass
class Platform:
    name: str
    title: str
    kind: str = "qemu"                                     # or "process", or "xen": QEMU with Xen under the kernel
    program: str = None                                    # of a process
    machine: str = "q35"
    cpu: str = "max"
    memory_mib: int = 96
    firmware: str = None                                   # a file of QEMU's; its usual one where it lacks this
    stick: bool = False                                    # started by firmware from the image of the USB stick
    arguments: list = dataclasses.field(default_factory=list)  # further ones for QEMU
    icount: str = None                                     # under software emulation only
    words: list = dataclasses.field(default_factory=list)  # for the kernel's command line
    deviations: list = dataclasses.field(default_factory=list)
    xen: list = dataclasses.field(default_factory=list)    # kind xen: its options
    dom0: str = "kernel"                                   # kind xen: this kernel, or "linux", which starts it as a guest
    guest_mib: int = 128                                   # dom0 linux: the guest's memory
    passthrough: list = dataclasses.field(default_factory=list)  # dom0 linux: functions that an HVM guest gets
    boot_limit_s: int = 30                                 # until the first test; firmware and a loaded machine included
    iommu: Iommu = None
    iommus: list = dataclasses.field(default_factory=list) # instead of iommu: the first one, or what --iommu asks for
    devices: list = dataclasses.field(default_factory=list)
    boots: list = dataclasses.field(default_factory=lambda: [Boot()])


def available(folder):
    """Names of the platforms that there are, sorted."""
    return sorted(p.stem for p in pathlib.Path(folder).glob("*.toml"))


def load(folder, name):
    names = available(folder)
    if name not in names:
        raise Stop(f"There is no platform '{name}' here; there are: {', '.join(names)}, all.")
    table = _read(folder, name, [])
    table["name"] = name
    for key, part in (("devices", Device), ("boots", Boot), ("iommus", Iommu)):
        if key in table:
            table[key] = [checked(part, t, f"{name}.toml, {key}") for t in table[key]]
    if "iommu" in table:
        table["iommu"] = checked(Iommu, table["iommu"], f"{name}.toml, iommu")
    platform = checked(Platform, table, f"{name}.toml")
    if platform.kind not in ("qemu", "process", "xen") or (platform.kind == "process") != bool(platform.program):
        raise Stop(f"{name}.toml: kind is qemu, xen, or process with a program.")
    if platform.stick and (platform.kind != "qemu" or len(platform.boots) != 1):
        raise Stop(f"{name}.toml: a platform with a stick is of kind qemu and has one boot.")
    if platform.dom0 not in ("kernel", "linux"):
        raise Stop(f"{name}.toml: dom0 is kernel or linux.")
    if platform.iommus and not platform.iommu:
        platform.iommu = platform.iommus[0]
    return platform


def choose_iommu(platform, kind):
    """Where a platform offers several IOMMUs: the one of this kind becomes its own; without one nothing changes."""
    platform.iommu = next((i for i in platform.iommus if i.kind == kind), platform.iommu)


def _read(folder, name, chain):
    """The table of one file on top of the one that it extends."""
    if name in chain:
        raise Stop(f"The platform files {' and '.join(chain)} extend each other.")
    path = pathlib.Path(folder) / f"{name}.toml"
    table = read_toml(path)
    base = table.pop("extends", None)
    return {**_read(folder, base, chain + [name]), **table} if base else table


def read_toml(path):
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise Stop(f"{path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Stop(f"{path} is not TOML: {error}.") from None


def checked(kind, table, where):
    """An instance of a dataclass from a table; unknown keys, missing ones and wrong types are refused."""
    if not isinstance(table, dict):
        raise Stop(f"{where}: a table is expected.")
    fields = {f.name: f for f in dataclasses.fields(kind)}
    unknown = sorted(set(table) - set(fields))
    if unknown:
        raise Stop(f"{where}: unknown key '{unknown[0]}'; known are: {', '.join(fields)}.")
    for name, field in fields.items():
        if name not in table:
            if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
                raise Stop(f"{where}: the key '{name}' is missing.")
        elif isinstance(field.type, type) and field.type in (str, int, list, dict, bool) \
                and not isinstance(table[name], field.type):
            raise Stop(f"{where}: '{name}' must be of type {field.type.__name__}.")
    return kind(**table)
