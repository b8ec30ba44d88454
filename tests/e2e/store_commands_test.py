"""`xord store` and the control socket: inspecting, checking, exporting, importing, purging and
saving the records of a stopped and of a running node; damage is named, and nothing is lost on the
way. No Python peer is needed.
"""

import asyncio
import contextlib
import ctypes
import functools
import hashlib
import json
import os
import pathlib
import pty
import signal
import socket
import stat
import subprocess

import harness
from harness import Scenario, eventually, seconds

DONE, NOT_FOUND, USAGE, NO_ANSWER, ENVIRONMENT, INTERRUPTED = 0, 1, 2, 3, 4, 130


def files_below(directory):
    """{name: content} of every file, LOCK too, to see that nothing was touched."""
    return {str(path.relative_to(directory)): path.read_bytes()
            for path in sorted(directory.rglob("*")) if path.is_file()}


class Store(Scenario):
    async def store(self, *words, code=DONE, data_dir=None, **options):
        """Runs `xord store WORDS --data-dir ...` and checks how it ended."""
        done = await self.command("store", *words, "--data-dir", data_dir or self.data_dir,
                                  **options)
        self.assertEqual(done.code, code, (words, done))
        if code in (USAGE, ENVIRONMENT):
            self.assertRegex(done.err, r"(?s)^xord: .+\.\n$")
            self.assertEqual(done.err.count("\n"), 1, done)
        return done

    async def filled(self, count=40):
        """A node that stores values of every type under known keys, still running."""
        node = await self.xord()
        self.data_dir = node.data_dir
        for number in range(count):
            words = (f"key {number}", f"value {number}")
            if number % 4 == 1:
                words = (f"key {number}", str(number * 1000), "--type", "int")
            elif number % 4 == 2:
                words = (f"key {number}", f"hex:00ff{number:02x}", "--type", "bytes")
            done = await self.command("set", *words, "--via", node.endpoint)
            self.assertEqual(done.code, DONE, done)
        return node

    async def stopped(self, count=40):
        node = await self.filled(count)
        await node.stop()
        return node

    async def export(self, data_dir=None):
        return (await self.store("export", data_dir=data_dir)).out

    def records(self, export):
        return sorted(line for line in export.splitlines() if line.startswith("record "))

    async def into_tables(self):
        """Moves what the log holds into table files, by a purge of almost nothing."""
        await self.store("purge", "--prefix", "0", code=DONE)

    def table(self):
        """The largest table: the one with the records."""
        tables = list((pathlib.Path(self.data_dir) / "db").glob("*.sst"))
        return max(tables, key=lambda path: path.stat().st_size)


class Stopped(Store):
    async def test_stats_count_and_check_finds_nothing_and_neither_writes(self):
        await self.stopped()
        before = files_below(self.data_dir)
        stats = (await self.store("stats", "--json")).json
        self.assertFalse(stats["running"])
        network, = stats["networks"]
        self.assertEqual((network["network"], network["records"], network["damaged"]),
                         ("rpcudp", 40, 0))
        self.assertEqual(network["expiring"]["7d"], 40)
        self.assertIn("records      40", (await self.store("stats")).out)
        check = (await self.store("check", "--json")).json
        self.assertEqual((check["sound"], check["records"], check["indexed"]), (True, 40, 40))
        self.assertRegex((await self.store("check")).out, "^intact: ")
        self.assertEqual(files_below(self.data_dir), before)

    async def test_get_prints_as_the_network_get_does(self):
        node = await self.filled(4)
        over_network = [(await self.command("get", f"key {number}", "--via", node.endpoint)).out
                        for number in range(4)]
        await node.stop()
        for number in range(4):
            self.assertEqual((await self.store("get", f"key {number}")).out, over_network[number])
        self.assertEqual((await self.store("get", "key 1", "--json")).json,
                         {"key": "key 1", "type": "int", "value": 1000})
        line = self.records(await self.export())[0].split()
        self.assertEqual((await self.store("get", line[2])).code, DONE, "by its id")
        await self.store("get", "no such key", code=NOT_FOUND)
        await self.store("get", code=USAGE)

    async def test_what_was_exported_is_the_same_byte_for_byte_after_an_import(self):
        await self.stopped()
        file = self.scratch / "all.export"
        await self.store("export", file)
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        exported = file.read_text()
        self.assertEqual(len(self.records(exported)), 40)
        self.assertTrue(exported.startswith("xord-export version=1 "))
        self.assertRegex(exported, r"\nend 40 [0-9a-f]{8}\n$")
        other = self.scratch / "other"
        done = await self.store("import", file, "--json", data_dir=other)
        self.assertEqual(done.json, {"imported": 40, "kept": 0, "damaged": 0, "whole": True})
        self.assertEqual(self.records(await self.export(other)), self.records(exported))
        again = await self.store("import", file, "--json", data_dir=self.data_dir)
        self.assertEqual(again.json["imported"], 40)
        self.assertEqual(self.records(await self.export()), self.records(exported))
        node = await self.xord(data_dir=other)
        for number in (0, 1, 2):
            done = await self.command("get", f"key {number}", "--via", node.endpoint)
            self.assertEqual(done.code, DONE, done)
        await node.stop()
        await self.store("check", data_dir=other)

    async def test_an_export_is_written_as_cp_would_write_it(self):
        await self.stopped(3)
        exported = self.records(await self.export())
        self.assertEqual(self.records((await self.store("export", "/dev/stdout")).out), exported)

        target, link = self.scratch / "target", self.scratch / "link"
        target.write_text("before")
        target.chmod(0o640)
        link.symlink_to("target")
        await self.store("export", link)
        self.assertTrue(link.is_symlink())
        self.assertEqual(self.records(target.read_text()), exported)
        self.assertEqual(target.stat().st_mode & 0o777, 0o640)

        fifo = self.scratch / "fifo"
        os.mkfifo(fifo)
        reader = asyncio.get_running_loop().run_in_executor(None, fifo.read_text)
        await self.store("export", fifo)
        self.assertEqual(self.records(await reader), exported)
        self.assertTrue(fifo.is_fifo())
        self.assertEqual(list(self.scratch.glob(".xord-*")), [])

    async def test_a_device_is_not_replaced_and_its_error_is_told(self):
        await self.stopped(1)
        full = self.scratch / "full"
        try:
            os.mknod(full, 0o600 | stat.S_IFCHR, os.makedev(1, 7))  # A private /dev/full.
        except PermissionError:
            full = pathlib.Path("/dev/full")  # Only root could replace it.
        failed = await self.store("export", full, code=ENVIRONMENT)
        self.assertIn("No space left on device", failed.err)
        self.assertTrue(full.is_char_device())
        failed = await self.command("sim", "--nodes", "3", "--hours", "0.01", "--plot", full)
        self.assertEqual(failed.code, ENVIRONMENT, failed)
        self.assertTrue(full.is_char_device())

    async def test_of_two_records_the_one_published_later_stays(self):
        await self.stopped(2)
        old = self.scratch / "old.export"
        await self.store("export", old)
        await self.store("purge", "key 1")  # To be restored; "key 0" is stored again.
        node = await self.xord(data_dir=self.data_dir)
        await self.command("set", "key 0", "a later value", "--via", node.endpoint)
        await node.stop()
        done = await self.store("import", old, "--json")
        self.assertEqual((done.json["imported"], done.json["kept"]), (1, 1))
        self.assertEqual((await self.store("get", "key 0")).out, "a later value\n")
        self.assertEqual((await self.store("get", "key 1")).out, "1000\n")

    async def test_a_damaged_export_is_taken_as_far_as_it_is_whole(self):
        await self.stopped(4)
        lines = (await self.export()).splitlines()
        lines[2] = lines[2].replace(lines[2].split()[-1], "00000000")
        bad = self.scratch / "bad.export"
        bad.write_text("\n".join(lines) + "\n")
        done = await self.store("import", bad, data_dir=self.scratch / "a", code=NOT_FOUND)
        self.assertIn("line 3: it does not match its checksum", done.err)
        self.assertIn("imported 3 records", done.out)
        bad.write_text("\n".join(lines[:2]) + "\n")
        done = await self.store("import", bad, data_dir=self.scratch / "b", code=NOT_FOUND)
        self.assertIn("the export is truncated", done.err)
        bad.write_text("x" * 1_000_000)
        await self.store("import", bad, data_dir=self.scratch / "c", code=USAGE)
        self.assertFalse((self.scratch / "c").exists(), "nothing is made for what is not an export")
        await self.store("import", self.scratch / "none", data_dir=self.scratch / "c",
                         code=ENVIRONMENT)

    async def test_purge_takes_out_what_was_named_and_no_more(self):
        await self.stopped(20)
        await self.store("purge", code=USAGE)
        await self.store("purge", "--all", code=USAGE)
        await self.store("purge", "--prefix", "xyz", code=USAGE)
        await self.store("purge", "key 1", "--expired", code=USAGE)
        self.assertEqual((await self.store("purge", "key 1", "--json")).json, {"purged": 1})
        await self.store("purge", "key 1", code=NOT_FOUND)
        await self.store("get", "key 1", code=NOT_FOUND)
        records = self.records(await self.export())
        self.assertEqual(len(records), 19)
        prefix = records[0].split()[2][:1]
        left = [line for line in records if not line.split()[2].startswith(prefix)]
        await self.store("purge", "--prefix", prefix)
        self.assertEqual(self.records(await self.export()), left)
        self.assertEqual((await self.store("purge", "--expired", "--json")).json, {"purged": 0})
        await self.store("purge", "--all", "--yes")
        self.assertEqual(self.records(await self.export()), [])
        await self.store("check")

    async def test_a_snapshot_is_a_data_directory(self):
        await self.stopped(10)
        copy = self.scratch / "copy"
        await self.store("snapshot", copy)
        self.assertEqual(self.records(await self.export(copy)),
                         self.records(await self.export()))
        await self.store("check", data_dir=copy)
        await self.store("snapshot", copy, code=ENVIRONMENT)
        node = await self.xord(data_dir=copy)
        done = await self.command("get", "key 1", "--via", node.endpoint)
        self.assertEqual(done.out, "1000\n")


class Damaged(Store):
    async def check_names(self, *names):
        done = await self.store("check", code=NOT_FOUND)
        for name in names:
            self.assertIn(str(name), done.out)
        print("  " + done.out.splitlines()[0])
        self.assertFalse((await self.store("check", "--json", code=NOT_FOUND)).json["sound"])
        return done

    def flip(self, path, at):
        content = bytearray(path.read_bytes())
        content[at] ^= 0x40
        path.write_bytes(content)

    async def test_each_small_file_is_named(self):
        node = await self.filled(4)
        await self.xord(bootstrap=[node.endpoint])
        contacts = pathlib.Path(self.data_dir) / "contacts"
        await eventually(contacts.exists, 30, "contacts are saved")
        await node.stop()
        for name in ("identity", "contacts", "clock", "format"):
            path = pathlib.Path(self.data_dir) / name
            whole = path.read_bytes()
            self.flip(path, len(whole) // 2)
            await self.check_names(path)
            path.write_bytes(whole)
        await self.store("check")

    async def test_a_table_is_named_and_the_rest_is_exported(self):
        await self.stopped()
        await self.into_tables()
        table = self.table()
        self.flip(table, 20)
        await self.check_names(table)
        done = await self.store("export", code=NOT_FOUND)
        self.assertIn("left out", done.err)
        self.assertRegex(done.out, r"\nend \d+ [0-9a-f]{8}\n$")
        self.assertIn("cannot be read", (await self.store("stats")).out)

    async def test_a_table_that_is_missing_is_a_sentence(self):
        await self.stopped()
        await self.into_tables()
        table = self.table()
        table.unlink()
        await self.check_names("cannot be read", table.stem)
        for words in (("stats",), ("get", "key 1"), ("export",), ("purge", "key 1")):
            await self.store(*words, code=ENVIRONMENT)

    async def test_what_is_no_data_directory_is_a_sentence(self):
        empty = self.scratch / "empty"
        empty.mkdir()
        foreign = self.scratch / "foreign"
        foreign.mkdir()
        (foreign / "letter.txt").write_text("mine")
        for directory in (empty, foreign, self.scratch / "nowhere"):
            for words in (("stats",), ("check",), ("get", "k"), ("export",), ("purge", "k"),
                          ("snapshot", self.scratch / "s")):
                await self.store(*words, data_dir=directory, code=ENVIRONMENT)
        self.assertEqual(list(empty.iterdir()), [])
        self.assertFalse((self.scratch / "nowhere").exists())
        self.assertFalse((self.scratch / "s").exists())


class Running(Store):
    async def test_stats_come_from_the_node_itself(self):
        node = await self.filled(4)
        stats = (await self.store("stats", "--json")).json
        self.assertTrue(stats["running"])
        self.assertEqual(stats["stats"]["id"], node.id.hex())
        self.assertEqual(stats["stats"]["records"], 4)
        self.assertRegex((await self.store("stats")).out, r"records\s+4\n")

    async def test_what_needs_a_stopped_node_says_so(self):
        await self.filled(1)
        for words in (("check",), ("get", "key 0"), ("export",),
                      ("purge", "--expired")):
            done = await self.store(*words, code=ENVIRONMENT)
            self.assertIn(str(self.data_dir), done.err)

    async def test_a_purged_record_is_gone_and_stays_so_after_a_restart(self):
        node = await self.filled(20)
        self.assertEqual((await self.store("purge", "key 1", "--json")).json, {"purged": 1})
        missing = await self.command("get", "key 1", "--via", node.endpoint)
        self.assertEqual(missing.code, NOT_FOUND, missing)
        await self.store("purge", "key 1", code=NOT_FOUND)
        there = await self.command("get", "key 2", "--via", node.endpoint)
        self.assertEqual(there.code, DONE, there)
        await node.kill()  # Purged records are gone from disk, not only from memory.
        node = await self.xord(data_dir=self.data_dir)
        missing = await self.command("get", "key 1", "--via", node.endpoint)
        self.assertEqual(missing.code, NOT_FOUND, missing)
        self.assertEqual((await self.store("purge", "--all", "--yes", "--json")).json,
                         {"purged": 19})
        self.assertEqual((await self.store("stats", "--json")).json["stats"]["records"], 0)
        done = await self.command("set", "key 1", "again", "--via", node.endpoint)
        self.assertEqual(done.code, DONE, done)
        self.assertEqual((await self.command("get", "key 1", "--via", node.endpoint)).out,
                         "again\n")
        await node.stop()
        await self.store("check")
        self.assertEqual(len(self.records(await self.export())), 1)

    async def test_a_snapshot_has_all_that_was_acknowledged(self):
        node = await self.filled(20)
        copy = self.scratch / "copy"
        await self.store("snapshot", copy)
        self.assertEqual(copy.stat().st_mode & 0o777, 0o700)
        await self.store("check", data_dir=copy)
        self.assertEqual(len(self.records(await self.export(copy))), 20)
        await self.store("snapshot", copy, code=ENVIRONMENT)
        done = await self.command("get", "key 1", "--via", node.endpoint)
        self.assertEqual(done.out, "1000\n", "the node goes on")

    async def test_the_socket_of_a_killed_node_is_replaced_and_one_that_ended_is_gone(self):
        node = await self.filled(1)
        control = pathlib.Path(self.data_dir) / "control"
        self.assertTrue(control.is_socket())
        self.assertEqual(control.stat().st_mode & 0o777, 0o600)
        await node.kill()
        self.assertTrue(control.is_socket())
        self.assertFalse((await self.store("stats", "--json")).json["running"])
        node = await self.xord(data_dir=self.data_dir)
        self.assertTrue((await self.store("stats", "--json")).json["running"])
        await node.stop()
        self.assertFalse(control.exists())

    async def test_a_directory_with_a_long_path_has_a_socket_too(self):
        deep = self.scratch / ("d" * 100) / ("e" * 100)
        deep.parent.mkdir()
        await self.xord(data_dir=deep)
        self.assertTrue((await self.store("stats", "--json", data_dir=deep)).json["running"])


class Published(Store):
    async def published(self, node):
        done = await self.command("published", "--json", "--data-dir", node.data_dir)
        self.assertEqual(done.code, DONE, done)
        return done.json

    async def test_what_is_kept_is_listed_over_restarts_until_it_is_forgotten(self):
        node = await self.xord()
        where = ("--data-dir", node.data_dir)
        self.assertEqual(await self.published(node), [])
        for number in range(3):
            done = await self.command("set", f"key {number}", str(number), "--type", "int",
                                      "--keep", "--json", *where)
            self.assertEqual((done.code, done.json["kept"]), (DONE, True), done)
        listed = await self.published(node)
        ids = {hashlib.sha1(f"key {number}".encode()).hexdigest() for number in range(3)}
        self.assertEqual({one["id"] for one in listed}, ids)
        got = await self.command("get", "key 1", "--via", node.endpoint)
        self.assertEqual(got.out, "1\n")
        await node.kill()
        node = await self.xord(data_dir=node.data_dir)
        self.assertEqual({one["id"] for one in await self.published(node)}, ids)
        done = await self.command("forget", "key 1", *where)
        self.assertEqual(done.code, DONE, done)
        self.assertEqual(len(await self.published(node)), 2)
        done = await self.command("forget", "key 1", *where)
        self.assertEqual(done.code, NOT_FOUND, done)
        plain = await self.command("published", *where)
        self.assertEqual(len(plain.out.splitlines()), 2, plain)
        await node.stop()
        self.data_dir = node.data_dir
        stats = (await self.store("stats", "--json")).json
        self.assertEqual(stats["networks"][0]["published"], 2)
        await self.store("check")

    async def test_without_a_running_node_it_is_a_sentence(self):
        for words in (("set", "k", "v", "--keep"), ("published",), ("forget", "k")):
            done = await self.command(*words, "--data-dir", self.scratch / "nowhere")
            self.assertEqual(done.code, ENVIRONMENT, done)
            self.assertRegex(done.err, r"^xord: .+\.\n$")
        done = await self.command("set", "k", "v", "--keep", "--via", "127.0.0.1:9")
        self.assertEqual(done.code, USAGE, done)


class EndedFirst(Exception):
    """A command ended before its SIGINT arrived."""


def with_enough_records(test):
    """Reruns a test with more records when there were too few for SIGINT to arrive in time."""
    @functools.wraps(test)
    async def run(self):
        for self.count in self.COUNTS:
            with contextlib.suppress(EndedFirst):
                return await test(self)
        self.fail(f"{self.count} records were too few for a SIGINT between them")
    return run


def read_on(master):
    """What a pseudo-terminal shows next; nothing once its other end is closed and all is read."""
    try:
        return os.read(master, 4096)
    except OSError:
        return b""


class Interrupted(Store):
    """Under a pseudo-terminal, which shows the progress line, with enough records to catch it."""

    COUNTS = (60_000, 300_000)

    @property
    def into(self):
        """A directory for each count."""
        return self.scratch / f"into{self.count}"

    async def many(self):
        """An export of self.count records, made by hand: by docs/STORAGE.md, not by xord."""
        await self.stopped(1)
        header, record, _ = (await self.export()).splitlines()
        fields = record.split()[:-1]
        lines = [header]
        for number in range(self.count):
            spread = number * 2654435761 % 2**32
            fields[2] = f"{spread:08x}" + "00" * 14 + f"{spread % 65536:04x}"
            lines.append(with_checksum(" ".join(fields)))
        lines.append(with_checksum(f"end {self.count}"))
        file = self.scratch / "many.export"
        file.write_text("\n".join(lines) + "\n")
        return file

    def interrupted(self, verb, *words):
        """Runs a command until its progress line shows, then sends SIGINT; returns the output."""
        master, slave = pty.openpty()
        process = subprocess.Popen(
            [harness.options.xord, "store", *map(str, words)], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=slave, env=self.environment,
            preexec_fn=harness.die_with_parent)
        os.close(slave)
        shown = b""
        try:
            while verb.encode() not in shown and (piece := read_on(master)):
                shown += piece
            process.send_signal(signal.SIGINT)
            code = process.wait(seconds(30))
            while piece := read_on(master):
                shown += piece
        finally:
            process.kill()
            process.wait()
            os.close(master)
        if code == DONE:
            raise EndedFirst
        self.assertEqual(code, INTERRUPTED, shown)
        text = shown.decode(errors="replace")
        self.assertRegex(text, verb + r" \d+ .*records.*/s")
        self.assertIn("xord: interrupted", text)
        return text

    @with_enough_records
    async def test_sigint_in_an_import_leaves_whole_records_and_a_second_one_completes_it(self):
        file = await self.many()
        self.interrupted("imported", "import", file, "--data-dir", self.into)
        check = (await self.store("check", "--json", data_dir=self.into, bound=60)).json
        self.assertTrue(check["sound"])
        print(f"  {check['records']} of {self.count} records were imported before SIGINT")
        if check["records"] == self.count:
            raise EndedFirst
        self.assertGreater(check["records"], 0)
        done = await self.store("import", file, "--json", data_dir=self.into, bound=60)
        self.assertEqual(done.json["imported"], self.count)
        self.assertEqual(self.records(await self.export(self.into)), self.records(file.read_text()))

    @with_enough_records
    async def test_sigint_in_an_export_a_check_and_stats_leaves_all_as_it_was(self):
        file = await self.many()
        await self.store("import", file, data_dir=self.into, bound=60)
        before = files_below(self.into)
        out = self.scratch / f"out{self.count}"
        out.mkdir()
        self.interrupted("exported", "export", out / "export", "--data-dir", self.into)
        self.assertEqual(list(out.iterdir()), [])
        self.interrupted("counted", "stats", "--data-dir", self.into)
        self.interrupted("checked", "check", "--data-dir", self.into)
        self.assertEqual(files_below(self.into), before)

    @with_enough_records
    async def test_sigint_in_a_purge_leaves_a_sound_directory(self):
        file = await self.many()
        await self.store("import", file, data_dir=self.into, bound=60)
        self.interrupted("looked at", "purge", "--all", "--yes", "--data-dir", self.into)
        check = (await self.store("check", "--json", data_dir=self.into, bound=60)).json
        self.assertTrue(check["sound"])
        await self.store("purge", "--all", "--yes", data_dir=self.into, bound=60)
        self.assertEqual(self.records(await self.export(self.into)), [])


class Socket(Store):
    """The control socket by hand: docs/CONTROL.md."""

    async def test_it_speaks_lines_of_json_and_refuses_what_is_none(self):
        node = await self.filled(1)
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(seconds(10))
            control.connect(str(pathlib.Path(node.data_dir) / "control"))
            with control.makefile("rw", encoding="utf-8") as lines:
                def ask(line):
                    lines.write(line + "\n")
                    lines.flush()
                    return json.loads(lines.readline())
                self.assertEqual(ask('{"command": "stats"}')["result"]["id"], node.id.hex())
                for bad in ("", "stats", "[]", '{"command": 7}', '{"command": "none"}',
                            '{"command": "purge"}', '{"command": "purge", "id": "00"}',
                            '{"command": "purge", "key": "a", "all": true}',
                            '{"command": "purge", "all": false}',
                            '{"command": "purge", "prefix": ""}',
                            '{"command": "snapshot", "directory": "relative"}'):
                    answer = ask(bad)
                    self.assertEqual(answer["code"], USAGE, (bad, answer))
                self.assertEqual(ask('{"command": "purge", "prefix": "0"}')["result"].keys(),
                                 {"purged"})
        self.assertEqual((await self.command("ping", node.endpoint)).code, DONE)


def with_checksum(text):
    """The line with its last field: the low half of XXH3-64, by the system's own library."""
    xxhash = ctypes.CDLL("libxxhash.so.0")
    xxhash.XXH3_64bits.restype = ctypes.c_uint64
    xxhash.XXH3_64bits.argtypes = (ctypes.c_char_p, ctypes.c_size_t)
    return f"{text} {xxhash.XXH3_64bits(text.encode(), len(text)) & 0xffffffff:08x}"


if __name__ == "__main__":
    harness.main(needs_peers=False)
