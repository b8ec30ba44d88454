"""Forty contacts of a node that pong late, or no longer, and an honest client beside them.

A contact that answers pings slowly may delay an answer of the node once, by half a second at most;
one that no longer answers is not named. Prints how long the client's gets took.
"""

import time

import harness
import raw
from harness import Scenario, distribution

CONTACTS = 40
GETS = 30


class SlowContacts(Scenario):
    async def _contact(self, node, number):
        """A raw node that the node files, with its own id and an answer to every request."""
        contact = await self.raw_node(harness.OWN_IP)
        contact.answers["find_node"] = lambda *_: raw.pack([])
        contact.answers["find_value"] = lambda *_: raw.pack([])
        self.assertTrue(await contact.prove(node.address), number)
        return contact

    async def _gets(self, node, what):
        client = await self.python_server(node.address)
        times = []
        for number in range(GETS):
            begin = time.monotonic()
            self.assertIsNone(await client.get(f"missing {number}"))
            times.append(time.monotonic() - begin)
        print(f"\n  {GETS} gets, {CONTACTS} contacts {what}: {distribution(times)}", flush=True)
        return times

    async def test_contacts_that_pong_late(self):
        node = await self.xord()
        contacts = [await self._contact(node, number) for number in range(CONTACTS)]
        for contact in contacts:
            contact.pong_after = harness.seconds(0.4)
        times = await self._gets(node, "that pong 0.4 s late")
        self.assertLess(max(times), harness.seconds(1.2))
        self.assertLess(sorted(times)[GETS // 2], harness.seconds(0.3), "nobody is delayed twice")

    async def test_contacts_that_pong_no_more(self):
        node = await self.xord()
        for contact in [await self._contact(node, number) for number in range(CONTACTS)]:
            contact.close()
        times = await self._gets(node, "that have gone")
        self.assertLess(max(times), harness.seconds(1.2))
        self.assertLess(sorted(times)[GETS // 2], harness.seconds(0.3))

    async def test_contacts_that_hear_and_pong_no_more(self):
        node = await self.xord()
        for contact in [await self._contact(node, number) for number in range(CONTACTS)]:
            contact.answers_pings = False
            contact.answers.clear()
        times = await self._gets(node, "that are silent")
        self.assertLess(max(times), harness.seconds(1.2))
        self.assertLess(sorted(times)[GETS // 2], harness.seconds(0.3))


if __name__ == "__main__":
    harness.main()
