"""kill -9 in the middle of stores, and a restart on the same directory without any --bootstrap.

The witness of what was acknowledged lies outside the data directory, and is synced before the kill.
"""

import asyncio
import os
import random

import harness
from harness import OWN_IP, OWN_PORT, Scenario, contacts_of, eventually

ROUNDS = 5
OUTSTANDING = 64


class Restart(Scenario):
    def setUp(self):
        super().setUp()
        self.seed = random.randrange(2**32)
        print(f"seed {self.seed}", flush=True)
        self.random = random.Random(self.seed)
        self.witness = open(self.scratch / "witness", "w+b", buffering=0)
        self.addCleanup(self.witness.close)

    def acknowledged(self):
        """{key: value} of the witness."""
        self.witness.seek(0)
        return dict(line.rstrip(b"\n").split(b" ") for line in self.witness)

    async def _store_until_killed(self, node, round_number):
        """Keeps 64 stores pending; returns how many were acknowledged."""
        writer = await self.raw_node()
        self.assertTrue(await writer.prove(node.address))
        count = 0
        dead = asyncio.Event()

        async def keep_storing(worker):
            nonlocal count
            number = 0
            while not dead.is_set():
                number += 1
                key = self.random.randbytes(20)
                value = b"%d/%d/%d/" % (round_number, worker, number)
                value += b"x" * self.random.choice((0, 90, 3000))
                answered, result = await writer.store(node.address, key, value, bound=1)
                if answered:
                    self.assertIs(result, True)
                    self.witness.write(key.hex().encode() + b" " + value + b"\n")
                    count += 1

        workers = [asyncio.ensure_future(keep_storing(worker)) for worker in range(OUTSTANDING)]
        goal = self.random.randrange(200, 1500)
        await eventually(lambda: count >= goal, 60, f"{goal} stores acknowledged")
        os.fsync(self.witness.fileno())
        await node.kill()
        dead.set()
        await asyncio.gather(*workers)
        return count

    async def test_every_acknowledged_value_survives_kill_9(self):
        node = await self.xord()
        first_id, stored = node.id, 0
        for round_number in range(ROUNDS):
            stored += await self._store_until_killed(node, round_number)
            await node.start()
            self.assertEqual(node.id, first_id)
            reader = await self.raw_node()
            self.assertTrue(await reader.prove(node.address))
            witnessed = self.acknowledged()
            self.assertEqual(len(witnessed), stored)
            for key, value in witnessed.items():
                found = await reader.find_value(node.address, bytes.fromhex(key.decode()))
                self.assertEqual(found, (True, {"value": value}), f"key {key}")
            reader.close()
        print(f"{ROUNDS} times kill -9: {stored} stores were acknowledged, and all are served")

    async def test_the_table_and_values_are_there_again_without_a_bootstrap(self):
        node = await self.xord(listen=[f"{OWN_IP}:{OWN_PORT}"])
        servers = await self.python_servers(5, node.address)
        await servers[0].set("kept", "over the restart")
        contacts = node.data_dir / "contacts"
        ids = [server.node.id for server in servers]
        await eventually(lambda: contacts.exists() and
                         all(one in contacts.read_bytes() for one in ids),
                         15, "all five contacts saved, which takes at most 10 s")
        node_id = node.id
        await node.kill()
        await node.start()
        self.assertEqual((node.id, node.bootstrap), (node_id, []))
        asker = await self.raw_node()
        answered, named = await asker.find_node(node.address, node_id)
        self.assertTrue(answered)
        self.assertEqual({tuple(contact)[0] for contact in named} & set(ids), set(ids))
        newcomer = await self.python_server(node.address)
        self.assertLessEqual(set(ids), set(contacts_of(newcomer)))
        self.assertEqual(await newcomer.get("kept"), "over the restart")

    async def test_an_orderly_end_keeps_everything_too(self):
        node = await self.xord()
        writer = await self.raw_node()
        keys = [self.random.randbytes(20) for _ in range(200)]
        for key in keys:
            self.assertEqual(await writer.store(node.address, key, key), (True, True))
        node_id = node.id
        await node.stop()
        await node.start()
        self.assertEqual(node.id, node_id)
        for key in keys:
            self.assertEqual(await writer.find_value(node.address, key), (True, {"value": key}))


if __name__ == "__main__":
    harness.main()
