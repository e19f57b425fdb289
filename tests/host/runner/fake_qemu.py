#!/usr/bin/env python3
"""Stands in for QEMU in the tests of the runner: answers its help, speaks the kernel's protocol, misbehaves on order.

What it does is in the JSON file that FAKE_QEMU names: {"version", "drivers", "properties", "tests": [[id, deed]],
"boot": deed, "end": deed}. A deed is a word of DEEDS below; the kernel words tests=, skip=, resume= and list work.
"""

import json
import os
import signal
import sys
import time

DRIVERS = ["nvme", "edu", "pcie-root-port", "intel-iommu"]
PROPERTIES = ["aw-bits", "caching-mode", "intremap", "snoop-control", "x-scalable-mode"]
BLOCK = "  ---\n  requirements: [VTD-X-001]\n  us: 7\n"


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def leave(code):
    sys.stdout.flush()
    os._exit(code)


def die(number):
    """By a signal, as abort() and kill do it."""
    sys.stdout.flush()
    signal.signal(number, signal.SIG_DFL) if number != signal.SIGKILL else None
    os.kill(os.getpid(), number)
    time.sleep(10)


def fail(number, name, seen="refused", kind="verdict"):
    say(f"not ok {number} - {name}\n{BLOCK}  kind: {kind}\n  given: \"a page\"\n  failures:\n"
        f"    - expected: \"done\"\n      seen: {json.dumps(seen)}\n  notes:\n    - \"root[0] = 0x1\"\n  ...")


def terminated():
    """QEMU's own answer to SIGTERM: it says so and exits with status 0."""
    sys.stderr.write("qemu-system-x86_64: terminating on signal 15 from pid 1 (kill)\n")
    leave(0)


def write_disk():
    """One byte of the first disk."""
    drive = next(a for a in sys.argv if a.startswith("if=none,id=disk"))
    with open(drive.partition("file=")[2], "r+b") as file:
        file.write(b"!")


DEEDS = {
    "pass": lambda k, n: say(f"ok {k} - {n}\n{BLOCK}  ..."),
    "fail": fail,
    "fail59": lambda k, n: fail(k, n, "refused, fault 0x59"),
    "setup": lambda k, n: fail(k, n, "no memory", "setup"),
    "skip": lambda k, n: say(f"ok {k} - {n} # SKIP absent: ECAP.FSTS = 0"),
    "unreached": lambda k, n: say(f"ok {k} - {n} # SKIP unreached: no engine with PASID"),
    "todo": lambda k, n: say(f"not ok {k} - {n} # TODO observed: \"0x03 instead of 0x04\"\n{BLOCK}  ..."),
    "observed": lambda k, n: say(f"ok {k} - {n} # TODO observed: 0x03"),
    "abort": lambda k, n: (sys.stderr.write("fake: assertion failed\n"), die(signal.SIGABRT)),
    "panic": lambda k, n: (say("panic: page fault at 0x0"), leave(7)),
    "xen-panic": lambda k, n: (say("(XEN) ****************\n(XEN) Panic on CPU 0:\n(XEN) Xen BUG at common/x.c:7\n"
                                   "(XEN) ****************\n(XEN) Reboot in five seconds..."), time.sleep(60)),
    "dom0-crash": lambda k, n: (say("(XEN) Hardware Dom0 crashed: rebooting machine in 5 seconds."), time.sleep(60)),
    "xen-cuts": lambda k, n: (sys.stdout.write(f"ok {k} - {n[:3]}(XEN) [VT-D]DMAR: a fault\n(XEN) and more\n{n[3:]}\n"
                                               f"  ---\n(XEN) inside\n  us: 7\n  ...\n")),
    "hang": lambda k, n: time.sleep(60),
    "babble": lambda k, n: [say("nonsense") or time.sleep(0.01) for _ in range(6000)],
    "kill": lambda k, n: die(signal.SIGKILL),
    "term": lambda k, n: terminated(),
    "garbage": lambda k, n: (sys.stdout.buffer.write(b"\xff\x00ok\n1..x\nok 77 - other\n# @start\n  ---\n"),
                             DEEDS["pass"](k, n)),
    "vanish": lambda k, n: leave(0),
    "pass-then-abort": lambda k, n: (DEEDS["pass"](k, n), die(signal.SIGABRT)),
    "silent": lambda k, n: None,
    "slow": lambda k, n: (time.sleep(0.2), DEEDS["pass"](k, n)),
    "cut": lambda k, n: (sys.stdout.write(f"not ok {k} - {n}\n  ---\n  failures:\n    - exp"), leave(7)),
    "write-disk": lambda k, n: (write_disk(), DEEDS["pass"](k, n)),
    "no-iommu": lambda k, n: (say("Bail out! There is no IOMMU here: nothing to test.\n# @status 4"), leave(9)),
    "absent": lambda k, n: say("# @absent nothing to test: this Xen has no PV-IOMMU"),
    "no-memory": lambda k, n: (say("Bail out! Too little memory."), leave(5)),
}


def matches(patterns, name):
    import fnmatch
    return any(fnmatch.fnmatchcase(name, p) for p in patterns.split(","))


def run(order, words, has_iommu):
    """One boot."""
    say("TAP version 14\n# @version 0.1.0")
    tests = [t for t in order["tests"] if matches(words.get("tests", "*"), t[0])
             and not ("skip" in words and matches(words["skip"], t[0]))]
    if "list" in words:
        for number, (name, _) in enumerate(tests, 1):
            say(f"# @test {name}")
        leave(1)
    if not has_iommu:
        DEEDS["no-iommu"](0, "")
    say('# @iommu {"kind": "vtd", "unit": 0, "cap": "0x1", "features": ["QI"]}\n# @engine {"name": "nvme"}')
    if "facts" in order:
        say(f"# @pviommu {order['facts']}")
    DEEDS[order.get("boot", "silent")](0, "")
    if not tests:
        say("# @status 2\nBail out! no test matches tests= and skip=")
        leave(5)
    say(f"# @boot_us 81234\n1..{len(tests)}")
    for number, (name, deed) in enumerate(tests, 1):
        if number >= int(words.get("resume", 1)):
            say(f"# @start {number} {name}")
            DEEDS[deed](number, name)
    DEEDS[order.get("last", "silent")](0, "")
    say("# @end passed=0 failed=0 skipped=0 todo=0")
    DEEDS[order.get("end", "silent")](0, "")
    leave(1)


def main():
    with open(os.environ["FAKE_QEMU"], encoding="utf-8") as file:
        order = json.load(file)
    arguments = sys.argv[1:]
    if "--version" in arguments:
        print(f"QEMU emulator version {order.get('version', '7.2.22')} (fake)")
    elif arguments == ["-L", "help"]:
        print(order.get("data", "/nonesuch"))
    elif arguments[-1].endswith(",help"):
        known = arguments[-1][:-len(",help")] in order.get("drivers", DRIVERS)
        for name in order.get("properties", PROPERTIES) if known else []:
            print(f"  {name}=<bool>    -  (default: false)")
    else:
        with open(os.environ["FAKE_QEMU"] + ".calls", "a", encoding="utf-8") as file:
            file.write(json.dumps(arguments) + "\n")
        if "refuse" in order:
            sys.stderr.write(f"qemu-system-x86_64: {order['refuse']}\n")
            sys.exit(1)
        line = arguments[arguments.index("-append") + 1]
        words = dict(w.partition("=")[::2] for w in line.split())
        run(order, words, any(a.startswith("intel-iommu,") for a in arguments))


if __name__ == "__main__":
    main()
