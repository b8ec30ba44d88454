"""Whether one party's proofs push out those of others."""

import asyncio

import attack
from attack import NODE, Attack, Contact

HONEST = 60


class Proofs(Attack):
    async def peers(self):
        made = []
        for number in range(HONEST):
            peer = await self.raw_node(f"62.{number + 1}.7.7")
            peer.answers = Contact().answers
            made.append(peer)
        proven = await asyncio.gather(*(peer.prove(NODE) for peer in made))
        self.assertTrue(all(proven))
        for peer in made:  # From here on they are silent: what counts is the proof they have.
            peer.answers_pings = False
        return made

    async def test_many_endpoints_of_16_subnets(self):
        await self.node()
        honest = await self.peers()
        sent = await self.run_program(
            "flood", "--answers", "--sources", "91.198.160.0/20", "--endpoints", 160_000, "--rate",
            16_000, "--seconds", 12, "--methods", "find_node")
        # `stun` is answered to proven sources only.
        answers = await asyncio.gather(*(one.call(NODE, "stun", bound=2) for one in honest))
        lost = sum(1 for answered, _ in answers if not answered)
        self.reached(f"proofs lost to {sent['pings']} of another party", f"{lost} of {HONEST}",
                     lost == 0, 0)


if __name__ == "__main__":
    attack.main()
