"""Wildcard addresses and the two address families, as a peer sees them."""

import socket
import unittest

import raw
import harness
from harness import OWN_IP, Scenario, address_of


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


class Addresses(Scenario):
    async def test_a_wildcard_node_answers_from_the_address_that_was_asked(self):
        node = await self.xord(listen=["0.0.0.0:0"])
        port = node.address[1]
        for asked in ("127.0.0.77", "127.0.0.1", "127.9.9.9"):
            asker = await self.raw_node("127.0.0.1")
            datagram, _ = raw.request("ping", asker.id)
            reply, source = await asker.exchange(datagram, (asked, port))
            self.assertEqual(source, (asked, port))
            self.assertEqual(reply[-20:], node.id)
            await asker.find_node((asked, port), b"t" * 20)
            self.assertEqual({source for _, source in asker.received}, {(asked, port)},
                             "its own ping to a proven-to-be source leaves from there too")
        done = await self.command("ping", f"127.0.0.77:{port}", "--json")
        self.assertEqual(done.code, 0, done)
        self.assertEqual((done.json["id"], done.json["endpoint"]),
                         (node.id.hex(), f"127.0.0.77:{port}"))
        self.assertGreater(done.json["rtt_ms"], 0)

    @unittest.skipUnless(has_ipv6(), harness.NO_IPV6)
    async def test_each_asker_gets_contacts_of_its_own_family_only(self):
        node = await self.xord(listen=[f"{OWN_IP}:0", "[::1]:0"])
        ipv4, ipv6 = (harness.address(endpoint) for endpoint in node.endpoints)
        self.assertEqual((ipv4[0], ipv6[0]), (OWN_IP, "::1"))
        servers4 = await self.python_servers(3, ipv4)
        servers6 = [await self.python_server(ipv6, interface="::1") for _ in range(3)]
        for ip, to, servers in ((OWN_IP, ipv4, servers4), ("::1", ipv6, servers6)):
            asker = await self.raw_node(ip)
            for target in (b"\0" * 20, b"\xff" * 20, servers4[0].node.id, servers6[0].node.id):
                answered, contacts = await asker.find_node(to, target)
                self.assertTrue(answered)
                self.assertEqual({(one[1], one[2]) for one in contacts},
                                 {address_of(server) for server in servers})

    @unittest.skipUnless(has_ipv6(), harness.NO_IPV6)
    async def test_values_cross_from_one_family_to_the_other(self):
        node = await self.xord(listen=[f"{OWN_IP}:0", "[::1]:0"])
        ipv4, ipv6 = (harness.address(endpoint) for endpoint in node.endpoints)
        setter = await self.python_server(ipv4)
        getter = await self.python_server(ipv6, interface="::1")
        self.assertTrue(await setter.set("crossing", 42))
        self.assertEqual(await getter.get("crossing"), 42)
        done = await self.command("get", "crossing", "--via", f"[::1]:{ipv6[1]}", "--json")
        self.assertEqual((done.code, done.json["value"]), (0, 42), done)


if __name__ == "__main__":
    harness.main()
