"""Prints the outcome of a test run, from CTest's JUnit file and the tally of the end-to-end tests.

The last line is `N passed, N failed, N skipped`; the one before it says how many real peers ran;
skipped tests come first, with the reason. An end-to-end program counts as one test, as in CTest,
and each test that it skipped counts as one more skipped. Fails when a test failed, or when there is
no result at all.
"""

import json
import pathlib
import re
import sys
import xml.etree.ElementTree


def reason_of(case):
    """Why a test skipped itself, from its output: GoogleTest's message, or the last line."""
    printed = (case.findtext("system-out") or "").strip()
    message = re.search(r": Skipped\n(.*)", printed)
    return message.group(1) if message else printed.splitlines()[-1] if printed else "no reason"


def count(text):
    """(passed, failed, skipped) of a JUnit file, the last with a line for each; a test that did not
    run counts as failed."""
    passed = failed = 0
    skipped = []
    for case in xml.etree.ElementTree.fromstring(text).iter("testcase"):
        if case.get("status") == "run":
            passed += 1
        elif (case.find("skipped") is not None
              and case.find("skipped").get("message", "").startswith("SKIP_")):
            # As it reported itself; CTest marks a missing program in the same way.
            skipped.append(f"{case.get('name')}: {reason_of(case)}")
        else:
            failed += 1
    return passed, failed, skipped


def skipped_within(tally):
    """A line for each test that an end-to-end program skipped while its others ran."""
    return [f"{one['test']}, {one['io']}: {skip['name']}: {skip['reason']}"
            for one in tally for skip in one["skipped"]]


def main(results, tally):
    tally = pathlib.Path(tally)
    lines = tally.read_text().splitlines() if tally.exists() else []
    tally = [json.loads(line) for line in lines]
    passed, failed, skipped = 0, 0, []
    if pathlib.Path(results).exists():
        passed, failed, skipped = count(pathlib.Path(results).read_text())
    if passed + failed + len(skipped) == 0:
        failed = 1  # Nothing ran: that is never a success.
    skipped += skipped_within(tally)
    for line in skipped:
        print(f"skipped: {line}")
    print(f"real Python servers started: {sum(one['python_servers'] for one in tally)}")
    print(f"{passed} passed, {failed} failed, {len(skipped)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
