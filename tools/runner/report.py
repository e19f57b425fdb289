"""The files of out/<platform>/: results.json, results.tap, junit.xml. console.log is written while it happens."""

import json
import os

from . import results as verdicts


def write_all(folder, report):
    """Writes every file; report is a Report. Returns a sentence if one could not be made, else None."""
    write(folder / "results.json", json.dumps(as_json(report), indent=1) + "\n")
    write(folder / "results.tap", as_tap(report.results, report.remarks))
    try:
        write(folder / "junit.xml", as_junit(report.platform, report.results))
    except ImportError:
        return "junit.xml was not written: this Python has no junit_xml (Debian: python3-junit.xml)."
    return None


def write(path, text):
    """A reader never meets half a file."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)


class Report:
    """What a platform's run came to; filled boot by boot, so that it can be written at any moment."""

    def __init__(self, platform, qemu):
        self.platform, self.qemu = platform, qemu
        self.version, self.iommu = None, {}
        self.results, self.remarks = [], []
        self.missing = 0  # tests that the baseline has and the run has not


def as_json(report):
    """The shape is fixed: people's scripts and --baseline read it."""
    summary = verdicts.count(report.results)
    summary["unexpected"] += report.missing
    return {"platform": report.platform, "version": report.version, "qemu": report.qemu, "iommu": report.iommu,
            "summary": summary,
            "tests": [{"id": r.id, "status": r.status, "kind": r.kind, "requirements": r.requirements,
                       "reason": r.reason, "us": r.us} for r in report.results]}


def as_tap(results, remarks=()):
    lines = ["TAP version 14"] + [f"# {remark}" for remark in remarks] + [f"1..{len(results)}"]
    for number, result in enumerate(results, 1):
        lines += _point(number, result)
    return "\n".join(lines) + "\n"


def _point(number, result):
    ok = "not ok" if result.status in ("fail", "todo") else "ok"
    directive = {"skip": f" # SKIP {result.kind}: {result.reason}", "todo": f" # TODO {result.reason}",
                 "todo-passed": f" # TODO {result.reason}"}.get(result.status, "")
    lines = [f"{ok} {number} - {result.id}{directive}", "  ---"]
    if result.status == "fail":
        lines.append(f"  kind: {result.kind}")
    lines.append(f"  requirements: [{', '.join(result.requirements)}]")
    if result.us is not None:
        lines.append(f"  us: {result.us}")
    if result.status == "pass" and result.reason:
        lines.append(f"  told: {json.dumps(result.reason)}")
    if result.failures:
        if result.given:
            lines.append(f"  given: {json.dumps(result.given)}")
        lines.append("  failures:")
        for failure in result.failures:
            lines.append(f"    - expected: {json.dumps(failure.get('expected', ''))}")
            lines.append(f"      seen: {json.dumps(failure.get('seen', ''))}")
    if result.notes:
        lines.append("  notes:")
        lines += [f"    - {json.dumps(note)}" for note in result.notes]
    if result.status == "fail" and result.repeat:
        lines.append(f"  repeat: {json.dumps(result.repeat)}")
    return lines + ["  ..."]


def as_junit(platform, results):
    from junit_xml import TestCase, TestSuite, to_xml_report_string
    cases = []
    for result in results:
        case = TestCase(result.id.rpartition(".")[2], f"{platform}.{result.id.rpartition('.')[0]}",
                        (result.us or 0) / 1e6)
        detail = "\n".join(detail_lines(result))
        if result.status == "fail" and result.kind == "verdict":
            case.add_failure_info(result.reason, detail, "verdict")
        elif result.status == "fail":
            case.add_error_info(result.reason, detail, result.kind)
        elif result.status == "skip":
            case.add_skipped_info(f"{result.kind}: {result.reason}")
        elif result.status == "todo":
            case.add_skipped_info(f"todo: {result.reason}", detail)
        cases.append(case)
    return to_xml_report_string([TestSuite(f"portcullis.{platform}", cases)])


def detail_lines(result):
    """All that is known of a failure, as lines for people."""
    lines = []
    if result.requirements:
        lines.append(f"requirements: {' '.join(result.requirements)}")
    if result.given:
        lines.append(f"given:        {result.given}")
    for failure in result.failures:
        lines.append(f"expected:     {failure.get('expected', '')}")
        lines.append(f"seen:         {failure.get('seen', '')}")
    lines += [f"  {note}" for note in result.notes]
    if result.repeat:
        lines.append(f"repeat:       {result.repeat}")
    return lines
