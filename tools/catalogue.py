#!/usr/bin/env python3
"""The requirement catalogues (docs/requirements/*.tsv): table for the kernel, coverage by tests.

    catalogue.py --emit-c OUT TSV...      the ids and their confidence as a sorted C table
    catalogue.py --coverage TSV...        for each group, how many rows a test names, and the rows without one
"""
import argparse
import csv
import pathlib
import re
import sys

COLUMNS = ["id", "chapter", "requirement", "precondition", "expected", "confidence"]
MORE = ["revision"]  # of an interface that has several: those that the row holds for
CONFIDENCE = {"checked", "unsure", "prior"}


def read(paths):
    """Rows of all catalogues, in file order; exits with a sentence where one is malformed."""
    rows = []
    for path in paths:
        with open(path, newline="", encoding="utf-8") as f:
            lines = list(csv.reader(f, delimiter="\t", quoting=csv.QUOTE_NONE))
        if not lines or lines[0] not in (COLUMNS, COLUMNS + MORE):
            sys.exit(f"{path}: the first line must name the columns: {' '.join(COLUMNS)}, and may add {' '.join(MORE)}")
        for number, fields in enumerate(lines[1:], 2):
            if len(fields) != len(lines[0]) or fields[5] not in CONFIDENCE:
                sys.exit(f"{path}:{number}: needs {len(lines[0])} columns, the sixth one of {sorted(CONFIDENCE)}")
            rows.append(dict(zip(COLUMNS, fields)))
    ids = [r["id"] for r in rows]
    doubled = {i for i in ids if ids.count(i) > 1} if len(set(ids)) != len(ids) else set()
    if doubled:
        sys.exit(f"ids that occur twice: {' '.join(sorted(doubled))}")
    return rows


def emit_c(out, rows):
    """The table that tests/harness/vocabulary.c searches: what is not 'checked' never accuses."""
    lines = ["/* Made by tools/catalogue.py from docs/requirements. */",
             '#include "tests/harness/internal.h"', "", "const struct catalogue_row catalogue[] = {"]
    for row in sorted(rows, key=lambda r: r["id"]):
        low = "false" if row["confidence"] == "checked" else "true"
        lines.append(f'\t{{ "{row["id"]}", {low} }},')
    lines += ["};", "const unsigned catalogue_n = sizeof(catalogue) / sizeof(catalogue[0]);", ""]
    pathlib.Path(out).write_text("\n".join(lines), encoding="utf-8")


def named_by_tests(root):
    """All catalogue ids in .checks of the tests' sources."""
    ids = set()
    for path in sorted(root.glob("tests/**/*.c")):
        if "host" in path.relative_to(root).parts:
            continue
        ids.update(re.findall(r"\b(?:VTD|AMD|PVI)[A-Z0-9-]*-\d{3}\b", path.read_text(encoding="utf-8")))
    return ids


def group_of(row_id):
    return row_id.rsplit("-", 1)[0]


def coverage(rows):
    """Prints per group how many rows have a test, then the rows that have none."""
    named = named_by_tests(pathlib.Path(__file__).resolve().parent.parent)
    known = {r["id"] for r in rows}
    groups = {}
    for row in rows:
        have, total = groups.get(group_of(row["id"]), (0, 0))
        groups[group_of(row["id"])] = (have + (row["id"] in named), total + 1)
    for group, (have, total) in groups.items():
        print(f"{group:<14} {have:4} of {total:4}")
    have = sum(h for h, _ in groups.values())
    print(f"{'total':<14} {have:4} of {len(rows):4}")
    print("\nrows without a test:")
    for row in rows:
        if row["id"] not in named:
            print(f"  {row['id']:<16} {row['requirement']} [{row['precondition']}]")
    unknown = sorted(named - known)
    if unknown:
        sys.exit(f"tests name rows that no catalogue has: {' '.join(unknown)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--emit-c", metavar="OUT")
    what.add_argument("--coverage", action="store_true")
    parser.add_argument("tsv", nargs="+")
    args = parser.parse_args()
    rows = read(args.tsv)
    if args.emit_c:
        emit_c(args.emit_c, rows)
    else:
        coverage(rows)


if __name__ == "__main__":
    main()
