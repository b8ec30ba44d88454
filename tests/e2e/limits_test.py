"""What a process inherits from its parent: standard descriptors that are closed, limits that are
too low, odd variables. A command then ends with a sentence, or does its work; it never crashes, and
no file of the node becomes its log. The limits are real ones, of an unused user id.
"""

import asyncio
import ctypes
import itertools
import os
import pathlib
import resource
import shutil
import signal
import tempfile

import harness
from harness import OWN_IP, Scenario, die_with_parent

ENVIRONMENT = 4
NOBODY_ELSE = 0x40000000  # User ids from here on are unused.


def last_line(text):
    return text.strip().splitlines()[-1] if text.strip() else ""


class Limits(Scenario):
    def setUp(self):
        super().setUp()
        self.shared = tempfile.mkdtemp(prefix="xord-limits-", dir="/tmp")
        os.chmod(self.shared, 0o777)
        self.addCleanup(shutil.rmtree, self.shared, ignore_errors=True)

    async def begin(self, *words, limits=(), closed=(), environment=None):
        """Starts `xord WORDS` with (resource, most) of `limits` and without the descriptors."""
        def prepare():
            die_with_parent()
            if limits and os.geteuid() == 0:
                user = NOBODY_ELSE + os.getpid()
                os.setgroups([])
                os.setresgid(user, user, user)
                os.setresuid(user, user, user)
                ctypes.CDLL(None).prctl(harness.PR_SET_PDEATHSIG, signal.SIGKILL)
            for which, most in limits:
                resource.setrlimit(which, (most, most))
            for number in closed:
                os.close(number)
        out = open(f"{self.shared}/out", "wb")
        err = open(f"{self.shared}/err", "wb")
        environment = dict(environment or self.environment)
        if limits:  # The search for leaks at the end needs a thread.
            environment["ASAN_OPTIONS"] = environment.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        with out, err:
            return await asyncio.create_subprocess_exec(
                harness.options.xord, *map(str, words), stdin=asyncio.subprocess.DEVNULL,
                stdout=out, stderr=err, env=environment, preexec_fn=prepare)

    def said(self):
        return pathlib.Path(self.shared, "err").read_text(encoding="utf-8", errors="replace")

    def node(self, name="node", shards=2):
        return ("run", "--data-dir", f"{self.shared}/{name}", "--listen", f"{OWN_IP}:0",
                "--shards", shards, "--io", harness.options.io)

    async def ended(self, process, bound=30):
        return await asyncio.wait_for(process.wait(), harness.seconds(bound))

    async def refused(self, limits, *names):
        """A node that must end before it is ready, with a sentence that contains `names`."""
        process = await self.begin(*self.node(), limits=limits)
        code = await self.ended(process)
        said = self.said()
        self.assertEqual(code, ENVIRONMENT, said)
        self.assertNotIn(" ready ", said)
        self.assertRegex(last_line(said), r"^xord: .+\.$")
        for name in names:
            self.assertIn(name, last_line(said))
        print(f"  {last_line(said)}")

    async def runs(self, limits, name):
        process = await self.begin(*self.node(name), limits=limits)
        await harness.eventually(lambda: "records loaded" in self.said(), 30, "loaded")
        harness.send(process, signal.SIGTERM)
        self.assertEqual(await self.ended(process), 0, self.said())

    async def test_limits_of_threads(self):
        if os.geteuid() != 0:
            self.skipTest(harness.NO_ROOT)
        for most in (1, 2, 5, 9):
            await self.refused([(resource.RLIMIT_NPROC, most)],
                               f"the limit of processes and threads is {most} for the user")
        await self.runs([(resource.RLIMIT_NPROC, 14)], "enough")

    async def test_limits_of_addresses(self):
        if harness.options.slow > 1:
            self.skipTest(harness.NO_ADDRESSES)
        await self.refused([(resource.RLIMIT_AS, 400 << 20)], "of addresses", "400 MiB")
        await self.refused([(resource.RLIMIT_DATA, 300 << 20)], "of addresses", "300 MiB")
        await self.runs([(resource.RLIMIT_AS, 1800 << 20)], "enough")

    async def test_limits_of_files(self):
        await self.refused([(resource.RLIMIT_NOFILE, 40)], "file descriptors", "40")
        await self.refused([(resource.RLIMIT_FSIZE, 1 << 20)], "128 MiB", "1048576")
        await self.runs([(resource.RLIMIT_NOFILE, 200)], "enough")

    async def test_odd_stacks(self):
        await self.refused([(resource.RLIMIT_STACK, 160 << 10)], "a stack of 160 KiB")
        sizes = [512 << 10, resource.RLIM_INFINITY]
        if harness.options.slow == 1:  # It leaves the thread sanitizer no addresses to run at.
            sizes.append(1 << 46)
        for number, most in enumerate(sizes):
            await self.runs([(resource.RLIMIT_STACK, most)], f"stack{number}")

    async def test_no_locked_memory_is_no_obstacle(self):
        if harness.options.io == "auto":
            await self.runs([(resource.RLIMIT_MEMLOCK, 0)], "node")

    async def test_client_commands_within_low_limits(self):
        node = await self.xord()
        limits = [(resource.RLIMIT_NPROC, 1), (resource.RLIMIT_NOFILE, 24),
                  (resource.RLIMIT_STACK, 512 << 10), (resource.RLIMIT_FSIZE, 1 << 20)]
        for words in (("set", "k", "v", "--via", node.endpoint),
                      ("get", "k", "--via", node.endpoint), ("ping", node.endpoint)):
            process = await self.begin(*words, limits=limits)
            self.assertEqual(await self.ended(process), 0, self.said())
        if harness.options.slow == 1:
            process = await self.begin("sim", "--nodes", 3000, "--for", "1m", "--seed", 1,
                                       limits=[(resource.RLIMIT_AS, 60 << 20)])
            self.assertEqual(await self.ended(process, 120), ENVIRONMENT, self.said())
            self.assertRegex(last_line(self.said()), r"^xord: out of memory.+\.$")

    async def test_closed_standard_descriptors(self):
        for count in range(1, 4):
            for closed in itertools.combinations(range(3), count):
                directory = f"{self.shared}/closed-{'-'.join(map(str, closed))}"
                process = await self.begin("run", "--data-dir", directory, "--listen",
                                           f"{OWN_IP}:0", "--log-level", "debug", closed=closed)
                await harness.eventually(lambda: os.path.exists(f"{directory}/control"), 30,
                                         f"a node without {closed}")
                links = f"/proc/{process.pid}/fd"
                for number in closed:
                    self.assertEqual(os.readlink(f"{links}/{number}"), "/dev/null")
                harness.send(process, signal.SIGTERM)
                self.assertEqual(await self.ended(process), 0)
                lock = pathlib.Path(directory, "LOCK").read_text(encoding="utf-8")
                self.assertEqual(lock, f"{process.pid}\n")
                for file in filter(pathlib.Path.is_file, pathlib.Path(directory).iterdir()):
                    self.assertNotIn(b"stopping", file.read_bytes(), file)

    async def test_a_result_that_nobody_gets_is_an_error(self):
        for words in (("--version",), ("run", "--print-config"), ("--help",)):
            process = await self.begin(*words, closed=(1,))
            self.assertEqual(await self.ended(process), ENVIRONMENT)
            self.assertIn("cannot write to stdout", self.said())

    async def test_odd_variables(self):
        """No HOME, a relative one, one that is not writable; XDG_DATA_HOME likewise."""
        base = {key: value for key, value in self.environment.items()
                if key != "HOME" and not key.startswith("XDG_")}
        listen = ("--listen", f"{OWN_IP}:0")
        for odd in ({"HOME": "/proc/nowhere"}, {"XDG_DATA_HOME": "/dev/null"},
                    {"HOME": "/dev/null/x", "XDG_DATA_HOME": "relative"}):
            process = await self.begin("run", *listen, environment={**base, **odd})
            self.assertEqual(await self.ended(process), ENVIRONMENT, (odd, self.said()))
            self.assertRegex(last_line(self.said()), r"^xord: .+\.$")
            print(f"  {odd}: {last_line(self.said())}")
        for odd in ({}, {"HOME": ""}, {"HOME": "relative"}, {"XDG_DATA_HOME": "relative"}):
            done = await self.command("run", "--print-config", environment={**base, **odd})
            self.assertIn(done.code, (0, 2), (odd, done))
            if os.geteuid() == 0:
                self.assertIn('data-dir = "/var/lib/xord"', done.out)


if __name__ == "__main__":
    harness.main(needs_peers=False)
