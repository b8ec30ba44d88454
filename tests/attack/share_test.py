"""What others get while one proven host asks as fast as it can: their share, at once.

The times are those of a machine that has a core for each of three programs; where it has fewer,
they measure its scheduler, too. So the node and its honest peers have the higher priority, and
the same is measured without the attack: twice that is allowed where it is more. In the suite, which
does not time, ten times the bounds are allowed (--slow): there only what is lost is shown.
"""

import asyncio

import attack
from attack import NODE, Attack
from harness import seconds

RATE = 200_000
KEY = b"\x5a" * 20
ATTACKER = ("--answers", "--sources", "91.198.174.192/32", "--endpoints", 1)
# 20 peers, half of them with gets, half with sets, each ten a second. The first of each waits for
# its proof and does not count.
HONEST = ("--peers", 20, "--over", 1, "--operations", 41, "--skip", 1, "--pause", 0.1, "--timeout",
          5, "--methods", "find_value,store", "--key", KEY.hex(), "--value-size", 100)
MOST_MS = {"find_value": 5, "store": 20}


class Share(Attack):
    async def asyncSetUp(self):
        self.xord_node = await self.node("--storage-max", "1GiB")
        attack.be_urgent(self.xord_node.process.pid)
        self.known = await self.contacts(self.xord_node, 4)
        self.assertEqual(await self.known[0].store(NODE, KEY, "v" * 100), (True, True))

    async def others_during(self, name, *flood):
        calm = await self.run_program("honest", *HONEST, urgent=True)
        flooding = self.start("flood", "--rate", RATE, "--seconds", 8, *ATTACKER, *flood)
        await asyncio.sleep(0.5)
        before = attack.cpu_seconds(self.xord_node.process.pid)
        begin = asyncio.get_running_loop().time()
        honest = await self.run_program("honest", *HONEST, "--seed", 8, urgent=True)
        busy = attack.cpu_seconds(self.xord_node.process.pid) - before
        busy /= asyncio.get_running_loop().time() - begin
        sent = await self.finished(flooding)
        print(f"FIGURE {name}: {sent['rate']:,.0f} requests a second, {sent['answered']} of "
              f"{sent['sent']} answered; the node takes {busy:.0%} of a core")
        for method, most in MOST_MS.items():
            times, usual = honest[method], calm[method]["p99_ms"]
            self.reached(f"{name}: p99 of others' {method}",
                         f"{times['p99_ms']:.2f} ms, without the attack {usual:.2f} ms",
                         times["p99_ms"] / 1000 < seconds(max(most, 2 * usual) / 1000),
                         f"below {most} ms")
            lost = times["lost"] + times["denied"]
            self.reached(f"{name}: requests of others lost in {method}",
                         f"{lost} of {times['operations']}", lost == 0, 0)

    async def test_stores(self):
        await self.others_during("one host stores", "--methods", "store", "--value-size", 100)

    async def test_hits(self):
        await self.others_during("one host gets a value", "--methods", "find_value", "--key",
                                 KEY.hex())


if __name__ == "__main__":
    attack.main()
