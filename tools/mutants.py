#!/usr/bin/env python3
"""Mutants: how much of a folder's code the hosted suite really holds.

    mutants.py [--count N] [--seed N] [--jobs N] [--files GLOB] [--list] FOLDER [FOLDER...]

Makes one-place changes in the C files of the folders (a check dropped, a wrong fault code, a comparison off by one, a
mask one bit short, a call left out ...), builds each alone and runs the hosted suite without sanitizers against it. A
mutant is killed when the suite fails, crashes or does not end; one that does not build is not counted. Where a row of
low confidence is all that tells (its failure is reported as todo; what it observes is another outcome than unchanged),
the mutant counts as killed, and the summary says how many are so. Operators apply at every place where they can, but
for the places that LEFT_OUT names; where there are more than asked for, a sample is drawn by the seed.

FOLDER may be the name of a set: driver (the VT-d driver, with the page-table engine and what all backends share).

Prints the share that was killed, and every survivor with its place. Exit status 0 when the share is reached (--goal),
1 when not, 2 for set-up.
"""
import argparse
import concurrent.futures
import fnmatch
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SUITE = "build/fast/portcullis-model"
SLOWER = 4  # a mutant that needs so many times a part's usual time, plus GRACE_S, does not end
GRACE_S = 4
# The suite in parts, the one that finds most first. A fixed seed: what a test sees must be the same in every run.
PARTS = [["seed=1", "model=everything"], ["seed=1", "skip=model.everything.*"]]
# For the AMD-Vi model alone: no other machine runs its code.
AMD_PARTS = [["seed=1", "model=amd-everything"],
             ["seed=1", "model=amd-*", "skip=model.amd-everything.*,model.amd-small.*"]]
# For the reference of PV-IOMMU: its own tests, once for each revision, and over a unit that caches absent entries.
PVIOMMU_PARTS = [["seed=1", f"model={model}", f"pviommu={revision}", "tests=*.pviommu.*", "skip=*.two_gib"]
                 for model, revision in (("everything", "F"), ("everything", "H"), ("everything", "T"),
                                         ("everything", "I"), ("caching", "F"))]

# For the VT-d model or driver alone.
VTD_PARTS = [["seed=1", "model=everything"], ["seed=1", "skip=model.everything.*,model.amd-*"]]

# Names for sets of folders and files.
SETS = {
    "driver": ["drivers-iommu/vtd", "drivers-iommu/core.c", "drivers-iommu/domain.c", "drivers-iommu/ring.c",
               "drivers-iommu/pgtable/map.c", "drivers-iommu/pgtable/unmap.c", "drivers-iommu/pgtable/pgtable.c",
               "drivers-iommu/pgtable/vtd_ss.c", "drivers-iommu/pgtable/vtd_fs.c", "drivers-iommu/pgtable/x86.c"],
}

# (file, line, reason): places where a change has no effect that the architecture knows, so no mutant is made of them.
LEFT_OUT = [
    ("model/*/config.c", r"", "configurations are inputs, and what is checked here is the inputs"),
    ("model/*cache.c", r"\bhash\b|key_hash|key_tags|victim|evicted|c->cap / 8|== c->cap\b",
     "where an entry lies, and which one goes when there is no room"),
    ("model/*", r"(paging|iotlb|iec|context|pasid)\.n == 0|c->n == 0", "a short cut past an empty cache"),
    ("model/vtd/regs.c", r"/\* undefined: ", "what the manual leaves undefined"),
    ("model/*/unit.c", r"u->cache\.(context|dte)\.n \+", "how full the caches are: told to tests alone"),
    ("model/*/unit.c", r"CACHE_ENTRIES", "how large the caches are where the configuration does not say"),
    ("model/vtd/*.c", r"mdl_iq_poll\(u\)|devtlb_patience|handshake_polls == 0", "how time passes"),
    ("model/vtd/virtual_command.c", r"== UINT64_MAX \? 64", "which of the free PASIDs is given"),
    ("*", r"__builtin_prefetch", "speed alone"),
    ("model/*", r"/\* not reached", "no input leads there"),
]

# (name, pattern, replacement): the pattern's group 1, or the whole match, is what is replaced.
SIMPLE = [
    ("equal", r"==", "!="),
    ("unequal", r"!=", "=="),
    ("less", r"(?<![<\-])<(?![<=])(?=\s)", "<="),
    ("less-equal", r"<=(?!=)", "<"),
    ("greater", r"(?<![>\-])>(?![>=])(?=\s)", ">="),
    ("greater-equal", r">=(?!=)", ">"),
    ("and", r"&&", "||"),
    ("or", r"\|\|", "&&"),
    ("mask-and", r"(?<=[\w)\]] )&(?= [\w~(])", "|"),
    ("accumulate-and", r"&=", "="),
    ("accumulate-or", r"\|=", "="),
    ("plus", r"(?<=[\w)\]] )\+(?= [\w(])", "-"),
    ("minus", r"(?<=[\w)\]] )-(?= [\w(])", "+"),
    ("not", r"(?<=[(\s&|])!(?=[\w(])", ""),
    ("true", r"(?<=return )true", "false"),
    ("false", r"(?<=return )false", "true"),
    ("complement", r"(?<=& )~(?=[\w(])", ""),
]
FAULT = re.compile(r"\b(?:FR_[A-Z0-9_]+|XEN_E[A-Z0-9]+)\b")
CONDITION = re.compile(r"^\s*(?:\} else )?if \(")
CALL = re.compile(r"^\t+[a-z_]\w*(?:\.\w+|->\w+)*\([^;]*\);\s*$")
FIELD_BITS = re.compile(r"BITS\((\d+), (\d+)\)")


class Mutant:
    """One change: text is what line number `line` of `path` becomes."""

    def __init__(self, path, line, column, operator, text, original):
        self.path, self.line, self.column, self.operator = path, line, column, operator
        self.text, self.original = text, original

    def __str__(self):
        return (f"{self.path.relative_to(ROOT)}:{self.line + 1}:{self.column + 1} [{self.operator}]\n"
                f"    - {self.original.strip()}\n    + {self.text.strip()}")


def code_lines(path, source):
    """(number, line) of what is code inside functions and tables: no comments, directives, assertions, LEFT_OUT."""
    in_comment = False
    for number, line in enumerate(source.split("\n")):
        if in_comment:
            in_comment = "*/" not in line
            continue
        stripped = line.strip()
        if stripped.startswith("/*"):
            in_comment = "*/" not in stripped
            continue
        if not line.startswith("\t") or stripped.startswith(("#", "ASSERT", "//", "*")):
            continue
        if any(fnmatch.fnmatch(path, where) and re.search(what, line) for where, what, _ in LEFT_OUT):
            continue
        yield number, line


def blank_out(line):
    """The line with comments and strings replaced by blanks, so that patterns do not match there."""
    return re.sub(r'"(?:[^"\\]|\\.)*"|/\*.*?(\*/|$)|\'[^\']*\'', lambda m: " " * len(m.group()), line)


def sites_of_line(path, number, line, faults):
    code = blank_out(line)

    def mutant(start, end, operator, replacement):
        return Mutant(path, number, start, operator, line[:start] + replacement + line[end:], line)

    for operator, pattern, replacement in SIMPLE:
        for match in re.finditer(pattern, code):
            yield mutant(match.start(), match.end(), operator, replacement)
    for match in FAULT.finditer(code):
        others = [f for f in faults if f != match.group()]
        if others:
            yield mutant(match.start(), match.end(), "fault-code", others[hash_of(line, match.start()) % len(others)])
    if CONDITION.match(code) and code.count("(") == code.count(")"):
        start = code.index("if (") + 4
        yield mutant(start, closing(code, start), "check-dropped", "0")
    if CALL.match(code) and not code.strip().startswith(("return", "ASSERT")):
        yield mutant(0, len(line), "call-dropped", "\t;")
    for match in FIELD_BITS.finditer(code):
        high, low = int(match.group(1)), int(match.group(2))
        if high > low:
            yield mutant(match.start(), match.end(), "mask", f"BITS({high - 1}, {low})")


def closing(code, start):
    """Index of the parenthesis that closes the one before start."""
    depth = 1
    for i in range(start, len(code)):
        depth += {"(": 1, ")": -1}.get(code[i], 0)
        if not depth:
            return i
    return len(code)


def hash_of(line, column):
    """A number that depends on the place alone: Python's own hash changes from run to run."""
    return sum((i + 1) * ord(c) for i, c in enumerate(line)) + 7 * column


def all_sites(folders, pattern):
    sites = []
    for folder in folders:
        where = ROOT / folder
        if not where.exists():
            sys.exit(f"{folder}: no such file or folder.")
        for path in [where] if where.is_file() else sorted(where.rglob("*.c")):
            if not fnmatch.fnmatch(str(path.relative_to(ROOT)), pattern):
                continue
            source = path.read_text(encoding="utf-8")
            faults = sorted(set(FAULT.findall(source)))
            for number, line in code_lines(str(path.relative_to(ROOT)), source):
                sites.extend(sites_of_line(path, number, line, faults))
    return sites


class Result:
    """What each test of a run came to: id to its words, the failures apart."""

    LINE = re.compile(r"(ok|not ok) \d+ - (\S+)(?: # (SKIP|TODO)(.*))?$")

    def __init__(self, line):
        self.id = None
        match = self.LINE.match(line)
        if match:
            verdict, self.id, directive, words = match.groups()
            self.failed = verdict == "not ok" and directive != "TODO"
            # Why a test is skipped may hold numbers of the run; what it observes is fixed.
            self.told = (verdict, directive, words.strip() if directive == "TODO" else "")


class Unchanged:
    """The suite as it is: how long each part takes, and what its tests tell. It must pass."""

    def __init__(self, parts):
        self.parts, self.seconds, self.told = parts, [], []
        for words in parts:
            began = time.monotonic()
            run = subprocess.run([str(ROOT / SUITE)] + words, capture_output=True, text=True, errors="replace")
            if run.returncode:
                sys.exit(f"{SUITE} does not pass unchanged (status {run.returncode}): mutants would tell nothing.")
            self.seconds.append(time.monotonic() - began)
            results = [r for r in map(Result, run.stdout.splitlines()) if r.id]
            self.told.append({r.id: r.told for r in results})


class Bench:
    """Builds a mutant in a folder of its worker and runs the suite against it."""

    def __init__(self, unchanged):
        self.unchanged = unchanged
        self.local = threading.local()
        self.folders = []
        self.flags, self.objects = self._learn()

    def _learn(self):
        """The compiler's flags and the suite's objects, asked from make."""
        out = subprocess.run(["make", "-s", "--no-print-directory", "print-fast"], cwd=ROOT, capture_output=True,
                             text=True, check=True).stdout.splitlines()
        return [f for f in out[0].split() if f != "-O2"] + ["-O1"], out[1].split()

    def _folder(self):
        if not hasattr(self.local, "folder"):
            self.local.folder = pathlib.Path(tempfile.mkdtemp(prefix="portcullis-mutant-"))
            self.folders.append(self.local.folder)
        return self.local.folder

    def try_mutant(self, mutant):
        """'killed', 'told' (by rows of low confidence alone), 'survived' or 'unbuilt'."""
        folder = self._folder()
        lines = mutant.path.read_text(encoding="utf-8").split("\n")
        lines[mutant.line] = mutant.text
        source = folder / "mutant.c"
        source.write_text("\n".join(lines), encoding="utf-8")
        relative = mutant.path.relative_to(ROOT)
        built = "build/fast/obj/" + str(relative.with_suffix(".o"))
        compiled = subprocess.run(self.flags + ["-w", "-c", str(source), "-o", str(folder / "mutant.o")], cwd=ROOT,
                                  capture_output=True)
        if compiled.returncode:
            return "unbuilt"
        objects = [str(folder / "mutant.o") if o == built else o for o in self.objects]
        linked = subprocess.run([self.flags[0], "-o", str(folder / "suite")] + objects, cwd=ROOT, capture_output=True)
        if linked.returncode:
            return "unbuilt"
        told = False
        parts = zip(self.unchanged.parts, self.unchanged.seconds, self.unchanged.told)
        for words, usual, tells in parts:
            failed, differs = self._run(folder / "suite", words, tells, SLOWER * usual + GRACE_S)
            if failed:
                return "killed"
            told = told or differs
        return "told" if told else "survived"

    def _run(self, program, words, tells, limit_s):
        """(failed, differs): failed as soon as the suite shows a failure, or when it crashes or does not end."""
        run = subprocess.Popen([str(program)] + words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                               errors="replace", start_new_session=True)
        timer = threading.Timer(limit_s, lambda: os.killpg(run.pid, signal.SIGKILL))
        differs = False
        timer.start()
        try:
            for line in run.stdout:
                result = Result(line)
                if not result.id:
                    continue
                if result.failed:
                    return True, True
                differs = differs or tells.get(result.id) != result.told
            return run.wait() != 0, differs
        finally:
            timer.cancel()
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)
            run.stdout.close()
            run.wait()

    def close(self):
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=300, help="mutants to draw (default: 300; 0: all)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--goal", type=float, default=95.0, help="share in per cent that must be killed (default: 95)")
    parser.add_argument("--files", default="*", help="only files that match")
    parser.add_argument("--list", action="store_true", help="print the places and end")
    parser.add_argument("folders", nargs="+", metavar="FOLDER")
    return parser.parse_args()


def parts_for(folders):
    """The parts of the suite that run the code of these folders."""
    if all("amdvi" in folder for folder in folders):
        return AMD_PARTS
    if all(folder.startswith("xen/reference") for folder in folders):
        return PVIOMMU_PARTS
    return VTD_PARTS if all("/vtd" in folder for folder in folders) else PARTS


def main():
    args = parse()
    args.folders = [f for name in args.folders for f in SETS.get(name, [name])]
    sites = all_sites(args.folders, args.files)
    drawn = sites
    if args.count and args.count < len(sites):
        drawn = sorted(random.Random(args.seed).sample(range(len(sites)), args.count))
        drawn = [sites[i] for i in drawn]
    print(f"{len(sites)} places in {', '.join(args.folders)}; {len(drawn)} mutants, seed {args.seed}", flush=True)
    if args.list:
        print("\n".join(str(m) for m in drawn))
        return 0
    unchanged = Unchanged(parts_for(args.folders))
    print(f"the suite takes {sum(unchanged.seconds):.1f} s unchanged", flush=True)
    bench, results, began = Bench(unchanged), {}, time.monotonic()
    try:
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            for mutant, result in zip(drawn, pool.map(bench.try_mutant, drawn)):
                results.setdefault(result, []).append(mutant)
                if result in ("survived", "told"):
                    print(f"{result}: {mutant}", flush=True)
    finally:
        bench.close()
    count = {name: len(results.get(name, [])) for name in ("killed", "told", "survived", "unbuilt")}
    killed = count["killed"] + count["told"]
    share = 100.0 * killed / max(killed + count["survived"], 1)
    print(f"killed {killed} of {killed + count['survived']} ({share:.1f} %), {count['told']} of them by rows of low "
          f"confidence alone; {count['survived']} survived; {count['unbuilt']} did not build; "
          f"{time.monotonic() - began:.0f} s")
    return 0 if share >= args.goal else 1


if __name__ == "__main__":
    sys.exit(main())
