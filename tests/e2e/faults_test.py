"""A disk that fails under a running node: full, over a file size limit, without file descriptors,
without permission. What clients see meanwhile, what log and health say, and that everything
recovers once the cause is gone, without a restart. The causes are real ones: a small tmpfs,
prlimit(2) on the running process, chmod without the capability that overrules it.
"""

import json
import os
import resource
import shutil
import subprocess
import unittest

import harness
from harness import Scenario, eventually

VALUE = 7000
STORES_MAX = 8000  # Some 56 MB: RocksDB needs a new file long before.


def run(*words):
    return subprocess.run([*map(str, words)], capture_output=True, text=True, check=False)


class Faults(Scenario):
    def setUp(self):
        super().setUp()
        self.acknowledged, self.refused = {}, set()

    async def store(self, key=None):
        key, value = key or os.urandom(20), os.urandom(VALUE)
        answered, result = await self.client.store(self.node.address, key, value)
        self.assertTrue(answered, "a store is answered, whatever the disk does")
        if result is True:
            self.acknowledged[key] = value
        else:
            self.assertIs(result, False)
            self.refused.add(key)
        return result

    async def expect_served(self, keys):
        for key in keys:
            answered, result = await self.client.find_value(self.node.address, key)
            self.assertTrue(answered)
            value = result.get("value") if isinstance(result, dict) else None
            self.assertEqual(value, self.acknowledged.get(key), key.hex())

    def log_lines(self, message):
        return [line for line in self.node.lines() if line["message"] == message]

    async def state(self):
        return (await self.node.stats())["storage_state"]

    async def expect_health(self, code, status):
        """Waits until `xord health` ends with this exit code and says this of the disk."""
        async def is_so():
            done = await self.command("health", "--json", "--data-dir", self.node.data_dir)
            checks = {one["name"]: one["status"] for one in json.loads(done.out)["checks"]}
            return (done.code, checks["disk"] in status) == (code, True)
        await eventually(is_so, 10, f"health {code}, disk {status}")

    async def begin(self, *arguments, **options):
        self.node = await self.xord("--memory-max", "4MiB", *arguments, **options)
        self.client = await self.raw_node()
        self.assertTrue(await self.client.prove(self.node.address))
        for _ in range(300):
            self.assertTrue(await self.store())

    async def suffer(self, cause):
        """Stores until the disk fails, and checks what is left."""
        while len(self.refused) < 20 and len(self.acknowledged) < STORES_MAX:
            await self.store()
        self.assertGreaterEqual(len(self.refused), 20, "the fault was not felt")
        self.assertTrue((await self.client.ping(self.node.address))[0])
        answered, contacts = await self.client.find_node(self.node.address, os.urandom(20))
        self.assertTrue(answered and isinstance(contacts, list))
        await self.expect_served([*list(self.acknowledged)[:200], *list(self.refused)[:20]])
        self.assertEqual(await self.state(), "failed")
        await self.expect_health(1, ["fail"])
        refused = self.log_lines("stores refused")
        self.assertEqual(len(refused), 1, self.node.text()[-4000:])
        error = refused[0]["error"]
        self.assertIn(cause, error)
        print(f"  acknowledged {len(self.acknowledged)}, then refused; state failed; log: {error}")

    async def recover(self):
        async def is_taken():
            return await self.store()
        await eventually(is_taken, 60, "stores taken again")
        self.assertEqual(await self.state(), "ready")
        await self.expect_health(0, ["ok", "warn"])  # A small disk is short of room.
        self.assertEqual(len(self.log_lines("stores accepted again")), 1,
                         self.node.text()[-4000:])
        await self.expect_served([*self.acknowledged, *self.refused])
        await self.node.kill()
        await self.node.start()
        await self.client.prove(self.node.address)
        await self.expect_served([*self.acknowledged, *self.refused])
        print(f"  well again without a restart; {len(self.acknowledged)} acknowledged values are "
              f"served, also after kill -9, and none of {len(self.refused)} refused ones")

    def limit(self, which, soft):
        hard = resource.prlimit(self.node.process.pid, which)[1]
        resource.prlimit(self.node.process.pid, which, (hard if soft is None else soft, hard))

    async def test_a_full_disk(self):
        disk = self.scratch / "disk"
        disk.mkdir()
        if run("mount", "-t", "tmpfs", "-o", "size=24m", "xord-test", disk).returncode != 0:
            raise unittest.SkipTest(harness.NO_MOUNT)
        self.addCleanup(run, "umount", "-l", disk)
        await self.begin(data_dir=disk / "node")
        await self.suffer("No space left")
        self.assertEqual(run("mount", "-o", "remount,size=256m", disk).returncode, 0)
        await self.recover()

    async def test_a_limit_of_file_size(self):
        await self.begin()
        self.limit(resource.RLIMIT_FSIZE, 1 << 20)
        await self.suffer("File too large")
        self.limit(resource.RLIMIT_FSIZE, None)
        await self.recover()

    async def test_no_file_descriptors(self):
        await self.begin()
        held = len(os.listdir(f"/proc/{self.node.process.pid}/fd"))
        self.limit(resource.RLIMIT_NOFILE, held)
        await self.suffer("Too many open files")
        self.limit(resource.RLIMIT_NOFILE, None)
        await self.recover()

    async def test_a_directory_that_loses_its_permission(self):
        if os.geteuid() == 0:  # Root too must be subject to permissions here.
            if not shutil.which("setpriv"):
                raise unittest.SkipTest("setpriv(1) is not there")
            wrapper = self.scratch / "xord-without-override"
            wrapper.write_text("#!/bin/sh\nexec setpriv --bounding-set "
                               f"-dac_override,-dac_read_search {harness.options.xord} \"$@\"\n")
            wrapper.chmod(0o755)
            self.addCleanup(setattr, harness.options, "xord", harness.options.xord)
            harness.options.xord = str(wrapper)
        await self.begin()
        database = self.node.data_dir / "db"
        database.chmod(0)
        self.addCleanup(database.chmod, 0o700)
        await self.suffer("Permission denied")
        database.chmod(0o700)
        await self.recover()


if __name__ == "__main__":
    harness.main()
