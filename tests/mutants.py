"""Breaks production code on purpose, one patch at a time, and prints which test notices.

    python3 tests/mutants.py                     all of tests/mutants/*.patch
    python3 tests/mutants.py timer-early ...     these

Each patch begins with a sentence that says what it breaks, then `Tests:` with the test programs
that should notice, in the order in which they are run; `program:FILTER` runs only the tests that
this gtest filter names. The work is done on a clone of HEAD below build/, so that this tree is not
touched. First it checks that the programs pass there unbroken, and that each filter names existing
tests. Exits with 1 when a patch does not apply, does not build, or is not noticed.
"""

import argparse
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PATCHES = ROOT / "tests" / "mutants"
SCRATCH = ROOT / "build" / "mutants"
RUN_SECONDS = 300  # A broken wake-up or loop may hang for ever: that counts as noticed.
UNBROKEN_SECONDS = 1800  # A whole program beside other work.


class Asked:
    """A program, and which of its tests: all of them, or those of a filter."""

    def __init__(self, text):
        self.text = text
        self.program, _, self.filter = text.partition(":")

    def command(self, *options):
        filtered = [f"--gtest_filter={self.filter}"] if self.filter else []
        return [f"build/debug/{self.program}", *filtered, *options]

    def patterns(self):
        """Each pattern of the filter as an Asked of its own, without those after a minus."""
        wanted = self.filter.split("-", 1)[0].split(":") if self.filter else []
        return [Asked(f"{self.program}:{pattern}") for pattern in wanted]


class Mutant:
    def __init__(self, path):
        head = path.read_text().split("\ndiff ", 1)[0]
        self.path = path
        self.name = path.stem
        self.sentence = head.splitlines()[0]
        tests = re.search(r"^Tests: (.+)$", head, re.M).group(1).split()
        self.asked = [Asked(text) for text in tests]
        self.programs = list(dict.fromkeys(each.program for each in self.asked))


def call(*command):
    return subprocess.run(command, cwd=SCRATCH, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", check=False)


def make_scratch():
    """A clone of HEAD that keeps its build directory from one run to the next."""
    if not (SCRATCH / ".git").exists():
        SCRATCH.parent.mkdir(exist_ok=True)
        subprocess.run(["git", "clone", "--quiet", "--shared", str(ROOT), str(SCRATCH)], check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, check=True,
                          stdout=subprocess.PIPE, text=True).stdout.strip()
    for command in (["git", "fetch", "--quiet", "origin", head],
                    ["git", "reset", "--quiet", "--hard", head]):
        subprocess.run(command, cwd=SCRATCH, check=True)
    if not (SCRATCH / "build" / "debug" / "build.ninja").exists():
        configured = call("cmake", "--preset", "debug")
        if configured.returncode != 0:
            sys.exit(configured.stdout)


def build(programs):
    return call("cmake", "--build", "--preset", "debug", "--target", *programs)


def names_tests(asked):
    listed = call(*asked.command("--gtest_list_tests"))
    return listed.returncode == 0 and re.search(r"^  \S", listed.stdout, re.M) is not None


def noticed_by(asked, seconds=RUN_SECONDS):
    """Which test fails first, as the end of a sentence; None when all pass."""
    try:
        ran = subprocess.run(asked.command("--gtest_fail_fast"), cwd=SCRATCH,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             errors="replace", check=False, timeout=seconds)
    except subprocess.TimeoutExpired as ended:
        begun = re.findall(r"\[ RUN      \] (\S+)", (ended.stdout or b"").decode(errors="replace"))
        return f"{begun[-1] if begun else asked.text}, which hangs"
    if ran.returncode == 0:
        return None
    failed = re.search(r"^\[  FAILED  \] (\w+(?:/\w+)*\.[\w/]+)", ran.stdout, re.M)
    if failed:
        return failed.group(1)
    begun = re.findall(r"\[ RUN      \] (\S+)", ran.stdout)
    return f"{begun[-1] if begun else asked.text}, which aborts"


def try_mutant(mutant):
    """(noticed, what to print)"""
    applied = call("git", "apply", "-C1", str(mutant.path))
    if applied.returncode != 0:
        return False, f"does not apply: {applied.stdout.strip()}"
    try:
        built = build(mutant.programs)
        if built.returncode != 0:
            return False, f"does not build:\n{built.stdout[-2000:]}"
        for asked in mutant.asked:
            by = noticed_by(asked)
            if by is not None:
                return True, f"noticed by {asked.program}: {by}"
        return False, f"NOT NOTICED by {' '.join(asked.text for asked in mutant.asked)}"
    finally:
        subprocess.run(["git", "checkout", "--quiet", "."], cwd=SCRATCH, check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="of tests/mutants/NAME.patch")
    names = parser.parse_args().names
    mutants = [Mutant(path) for path in sorted(PATCHES.glob("*.patch"))
               if not names or path.stem in names]
    unknown = set(names) - {mutant.name for mutant in mutants}
    if unknown or not mutants:
        sys.exit(f"no such patch: {' '.join(sorted(unknown))}")

    make_scratch()
    programs = sorted({program for mutant in mutants for program in mutant.programs})
    built = build(programs)
    if built.returncode != 0:
        sys.exit(built.stdout[-4000:])
    # A filter for tests that were renamed would pass, whatever is broken.
    nameless = [f"{mutant.name}: no test of {pattern.program} is named {pattern.filter}"
                for mutant in mutants for asked in mutant.asked for pattern in asked.patterns()
                if not names_tests(pattern)]
    if nameless:
        sys.exit("\n".join(nameless))
    for program in programs:
        by = noticed_by(Asked(program), UNBROKEN_SECONDS)
        if by is not None:
            sys.exit(f"{program} fails without any patch: {by}")

    survived = 0
    for mutant in mutants:
        noticed, text = try_mutant(mutant)
        survived += not noticed
        print(f"{mutant.name:24} {mutant.sentence}\n{'':24} {text}", flush=True)
    print(f"{len(mutants)} patches, {len(mutants) - survived} noticed, {survived} not")
    sys.exit(1 if survived else 0)


if __name__ == "__main__":
    main()
