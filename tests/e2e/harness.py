"""Shared by the end-to-end tests: xord processes, commands, real Python servers, and the tally.

Each test file is a program of its own (docs/TESTING.md): it imports this module, writes its tests
as unittest cases of class Scenario, and ends with harness.main(). All sockets are on OWN_IP, where
no other test's network calls a node that has exited; files lie in a scratch directory that is
removed, and every process dies with the test. Nothing here waits for a fixed time: each wait has a
condition and a bound, which --slow stretches for sanitizers.
"""

import argparse
import asyncio
import contextlib
import ctypes
import ipaddress
import json
import logging
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import unittest

import peers

# A loopback address that only this process uses: its id in the low 22 bits of 127.64.0.0.
OWN_IP = str(ipaddress.IPv4Address("127.64.0.0") + os.getpid() % 2**22)
# For a node that returns on its port. Below the range from which the kernel chooses free ports, so
# that no socket on a wildcard address gets it meanwhile.
OWN_PORT = 18468

options = None  # The options that main() parsed.
tally = {"python_servers": 0, "xord_nodes": 0, "commands": 0}

SANITIZER_REPORT = re.compile(r"(ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:).*")
PR_SET_PDEATHSIG = 1  # prctl(2)

# Why a single test may be skipped, even in CI: what a machine or a container may legitimately lack.
# Everything else exists where tools/setup ran, and skipping for lack of it fails when CI=true.
NO_IPV6 = "this machine has no IPv6"
NO_MOUNT = "mounting needs root, and a container that lets it"
NO_ROOT = "becoming a user that nobody else is needs root"
NO_ADDRESSES = "a sanitizer reserves terabytes of addresses"
LACKING = (NO_IPV6, NO_MOUNT, NO_ROOT, NO_ADDRESSES)


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def seconds(count):
    """A bound of `count` seconds, on a machine without sanitizers."""
    return count * options.slow


def send(process, number):
    """Sends a signal to an asyncio process, or to nobody if it has ended.

    Its own send_signal() looks first whether the process has ended, and so takes the exit code
    away from the loop, which then reports 255.
    """
    with contextlib.suppress(ProcessLookupError):
        if process.returncode is None:
            os.kill(process.pid, number)


async def eventually(condition, bound, what):
    """Returns the first true result of condition(); fails after `bound`."""
    end = time.monotonic() + seconds(bound)
    while True:
        result = condition()
        if asyncio.iscoroutine(result):
            result = await result
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"within {seconds(bound):.0f} s not: {what}")
        await asyncio.sleep(0.02)


def address(endpoint):
    """Parses "127.0.0.1:8468" to ("127.0.0.1", 8468), and likewise "[::1]:8468"."""
    host, _, port = endpoint.rpartition(":")
    return host.strip("[]"), int(port)


class Xord:
    """One `xord run` process. Made by Scenario.xord()."""

    def __init__(self, scratch, data_dir, listen, bootstrap, arguments, environment):
        self.data_dir = pathlib.Path(data_dir)
        self.listen = list(listen)
        self.bootstrap = list(bootstrap)
        self.arguments = list(arguments)
        self.environment = environment
        self.scratch = scratch
        self.runs = 0
        self.log_path = None
        self.process = None
        self.ready = None

    async def start(self):
        """Starts the process and returns once its log says that it is ready and has its records.

        It answers before it has them, but then a store or get waits 2 s at most, and a busy machine
        may need longer to open a database.
        """
        self.runs += 1
        self.log_path = self.scratch / f"{self.data_dir.name}.{self.runs}.log"
        command = [options.xord, "run", "--data-dir", self.data_dir, "--log-format", "json",
                   "--io", options.io, *self.arguments]
        if "--shards" not in self.arguments:
            command += ["--shards", str(options.shards)]
        command += [word for place in self.listen for word in ("--listen", place)]
        command += [word for place in self.bootstrap for word in ("--bootstrap", place)]
        with open(self.log_path, "wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                *map(str, command), stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
                env=self.environment, preexec_fn=die_with_parent)
        self.ready = await eventually(self._ready_line, 30, f"{self.data_dir.name} ready")
        await eventually(self._has_records, 30, f"{self.data_dir.name} loaded: {self.text()}")
        tally["xord_nodes"] += 1

    def _ready_line(self):
        for line in self.lines():
            if line.get("message") == "ready":
                return line
        if self.process.returncode is not None:
            raise AssertionError(f"xord ended with {self.process.returncode}: {self.text()}")
        return None

    def _has_records(self):
        loaded = {line["shard"] for line in self.lines() if line.get("message") == "records loaded"}
        return len(loaded) == self.ready["shards"]

    def text(self):
        return self.log_path.read_text(errors="replace")

    def lines(self):
        """The log's lines so far that are whole JSON objects."""
        for line in self.text().splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                parsed = json.loads(line)
                if isinstance(parsed, dict):
                    yield parsed

    @property
    def id(self):
        return bytes.fromhex(self.ready["id"])

    @property
    def endpoints(self):
        """Where it listens, as text, from the ready line."""
        return [place.removeprefix("rpcudp://") for place in self.ready["listen"]]

    @property
    def endpoint(self):
        return self.endpoints[0]

    @property
    def address(self):
        return address(self.endpoint)

    async def kill(self):
        """kill -9: nothing in the process gets to run. Earlier sanitizer reports count."""
        send(self.process, signal.SIGKILL)
        await self.process.wait()
        self.check_reports()

    async def stop(self):
        """SIGTERM; it must end by itself, with success and without a sanitizer's report."""
        if self.process.returncode is None:
            send(self.process, signal.SIGTERM)
            try:
                await asyncio.wait_for(self.process.wait(), seconds(20))
            except asyncio.TimeoutError:
                await self.kill()
                raise AssertionError(f"did not end on SIGTERM: {self.text()}") from None
            if self.process.returncode != 0:
                raise AssertionError(f"ended with {self.process.returncode}: {self.text()}")
        self.check_reports()

    def check_reports(self):
        report = SANITIZER_REPORT.search(self.text())
        if report:
            raise AssertionError(f"{self.data_dir.name}: {self.text()[report.start():][:4000]}")

    async def stats(self):
        """What it logs on SIGUSR1: every counter, as one object."""
        before = len(self._stats_lines())
        send(self.process, signal.SIGUSR1)
        lines = await eventually(lambda: self._stats_lines()[before:], 10, "stats after SIGUSR1")
        return lines[-1]

    def _stats_lines(self):
        return [line for line in self.lines() if line.get("message") == "stats"]


class Outcome:
    """What a command printed, and how it ended."""

    def __init__(self, code, out, err, elapsed):
        self.code, self.out, self.err, self.elapsed = code, out, err, elapsed

    @property
    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"exit {self.code} after {self.elapsed:.2f} s, out {self.out!r}, err {self.err!r}"


class Scenario(unittest.IsolatedAsyncioTestCase):
    """Base of all scenarios: whatever happens, what a test starts is stopped after it."""

    def setUp(self):
        options.scratch.mkdir(parents=True, exist_ok=True)
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="e2e-", dir=options.scratch))
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith("XORD_") or name.startswith("XORD_MUTANT")}
        for name in ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
            self.environment[name] = str(self.scratch / name.lower())
        # Many nodes run on this host: only those that a test gives one have an admin port.
        self.environment["XORD_ADMIN"] = "off"
        (self.scratch / "home").mkdir()
        self.nodes = 0

    async def xord(self, *arguments, listen=(f"{OWN_IP}:0",), bootstrap=(), data_dir=None):
        """A running xord with default flags and `arguments`, stopped at the end of the test."""
        self.nodes += 1
        node = Xord(self.scratch, data_dir or self.scratch / f"xord{self.nodes}", listen, bootstrap,
                    arguments, self.environment)
        self.addAsyncCleanup(self._end, node)
        await node.start()
        return node

    async def _end(self, node):
        if node.process is not None:
            await node.stop()

    async def command(self, *words, environment=None, bound=30, stdin=None):
        """Runs `xord WORDS` to its end, with the bytes `stdin` to read."""
        tally["commands"] += 1
        begin = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            options.xord, *map(str, words),
            stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env=environment or self.environment, preexec_fn=die_with_parent)
        try:
            out, err = await asyncio.wait_for(process.communicate(stdin), seconds(bound))
        except asyncio.TimeoutError:
            send(process, signal.SIGKILL)
            await process.wait()
            raise AssertionError(f"xord {words} did not end within {seconds(bound)} s") from None
        outcome = Outcome(process.returncode, out.decode(errors="surrogateescape"),
                          err.decode(errors="replace"), time.monotonic() - begin)
        self.assertIsNone(SANITIZER_REPORT.search(outcome.err), outcome)
        return outcome

    async def python_server(self, *via, interface=OWN_IP):
        """A real server of the Python library, joined through the addresses `via`."""
        from kademlia.network import Server
        server = Server()
        await server.listen(0, interface)
        tally["python_servers"] += 1
        self.addCleanup(quiet_stop, server)
        if via:
            await server.bootstrap(list(via))
        return server

    async def python_servers(self, count, *via):
        return [await self.python_server(*via) for _ in range(count)]

    async def raw_node(self, ip=OWN_IP, **options):
        """A raw.RawNode, closed at the end of the test."""
        import raw
        node = await raw.RawNode.open(ip, **options)
        self.addCleanup(node.close)
        return node


def quiet_stop(server):
    """Ends a Python server as its process would: silently. Pending calls are abandoned."""
    if server.transport is None or server.transport.is_closing():
        return
    for _, timeout in server.protocol._outstanding.values():
        timeout.cancel()
    server.stop()


def address_of(server):
    """A Python server's (ip, port)."""
    return server.transport.get_extra_info("sockname")[:2]


def endpoint_of(server):
    return "%s:%d" % address_of(server)


def contacts_of(server):
    """{id: (ip, port)} of all contacts in a Python server's buckets."""
    return {node.id: (node.ip, node.port) for bucket in server.protocol.router.buckets
            for node in bucket.get_nodes()}


def forget(server):
    """Empties a Python server's own storage, so that its next get asks the network."""
    server.storage.data.clear()


def distribution(times):
    """One line on how a list of seconds is distributed."""
    ordered = sorted(times)

    def at(share):
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000
    return (f"{len(ordered)} times in ms: least {at(0):.1f}, median "
            f"{statistics.median(ordered) * 1000:.1f}, p90 {at(0.9):.1f}, p99 {at(0.99):.1f}, "
            f"most {ordered[-1] * 1000:.1f}")


def skip_without_uring():
    """Ends this program as skipped where the kernel or a container refuses io_uring."""
    report = subprocess.run([options.xord, "--version"], capture_output=True, text=True).stdout
    if "io_uring: available" not in report:
        print(f"io_uring cannot be tested on this machine: {report}")
        sys.exit(peers.SKIPPED)


def skips_of(result):
    """What a run skipped, for the tally: the name and the reason of each test."""
    return [{"name": test.id().removeprefix("__main__."), "reason": reason}
            for test, reason in result.skipped]


def exit_code(result):
    """0 on success. In CI the only skips allowed are for what a machine may lack."""
    needless = [one for one in skips_of(result) if one["reason"] not in LACKING]
    if needless and os.environ.get("CI") == "true":
        print(f"skipped, which in CI is a failure: {needless}")
        return 1
    return 0 if result.wasSuccessful() else 1


def main(needs_peers=True):
    """Runs the tests of the calling file. The file handles its own further options."""
    global options
    parser = argparse.ArgumentParser()
    parser.add_argument("--xord", help="the executable", default="")
    parser.add_argument("--io", choices=("auto", "uring", "epoll"), default="auto")
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--slow", type=float, default=1, help="stretches every bound")
    parser.add_argument("--full", action="store_true", default=os.environ.get("XORD_FULL") == "1",
                        help="the full size of a large scenario (also by XORD_FULL=1)")
    parser.add_argument("--scratch", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()),
                        help="where files go while a test runs; on a real disk")
    options, rest = parser.parse_known_args()
    if needs_peers:
        peers.use()
    if options.io == "uring" and options.xord:
        skip_without_uring()
    logging.disable(logging.CRITICAL)  # The library logs each datagram.
    program = unittest.main(module="__main__", argv=[sys.argv[0], *rest], verbosity=2, exit=False)
    record = os.environ.get("XORD_TALLY")
    if record:
        with open(record, "a", encoding="utf-8") as file:
            file.write(json.dumps({"test": pathlib.Path(sys.argv[0]).stem, "io": options.io,
                                   **tally, "skipped": skips_of(program.result)}) + "\n")
    print(", ".join(f"{name.replace('_', ' ')}: {count}" for name, count in tally.items()))
    sys.exit(exit_code(program.result))
