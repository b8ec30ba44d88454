"""Requests forged in the name of an honest node, which answers our pings and so is proven.

Charged is the excess of an answer over its request: a burst of 8 MiB and 1 MiB a second for an
address, and 4, 8 and 16 times that for its /24, /20 and /16. With IPv6 that is a /64, a /56, a /48
and a /32.
"""

import attack
from attack import NODE, NODE6, Attack

KEY = b"\x5a" * 20
SECONDS = 6
MIB = 1 << 20


class Amplification(Attack):
    async def asyncSetUp(self):
        self.xord_node = await self.node(also=NODE6 if self.can_use_ipv6() else None)
        self.known = await self.contacts(self.xord_node, 10)
        large = "v" * 8137
        self.assertEqual(await self.known[0].store(NODE, KEY, large), (True, True))

    async def values_to(self, net, endpoints, factor, rate, node=NODE):
        sent = await self.run_program(
            "flood", "--to", attack.text_of(node), "--answers", "--sources", net, "--endpoints",
            endpoints, "--rate", rate, "--seconds", SECONDS, "--methods", "find_value", "--key",
            KEY.hex())
        within = factor * (8 + SECONDS) * MIB * 1.02
        excess = sent["received_bytes"] - sent["sent_bytes"]
        ratio = sent["received_bytes"] / sent["sent_bytes"]
        self.reached(f"bytes to {net} beyond those in its name", f"{excess / MIB:.1f} MiB, "
                     f"{ratio:.0f} to 1", excess <= within, f"at most {within / MIB:.1f} MiB")
        one = (8 + SECONDS) * MIB * 1.1
        self.reached(f"bytes to one address of {net}", f"{sent['most_bytes_to_one'] / MIB:.1f} MiB",
                     sent["most_bytes_to_one"] <= one, f"at most {one / MIB:.1f} MiB")

    async def test_one_address(self):
        await self.values_to("91.198.174.192/32", 1, 1, 3_000)
        # Its find_node is answered all the same, beyond the limit with no more than it asked for.
        sent = await self.run_program(
            "flood", "--answers", "--sources", "91.198.174.192/32", "--endpoints", 1, "--rate",
            10_000, "--seconds", 2, "--methods", "find_node")
        answered = sent["answered"] / sent["sent"]
        self.reached("find_node answered beyond the limit", f"{answered:.1%}", answered >= 0.99,
                     "99 %")
        excess = (sent["received_bytes"] - sent["sent_bytes"]) / MIB
        self.reached("their excess in two seconds", f"{excess:.1f} MiB", excess <= 2.5, "2.5 MiB")

    async def test_a_24(self):
        await self.values_to("91.198.174.0/24", 256, 4, 3_000)

    async def test_a_20(self):
        await self.values_to("91.198.160.0/20", 4_000, 8, 4_000)

    async def test_a_16(self):
        await self.values_to("91.198.0.0/16", 8_000, 16, 7_000)

    async def test_a_64(self):
        self.need_ipv6()
        await self.values_to("2a03:2880:1:2::/64", 1_000, 1, 3_000, NODE6)

    async def test_a_56(self):
        self.need_ipv6()
        await self.values_to("2a03:2880:1:200::/56", 3_000, 4, 3_000, NODE6)

    async def test_a_48(self):
        self.need_ipv6()
        await self.values_to("2a03:2880:1::/48", 4_000, 8, 4_000, NODE6)

    async def test_an_honest_peer_is_not_limited(self):
        """A get of 100 values of 8 KiB at once, as a page that is made of them needs."""
        peer = await self.raw_node("62.210.1.1")
        await peer.prove(NODE)
        served = 0
        for _ in range(100):
            answered, found = await peer.find_value(NODE, KEY)
            served += answered and isinstance(found, dict)
        self.reached("gets of 8 KiB by an honest peer", f"{served} of 100", served == 100, 100)


if __name__ == "__main__":
    attack.main()
