"""Shared by the attacks: a network of their own in which a node has public addresses.

Each tests/attack/NAME_test.py shows one thing that nobody may take from the others, with real
datagrams against a real xord (docs/TESTING.md, "Attacks"). It runs in a network namespace of its
own: xord listens at one end of a veth pair, on NODE; `flood` and `honest` (built from this folder)
are the internet at the other end, and may send from any address. Python peers run beside xord, on
any address of 62.0.0.0/8. Where the host permits no namespace, the test ends as skipped.
"""

import argparse
import asyncio
import contextlib
import ctypes
import ipaddress
import json
import os
import pathlib
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import raw  # noqa: E402, which may start this program again: first.
import harness  # noqa: E402
import peers  # noqa: E402
from harness import Scenario, die_with_parent  # noqa: E402

NODE = ("45.33.7.1", 8468)
NODE6 = ("2a01:4f8:1::1", 8468)
CLONE_NEWNET = 0x40000000  # unshare(2)
ETH_P_ALL = 3
OFFSETS = {0x0800: (9, 16, 20), 0x86dd: (6, 24, 40)}  # Of protocol, destination, end; by family.
PYTHON_PEERS = "62.0.0.0/8"
PYTHON_PEER6 = "2a02:26f0::1"

# The node's end is v0, the internet's v1. Frames are addressed by hand, so nobody asks for
# hardware addresses; an MTU with room for every datagram; no segments joined to one packet.
NETWORK = f"""
ip link set lo up
ip link add v0 address 02:00:00:00:00:01 type veth peer name v1 address 02:00:00:00:00:02
ip link set v0 mtu 16000 arp off gso_max_segs 1 up
ip link set v1 mtu 16000 arp off up
ip addr add {NODE[0]}/32 dev v0
ip route add default dev v0
ip route add local {PYTHON_PEERS} dev lo
"""
NETWORK6 = f"""
ip addr add {NODE6[0]}/128 dev v0 nodad
ip addr add {PYTHON_PEER6}/128 dev lo nodad
ip -6 route add default dev v0
"""

options = None  # Of this folder's own; harness.options has the others.


def skip(why):
    print(f"skipped: {why}")
    sys.exit(peers.SKIPPED)


def configure(commands):
    for line in commands.strip().splitlines():
        subprocess.run(line.split(), check=True, capture_output=True, text=True)


def enter_own_network():
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        skip(f"a network namespace is refused: {os.strerror(ctypes.get_errno())}")
    try:
        configure(NETWORK)
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()
        for name in ("all", "v0"):
            path = pathlib.Path(f"/proc/sys/net/ipv4/conf/{name}/rp_filter")
            if path.read_text().strip() != "0":
                with contextlib.suppress(OSError):  # Either value lets these sources in.
                    path.write_text("0")
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", "") or str(error)
        skip(f"no veth pair or packet socket here: {said.strip()}")


def be_urgent(pid):
    """For a process whose delays are measured: the attacker's machine would be another one. Its
    threads keep their order."""
    with contextlib.suppress(PermissionError):
        for thread in map(int, os.listdir(f"/proc/{pid}/task")):
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) - 10)


def cpu_seconds(pid):
    """What a process has used of a core so far, in user and kernel mode."""
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def text_of(endpoint):
    host, port = endpoint
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def look(listener, places, sent):
    """Reads one packet; appends (ip, datagram) to `sent` if it leaves for what a Liar named."""
    packet, place = listener.recvfrom(65536)
    if place[2] != socket.PACKET_OUTGOING or place[1] not in OFFSETS:
        return
    protocol, destination, end = OFFSETS[place[1]]
    if len(packet) < end + 8 or packet[protocol] != socket.IPPROTO_UDP:
        return
    to = str(ipaddress.ip_address(packet[destination:end]))
    port = int.from_bytes(packet[end + 2:end + 4], "big")
    if to in places and Liar.PORT <= port < Liar.PORT + 20:
        sent.append((to, packet[end + 8:]))


class Contact(raw.RawNode):
    """Answers whatever a node asks, and knows nobody."""

    def __init__(self):
        super().__init__()
        nobody = raw.pack([])
        self.answers = {"find_node": lambda *_: nobody, "find_value": lambda *_: nobody,
                        "store": lambda *_: raw.pack(True)}


class Liar(Contact):
    """Names twenty hosts for whatever it is asked, nearer to the target than itself."""

    PORT = 2_000  # Of the first; the others have the next ones.

    def __init__(self, places):
        super().__init__()
        self.places = places
        self.answers["find_node"] = self.answers["find_value"] = self.name

    def name(self, _, target):
        return raw.pack([[target[:16] + os.urandom(4), self.places[n % len(self.places)],
                          self.PORT + n] for n in range(20)])

    def lookups(self):
        """How often it was asked."""
        return sum(1 for method, _ in self.asked if method == "find_node")


class Attack(Scenario):
    """A scenario whose node listens on NODE."""

    has_ipv6 = None  # Whether NETWORK6 is configured; None: nobody has asked for it yet.

    def can_use_ipv6(self):
        if Attack.has_ipv6 is None:
            try:
                configure(NETWORK6)
                Attack.has_ipv6 = True
            except (OSError, subprocess.CalledProcessError):
                Attack.has_ipv6 = False
        return Attack.has_ipv6

    def need_ipv6(self):
        if not self.can_use_ipv6():
            self.skipTest(harness.NO_IPV6)

    async def node(self, *arguments, listen=NODE, also=None, **more):
        """A node that listens on `listen`, and on `also`."""
        places = [text_of(place) for place in (listen, also) if place]
        return await self.xord(*arguments, listen=places, **more)

    def start(self, program, *arguments, urgent=False):
        """Starts `flood` or `honest`; await finished() of it. An urgent one preempts others."""
        path = getattr(options, program)
        words = [path, *map(str, arguments)]
        print("   ", program, *words[1:])
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True,
                                   preexec_fn=die_with_parent)
        if urgent:
            be_urgent(process.pid)
        self.addCleanup(self._end_program, process)
        return process

    @staticmethod
    def _end_program(process):
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stdout.close()

    async def finished(self, process):
        out, _ = await asyncio.to_thread(process.communicate)
        self.assertEqual(process.returncode, 0, out)
        figures = json.loads(out)
        print("       ", json.dumps(figures))
        return figures

    async def run_program(self, program, *arguments, **how):
        return await self.finished(self.start(program, *arguments, **how))

    async def open(self, node, ip):
        """Makes `node`, a raw.RawNode, one at `ip`."""
        bound = socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_DGRAM)
        bound.setblocking(False)
        bound.bind((ip, 0))
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: node, sock=bound)
        node.socket = bound
        self.addCleanup(node.close)
        return node

    async def contacts(self, node, count, to=NODE):
        """`count` contacts that are filed, each in a /16 of its own; and they are proven."""
        made = [await self.open(Contact(), f"62.{number + 1}.{number + 1}.9")
                for number in range(count)]
        await asyncio.gather(*(contact.prove(to) for contact in made))

        async def are_filed():
            stats = await node.stats()
            return stats["total"]["shard"]["contacts_answerable"] >= count
        await harness.eventually(are_filed, 10, f"{count} contacts filed")
        return made

    async def joined_through_liar(self, places, own, listen):
        """A node that joins through a Liar at `own`, and [(ip, datagram)] that it sent to others.

        What it sends to the 20 endpoints that the Liar named, on whatever device.
        """
        listener = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        listener.setblocking(False)
        self.addCleanup(listener.close)
        sent = []
        loop = asyncio.get_running_loop()
        loop.add_reader(listener, look, listener, places, sent)
        self.addCleanup(loop.remove_reader, listener)
        liar = await self.open(Liar(places), own)
        await self.node(listen=listen, bootstrap=[text_of(liar.address)])
        await harness.eventually(liar.lookups, 10, "a lookup asks the liar")
        await asyncio.sleep(harness.seconds(3))  # Silence has no event to wait for.
        return liar, sent

    def reached(self, name, figure, is_reached, goal):
        """Prints a figure of the table, and fails the test if it is not what is to be reached."""
        print(f"FIGURE {name}: {figure} (to reach: {goal})")
        with self.subTest(name):
            self.assertTrue(is_reached, f"{name}: {figure}, to reach: {goal}")


def main():
    global options
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--flood", required=True, help="the executable of flood.cc")
    parser.add_argument("--honest", required=True, help="the executable of honest.cc")
    options, rest = parser.parse_known_args()
    sys.argv[1:] = rest
    enter_own_network()
    harness.main()
