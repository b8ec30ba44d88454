"""Tests of tests/summary.py, on what CTest 3.25 writes for each outcome."""

import contextlib
import io
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
  <testcase name="skip" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/></testcase>
  <testcase name="gtest" status="notrun">
    <skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/></testcase>
  <testcase name="gone" status="notrun"><skipped message="Unable to find executable"/></testcase>
  <testcase name="off" status="disabled"></testcase>
</testsuite>"""


class Summary(unittest.TestCase):
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
        self.assertEqual(summary.count(OUTCOMES), (1, 3, 2))

    def test_the_last_line_counts_tests_and_the_one_before_it_servers(self):
        tally = '{"python_servers": 5}\n{"python_servers": 7}\n'
        code, lines = self.run_on(OUTCOMES, tally)
        self.assertEqual(lines[-2:], ["real Python servers started: 12",
                                      "1 passed, 3 failed, 2 skipped"])
        self.assertEqual(code, 1)

    def test_a_run_without_failures_succeeds(self):
        passing = '<testsuite><testcase name="ok" status="run"/></testsuite>'
        code, lines = self.run_on(passing, None)
        self.assertEqual((code, lines[-1]), (0, "1 passed, 0 failed, 0 skipped"))

    def test_a_run_without_results_fails(self):
        self.assertEqual(self.run_on(None, None)[0], 1)
        self.assertEqual(self.run_on("<testsuite/>", None)[0], 1)


if __name__ == "__main__":
    unittest.main()
