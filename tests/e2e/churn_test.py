"""Ten xord nodes and five real Python servers; then three of the xord nodes are killed.

Every set and get succeeds, before and after. After the kills no get through a xord takes longer
than 1 s; Python's own gets wait 5 s for each round with a dead node. --full runs thirty xord nodes,
of which ten are killed, and five times the sets and gets.
"""

import asyncio
import random
import time

import harness
from harness import Scenario, distribution, forget
from values import same

PYTHON_SERVERS = 5
PARALLEL = 4  # Commands at once: as many as two cores run without waiting for each other.


class Churn(Scenario):
    def setUp(self):
        super().setUp()
        full = harness.options.full
        self.xords, self.killed = (30, 10) if full else (10, 3)
        self.operations = 500 if full else 100
        self.late_gets, self.late_python_gets = (460, 40) if full else (92, 8)
        self.seed = random.randrange(2**32)
        print(f"\nseed {self.seed}", flush=True)
        self.random = random.Random(self.seed)

    async def _grow(self):
        """All members join through random existing members."""
        nodes = [await self.xord()]
        while len(nodes) < self.xords:
            nodes.append(await self.xord(bootstrap=[self.random.choice(nodes).endpoint]))
        servers = [await self.python_server(self.random.choice(nodes).address)
                   for _ in range(PYTHON_SERVERS)]
        return nodes, servers

    async def _set(self, number, member):
        key, value = f"key {number}", f"value {number}"
        if not isinstance(member, harness.Xord):
            self.assertTrue(await member.set(key, value))
            return
        done = await self.command("set", key, value, "--via", member.endpoint, "--json")
        self.assertEqual(done.code, 0, done)
        self.assertGreaterEqual(done.json["stored"], min(20, self.xords) // 2, done)

    async def _get(self, number, member):
        """Returns how long it took; the value must be right."""
        key, value = f"key {number}", f"value {number}"
        if isinstance(member, harness.Xord):
            done = await self.command("get", key, "--via", member.endpoint, "--json")
            self.assertEqual(done.code, 0, f"{key}: {done}")
            self.assertEqual(done.json["value"], value)
            return done.elapsed
        begin = time.monotonic()
        got = await member.get(key)
        self.assertTrue(same(got, value), f"{key}: {got!r}")
        return time.monotonic() - begin

    async def _spread(self, jobs):
        """Runs jobs (functions returning coroutines), PARALLEL at a time; returns their results."""
        gate = asyncio.Semaphore(PARALLEL)

        async def one(job):
            async with gate:
                return await job()
        return await asyncio.gather(*(one(job) for job in jobs))

    async def test_every_get_succeeds_before_and_after_a_third_is_killed(self):
        nodes, servers = await self._grow()
        members = nodes + servers
        total = self.operations

        def job(work, number, choices):
            member = self.random.choice(choices)
            return lambda: work(number, member)
        await self._spread([job(self._set, number, members) for number in range(total)])
        for server in servers:
            forget(server)
        times = await self._spread([job(self._get, self.random.randrange(total), members)
                                    for _ in range(total)])
        print(f"{len(nodes)} xord and {len(servers)} Python: {total} sets, then {total} gets: "
              f"{distribution(times)}")

        dead = self.random.sample(nodes, self.killed)
        for node in dead:
            await node.kill()
        alive = [node for node in nodes if node not in dead]
        numbers = [self.random.randrange(total) for _ in range(self.late_gets)]
        times = await self._spread([job(self._get, number, alive) for number in numbers])
        print(f"after kill -9 of {self.killed}: gets through xord: {distribution(times)}")
        for server in servers:
            forget(server)
        python_times = await asyncio.gather(
            *(self._get(number, servers[number % len(servers)])
              for number in self.random.sample(range(total), self.late_python_gets)))
        print(f"after kill -9 of {self.killed}: gets by Python: {distribution(python_times)}")
        self.assertLessEqual(max(times), harness.seconds(1))


if __name__ == "__main__":
    harness.main()
