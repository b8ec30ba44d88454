"""What honest peers get while four attackers send many times what the node can serve.

One machine cannot send ten times what a whole core serves. So the node gets a tenth of a core: a
process of the scheduler's real-time class takes the rest of each millisecond. The attackers are
proven, answer the node's pings, and send 64 datagrams a system call from the other cores.
"""

import asyncio
import contextlib
import multiprocessing
import os
import pathlib
import socket
import statistics
import time

import attack
import harness
import raw
from attack import NODE, Attack

ATTACKERS = ("62.101.1.1", "62.102.1.1", "62.103.1.1", "62.104.1.1")  # A /16 each.
UDP_SEGMENT = 103  # linux/udp.h
SEGMENTS = 64
NODE_HAS = 0.1  # Of a core.
PERIOD = 0.001  # Seconds.
MULTIPLE = 5  # Of what the node serves: with less, this would show little.
GOODPUT = 0.95
KEY = b"\x5a" * 20
# Honest peers at addresses of their own, a request a second each.
HONEST = ("--peers", 1_200, "--over", 1, "--every", 1, "--methods",
          "find_value,find_node,find_value,ping,find_value,store", "--key", KEY.hex(),
          "--value-size", 100, "--by-second")
CALM = 5  # Seconds of an honest run until the attack begins; the first two are for proofs.
SETTLED = 4  # Seconds from then on that do not count: what was lost is asked again after two.

fork = multiprocessing.get_context("fork")


def take_most_of(core):
    """Leaves NODE_HAS of `core` to what else runs there."""
    harness.die_with_parent()
    os.sched_setaffinity(0, {core})
    with contextlib.suppress(PermissionError):  # Then the node is as fast as it is.
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        while True:
            end = time.monotonic() + PERIOD * (1 - NODE_HAS)
            while time.monotonic() < end:
                pass
            time.sleep(PERIOD * NODE_HAS)


def blast(core, sockets, bursts, seconds, sent):
    """Sends a burst of each attacker in turn; adds what it sent to `sent`."""
    harness.die_with_parent()
    os.sched_setaffinity(0, {core})
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, 0)
    count = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for each, burst in zip(sockets, bursts):
            each.sendto(burst, NODE)
        count += SEGMENTS * len(sockets)
    with sent.get_lock():
        sent.value += count


def dropped():
    """Datagrams for the node that the kernel dropped: by its filter, or for lack of room."""
    place = f":{NODE[1]:04X} "
    lines = pathlib.Path("/proc/net/udp").read_text(encoding="ascii").splitlines()
    return sum(int(line.split()[-1]) for line in lines if place in line)


class Attacker(attack.Contact):
    """Once it is proven, it ignores what it is answered."""

    def datagram_received(self, datagram, source):
        if datagram[:1] == raw.REQUEST or self.waiting:
            super().datagram_received(datagram, source)


class Overload(Attack):
    async def asyncSetUp(self):
        attack.be_urgent(os.getpid())  # And what it starts: all but the attackers.

    async def slow_node(self, *arguments):
        node = await self.node(*arguments)
        *self.other_cores, core = sorted(os.sched_getaffinity(0))
        self.assertTrue(self.other_cores, "the attackers and the node need a core each")
        for thread in os.listdir(f"/proc/{node.process.pid}/task"):
            os.sched_setaffinity(int(thread), {core})
        self.rival = self.begin(take_most_of, core)
        known = await self.contacts(node, 20)
        self.assertEqual(await known[0].store(NODE, KEY, "v" * 100), (True, True))
        return node

    def begin(self, work, *arguments):
        process = fork.Process(target=work, args=arguments, daemon=True)
        process.start()
        self.addCleanup(process.join)
        self.addCleanup(process.kill)
        return process

    async def attackers(self):
        """Their sockets, proven, and what each sends over and over."""
        made = [await self.open(Attacker(), ip) for ip in ATTACKERS]
        for one in made:
            self.assertTrue(await one.prove(NODE))
        bursts = []
        for one in made:
            asked = [raw.request("find_node", one.id, os.urandom(20))[0] for _ in range(SEGMENTS)]
            bursts.append(b"".join(asked))
        sockets = [one.socket.dup() for one in made]
        for each in sockets:
            self.addCleanup(each.close)
            each.setblocking(True)
            each.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, len(asked[0]))
        return sockets, bursts

    async def flood(self, sockets, bursts, seconds):
        """What was sent a second, and what the kernel dropped of it."""
        sent = fork.Value("Q", 0)
        before, begin = dropped(), time.monotonic()
        blasts = [self.begin(blast, core, sockets, bursts, seconds, sent)
                  for core in self.other_cores]
        for each in blasts:
            await asyncio.to_thread(each.join)
        elapsed = time.monotonic() - begin
        return sent.value / elapsed, (dropped() - before) / elapsed

    async def capacity(self):
        """What it serves a second of as much as can be sent, if nothing is thinned out."""
        node = await self.slow_node("--limits", "off")
        armed = await self.attackers()
        before, begin = await node.stats(), time.monotonic()
        await self.flood(*armed, 2)
        after, seconds = await node.stats(), time.monotonic() - begin
        await node.stop()
        self.rival.kill()
        return (after["total"]["node"]["replies_sent"] -
                before["total"]["node"]["replies_sent"]) / seconds

    async def test_floods_of_four_prefixes(self):
        """With --full for a minute."""
        capacity = await self.capacity()
        node = await self.slow_node()
        armed = await self.attackers()
        seconds = 60 if harness.options.full else 9
        honest = self.start("honest", *HONEST, "--operations", CALM + seconds, urgent=True)
        await asyncio.sleep(CALM)
        cpu = attack.cpu_seconds(node.process.pid)
        offered, lost = await self.flood(*armed, seconds)
        cpu = (attack.cpu_seconds(node.process.pid) - cpu) / seconds
        thinned = (await node.stats())["total"]["node"]["sources_thinned"]
        by_second = (await self.finished(honest))["served_by_second"]
        multiple = offered / capacity
        print(f"FIGURE four attackers offer {offered:,.0f} requests a second, {multiple:.1f} times "
              f"the {capacity:,.0f} that the node serves with limits off")
        print(f"FIGURE dropped in the kernel: {lost:,.0f} a second, of {thinned} prefixes; the "
              f"node takes {cpu:.1%} of a core")
        if self.rival.is_alive():
            self.reached("offered, as a multiple of what the node serves", f"{multiple:.1f}",
                         multiple >= MULTIPLE, MULTIPLE)
        peak = statistics.mean(by_second[2:CALM])
        goodput = statistics.mean(by_second[CALM + SETTLED:CALM + seconds])
        self.reached(f"goodput of honest prefixes, {goodput:,.0f} a second of {peak:,.0f} before",
                     f"{goodput / peak:.2f}", goodput >= GOODPUT * peak, GOODPUT)
        least = min(by_second[CALM:CALM + SETTLED])
        print(f"FIGURE goodput in the worst of the first {SETTLED} seconds: {least / peak:.2f}")


if __name__ == "__main__":
    attack.main()
