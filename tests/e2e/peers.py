"""Makes the Python environment with the real peers: the `kademlia` library from PyPI, pinned.

It lies outside the tree, named for its contents, so that clones share it and a changed pin makes a
new one. Run as a program, it creates the environment if it is missing and prints nothing else. A
test calls use(): it continues inside that environment, or ends as skipped (failed in CI).
"""

import fcntl
import hashlib
import os
import pathlib
import subprocess
import sys

REQUIREMENTS = pathlib.Path(__file__).with_name("requirements.txt")
SKIPPED = 77  # CTest's SKIP_RETURN_CODE for these tests.


def directory():
    """Where the environment for these pins and this Python is, or would be."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    what = REQUIREMENTS.read_bytes() + sys.version.encode()
    return pathlib.Path(cache) / "xord" / ("venv-" + hashlib.sha256(what).hexdigest()[:16])


def complete(place):
    return (place / "complete").exists()


def make():
    """Creates the environment if it does not exist. Concurrent calls wait for each other."""
    place = directory()
    if complete(place):
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    with open(str(place) + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if complete(place):
            return
        subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)
        subprocess.run([place / "bin/python", "-m", "pip", "install", "--quiet", "--no-deps",
                        "--disable-pip-version-check", "-r", REQUIREMENTS], check=True)
        (place / "complete").touch()


def use():
    """Returns inside the environment; outside it, restarts this program in it."""
    place = directory()
    if complete(place):
        if os.path.samefile(sys.prefix, place):
            return
        os.execv(place / "bin/python", [str(place / "bin/python"), *sys.argv])
    print("the Python packages of tests/e2e/requirements.txt are not installed: run "
          "`python3 tests/e2e/peers.py` where PyPI can be reached; until then no test with real "
          "Python peers runs")
    sys.exit(1 if os.environ.get("CI") == "true" else SKIPPED)


if __name__ == "__main__":
    try:
        make()
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"the real Python peers cannot be installed, so the tests that need them are "
              f"skipped: {error}", file=sys.stderr)
        sys.exit(1)
