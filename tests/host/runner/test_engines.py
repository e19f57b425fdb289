"""--engine: other devices than the platform's, and disks that nobody may write."""

import re
import unittest

from base import Case

ENGINE = """
arguments = ["-audiodev", "none,id=silence"]
[[devices]]
driver = "edu"
kept_mib = 1
options = { addr = "08.0" }
"""


class Engines(Case):
    def engine(self, text=ENGINE):
        folder = self.root / "tests" / "platforms" / "engines"
        folder.mkdir(parents=True)
        (folder / "odd.toml").write_text(text)

    def test_devices_take_the_place_of_the_platforms(self):
        self.engine()
        self.order("pass")
        self.assertEqual(self.run_sh("--engine", "odd"), 0)
        call = self.calls()[0]
        devices = [call[i + 1] for i, word in enumerate(call) if word == "-device"]
        self.assertIn("edu,addr=08.0,drive=disk0", devices)
        self.assertFalse([d for d in devices if d.startswith("nvme")])
        self.assertIn("none,id=silence", call)
        self.assertNotIn("scratch=on", self.words()[0])
        self.assertIn("engine=odd", self.words()[0])
        self.assertRegex(self.text, re.compile("1 that nobody may write, 0 of them changed"))

    def test_an_engine_without_a_file_is_the_platforms_own(self):
        self.order("pass")
        self.assertEqual(self.run_sh("--engine", "nvme"), 0)
        self.assertTrue([w for w in self.calls()[0] if w.startswith("nvme,")])

    def test_device_that_this_emulator_lacks(self):
        self.engine(ENGINE.replace("edu", "igb"))
        self.order("pass")
        self.assertEqual(self.run_sh("--engine", "odd"), 2)
        self.assertIn("has no igb, which the engine odd needs", self.text)

    def test_a_write_to_a_kept_disk_is_a_failure(self):
        self.engine()
        self.order("write-disk")
        self.assertEqual(self.run_sh("--engine", "odd"), 1)
        self.assertIn("A disk that nobody may write has changed", self.text)

    def test_deviations_of_a_less_able_engine(self):
        self.deviations('[[deviation]]\nid = "d"\ntests = ["vtd.t.1"]\nrequirement = "VTD-X-001"\nversions = ">=7.2"\n'
                        'seen = ["other", "refused", "more"]\nwhere = "x"\nclause = "y"\nnote = "z"\nprovisional = false\n')
        self.engine()
        self.order("fail")
        self.assertEqual(self.run_sh("--engine", "odd"), 0)
        self.assertEqual(self.run_sh(), 1)


if __name__ == "__main__":
    unittest.main()
