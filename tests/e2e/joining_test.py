"""Ways into a network: several bootstrap nodes, one that comes later, a name, mixed networks."""

import harness
from harness import (OWN_IP, OWN_PORT, Scenario, address_of, contacts_of, endpoint_of,
                     eventually)


class Joining(Scenario):
    async def python_network(self, count=4):
        first = await self.python_server()
        servers = [first] + await self.python_servers(count - 1, address_of(first))
        return servers, endpoint_of(first)

    async def _knows_all(self, node, servers):
        """Waits until `node` hands out each of `servers`, and each of these has filed it."""
        asker = await self.raw_node()
        ids = {server.node.id for server in servers}

        async def all_known():
            _, contacts = await asker.find_node(node.address, node.id)
            return ids <= {contact[0] for contact in contacts or ()}
        await eventually(all_known, 15, "xord knows every Python server")
        await eventually(lambda: all(node.id in contacts_of(server) for server in servers), 15,
                         "every Python server knows xord")

    async def test_a_network_of_python_servers_is_joined_through_one_of_them(self):
        servers, endpoint = await self.python_network()
        await self._knows_all(await self.xord(bootstrap=[endpoint]), servers)

    async def test_one_of_several_bootstrap_nodes_that_knows_somebody_is_enough(self):
        servers, endpoint = await self.python_network()
        lonely = await self.raw_node()
        lonely.answers["find_node"] = lambda *_: b"\x90"  # It knows no other node.
        silent = await self.raw_node(answers_pings=False)
        node = await self.xord(bootstrap=["%s:%d" % lonely.address, endpoint,
                                          "%s:%d" % silent.address])
        await self._knows_all(node, servers)

    async def test_a_bootstrap_node_that_comes_later_is_found_without_help(self):
        endpoint = f"{OWN_IP}:{OWN_PORT}"
        node = await self.xord(bootstrap=[endpoint])
        first = await self.xord(listen=[endpoint])
        asker = await self.raw_node()

        async def joined():
            _, contacts = await asker.find_node(first.address, node.id)
            return node.id in [contact[0] for contact in contacts or ()]
        await eventually(joined, 30, "the node that started too early has joined")

    async def test_a_bootstrap_node_may_be_given_by_name(self):
        server = await self.python_server(interface="127.0.0.1")
        node = await self.xord(bootstrap=["localhost:%d" % address_of(server)[1]])
        await self._knows_all(node, [server])

    async def test_two_xord_nodes_and_a_python_network_become_one(self):
        servers, endpoint = await self.python_network()
        nodes = [await self.xord(bootstrap=[endpoint]) for _ in range(2)]
        for node in nodes:
            await self._knows_all(node, servers)
        self.assertTrue(await servers[-1].set("shared", b"by all"))
        for node in nodes:
            done = await self.command("get", "shared", "--via", node.endpoint, "--json")
            self.assertEqual((done.code, done.json["value"]), (0, b"by all".hex()), done)


if __name__ == "__main__":
    harness.main()
