"""What a user sees when something is wrong: one sentence that says what to do, the right exit code,
and nothing lost. Also the commands' help, versions and settings. No Python peer is needed.
"""

import asyncio
import fcntl
import hashlib
import json
import os
import pathlib
import pty
import shutil
import signal
import socket
import termios

import harness
from harness import OWN_IP, OWN_PORT, Scenario

DONE, NOT_FOUND, USAGE, NO_ANSWER, ENVIRONMENT = range(5)
COMMANDS = ("run", "set", "get", "find", "ping", "load", "published", "forget", "limits",
            "explain", "contacts", "records", "health", "status", "stats", "reload", "loglevel",
            "stop", "top", "store", "sim")
RUN_BOUND = 20  # Seconds within which a `xord run` that cannot start must have ended.


def silent_port():
    """A UDP socket that is never read, and its endpoint."""
    held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    held.bind((OWN_IP, 0))
    return held, "%s:%d" % held.getsockname()


class Refusals(Scenario):
    async def refused(self, code, *words, names=(), **options):
        """Runs a command that must end with `code` and one sentence containing each of `names`."""
        done = await self.command(*words, **options)
        self.assertEqual(done.code, code, (words, done))
        self.assertEqual(done.out, "", "results only on stdout")
        lines = [line for line in done.err.splitlines() if not line.startswith('{"time"')]
        self.assertEqual(len(lines), 1, done.err)
        self.assertRegex(lines[0], r"^xord: .+\.$")
        for name in names:
            self.assertIn(str(name), lines[0])
        print(f"  exit {code}: {lines[0]}")
        return lines[0]

    async def refused_run(self, code, *words, data_dir=None, **options):
        data_dir = data_dir or self.scratch / "data"
        words = ("--listen", f"{OWN_IP}:0", *words) if "--listen" not in words else words
        return await self.refused(code, "run", "--data-dir", data_dir, "--log-format", "json",
                                  *words, bound=RUN_BOUND, **options)


class Network(Refusals):
    async def test_a_missing_key_is_not_found(self):
        node = await self.xord()
        await self.refused(NOT_FOUND, "get", "no such key", "--via", node.endpoint,
                           names=["no such key"])

    async def test_a_via_that_does_not_answer_is_no_answer(self):
        held, endpoint = silent_port()
        with held:
            for words in (("get", "k"), ("set", "k", "v"), ("find", "k")):
                await self.refused(NO_ANSWER, *words, "--via", endpoint, "--timeout", "500ms",
                                   names=[endpoint])
            await self.refused(NO_ANSWER, "ping", endpoint, "--timeout", "500ms", names=[endpoint])

    async def test_a_closed_port_is_told_at_once(self):
        nobody = f"{OWN_IP}:{OWN_PORT}"
        for words in (("get", "k"), ("set", "k", "v"), ("find", "k")):
            await self.refused(NO_ANSWER, *words, "--via", nobody, "--timeout", "1h",
                               names=[nobody, "no node listens"])
        await self.refused(NO_ANSWER, "ping", nobody, "--timeout", "1h", names=[nobody])
        node = await self.xord()
        done = await self.command("set", "k", "v", "--via", nobody, "--via", node.endpoint)
        self.assertEqual((done.code, done.out), (DONE, "stored on 1 of 1 node\n"), done)

    async def test_a_node_that_starts_within_the_timeout_is_found(self):
        held, endpoint = silent_port()
        asked = asyncio.create_task(self.command("ping", endpoint, "--timeout", "30s"))
        await asyncio.sleep(1.5)  # It has been asked once or twice, in vain.
        held.close()
        node = await self.xord(listen=(endpoint,))
        done = await asked
        self.assertEqual(done.code, DONE, done)
        self.assertIn(node.id.hex(), done.out)

    async def test_without_via_the_node_of_this_host_is_asked(self):
        node = await self.xord(listen=("0.0.0.0:0",))
        port = node.endpoint.rpartition(":")[2]
        by_directory = ("--data-dir", node.data_dir)
        by_default = {**self.environment, "XORD_DATA_DIR": str(node.data_dir)}
        done = await self.command("set", "k", "v", *by_directory)
        self.assertEqual((done.code, done.out), (DONE, "stored on 1 of 1 node\n"), done)
        for words in (("get", "k"), ("get", "--id", hashlib.sha1(b"k").hexdigest())):
            done = await self.command(*words, environment=by_default)
            self.assertEqual((done.code, done.out), (DONE, "v\n"), done)
        for done in (await self.command("ping", environment=by_default),
                     await self.command("ping", *by_directory),
                     await self.command("find", "k", environment=by_default),
                     await self.command("ping", f"rpcudp://0.0.0.0:{port}"),
                     await self.command("ping", environment={**self.environment,
                                                             "XORD_VIA": f"127.0.0.1:{port}"})):
            self.assertEqual(done.code, DONE, done)
            self.assertIn(node.id.hex(), done.out)
        await node.stop()
        await self.refused(ENVIRONMENT, "ping", *by_directory,
                           names=[f"no node is running on {node.data_dir}; start one"])

    async def test_what_is_wrong_with_a_directory_that_nobody_answers_for_is_said(self):
        gone = self.scratch / "gone"
        await self.refused(ENVIRONMENT, "published", "--data-dir", gone,
                           names=[f"no node is running on {gone} (no such directory)."])
        node = await self.xord()
        await node.kill()  # Its control socket stays.
        await self.refused(ENVIRONMENT, "published", "--data-dir", node.data_dir,
                           names=[f"no node is running on {node.data_dir}; start one"])
        with open(node.data_dir / "LOCK", "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            await self.refused(ENVIRONMENT, "published", "--data-dir", node.data_dir,
                               names=["does not answer: it is starting or stopping"])

    async def test_a_value_is_read_from_the_standard_input(self):
        node = await self.xord()
        set_it = ("set", "k", "-", "--via", node.endpoint)
        get_it = ("get", "k", "--via", node.endpoint)
        done = await self.command(*set_it, stdin=b"two\nlines")
        self.assertEqual(done.code, DONE, done)
        self.assertEqual((await self.command(*get_it)).out, "two\nlines\n")
        done = await self.command(*set_it, "--type", "bytes", stdin=bytes(range(128)))
        self.assertEqual(done.code, DONE, done)
        self.assertEqual((await self.command(*get_it)).out.encode(), bytes(range(128)))
        await self.refused(USAGE, *set_it, stdin=b"x" * 100_000, names=["8140"])

    async def test_a_terminal_gets_escapes_and_a_pipe_gets_bytes(self):
        node = await self.xord()
        evil = "\x1b[2J\x1b]0;title\x07\u009b1m\rover\nnext\tline"
        via = ("--via", node.endpoint)
        self.assertEqual((await self.command("set", "k", evil, *via)).code, DONE)
        self.assertEqual((await self.command("get", "k", *via)).out, evil + "\n")
        escaped = (r"\x1b[2J\x1b]0;title\x07\xc2\x9b1m\rover" + "\nnext\tline\n")
        self.assertEqual(await self.on_terminal("get", "k", *via), escaped)
        shown = json.loads(await self.on_terminal("get", "k", "--json", *via))
        self.assertEqual(shown["value"], evil)
        for words in (("get", evil, *via), ("get", "k", "--via", evil), ("run", "--config", evil),
                      ("published", "--data-dir", evil), (evil,)):
            text = await self.on_terminal(*words)
            self.assertTrue(text.startswith("xord: "), text)
            self.assertEqual(text.count("\n"), 1, text)
            for control in ("\x1b", "\x07", "\r", "\u009b"):
                self.assertNotIn(control, text)

    async def on_terminal(self, *words):
        """What a terminal receives from both streams, with its line ending translation undone."""
        ours, theirs = pty.openpty()
        attributes = termios.tcgetattr(theirs)
        attributes[1] &= ~termios.OPOST
        termios.tcsetattr(theirs, termios.TCSANOW, attributes)
        process = await asyncio.create_subprocess_exec(
            harness.options.xord, *map(str, words), stdin=asyncio.subprocess.DEVNULL, stdout=theirs,
            stderr=theirs, env=self.environment, preexec_fn=harness.die_with_parent)
        os.close(theirs)
        await process.wait()
        pieces = []
        try:
            while piece := os.read(ours, 65536):
                pieces.append(piece)
        except OSError:  # The other side is closed, and everything has been read.
            pass
        os.close(ours)
        return b"".join(pieces).decode()

    async def test_a_via_whose_name_has_no_address_is_no_answer(self):
        await self.refused(NO_ANSWER, "get", "k", "--via", "no-such-host.invalid:8468",
                           names=["no-such-host.invalid"])

    async def test_one_via_of_several_is_enough(self):
        node = await self.xord()
        held, endpoint = silent_port()
        with held:
            done = await self.command("set", "k", "v", "--via", endpoint, "--via", node.endpoint)
            self.assertEqual((done.code, done.out), (DONE, "stored on 1 of 1 node\n"), done)

    async def test_a_value_that_is_not_of_its_type_is_never_sent(self):
        for kind, text in (("int", "twelve"), ("int", str(2**64)), ("float", "1.2.3"),
                           ("bool", "maybe"), ("bytes", "hex:abc"), ("strr", "x")):
            await self.refused(USAGE, "set", "k", text, "--type", kind, "--via", "127.0.0.1:9")

    async def test_a_value_that_is_too_long_is_never_sent(self):
        node = await self.xord()
        await self.refused(USAGE, "set", "k", "v" * 8138, "--via", node.endpoint, names=["8140"])
        done = await self.command("set", "k", "v" * 8137, "--via", node.endpoint)
        self.assertEqual(done.code, DONE, done)

    async def test_bad_arguments_are_named(self):
        await self.refused(USAGE, "get", names=["KEY"])
        await self.refused(USAGE, "get", "k", "--via", "no where", names=["no where"])
        await self.refused(USAGE, "run", "--port", "9000", names=["--port", "--listen"])
        await self.refused(USAGE, "get", "k", "--via", "127.0.0.1:70000", names=["127.0.0.1:70000"])
        await self.refused(USAGE, "get", "k", "--vai", "127.0.0.1:1", names=["--vai", "--via"])
        await self.refused(USAGE, "ping", "127.0.0.1:1", "--timeout", "5", names=["--timeout"])
        await self.refused(USAGE, "pong", names=["pong", "ping"])


class Starting(Refusals):
    async def test_a_port_in_use_is_an_error(self):
        held, endpoint = silent_port()
        with held:
            await self.refused_run(ENVIRONMENT, "--listen", endpoint, names=[endpoint])

    async def test_a_port_of_another_xord_of_this_user_is_an_error(self):
        node = await self.xord()
        for shards in ("1", "2"):
            await self.refused_run(ENVIRONMENT, "--listen", node.endpoint, "--shards", shards,
                                   names=[node.endpoint])
        done = await self.command("ping", node.endpoint)
        self.assertEqual(done.code, DONE, "the first one goes on undisturbed")

    async def test_a_directory_that_another_xord_holds_is_an_error(self):
        node = await self.xord()
        await self.refused_run(ENVIRONMENT, data_dir=node.data_dir, names=[node.data_dir])
        self.assertEqual((await self.command("ping", node.endpoint)).code, DONE)

    async def test_a_directory_of_something_else_is_left_as_it_is(self):
        foreign = self.scratch / "foreign"
        foreign.mkdir()
        (foreign / "letter.txt").write_text("mine")
        await self.refused_run(ENVIRONMENT, data_dir=foreign, names=[foreign])
        self.assertEqual([path.name for path in foreign.iterdir()], ["letter.txt"])

    async def test_a_file_in_place_of_the_directory_is_an_error(self):
        file = self.scratch / "file"
        file.write_text("mine")
        await self.refused_run(ENVIRONMENT, data_dir=file, names=[file])
        await self.refused_run(ENVIRONMENT, data_dir=file / "below", names=[file])
        self.assertEqual(file.read_text(), "mine")

    async def test_a_directory_without_permission_is_an_error(self):
        if os.geteuid() == 0:
            words = ("--data-dir", "/proc/xord", "--listen", f"{OWN_IP}:0")
            await self.refused(ENVIRONMENT, "run", *words, names=["/proc/xord"])
            return
        closed = self.scratch / "closed"
        closed.mkdir(mode=0o500)
        await self.refused_run(ENVIRONMENT, data_dir=closed / "data", names=[closed])

    async def used_directory(self):
        node = await self.xord()
        await node.stop()
        return node.data_dir

    async def test_a_damaged_identity_is_named_and_nothing_is_lost(self):
        data_dir = await self.used_directory()
        identity = data_dir / "identity"
        whole = identity.read_bytes()
        for damaged in (whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1]), b""):
            identity.write_bytes(damaged)
            await self.refused_run(ENVIRONMENT, data_dir=data_dir, names=[identity])
            self.assertEqual(identity.read_bytes(), damaged, "left for a person to look at")
        identity.write_bytes(whole)
        node = await self.xord(data_dir=data_dir)
        self.assertIn(node.id, whole)

    async def test_without_network_interfaces_of_that_address_it_says_so(self):
        await self.refused_run(ENVIRONMENT, "--listen", "192.0.2.1:0", names=["192.0.2.1"])


class Settings(Refusals):
    def config(self, text):
        path = self.scratch / "xord.toml"
        path.write_text(text)
        return path

    async def test_bad_flags_and_values_are_named_with_what_was_meant(self):
        await self.refused_run(USAGE, "--listne", "127.0.0.1:0", names=["--listne", "--listen"])
        await self.refused_run(USAGE, "--shards", "many", names=["--shards", "many"])
        await self.refused_run(USAGE, "--io", "kqueue", names=["kqueue", "epoll"])
        await self.refused_run(USAGE, "--listen", "localhost:1", names=["localhost:1"])
        await self.refused_run(USAGE, "--listen", "127.0.0.1", names=["127.0.0.1"])
        await self.refused_run(USAGE, "--memory-max", "1", names=["1MiB", "4TiB"])
        await self.refused_run(USAGE, "--listen", "gopher://127.0.0.1:1", names=["gopher"])
        await self.refused_run(USAGE, "--bootstrap", "no where", names=["no where"])
        await self.refused_run(USAGE, "--ttl", "7", names=["--ttl"])
        await self.refused_run(USAGE, "--trusted-net", "10.0.0.1/8", names=["10.0.0.1/8"])

    async def test_a_bad_config_key_is_named_with_its_line_and_what_was_meant(self):
        path = self.config('shards = 1\nlog-levle = "info"\n')
        await self.refused_run(USAGE, "--config", path, names=[f"{path}:2", "log-levle",
                                                               "log-level"])

    async def test_a_config_file_that_is_not_toml_or_not_there_is_an_error(self):
        path = self.config("shards = = 1\n")
        await self.refused_run(USAGE, "--config", path, names=[f"{path}:1"])
        gone = self.scratch / "gone.toml"
        await self.refused_run(USAGE, "--config", gone, names=[gone])

    async def test_a_bad_environment_variable_is_named(self):
        environment = {**self.environment, "XORD_SHARD": "1"}
        await self.refused_run(USAGE, environment=environment, names=["XORD_SHARD", "XORD_SHARDS"])

    async def test_a_flag_wins_over_the_environment_over_the_file_over_the_default(self):
        path = self.config('ttl = "1d"\nlog-level = "error"\nshards = 2\n')
        environment = {**self.environment, "XORD_LOG_LEVEL": "warning", "XORD_SHARDS": "3"}
        done = await self.command("run", "--config", path, "--shards", "4", "--print-config",
                                  environment=environment)
        self.assertEqual(done.code, DONE, done)
        rows = {line.split(" = ")[0]: line for line in done.out.splitlines()}
        for name, value, origin in (("shards", "4", "flag"), ("log-level", "warning",
                                                              "XORD_LOG_LEVEL"),
                                    ("ttl", "1d", str(path)), ("io", "auto", "default")):
            self.assertIn(value, rows[name])
            self.assertIn(origin, rows[name])

    async def test_help_and_version_say_what_there_is(self):
        done = await self.command("--help")
        self.assertEqual((done.code, done.err), (DONE, ""))
        self.assertIn("--via", done.out)
        for name in COMMANDS:
            self.assertIn(f"\n  {name} ", done.out)
            shown = await self.command(name, "--help")
            self.assertEqual((shown.code, shown.err), (DONE, ""), name)
            self.assertIn(f"xord {name}", shown.out)
        shown = await self.command("run", "--help")
        printed = await self.command("run", "--print-config")
        *settings, file = printed.out.splitlines()
        self.assertRegex(file, r"^# config file: /.*/xord\.toml \(absent\)$")
        for line in settings:
            self.assertIn("\n  --" + line.split(" = ")[0], shown.out)
        done = await self.command("--version")
        self.assertEqual(done.code, DONE)
        self.assertIn("epoll", done.out)
        self.assertEqual((await self.command()).code, USAGE)


class Running(Refusals):
    async def test_without_arguments_it_serves_port_8468_from_the_users_data_directory(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("0.0.0.0", 8468))
            except OSError:
                self.skipTest("somebody on this machine has the port 8468")
        environment = {**self.environment, "XORD_LOG_FORMAT": "json"}
        log = self.scratch / "default.log"
        with open(log, "wb") as out:
            process = await harness.asyncio.create_subprocess_exec(
                harness.options.xord, "run", env=environment, stdout=out, stderr=out,
                preexec_fn=harness.die_with_parent)
        try:
            await harness.eventually(lambda: b'"ready"' in log.read_bytes(), 20, "ready")
            self.assertIn("rpcudp://0.0.0.0:8468", log.read_text())
            done = await self.command("ping", "127.0.0.1:8468", "--json")
            self.assertEqual(done.code, DONE, done)
            data = pathlib.Path(self.environment["XDG_DATA_HOME"], "xord")
            self.assertTrue((data / "identity").exists())
        finally:
            harness.send(process, signal.SIGTERM)
            await process.wait()
        self.assertEqual(process.returncode, DONE)

    async def test_find_lists_the_nearest_with_ids_endpoints_and_round_trips(self):
        first = await self.xord()
        nodes = [first] + [await self.xord(bootstrap=[first.endpoint]) for _ in range(3)]

        async def all_found():
            done = await self.command("find", "some key", "--via", first.endpoint, "--json")
            return done.json if len(done.json) == len(nodes) else None
        rows = await harness.eventually(all_found, 20, "all four nodes found")
        self.assertEqual({row["id"] for row in rows}, {node.id.hex() for node in nodes})
        self.assertEqual({row["endpoint"] for row in rows}, {node.endpoint for node in nodes})
        self.assertTrue(all(row["rtt_ms"] > 0 for row in rows))

    async def test_sigusr1_logs_every_counter_as_one_json_line(self):
        node = await self.xord()
        await self.command("set", "k", "v", "--via", node.endpoint)
        stats = await node.stats()
        self.assertEqual(stats["id"], node.id.hex())
        self.assertEqual(stats["records"], 1)
        self.assertEqual(json.loads(json.dumps(stats)), stats)

    async def test_the_log_says_which_backend_serves(self):
        node = await self.xord()
        if harness.options.io != "auto":
            self.assertEqual(node.ready["io"], harness.options.io)
        self.assertIn(node.ready["io"], ("uring", "epoll"))

    async def test_a_moved_data_directory_is_the_same_node(self):
        node = await self.xord()
        await self.command("set", "k", "v", "--via", node.endpoint)
        node_id = node.id
        await node.stop()
        moved = self.scratch / "moved"
        shutil.move(node.data_dir, moved)
        again = await self.xord(data_dir=moved)
        self.assertEqual(again.id, node_id)
        done = await self.command("get", "k", "--via", again.endpoint)
        self.assertEqual((done.code, done.out), (DONE, "v\n"), done)


if __name__ == "__main__":
    harness.main(needs_peers=False)
