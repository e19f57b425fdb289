"""The machine of platform usb for who wants more than a run of it: its screen, its power, its machine protocol."""

import json
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import threading
import time

from . import platforms, qemu, stick

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIMIT_S = 600     # for each thing that is waited for, on a busy host
SETTLE_S = 3      # the application draws after it has spoken


class Machine:
    """The machine of platform usb with its stick; starts as often as it is told, as after a power cut."""

    def __init__(self, folder, words, screen):
        platform = platforms.load(ROOT / "tests" / "platforms", "usb")
        self._machine = qemu.Machine(platform, qemu.find(None), qemu.Wishes(), ROOT / stick.IMAGE)
        self._open = self._machine.drives()
        self._open.__enter__()
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=folder))
        argv = self._machine.argv(platform.boots[0], words + self._machine.words())
        at = argv.index("-vga")
        argv[at:at + 2] = ["-vga", "none", "-device", f"VGA,edid=on,xres={screen[0]},yres={screen[1]}"]
        self._argv = argv + ["-no-shutdown", "-qmp", f"unix:{self.folder}/monitor,server=on,wait=off"]
        self.stick = self._machine.stick
        self._running, self.said = None, ""

    def start(self):
        self.said = ""
        self._running = subprocess.Popen(self._argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                         stderr=subprocess.DEVNULL)
        threading.Thread(target=self._listen, args=[self._running.stdout], daemon=True).start()

    def _listen(self, stream):
        while piece := os.read(stream.fileno(), 65536):
            self.said += piece.decode("utf-8", "replace")

    def wait(self, pattern):
        """Whether the console says something like this in time."""
        end = time.monotonic() + LIMIT_S
        while not re.search(pattern, self.said):
            if time.monotonic() > end or self._running.poll() is not None:
                return False
            time.sleep(0.1)
        return True

    def command(self, execute, **arguments):
        """Asks QEMU's machine protocol."""
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(str(self.folder / "monitor"))
            stream = link.makefile("rw")
            stream.readline()
            for order in ({"execute": "qmp_capabilities"}, {"execute": execute, "arguments": arguments}):
                stream.write(json.dumps(order) + "\n")
                stream.flush()
                while "return" not in (answer := json.loads(stream.readline())):
                    if "error" in answer:
                        raise OSError(answer["error"]["desc"])

    def screen(self):
        """The file of a picture of the screen, once what was said last is drawn (PPM)."""
        time.sleep(SETTLE_S)
        self.command("screendump", filename=str(self.folder / "screen.ppm"))
        return self.folder / "screen.ppm"

    def cut(self):
        """Takes the power away."""
        self._running.kill()
        self._running.wait()

    def close(self):
        if self._running:
            self.cut()
        self._open.__exit__(None, None, None)

    def report(self):
        """The folder of the one report on the stick; None: there is none, or several."""
        self.stick.results(self.folder / "results")
        found = list((self.folder / "results").iterdir())
        return found[0] if len(found) == 1 else None
