"""Prints what a test run came to, from CTest's JUnit file and the tally of the end-to-end tests.

The last line is `N passed, N failed, N skipped`; the one before it says how many real peers ran.
Fails when a test failed, or when there is no result at all.
"""

import json
import pathlib
import sys
import xml.etree.ElementTree


def count(text):
    """(passed, failed, skipped) of a JUnit file; a test that did not run counts as failed."""
    passed = failed = skipped = 0
    for case in xml.etree.ElementTree.fromstring(text).iter("testcase"):
        if case.get("status") == "run":
            passed += 1
        elif (case.find("skipped") is not None
              and case.find("skipped").get("message", "").startswith("SKIP_")):
            skipped += 1  # By its own word; CTest marks a missing program in the same way.
        else:
            failed += 1
    return passed, failed, skipped


def servers(lines):
    """How many real Python servers the tests started."""
    return sum(json.loads(line)["python_servers"] for line in lines)


def main(results, tally):
    tally = pathlib.Path(tally)
    lines = tally.read_text().splitlines() if tally.exists() else []
    passed, failed, skipped = 0, 0, 0
    if pathlib.Path(results).exists():
        passed, failed, skipped = count(pathlib.Path(results).read_text())
    if passed + failed + skipped == 0:
        failed = 1  # Nothing ran: that is never a success.
    print(f"real Python servers started: {servers(lines)}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
