"""Self-check of the harness: a network of six real Python servers, and no xord at all.

If this fails, the machine or the harness is at fault and the other scenarios mean nothing.
"""

import harness
from harness import Scenario, address_of, contacts_of, forget
from values import VALUES, same


class PythonNetwork(Scenario):
    async def test_six_python_servers_find_each_other_and_keep_every_type_of_value(self):
        first = await self.python_server()
        others = await self.python_servers(5, address_of(first))
        for server in others:
            self.assertEqual(len(contacts_of(server)), 5)
        for index, (_, value) in enumerate(VALUES):
            self.assertTrue(await others[index % 5].set(f"key {index}", value))
        for index, (_, value) in enumerate(VALUES):
            reader = others[(index + 1) % 5]
            forget(reader)
            got = await reader.get(f"key {index}")
            self.assertTrue(same(got, value), (index, value, got))

    async def test_a_raw_node_speaks_with_a_python_server(self):
        server = await self.python_server()
        node = await self.raw_node()
        to = address_of(server)
        self.assertEqual(await node.ping(to), (True, server.node.id))
        self.assertEqual(await node.store(to, b"k" * 20, "v"), (True, True))
        self.assertEqual(await node.find_value(to, b"k" * 20), (True, {"value": "v"}))
        self.assertEqual(await node.call(to, "no_such_method", bound=0.2), (False, None))
        self.assertEqual(contacts_of(server), {node.id: node.address})


if __name__ == "__main__":
    harness.main()
