"""What forged sources cost honest newcomers: nothing.

Newcomers answer a ping after 150 ms. They are to be served by their second request, nine in ten by
their first, while 50,000 datagrams a second of each kind come from sources that do not exist.
"""

import asyncio
import os

import attack
import harness
from attack import NODE, Attack

RATE = 50_000
VALUE = "v" * 400
KEY = b"\x5a" * 20
# What honest peers do meanwhile. One that is not answered asks again after two seconds: a Python
# peer waits for five, but nothing that is held is served later.
NEWCOMERS = ("--peers", 60, "--over", 3, "--methods", "find_node,find_value,store",
             "--key", KEY.hex(), "--value-size", 400)
SECONDS = 8


class Newcomers(Attack):
    async def asyncSetUp(self):
        self.xord_node = await self.node()
        self.known = await self.contacts(self.xord_node, 8)
        self.assertEqual(await self.known[0].store(NODE, KEY, VALUE), (True, True))

    async def newcomers_during(self, name, *flood, seed=7, rate=RATE):
        flooding = self.start("flood", "--rate", rate, "--seconds", SECONDS, *flood)
        await asyncio.sleep(0.5)  # The flood is to be at full strength.
        honest = await self.run_program("honest", *NEWCOMERS, "--seed", seed)
        sent = await self.finished(flooding)
        self.count(name, honest, sent)

    def count(self, name, honest, sent):
        kinds = [kind for kind in honest.values() if isinstance(kind, dict)]
        asked, first, second, denied = (sum(kind[what] for kind in kinds) for what in
                                        ("operations", "first", "second", "denied"))
        name = f"{name}, {sent['rate']:,.0f} a second"
        self.reached(f"{name}: newcomers served at their first request", f"{first} of {asked}",
                     first >= 0.90 * asked, "90 %")
        self.reached(f"{name}: newcomers served within two", f"{first + second} of {asked}",
                     first + second >= 0.99 * asked, "99 %")
        self.reached(f"{name}: untrue answers", denied, denied == 0, 0)

    async def test_forged_find_node(self):
        await self.newcomers_during("forged find_node", "--methods", "find_node")

    async def test_forged_find_value(self):
        await self.newcomers_during("forged find_value", "--methods", "find_value", "--key",
                                    KEY.hex())

    async def test_forged_store(self):
        await self.newcomers_during("forged stores of 100 bytes", "--methods", "store",
                                    "--value-size", 100)

    async def test_forged_large_store(self):
        await self.newcomers_during("forged stores of 277 bytes", "--methods", "store",
                                    "--value-size", 277)

    async def test_few_forged_large_stores(self):
        await self.newcomers_during("forged stores of 277 bytes", "--methods", "store",
                                    "--value-size", 277, rate=400)

    async def test_forged_ping(self):
        await self.newcomers_during("forged pings", "--methods", "ping")

    async def test_two_addresses_with_many_ports(self):
        """They need not be forged: who owns two has a hundred thousand endpoints."""
        other = self.start("flood", "--rate", 2_000, "--seconds", SECONDS, "--sources",
                           "95.216.3.4/32", "--methods", "find_node")
        await self.newcomers_during("two addresses, ever new ports, each", "--sources",
                                    "91.198.174.192/32", "--methods", "find_node", rate=2_000)
        await self.finished(other)

    async def test_contacts_during_a_flood(self):
        """Those that are filed are served at once. With --full for fifteen minutes."""
        seconds = 900 if harness.options.full else SECONDS
        every = seconds / 8
        flooding = self.start("flood", "--rate", RATE, "--seconds", seconds, "--methods",
                              "find_node,find_value,store,ping")
        served = asked = 0
        for _ in range(8):
            await asyncio.sleep(every * 0.8)
            answers = await asyncio.gather(*(one.find_node(NODE, os.urandom(20), bound=2)
                                             for one in self.known))
            asked += len(answers)
            served += sum(1 for answered, found in answers if answered and found)
        await self.finished(flooding)
        self.reached("requests of filed contacts served", f"{served} of {asked}", served == asked,
                     "all")

    async def test_a_python_server_joins_sets_and_gets(self):
        flooding = self.start("flood", "--rate", RATE, "--seconds", SECONDS + 4, "--methods",
                              "find_node,find_value,store,ping")
        await asyncio.sleep(0.5)
        done = []
        server = await self.python_server(interface="62.200.1.1")
        done.append(("bootstrap", bool(await server.bootstrap([NODE]))))
        done.append(("set", bool(await server.set("under attack", "a value"))))
        other = await self.python_server(NODE, interface="62.201.1.1")
        done.append(("get", await other.get("under attack") == "a value"))
        await self.finished(flooding)
        self.reached("a Python server's", done, all(good for _, good in done), "each True")

    async def test_a_newcomer_that_opens_with_many_requests(self):
        """Sixty at once: what cannot be held is silence, not an answer that denies what is here."""
        newcomer = await self.raw_node("62.202.1.1")
        newcomer.pong_after = 0.15
        found = await asyncio.gather(*(newcomer.find_value(NODE, KEY) for _ in range(20)),
                                     *(newcomer.find_node(NODE, os.urandom(20)) for _ in range(20)),
                                     *(newcomer.store(NODE, os.urandom(20), 1) for _ in range(20)))
        values, nodes, stores = found[:20], found[20:40], found[40:]
        untrue = {"find_value": sum(1 for answered, one in values
                                    if answered and one != {"value": VALUE}),
                  "find_node": sum(1 for answered, one in nodes if answered and not one),
                  "store": sum(1 for answered, one in stores if answered and not one)}
        served = sum(1 for answered, _ in found if answered) - sum(untrue.values())
        self.reached(f"of 60 requests at once {served} served; untrue answers", untrue,
                     not any(untrue.values()), 0)


if __name__ == "__main__":
    attack.main()
