"""Two nodes that republish all that they have at each other, as fast as they can.

Each holds records that the other lacks, and that no store has reached for two hours: all are due
once the nodes have found each other. To either the other is one address that stores thousands of
records a second, and neither may be limited, refused or thinned out. No setting gives that pace:
64 records are on their way at a time.
"""

import asyncio
import ctypes
import os
import time

import attack
import harness
from attack import NODE, Attack

OTHER = ("62.7.7.7", 8468)
RECORDS = 50_000  # Of both together, half of them at each.
RECORDS_FULL = 1_000_000
RATE = 5_000  # Records a second, of both together. Demanded of a long run only.
NODE_TIME = 500_000_000  # Seconds: what the clock of the export says.
UNSTORED = 7_200
TTL = 7 * 86_400
COLUMNS = "record,network,key,first_seen,published,last_store,expiry,source_prefix,value,checksum"


class Export:
    """Writes what `xord store import` reads (docs/STORAGE.md, "Export")."""

    def __init__(self, file):
        self.file = file
        self.checksum = ctypes.CDLL("libxxhash.so.0").XXH3_64bits
        self.checksum.argtypes = (ctypes.c_char_p, ctypes.c_size_t)
        self.checksum.restype = ctypes.c_uint64

    def line(self, text):
        line = text.encode()
        self.file.write(b"%b %08x\n" % (line, self.checksum(line, len(line)) & 0xffffffff))

    def records(self, count):
        """Under random keys, of 100 bytes each."""
        stored = NODE_TIME - UNSTORED
        times = f"{stored} {stored} {stored} {stored + TTL}"
        self.line(f"xord-export version=1 node_time={NODE_TIME * 10**9} wall_time={time.time_ns()} "
                  f"columns={COLUMNS}")
        for _ in range(count):
            self.line(f"record rpcudp {os.urandom(20).hex()} {times} 0000 "
                      f"c464{os.urandom(100).hex()}")
        self.line(f"end {count}")


def write_export(path, count):
    with open(path, "wb") as file:
        Export(file).records(count)


class Republish(Attack):
    async def data_dir(self, name, count):
        """The directory of a node that holds `count` records."""
        export = self.scratch / f"{name}.export"
        await asyncio.to_thread(write_export, export, count)
        done = await self.command("store", "import", export, "--data-dir", self.scratch / name,
                                  bound=300)
        self.assertEqual(done.code, 0, done)
        export.unlink()
        return self.scratch / name

    async def until_each_has(self, nodes, total):
        """The seconds that it takes; and the counters of each at the end."""
        begin = time.monotonic()
        end = begin + harness.seconds(30 + total / 1_000)
        while True:
            totals = [(await node.stats())["total"] for node in nodes]
            seconds = time.monotonic() - begin
            if all(one["storage"]["records"] == total for one in totals):
                return seconds, totals
            self.assertLess(time.monotonic(), end, [one["storage"] for one in totals])
            await asyncio.sleep(seconds / 20)  # Each look is a long line in a node's log.

    async def test_two_nodes_catch_up(self):
        total = RECORDS_FULL if harness.options.full else RECORDS
        places = [await self.data_dir(name, total // 2) for name in ("first", "second")]
        first = await self.node(data_dir=places[0])
        second = await self.node(listen=OTHER, bootstrap=[attack.text_of(NODE)],
                                 data_dir=places[1])
        seconds, totals = await self.until_each_has((first, second), total)
        print(f"FIGURE records that two nodes republished at each other: {total} in {seconds:.1f} "
              f"s, {total / seconds:,.0f} a second")
        if harness.options.full:
            self.reached("records a second", f"{total / seconds:,.0f}", total / seconds >= RATE,
                         f"{RATE:,}")
        for name, one in zip(("the first", "the second"), totals):
            self.judge(name, one, total)

    def judge(self, name, one, total):
        self.reached(f"records of {name} at the end", one["storage"]["records"],
                     one["storage"]["records"] == total, total)
        sent = one["node"]["records_republished"]
        self.reached(f"records that {name} republished", sent, sent == total // 2, total // 2)
        limited = {what: count for what, count in one["node"].items()
                   if what.startswith("limited_") and count > 0}
        self.reached(f"what {name} limited", limited or 0, not limited, 0)
        refused = {what: count for what, count in one["storage"].items()
                   if what.startswith("refused_") and what != "refused_loading" and count > 0}
        # Stores that come while a node still reads its own records wait until it has them.
        refused.update({what: one["node"][what] for what in ("stores_refused", "calls_failed")
                        if one["node"][what] > 0})
        self.reached(f"what {name} refused or failed to store", refused or 0, not refused, 0)
        self.reached(f"filters in the kernel of {name}", one["io"]["filters_set"],
                     one["io"]["filters_set"] == 0, 0)


if __name__ == "__main__":
    attack.main()
