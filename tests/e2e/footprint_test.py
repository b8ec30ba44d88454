"""What client commands leave behind in a network of thirty real Python servers: almost nothing.

A Python node files every peer that asks it. A dead contact then costs its lookups 5 s each, so dead
ones are counted in all tables, and the time of six Python gets of missing keys is taken before,
after the first command, and after the last.
"""

import time

import harness
from harness import Scenario, address_of, contacts_of, distribution, endpoint_of

SERVERS = 30
COMMANDS = 10  # Gets, and as many sets.


class Footprint(Scenario):
    async def asyncSetUp(self):
        self.missing = 0

    async def _join(self, *via):
        """Thirty servers; all join through `via`, or through the first one."""
        servers = [await self.python_server(*via)]
        via = via or (address_of(servers[0]),)
        servers += await self.python_servers(SERVERS - 1, *via)
        for server in servers:  # Everyone joins again, now that all are running.
            await server.bootstrap(list(via))
        return servers

    @staticmethod
    def contacts(servers, alive):
        """(contacts in all tables, those of them that are dead)."""
        filed = [place for server in servers for place in contacts_of(server).values()]
        return len(filed), len([place for place in filed if place not in alive])

    async def _time_six_gets(self, servers, when):
        async def timed(server):
            self.missing += 1
            begin = time.monotonic()
            self.assertIsNone(await server.get(f"missing {self.missing}"))
            return time.monotonic() - begin
        times = [await timed(server) for server in servers[1::len(servers) // 6][:6]]
        print(f"  six Python gets of missing keys {when}: {distribution(times)}")
        return times

    async def _run(self, servers, via, alive):
        """Ten gets and sets; returns contacts and dead ones before, after one, and at the end."""
        await self._time_six_gets(servers, "before")
        counts = [self.contacts(servers, alive)]
        for number in range(COMMANDS):
            key = f"by command {number}"
            done = await self.command("set", key, f"value {number}", "--via", via, "--json")
            self.assertEqual(done.code, 0, done)
            if number == 0:
                counts.append(self.contacts(servers, alive))
                await self._time_six_gets(servers, "after the first command")
            self.assertGreaterEqual(done.json["stored"], 15, done)
            done = await self.command("get", key, "--via", via, "--json")
            self.assertEqual((done.code, done.json["value"]), (0, f"value {number}"), done)
        counts.append(self.contacts(servers, alive))
        times = await self._time_six_gets(servers, "after the last command")
        for when, (filed, dead) in zip(("before", "after the first", "after the last"), counts):
            print(f"  contacts in all tables {when}: {filed}, dead: {dead}")
        return counts, times

    async def test_through_a_python_server_at_most_one_dead_contact_is_left(self):
        servers = await self._join()
        alive = {address_of(server) for server in servers}
        print(f"\n{COMMANDS} gets and sets through one of {SERVERS} Python servers")
        counts, _ = await self._run(servers, endpoint_of(servers[0]), alive)
        self.assertEqual(counts[0][1], 0)
        self.assertLessEqual(counts[1][1], 1, "the first command: only at the --via server")
        self.assertLessEqual(counts[2][1], 1, "and no more by all the others")
        # That contact costs each node that learns of it 5 s, until the --via server itself calls
        # it.

    async def test_through_a_xord_no_dead_contact_is_left(self):
        node = await self.xord()
        servers = await self._join(node.address)
        alive = {address_of(server) for server in servers} | {node.address}
        print(f"\n{COMMANDS} gets and sets through a xord among {SERVERS} Python servers")
        counts, times = await self._run(servers, node.endpoint, alive)
        self.assertEqual([dead for _, dead in counts], [0, 0, 0])
        if harness.options.slow == 1:  # A slower build may need 5 s even without dead contacts.
            self.assertLess(max(times), 4, "nobody waits 5 s for a dead contact")
        found = await self.command("find", "any key", "--via", node.endpoint, "--json")
        endpoints = {harness.address(row["endpoint"]) for row in found.json}
        self.assertEqual(endpoints - alive, set(), "xord files no command either")


if __name__ == "__main__":
    harness.main()
