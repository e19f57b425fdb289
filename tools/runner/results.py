"""One verdict, and how a run's verdicts are counted."""

import dataclasses

STATUSES = ("pass", "fail", "skip", "todo", "todo-passed")
FAIL_KINDS = ("verdict", "setup", "crash", "hang")
SKIP_KINDS = ("absent", "unreached")


@dataclasses.dataclass
class Result:
    """What one test came to. id carries `@variant` for the extra boots of a platform."""

    id: str
    status: str
    kind: str = None
    requirements: list = dataclasses.field(default_factory=list)
    reason: str = None
    us: int = None
    given: str = None
    failures: list = dataclasses.field(default_factory=list)  # of {"expected", "seen"}
    notes: list = dataclasses.field(default_factory=list)
    repeat: str = None
    revision: str = None   # of the PV-IOMMU of the hypervisor that it ran on
    differs: bool = False  # from the baseline

    @property
    def seen(self):
        """The observed outcome, by which deviations are told."""
        return [f.get("seen", "") for f in self.failures]

    @property
    def group(self):
        """Where the live view counts it: the first two words of the name, and the variant."""
        name, _, variant = self.id.partition("@")
        group = ".".join(name.split(".")[:2])
        return f"{group}@{variant.rpartition('@')[2]}" if variant else group


def from_point(point, variant=""):
    """Makes a Result of a test point of the kernel's TAP; variant is "" for the main boot."""
    block = point.block
    result = Result(id=point.id + variant, status="pass" if point.ok else "fail",
                    requirements=_strings(block.get("requirements")), us=_integer(block.get("us")),
                    given=block.get("given"), failures=_failures(block.get("failures")),
                    notes=_strings(block.get("notes")), repeat=block.get("repeat"))
    if point.directive == "SKIP":
        _set_skip(result, point.reason)
    elif point.directive == "TODO":
        result.status, result.reason = "todo", point.reason or None
    elif not point.ok:
        result.kind = block.get("kind") if block.get("kind") in FAIL_KINDS else "verdict"
        result.reason = summary_of(result.failures) or block.get("message")
    else:
        result.reason = block.get("told")  # which of several lawful ways was seen
    return result


def _set_skip(result, reason):
    """`absent: ...` or `unreached: ...`; a skip that names no kind claims nothing about the machine: unreached."""
    result.status, result.kind, result.reason = "skip", "unreached", reason
    for kind in SKIP_KINDS:
        if reason.startswith(kind + ":"):
            result.kind, result.reason = kind, reason[len(kind) + 1:].strip()


def lost(test_id, kind, seen, notes, variant=""):
    """A test that took the machine with it: kind is crash or hang."""
    failures = [{"expected": "a verdict", "seen": seen}]
    return Result(id=test_id + variant, status="fail", kind=kind, reason=seen, failures=failures, notes=notes)


def summary_of(failures):
    """The first failure in one line; None for none."""
    if not failures:
        return None
    more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
    first = failures[0]
    return f"expected {first.get('expected', '?')}; seen {first.get('seen', '?')}{more}"


def count(results):
    """The summary of results.json. todo-passed counts as todo; unexpected is what makes the status 1."""
    tally = {s: sum(r.status == s for r in results) for s in STATUSES}
    return {"total": len(results), "passed": tally["pass"], "failed": tally["fail"], "skipped": tally["skip"],
            "todo": tally["todo"] + tally["todo-passed"], "unexpected": sum(r.differs for r in results)}


def _failures(value):
    return [f for f in value if isinstance(f, dict)] if isinstance(value, list) else []


def _strings(value):
    if isinstance(value, list):
        return [v if isinstance(v, str) else str(v) for v in value]
    return [] if value is None else [str(value)]


def _integer(value):
    return value if isinstance(value, int) else None
