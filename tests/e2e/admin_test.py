"""The admin port of a running node: the same API over TCP and over the control socket, as curl and
other clients of HTTP use it; who may change something; what a start does with its addresses; and
the commands that ask there instead of by the data directory.
"""

import http.client
import json
import os
import pathlib
import signal
import socket

import harness
from harness import OWN_IP, Scenario

DONE, REFUSED, USAGE, ENVIRONMENT = 0, 1, 2, 4
JSON = {"Content-Type": "application/json"}


class UnixConnection(http.client.HTTPConnection):
    """What `curl --unix-socket PATH` does."""

    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(connection, method, target, body=None, headers=None):
    """(status, the body as JSON)."""
    text = None if body is None else json.dumps(body)
    connection.request(method, target, text, {**JSON, **(headers or {})})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def line_asked(path, request):
    """What the control socket's lines (docs/CONTROL.md) answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(30)
        client.connect(str(path))
        client.sendall(json.dumps(request).encode() + b"\n")
        with client.makefile() as answers:
            return json.loads(answers.readline())


class Events:
    """What a client of GET /v1/events reads, over TCP."""

    def __init__(self, endpoint):
        self.connection = http.client.HTTPConnection(*harness.address(endpoint), timeout=30)
        self.connection.request("GET", "/v1/events")
        self.answer = self.connection.getresponse()

    def __iter__(self):
        for line in self.answer:
            if line.startswith(b"data: "):
                yield json.loads(line.removeprefix(b"data: "))

    def close(self):
        self.answer.close()
        self.connection.close()


class WithToken(Scenario):
    def token_file(self, name="token", text="0123456789abcdef0123"):
        path = self.scratch / name
        path.write_text(text + "\n", encoding="utf-8")
        path.chmod(0o600)
        return path


class Admin(WithToken):
    def local(self, path):
        connection = UnixConnection(path)
        self.addCleanup(connection.close)
        return connection

    async def node(self, *arguments):
        """A node with an admin port on a free port; its clients over TCP and over the socket."""
        node = await self.xord("--admin", f"{OWN_IP}:0", *arguments)
        host, port = harness.address(node.ready["admin"][0])
        tcp = http.client.HTTPConnection(host, port, timeout=30)
        self.addCleanup(tcp.close)
        return node, tcp, self.local(node.data_dir / "control")

    async def test_both_ways_show_the_same_node(self):
        node, tcp, local = await self.node("--ttl", "3d")
        code, status = ask(tcp, "GET", "/v1/status")
        self.assertEqual((code, status["id"]), (200, node.ready["id"]))
        self.assertIn(status["state"], ("starting", "loading", "ready"))
        self.assertEqual(status["admin"], node.ready["admin"])
        self.assertEqual(status["shards"], harness.options.shards)
        self.assertIn("0.1.0", status["version"])
        self.assertEqual(ask(local, "GET", "/v1/status")[1]["id"], node.ready["id"])
        settings = {one["name"]: one for one in ask(tcp, "GET", "/v1/config")[1]["settings"]}
        self.assertEqual((settings["ttl"]["value"], settings["ttl"]["default"]), ("3d", "7d"))
        self.assertEqual(settings["ttl"]["origin"], "flag --ttl")
        printed = await self.command("run", "--print-config")
        self.assertEqual([line.split(" = ")[0] for line in printed.out.splitlines()
                          if not line.startswith("#")],
                         list(settings))
        # The counters are those that the line protocol and SIGUSR1 show.
        shown = ask(local, "GET", "/v1/stats")[1]
        by_line = line_asked(node.data_dir / "control", {"command": "stats"})["result"]
        for other in (by_line, await node.stats()):
            self.assertEqual(other["total"].keys(), shown["total"].keys())
            self.assertEqual(other["http"].keys(), shown["http"].keys())
        self.assertGreaterEqual(shown["http"]["http_requests"], 4)

    async def test_events_show_what_the_counters_count(self):
        """After a known load the totals are those of the counters, and the second was seen."""
        node, tcp, _ = await self.node()
        events = Events(node.ready["admin"][0])
        self.addCleanup(events.close)
        first = next(iter(events))
        self.assertEqual((first["id"], len(first["shards"])),
                         (node.ready["id"], harness.options.shards))
        done = await self.command("load", "--target", node.endpoint, "--mix", "ping=1", "--rate",
                                  500, "--duration", "2s", bound=60)
        self.assertEqual(done.code, DONE, done)
        counted = ask(tcp, "GET", "/v1/stats")[1]["total"]["node"]["requests_ping"]
        self.assertGreaterEqual(counted, 900)
        seen = first
        rates = []
        for seen in events:
            rates.append(seen["series"]["requests_ping"] or 0)
            if seen["totals"]["requests_ping"] >= counted:
                break
        stats = ask(tcp, "GET", "/v1/stats")[1]["total"]
        self.assertEqual(seen["totals"]["requests_ping"], stats["node"]["requests_ping"])
        self.assertGreater(max(rates), 100)
        self.assertEqual(seen["totals"]["kernel_drops"], stats["io"]["receive_dropped"])
        code, history = ask(tcp, "GET", "/v1/history?span=minute&series=requests_ping")
        self.assertEqual(code, 200)
        self.assertGreater(max(rate or 0 for rate in history["series"]["requests_ping"]), 100)
        self.assertIn("ready", [line["message"]
                                for line in ask(tcp, "GET", "/v1/log")[1]["lines"]])

    async def test_a_client_that_does_not_read_loses_events_and_holds_nothing_up(self):
        node, tcp, _ = await self.node()
        idle = socket.create_connection(harness.address(node.ready["admin"][0]))
        self.addCleanup(idle.close)
        idle.sendall(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        reader = Events(node.ready["admin"][0])
        self.addCleanup(reader.close)
        numbers = [event["number"] for event, _ in zip(reader, range(4))]
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + 4)))
        self.assertEqual(ask(tcp, "GET", "/v1/stats")[1]["http"]["event_streams"], 2)
        await node.stop()  # At once, with both streams open.
        self.assertTrue(reader.answer.read().endswith(b"\n"), "the stream ends as one should")

    async def test_what_is_kept_over_http_is_what_the_commands_list(self):
        node, _, local = await self.node()
        where = ("--data-dir", node.data_dir)
        self.assertEqual(ask(local, "PUT", "/v1/published/a%20key", {"value": "v"}),
                         (200, {"stored": 1}))
        done = await self.command("published", "--json", *where)
        keys = ask(local, "GET", "/v1/published")[1]["keys"]
        self.assertEqual([one["id"] for one in done.json], [one["id"] for one in keys])
        got = await self.command("get", "a key", "--via", node.endpoint)
        self.assertEqual((got.code, got.out), (DONE, "v\n"), got)
        self.assertEqual((await self.command("forget", "a key", *where)).code, DONE)
        code, problem = ask(local, "DELETE", "/v1/published/a%20key")
        self.assertEqual((code, problem["code"]), (404, 1))
        self.assertEqual(ask(local, "POST", "/v1/purge", {"all": True}), (200, {"purged": 1}))

    async def test_what_the_node_knows_and_holds_is_listed(self):
        node, tcp, local = await self.node()
        other = await self.xord(bootstrap=[node.endpoint])
        where = ("--data-dir", node.data_dir)

        def contacts():
            return ask(tcp, "GET", "/v1/contacts")[1]["contacts"]

        (contact,) = await harness.eventually(contacts, 30, "the second node is a contact")
        self.assertEqual((contact["id"], contact["endpoint"], contact["failures"]),
                         (other.id.hex(), other.endpoint, 0))
        (bucket,) = ask(tcp, "GET", "/v1/buckets")[1]["buckets"]
        self.assertEqual((bucket["contacts"], bucket["depth"]), (1, contact["depth"]))
        self.assertEqual(bucket["shard"], bucket["depth"] % harness.options.shards)
        done = await self.command("contacts", "--json", "--near", other.id.hex()[:4],
                                  *where)
        self.assertEqual([one["id"] for one in done.json], [other.id.hex()], done)
        ask(local, "PUT", "/v1/published/a", {"value": "text"})
        (record,) = ask(tcp, "GET", "/v1/records")[1]["records"]
        self.assertEqual((record["type"], record["value_bytes"]), ("str", 5))
        self.assertEqual(ask(tcp, "GET", "/v1/records/" + record["id"])[1]["id"], record["id"])
        self.assertEqual(ask(tcp, "GET", "/v1/records/" + "0" * 40)[0], 404)
        done = await self.command("records", "a", "--json", *where)
        self.assertEqual([one["id"] for one in done.json], [record["id"]], done)
        self.assertEqual((await self.command("records", "b", *where)).code, 1)

    async def test_over_tcp_a_change_needs_the_token_and_a_page_of_ours(self):
        _, tcp, _ = await self.node("--admin-token-file", self.token_file())
        right = {"Authorization": "Bearer 0123456789abcdef0123"}
        for headers, code in (({}, 401), ({"Authorization": "Bearer 0123456789abcdef0124"}, 401),
                              (right, 200), ({**right, "Content-Type": "text/plain"}, 415),
                              ({**right, "Origin": "http://evil.example"}, 403),
                              ({**right, "Host": "evil.example"}, 421)):
            got, answer = ask(tcp, "POST", "/v1/purge", {"all": True}, headers)
            self.assertEqual(got, code, (headers, answer))
        _, tcp, _ = await self.node()
        self.assertEqual(ask(tcp, "POST", "/v1/purge", {"all": True})[0], 403)

    async def test_a_shutdown_is_answered_and_ends_the_node(self):
        node, _, local = await self.node()
        self.assertEqual(ask(local, "POST", "/v1/shutdown", {}), (202, {"state": "draining"}))
        await harness.asyncio.wait_for(node.process.wait(), harness.seconds(20))
        self.assertEqual(node.process.returncode, 0, node.text())
        self.assertTrue(any(line.get("message") == "stopped" for line in node.lines()))

    async def test_two_nodes_on_one_port(self):
        """The defaults give way with one warning; an address that was asked for does not."""
        self.environment.pop("XORD_ADMIN")
        nodes = [await self.xord() for _ in range(2)]
        warnings = [line for line in nodes[1].lines() if line.get("level") == "warning"]
        self.assertEqual([line["message"] for line in warnings], ["admin port taken"])
        self.assertIn("127.0.0.1:8470", warnings[0]["addresses"])
        self.assertNotIn("127.0.0.1:8470", nodes[1].ready["admin"])
        self.assertEqual(ask(self.local(nodes[1].data_dir / "control"), "GET", "/v1/status")[0],
                         200)
        node, _, _ = await self.node()
        taken = node.ready["admin"][0]
        done = await self.command("run", "--data-dir", self.scratch / "third", "--listen",
                                  f"{OWN_IP}:0", "--admin", taken)
        self.assertEqual(done.code, ENVIRONMENT, done)
        self.assertIn(taken, done.err)

    async def test_a_token_file_for_everyone_and_an_open_address_without_one_are_refused(self):
        token = self.token_file()
        token.chmod(0o644)
        base = ("run", "--data-dir", self.scratch / "none", "--listen", f"{OWN_IP}:0")
        done = await self.command(*base, "--admin-token-file", token)
        self.assertEqual(done.code, ENVIRONMENT, done)
        self.assertIn("chmod 600", done.err)
        done = await self.command(*base, "--admin", "0.0.0.0:0")
        self.assertEqual(done.code, 2, done)
        self.assertIn("admin-token-file", done.err)

    async def test_a_unix_socket_of_its_own(self):
        path = pathlib.Path(self.scratch, "admin")
        node = await self.xord("--admin", f"unix:{path}")
        self.assertEqual(node.ready["admin"], [f"unix:{path}"])
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        self.assertEqual(ask(self.local(path), "POST", "/v1/purge", {"all": True})[0], 200)
        await node.stop()
        self.assertFalse(os.path.exists(path))


def steady(value):
    """Without what differs from one reading to the next: numbers, and the sentences about them."""
    if isinstance(value, dict):
        return {name: steady(one) for name, one in value.items() if name != "detail"}
    if isinstance(value, list):
        return [steady(one) for one in value]
    return 0 if type(value) in (int, float) else value


class Commands(WithToken):
    """`xord COMMAND --admin URL` against `xord COMMAND --data-dir DIR`."""

    async def node(self):
        """A node, and the flags of each way to it: by its directory, over TCP, by two sockets."""
        token, path = self.token_file(), self.scratch / "admin"
        node = await self.xord("--admin", f"{OWN_IP}:0", "--admin", f"unix:{path}",
                               "--admin-token-file", token)
        (self.tcp,) = [one for one in node.ready["admin"] if not one.startswith("unix:")]
        return node, (("--data-dir", node.data_dir),
                      ("--admin", f"http://{self.tcp}", "--admin-token-file", token),
                      ("--admin", f"unix:{path}"),
                      ("--admin", f"unix:{node.data_dir}/control"))

    async def test_each_command_shows_the_same(self):
        node, ways = await self.node()
        other = await self.xord(bootstrap=[node.endpoint])
        await self.command("set", "k", "v", "--via", node.endpoint)

        async def contacts():
            return (await self.command("contacts", "--json", *ways[0])).json
        await harness.eventually(contacts, 30, "the second node is a contact")
        for words in (("status",), ("health",), ("stats",), ("contacts",),
                      ("contacts", "--near", other.id.hex()), ("records",), ("records", "k"),
                      ("explain", "192.0.2.7"), ("limits",), ("limits", "192.0.2.7"),
                      ("reload",)):
            async def shown():
                done = [await self.command(*words, "--json", *way) for way in ways]
                alike = all((one.code, steady(one.json)) == (DONE, steady(done[0].json))
                            for one in done)
                return done if alike else None
            done = await harness.eventually(shown, 30, f"{words} shows the same in every way")
            self.assertTrue(done[0].json, words)
        for way in ways:
            done = await self.command("status", *way)
            self.assertIn(node.id.hex(), done.out, way)
            event = (await self.command("top", "--count", 1, "--json", *way)).json
            self.assertEqual((event["id"], len(event["shards"])),
                             (node.id.hex(), harness.options.shards), way)

    async def test_each_refusal_is_the_same(self):
        _, ways = await self.node()
        for code, *words in ((USAGE, "contacts", "--state", "up"), (REFUSED, "records", "absent"),
                             (USAGE, "limits", "--by", "none"), (USAGE, "loglevel", "loud")):
            done = [await self.command(*words, *way) for way in ways]
            for one in done:
                self.assertEqual((one.code, one.out, one.err), (code, "", done[0].err), words)

    async def test_a_change_is_made_in_every_way(self):
        _, ways = await self.node()
        for way in ways:
            done = await self.command("loglevel", "debug", *way)
            self.assertEqual((done.code, done.out, done.err), (DONE, "", ""), way)
            done = await self.command("reload", *way)
            self.assertEqual((done.code, done.out), (DONE, "changed: log-level\n"), way)

    async def test_over_tcp_a_change_needs_the_token(self):
        _, ways = await self.node()
        admin = ("--admin", self.tcp)
        other = self.token_file("other", "fedcba9876543210")
        for more, part in (((), "wants a token"),
                           (("--admin-token-file", other), "has another token")):
            done = await self.command("loglevel", "debug", *admin, *more)
            self.assertEqual(done.code, REFUSED, done)
            self.assertIn(f"the node at http://{self.tcp} {part}", done.err)
        self.assertEqual((await self.command("status", *admin)).code, DONE)
        by_variable = {**self.environment, "XORD_ADMIN_TOKEN_FILE": str(ways[1][-1])}
        done = await self.command("loglevel", "info", *admin, environment=by_variable)
        self.assertEqual(done.code, DONE, done)
        done = await self.command("status", *admin, *ways[0])
        self.assertEqual(done.code, USAGE, done)
        self.assertIn("--data-dir and --admin both", done.err)

    async def test_stats_are_watched_until_an_interrupt(self):
        node, ways = await self.node()
        process = await harness.asyncio.create_subprocess_exec(
            harness.options.xord, "stats", "--watch", "--json", *map(str, ways[1]),
            stdout=harness.asyncio.subprocess.PIPE, env=self.environment,
            preexec_fn=harness.die_with_parent, limit=2**20)
        for _ in range(2):
            line = await harness.asyncio.wait_for(process.stdout.readline(), harness.seconds(30))
            self.assertEqual(json.loads(line)["id"], node.id.hex())
        harness.send(process, signal.SIGINT)
        await harness.asyncio.wait_for(process.communicate(), harness.seconds(30))
        self.assertEqual(process.returncode, DONE)

    async def test_stop_returns_when_the_port_is_gone(self):
        node, ways = await self.node()
        done = await self.command("stop", *ways[1], bound=60)
        self.assertEqual((done.code, done.out), (DONE, ""), done)
        with self.assertRaises(OSError):
            socket.create_connection(harness.address(self.tcp)).close()
        await harness.asyncio.wait_for(node.process.wait(), harness.seconds(20))
        self.assertEqual(node.process.returncode, DONE, node.text())
        done = await self.command("stop", *ways[1])
        self.assertEqual(done.code, ENVIRONMENT, done)
        self.assertIn(f"cannot connect to http://{self.tcp}: Connection refused", done.err)


if __name__ == "__main__":
    harness.main(needs_peers=False)
