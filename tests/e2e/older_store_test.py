"""A store that is older by its age never replaces another value, no matter who sends it or when.

With raw datagrams, on 1 and 3 shards: across restarts, kill -9 and what other holders send when
they republish; also while the newer value still waits for the disk.
"""

import asyncio
import os

import harness
from harness import Scenario
import raw

KEYS = 24  # Each of 3 shards has some.


def with_age(datagram, age):
    return datagram + b"\xce" + age.to_bytes(4, "big")


class OlderStore(Scenario):
    async def begin(self, shards):
        harness.options.shards = shards
        self.node = await self.xord()
        self.peer = await self.raw_node()
        await self.peer.prove(self.node.address)
        self.keys = [os.urandom(20) for _ in range(KEYS)]

    async def restart(self, end):
        await end()
        await self.node.start()
        await self.peer.prove(self.node.address)

    async def store(self, key, value, age):
        datagram, _ = raw.request("store", self.peer.id, key, value)
        reply, _ = await self.peer.exchange(with_age(datagram, age), self.node.address)
        return raw.unpack(reply[raw.HEADER:])

    async def store_all(self, value, age):
        return {await self.store(key, value, age) for key in self.keys}

    async def held(self):
        found = [await self.peer.find_value(self.node.address, key) for key in self.keys]
        return {answer["value"] if isinstance(answer, dict) else None for _, answer in found}

    async def refused_older(self):
        return (await self.node.stats())["total"]["storage"]["refused_older"]

    async def on_each_number_of_shards(self, body):
        for shards in (1, 3):
            with self.subTest(shards=shards):
                await self.begin(shards)
                await body()

    async def test_an_older_value_is_refused_through_restart_and_republish(self):
        await self.on_each_number_of_shards(self.refuse_older)

    async def refuse_older(self):
        self.assertEqual(await self.store_all("new", 1_000), {True})
        self.assertEqual(await self.store_all("old", 600_000), {False})
        self.assertEqual(await self.store_all("old", 1_003), {False})
        self.assertEqual(await self.refused_older(), 2 * KEYS)
        for end in (self.node.stop, self.node.kill):
            await self.restart(end)
            self.assertEqual(await self.store_all("old", 600_000), {False})
            self.assertEqual(await self.store_all("old", 2_000), {False})
            # What holders of either value send when they republish.
            self.assertEqual(await self.store_all("new", 1_500), {True})
            self.assertEqual(await self.store_all("old", 1_400), {False})
            self.assertEqual(await self.held(), {"new"})
        self.assertEqual(await self.store_all("newer", 500), {True})
        self.assertEqual(await self.store_all("newest", 0), {True})
        self.assertEqual(await self.held(), {"newest"})

    async def test_of_equal_publications_the_later_store_wins(self):
        await self.on_each_number_of_shards(self.take_the_later_of_equals)

    # The clock may tick over between two stores, but not between those of every key.
    async def take_the_later_of_equals(self):
        for key in self.keys:
            self.assertTrue(await self.store(key, "one", 50))
            self.assertTrue(await self.store(key, "two", 50))
        self.assertEqual(await self.held(), {"two"})

    async def test_an_older_value_is_refused_while_the_newer_one_waits_for_the_disk(self):
        await self.on_each_number_of_shards(self.refuse_older_at_once)

    async def refuse_older_at_once(self):
        for key in self.keys:
            self.assertTrue(await self.store(key, "first", 300))
            both = [raw.request("store", self.peer.id, key, value) for value in ("new", "old")]
            answers = await asyncio.gather(
                self.peer.exchange(with_age(both[0][0], 100), self.node.address),
                self.peer.exchange(with_age(both[1][0], 200), self.node.address))
            said = [raw.unpack(reply[raw.HEADER:]) for reply, _ in answers]
            self.assertEqual(said, [True, False])
        self.assertEqual(await self.held(), {"new"})

    async def test_a_python_node_is_never_refused_for_its_age(self):
        await self.on_each_number_of_shards(self.take_from_python)

    # Its stores carry no age: they count as published now.
    async def take_from_python(self):
        self.assertEqual(await self.store_all("ours", 0), {True})
        server = await self.python_server(self.node.address)
        for value in ("one", "two"):
            self.assertTrue(await server.set("key", value))
            self.assertEqual(await server.get("key"), value)
        self.assertEqual(await self.refused_older(), 0)


if __name__ == "__main__":
    harness.main()
