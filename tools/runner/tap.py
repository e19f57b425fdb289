"""Reads the kernel's console: TAP 14 with `# @` lines, fed in pieces, given out as events.

The console of a machine under test can end anywhere and carry anything, so nothing here raises: a line that is not
protocol is Text. Only the part of YAML that the kernel prints is understood.
"""

import dataclasses
import json
import re

MAX_LINE = 64 * 1024  # a console that never ends a line must not fill our memory


@dataclasses.dataclass
class Meta:
    """`# @key value`; value is an object where the text is JSON."""
    key: str
    value: object
    text: str


@dataclasses.dataclass
class Plan:
    n: int


@dataclasses.dataclass
class Start:
    number: int
    id: str


@dataclasses.dataclass
class Point:
    """A test point with its YAML block."""
    number: int
    id: str
    ok: bool
    directive: str = ""  # SKIP, TODO
    reason: str = ""
    block: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Bail:
    sentence: str


@dataclasses.dataclass
class Text:
    line: str


VERSION = "TAP version 14"
POINT = re.compile(r"(not )?ok (\d+) - (\S+)(?: # (SKIP|TODO)\b:? ?(.*))?\s*$")
PLAN = re.compile(r"1\.\.(\d+)\s*(?:#.*)?$")
META = re.compile(r"# @(\w+)\s*(.*)$")
START = re.compile(r"(\d+) (\S+)")
XEN = b"(XEN) "  # how the hypervisor under the kernel begins its own lines, on the same console
KEY = re.compile(r"([A-Za-z_]\w*):(?:\s+(.*))?$")


class Parser:
    """feed() bytes, get events; flush() at the end gives what was still held back."""

    def __init__(self):
        self._rest = b""
        self._point = None    # its YAML block may follow
        self._block = None    # the lines of the block that is open
        self._held = b""      # the first part of a line that the hypervisor spoke into

    def feed(self, data):
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > MAX_LINE:
            lines.append(self._rest)
            self._rest = b""
        return [event for line in lines for event in self._raw(line)]

    def flush(self):
        rest, self._rest = self._rest, b""
        events = self._raw(rest) if rest else []
        held, self._held = self._held, b""
        return events + (self._line(_text(held)) if held else []) + self._close()

    def _raw(self, line):
        """A line of the hypervisor stands for itself, wherever it came in between; what it cut is put together."""
        before, mark, after = line.partition(XEN)
        if mark:
            self._held += before
            return [Text(_text(mark + after))]
        line, self._held = self._held + line, b""
        return self._line(_text(line))

    def _close(self):
        """Gives out the point that waits, if any."""
        point, block = self._point, self._block
        self._point = self._block = None
        if point is None:
            return []
        if block:
            point.block = parse_block(block)
        return [point]

    def _line(self, line):
        if self._block is not None:
            if line.strip() == "...":
                return self._close()
            if line.startswith("  ") or not line:
                self._block.append(line)
                return []
            return self._close() + self._line(line)  # the block was cut short
        if self._point is not None and line.strip() == "---":
            self._block = []
            return []
        return self._close() + self._fresh(line)

    def _fresh(self, line):
        if found := POINT.match(line):
            refused, number, test_id, directive, reason = found.groups()
            self._point = Point(int(number), test_id, not refused, directive or "", (reason or "").strip())
            return []
        if line.startswith("Bail out!"):
            return [Bail(line[len("Bail out!"):].strip())]
        if found := PLAN.match(line):
            return [Plan(int(found.group(1)))]
        if found := META.match(line):
            return [_meta(*found.groups())]
        return [Text(line)] if line.strip() and line != VERSION else []


def _meta(key, rest):
    if key == "start" and (found := START.match(rest)):
        return Start(int(found.group(1)), found.group(2))
    return Meta(key, scalar(rest.strip()), rest.strip())


def _text(line):
    """Control characters of a garbled console stay visible and harmless."""
    text = line.decode("utf-8", "backslashreplace").rstrip("\r")
    return "".join(c if c >= " " or c == "\t" else f"\\x{ord(c):02x}" for c in text)


def scalar(text):
    """A YAML scalar or flow list as the kernel prints it; unquoted words stay text."""
    try:
        return json.loads(text)
    except ValueError:
        pass
    if text.startswith("[") and text.endswith("]"):
        return [scalar(part.strip()) for part in text[1:-1].split(",") if part.strip()]
    return text


def parse_block(lines):
    """A mapping of scalars, of lists of scalars, and of lists of flat mappings."""
    block, key, item = {}, None, None
    for line in lines:
        text = line.strip()
        indent = len(line) - len(line.lstrip())
        found = KEY.match(text)
        if indent <= 2 and found:
            key, value = found.group(1), found.group(2)
            block[key] = scalar(value) if value else []
            item = None
        elif key is None or not isinstance(block[key], list):
            continue
        elif text.startswith("- "):
            item = _item(text[2:].strip())
            block[key].append(item)
        elif found and isinstance(item, dict):
            item[found.group(1)] = scalar(found.group(2) or '""')
    return block


def _item(text):
    found = KEY.match(text)
    return {found.group(1): scalar(found.group(2) or '""')} if found else scalar(text)
