"""Raw rpcudp: a socket that sends exactly what a test wants, and receives everything.

A RawNode packs with the Python library's own msgpack. By default it answers pings, so that xord
counts it as proven; a silent one only listens.
"""

import asyncio
import os
import socket

import peers

peers.use()
import umsgpack  # noqa: E402

pack, unpack = umsgpack.packb, umsgpack.unpackb
REQUEST, REPLY = b"\x00", b"\x01"
HEADER = 21  # Type and message id.


def request(method, *arguments, message_id=None):
    """A request's datagram and its message id."""
    message_id = message_id or os.urandom(20)
    return REQUEST + message_id + pack([method, list(arguments)]), message_id


class RawNode(asyncio.DatagramProtocol):
    def __init__(self, answers_pings=True):
        self.id = os.urandom(20)
        self.answers_pings = answers_pings
        self.pong_after = 0  # Seconds.
        self.received = []   # All (datagram, source), in order.
        self.asked = []      # The bodies of the requests among them.
        self.waiting = {}    # Message id to the future of its reply's datagram.
        self.answers = {}    # Method to function of its arguments, returning a reply's packed body.
        self.transport = None
        self.socket = None

    @classmethod
    async def open(cls, ip, **arguments):
        family = socket.AF_INET6 if ":" in ip else socket.AF_INET
        bound = socket.socket(family, socket.SOCK_DGRAM)
        bound.setblocking(False)
        bound.bind((ip, 0))
        loop = asyncio.get_running_loop()
        _, node = await loop.create_datagram_endpoint(lambda: cls(**arguments), sock=bound)
        node.socket = bound
        return node

    def connection_made(self, transport):
        self.transport = transport

    def close(self):
        self.transport.close()

    @property
    def address(self):
        return self.transport.get_extra_info("sockname")[:2]

    def send(self, datagram, to):
        self.socket.sendto(datagram, to)  # asyncio's own drops empty datagrams.

    def datagram_received(self, datagram, source):
        self.received.append((datagram, source))
        if datagram[:1] == REPLY:
            waiting = self.waiting.pop(datagram[1:HEADER], None)
            if waiting and not waiting.done():
                waiting.set_result((datagram, source))
            return
        method, arguments = unpack(datagram[HEADER:])
        self.asked.append((method, arguments))
        body = None
        if method in self.answers:
            body = self.answers[method](*arguments)
        elif method == "ping" and self.answers_pings:
            body = pack(self.id)
        if body is None:
            return
        reply = REPLY + datagram[1:HEADER] + body
        if method == "ping" and self.pong_after:
            asyncio.get_running_loop().call_later(self.pong_after, self.send, reply, source)
        else:
            self.send(reply, source)

    async def exchange(self, datagram, to, bound=6):
        """Sends a request as is; returns its reply's datagram and source, or None after `bound`."""
        future = asyncio.get_running_loop().create_future()
        self.waiting[datagram[1:HEADER]] = future
        self.send(datagram, to)
        try:
            return await asyncio.wait_for(future, bound)
        except asyncio.TimeoutError:
            self.waiting.pop(datagram[1:HEADER], None)
            return None

    async def call(self, to, method, *arguments, bound=6):
        """(True, result) or, without an answer, (False, None)."""
        answer = await self.exchange(request(method, *arguments)[0], to, bound)
        return (True, unpack(answer[0][HEADER:])) if answer else (False, None)

    async def ping(self, to, bound=6):
        return await self.call(to, "ping", self.id, bound=bound)

    async def store(self, to, key, value, bound=6):
        return await self.call(to, "store", self.id, key, value, bound=bound)

    async def find_node(self, to, target, bound=6):
        return await self.call(to, "find_node", self.id, target, bound=bound)

    async def find_value(self, to, key, bound=6):
        return await self.call(to, "find_value", self.id, key, bound=bound)

    async def prove(self, to, bound=6):
        """Makes xord ping us, by a request that it answers only to proven sources."""
        answered, _ = await self.find_node(to, self.id, bound)
        return answered
