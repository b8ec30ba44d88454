"""Whether one host can fill the store, so that others' records are refused."""

import attack
from attack import Attack

RECORDS_MAX = 20_000


class Records(Attack):
    async def fill(self):
        """One proven host stores far more records than fit, each under a key of its own."""
        node = await self.node("--records-max", RECORDS_MAX)
        await self.contacts(node, 20)  # So that for most keys there are nearer nodes than this one.
        sent = await self.run_program(
            "flood", "--answers", "--sources", "91.198.174.192/32", "--endpoints", 1, "--rate",
            20_000, "--seconds", 3, "--methods", "store", "--value-size", 1)
        self.assertGreater(sent["answered"], RECORDS_MAX / 2)
        stats = await node.stats()
        held = stats["total"]["storage"]["records"]
        print(f"FIGURE records of one host: {held} of {RECORDS_MAX}")
        return node

    async def others_store(self, name, *near):
        honest = await self.run_program("honest", "--peers", 50, "--methods", "store",
                                        "--value-size", 100, "--pong-after", 0.05, *near)
        stored = honest["store"]["first"] + honest["store"]["second"]
        self.reached(f"others' records {name}, stored when one host has filled the store",
                     f"{stored} of 50", stored == 50, "50 of 50")

    async def test_one_host_fills_the_store(self):
        node = await self.fill()
        await self.others_store("anywhere")
        await self.others_store("next to our id", "--near", node.id.hex(), "--seed", 8)

    async def test_half_of_the_store_is_for_anyone(self):
        """An empty node takes its records from one neighbour as fast as that one sends them."""
        node = await self.node("--records-max", RECORDS_MAX)
        sent = await self.run_program(
            "flood", "--answers", "--sources", "91.198.174.192/32", "--endpoints", 1, "--rate",
            4_000, "--seconds", 2, "--methods", "store", "--value-size", 1)
        stats = await node.stats()
        held = stats["total"]["storage"]["records"]
        self.reached("records taken from one neighbour", f"{held} of {sent['sent']}",
                     held >= 0.99 * sent["sent"], "99 %")


if __name__ == "__main__":
    attack.main()
