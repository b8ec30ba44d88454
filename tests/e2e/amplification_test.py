"""What a source that never answers gets: at most what it sent, for each datagram separately.

Each datagram comes from its own socket, which listens for longer than xord holds a request, and
answers nothing.
"""

import asyncio
import socket

import raw
import harness
from harness import Scenario

HOLD = 5.0  # Seconds; xord drops a held request after 4.


class Amplification(Scenario):
    async def asyncSetUp(self):
        self.node = await self.xord()
        await self.python_servers(6, self.node.address)  # So that there are contacts to hand out.
        proven = await self.raw_node()
        self.large_key, self.small_key = b"L" * 20, b"S" * 20
        self.large = b"v" * 8137  # Encoded, the 8,140 bytes that a store can carry at most.
        for key, value in ((self.large_key, self.large), (self.small_key, b"v")):
            self.assertEqual(await proven.store(self.node.address, key, value), (True, True))
        found = await proven.find_value(self.node.address, self.large_key)
        self.assertEqual(found, (True, {"value": self.large}), "a source that answers gets it all")

    def datagrams(self):
        own, key = b"i" * 20, b"k" * 20
        yield "ping", raw.request("ping", own)[0]
        yield "stun", raw.request("stun")[0]
        yield "find_node", raw.request("find_node", own, key)[0]
        yield "find_value, held here, 8 KiB", raw.request("find_value", own, self.large_key)[0]
        yield "find_value, held here, 1 byte", raw.request("find_value", own, self.small_key)[0]
        yield "find_value, not held", raw.request("find_value", own, key)[0]
        yield "store of 1 byte", raw.request("store", own, key, b"v")[0]
        yield "store of 8 KiB", raw.request("store", own, key, self.large)[0]
        yield "unknown method", raw.request("no_such_method", own)[0]
        yield "empty", b""
        yield "cut short", raw.request("find_node", own, key)[0][:40]
        yield "a reply to nothing", raw.REPLY + b"m" * 20 + raw.pack(own)

    async def _hear(self, datagrams):
        """Sends `datagrams` from a new silent raw node; returns it with the answers."""
        node = await self.raw_node(answers_pings=False)
        for datagram in datagrams:
            node.send(datagram, self.node.address)
        await asyncio.sleep(harness.seconds(HOLD))  # Silence has no event to wait for.
        node.close()
        return node

    @staticmethod
    def sizes(node):
        return [len(datagram) for datagram, _ in node.received]

    async def test_no_datagram_of_a_silent_source_brings_back_more_than_it_sent(self):
        names, datagrams = zip(*self.datagrams())
        nodes = await asyncio.gather(*(self._hear([datagram]) for datagram in datagrams))
        heard = [self.sizes(node) for node in nodes]
        print(f"\n{'datagram':30} {'sent':>6} {'back':>6}")
        for name, datagram, sizes in zip(names, datagrams, heard):
            print(f"{name:30} {len(datagram):6} {sum(sizes):6}  {sizes}")
            self.assertLessEqual(sum(sizes), len(datagram), name)
        self.assertGreater(sum(heard[names.index("ping")]), 0, "a ping is answered at once")
        self.assertGreater(sum(heard[names.index("find_node")]), 0, "a find_node is pinged back")

    async def test_no_credit_is_carried_over_between_datagrams(self):
        own = b"i" * 20
        small = raw.request("find_value", own, self.large_key)[0]
        padding = raw.request("store", own, b"p" * 20, self.large)[0]
        heard = self.sizes(await self._hear([padding, *[small] * 20]))
        print(f"one 8 KiB store and 20 requests of {len(small)} bytes: {heard}")
        self.assertTrue(all(size <= len(small) for size in heard), heard)
        self.assertLessEqual(len(heard), 21)

    async def test_pings_for_held_requests_are_one_a_source_at_a_time(self):
        own = b"i" * 20
        requests = [raw.request("find_node", own, bytes([n]) * 20)[0] for n in range(50)]
        node = await self._hear(requests)
        heard = self.sizes(node)
        self.assertEqual([method for method, _ in node.asked], ["ping"])
        self.assertEqual(len(heard), 1, "an answer that denies something would be believed")
        print(f"50 find_node of {len(requests[0])} bytes from one silent source: {heard}")


class Proof(Scenario):
    async def test_a_source_that_answers_the_ping_is_served_in_full(self):
        node = await self.xord()
        await self.python_servers(4, node.address)
        asker = await self.raw_node()
        answered, contacts = await asker.find_node(node.address, b"t" * 20)
        self.assertTrue(answered)
        self.assertEqual(len(contacts), 4)
        self.assertEqual([method for method, _ in asker.asked], ["ping"])
        stun = await asker.call(node.address, "stun")
        self.assertEqual(stun, (True, list(asker.address)), "proven: stun is answered now")
        await asker.find_node(node.address, b"u" * 20)
        self.assertEqual(len(asker.asked), 1, "proven for ten minutes: no second ping")

    async def test_a_forged_answer_proves_nothing(self):
        node = await self.xord()
        asker = await self.raw_node(answers_pings=False)
        asker.send(raw.request("find_node", asker.id, b"t" * 20)[0], node.address)
        await harness.eventually(lambda: asker.received, 5, "a ping for the held request")
        ping, _ = asker.received[0]
        for forged in (bytes(20), ping[1:21][:-1] + bytes([ping[20] ^ 1])):
            asker.send(raw.REPLY + forged + raw.pack(asker.id), node.address)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:  # Right id, wrong source.
            other.sendto(raw.REPLY + ping[1:21] + raw.pack(asker.id), node.address)
        answered, _ = await asker.call(node.address, "stun", bound=1)
        self.assertFalse(answered, "still unproven")


if __name__ == "__main__":
    harness.main()
