"""--engine NAME: machines that have other DMA engines than a platform's own.

tests/platforms/engines/NAME.toml lists the devices; they take the place of the platform's. An engine without a file is
one that platforms have already, or none that anybody knows: the kernel says so.
"""

import dataclasses

from . import platforms
from .status import CannotRun


@dataclasses.dataclass
class Engine:
    devices: list
    arguments: list = dataclasses.field(default_factory=list)  # further ones for QEMU
    name: str = None                                           # the kernel's, where the file has another


def fit(platform, folder, name, emulator):
    """Gives the platform the devices that engine NAME is made of, in all its boots."""
    path = folder / "engines" / f"{name}.toml"
    if platform.kind == "process" or not path.is_file():
        return
    engine = platforms.checked(Engine, platforms.read_toml(path), path.name)
    devices = [platforms.checked(platforms.Device, table, path.name) for table in engine.devices]
    emulator.ask_ahead([device.driver for device in devices])
    for device in devices:
        if not emulator.properties(device.driver):
            raise CannotRun(f"{emulator.short} has no {device.driver}, which the engine {name} needs.")
    platform.devices = devices
    platform.arguments = platform.arguments + engine.arguments
    if engine.name:
        platform.words = platform.words + [f"engine={engine.name}"]  # the last one counts
