#!/usr/bin/env python3
"""A check-only run writes to no IOMMU: QEMU's own trace of its registers is the witness. Prints TAP.

The same trace of a run that does write comes first, so that an empty one means something.
"""

import pathlib
import shutil
import stat
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
QEMU = "qemu-system-x86_64"
LIMIT_S = 120
EVENT = "memory_region_ops_write"
# Platform, QEMU's name for the unit's registers, tests that write some.
CASES = (("vtd", "intel_iommu", "vtd.gcmd.te.*"), ("amdvi", "amdvi-mmio", "amdvi.init.*"))
WRAPPER = """#!/bin/sh
case "$*" in
*-kernel*) exec {qemu} "$@" -trace {event} -D {folder}/trace.$$ ;;
*) exec {qemu} "$@" ;;
esac
"""


def writes(folder, platform, region, options):
    """Runs a platform; (its exit status, register writes that QEMU saw)."""
    wrapper = folder / "qemu"
    wrapper.write_text(WRAPPER.format(qemu=shutil.which(QEMU), event=EVENT, folder=folder))
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    for old in folder.glob("trace.*"):
        old.unlink()
    argv = [str(ROOT / "run.sh"), platform, "--qemu", str(wrapper), "--out", str(folder / "out"), *options]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=LIMIT_S, check=False)
    lines = [line for path in folder.glob("trace.*") for line in path.read_text(errors="replace").splitlines()]
    if not lines:
        return done.returncode, -1
    print("".join(f"# {line}\n" for line in done.stdout.decode("utf-8", "replace").splitlines()[-1:]), end="")
    return done.returncode, sum(f"'{region}'" in line for line in lines)


def main():
    number = failed = 0
    if shutil.which(QEMU) is None:
        print(f"1..0 # SKIP {QEMU} is not installed")
        return 0
    with tempfile.TemporaryDirectory(prefix="portcullis-look-") as name:
        for platform, region, test in CASES:
            status, some = writes(pathlib.Path(name), platform, region, ["--tests", test])
            verdicts = [(some > 0, f"{platform}: a run with tests writes registers, and the trace shows it")]
            status, none = writes(pathlib.Path(name), platform, region, ["--check-only"])
            verdicts.append((status == 0, f"{platform}: a check-only run ends with status 0"))
            verdicts.append((none == 0, f"{platform}: a check-only run writes no register"))
            for good, what in verdicts:
                number += 1
                failed += not good
                print(f"{'ok' if good else 'not ok'} {number} - {what}")
            print(f"# {region}: {some} with tests, {none} with check-only")
    print(f"1..{number}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
