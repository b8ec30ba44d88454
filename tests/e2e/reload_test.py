"""A running node takes other settings over: by SIGHUP, by `xord reload` and over the API; under
load without losing anything; and not at all if anything is wrong with them.
"""

import asyncio
import json
import os
import resource
import signal

import harness
from harness import OWN_IP, Scenario, eventually

DONE, USAGE, ENVIRONMENT = 0, 2, 4


class Reload(Scenario):
    def write(self, text):
        path = self.scratch / "xord.toml"
        path.write_text(text)
        return path

    async def node(self, text, *arguments):
        return await self.xord("--config", self.write(text), *arguments)

    def said(self, node, message):
        return [line for line in node.lines() if line.get("message") == message]

    async def reload(self, node):
        return await self.command("reload", "--json", "--data-dir", node.data_dir)

    async def config(self, node):
        """{name: what GET /v1/config shows of it}, asked over the control socket."""
        reader, writer = await asyncio.open_unix_connection(str(node.data_dir / "control"))
        writer.write(b"GET /v1/config HTTP/1.1\r\nHost: localhost\r\n"
                     b"Connection: close\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), harness.seconds(30))
        writer.close()
        shown = json.loads(answer.split(b"\r\n\r\n", 1)[1])
        return {each["name"]: each for each in shown["settings"]}


class WhatChanges(Reload):
    async def test_the_file_is_read_again_and_what_needs_a_restart_is_named(self):
        node = await self.node("ttl = \"7d\"\nrecords-max = 1000\ncontacts-max = 1000\n")
        self.write("ttl = \"3d\"\nrecords-max = 900\ncontacts-max = 2000\n")
        done = await self.reload(node)
        self.assertEqual((done.code, done.json), (DONE, {"changed": ["ttl", "records-max"],
                                                         "restart": ["contacts-max"]}))
        config = await self.config(node)
        self.assertEqual((config["ttl"]["value"], config["ttl"]["reloadable"]), ("3d", True))
        self.assertNotIn("after_restart", config["ttl"])
        self.assertEqual((config["contacts-max"]["value"], config["contacts-max"]["after_restart"],
                          config["contacts-max"]["reloadable"]), ("1000", "2000", False))
        line = await eventually(lambda: self.said(node, "reloaded"), 30, "the line of the reload")
        self.assertEqual((line[0]["level"], line[0]["changed"], line[0]["restart"]),
                         ("warning", ["ttl", "records-max"], ["contacts-max"]))

    async def test_a_flag_still_overrides_the_file(self):
        node = await self.node("ttl = \"7d\"\n", "--ttl", "2d")
        self.write("ttl = \"3d\"\n")
        self.assertEqual((await self.reload(node)).json, {"changed": [], "restart": []})

    async def test_sighup_is_a_reload(self):
        node = await self.node("drain-max = \"5s\"\n")
        self.write("drain-max = \"4s\"\n")
        harness.send(node.process, signal.SIGHUP)
        line = await eventually(lambda: self.said(node, "reloaded"), 30, "the line of the reload")
        self.assertEqual(line[0]["changed"], ["drain-max"])
        self.write("drain-max = \"4 hours\"\n")
        harness.send(node.process, signal.SIGHUP)
        line = await eventually(lambda: self.said(node, "reload refused"), 30, "the refusal")
        self.assertIn("xord.toml:1: drain-max", line[0]["error"])

    async def test_a_new_bootstrap_name_is_joined_by_a_node_that_is_alone(self):
        other = await self.xord()
        node = await self.node("")
        self.write(f"bootstrap = [\"{other.endpoint}\"]\n")
        self.assertEqual((await self.reload(node)).json["changed"], ["bootstrap"])
        line = await eventually(lambda: self.said(node, "joined"), 30, "joined")
        self.assertEqual(line[0]["contacts"], 1)

    async def test_the_log_level_changes_until_the_next_reload(self):
        node = await self.node("")
        words = ("--data-dir", node.data_dir)
        self.assertEqual((await self.command("loglevel", "debug", *words)).code, DONE)
        await self.command("set", "k", "v", "--keep", *words)
        await eventually(lambda: any(line["level"] == "debug" for line in node.lines()), 30,
                         "a line of the level debug")
        self.assertEqual((await self.command("loglevel", "loud", *words)).code, USAGE)
        self.assertEqual((await self.reload(node)).json["changed"], ["log-level"])

    async def test_under_load_nothing_is_lost(self):
        node = await self.node("ttl = \"7d\"\n", "--limits", "off")
        peer = await self.raw_node()
        keys = [os.urandom(20) for _ in range(300)]
        taken = []

        async def store_all():
            for key in keys:
                taken.append(await peer.store(node.address, key, key[:8]))

        load = asyncio.ensure_future(store_all())
        reloads = 0
        while not load.done():
            self.write(f"ttl = \"{3 + reloads % 2}d\"\nlimits = \"on\"\nlimit-reads = "
                       f"{50 + reloads % 7}\nstorage-max = \"{1 + reloads % 3}GiB\"\n")
            self.assertEqual((await self.reload(node)).code, DONE)
            reloads += 1
        await load
        self.assertGreater(reloads, 1)
        self.assertEqual(taken, [(True, True)] * len(keys))
        for key in keys[::10]:
            answered, found = await peer.find_value(node.address, key)
            self.assertTrue(answered)
            self.assertEqual(found, {"value": key[:8]})


class WhatIsRefused(Reload):
    async def refused(self, node, text, part, before):
        self.write(text)
        done = await self.command("reload", "--data-dir", node.data_dir)
        self.assertEqual((done.code, done.out), (USAGE, ""), text)
        self.assertIn(part, done.err)
        self.assertEqual(await self.config(node), before, text)
        return done.err

    async def test_a_bad_file_changes_nothing_and_the_sentence_is_that_of_a_start(self):
        node = await self.node("ttl = \"7d\"\n")
        before = await self.config(node)
        for text, part in (
                ("ttl = \"3d\"\nlimits =\n", "this is not TOML"),
                ("ttl = \"3d\"\nzebra = 1\n", "the key zebra is not a setting"),
                ("ttl = \"3d\"\ndrain-max = \"1h\"\n", "is out of range"),
                ("ttl = \"3d\"\nlimit-for = [\"10.0.0.0/8=2\", \"10.0.0.0/8=3\"]\n",
                 "contradicts"),
                ("ttl = \"3d\"\nadmin-token-file = \"/nowhere\"\n", "/nowhere")):
            sentence = await self.refused(node, text, part, before)
            checked = await self.command("run", "--check-config", "--config",
                                         self.scratch / "xord.toml", "--listen", node.endpoint)
            self.assertEqual((checked.code, checked.out, checked.err), (USAGE, "", sentence))
        self.write("")
        self.assertEqual((await self.command("ping", node.endpoint)).code, DONE)

    async def test_a_token_file_that_others_can_read_is_refused(self):
        token = self.scratch / "token"
        token.write_text("0123456789abcdef")
        token.chmod(0o600)
        text = f"admin-token-file = \"{token}\"\n"
        node = await self.node(text)
        before = await self.config(node)
        token.chmod(0o640)
        await self.refused(node, text + "ttl = \"3d\"\n", "chmod 600", before)
        token.chmod(0o600)
        self.assertEqual((await self.reload(node)).json["changed"], ["ttl"])

    async def test_a_file_that_cannot_hold_is_refused(self):
        node = await self.node("memory-max = \"64MiB\"\n")
        before = await self.config(node)
        pid = node.process.pid
        size = int(open(f"/proc/{pid}/statm").read().split()[0]) * resource.getpagesize()
        limit = size + (1 << 30)
        resource.prlimit(pid, resource.RLIMIT_AS, (limit, limit))
        await self.refused(node, "memory-max = \"64GiB\"\nttl = \"3d\"\n", "cannot reserve",
                           before)
        self.write("memory-max = \"128MiB\"\nttl = \"3d\"\n")
        self.assertEqual((await self.reload(node)).json, {"changed": ["ttl"],
                                                          "restart": ["memory-max"]})


class Ending(Reload):
    async def test_stop_waits_for_the_end(self):
        node = await self.node("")
        words = ("--data-dir", node.data_dir)
        self.assertEqual((await self.command("status", *words)).code, DONE)
        self.assertEqual((await self.command("stop", *words)).code, DONE)
        self.assertEqual(await asyncio.wait_for(node.process.wait(), harness.seconds(20)), 0)
        self.assertEqual(list(node.lines())[-1]["message"], "stopped")
        self.assertEqual((await self.command("stop", *words)).code, ENVIRONMENT)

    async def test_stats_are_watched_until_ctrl_c(self):
        node = await self.node("")
        process = await asyncio.create_subprocess_exec(
            harness.options.xord, "stats", "--watch", "--data-dir", node.data_dir,
            stdout=asyncio.subprocess.PIPE, env=self.environment,
            preexec_fn=harness.die_with_parent)
        heading = await asyncio.wait_for(process.stdout.readline(), harness.seconds(30))
        self.assertTrue(heading.split()[0] == b"REQUESTS/S", heading)
        row = await asyncio.wait_for(process.stdout.readline(), harness.seconds(30))
        self.assertEqual(len(row.split()), 7, row)
        harness.send(process, signal.SIGINT)
        self.assertEqual(await asyncio.wait_for(process.wait(), harness.seconds(30)), 0)


if __name__ == "__main__":
    harness.main()
