"""What a node logs: that it joined, that no node answers, that it is alone again, that another node
has its id, which limit is near; and what signals do to it."""

import asyncio
import ipaddress
import json
import os
import pathlib
import pty
import shutil
import signal
import socket

import raw
import harness
from harness import OWN_IP, OWN_PORT, Scenario, eventually


class Lines(Scenario):
    def said(self, node, message):
        return [line for line in node.lines() if line.get("message") == message]

    async def hear(self, node, message, bound=30, count=1):
        """Waits for the `count`th line with `message` and returns it."""
        await eventually(lambda: len(self.said(node, message)) >= count, bound,
                         f"{message}: {node.text()}")
        return self.said(node, message)[count - 1]

    async def hear_that_it_is_alone(self, node):
        """Waits for the line, while the node calls those it knows."""
        async def is_noticed():
            await self.command("set", "k", "v", "--keep", "--data-dir", node.data_dir)
            return self.said(node, "alone again")
        return (await eventually(is_noticed, 60, "alone again"))[0]

    async def lonely_copies(self):
        """Two directories of one node that has run before."""
        first = await self.xord()
        await first.stop()
        copy = self.scratch / "copy"
        shutil.copytree(first.data_dir, copy, ignore=shutil.ignore_patterns("control"))
        return first.data_dir, copy


class Company(Lines):
    async def test_a_node_says_through_whom_it_joined_and_the_other_that_it_was_asked(self):
        first = await self.xord()
        second = await self.xord(bootstrap=[first.endpoint])
        joined = await self.hear(second, "joined")
        self.assertEqual((joined["level"], joined["network"], joined["contacts"], joined["via"]),
                         ("info", "rpcudp", 1, first.endpoint))
        self.assertGreaterEqual(joined["after_s"], 0)
        asked = await self.hear(first, "first request from outside")
        self.assertEqual((asked["from"], asked["method"]), (second.endpoint, "find_node"))
        found = await self.hear(first, "joined")
        self.assertNotIn("via", found, "it asked nobody")
        third = await self.xord(bootstrap=[first.endpoint])
        await self.hear(third, "joined")
        self.assertEqual(len(self.said(first, "first request from outside")), 1)
        self.assertEqual(len(self.said(first, "joined")), 1)

    async def test_a_node_says_that_nobody_answers_and_again(self):
        silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(silent.close)
        silent.bind((OWN_IP, 0))
        address = "%s:%d" % silent.getsockname()
        node = await self.xord(bootstrap=[address, f"{OWN_IP}:{OWN_PORT}"])
        for count in (1, 2):
            line = await self.hear(node, "nobody answered", 60, count)
            self.assertEqual((line["level"], set(line["asked"])),
                             ("warning", {address, f"{OWN_IP}:{OWN_PORT}"}))
            for word in ("address", "port", "firewall", "node runs there"):
                self.assertIn(word, line["hint"])
        first, second = self.said(node, "nobody answered")[:2]
        self.assertGreaterEqual(second["for_s"] - first["for_s"], 10)

    async def test_a_node_says_that_a_name_is_unknown(self):
        node = await self.xord(bootstrap=["no-such-host.invalid:8468"])
        line = await self.hear(node, "name not resolved")
        self.assertIn("no-such-host.invalid", line["error"])

    async def test_a_node_says_that_it_is_alone_again(self):
        first = await self.xord()
        second = await self.xord(bootstrap=[first.endpoint])
        await self.hear(second, "joined")
        await eventually(lambda: (second.data_dir / "contacts").exists(), 30, "contacts saved")
        await first.kill()
        line = await self.hear_that_it_is_alone(second)
        self.assertEqual((line["level"], line["last_contact"], line["trying"]),
                         ("warning", first.endpoint, [first.endpoint]))
        self.assertNotIn("hint", line, "it asks an address already")
        await self.hear(second, "nobody answered", 40)
        first.listen = [first.endpoint]
        await first.start()
        again = await self.hear(second, "joined", 90, 2)
        self.assertEqual(again["contacts"], 1)

    async def test_a_node_that_is_alone_again_says_that_it_has_no_address_to_ask(self):
        first = await self.xord()
        second = await self.xord(bootstrap=[first.endpoint])
        await self.hear(first, "joined")
        await second.kill()
        line = await self.hear_that_it_is_alone(first)
        self.assertEqual((line["level"], line["silent"], line["trying"]), ("warning", 1, []))
        self.assertIn("--bootstrap HOST:PORT", line["hint"])

    async def test_a_bootstrap_address_that_is_the_nodes_own_is_named(self):
        endpoint = f"{OWN_IP}:{OWN_PORT}"
        node = await self.xord(listen=[endpoint], bootstrap=[endpoint])
        line = await self.hear(node, "own address")
        self.assertEqual((line["level"], line["address"]), ("info", endpoint))
        self.assertIn("of no use", line["hint"])
        await self.hear(node, "nobody answered")
        self.assertEqual(self.said(node, "own id elsewhere"), [])

    async def test_another_of_the_nodes_own_addresses_is_no_other_node(self):
        # Another address that only this process uses.
        second = f"{ipaddress.IPv4Address(OWN_IP) + 2**22}:{OWN_PORT}"
        node = await self.xord(listen=[f"{OWN_IP}:{OWN_PORT}", second], bootstrap=[second])
        self.assertEqual((await self.hear(node, "own address"))["address"], second)
        await self.hear(node, "nobody answered")
        self.assertEqual(self.said(node, "own id elsewhere"), [])


class Clones(Lines):
    def check(self, line, node, other):
        self.assertEqual((line["level"], line["address"], line["id"], line["data_dir"]),
                         ("error", other.endpoint, node.id.hex(), str(node.data_dir)))
        for word in ("copy", "stop one", "new data directory"):
            self.assertIn(word, line["hint"])

    async def test_a_node_on_a_copy_of_the_directory_is_named_with_what_to_do(self):
        original, copy = await self.lonely_copies()
        first = await self.xord(data_dir=original)
        second = await self.xord(data_dir=copy, bootstrap=[first.endpoint])
        self.assertEqual(first.id, second.id)
        self.check(await self.hear(second, "own id elsewhere"), second, first)
        self.check(await self.hear(first, "own id elsewhere", 90), first, second)

    async def test_a_copy_that_is_told_of_the_original_notices_it(self):
        """Shown by a node that names an asker's own id, which a xord never does."""
        original, copy = await self.lonely_copies()
        first = await self.xord(data_dir=original)
        other = await self.raw_node()
        other.answers["find_node"] = lambda *_: raw.pack([[first.id, *first.address]])
        second = await self.xord(data_dir=copy, bootstrap=["%s:%d" % other.address])
        self.check(await self.hear(second, "own id elsewhere", 90), second, first)


class Limits(Lines):
    async def test_a_limit_that_is_near_is_named_when_it_is_and_when_it_no_longer_is(self):
        node = await self.xord("--records-max", "10")
        for key in range(8):
            await self.command("set", f"key {key}", "v", "--via", node.endpoint)
        self.assertEqual(self.said(node, "limit near"), [], "8 of 10 are not 90 %")
        await self.command("set", "key 8", "v", "--via", node.endpoint)
        near = await self.hear(node, "limit near")
        self.assertEqual((near["level"], near["of"], near["most"], near["setting"]),
                         ("warning", "records", 10, "records-max"))
        self.assertIn("stores are refused: raise it", near["hint"])
        self.assertGreaterEqual(near["used"], 9)
        await self.command("store", "purge", "--all", "--yes", "--data-dir", node.data_dir)
        left = await self.hear(node, "limit no longer near")
        self.assertEqual((left["level"], left["of"], left["most"]), ("info", "records", 10))
        self.assertNotIn("hint", left, "there is nothing to do")
        self.assertEqual(len(self.said(node, "limit near")), 1)

    async def test_a_source_that_takes_more_than_its_share_is_named_once_and_shown(self):
        node = await self.xord("--limit-loopback", "--limit-excess", "16KiB")
        source = await self.raw_node()
        key = os.urandom(20)
        self.assertEqual(await source.store(node.address, key, b"v" * 8000), (True, True))

        async def is_refused():
            answered, _ = await source.find_value(node.address, key, bound=0.5)
            return not answered
        await eventually(is_refused, 60, "silence beyond the limit")
        began = await self.hear(node, "limit began")
        prefix = f"{source.address[0]}/32"
        self.assertEqual((began["level"], began["network"], began["prefix"], began["limit"]),
                         ("warning", "rpcudp", prefix, "excess"))
        self.assertIn("--limit-for CIDR=FACTOR", began["hint"])
        words = ("--data-dir", node.data_dir)
        shown = (await self.command("limits", source.address[0], "--json", *words)).json
        self.assertEqual((shown["limits"], shown["exempt"]), ("on", False))
        self.assertEqual(shown["prefixes"][0]["prefix"], prefix)
        self.assertGreater(shown["prefixes"][0]["limits"][0]["refused"], 0)
        table = (await self.command("limits", *words)).out.splitlines()
        self.assertTrue(table[1].startswith(prefix), table)
        self.assertRegex(table[1], r" excess since \d+s ago: \d+ refused, the last \d+s ago, ")
        self.assertEqual(len(self.said(node, "limit began")), 1)

        async def keep_asking():  # What is charged decays while a command starts.
            while True:
                await source.find_value(node.address, key, bound=0.02)

        async def is_explained():
            self.why = (await self.command("explain", source.address[0], "--json", *words)).json
            return self.why["verdict"] == "limited"
        asking = asyncio.create_task(keep_asking())
        await eventually(is_explained, 60, "the verdict is that it is limited")
        asking.cancel()
        self.assertIn(f"{prefix} has had its limit of excess", self.why["because"])
        said = (await self.command("explain", source.address[0], *words)).out
        self.assertIn(source.address[0], said.splitlines()[0])


class Looks(Lines):
    """What standard error is decides how a line begins."""

    async def log_of(self, descriptor, read, *arguments, **environment):
        """Runs a node with `descriptor` as its standard error, and returns the lines it wrote."""
        self.runs = getattr(self, "runs", 0) + 1
        process = await asyncio.create_subprocess_exec(
            harness.options.xord, "run", "--listen", f"{OWN_IP}:0", "--data-dir",
            self.scratch / f"looks.{self.runs}", "--shards", "1", *arguments,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=descriptor,
            env={**self.environment, "TERM": "xterm", "TZ": "UTC-5", **environment},
            preexec_fn=harness.die_with_parent)
        text = b""

        def has(word):
            nonlocal text
            text += read()
            return word in text
        await eventually(lambda: has(b"data_dir"), 30, "ready")
        harness.send(process, signal.SIGTERM)
        await eventually(lambda: has(b"stopped"), 30, "stopped")
        self.assertEqual(await asyncio.wait_for(process.wait(), harness.seconds(30)), 0)
        return text.decode().replace("\r\n", "\n").splitlines()

    async def log_on_a_terminal(self, *arguments, **environment):
        master, slave = pty.openpty()
        os.set_blocking(master, False)

        def read():
            try:
                return os.read(master, 65536)
            except BlockingIOError:
                return b""
        try:
            return await self.log_of(slave, read, *arguments, **environment)
        finally:
            os.close(slave)
            os.close(master)

    async def log_in_a_file(self, *arguments, **environment):
        """As by log_of(); JOURNAL_STREAM may be a function of the file's own name in it."""
        path = self.scratch / "stream"
        with open(path, "wb") as out, open(path, "rb") as read:
            own = os.fstat(out.fileno())
            stream = environment.pop("JOURNAL_STREAM", None)
            if stream is not None:
                environment["JOURNAL_STREAM"] = stream(f"{own.st_dev}:{own.st_ino}")
            return await self.log_of(out, read.read, *arguments, **environment)

    async def test_a_terminal_gets_the_time_of_day_a_coloured_level_and_dim_fields(self):
        lines = await self.log_on_a_terminal()
        level = "\x1b\\[3[1-4]m(info|warning)\x1b\\[0m +"
        for line in lines:
            self.assertRegex(line, r"^\d\d:\d\d:\d\d\.\d{3} " + level + r"\w")
        ready = next(line for line in lines if " ready " in line)
        fields = "\x1b\\[2mid=[0-9a-f]{40} .*\x1b\\[0m$"
        self.assertRegex(ready, "\x1b\\[32minfo\x1b\\[0m    ready " + fields)

    async def test_a_terminal_without_colours_gets_none(self):
        for arguments, environment in ((("--color", "never"), {}), ((), {"NO_COLOR": "1"}),
                                       ((), {"TERM": "dumb"}), ((), {"XORD_COLOR": "never"})):
            lines = await self.log_on_a_terminal(*arguments, **environment)
            self.assertNotIn("\x1b", "".join(lines), (arguments, environment))
            for line in lines:
                self.assertRegex(line, r"^\d\d:\d\d:\d\d\.\d{3} (info   |warning) \w")

    async def test_a_file_gets_date_and_time_and_colours_only_if_told(self):
        for line in await self.log_in_a_file():
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (info|warning) \w")
        for line in await self.log_in_a_file("--color", "always"):
            self.assertRegex(line, "^\\d\\d:\\d\\d:\\d\\d\\.\\d{3} \x1b")

    async def test_the_journal_gets_a_priority_and_no_time(self):
        lines = await self.log_in_a_file("--color", "always", JOURNAL_STREAM=lambda own: own)
        for line in lines:
            self.assertRegex(line, r"^(<6>info|<4>warning) \w")
        self.assertEqual(lines[-1], "<6>info stopped")
        # A parent's journal is not ours.
        for line in await self.log_in_a_file(JOURNAL_STREAM=lambda own: own + "1"):
            self.assertRegex(line, r"^\d{4}-")

    async def test_json_is_the_same_everywhere(self):
        for lines in (await self.log_on_a_terminal("--log-format", "json", "--color", "always"),
                      await self.log_in_a_file("--log-format", "json",
                                               JOURNAL_STREAM=lambda own: own)):
            for line in lines:
                self.assertEqual(list(json.loads(line))[:3], ["time", "level", "message"])


class Signals(Lines):
    async def test_sighup_does_not_end_the_node(self):
        node = await self.xord()
        harness.send(node.process, signal.SIGHUP)
        line = await self.hear(node, "reloaded")
        self.assertEqual((line["changed"], line["restart"]), ([], []))
        self.assertEqual((await self.command("ping", node.endpoint)).code, 0)

    async def test_sighup_of_a_terminal_that_is_gone_ends_it_in_order(self):
        master, slave = pty.openpty()
        log = self.scratch / "terminal.log"
        with open(log, "wb") as out:
            process = await asyncio.create_subprocess_exec(
                harness.options.xord, "run", "--listen", f"{OWN_IP}:0", "--data-dir",
                self.scratch / "terminal", stdin=slave, stdout=out, stderr=out,
                env=self.environment, preexec_fn=harness.die_with_parent)
        os.close(slave)
        await eventually(lambda: b" ready " in log.read_bytes(), 30, "ready")
        harness.send(process, signal.SIGHUP)
        await eventually(lambda: b" reloaded " in log.read_bytes(), 30, "still there")
        os.close(master)
        harness.send(process, signal.SIGHUP)
        self.assertEqual(await asyncio.wait_for(process.wait(), harness.seconds(30)), 0)
        self.assertTrue(log.read_text().rstrip().endswith("stopped"))

    async def test_more_than_one_sigterm_is_still_an_orderly_end(self):
        for each in (signal.SIGTERM, signal.SIGINT):
            node = await self.xord()
            await self.command("set", "k", "v", "--via", node.endpoint)
            for _ in range(20):
                harness.send(node.process, each)
                await asyncio.sleep(0.005)
                if node.process.returncode is not None:
                    break
            await asyncio.wait_for(node.process.wait(), harness.seconds(30))
            self.assertEqual(node.process.returncode, 0, node.text())
            self.assertEqual(list(node.lines())[-1]["message"], "stopped")
            again = await self.xord(data_dir=node.data_dir)
            self.assertEqual((await self.command("get", "k", "--via", again.endpoint)).out, "v\n")
            await again.stop()

    async def test_the_end_of_a_run_is_one_line_of_figures_and_at_debug_all_of_them(self):
        node = await self.xord()
        await self.command("ping", node.endpoint)
        await node.stop()
        totals = self.said(node, "totals")
        self.assertEqual(len(totals), 1)
        self.assertEqual(set(totals[0]) - {"time", "level", "message"},
                         {"uptime_s", "requests", "replies", "malformed", "dropped", "calls",
                          "unanswered", "stores", "refused", "contacts", "records"})
        self.assertEqual((totals[0]["requests"], totals[0]["replies"]), (1, 1))
        self.assertEqual(self.said(node, "stats"), [])
        self.assertLess(max(map(len, node.text().splitlines())), 500)
        loud = await self.xord("--log-level", "debug")
        await loud.stop()
        self.assertEqual(self.said(loud, "stats")[0]["id"], loud.id.hex())


class Figures(Lines):
    async def test_json_has_its_keys_in_order_of_meaning_and_times_in_milliseconds(self):
        node = await self.xord()
        to = ("--via", node.endpoint, "--json")
        for words, keys in ((("set", "k", "v", *to), ["key", "type", "stored"]),
                            (("get", "k", *to), ["key", "type"]),
                            (("ping", node.endpoint, "--json"), ["id", "endpoint", "rtt_ms"]),
                            (("store", "stats", "--json", "--data-dir", node.data_dir),
                             ["running", "stats"])):
            done = await self.command(*words)
            self.assertEqual(list(done.json)[:len(keys)], keys, done)
        stats = done.json["stats"]
        self.assertEqual(list(stats)[:5], ["id", "io", "io_fallback_because", "storage_state",
                                           "uptime_seconds"])
        self.assertRegex(done.out, r'"uptime_seconds":\d+(\.\d{1,3})?,')
        found = await self.command("find", "k", *to)
        self.assertEqual(list(found.json[0]), ["id", "endpoint", "rtt_ms"])


class Levels(Lines):
    async def test_debug_says_what_was_asked_and_what_was_saved(self):
        first = await self.xord()
        node = await self.xord("--log-level", "debug", bootstrap=[first.endpoint])
        joining = await self.hear(node, "joining")
        self.assertEqual((joining["names"], joining["asked"]), ([first.endpoint],) * 2)
        await self.hear(node, "contacts saved")
        await self.hear(node, "table")
        await self.command("set", "k", "v", "--keep", "--data-dir", node.data_dir)
        ended = [line["kind"] for line in self.said(node, "call ended")]
        self.assertEqual(sorted(ended), ["join", "keep"])

    async def test_trace_is_no_level_and_the_sentence_names_them(self):
        done = await self.command("run", "--log-level", "trace", "--data-dir", self.scratch / "x")
        self.assertEqual(done.code, 2)
        self.assertIn("debug, info, warning, error or off", done.err)

    async def test_every_message_is_in_the_documentation(self):
        text = (pathlib.Path(__file__).parents[2] / "docs" / "LOG.md").read_text()
        first = await self.xord()
        node = await self.xord("--log-level", "debug", bootstrap=[first.endpoint])
        await self.hear(node, "joined")
        await node.stop()
        for message in {line["message"] for line in node.lines()}:
            self.assertIn(f"| `{message}` |", text)


if __name__ == "__main__":
    harness.main(needs_peers=False)
