"""A public liar names hosts of private networks: no datagram of ours may go there."""

import collections

import attack
from attack import NODE, NODE6, PYTHON_PEER6, Attack

PLACES = ("10.1.2.3", "192.168.1.1", "172.16.5.5", "127.0.0.1", "169.254.7.7", "100.64.1.1")
PLACES6 = ("fd12:3456::1", "::1", "fc00::7", "fd00::9")


class Scope(Attack):
    async def what_a_liar_names(self, own, listen, places):
        liar, sent = await self.joined_through_liar(places, own, listen)
        by_place = dict(collections.Counter(ip for ip, _ in sent))
        self.reached(f"datagrams to private networks, in {liar.lookups()} lookups that asked the "
                     "liar", f"{len(sent)} {by_place}", not sent, 0)

    async def test_what_a_liar_names_is_not_asked(self):
        await self.what_a_liar_names("62.77.7.7", NODE, PLACES)

    async def test_what_a_liar_names_is_not_asked_ipv6(self):
        self.need_ipv6()
        await self.what_a_liar_names(PYTHON_PEER6, NODE6, PLACES6)


if __name__ == "__main__":
    attack.main()
