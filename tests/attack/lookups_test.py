"""How many hosts of one party a lookup asks on the word of a liar, when nothing else is known.

A node that knows no one else follows whatever it is told, or it could never join a network that
lives in one prefix; so this is not defended against. tests/node/routing/table_shares_test.cc and
tests/node/lookup/ show the share of a prefix while others are known.
"""

import attack
from attack import NODE, NODE6, PYTHON_PEER6, Attack


class Lookups(Attack):
    async def what_a_lookup_follows(self, net, places, own, listen):
        """A liar names hosts of `net`, which all answer: how many does one lookup ask?"""
        to = attack.text_of(listen)
        self.start("flood", "--to", to, "--answers", "--sources", net, "--rate", 1, "--seconds", 8)
        _, sent = await self.joined_through_liar(places, own, listen)
        asked = {}  # Hosts by target, which ends a find_node.
        for ip, datagram in sent:
            if b"find_node" in datagram:
                asked.setdefault(datagram[-20:], set()).add(ip)
        most = max(map(len, asked.values()), default=0)
        self.reached(f"hosts of {net} that one lookup asked on the word of a liar", most, most <= 4,
                     4)

    async def test_a_lookup_ipv4(self):
        places = [f"91.198.{160 + n % 16}.{n + 1}" for n in range(20)]
        await self.what_a_lookup_follows("91.198.160.0/20", places, "62.77.7.7", NODE)

    async def test_a_lookup_ipv6(self):
        self.need_ipv6()
        places = [f"2a03:2880:1:{n + 1:x}::5" for n in range(20)]
        await self.what_a_lookup_follows("2a03:2880:1::/48", places, PYTHON_PEER6, NODE6)


if __name__ == "__main__":
    attack.main()
