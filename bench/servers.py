"""The servers that bench/run.py puts under load: floors, xords, and a node of the Python library.

Each is a process on its own free port, with all of its threads on one core, and ends with the
`with` block that started it.
"""

import contextlib
import ctypes
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PR_SET_PDEATHSIG = 1  # prctl(2)
START_MAX = 60  # Seconds until a server must be ready.
YOUTH = 65  # Seconds until a contact is named without having to answer first.


def busy_share(interval=0.2):
    """How much of all cores is in use, by any process, over the next `interval` seconds."""
    def ticks():
        fields = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
        counts = list(map(int, fields))
        return sum(counts), counts[3] + counts[4]
    all_before, idle_before = ticks()
    time.sleep(interval)
    all_after, idle_after = ticks()
    return 1 - (idle_after - idle_before) / max(all_after - all_before, 1)


def wait_until_idle(patience, most=0.08):
    """Waits until no other process uses the machine; False when `patience` ends first."""
    end = time.monotonic() + patience
    while busy_share() > most:
        if time.monotonic() > end:
            return False
    return True


def die_with_parent():
    """Runs in a child: it ends with us, even if we are killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Server:
    """A process under load: its name, its target for `xord load`, its process id."""

    def __init__(self, name, command, core, ready):
        self.name = name
        self.output = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            ["taskset", "-c", core, *map(str, command)], stdin=subprocess.DEVNULL,
            stdout=self.output, stderr=subprocess.STDOUT, preexec_fn=die_with_parent)
        self.target = self._wait_for(ready)

    @property
    def pid(self):
        return self.process.pid

    def _text(self):
        self.output.seek(0)
        return self.output.read()

    def _wait_for(self, ready):
        end = time.monotonic() + START_MAX
        while time.monotonic() < end:
            found = re.search(ready, self._text())
            if found:
                return "127.0.0.1:" + found.group(1)
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        self.stop()
        raise SystemExit(f"{self.name} did not start: {self._text()[-2000:]}")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Machine:
    """Where servers and the generator run; stops everything it started."""

    def __init__(self, build, server_core, client_core, scratch):
        self.build, self.scratch = pathlib.Path(build), pathlib.Path(scratch)
        self.server_core, self.client_core = server_core, client_core
        self.stack = contextlib.ExitStack()
        self.started = 0

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return self.stack.__exit__(*error)

    def _keep(self, server):
        self.stack.callback(server.stop)
        return server

    def floor(self, io, reply_bytes):
        command = [self.build / "floor", "--listen", "0.0.0.0:0", "--io", io, "--reply",
                   reply_bytes]
        return self._keep(Server(f"floor {io}", command, self.server_core, r"ready \S+:(\d+)"))

    def xord(self, io, *flags):
        """A xord with default flags plus `flags`, its data in the scratch directory."""
        self.started += 1
        data = self.scratch / f"xord{self.started}"
        command = [self.build / "xord", "run", "--admin", "off", "--listen", "0.0.0.0:0",
                   "--data-dir", data, "--io", io, "--shards", 1, "--log-format", "json", *flags]
        node = self._keep(Server(f"xord {io}", command, self.server_core,
                                 r'"listen":\["(?:rpcudp://)?[\d.]+:(\d+)"'))
        node.data = data
        return node

    def contacts(self, nodes, count):
        """Contacts of each node (bench/contacts.py) that live until the end of the `with` block.
        Returns once they are old enough to be named without a ping."""
        for node in nodes:
            command = [sys.executable, ROOT / "bench" / "contacts.py", node.target, count]
            self._keep(Server("contacts", command, self.client_core, r"ready (\d+)"))
        time.sleep(YOUTH)

    def python_node(self):
        command = [sys.executable, ROOT / "bench" / "python_node.py"]
        return self._keep(Server("python", command, self.server_core, r"ready \S+:(\d+)"))

    def load(self, server, *flags, most=240):
        """One run of `xord load` against `server`: its JSON report, or None when it took too long
        or nothing answered."""
        command = ["taskset", "-c", self.client_core, self.build / "xord", "load", "--target",
                   server.target, "--server-pid", server.pid, "--json", *flags]
        try:
            done = subprocess.run(list(map(str, command)), capture_output=True, text=True,
                                  timeout=most)
        except subprocess.TimeoutExpired:
            return None
        if done.returncode == 3:
            return None
        if not done.stdout:
            raise SystemExit(f"xord load: {done.stderr}")
        report = json.loads(done.stdout)
        report["exit_code"] = done.returncode
        return report


def reply_bytes(target):
    """The mean size of a node's answer to find_node for random targets, sent to a source that it
    pings first and that answers, like those of `xord load`."""
    host, port = target.rsplit(":", 1)
    sizes = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.bind(("127.0.0.1", 0))
        asker.settimeout(5)
        sender = os.urandom(20)
        head = b"\xa9find_node"
        while len(sizes) < 64:
            transaction = os.urandom(20)
            body = b"\x92" + head + b"\x92\xc4\x14" + sender + b"\xc4\x14" + os.urandom(20)
            asker.sendto(b"\0" + transaction + body, (host, int(port)))
            while True:
                datagram, source = asker.recvfrom(65536)
                if datagram[:21] == b"\1" + transaction:
                    sizes.append(len(datagram))
                    break
                if datagram[:1] == b"\0":  # Its ping, which checks our source address.
                    asker.sendto(b"\1" + datagram[1:21] + b"\xc4\x14" + sender, source)
    return round(sum(sizes) / len(sizes))


def contacts_of(machine, node):
    """How many contacts the node's table has."""
    done = subprocess.run([machine.build / "xord", "store", "stats", "--json", "--data-dir",
                           node.data], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["stats"]["contacts"]


def machine_facts():
    """What a figure depends on, for the history."""
    cpuinfo = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*:\s*(.*)", cpuinfo)
    return {"cpu": model.group(1) if model else "unknown", "cores": os.cpu_count(),
            "kernel": os.uname().release}


def commit_of():
    """The measured commit, followed by a + when files differ from it."""
    def git(*words):
        return subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True,
                              text=True).stdout.strip()
    commit = git("rev-parse", "--short", "HEAD") or "unknown"
    changed = [line for line in git("status", "--porcelain", "-uno").splitlines()
               if "bench/history.ndjson" not in line]
    return commit + ("+" if changed else "")
