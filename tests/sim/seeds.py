"""Simulated networks under faults: all of regressions.txt, then new seeds for a minute.

The base seed is derived from the commit's hash, so that rerunning a commit repeats its seeds and
each commit tries new ones; without git it is 1. A failure prints the command that repeats it.
"""

import argparse
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def regressions():
    """(arguments, commit, sentence) of each line: ARGUMENTS | COMMIT | SENTENCE."""
    for line in (HERE / "regressions.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            arguments, commit, sentence = (part.strip() for part in line.split("|"))
            yield arguments.split(), commit, sentence


def base_seed():
    git = subprocess.run(["git", "rev-parse", "HEAD"], cwd=HERE, capture_output=True, text=True)
    return int(git.stdout[:7], 16) * 1000 if git.returncode == 0 else 1


def simulate(xord, arguments):
    """The last lines that it printed when it failed; empty when all checks held."""
    run = subprocess.run([xord, "sim", *arguments], capture_output=True, text=True)
    print(run.stdout, end="")
    if run.returncode == 0:
        return ""
    return "\n".join(run.stderr.splitlines()[-7:]) + f"\nexit code {run.returncode}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--xord", required=True)
    parser.add_argument("--for", dest="length", default="60s")
    options = parser.parse_args()
    failures = []
    for arguments, commit, sentence in regressions():
        print(f"regression of {commit}: {sentence}: xord sim {' '.join(arguments)}", flush=True)
        failures.append(simulate(options.xord, arguments))
    seed = base_seed()
    print(f"base seed {seed}", flush=True)
    failures.append(simulate(options.xord, ["--seed", str(seed), "--for", options.length]))
    for failure in filter(None, failures):
        print(failure)
    return 1 if any(failures) else 0


if __name__ == "__main__":
    sys.exit(main())
