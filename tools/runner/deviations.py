"""Known deviations of emulators: tests/platforms/deviations/*.toml.

An entry names one observed outcome. A failing test whose outcome is exactly that becomes `todo`; any other outcome
stays a failure; a listed test that passes is reported, so that the entry can be struck.
"""

import dataclasses
import pathlib
import re

from . import globs
from .platforms import checked, read_toml
from .results import FAIL_KINDS
from .status import Stop

CONDITION = re.compile(r"(>=|<=|>|<|==)\s*(\d+(?:\.\d+){0,2})$")
DEVELOPMENT_MICRO = 50  # QEMU's development builds and release candidates count from here


@dataclasses.dataclass
class Deviation:
    id: str
    tests: list           # globs; of tests with and without their @variant
    requirement: str      # catalogue id
    versions: str         # ">=7.2, <11.0"
    seen: list            # what each failure of the test saw, in order; `*` stands for anything
    where: str            # the place in the emulator that does it
    clause: str           # what the specification says
    note: str = ""
    platforms: list = dataclasses.field(default_factory=list)  # none: wherever the file is named
    revisions: str = ""   # of a hypervisor's PV-IOMMU, blanks between: only there
    kind: str = "verdict"
    fuzz: str = ""        # name by which the fuzzer knows it (tests/fuzz/)
    provisional: bool = True  # until the same test passes on the model

    def __post_init__(self):
        self._tests = globs.compile_any(self.tests)

    def covers(self, test_id):
        plain = test_id.rpartition("@")[0]
        return bool(self._tests(test_id) or plain and self._tests(plain))

    def explains(self, result, partly=False):
        """Whether this is the outcome that the entry describes, failure by failure.

        partly: some may be missing, as with an engine that writes but does not read.
        """
        if self.kind != result.kind:
            return False
        if partly:
            left = iter(self.seen)
            return bool(result.seen) and all(any(globs.match(p, text) for p in left) for text in result.seen)
        return (len(result.seen) == len(self.seen)
                and all(globs.match(pattern, text) for pattern, text in zip(self.seen, result.seen)))


class Known:
    """The entries that apply to a platform on one version of an emulator. judge() changes what they explain."""

    def __init__(self, entries, version, platform, partly=False):
        self.partly = partly
        self.version = release_of(version)
        self.entries = [e for e in entries if in_range(self.version, e.versions, e.id)
                        and (not e.platforms or platform in e.platforms)]

    def fuzz_words(self):
        """The kernel's word that names the deviations which its fuzzer passes over."""
        names = sorted({e.fuzz for e in self.entries if e.fuzz})
        return ["known=" + ",".join(names)] if names else []

    def judge(self, result):
        entries = [e for e in self.entries if e.covers(result.id)
                   and (not e.revisions or result.revision in e.revisions.split())]
        if result.status == "fail":
            entry = next((e for e in entries if e.explains(result, self.partly)), None)
            if entry:
                mark = ", provisional" if entry.provisional else ""
                result.status, result.kind = "todo", None
                result.reason = f"known deviation {entry.id} ({entry.requirement}{mark})"
        elif result.status == "pass" and entries:
            result.status = "todo-passed"
            result.reason = f"passes, but is listed as known deviation {', '.join(e.id for e in entries)}"
        return result


def load(folder, names):
    """All entries of the files that a platform names."""
    entries, ids = [], set()
    for name in names:
        path = pathlib.Path(folder) / f"{name}.toml"
        table = read_toml(path)
        if set(table) - {"deviation"}:
            raise Stop(f"{path}: only [[deviation]] entries belong here.")
        for n, part in enumerate(table.get("deviation", []), 1):
            entry = checked(Deviation, part, f"{path}, entry {n}")
            if entry.id in ids:
                raise Stop(f"{path}: two entries are called '{entry.id}'.")
            if entry.kind not in FAIL_KINDS or not (entry.seen and entry.tests or entry.fuzz):
                raise Stop(f"{path}: entry '{entry.id}' needs tests, what was seen, and one of the kinds of failure.")
            in_range((0, 0, 0), entry.versions, entry.id)  # a bad range must not wait for its test
            ids.add(entry.id)
            entries.append(entry)
    return entries


def release_of(version):
    """A development build counts as the nearest older release: 11.0.50 and 11.0.90 (a candidate) as 11.0."""
    return version[:2] if is_development(version) else version


def is_development(version):
    return len(version) > 2 and version[2] >= DEVELOPMENT_MICRO


def in_range(version, conditions, name):
    """Whether a version meets all of ">=7.2, <11.0"; only the numbers that a condition gives are compared."""
    for condition in conditions.split(","):
        found = CONDITION.match(condition.strip())
        if not found:
            raise Stop(f"Known deviation '{name}': '{conditions}' is not a range of versions such as '>=7.2, <11.0'.")
        sign, text = found.groups()
        limit = tuple(int(n) for n in text.split("."))
        have = (tuple(version) + (0, 0))[:len(limit)]
        if not {">=": have >= limit, "<=": have <= limit, ">": have > limit, "<": have < limit,
                "==": have == limit}[sign]:
            return False
    return True
