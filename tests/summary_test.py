"""Tests of tests/summary.py, on what CTest 3.25 writes for each outcome."""

import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import summary  # noqa: E402

OUTCOMES = """<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="(empty)" tests="6">
  <testcase name="ok" status="run"><system-out></system-out></testcase>
  <testcase name="bad" status="fail"><failure message=""/></testcase>
  <testcase name="skip" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/>
    <system-out>begun
no such kernel
</system-out></testcase>
  <testcase name="gtest" status="notrun">
    <skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/>
    <system-out>[ RUN      ] Suite.Test
/src/test.cc:9: Skipped
no IPv6

[  SKIPPED ] Suite.Test (0 ms)</system-out></testcase>
  <testcase name="gone" status="notrun"><skipped message="Unable to find executable"/></testcase>
  <testcase name="off" status="disabled"></testcase>
</testsuite>"""
PASSING = '<testsuite><testcase name="ok" status="run"/></testsuite>'


class Summary(unittest.TestCase):
    @staticmethod
    def tally(servers, *skipped):
        """What tests/e2e/harness.py writes for one program."""
        return json.dumps({"test": "faults_test", "io": "uring", "python_servers": servers,
                           "skipped": skipped}) + "\n"

    def run_on(self, results, tally):
        with tempfile.TemporaryDirectory() as place:
            result_file, tally_file = pathlib.Path(place, "r.xml"), pathlib.Path(place, "t")
            if results is not None:
                result_file.write_text(results)
            if tally is not None:
                tally_file.write_text(tally)
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                code = summary.main(str(result_file), str(tally_file))
        return code, printed.getvalue().splitlines()

    def test_each_outcome_is_counted_once(self):
        passed, failed, skipped = summary.count(OUTCOMES)
        self.assertEqual((passed, failed), (1, 3))
        self.assertEqual(skipped, ["skip: no such kernel", "gtest: no IPv6"])

    def test_the_last_line_counts_tests_and_the_one_before_it_servers(self):
        tally = self.tally(5) + self.tally(7)
        code, lines = self.run_on(OUTCOMES, tally)
        self.assertEqual(lines[-2:], ["real Python servers started: 12",
                                      "1 passed, 3 failed, 2 skipped"])
        self.assertEqual(code, 1)

    def test_what_a_program_skipped_is_counted_and_named_with_its_reason(self):
        tally = self.tally(1, {"name": "Faults.test_a_full_disk", "reason": "no mount"})
        code, lines = self.run_on(PASSING, tally)
        self.assertEqual(lines, ["skipped: faults_test, uring: Faults.test_a_full_disk: no mount",
                                 "real Python servers started: 1",
                                 "1 passed, 0 failed, 1 skipped"])
        self.assertEqual(code, 0)

    def test_a_run_without_failures_succeeds(self):
        code, lines = self.run_on(PASSING, None)
        self.assertEqual((code, lines[-1]), (0, "1 passed, 0 failed, 0 skipped"))

    def test_a_run_without_results_fails(self):
        self.assertEqual(self.run_on(None, None)[0], 1)
        self.assertEqual(self.run_on("<testsuite/>", None)[0], 1)


if __name__ == "__main__":
    unittest.main()
