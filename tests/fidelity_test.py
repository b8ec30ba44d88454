"""The tables of docs/FIDELITY.md name tests and patches that exist, and leave out no line; the
patches apply to the code as it is.

A name that ends in `...` or `*` is the beginning of a test's name, and so is `Suite.` alone.
"""

import pathlib
import re
import subprocess
import unittest

TESTS = pathlib.Path(__file__).resolve().parent
ROW = re.compile(r"^\| (.+?) \| (.+) \| (.+?) \| (.+?) \|$", re.M)
QUOTED = re.compile(r"`([^`]+)`")
DEFINED = re.compile(r"^TEST(?:_[FP])?\(\s*(\w+),\s*(\w+)", re.M)


def rows():
    """(first cell, named tests, named patches) of each row of both tables."""
    document = (TESTS.parent / "docs" / "FIDELITY.md").read_text()
    for first, _, tests, patches in ROW.findall(document):
        if QUOTED.search(patches):
            yield first, QUOTED.findall(tests), QUOTED.findall(patches)


def defined_tests():
    for source in TESTS.rglob("*.cc"):
        yield from (f"{suite}.{name}" for suite, name in DEFINED.findall(source.read_text()))


class Fidelity(unittest.TestCase):
    def test_all_lines_of_the_paper_are_there(self):
        numbers = [first for first, _, _ in rows() if first.isdigit()]
        self.assertEqual(numbers, [str(number) for number in range(1, 44)])

    def test_every_named_test_is_defined(self):
        defined = list(defined_tests())
        for first, tests, _ in rows():
            self.assertTrue(tests, first)
            for test in tests:
                begin = re.sub(r"(\.\.\.|\*)$", "", test)
                is_open = begin != test or "." not in test
                found = [name for name in defined
                         if name == test or (is_open and name.startswith(begin))]
                self.assertTrue(found, f"{first}: {test}")

    def test_every_named_patch_is_one(self):
        for first, _, patches in rows():
            for patch in patches:
                self.assertTrue((TESTS / "mutants" / f"{patch}.patch").exists(),
                                f"{first}: {patch}")

    def test_every_patch_applies(self):
        patches = sorted((TESTS / "mutants").glob("*.patch"))
        self.assertTrue(patches)
        for patch in patches:
            with self.subTest(patch.name):
                applied = subprocess.run(["git", "apply", "--check", "-C1", patch],
                                         cwd=TESTS.parent, capture_output=True, text=True)
                self.assertEqual(applied.returncode, 0, applied.stderr)


if __name__ == "__main__":
    unittest.main()
