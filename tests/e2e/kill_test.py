"""kill -9 at any moment of a mixed load, again and again, on one data directory.

Each round draws the durability, the number of shards and how much the disk may hold, starts the
node on what the last one left, loads it, and kills it between 0 and 500 ms after a store was sent.
The witness (a log outside the data directory, synced before the kill) decides what may be served
for a key afterwards: the value acknowledged last, or one that was sent later and was not refused;
nothing that was never sent, nothing that was refused, no mixture. Records on disk expire at most
ttl/24 earlier than was acknowledged. 10 rounds, or --rounds N; --seed N repeats a run's draws.
"""

import argparse
import asyncio
import os
import random
import subprocess
import sys
import time

import peers

peers.use()  # Restarts this program if need be, with its arguments.
import harness  # noqa: E402
from harness import Scenario  # noqa: E402

OUTSTANDING = 48
OLD_KEYS_CHECKED = 200  # Besides those of the round; the last round checks all.
KILL_WITHIN = 0.5
SIZES = (0, 1, 90, 90, 700, 3000, 8000)
TTL = 2 * 3600  # Nothing expires in a run, and in a long one times fall ttl/24 behind.
CLOCK_SLACK = 2  # Expiries are whole seconds, and node time resumes from a clock in whole seconds.

own = argparse.ArgumentParser(add_help=False)
own.add_argument("--rounds", type=int, default=10)
own.add_argument("--seed", type=int, default=None)
arguments, sys.argv[1:] = own.parse_known_args()


class Key:
    """What was sent for one key. At most one store of it is pending, so stores are strictly
    ordered."""

    def __init__(self, name):
        self.name = name
        self.acknowledged = None   # The value acknowledged last.
        self.acknowledged_at = None  # The earliest wall time at which that was sent.
        self.undecided = set()     # Sent after it, and neither acknowledged nor refused.
        self.refused = set()       # Refused, and neither sent nor acknowledged otherwise.
        self.is_busy = False

    def may_be_served(self, value):
        if value is None:
            return self.acknowledged is None
        return value == self.acknowledged or value in self.undecided

    def send(self, value):
        self.undecided.add(value)
        self.refused.discard(value)

    def decide(self, value, sent_at, answered, result):
        if not answered:
            return
        self.undecided.discard(value)
        if result is True:
            self.acknowledged = value
            self.acknowledged_at = sent_at
            self.undecided.clear()
        elif value != self.acknowledged:
            self.refused.add(value)


def read_expiries(path):
    """When each key's record expires, by the wall clock; from an export (docs/STORAGE.md)."""
    expiries = {}
    with open(path, "rb") as lines:
        header = dict(field.split(b"=") for field in next(lines).split() if b"=" in field)
        ahead = (int(header[b"wall_time"]) - int(header[b"node_time"])) / 1e9
        for line in lines:
            fields = line.split(b" ", 7)
            if fields[0] == b"record":
                expiries[bytes.fromhex(fields[2].decode())] = int(fields[6]) + ahead
    return expiries


class Kill(Scenario):
    def setUp(self):
        super().setUp()
        self.seed = arguments.seed if arguments.seed is not None else random.randrange(2**32)
        kind = subprocess.run(["stat", "-f", "-c", "%T", self.scratch], capture_output=True,
                              text=True, check=True).stdout.strip()
        print(f"seed {self.seed}, data on {kind}", flush=True)
        self.random = random.Random(self.seed)
        self.witness = open(self.scratch / "witness", "ab", buffering=0)
        self.addCleanup(self.witness.close)
        self.keys = []
        self.touched = set()
        self.latest = 0  # The most seconds by which an expiry on disk was behind.
        self.counts = dict.fromkeys(("stores", "acknowledged", "refused", "undecided", "gets"), 0)

    def note(self, word, key, value):
        self.witness.write(b"%s %s %d %s\n" % (word, key.name.hex().encode(), len(value),
                                               value[:40].hex().encode()))

    def value(self, key):
        head = b"%d/%s/" % (self.counts["stores"], key.name[:4].hex().encode())
        size = self.random.choice(SIZES)
        return (head + self.random.randbytes(size)) if size else b""

    def free_key(self):
        key = self.random.choice(self.keys) if self.keys and self.random.random() < 0.45 else None
        if key is None or key.is_busy:
            key = Key(self.random.randbytes(20))
            self.keys.append(key)
        return key

    async def store(self, peer, address):
        key = self.free_key()
        equal = key.acknowledged is not None and self.random.random() < 0.3
        value = key.acknowledged if equal else self.value(key)
        key.is_busy = True
        self.touched.add(key)
        self.counts["stores"] += 1
        self.note(b"sent", key, value)
        key.send(value)
        sent_at = time.time()
        answered, result = await peer.store(address, key.name, value, bound=1.5)
        key.decide(value, sent_at, answered, result)
        word = b"undecided" if not answered else b"acknowledged" if result else b"refused"
        self.note(word, key, value)
        self.counts[word.decode()] += 1
        key.is_busy = False

    async def get(self, peer, address):
        key = self.random.choice(self.keys) if self.keys else Key(self.random.randbytes(20))
        if key.is_busy:
            return
        key.is_busy = True
        answered, result = await peer.find_value(address, key.name, bound=1.5)
        if answered:
            self.check(key, result)
            self.counts["gets"] += 1
        key.is_busy = False

    def check(self, key, result):
        value = result["value"] if isinstance(result, dict) else None
        if not key.may_be_served(value):
            why = "refused" if value in key.refused else "lost" if value is None else "wrong"
            self.fail(f"{why}: key {key.name.hex()} served {value and value[:60]!r}, acknowledged "
                      f"{key.acknowledged and key.acknowledged[:60]!r}, {len(key.undecided)} "
                      f"undecided; seed {self.seed}")

    async def load_and_kill(self, node):
        """A mixed load until the node is killed, at a random moment after a store."""
        peers = [await self.raw_node() for _ in range(4)]
        for peer in peers:
            self.assertTrue(await peer.prove(node.address))
        dead = False

        async def work(peer):
            while not dead:
                draw = self.random.random()
                if draw < 0.7:
                    await self.store(peer, node.address)
                elif draw < 0.95:
                    await self.get(peer, node.address)
                else:
                    await peer.find_node(node.address, self.random.randbytes(20), bound=1.5)

        workers = [asyncio.ensure_future(work(peers[i % len(peers)])) for i in range(OUTSTANDING)]
        goal = self.counts["stores"] + self.random.randrange(1, 400)
        await harness.eventually(lambda: self.counts["stores"] >= goal or
                                 any(worker.done() for worker in workers), 60, "stores in progress")
        await asyncio.sleep(self.random.random() * KILL_WITHIN)
        os.fsync(self.witness.fileno())
        await node.kill()
        dead = True
        await asyncio.gather(*workers)
        for peer in peers:
            peer.close()

    async def verify(self, node, keys):
        reader = await self.raw_node()
        self.assertTrue(await reader.prove(node.address))
        waiting = list(keys)

        async def read():
            while waiting:
                key = waiting.pop()
                for _ in range(5):  # A datagram may be lost, or wait for loading.
                    answered, result = await reader.find_value(node.address, key.name, bound=6)
                    if answered:
                        break
                self.assertTrue(answered, f"no answer for key {key.name.hex()}")
                self.check(key, result)
                # What is served now was committed: it may not revert to something older.
                if isinstance(result, dict):
                    key.acknowledged = result["value"]
                    key.undecided.clear()

        await asyncio.gather(*(read() for _ in range(OUTSTANDING)))
        reader.close()

    async def check_on_disk(self, node):
        """`xord store check` of the stopped node's directory, and the times in it."""
        outcome = await self.command("store", "check", "--data-dir", node.data_dir, bound=120)
        self.assertEqual(outcome.code, 0, outcome)
        await self.check_expiries(node)

    async def check_expiries(self, node):
        """Checks that no record on disk expires more than ttl/24 before what was acknowledged."""
        lines = self.scratch / "export"
        outcome = await self.command("store", "export", lines, "--data-dir", node.data_dir,
                                     bound=120)
        self.assertEqual(outcome.code, 0, outcome)
        expiries = read_expiries(lines)
        lines.unlink()
        for key in self.keys:
            if key.acknowledged_at is None:
                continue
            expiry = expiries.get(key.name)
            self.assertIsNotNone(expiry, f"key {key.name.hex()} is not on the disk")
            early = key.acknowledged_at + TTL - expiry
            self.latest = max(self.latest, early)
            self.assertLessEqual(early, TTL / 24 + CLOCK_SLACK, f"key {key.name.hex()}")
            self.assertLessEqual(expiry, time.time() + TTL + CLOCK_SLACK, key.name.hex())

    def draw(self, node):
        harness.options.shards = self.random.choice((1, 3))
        durability = self.random.choice(("sync", "os"))
        node.arguments = ["--durability", durability, "--ttl", f"{TTL}s"]
        if self.random.random() < 0.3:  # Less than is held: new values are refused.
            node.arguments += ["--storage-max", "1MiB"]
        return f"{durability}, {harness.options.shards} shards"

    async def test_what_was_acknowledged_is_served_after_every_kill(self):
        node = await self.xord()
        await node.stop()
        before = dict(self.counts)
        for number in range(arguments.rounds):
            drawn = self.draw(node)
            await node.start()
            self.touched.clear()
            await self.load_and_kill(node)
            await self.check_on_disk(node)
            self.draw(node)
            await node.start()
            keys = set(self.keys)
            if number + 1 < arguments.rounds:
                old = self.random.sample(self.keys, min(OLD_KEYS_CHECKED, len(self.keys)))
                keys = self.touched | set(old)
            await self.verify(node, keys)
            await node.kill()
            print(f"round {number + 1}: {drawn}; stores {self.counts['stores'] - before['stores']}"
                  f", refused {self.counts['refused'] - before['refused']}; {len(keys)} keys read",
                  flush=True)
            before = dict(self.counts)
        print(f"{arguments.rounds} times kill -9, {len(self.keys)} keys, {self.counts}; all served "
              f"as promised; expiries on the disk at most {self.latest:.0f} s of {TTL / 24:.0f} "
              "behind")


if __name__ == "__main__":
    harness.main()
