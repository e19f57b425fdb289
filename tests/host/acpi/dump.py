#!/usr/bin/env python3
"""acpi-dump from outside: output, exit statuses, and the tables of real machines.

Prints TAP. The corpus is a folder with tables and an expected.json; PORTCULLIS_ACPI_CORPUS names it, else it is
../shared/corpus/acpi beside the repository, else those tests are skipped. The program is build/host/acpi-dump, or
what ACPI_DUMP names.
"""

import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
PROGRAM = os.environ.get("ACPI_DUMP", os.path.join(ROOT, "build/host/acpi-dump"))
CORPUS = os.environ.get("PORTCULLIS_ACPI_CORPUS", os.path.join(ROOT, "../shared/corpus/acpi"))

count = failed = 0


def ok(good, name, detail=""):
    global count, failed
    count += 1
    failed += not good
    print(f"{'' if good else 'not '}ok {count} - {name}")
    if not good and detail:
        print("\n".join("# " + line for line in str(detail).splitlines()))


def skip(reason):
    global count
    count += 1
    print(f"ok {count} # SKIP {reason}")


def dump(*args):
    return subprocess.run([PROGRAM, *args], capture_output=True, text=True, timeout=60)


def table(signature, body):
    """A table with a right length and checksum; body is all behind the standard header."""
    head = signature + (36 + len(body)).to_bytes(4, "little") + b"\x01\x00" + b"o" * 14 + bytes(12)
    total = bytearray(head + body)
    total[9] = -sum(total) % 256
    return bytes(total)


def seal(raw):
    """The same bytes with a right checksum."""
    sealed = bytearray(raw)
    sealed[9] = 0
    sealed[9] = -sum(sealed) % 256
    return bytes(sealed)


DRHD = bytes([0, 0, 24, 0, 1, 0, 0, 0, 0, 0, 0xD9, 0xFE, 0, 0, 0, 0, 3, 8, 0, 0, 2, 0xF0, 31, 0])
ANDD = bytes([4, 0, 16, 0, 0, 0, 0, 1]) + b'\\_"\xe9\n\0\0\0'
DMAR = table(b"DMAR", bytes([38, 1]) + bytes(10) + DRHD + ANDD + bytes([99, 0, 5, 0, 1]))
IVRS = table(b"IVRS", bytes([0x41, 0x30, 0x20, 0]) + bytes(8) + bytes([0x21, 7, 32, 0, 0x60, 0]) + bytes(26))

DMAR_CONTENTS = {
    "kind": "dmar", "length": 93, "revision": 1, "host_address_width": 39, "host_address_width_field": 38, "flags": 1,
    "structures": [
        {"type": "drhd", "offset": 48, "struct_length": 24, "flags": 1, "size_field": 0, "segment": 0,
         "base": "0xfed90000", "scopes": [{"type": "ioapic", "enum_id": 2, "start_bus": 240, "path": [[31, 0]]}]},
        {"type": "andd", "offset": 72, "struct_length": 16, "device": 1, "name": '\\_"\xe9\n'},
        {"type": "unknown", "code": 99, "offset": 88, "struct_length": 5},
    ],
}
IVRS_CONTENTS = {
    "kind": "ivrs", "length": 80, "revision": 1, "iv_info": "0x203041",
    "blocks": [{"type": "ivmd-21h", "offset": 48, "flags": 7, "block_length": 32, "device_id": 96, "aux": 0,
                "start": "0x0", "length": "0x0"}],
}


def write(folder, name, contents):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(contents)
    return path


def parsed(run):
    try:
        return json.loads(run.stdout)
    except ValueError as e:
        return f"no JSON: {e}: {run.stdout[:200]!r} {run.stderr[:200]!r}"


def shapes(folder):
    dmar, ivrs = write(folder, "a/DMAR", DMAR), write(folder, "a/IVRS", IVRS)
    other = write(folder, "b/DMAR", DMAR)
    run = dump("--json", dmar)
    ok(run.returncode == 0 and parsed(run) == DMAR_CONTENTS, "JSON of one DMAR is its object", parsed(run))
    run = dump("--json", ivrs)
    ok(run.returncode == 0 and parsed(run) == IVRS_CONTENTS, "JSON of one IVRS is its object", parsed(run))
    run = dump("--json", dmar, ivrs)
    ok(parsed(run) == {"DMAR": DMAR_CONTENTS, "IVRS": IVRS_CONTENTS}, "JSON of two files is name -> contents", parsed(run))
    run = dump("--json", dmar, other)
    ok(parsed(run) == {dmar: DMAR_CONTENTS, other: DMAR_CONTENTS}, "files of one name go by their path", parsed(run))
    run = dump(dmar, ivrs)
    ok(run.returncode == 0 and "0xfed90000" in run.stdout and "ivmd-21h" in run.stdout, "text of two files", run.stdout)
    ok(all(c == "\n" or " " <= c <= "~" for c in run.stdout), "text has nothing that a terminal obeys", repr(run.stdout))


def refusals(folder):
    good = write(folder, "good", DMAR)
    cases = [
        ("an empty file", b"", 0, "signature"),
        ("another table", table(b"APIC", bytes(12)), 0, "signature"),
        ("a truncated file", DMAR[:-1], 4, "exceeds"),
        ("a byte too many", DMAR + b"\0", 4, "less than"),
        ("a wrong checksum", DMAR[:-1] + b"\x02", 9, "checksum"),
        ("a structure of length 0", seal(DMAR[:74] + b"\0\0" + DMAR[76:]), 72, "zero"),
        ("a structure that overruns the table", seal(DMAR[:90] + b"\6" + DMAR[91:]), 88, "overruns"),
        ("a scope with half a pair", seal(DMAR[:65] + b"\7" + DMAR[66:]), 64, "half a pair"),
        ("an IVMD that is too short", seal(IVRS[:50] + b"\x1f" + IVRS[51:]), 48, "shorter"),
    ]
    for name, contents, offset, reason in cases:
        bad = write(folder, "bad", contents)
        for args in ([], ["--json"]):
            run = dump(*args, bad)
            told = f"{bad}: malformed at offset 0x{offset:x} ({offset}): " in run.stderr and reason in run.stderr
            ok(run.returncode == 1 and told and not run.stdout, f"{name}: {' '.join(args) or 'text'}",
               f"status {run.returncode}: {run.stderr}")
    run = dump("--json", good, bad)
    ok(run.returncode == 1 and parsed(run) == {"good": DMAR_CONTENTS}, "the good one of two is still there", parsed(run))


def usage(folder):
    good = write(folder, "good", DMAR)
    for args, words in (([], "usage:"), (["--jason", good], "unknown option --jason"),
                        ([os.path.join(folder, "absent")], "No such file"), ([folder], "Is a directory")):
        run = dump(*args)
        ok(run.returncode == 2 and words in run.stderr and not run.stdout, f"status 2: {words}",
           f"status {run.returncode}: {run.stderr}")
    run = dump("--help")
    ok(run.returncode == 0 and "usage:" in run.stdout, "--help")
    ok(dump("--", good).returncode == 0, "-- ends the options")


def agrees(seen, expected):
    """Equal; but where the reference marks that it could not decode all, only what it has is compared."""
    if isinstance(seen, dict) and isinstance(expected, dict):
        if "truth" in expected:
            return all(k in seen and agrees(seen[k], v) for k, v in expected.items() if k != "truth")
        return seen.keys() == expected.keys() and all(agrees(seen[k], expected[k]) for k in seen)
    if isinstance(seen, list) and isinstance(expected, list):
        return len(seen) == len(expected) and all(map(agrees, seen, expected))
    return seen == expected


def corpus():
    if not os.path.isfile(os.path.join(CORPUS, "expected.json")):
        skip(f"no tables of real machines at {CORPUS}")
        return
    with open(os.path.join(CORPUS, "expected.json"), encoding="utf-8") as f:
        expected = json.load(f)
    names = sorted(expected)
    run = dump("--json", *[os.path.join(CORPUS, n) for n in names])
    ok(run.returncode == 0, f"{len(names)} tables of real machines are read", run.stderr)
    all_seen = parsed(run) if run.returncode == 0 else {}
    for name in names:
        mine = all_seen.get(name)
        ok(agrees(mine, expected[name]), name, f"seen     {json.dumps(mine)}\nexpected {json.dumps(expected[name])}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        shapes(folder)
        refusals(folder)
        usage(folder)
    corpus()
    print(f"1..{count}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
