"""Bursts of gets of values that are only on disk: no client is told that a value does not exist."""

import asyncio
import os

import harness
from harness import Scenario

SOURCES = 30


class Cold(Scenario):
    async def test_a_burst_of_gets_of_values_on_disk_is_never_answered_with_contacts(self):
        # The cache holds an eighth of it: about a dozen of these values.
        node = await self.xord("--memory-max", "1MiB")
        sources = [await self.raw_node() for _ in range(SOURCES)]
        for source in sources:
            self.assertTrue(await source.prove(node.address))
        keys = [os.urandom(20) for _ in range(300)]
        for key in keys:
            self.assertEqual(await sources[0].store(node.address, key, os.urandom(8000)),
                             (True, True))
        # At once: one get from each source, whose receive buffer has room for the value.
        values = 0
        for at in range(0, len(keys), SOURCES):
            answers = await asyncio.gather(*[
                source.find_value(node.address, key)
                for source, key in zip(sources, keys[at:at + SOURCES])])
            values += sum(answered and isinstance(body, dict) for answered, body in answers)
        self.assertEqual(values, len(keys))
        # Ten from each source: not all fit, so some may be lost, but none is denied.
        answers = await asyncio.gather(*[
            sources[at % SOURCES].find_value(node.address, key) for at, key in enumerate(keys)])
        denied = [body for answered, body in answers if answered and not isinstance(body, dict)]
        self.assertEqual(denied, [])
        storage = (await node.stats())["total"]["storage"]
        self.assertGreater(storage["found_cold"], len(keys), storage)


if __name__ == "__main__":
    harness.main()
