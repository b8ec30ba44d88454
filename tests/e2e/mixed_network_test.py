"""One xord and five real Python servers that know each other only through it.

Every type of value goes in every direction; then all Python servers stop, and new ones get every
value from xord.
"""

import asyncio

import harness
from harness import Scenario, address_of, contacts_of, forget
from values import VALUES, same, spelled


def shown(kind, value):
    """A value as `xord get --json` prints it: JSON has no bytes, so those are hexadecimal."""
    return value.hex() if kind == "bytes" else value


class MixedNetwork(Scenario):
    async def asyncSetUp(self):
        self.node = await self.xord()
        self.servers = await self.python_servers(5, self.node.address)

    async def test_python_servers_that_know_only_xord_find_each_other(self):
        for server in self.servers[:-1]:  # The last one to join learned of all the others.
            self.assertIn(self.node.id, contacts_of(server))
        known = contacts_of(self.servers[-1])
        self.assertEqual(known[self.node.id], self.node.address)
        for server in self.servers[:-1]:
            self.assertEqual(known[server.node.id], address_of(server))

    async def test_every_type_of_value_goes_in_every_direction(self):
        await self._python_to_python_and_to_xord()
        await self._xord_to_python_and_to_xord()
        held = [server for server in self.servers if server.storage.data]
        self.assertTrue(held, "some Python server must have stored something")
        for server in self.servers:
            harness.quiet_stop(server)
        await self._everything_is_still_served_by_xord()

    async def _python_to_python_and_to_xord(self):
        for index, (kind, value) in enumerate(VALUES):
            key, setter = f"python {index}", self.servers[index % 5]
            reader = self.servers[(index + 2) % 5]
            self.assertTrue(await setter.set(key, value))
            forget(reader)
            got = await reader.get(key)
            self.assertTrue(same(got, value), f"Python set and get: {value!r}, {got!r}")
            await self._xord_gets(key, kind, value)

    async def _xord_to_python_and_to_xord(self):
        for index, (kind, value) in enumerate(VALUES):
            if "\0" not in spelled(kind, value):  # NUL, which no command argument can contain.
                await self._xord_sets(f"xord {index}", kind, value, spelled(kind, value))
        await self._xord_sets("xord bytes", "bytes", "snow 雪".encode(), "snow 雪")

    async def _xord_sets(self, key, kind, value, text):
        done = await self.command("set", "--type", kind, "--via", self.node.endpoint, "--json",
                                  "--", key, text)
        self.assertEqual(done.code, 0, done)
        self.assertEqual(done.json["stored"], 6, "all of this network are among the 20 nearest")
        reader = self.servers[len(key) % 5]
        forget(reader)
        got = await reader.get(key)
        self.assertTrue(same(got, value), f"xord set, Python get: {value!r}, {got!r}")
        await self._xord_gets(key, kind, value)

    async def _xord_gets(self, key, kind, value):
        done = await self.command("get", key, "--via", self.node.endpoint, "--json")
        self.assertEqual(done.code, 0, done)
        self.assertEqual(done.json["key"], key)
        self.assertEqual(done.json["type"], kind)
        self.assertTrue(same(done.json["value"], shown(kind, value)), (value, done))

    async def _everything_is_still_served_by_xord(self):
        async def read(part):  # Each of these new clients knows xord and nothing else.
            reader = await self.python_server(self.node.address)
            for index, (_, value) in enumerate(VALUES):
                if index % 3 == part:
                    got = await reader.get(f"python {index}")
                    self.assertTrue(same(got, value), (value, got))
            self.assertEqual(await reader.get("xord bytes"), "snow 雪".encode())
        await asyncio.gather(*map(read, range(3)))

    async def test_a_get_without_json_prints_the_value_alone(self):
        for index, (value, out) in enumerate([("text", "text\n"), (2**64 - 1, f"{2**64 - 1}\n"),
                                              (True, "true\n"), (1.5, "1.5\n")]):
            await self.servers[0].set(f"shown {index}", value)
            done = await self.command("get", f"shown {index}", "--via", self.node.endpoint)
            self.assertEqual((done.code, done.out), (0, out), done)
        await self.servers[0].set("shown raw", b"\xff\x00raw")
        done = await self.command("get", "shown raw", "--via", self.node.endpoint)
        self.assertEqual(done.out.encode(errors="surrogateescape"), b"\xff\x00raw", done)


if __name__ == "__main__":
    harness.main()
