"""Builds what a platform starts, quietly, when its sources are newer."""

import os
import subprocess
import sys

from .status import CannotRun, Stop


def make(root, target):
    """Brings one target up to date; what make says is shown only if it fails."""
    argv = ["make", "-s", "--no-print-directory", "-C", str(root), f"-j{os.cpu_count() or 1}", target]
    # We may run below `make check`, whose flags and job slots are not ours.
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=env, check=False)
    except OSError as error:
        raise Stop(f"make cannot be run: {error.strerror}.") from None
    if done.returncode == 0:
        return
    text = done.stdout.decode("utf-8", "replace")
    if f"No rule to make target '{target}'" in text:
        raise CannotRun(f"The Makefile does not build {target} yet.")
    sys.stderr.write(text)
    raise Stop(f"{target} could not be built.")
