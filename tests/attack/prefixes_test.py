"""How many of the contacts that a node names, or asks, one party with many ids can be.

The attacker's hosts all lie in one prefix and answer whatever they are asked. 200 honest ones, each
in a /32 (IPv6) or /16 (IPv4) of its own, come at the same time.
"""

import asyncio
import ipaddress
import os

import attack
from attack import NODE, NODE6, PYTHON_PEER6, Attack

HONEST4, HONEST6 = "81.0.0.0/8", "2400::/8"
SECONDS = 14
QUESTIONS = 200


class Prefixes(Attack):
    def families(self, listen):
        """Of the node that listens there: its text, an honest prefix, an honest asker."""
        if listen is NODE6:
            return attack.text_of(NODE6), HONEST6, PYTHON_PEER6
        return attack.text_of(NODE), HONEST4, "62.3.3.3"

    async def besiege(self, net, listen, near, bits, ids):
        """Starts both sides; returns an honest asker once all have had the time to be filed."""
        to, honest, own = self.families(listen)
        self.start("honest", "--to", to, "--sources", honest, "--peers", 200, "--over", 2,
                   "--pong-after", 0.02, "--methods", "find_node", "--linger", SECONDS)
        self.start("flood", "--to", to, "--answers", "--sources", net, "--endpoints", ids,
                   "--rate", 1_000, "--seconds", SECONDS, "--methods", "find_node", "--near",
                   near.hex(), "--bits-min", bits[0], "--bits-max", bits[1])
        await asyncio.sleep(6)
        asker = await self.raw_node(own)
        self.assertTrue(await asker.prove(listen))
        return asker

    @staticmethod
    def inside(net, contacts):
        return sum(1 for _, ip, _ in contacts
                   if ipaddress.ip_address(ip) in ipaddress.ip_network(net))

    async def share_of_answers(self, net, listen):
        """Ids spread over all buckets of the node: what part of all its answers are they?"""
        node = await self.node(listen=listen)
        asker = await self.besiege(net, listen, node.id, (0, 40), 3_000)
        named = of_them = 0
        for _ in range(QUESTIONS):
            answered, contacts = await asker.find_node(listen, os.urandom(20))
            if answered:
                named += len(contacts)
                of_them += self.inside(net, contacts)
        self.assertGreater(named, QUESTIONS)
        stats = await node.stats()
        print("       ", stats["total"]["shard"]["contacts"], "contacts", stats["total"]["table"])
        self.reached(f"of the contacts in {QUESTIONS} answers in {net}", f"{of_them / named:.0%}",
                     of_them <= 0.12 * named, "12 %, a sample of a tenth of the table")

    async def share_of_a_key(self, net, listen):
        """Ids next to a key: how many of the 20 that are named for it are they?"""
        node = await self.node(listen=listen)
        key = bytes([node.id[0] ^ 2]) + node.id[1:]  # Shares six bits with the node's id.
        asker = await self.besiege(net, listen, key, (24, 60), 400)
        most = 0
        for _ in range(5):
            answered, contacts = await asker.find_node(listen, key)
            self.assertTrue(answered)
            most = max(most, self.inside(net, contacts))
            total = len(contacts)
        self.reached(f"of the {total} named for a key, those in {net}", most, most <= 4, 4)

    async def test_answers_ipv4(self):
        await self.share_of_answers("91.198.160.0/20", NODE)

    async def test_a_key_ipv4(self):
        await self.share_of_a_key("91.198.160.0/20", NODE)

    async def test_a_key_ipv4_of_one_24(self):
        await self.share_of_a_key("91.198.174.0/24", NODE)

    async def test_answers_ipv6(self):
        self.need_ipv6()
        await self.share_of_answers("2a03:2880:1::/48", NODE6)

    async def test_a_key_ipv6(self):
        self.need_ipv6()
        await self.share_of_a_key("2a03:2880:1:100::/56", NODE6)


if __name__ == "__main__":
    attack.main()
