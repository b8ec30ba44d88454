"""Every golden vector, whole and cut, sent to a running xord over real sockets.

After each vector a ping is answered; since a shard reads its socket in order, any answer to the
vector has arrived by then (a proven source is never held).
"""

import json
import os
import pathlib

import raw
import harness
from harness import Scenario

GOLDEN = pathlib.Path(__file__).parent.parent / "golden" / "rpcudp.json"
VALUE_OFFSET = 73  # Where the value begins in a store of 20 byte ids, as the library encodes it.
BATCH = 32         # Datagrams between two pings: far less than a socket's buffer.


class Golden(Scenario):
    async def asyncSetUp(self):
        vectors = json.loads(GOLDEN.read_text())
        self.vectors = [one for one in vectors["vectors"] if one["meaning"]["kind"] != "key_digest"]
        self.malformed = vectors["malformed"]
        self.malformed_replies = vectors["malformed_replies"]
        self.node = await self.xord()
        self.asker = await self.raw_node()

    def requests(self, method):
        return [one for one in self.vectors
                if one["meaning"]["kind"] == "request" and one["meaning"]["method"] == method]

    async def _answer(self, vector, asker=None):
        """The body that came back for this vector, unpacked; None when nothing did."""
        asker = asker or self.asker
        datagram = bytes.fromhex(vector["hex"])
        answer = await asker.exchange(datagram, self.node.address)
        self.assertIsNotNone(answer, f"{vector['name']} was not answered")
        return raw.unpack(answer[0][raw.HEADER:])

    async def _alive(self, name, asker=None):
        asker = asker or self.asker
        self.assertEqual(await asker.ping(self.node.address), (True, self.node.id),
                         f"a ping after {name}")

    async def test_every_request_is_answered_by_its_meaning(self):
        await self.asker.prove(self.node.address)
        for vector in self.requests("ping"):
            self.assertEqual(await self._answer(vector), self.node.id, vector["name"])
        for vector in self.requests("stun"):
            self.assertEqual(await self._answer(vector), list(self.asker.address))
        for method in ("find_node", "find_value"):
            for vector in self.requests(method):
                self.assertEqual(await self._answer(vector), [], vector["name"])

    async def test_a_stored_value_comes_back_byte_for_byte(self):
        await self.asker.prove(self.node.address)
        for vector in self.requests("store"):
            self.assertIs(await self._answer(vector), True, vector["name"])
            datagram = bytes.fromhex(vector["hex"])
            key = bytes.fromhex(vector["meaning"]["args"][1]["hex"])
            asked, _ = raw.request("find_value", self.asker.id, key)
            reply, _ = await self.asker.exchange(asked, self.node.address)
            expected = b"\x81\xa5value" + datagram[VALUE_OFFSET:]
            self.assertEqual(reply[raw.HEADER:], expected, vector["name"])

    async def test_every_malformed_datagram_gets_what_is_stated_and_harms_nothing(self):
        await self.asker.prove(self.node.address)
        for source in (self.asker, await self.raw_node()):  # A proven one, then a stranger.
            sent = []
            for vector in self.malformed:
                datagram = bytes.fromhex(vector["hex"])
                if len(datagram) >= raw.HEADER:  # A message id of its own, to recognise its answer.
                    datagram = datagram[:1] + os.urandom(20) + datagram[raw.HEADER:]
                source.send(datagram, self.node.address)
                sent.append((vector, datagram[1:raw.HEADER]))
                await self._alive(vector["name"], source)
            # A store waits for its commit; this one is committed after all of the vectors.
            self.assertEqual(await source.store(self.node.address, b"last" * 5, 1), (True, True))
            replies = {}
            for datagram, _ in source.received:
                replies.setdefault(datagram[1:raw.HEADER], []).append(datagram)
            for vector, message_id in sent:
                self._check_replies(vector, replies.pop(message_id, []))
        await self._nothing_malformed_is_served()

    def _check_replies(self, vector, replies):
        expected = vector["expect"]["reply"]
        self.assertLessEqual(len(replies), 0 if expected == "none" else 1, vector["name"])
        for reply in replies:
            self.assertEqual(reply[:1], raw.REPLY, vector["name"])
            if expected == "none_or_false_or_true":
                self.assertIn(raw.unpack(reply[raw.HEADER:]), (False, True), vector["name"])

    async def _nothing_malformed_is_served(self):
        """What a Python node must never be sent: nil, arrays, maps and extensions as values."""
        for vector in self.malformed:
            datagram = bytes.fromhex(vector["hex"])
            if datagram[22:28] != b"\xa5store" or datagram[51:53] != b"\xc4\x14":
                continue
            _, result = await self.asker.find_value(self.node.address, datagram[53:73])
            if isinstance(result, dict):
                self.assertIn(type(result["value"]), (int, float, bool, str, bytes),
                              vector["name"])

    async def test_every_strict_prefix_of_every_vector_is_dropped(self):
        await self.asker.prove(self.node.address)
        sent = 0
        for vector in self.vectors:
            whole = bytes.fromhex(vector["hex"])
            # Every length up to 400, then a sample: the middle of a value is a single state of the
            # parser. tests/node/wire tries them all.
            lengths = [size for size in range(len(whole))
                       if size < 400 or size % 97 == 0 or size > len(whole) - 5]
            for begin in range(0, len(lengths), BATCH):
                self.asker.received.clear()
                for size in lengths[begin:begin + BATCH]:
                    self.asker.send(whole[:size], self.node.address)
                    sent += 1
                await self._alive(f"prefixes of {vector['name']}")
                # The node may ping the asker, which it has filed.
                replies = [datagram for datagram, _ in self.asker.received
                           if datagram[:1] == raw.REPLY]
                self.assertEqual(len(replies), 1, f"{vector['name']}: only the ping is answered")
        print(f"\n{sent} prefixes")

    async def test_malformed_replies_count_as_failed_and_are_never_relayed(self):
        names = []
        for vector in self.malformed_replies:
            peer = await self.raw_node()
            body = bytes.fromhex(vector["hex"])[raw.HEADER:]
            method = "ping" if "_ping_" in vector["name"] else "find_node"
            peer.answers[method] = lambda *_, body=body: body
            names.append((vector["name"], peer))
        victim = await self.xord(bootstrap=["%s:%d" % peer.address for _, peer in names])
        await harness.eventually(lambda: all(peer.asked for _, peer in names), 20,
                                 "every bootstrap node asked")
        lying = [peer for name, peer in names if "_ping_" not in name]
        await harness.eventually(
            lambda: all("find_node" in [method for method, _ in peer.asked] for peer in lying), 20,
            "a find_node at everyone that answered the ping")
        self.assertEqual(await self.asker.ping(victim.address), (True, victim.id))
        known = {peer.address for _, peer in names}
        for target in (b"\0" * 20, b"\xff" * 20, victim.id):
            answered, contacts = await self.asker.find_node(victim.address, target)
            self.assertTrue(answered)
            for contact_id, ip, port in contacts:
                self.assertEqual(len(contact_id), 20)
                self.assertIn((ip, port), known, "only who answered us is handed out")

    async def test_a_command_survives_every_malformed_reply(self):
        for vector in self.malformed_replies:
            peer = await self.raw_node()
            body = bytes.fromhex(vector["hex"])[raw.HEADER:]
            for method in ("ping",) if "_ping_" in vector["name"] else ("find_node", "find_value"):
                peer.answers[method] = lambda *_, body=body: body
            word = ("ping", "%s:%d" % peer.address)
            if "_ping_" not in vector["name"]:
                word = ("get", "key", "--via", "%s:%d" % peer.address)
            done = await self.command(*word, "--timeout", "700ms")
            self.assertIn(done.code, (1, 3), f"{vector['name']}: {done}")
            self.assertEqual(done.out, "", vector["name"])
            peer.close()


if __name__ == "__main__":
    harness.main()
