"""That the limits do not meet honest users: a thousand behind one address, and a gateway.

A user does something each ten seconds: gets of what is there and of what is not, sets, bootstraps,
lookups, pings (`honest --crowd`). To the node it is one address that sends 130 requests a second
from a thousand ports, each of which has to prove itself.
"""

import json
import time

import attack
import harness
from attack import Attack

ADDRESS = "81.2.3.4"
USERS = 1_000
CROWD = ("--crowd", "--sources", f"{ADDRESS}/32", "--peers", USERS)
# Behind the gateway they read pages: 2,000 requests a second, a third of which get 6,000 bytes.
# That is four times what one address may take.
GATEWAY = (*CROWD, "--over", 0.65, "--pause", 0.65, "--value-size", 6_000)
GATEWAY_SECONDS = 3
FACTOR = 50  # As docs/commands/limits.md has it.


def limited_of(counters):
    """{name: count} of what a limit refused, or would have."""
    return {name: count for name, count in counters.items()
            if name.startswith("limited_") and count > 0}


class Crowd(Attack):
    async def begin(self, *arguments):
        node = await self.node(*arguments)
        await self.contacts(node, 8)  # So that a lookup finds someone.
        return node

    async def run_crowd(self, name, seconds, *crowd):
        begin = time.monotonic()
        honest = await self.run_program("honest", *crowd, "--seconds", seconds)
        kinds = [kind for kind in honest.values() if isinstance(kind, dict)]
        asked, first, denied, lost = (sum(kind[what] for kind in kinds)
                                      for what in ("operations", "first", "denied", "lost"))
        rate = (asked + lost) / (time.monotonic() - begin)
        print(f"FIGURE {name}: {asked} requests, {rate:,.0f} a second")
        return asked, first, denied, lost

    async def charged(self, node):
        """What `xord limits` says of the address, and how much was refused to its prefixes."""
        said = await self.command("limits", ADDRESS, "--data-dir", node.data_dir, "--json")
        self.assertEqual(said.code, 0, said)
        prefixes = json.loads(said.out)["prefixes"]
        limits = [limit for prefix in prefixes for limit in prefix["limits"]]
        excess = next(limit for limit in prefixes[0]["limits"] if limit["limit"] == "excess")
        share = prefixes[0]["charged"]["excess"] / excess["most"]
        return sum(limit["refused"] for limit in limits), share

    async def is_served(self, name, node, counts):
        """Demands that nobody of a crowd noticed that there are limits."""
        asked, first, denied, lost = counts
        self.reached(f"{name}: requests served at once", f"{first} of {asked}", first == asked,
                     "all")
        self.reached(f"{name}: requests lost", lost, lost == 0, 0)
        self.reached(f"{name}: untrue answers", denied, denied == 0, 0)
        total = (await node.stats())["total"]
        limited = limited_of(total["node"])
        self.reached(f"{name}: limited", limited or 0, not limited, 0)
        thinned = total["io"]["filters_set"]
        self.reached(f"{name}: filters in the kernel", thinned, thinned == 0, 0)
        refused, share = await self.charged(node)
        self.reached(f"{name}: refused to its prefixes as `xord limits` says", refused,
                     refused == 0, 0)
        print(f"FIGURE {name}: {share:.1%} of what one address may take")

    async def test_a_thousand_users_behind_one_address(self):
        """With --full for ten minutes."""
        name = "a thousand users behind one address"
        node = await self.begin()
        seconds = 600 if harness.options.full else 10
        counts = await self.run_crowd(name, seconds, *CROWD, "--over", 10, "--pause", 10)
        await self.is_served(name, node, counts)

    async def test_a_gateway_with_a_limit_of_its_own(self):
        name = "a gateway with --limit-for"
        node = await self.begin("--limit-for", f"{ADDRESS}/32={FACTOR}")
        counts = await self.run_crowd(name, 60 if harness.options.full else GATEWAY_SECONDS,
                                      *GATEWAY)
        await self.is_served(name, node, counts)

    async def test_a_gateway_without_it_is_limited(self):
        """So the tests above can fail."""
        name = "a gateway without"
        node = await self.begin()
        _, _, denied, lost = await self.run_crowd(name, GATEWAY_SECONDS, *GATEWAY)
        self.reached(f"{name}: untrue answers", denied, denied == 0, 0)
        limited = limited_of((await node.stats())["total"]["node"])
        refused, share = await self.charged(node)
        self.reached(f"{name}: limited, {lost} requests lost, at {share:.0%} of the limit",
                     limited, limited.get("limited_values", 0) > 0 and refused > 0, "some")


if __name__ == "__main__":
    attack.main()
