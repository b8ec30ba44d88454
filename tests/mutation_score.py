"""Breaks production code at random, in many small ways, and counts how often a test notices.

    python3 tests/mutation_score.py --seed 7 --count 200             of all production code
    python3 tests/mutation_score.py --folder storage node/routing    of these folders
    python3 tests/mutation_score.py --list                           the mutants, as diffs
    python3 tests/mutation_score.py --only 17 23                     these of the draw, once more
    python3 tests/mutation_score.py --programs storage_tests         with no other programs

The mutants are drawn from every site that tests/mutation_sites.py finds; the same seed, folders and
code give the same draw, and a larger count continues it. All of them are compiled into one build,
in a copy of this tree in the --work directory, and XORD_MUTANT=17 in the environment turns one on.
A site that does not compile is left out and reported.

First each test runs without a mutant, in a process of its own, which says what mutants it reaches
(among them those of static initialisation) and how long it takes; one that fails is left out. Then,
for each mutant, those tests run that reach it, from the folder's own to those of the folders above
and a few scenarios of tests/e2e, and of each program the quick ones first, until one fails. Where
tests wait for servers, a busy machine can fail them: what they notice, they must notice twice.
Outcomes are appended to a file, and those that it has already are not run again. Ends with the
score of each folder, and with 0 whatever was missed: what a survivor means is for people to say
(docs/TESTING.md).
"""

import argparse
import collections
import concurrent.futures
import difflib
import hashlib
import json
import os
import pathlib
import random
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time

import mutation_sites

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
PRODUCTION = ("reactor", "node", "storage", "tools")
# Folder: the programs whose tests could notice, nearest first. The innermost folder counts.
SERVED = ["node_server_tests", "tools_tests", "addresses", "cold", "joining", "golden", "oneshot",
          "mixed_network"]
LADDERS = {
    "reactor/base": ["reactor_base_tests", "storage_tests", "node_wire_tests", "node_tests",
                     "reactor_tests", "sim_tests", *SERVED],
    "reactor": ["reactor_tests", "storage_files_tests", "storage_rocks_tests", *SERVED, "faults"],
    "storage/files": ["storage_files_tests", "storage_rocks_tests", *SERVED],
    "storage/rocks": ["storage_rocks_tests", *SERVED, "restart"],
    "storage": ["storage_tests", "node_tests", "sim_tests", "storage_rocks_tests", *SERVED],
    "node/wire": ["node_wire_tests", "node_tests", "sim_tests", *SERVED],
    "node/server": [*SERVED, "admin", "limits", "metrics", "reload", "commands", "log"],
    "node": ["node_tests", "sim_tests", *SERVED],
    "tools/sim": ["sim_tests", "tools_tests"],
    "tools/load": ["tools_tests", "load"],
    "tools/control": ["tools_tests", "commands", "limits", "reload", "top", "store_commands"],
    "tools": ["tools_tests", "commands", "store_commands", *SERVED[2:], "reload"],
}
SLOWER = 10        # A run hangs when a test takes so many times what the slowest in it does.
SECONDS_MIN = 10   # But not before.
SECONDS_UNBROKEN = 600  # Nor, without a mutant, before this.
TIERS = (1, 5)     # Seconds: tests that take less go first, in a run of their own.
TESTS_MAX = 500    # In one run: Linux allows an argument 128 KiB.
MEMORY_MAX = 8 << 30  # The servers of the tests take 4 GB.
ROUNDS_MAX = 20    # Of leaving out what does not compile.
# Where in the copy the switch lies: with the lowest library.
SWITCH = {"mutation_switch.h": "tests", "mutation_switch.cc": "reactor/base"}


def innermost(path, folders):
    return max((one for one in folders if path.startswith(one + "/")), key=len, default=None)


def ladder_of(path, programs=None):
    """The programs that may notice a mutant of this file, of those that were asked for."""
    return [one for one in LADDERS[innermost(path, LADDERS)] if not programs or one in programs]


def listed_files(root):
    git = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"],
                         cwd=root, capture_output=True, text=True, check=False)
    if git.returncode == 0:
        names = git.stdout.splitlines()
    else:  # An unpacked archive.
        names = [str(path.relative_to(root)) for path in root.rglob("*")]
    return sorted(name for name in names if (root / name).is_file() and
                  not name.startswith(("build/", ".git/")))


def all_sites(root, folders, programs=None):
    """Every site of the production code below these folders, or these files."""
    for path in listed_files(root):
        if path.endswith((".h", ".cc")) and innermost(path, LADDERS) and \
                any(path == one or path.startswith(one + "/") for one in folders) and \
                ladder_of(path, programs):
            yield from mutation_sites.sites_in(path, (root / path).read_text())


def drawn(sites, seed, count):
    """{number: site}, from 1; a larger count only adds to it."""
    order = list(sites)
    random.Random(seed).shuffle(order)
    return dict(enumerate(order[:count], 1))


def diff_of(root, site):
    text = (root / site.path).read_text()
    return "".join(difflib.unified_diff(text.splitlines(True), site.applied(text).splitlines(True),
                                        f"a/{site.path}", f"b/{site.path}", n=1))


def identity(root, site):
    """The same for a site as long as its file does not change."""
    text = (root / site.path).read_text()
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{site.path}:{site.line} {digest}+{site.start}-{site.end} {site.name} {site.mutated}"


class Build:
    """A copy of the tree with the mutants in it, and its build directory."""

    def __init__(self, root, work, mutants, prefix=""):
        self.root, self.tree, self.mutants = root, work / "tree", dict(mutants)
        self.prefix = shlex.split(prefix)
        self.left_out = []
        self.environment = {**os.environ, "CCACHE_BASEDIR": str(work), "CCACHE_NOHASHDIR": "true"}

    def write(self, mutants):
        """Only files that change are touched, so that little is built again."""
        texts = {name: (self.root / name).read_bytes() for name in listed_files(self.root)}
        for path in {site.path for site in self.mutants.values()}:
            own = {number: site for number, site in mutants.items() if site.path == path}
            texts[path] = mutation_sites.instrumented(texts[path].decode(), own).encode()
        for name, folder in SWITCH.items():
            texts[f"{folder}/{name}"] = (HERE / name).read_bytes()
        for old in self.tree.rglob("*.cc"):
            name = str(old.relative_to(self.tree))
            if name not in texts and not name.startswith("build/"):
                old.unlink()
        for name, text in texts.items():
            path = self.tree / name
            if not path.is_file() or path.read_bytes() != text:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(text)
                if (self.root / name).exists():
                    path.chmod((self.root / name).stat().st_mode)
        return hashlib.sha256(b"".join(name.encode() + texts[name] for name in sorted(texts)
                                       if not name.startswith("tests/mutation_score")))

    def run(self, *command):
        ran = subprocess.run(command, cwd=self.tree, env=self.environment, text=True, check=False,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace")
        return ran.returncode == 0, ran.stdout

    def make(self, targets):
        """Builds, and leaves out what does not compile; a digest of what was built."""
        self.write(self.mutants)
        configured, output = self.run(
            "cmake", "-S", ".", "-B", "build", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug",
            "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", "-DCMAKE_CXX_FLAGS_DEBUG=-O1",
            "-DCMAKE_CXX_FLAGS=-w -Wno-narrowing -fdiagnostics-color=never -include "
            f"{self.tree}/tests/mutation_switch.h")
        if not configured:
            sys.exit(output)
        self._check_headers()
        for _ in range(ROUNDS_MAX):
            digest = self.write(self.mutants).hexdigest()
            built, output = self.run(*self.prefix, "cmake", "--build", "build", "-j", "2",
                                     "--target", *targets, "--", "-k", "0")
            if built:
                return digest
            if not self._leave_out(self.blamed(output)):
                failed = re.findall(r"^FAILED: \S+?\.dir/(\S+)\.o\b", output, re.M)
                headers = {path for path in self._paths() if path.endswith(".h")}
                broken = [number for source in failed for number in
                          self._culprits(source, self._numbers({source} | headers))]
                if not self._leave_out(broken):
                    sys.exit(f"does not build, and no mutant is the reason:\n{output[-4000:]}")
        sys.exit(f"does not build after {ROUNDS_MAX} rounds")

    def _paths(self):
        return {site.path for site in self.mutants.values()}

    def _numbers(self, paths):
        return [number for number, site in self.mutants.items() if site.path in paths]

    def _leave_out(self, numbers):
        for number in set(numbers):
            self.left_out.append(number)
            del self.mutants[number]
        return bool(numbers)

    def blamed(self, output):
        """The mutants on the lines that errors name; else on the lines that their notes name."""
        for what in (r"(?:fatal )?error: ", r".*"):
            lines = {(os.path.normpath(self.tree / "build" / path), int(line)) for path, line in
                     re.findall(rf"^(\S+?):(\d+):\d+: {what}", output, re.M)}
            found = [number for number, site in self.mutants.items() if any(
                (str(self.tree / site.path), line) in lines for line in self._lines(site))]
            if found:
                return found
        return []

    def _lines(self, site):
        text = (self.root / site.path).read_text()
        return range(text.count("\n", 0, site.start) + 1, text.count("\n", 0, site.end) + 2)

    def _check_headers(self):
        """A header is compiled in many places: its mutants are tried alone, before all of them."""
        for path in sorted(self._paths()):
            while path.endswith(".h") and self._numbers({path}):
                compiled, output = self._compiles(path)
                if compiled:
                    break
                if not self._leave_out(self.blamed(output)):
                    self._leave_out(self._culprits(path, self._numbers({path})))

    def _compiles(self, path):
        entries = json.loads((self.tree / "build" / "compile_commands.json").read_text())
        near = max(entries, key=lambda one: len(os.path.commonprefix(
            [one["file"], str(self.tree / path)])))
        options = [one for one in shlex.split(near["command"])[1:]
                   if re.match(r"-[DIfWw]|-isystem|-std|-include$|/.*mutation_switch.h$|/usr", one)
                   and not one.endswith(("c++", "g++"))]
        return self.run(*self.prefix, "c++", *options, "-fsyntax-only", "-x", "c++", path)

    def _culprits(self, path, numbers):
        """Which of these keep this file from compiling, by halves."""
        others = {number: site for number, site in self.mutants.items() if number not in numbers}

        def broken(suspects):
            self.write({**others, **{number: self.mutants[number] for number in suspects}})
            if not suspects or self._compiles(path)[0]:
                return []
            if len(suspects) == 1:
                return suspects
            half = len(suspects) // 2
            return broken(suspects[:half]) + broken(suspects[half:])
        return broken(numbers)


class Program:
    """A test program, or a scenario of tests/e2e; each run has a process group of its own."""

    def __init__(self, name, command, work, cwd):
        self.name, self.command, self.work, self.cwd = name, command, work, cwd
        self.has_tests = name.endswith("_tests")  # That GoogleTest can run alone.
        self.waits = name in SERVED or not self.has_tests  # For servers, in real time.
        self.tests = {}  # {name: (seconds, mutants reached)} without a mutant; of a scenario, {""}.

    def listed(self):
        """The names of its tests; a scenario is one."""
        if not self.has_tests:
            return [""]
        ran = subprocess.run([*self.command, "--gtest_list_tests"], cwd=self.cwd, text=True,
                             capture_output=True, check=False)
        return tests_listed(ran.stdout) if ran.returncode == 0 else []

    def runs_for(self, mutant):
        """The tests that reach it, in so many runs, the quick ones first."""
        tiers = [[] for _ in range(len(TIERS) + 1)]
        for test, (took, reached) in self.tests.items():
            if mutant in reached:
                tiers[sum(took >= edge for edge in TIERS)].append(test)
        return [tier[at:at + TESTS_MAX] for tier in tiers for at in range(0, len(tier), TESTS_MAX)]

    def bound_of(self, tests):
        """Seconds without a word."""
        return max(SECONDS_MIN, SLOWER * max(self.tests[test][0] for test in tests))

    def run(self, tests, bound, mutant=None, marks=None):
        """(exit code, or None when it had to be ended; what it printed)"""
        command = self.command + ([f"--gtest_filter={':'.join(tests)}"] if self.has_tests else [])
        with tempfile.TemporaryDirectory(dir=self.work) as scratch, \
                tempfile.TemporaryFile() as output:
            os.chmod(scratch, 0o1777)  # As /tmp is: some tests go on as another user.
            environment = {**os.environ, "TMPDIR": scratch, "PYTHONUNBUFFERED": "1"}
            environment.update({"XORD_MUTANT": str(mutant)} if mutant else {})
            environment.update({"XORD_MUTANTS_REACHED": str(marks)} if marks else {})
            running = subprocess.Popen(command, cwd=self.cwd, env=environment, stdout=output,
                                       stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                       start_new_session=True, preexec_fn=first_to_go)
            code = self._await(running, output, bound)
            output.seek(0)
            return code, output.read().decode(errors="replace")

    def run_unbroken(self, test, count):
        """(exit code, what it printed, seconds, the mutants of so many that it reaches)"""
        with tempfile.NamedTemporaryFile(dir=self.work) as marks:
            marks.write(bytes(count + 1))
            marks.flush()
            begun = time.monotonic()
            code, output = self.run([test], SECONDS_UNBROKEN, marks=marks.name)
            took = time.monotonic() - begun
            reached = pathlib.Path(marks.name).read_bytes()
            return code, output, took, [number for number, mark in enumerate(reached) if mark]

    def notices(self, tests, mutant):
        """(outcome, by what), or None."""
        code, output = self.run(tests, self.bound_of(tests), mutant=mutant)
        begun = re.findall(r"^\[ RUN      \] (\S+)", output, re.M)
        at = begun[-1] if begun else "it"
        if code is None:
            return "timed out", f"{self.name}: {at} hangs, or takes all memory"
        if code != 0:
            return "noticed", f"{self.name}: {why_of(output, f'{at} ends with {code}')}"
        return None

    def _await(self, running, output, bound):
        size, since = 0, time.monotonic()
        while True:
            try:
                return running.wait(0.2)
            except subprocess.TimeoutExpired:
                now, before, size = time.monotonic(), size, os.fstat(output.fileno()).st_size
                since = now if size != before else since
                if now - since > bound or memory_of(running.pid) > MEMORY_MAX:
                    os.killpg(running.pid, signal.SIGKILL)
                    running.wait()
                    return None


def memory_of(pid):
    """Bytes; 0 when the process has just ended."""
    try:
        pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE")
    except (OSError, IndexError):
        return 0


def first_to_go():
    """A mutant that takes all memory must not be the end of another process."""
    os.nice(5)
    pathlib.Path("/proc/self/oom_score_adj").write_text("1000")


def program_named(name, work):
    build = work / "tree" / "build"
    scenario = work / "tree" / "tests" / "e2e" / f"{name}_test.py"
    if name.endswith("_tests"):
        command = [str(build / name), "--gtest_fail_fast"]
    else:
        command = [sys.executable, str(scenario), "--xord", str(build / "xord"), "--slow", "2",
                   "--failfast"]
    return Program(name, command, work, work / "tree")


def tests_listed(output):
    """The tests that --gtest_list_tests prints, but those that are disabled."""
    suite, found = None, []
    for line in output.splitlines():
        words = line.split()
        if words and line.startswith("  ") and suite:
            found.append(suite + words[0])
        elif words:
            suite = words[0] if words[0].endswith(".") else None
    return [name for name in found if not re.search(r"(?:^|[./])DISABLED_", name)]


def run_unbroken(programs, count, digest, work, jobs):
    """What each test takes and reaches without a mutant, kept with the digest of the build."""
    kept_in = work / "unbroken_tests.json"
    kept = json.loads(kept_in.read_text()) if kept_in.exists() else {}
    for program in list(programs):
        known = kept.setdefault(f"{program.name} {digest}", {})
        new = [test for test in program.listed() if test not in known]
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            ran = pool.map(lambda test, one=program: one.run_unbroken(test, count), new)
            for test, (code, output, took, reached) in zip(new, ran):
                if code == 0:
                    known[test] = [took, reached]
                    continue
                why = "is skipped here" if code == 77 else f"fails unbroken:\n{output[-2000:]}"
                print(f"{program.name} {test}".rstrip(), f"is left out: it {why}", flush=True)
        kept_in.write_text(json.dumps(kept))
        program.tests = {test: (took, set(reached)) for test, (took, reached) in known.items()}
        if not program.tests:
            print(f"{program.name} is left out: no test of it passes", flush=True)
            programs.remove(program)
            continue
        took, reached = zip(*program.tests.values())
        print(f"{program.name} without a mutant: {len(took)} tests pass, in {sum(took):.0f} s, the "
              f"slowest in {max(took):.1f} s; they reach {len(set().union(*reached))} mutants",
              flush=True)


def why_of(output, fallback):
    failed = re.search(r"^\[  FAILED  \] (\w+(?:/\w+)*\.[\w/]+)|^(?:FAIL|ERROR): (\w+)", output,
                       re.M)
    said = re.search(r"this does not hold: .*", output)
    return failed.group(1) or failed.group(2) if failed else said.group() if said else fallback


def try_mutant(number, ladder):
    """(outcome, by what) of the tests that reach it, in this order of their programs."""
    tried, once = {}, ""
    for program in ladder:
        for tests in program.runs_for(number):
            tried[program.name] = tried.get(program.name, 0) + len(tests)
            found = program.notices(tests, number)
            if found and program.waits and not program.notices(tests, number):
                once += f"; once, but not twice, {found[1]}"
            elif found:
                return found
    if not tried:
        return "missed", "no program reaches it"
    return "missed", "by " + " ".join(f"{name}:{count}" for name, count in tried.items()) + once


class Outcomes:
    """What became of each mutant: one line of JSON each, the last one counts."""

    def __init__(self, path):
        self.path, self.lock = path, threading.Lock()
        lines = path.read_text().splitlines() if path.exists() else []
        self.known = {one["mutant"]: one for one in map(json.loads, lines)}

    def of(self, mutant):
        return self.known.get(mutant, {"outcome": "not run"})["outcome"]

    def add(self, mutant, number, outcome, by, seed):
        line = {"mutant": mutant, "number": number, "seed": seed, "outcome": outcome, "by": by}
        with self.lock:
            self.known[mutant] = line
            with self.path.open("a") as file:
                file.write(json.dumps(line) + "\n")


def table_of(outcomes):
    """The score of each folder, of [(path, outcome)]; not of those that did not compile."""
    names = ["noticed", "timed out", "missed", "not compiled", "not run"]
    tally = collections.defaultdict(collections.Counter)
    for path, outcome in outcomes:
        for folder in {str(pathlib.PurePath(path).parent), path.split("/")[0] + "/*"}:
            tally[folder][outcome] += 1
    rows = [f"{'folder':24}" + "".join(f"{name:>14}" for name in names) + f"{'score':>8}"]
    for folder in sorted(tally):
        counts = tally[folder]
        found = counts["noticed"] + counts["timed out"]
        ran = found + counts["missed"]
        score = f"{100 * found / ran:.0f} %" if ran else "-"
        rows.append(f"{folder:24}" + "".join(f"{counts[name]:14}" for name in names) +
                    f"{score:>8}")
    return "\n".join(rows)


def score(root, arguments, program=program_named):
    """Builds, runs and reports; the outcomes, {number: (outcome, by what)}."""
    work, wanted = arguments.work, arguments.programs
    mutants = drawn(all_sites(root, arguments.folder, wanted), arguments.seed, arguments.count)
    names = list(dict.fromkeys(name for site in mutants.values()
                               for name in ladder_of(site.path, wanted)))
    ends = time.monotonic() + 60 * arguments.time
    work.mkdir(parents=True, exist_ok=True)
    outcomes = Outcomes(arguments.outcomes or work / "outcomes.jsonl")
    named = {number: identity(root, site) for number, site in mutants.items()}
    compiled = {number: site for number, site in mutants.items()
                if outcomes.of(named[number]) != "not compiled"}
    build = Build(root, work, compiled, arguments.prefix)
    digest = build.make(list(dict.fromkeys(
        name if name.endswith("_tests") else "xord" for name in names)))
    for number in build.left_out:
        outcomes.add(named[number], number, "not compiled", "", arguments.seed)
    if arguments.time == 0:
        return {}
    programs = [program(name, work) for name in names]
    run_unbroken(programs, len(mutants), digest, work, arguments.jobs)

    def one(number):
        site = mutants[number]
        if number not in build.mutants or time.monotonic() > ends or \
                (outcomes.of(named[number]) != "not run" and number not in arguments.only):
            return
        allowed = ladder_of(site.path, wanted)
        ladder = sorted((each for each in programs if each.name in allowed),
                        key=lambda each: allowed.index(each.name))
        outcome, by = try_mutant(number, ladder)
        outcomes.add(named[number], number, outcome, by, arguments.seed)
        print(f"{number:4} {outcome:12} {site.path}:{site.line} {site.name}  {by}", flush=True)

    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        list(pool.map(one, arguments.only or mutants))
    unknown = {"outcome": "not run", "by": ""}
    found = {number: outcomes.known.get(named[number], unknown) for number in mutants}
    for number, line in found.items():
        if line["outcome"] in {"missed", "not compiled"}:
            print(f"\n{number} {line['outcome']}: {line['by']}\n{diff_of(root, mutants[number])}")
    print(table_of([(mutants[number].path, line["outcome"]) for number, line in found.items()]))
    return {number: (line["outcome"], line["by"]) for number, line in found.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=random.randrange(10**8))
    parser.add_argument("--count", type=int, default=100, help="mutants")
    parser.add_argument("--folder", nargs="+", default=PRODUCTION, help="folders or files")
    parser.add_argument("--programs", nargs="+", metavar="NAME",
                        help="only these, and only code that one of them tests")
    parser.add_argument("--list", action="store_true", help="show the mutants and do nothing")
    parser.add_argument("--only", type=int, nargs="+", metavar="K", default=[])
    parser.add_argument("--time", type=float, metavar="MINUTES", default=24 * 60,
                        help="after which no other mutant is begun; 0 builds only")
    parser.add_argument("--jobs", type=int, default=2,
                        help="mutants, or tests without one, at a time")
    parser.add_argument("--work", type=pathlib.Path, help="where the copy is built, and stays",
                        default=pathlib.Path(tempfile.gettempdir()) / "xord_mutation_score")
    parser.add_argument("--outcomes", type=pathlib.Path, help="a file; else one in --work")
    parser.add_argument("--prefix", default="nice", help="put before the command that builds")
    arguments = parser.parse_args()
    arguments.folder = [one.rstrip("/") for one in arguments.folder]
    arguments.work = arguments.work.resolve()
    if arguments.work.is_relative_to(ROOT):
        sys.exit("--work lies in the repository")
    print(f"seed {arguments.seed}", flush=True)
    if arguments.list:
        sites = all_sites(ROOT, arguments.folder, arguments.programs)
        for number, site in drawn(sites, arguments.seed, arguments.count).items():
            print(f"{number} {site.name}\n{diff_of(ROOT, site)}")
        return
    score(ROOT, arguments)


if __name__ == "__main__":
    main()
