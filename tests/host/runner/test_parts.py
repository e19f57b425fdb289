"""The parts of the runner one by one: patterns, TAP, version ranges, statuses."""

import random
import re
import unittest

import base  # noqa: F401 (finds the package)
from runner import boots, deviations, globs, process, results, status, tap
from runner.status import Status


class Globs(unittest.TestCase):
    def test_match(self):
        for pattern, text, expected in (("vtd.*", "vtd.ss.x", True), ("vtd.*", "xvtd.ss", False), ("a?c", "abc", True),
                                        ("a?c", "ac", False), ("*", "", True), ("a[b]", "a[b]", True),
                                        ("a[b]", "ab", False), ("a.b", "axb", False), ("*x*", "axb", True)):
            with self.subTest(pattern=pattern, text=text):
                self.assertEqual(globs.match(pattern, text), expected)

    def test_overlap_agrees_with_enumeration(self):
        """Against every text of up to five letters over a small alphabet."""
        texts = [""]
        for _ in range(5):
            texts += [t + c for t in texts for c in "ab" if len(t) < 5]
        texts = sorted(set(texts))
        prng = random.Random(1)
        for _ in range(300):
            a, b = ("".join(prng.choice("ab*?") for _ in range(prng.randrange(4))) for _ in range(2))
            expected = any(globs.match(a, t) and globs.match(b, t) for t in texts)
            self.assertEqual(globs.overlap(a, b), expected, f"{a!r} and {b!r}")

    def test_narrow(self):
        self.assertEqual(globs.narrow(["vtd.ss.leaf"], ["vtd.ss.*", "dma.*"]), ["vtd.ss.leaf"])
        self.assertEqual(globs.narrow(["vtd.*"], ["vtd.ss.*", "dma.*"]), ["vtd.ss.*"])
        self.assertEqual(globs.narrow(["*"], ["vtd.ss.*", "dma.*"]), ["vtd.ss.*", "dma.*"])
        self.assertEqual(globs.narrow(["amdvi.*"], ["vtd.ss.*"]), [])
        self.assertEqual(globs.narrow(["vtd.*.x"], ["vtd.ss.*"]), ["vtd.*.x"])


CONSOLE = b"""SeaBIOS\r
TAP version 14
# @version 12e4567
# @iommu {"kind": "vtd", "unit": 0, "features": ["QI", "SM"]}
1..4
# @start 1 vtd.a
ok 1 - vtd.a
  ---
  requirements: [VTD-A-001, VTD-A-002]
  us: 152
  ...
# @start 2 vtd.b@vtd-legacy
not ok 2 - vtd.b@vtd-legacy
  ---
  kind: setup
  requirements: []
  us: 99
  given: "legacy: a \\"page\\""
  failures:
    - expected: "refused, fault 0x51"
      seen: "refused: fault 0x59"
    - expected: "a"
      seen: "b"
  notes:
    - "root[0]: 0x1"
    - "- x"
  ...
ok 3 - vtd.c # SKIP absent: ECAP.FSTS = 0
# @end passed=1
"""


class Tap(unittest.TestCase):
    def events(self, data, step=None):
        parser, events = tap.Parser(), []
        for at in range(0, len(data), step or len(data)):
            events += parser.feed(data[at:at + (step or len(data))])
        return events + parser.flush()

    def test_whole_console(self):
        events = self.events(CONSOLE)
        self.assertEqual([type(e).__name__ for e in events],
                         ["Text", "Meta", "Meta", "Plan", "Start", "Point", "Start", "Point", "Point", "Meta"])
        version, iommu, point, bad, skip = events[1], events[2], events[5], events[7], events[8]
        self.assertEqual(version.text, "12e4567")
        self.assertEqual(iommu.value["features"], ["QI", "SM"])
        self.assertEqual((point.ok, point.block["us"], point.block["requirements"]),
                         (True, 152, ["VTD-A-001", "VTD-A-002"]))
        self.assertEqual(bad.id, "vtd.b@vtd-legacy")
        self.assertEqual(bad.block["given"], 'legacy: a "page"')
        self.assertEqual(bad.block["failures"], [{"expected": "refused, fault 0x51", "seen": "refused: fault 0x59"},
                                                 {"expected": "a", "seen": "b"}])
        self.assertEqual(bad.block["notes"], ["root[0]: 0x1", "- x"])
        self.assertEqual((skip.directive, skip.reason), ("SKIP", "absent: ECAP.FSTS = 0"))

    def test_pieces_make_no_difference(self):
        whole = self.events(CONSOLE)
        for step in (1, 2, 7, 64):
            self.assertEqual(self.events(CONSOLE, step), whole)

    def test_random_bytes_never_raise(self):
        prng = random.Random(2)
        for _ in range(300):
            data = bytearray(CONSOLE)
            for _ in range(prng.randrange(1, 30)):
                data[prng.randrange(len(data))] = prng.randrange(256)
            for event in self.events(bytes(data)):
                if isinstance(event, tap.Point):
                    results.from_point(event)

    def test_endless_line_is_cut(self):
        parser = tap.Parser()
        for _ in range(40):
            parser.feed(b"x" * 8192)
        self.assertLessEqual(len(parser._rest), tap.MAX_LINE)

    def test_verdicts(self):
        def one(line):
            r = results.from_point(self.events(line)[0])
            return r.status, r.kind, r.reason
        self.assertEqual(one(b"ok 1 - a"), ("pass", None, None))
        self.assertEqual(one(b"ok 1 - a # SKIP unreached: no engine"), ("skip", "unreached", "no engine"))
        self.assertEqual(one(b"ok 1 - a # SKIP whatever"), ("skip", "unreached", "whatever"))
        self.assertEqual(one(b"not ok 1 - a # TODO observed: 3"), ("todo", None, "observed: 3"))
        self.assertEqual(one(b"ok 1 - a # TODO observed: 3"), ("todo", None, "observed: 3"))
        self.assertEqual(one(b"not ok 1 - a\n  ---\n  kind: nonsense\n  ..."), ("fail", "verdict", None))


class Versions(unittest.TestCase):
    def test_ranges(self):
        for version, text, expected in (((7, 2, 22), ">=7.2, <11.0", True), ((11, 0, 0), ">=7.2, <11.0", False),
                                        ((11, 1, 3), "<=11.1", True), ((11, 2, 0), "<=11.1", False),
                                        ((7, 2, 22), "==7.2.21", False), ((7, 2), ">7.1", True),
                                        ((10, 0, 2), ">9", True)):
            with self.subTest(version=version, text=text):
                self.assertEqual(deviations.in_range(version, text, "x"), expected)

    def test_bad_range(self):
        for text in ("", "7.2", ">=x", ">=7.2;<8"):
            with self.assertRaises(status.Stop):
                deviations.in_range((7, 2), text, "x")

    def test_development_builds_count_as_the_release_before(self):
        self.assertEqual(deviations.release_of((11, 0, 50)), (11, 0))
        self.assertEqual(deviations.release_of((11, 0, 92)), (11, 0))
        self.assertEqual(deviations.release_of((11, 1, 3)), (11, 1, 3))


class Statuses(unittest.TestCase):
    def test_precedence(self):
        order = [Status.SETUP, Status.UNFINISHED, Status.FAILED, Status.ABSENT, Status.OK]
        for at, first in enumerate(order):
            self.assertEqual(status.worst(reversed(order[at:])), first)
        self.assertEqual(status.worst([]), Status.OK)

    def test_bisect(self):
        self.assertEqual([status.for_bisect(Status(n)) for n in range(5)], [0, 1, 125, 125, 125])


class Ends(unittest.TestCase):
    """How a program's end is told apart; the signals and the shell's way to report them."""

    def test_judge(self):
        for code, stderr, how in ((1, "", "exit"), (-6, "", "crash"), (134, "", "crash"), (-11, "", "crash"),
                                  (-9, "", "outside"), (137, "", "outside"), (-15, "", "outside"), (143, "", "outside"),
                                  (0, "qemu: terminating on signal 2", "outside"), (-8, "", "crash"),
                                  (-7, "", "crash")):
            with self.subTest(code=code):
                self.assertEqual(process._judge("end", code, stderr).how, how)

    def test_seen_is_free_of_addresses(self):
        """Deviations are told by what was seen: it must be the same on every run."""
        for end in (process.End("crash", -6, "SIGABRT"), process.End("hang"), process.End("exit", 7)):
            self.assertIsNone(re.search(r"0x|\d{3,}", boots.describe(end, 10)))


if __name__ == "__main__":
    unittest.main()
