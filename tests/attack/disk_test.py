"""How much disk stores can take whose records expire at once, so that there is always room."""

import asyncio
import os

import attack
import harness
from attack import Attack

MIB = 1 << 20
STORAGE_MAX = 16 * MIB
# What a node may take beyond 1.2 times --storage-max (docs/STORAGE.md derives it): the log,
# memtables and one compaction.
FIXED = 96 * MIB
TTL = 7 * 86_400
LIVES = 1  # Seconds.


def size_of(directory):
    """Bytes that its files take on disk."""
    total = 0
    for place, _, files in os.walk(directory):
        for name in files:
            try:
                total += os.stat(os.path.join(place, name)).st_blocks * 512
            except FileNotFoundError:  # The database removes files meanwhile.
                pass
    return total


class Disk(Attack):
    async def most_during(self, node, seconds, rate, *flood):
        """The most that the directory takes while one host stores; and how many stores it was."""
        flooding = self.start("flood", "--answers", "--sources", "91.198.174.192/32", "--endpoints",
                              1, "--rate", rate, "--seconds", seconds, "--methods", "store", *flood)
        most = 0
        while flooding.poll() is None:
            most = max(most, size_of(node.data_dir))
            await asyncio.sleep(0.25)
        await self.finished(flooding)
        stats = await node.stats()
        return most, stats["total"]["storage"]["stored"]

    def judge(self, what, most):
        allowed = 1.2 * STORAGE_MAX + FIXED
        self.reached(f"disk at --storage-max 16MiB after {what}", f"{most / MIB:.0f} MiB",
                     most <= allowed, f"at most {allowed / MIB:.0f} MiB")

    @staticmethod
    def seconds(short):
        return 40 if harness.options.full else short

    async def test_stores_with_ages_of_nearly_a_ttl(self):
        node = await self.node("--storage-max", "16MiB")
        most, stored = await self.most_during(node, self.seconds(16), 2_500, "--value-size", 8_000,
                                              "--age", TTL - LIVES)
        self.judge(f"{stored} stores of 8,000 bytes that expire at once", most)

    async def test_small_values_with_ages_of_nearly_a_ttl(self):
        """Values of one byte: rows, not values, take the disk."""
        node = await self.node("--storage-max", "16MiB")
        most, stored = await self.most_during(node, self.seconds(10), 40_000, "--value-size", 1,
                                              "--age", TTL - LIVES)
        self.judge(f"{stored} stores of one byte that expire at once", most)

    async def test_overwrites_and_restarts(self):
        node = await self.node("--storage-max", "16MiB")
        most = total = 0
        for number in range(3):
            size, stored = await self.most_during(node, self.seconds(12) / 3, 2_500, "--value-size",
                                                  8_000, "--key", "5a" * 20, "--seed", number)
            most, total = max(most, size), total + stored
            await node.stop()
            most = max(most, size_of(node.data_dir))
            await node.start()
        self.judge(f"{total} stores of 8,000 bytes under one key, and three restarts", most)


if __name__ == "__main__":
    attack.main()
