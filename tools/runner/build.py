"""Builds what a platform starts, quietly, when its sources are newer."""

import os
import subprocess
import sys

from .status import CannotRun, Stop


PATIENCE_S = 1.0  # a build that takes longer is told


def make(root, target):
    """Brings one target up to date; what make says is shown only if it fails."""
    argv = ["make", "-s", "--no-print-directory", "-C", str(root), f"-j{os.cpu_count() or 1}", target]
    # We may run below `make check`, whose flags and job slots are not ours.
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    try:
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=env) as running:
            said = _wait(running, target)
    except OSError as error:
        raise Stop(f"make cannot be run: {error.strerror}.") from None
    if running.returncode == 0:
        return
    text = said.decode("utf-8", "replace")
    if f"No rule to make target '{target}'" in text:
        raise CannotRun(f"The Makefile does not build {target} yet.")
    sys.stderr.write(text)
    raise Stop(f"{target} could not be built.")


def _wait(running, target):
    try:
        return running.communicate(timeout=PATIENCE_S)[0]
    except subprocess.TimeoutExpired:
        print(f"Building {target} ...", flush=True)
        return running.communicate()[0]
