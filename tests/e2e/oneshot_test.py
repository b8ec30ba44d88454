"""Programs that come, set and get, and go: README's example, one process each.

A program that left is no longer named to others, so the next one waits at most half a second until
it is found silent, where the Python library's own nodes cost 5 s. Prints how long each bootstrap,
set and get took.
"""

import asyncio
import json
import sys
import textwrap
import time

import harness
from harness import OWN_IP, Scenario, distribution

LONGEST = 0.7  # Seconds: the wait of 0.5 s, and what a busy machine takes for the rest.

PROGRAM = textwrap.dedent("""
    import asyncio, json, sys, time
    from kademlia.network import Server

    async def main(host, port, key, value, node_id, interface):
        times = []
        async def timed(call):
            begin = time.monotonic()
            result = await call
            times.append(time.monotonic() - begin)
            return result
        server = Server(node_id=bytes.fromhex(node_id) or None)
        await server.listen(0, interface)
        await timed(server.bootstrap([(host, int(port))]))
        await timed(server.set(key, value))
        got = await timed(server.get(key))
        print(json.dumps({"times": times, "got": got}))
        server.stop()

    asyncio.run(main(*sys.argv[1:]))
""")


class OneShot(Scenario):
    async def _run_program(self, node, number, node_id=""):
        """A separate process; returns the seconds of its bootstrap, set and get."""
        host, port = node.address
        key, value = f"key {number}", f"value {number}"
        harness.tally["python_servers"] += 1
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROGRAM, host, str(port), key, value, node_id, OWN_IP,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,  # The library logs each datagram.
            env={**self.environment, "PYTHONPATH": ":".join(sys.path)},
            preexec_fn=harness.die_with_parent)
        out, _ = await asyncio.wait_for(process.communicate(), harness.seconds(60))
        self.assertEqual(process.returncode, 0)
        report = json.loads(out)
        self.assertEqual(report["got"], value)
        return report["times"]

    async def _run_programs(self, node, count, pause, what):
        times = []
        for number in range(count):
            times += await self._run_program(node, f"{what} {number}")
            await asyncio.sleep(pause)
        self._check(times, what)

    def _check(self, times, what):
        print(f"\n  {what}: {distribution(times)}", flush=True)
        self.assertLess(max(times), harness.seconds(LONGEST), what)

    async def test_ten_in_a_row(self):
        await self._run_programs(await self.xord(), 10, 0, "ten in a row")

    async def test_ten_with_a_pause_between(self):
        await self._run_programs(await self.xord(), 10, 1, "ten, a second between")

    async def test_after_a_load_test(self):
        node = await self.xord()
        done = await self.command("load", "--target", node.endpoint, "--rate", 500, "--duration",
                                  "1s", "--json")
        self.assertEqual(done.code, 0, done)
        await self._run_programs(node, 10, 0, "ten after a load test")

    async def test_twelve(self):
        await self._run_programs(await self.xord(), 12, 0, "twelve in a row")

    async def test_a_program_that_comes_back_with_its_id(self):
        node = await self.xord()
        node_id = "42" * 20
        times = []
        for number in range(5):
            times += await self._run_program(node, f"again {number}", node_id)
        self._check(times, "the same id from another port each time")

    async def test_a_wrapper_of_a_second_succeeds_at_the_first_attempt(self):
        node = await self.xord()
        await self._run_program(node, "before")
        begin = time.monotonic()
        server = await self.python_server(node.address)
        self.assertLess(time.monotonic() - begin, harness.seconds(LONGEST))
        one_second = harness.seconds(1)
        self.assertTrue(await asyncio.wait_for(server.set("wrapped", "value"), one_second))
        self.assertEqual(await asyncio.wait_for(server.get("wrapped"), one_second), "value")
        self.assertIsNone(await asyncio.wait_for(server.get("missing"), one_second))


if __name__ == "__main__":
    harness.main()
