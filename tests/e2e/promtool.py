"""Gets promtool, Prometheus' own checker of metrics and rules, without installing Prometheus.

Debian's package `prometheus` contains it, but installing that starts a service. So the package is
only downloaded and unpacked, outside the tree, as the Python peers are (peers.py); that needs no
root. Run as a program, it does so if it was not done yet.
"""

import fcntl
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile


def directory():
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(cache) / "xord" / "promtool"


def find():
    """Its path, or None: that of an installed one, else the unpacked one."""
    unpacked = directory() / "promtool"
    return shutil.which("promtool") or (str(unpacked) if unpacked.exists() else None)


def make():
    """Downloads and unpacks it if there is none. Concurrent calls wait for each other."""
    if find():
        return
    place = directory()
    place.mkdir(parents=True, exist_ok=True)
    with open(place / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if find():
            return
        with tempfile.TemporaryDirectory(dir=place) as scratch:
            subprocess.run(["apt-get", "download", "-qq", "prometheus"], cwd=scratch, check=True)
            package = next(pathlib.Path(scratch).glob("prometheus_*.deb"))
            subprocess.run(["dpkg-deb", "-x", package, scratch], check=True)
            os.rename(pathlib.Path(scratch) / "usr/bin/promtool", place / "promtool")


if __name__ == "__main__":
    try:
        make()
    except (OSError, StopIteration, subprocess.CalledProcessError) as error:
        print(f"promtool cannot be downloaded, so the tests that need it are skipped: {error}",
              file=sys.stderr)
        sys.exit(1)
