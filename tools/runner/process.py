"""One run of a program whose output we follow: start it, read it, end it, and say how it ended."""

import dataclasses
import os
import selectors
import signal
import subprocess
import tempfile
import threading
import time

from .status import Interrupted

# Reading one byte at a time as an emulated port delivers them would keep a processor busy with us.
GATHER_S = 0.003
GRACE_S = 3.0                      # after its output ended, or its last word, until we end it
MAX_OUTPUT_BYTES = 64 * 1024 ** 2  # a machine that babbles must not fill the disk

OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
TERMINATING = "terminating on signal"  # what QEMU says before it exits with status 0


# Signals reach the main thread only; runs in other threads are ended by this.
stop_all = threading.Event()


@dataclasses.dataclass
class End:
    """How a program ended.

    how: `exit` (code holds the status), `crash` (by a signal of its own making), `outside` (a signal that somebody
    sent), `hang` (no progress within the limit), `flood` (more output than anybody wants).
    """
    how: str
    code: int = None
    detail: str = ""
    stderr: str = ""


def follow(argv, feed, limit_s, console):
    """Runs argv to its end and returns an End. Interrupted passes through after the program was ended.

    feed(bytes) is called with the output and returns `progress` (the limit starts anew), `quiet`, or `over` (nothing
    more is expected). limit_s() is asked for the present limit. console is a binary file that gets everything.
    """
    with tempfile.TemporaryFile() as err:
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err,
                                 start_new_session=True, preexec_fn=_die_with_parent)
        try:
            how = _read(child, feed, limit_s, console)
            code = _reap(child, how)
        finally:
            _end(child)
            child.stdout.close()
        err.seek(0)
        text = err.read(MAX_OUTPUT_BYTES).decode("utf-8", "backslashreplace").strip()
    for line in text.splitlines():
        console.write(f"# stderr: {line}\n".encode())
    return _judge(how, code, text)


def _read(child, feed, limit_s, console):
    """Reads until the output ends; `end`, `over`, `hang` or `flood`."""
    fd, total = child.stdout.fileno(), 0
    since, over = time.monotonic(), False
    with selectors.DefaultSelector() as selector:
        selector.register(fd, selectors.EVENT_READ)
        while True:
            if stop_all.is_set():
                raise Interrupted("together with the others")
            left = since + (GRACE_S if over else limit_s()) - time.monotonic()
            if left <= 0:
                return "over" if over else "hang"
            if not selector.select(min(left, 0.25)):
                if child.poll() is not None:  # gone, while some child of its holds the pipe
                    return "end"
                continue
            time.sleep(GATHER_S)
            data = os.read(fd, 1 << 20)
            if not data:
                return "end"
            console.write(data)
            total += len(data)
            if total > MAX_OUTPUT_BYTES:
                return "flood"
            said = feed(data)
            if said != "quiet":
                since = time.monotonic()
            over = over or said == "over"


def _reap(child, how):
    """The exit code of a program that ends by itself; None when we have to end it."""
    if how in ("hang", "flood"):
        return None
    try:
        return child.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        return None


def _end(child):
    """Ends the program and whatever it started: it leads a session of its own."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    child.wait()


def _judge(how, code, text):
    if how in ("hang", "flood"):
        return End(how, stderr=text)
    if code is None:  # said its last word, or closed its output, but stayed
        return End("exit" if how == "over" else "hang", stderr=text)
    number = -code if code < 0 else code - 128 if code > 128 else 0  # a shell around it adds 128
    asked = next((line for line in text.splitlines() if TERMINATING in line), None)
    if number in OUTSIDE or asked:
        return End("outside", code, asked or f"killed by {_name(number)}", text)
    if number:
        return End("crash", code, _name(number), text)
    return End("exit", code, stderr=text)


def _name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _die_with_parent():
    """A machine without its runner would compute for ever: Linux ends it with us (PR_SET_PDEATHSIG)."""
    import ctypes
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
