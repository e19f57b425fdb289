"""./run.sh as its user meets it: options, files, statuses."""

import json
import os
import unittest
import unittest.mock
import xml.dom.minidom

from base import Case, FAKE, MAKEFILE, PLATFORM
from runner import build, platforms

SHAPE = {"platform": str, "version": str, "qemu": str, "iommu": dict, "summary": dict, "tests": list}
SUMMARY = ["total", "passed", "failed", "skipped", "todo", "unexpected"]
TEST = ["id", "status", "kind", "requirements", "reason", "us"]
KINDS = {"pass": [None], "fail": ["verdict", "setup", "crash", "hang"], "skip": ["absent", "unreached"],
         "todo": [None], "todo-passed": [None]}

DEVIATION = """
[[deviation]]
id = "fake-59"
tests = ["vtd.t.1"]
requirement = "VTD-X-001"
versions = "{versions}"
seen = ["{seen}"]
where = "nowhere"
clause = "none"
"""


class Files(Case):
    def test_every_kind_of_verdict(self):
        self.order("pass", "fail", "skip", "unreached", "todo", "observed", "setup", "abort")
        self.assertEqual(self.run_sh(), 1)
        self.assertEqual(list(self.verdicts().values()),
                         ["pass", "verdict", "skip", "skip", "todo", "todo", "setup", "crash"])
        report = self.json()
        self.assertEqual(report["summary"], {"total": 8, "passed": 1, "failed": 3, "skipped": 2, "todo": 2,
                                             "unexpected": 3})
        self.assert_shape(report)
        self.assertEqual(report["tests"][2]["reason"], "ECAP.FSTS = 0")
        self.assertEqual(report["tests"][2]["kind"], "absent")
        self.assertEqual(report["tests"][0]["requirements"], ["VTD-X-001"])
        self.assertEqual(report["tests"][0]["us"], 7)
        self.assertEqual(report["iommu"]["kind"], "vtd")
        self.assertEqual(report["version"], "0.1.0")
        self.assertIn("7.2.22", report["qemu"])

    def assert_shape(self, report):
        self.assertEqual({k: type(v) for k, v in report.items()}, SHAPE)
        self.assertEqual(list(report["summary"]), SUMMARY)
        for test in report["tests"]:
            self.assertEqual(list(test), TEST)
            self.assertIn(test["kind"], KINDS[test["status"]])

    def test_tap_and_console(self):
        self.order("pass", "fail", "skip")
        self.run_sh()
        text = (self.root / "out/vtd/results.tap").read_text()
        self.assertTrue(text.startswith("TAP version 14\n"))
        for line in ("1..3", "ok 1 - vtd.t.1", "not ok 2 - vtd.t.2", "ok 3 - vtd.t.3 # SKIP absent: ECAP.FSTS = 0",
                     '    - expected: "done"', '      seen: "refused"'):
            self.assertIn(line, text.splitlines())
        self.assertIn("# @end", (self.root / "out/vtd/console.log").read_text())

    def test_junit(self):
        try:
            import junit_xml  # noqa: F401
        except ImportError:
            self.skipTest("this Python has no junit_xml")
        self.order("pass", "fail", "skip", "todo", "abort")
        self.run_sh()
        suite = xml.dom.minidom.parse(str(self.root / "out/vtd/junit.xml")).getElementsByTagName("testsuite")[0]
        self.assertEqual([suite.getAttribute(a) for a in ("tests", "failures", "errors", "skipped")],
                         ["5", "1", "1", "2"])

    def test_out(self):
        self.order("pass")
        self.assertEqual(self.run_sh("--out", str(self.root / "elsewhere")), 0)
        self.assertTrue((self.root / "elsewhere/vtd/results.json").exists())

    def test_scratch_disk_is_gone_afterwards(self):
        self.order("pass")
        self.run_sh()
        drive = next(a for a in self.calls()[0] if a.startswith("if=none"))
        self.assertIn("scratch=on", self.words()[0])
        self.assertFalse(os.path.exists(drive.rpartition("file=")[2]))


class Statuses(Case):
    def test_nothing_to_test(self):
        self.order("pass")
        self.assertEqual(self.run_sh("--iommu", "none"), 4)
        self.assertIn("There is no IOMMU here", self.text)
        self.assertEqual(self.json()["summary"]["total"], 0)

    def test_bail_out_for_set_up(self):
        self.order("pass", boot="no-memory")
        self.assertEqual(self.run_sh(), 2)
        self.assertIn("Too little memory", self.text)

    def test_absent_subject(self):
        """Whatever else passed, the status says so; a failed test weighs more."""
        self.order("pass", last="absent")
        self.assertEqual(self.run_sh(), 4)
        self.assertIn("Nothing to test: this Xen has no PV-IOMMU.", self.text)
        self.assertEqual(self.verdicts(), {"vtd.t.1": "pass"})
        self.order("pass", "fail", last="absent")
        self.assertEqual(self.run_sh(), 1)

    def test_bisect(self):
        for deed, expected in (("pass", 0), ("fail", 1), ("kill", 125)):
            self.order(deed)
            self.assertEqual(self.run_sh("--bisect"), expected)
        self.assertEqual(self.run_sh("--bisect", "--bogus"), 125)

    def test_usage(self):
        self.order("pass")
        for arguments, sentence in ((["--bogus"], "--bogus"), (["nowhere"], "no platform 'nowhere'"),
                                    (["--seed", "x"], "not a number"), (["--timeout", "0"], "not a number of seconds"),
                                    (["--tests", ","], "not a list"), (["--iommu-opts", "x"], "not a list of K=V"),
                                    (["--iommu-opts", "nonesuch=1"], "no intel-iommu option nonesuch"),
                                    (["--iommu", "amdvi"], "none of that kind"), (["--xen", "/x"], "belongs to the platforms xen-"),
                                    (["--hvm"], "belongs to the platform xen-guest"), (["--baseline", "/nonesuch"], "No such file"),
                                    (["--accel", "warp"], "--accel"), (["--test", "x"], "--test")):
            with self.subTest(arguments):
                self.assertEqual(self.run_sh(*arguments), 2)
                self.assertIn(sentence, self.text)
                self.assertEqual(len(self.text.strip().splitlines()), 1, self.text)
        self.assertEqual(self.calls(), [])

    def test_qemu_that_is_none(self):
        self.order("pass")
        plain = self.root / "plain"
        plain.write_text("")
        silent = self.wrapper("#!/bin/sh\nexit 0\n")
        for path, sentence in (("/nonesuch/qemu", "no such file"), (plain, "not an executable"),
                               (silent, "does not answer --version")):
            with self.subTest(sentence):
                self.assertEqual(self.run_sh(qemu=path), 2)
                self.assertIn(sentence, self.text)

    def test_empty_selection(self):
        self.order("pass")
        self.assertEqual(self.run_sh("--tests", "nonesuch.*"), 2)
        self.assertIn("No test of this platform was selected", self.text)

    def test_long_build_is_told(self):
        self.order("pass")
        (self.root / "Makefile").write_text(MAKEFILE.replace("mkdir", "sleep 0.5; mkdir"))
        with unittest.mock.patch.object(build, "PATIENCE_S", 0.1):
            self.assertEqual(self.run_sh(), 0)
        self.assertIn("Building build/portcullis.elf", self.text)

    def test_image_that_cannot_be_built(self):
        self.order("pass")
        (self.root / "Makefile").write_text("build/portcullis.elf:\n\tfalse\n")
        self.assertEqual(self.run_sh(), 2)
        self.assertIn("could not be built", self.text)


class Machines(Case):
    def test_missing_iommu_option_makes_the_subject_absent(self):
        self.platform("vtd", PLATFORM.replace("scalable-mode|", "no-mode|no-"))
        self.order("pass")
        self.assertEqual(self.run_sh(), 4)
        self.assertIn("cannot run on it", self.text)

    def test_renamed_option(self):
        self.order("pass", properties=["intremap", "scalable-mode"])
        self.assertEqual(self.run_sh(), 0)
        self.assertIn("intel-iommu,intremap=on,scalable-mode=on", self.calls()[0])

    def test_firmware_where_it_is_there(self):
        self.platform("vtd", 'firmware = "quick.rom"\n' + PLATFORM)
        self.order("pass")
        self.run_sh()
        (self.root / "quick.rom").touch()
        self.order("pass", data=f"/nonesuch\n{self.root}")
        self.run_sh()
        self.assertEqual(["quick.rom" in c for c in self.calls()], [False, True])

    def test_devices_that_are_lacking(self):
        self.order("pass", drivers=["intel-iommu"])
        self.assertEqual(self.run_sh(), 0)
        self.assertIn("has no nvme: left out", self.text)
        self.assertNotIn("scratch=on", self.words()[0])
        self.platform("vtd", PLATFORM + "required = true\n")
        self.assertEqual(self.run_sh(), 2)

    def test_bad_platform_files(self):
        self.order("pass")
        for text, sentence in (("title = 3", "must be of type str"), ("x = 1\ntitle = 'x'", "unknown key 'x'"),
                               ("kind = 'qemu'", "'title' is missing"), ("title =", "not TOML"),
                               ("title = 'x'\nkind = 'process'", "with a program"),
                               ("title = 'x'\n[[devices]]\nspeed = 1", "unknown key 'speed'"),
                               ("extends = 'vtd'", "extend each other")):
            with self.subTest(text):
                self.platform("vtd", text)
                self.assertEqual(self.run_sh(), 2)
                self.assertIn(sentence, self.text)

    def test_words_for_the_kernel(self):
        self.order("pass")
        self.run_sh("--seed", "0x7", "--fuzz", "9", "--bench", "--engine", "edu", "--hazard", "--shuffle",
                    "--iommu-opts", "aw-bits=39", "--skip", "a.*,b")
        words = self.words()[0]
        for word in ("seed=7", "fuzz=9", "bench", "engine=edu", "hazard=on", "shuffle", "platform=vtd", "skip=a.*,b"):
            self.assertIn(word, words)
        self.assertTrue(any(a.startswith("intel-iommu,") and a.endswith(",aw-bits=39") for a in self.calls()[0]))

    def test_shuffle_keeps_its_seed_over_boots(self):
        self.order("abort", "pass")
        self.run_sh("--shuffle")
        seeds = [w for words in self.words() for w in words if w.startswith("seed=")]
        self.assertEqual(len(seeds), 2)
        self.assertEqual(seeds[0], seeds[1])

    def test_process_platform(self):
        (self.root / "Makefile").write_text("model:\n\ttrue\n")
        (self.root / "model").write_text(
            "#!/bin/sh\necho TAP version 14\necho 1..1\necho '# @start 1 model.a.x'\necho 'ok 1 - model.a.x'\n"
            "echo \"# $*\"\necho '# @end'\n")
        (self.root / "model").chmod(0o755)
        self.platform("model", "title = 'm'\nkind = 'process'\nprogram = 'model'\n")
        self.assertEqual(self.run_sh("model", "--tests", "model.*", qemu=None), 0)
        self.assertEqual(self.verdicts("model"), {"model.a.x": "pass"})
        self.assertIsNone(self.json("model")["qemu"])
        self.assertIn("# tests=model.*", (self.root / "out/model/console.log").read_text())

    def test_all(self):
        """A platform that cannot run here is left out, and the gravest status of the others wins."""
        self.platform("absent", PLATFORM.replace("intel-iommu", "other-iommu"))
        self.platform("also", PLATFORM)
        self.order("pass", "fail")
        self.assertEqual(self.run_sh("all"), 1)
        self.assertIn("absent is left out", self.text)
        self.assertTrue((self.root / "out/also/results.json").exists())
        self.assertTrue((self.root / "out/vtd/results.json").exists())

    def test_all_with_nothing(self):
        (self.root / "tests/platforms/vtd.toml").unlink()
        self.platform("absent", PLATFORM.replace("intel-iommu", "other-iommu"))
        self.order("pass")
        self.assertEqual(self.run_sh("all"), 4)

    def test_list(self):
        self.order("fail", "pass")
        self.assertEqual(self.run_sh("--list"), 0)
        self.assertEqual(self.text.split(), ["vtd.t.1", "vtd.t.2"])


BOOTS = PLATFORM + """
[[boots]]
name = "cm"
iommu = { caching-mode = "on" }
tests = ["vtd.cm.*", "vtd.reg.*"]
[[boots]]
name = "later"
iommu = { from-the-future = "on" }
"""


class Variants(Case):
    def setUp(self):
        super().setUp()
        self.platform("vtd", BOOTS)
        self.order(("vtd.cm.a", "pass"), ("vtd.reg.b", "pass"), ("vtd.ss.c", "pass"))

    def test_boot_without_some_devices(self):
        text = BOOTS.replace('driver = "nvme"', 'driver = "nvme"\nlabel = "slow"') + 'without = ["slow"]\n'
        self.platform("other", text)
        other = platforms.load(self.root / "tests" / "platforms", "other")
        self.assertEqual([b.has(other.devices[0]) for b in other.boots], [True, True, False])

    def test_merged(self):
        self.assertEqual(self.run_sh(), 0)
        self.assertEqual(list(self.verdicts()), ["vtd.cm.a", "vtd.reg.b", "vtd.ss.c", "vtd.cm.a@cm", "vtd.reg.b@cm"])
        self.assertEqual(sum("caching-mode=on" in " ".join(c) for c in self.calls()), 1)
        self.assertIn("No boot @later", self.text)

    def test_selection(self):
        for wanted, expected in (("vtd.cm.a", ["vtd.cm.a", "vtd.cm.a@cm"]), ("vtd.ss.*", ["vtd.ss.c"]),
                                 ("vtd.reg.b@cm", ["vtd.reg.b@cm"]), ("vtd.ss.c@cm", ["vtd.ss.c@cm"]),
                                 ("*.b,vtd.ss.c", ["vtd.reg.b", "vtd.ss.c", "vtd.reg.b@cm"])):
            with self.subTest(wanted):
                self.assertEqual(self.run_sh("--tests", wanted), 0)
                self.assertEqual(list(self.verdicts()), expected)

    def test_boot_without_a_matching_test(self):
        self.order(("vtd.ss.c", "pass"))
        self.assertEqual(self.run_sh(), 0)
        self.assertEqual(list(self.verdicts()), ["vtd.ss.c"])

    def test_order_and_console_are_those_of_the_file(self):
        """Boots run beside each other; what they leave does not show it."""
        self.platform("vtd", BOOTS + '[[boots]]\nname = "sn"\niommu = { snoop-control = "on" }\n')
        self.order(*[(f"vtd.cm.{n}", "slow") for n in range(3)])
        self.assertEqual(self.run_sh(), 0)
        self.assertEqual(list(self.verdicts()), [f"vtd.cm.{n}{v}" for v in ("", "@cm", "@sn") for n in range(3)])
        self.assertEqual((self.root / "out/vtd/console.log").read_text().count("# @end"), 3)

    def test_main_list_in_two_parts(self):
        parts = '[[boots]]\nskip = ["vtd.b.*"]\n[[boots]]\ntests = ["vtd.b.*"]\n'
        self.platform("vtd", PLATFORM.replace("[[boots]]\n", parts))
        self.order(("vtd.a.1", "pass"), ("vtd.b.1", "abort"), ("vtd.b.2", "pass"), ("vtd.c.1", "pass"))
        self.assertEqual(self.run_sh(), 1)
        self.assertEqual(self.verdicts(), {"vtd.a.1": "pass", "vtd.c.1": "pass", "vtd.b.1": "crash", "vtd.b.2": "pass"})
        before = len(self.calls())
        self.assertEqual(self.run_sh("--tests", "vtd.b.2"), 0)
        self.assertEqual(len(self.calls()), before + 1)
        self.assertEqual(self.verdicts(), {"vtd.b.2": "pass"})

    def test_set_up_failure_stops_every_boot(self):
        self.order(("vtd.cm.a", "hang"), boot="no-memory")
        self.assertEqual(self.run_sh(), 2)
        self.assertEqual(self.verdicts(), {})

    def test_killed_variant(self):
        self.order(("vtd.ss.a", "pass"), ("vtd.cm.a", "kill"))
        self.assertEqual(self.run_sh("--tests", "vtd.ss.a,vtd.cm.a@cm"), 3)
        self.assertEqual(self.verdicts(), {"vtd.ss.a": "pass"})

    def test_skip_in_one_variant(self):
        self.run_sh("--skip", "vtd.cm.a@cm")
        self.assertEqual(list(self.verdicts()), ["vtd.cm.a", "vtd.reg.b", "vtd.ss.c", "vtd.reg.b@cm"])

    def test_repeat_names_the_variant(self):
        self.order(("vtd.cm.a", "fail"))
        self.run_sh()
        self.assertIn("./run.sh vtd --tests vtd.cm.a@cm --qemu", self.text)

    def test_crash_in_a_variant(self):
        self.order(("vtd.cm.a", "abort"), ("vtd.cm.b", "pass"))
        self.assertEqual(self.run_sh(), 1)
        self.assertEqual(self.verdicts(), {"vtd.cm.a": "crash", "vtd.cm.b": "pass", "vtd.cm.a@cm": "crash",
                                           "vtd.cm.b@cm": "pass"})
        self.assertIn("boots:   4", self.text)


class Deviations(Case):
    def listed(self, versions=">=7.2, <11.0", seen="refused, fault 0x59"):
        self.deviations(DEVIATION.format(versions=versions, seen=seen))

    def test_exact_outcome_is_todo(self):
        self.listed()
        self.order("fail59", "pass")
        self.assertEqual(self.run_sh(), 0)
        self.assertEqual(self.verdicts()["vtd.t.1"], "todo")
        self.assertIn("known deviation fake-59", self.json()["tests"][0]["reason"])
        self.assertIn("not ok 1 - vtd.t.1 # TODO known deviation fake-59",
                      (self.root / "out/vtd/results.tap").read_text())

    def test_pattern(self):
        self.listed(seen="refused, fault *")
        self.order("fail59")
        self.assertEqual(self.run_sh(), 0)

    def test_other_outcome_fails(self):
        self.listed()
        for deed, kind in (("fail", "verdict"), ("abort", "crash"), ("setup", "setup")):
            self.order(deed)
            self.assertEqual(self.run_sh(), 1)
            self.assertEqual(self.verdicts(), {"vtd.t.1": kind})

    def test_other_test_fails(self):
        self.listed()
        self.order(("vtd.t.2", "fail59"))
        self.assertEqual(self.run_sh(), 1)

    def test_passing_is_told_and_no_failure(self):
        self.listed()
        self.order("pass")
        self.assertEqual(self.run_sh(), 0)
        self.assertEqual(self.verdicts(), {"vtd.t.1": "todo-passed"})
        self.assertIn("passes, but is listed", self.text)
        self.assertEqual(self.json()["summary"]["unexpected"], 0)

    def test_version_out_of_range(self):
        self.listed()
        self.order("fail59", version="11.1.3")
        self.assertEqual(self.run_sh(), 1)
        self.order("pass", version="11.1.3")
        self.run_sh()
        self.assertEqual(self.verdicts(), {"vtd.t.1": "pass"})

    def test_other_platform(self):
        self.deviations(DEVIATION.format(versions=">=7", seen="*") + 'platforms = ["other"]\n')
        self.platform("other", PLATFORM)
        self.order("fail")
        self.assertEqual(self.run_sh("vtd"), 1)
        self.assertEqual(self.run_sh("other"), 0)

    def test_development_build(self):
        self.listed(versions="<=10.2")
        self.order("fail59", version="10.2.50")
        self.assertEqual(self.run_sh(), 0)
        self.assertIn("development build; known deviations are those of 10.2", self.text)

    def test_crash_can_be_known(self):
        self.deviations(DEVIATION.format(versions=">=7", seen="crash: the emulator died by SIGABRT")
                        + 'kind = "crash"\n')
        self.order("abort", "pass")
        self.assertEqual(self.run_sh(), 0)
        self.assertEqual(self.verdicts(), {"vtd.t.1": "todo", "vtd.t.2": "pass"})

    def test_bad_files(self):
        self.order("pass")
        good = DEVIATION.format(versions=">=7", seen="x")
        for text, sentence in ((good + "colour = 1", "unknown key 'colour'"), (good + good, "two entries"),
                               (good.replace(">=7", "7"), "not a range"), ("x = 1", "only [[deviation]]"),
                               (good.replace('clause = "none"', ""), "'clause' is missing"), ("[[", "not TOML"),
                               (good.replace('["x"]', "[]"), "needs tests")):
            with self.subTest(sentence):
                self.deviations(text)
                self.assertEqual(self.run_sh(), 2)
                self.assertIn(sentence, self.text)


class Baseline(Case):
    def baseline(self, *deeds, flip=None):
        self.order(*deeds)
        self.run_sh("--out", str(self.root / "before"))
        path = self.root / "before/vtd/results.json"
        if flip:
            report = json.loads(path.read_text())
            report["tests"][flip[0]].update(flip[1])
            path.write_text(json.dumps(report))
        return str(path)

    def test_known_failures_are_no_failures(self):
        path = self.baseline("pass", "fail")
        self.assertEqual(self.run_sh("--baseline", path), 0)
        self.assertEqual(self.json()["summary"]["unexpected"], 0)
        self.assertEqual(self.json()["summary"]["failed"], 1)

    def test_flipped_expectation(self):
        for n, change in ((0, {"status": "fail", "kind": "verdict"}), (1, {"status": "pass", "kind": None}),
                          (1, {"kind": "crash"})):
            path = self.baseline("pass", "fail", flip=(n, change))
            self.assertEqual(self.run_sh("--baseline", path), 1)
            self.assertEqual(self.json()["summary"]["unexpected"], 1)
            self.assertIn("differs from the baseline", self.text)

    def test_missing_test_differs_only_in_a_whole_run(self):
        path = self.baseline("pass", "pass")
        self.order("pass")
        self.assertEqual(self.run_sh("--baseline", path), 1)
        self.assertIn("vtd.t.2: was pass, is missing", self.text)
        self.assertEqual(self.run_sh("--baseline", path, "--tests", "vtd.t.1"), 0)

    def test_new_test_is_judged_on_its_own(self):
        path = self.baseline("pass")
        self.order("pass", "pass")
        self.assertEqual(self.run_sh("--baseline", path), 0)
        self.order("pass", "fail")
        self.assertEqual(self.run_sh("--baseline", path), 1)

    def test_bisect_with_baseline(self):
        path = self.baseline("pass", "fail")
        self.assertEqual(self.run_sh("--baseline", path, "--bisect"), 0)

    def test_no_results_json(self):
        self.order("pass")
        path = self.root / "x.json"
        path.write_text('{"tests": [{}]}')
        self.assertEqual(self.run_sh("--baseline", str(path)), 2)
        self.assertIn("not a results.json", self.text)


class Verbose(Case):
    def test_console_is_shown(self):
        self.order("panic")
        self.run_sh("--verbose")
        self.assertIn("| panic: page fault", self.text)
        self.assertIn(str(FAKE), self.text)  # in the command that repeats the test


if __name__ == "__main__":
    unittest.main()
