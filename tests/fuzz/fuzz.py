"""Makes a fuzz target's corpus from the golden vectors, and runs the target on it.

    fuzz.py --program build/fuzz/node_fuzz -max_total_time=300       libFuzzer, for five minutes
    fuzz.py --program build/fuzz/node_fuzz --keep finds/node         the same; finds stay there
    fuzz.py --program build/fuzz/node_fuzz --keep finds/node --merge keeps the finds in the tree
    fuzz.py --program build/debug/node_fuzz -runs=1000 -seed=7       driver.cc; what the tests do

Arguments after the program's name are passed to it. The corpus lies in a temporary folder:
libFuzzer's finds go there too, unless --keep names another. An input that once broke a rule lies in
tests/fuzz/found/NAME/ and is always part of it, and so are those of tests/fuzz/corpus/NAME.zip:
the fewest that reach all that was ever reached, as --merge leaves them. Without -seed one is drawn,
and printed.
"""

import argparse
import hashlib
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = HERE.parent / "golden" / "rpcudp.json"
# Those of the vectors, in the order of node/wire/message.h.
METHODS = ("ping", "stun", "store", "find_node", "find_value")
STEPS = ("datagram", "answer", "pong", "wait", "wait_long", "get", "set", "find", "join",
         "disk_works", "disk_fails", "disk_hangs", "contacts", "burst", "spray", "list")
STRANGERS = 16  # As in node_fuzz.cc, like the steps.
FILES = ("config", "environment", "import", "import_checked", "identity", "contacts", "clock",
         "format", "identity_checked", "contacts_checked", "clock_checked", "format_checked",
         "named_ids")  # As in files_fuzz.cc.
HEADER = 21
LONGEST = 2000  # Of a vector; a few are longer than any mutation needs.


def step(what, stranger=0, payload=b""):
    return bytes([STEPS.index(what) + len(STEPS) * stranger]) + len(payload).to_bytes(2, "big") \
        + payload


def milliseconds(count):
    return count.to_bytes(2, "big")


class Golden:
    def __init__(self):
        golden = json.loads(GOLDEN.read_text())
        vectors = [one for one in golden["vectors"] if one["meaning"]["kind"] != "key_digest"]
        self.requests = [bytes.fromhex(one["hex"]) for one in vectors
                         if one["meaning"]["kind"] == "request"]
        self.requests += [bytes.fromhex(one["hex"]) for one in golden["malformed"]]
        self.replies = [(one["meaning"]["to_method"], bytes.fromhex(one["hex"])) for one in vectors
                        if one["meaning"]["kind"] == "reply"]
        self.replies += [("ping" if "_ping_" in one["name"] else "find_node",
                          bytes.fromhex(one["hex"])) for one in golden["malformed_replies"]]
        self.requests = [one for one in self.requests if len(one) <= LONGEST]
        self.replies = [(method, one) for method, one in self.replies if len(one) <= LONGEST]


def request_inputs(golden):
    yield from golden.requests
    yield golden.requests[0] + b"\xce\x00\x00\x0e\x10"


def reply_inputs(golden):
    for method, datagram in golden.replies:
        yield bytes([METHODS.index(method)]) + datagram


def msgpack_inputs(golden):
    for datagram in golden.requests + [reply for _, reply in golden.replies]:
        yield datagram[HEADER:]


def packed_request(method, *arguments):
    """A datagram as the library encodes it; ids of 20 bytes, and values as they are packed."""
    body = bytes([0x92, 0xa0 + len(method)]) + method.encode() + bytes([0x90 + len(arguments)])
    for argument in arguments:
        body += b"\xc4\x14" + argument if len(argument) == 20 else argument
    return b"\x00" + hashlib.sha1(body).digest() + body


def node_inputs(golden):
    """Scripts: all requests of a stranger and of a proven one, every reply, and a small network."""
    prove = step("datagram", 1, packed_request("find_node", b"\x22" * 20, b"t" * 20)) \
        + step("pong", 1)
    for settings in range(18):
        yield bytes([settings]) + prove + b"".join(
            step("datagram", number % 3, datagram)
            for number, datagram in enumerate(golden.requests[settings::18]))
    for number, (_, datagram) in enumerate(golden.replies):
        yield bytes([number % 18]) + step("join", 2) + step("pong", 2) \
            + step("answer", 2, datagram[HEADER:]) + step("wait", 0, milliseconds(6000)) + prove
    key, asker = b"\x07" * 20, b"\x22" * 20
    for settings in range(18):
        yield bytes([settings]) + b"".join(_network(settings, prove, asker, key))
    for settings in range(0, 216, 9):  # Limits of each kind, exempt and favoured sources.
        yield bytes([settings]) + b"".join(_crowd(settings))


def _network(settings, prove, asker, key):
    """Strangers join, answer, store and read; the disk hangs and fails; everything expires."""
    yield prove
    for stranger in range(8):
        yield step("join", stranger) + step("pong", stranger)
        yield step("datagram", stranger, packed_request("find_node", bytes(20), b"n" * 20))
        yield step("pong", stranger) + step("answer", stranger, b"\x90")
    yield step("set", 0, b"\x07\xa4text")
    yield step("answer", 1, b"\xc3") + step("answer", 3, b"\xc2")
    yield step("datagram", 1, packed_request("find_value", asker, key))
    yield step(("disk_works", "disk_fails", "disk_hangs")[settings % 3])
    yield step("datagram", 1, packed_request("store", asker, b"\x08" * 20, b"\xa5value"))
    yield step("get", 0, b"\x08") + step("get", 0, b"\x09") + step("find", 0, b"\x0a")
    yield step("disk_works")
    yield step("datagram", 1, packed_request("find_value", asker, b"\x08" * 20))
    yield step("wait", 0, milliseconds(60000)) + step("wait_long", 0, milliseconds(9000))
    yield prove + step("datagram", 1, packed_request("find_value", asker, key))
    yield step("wait_long", 0, milliseconds(20000)) + prove
    yield step("datagram", 1, packed_request("find_value", asker, key))


def _crowd(settings):
    """Everyone joins and answers lookups, then some ask for more than their share."""
    named = bytes(range(STRANGERS)) + b"\x85\x93"
    for stranger in range(STRANGERS):
        yield step("join", stranger) + step("pong", stranger) + step("contacts", stranger, named)
        yield step("datagram", stranger, packed_request("find_node", b"\x22" * 20, bytes(20)))
        yield step("pong", stranger)
    value = b"\xc5\x10\x00" + b"v" * 4096
    yield step("datagram", 1, packed_request("store", b"\x22" * 20, b"\x08" * 20, value))
    yield step("list", 0, b"\x07\x00\xa4kept") + step("list", 0, b"\x00\x02")
    ask_value = packed_request("find_value", b"\x22" * 20, b"\x08" * 20)
    ask_nodes = packed_request("find_node", b"\x22" * 20, b"\x09" * 20)
    store = packed_request("store", b"\x22" * 20, b"\x0a" * 20, b"\xa5value")
    for stranger in (0, 1, 4, 6, 14):
        yield step("burst", stranger, b"\x1f" + ask_value)
        yield step("burst", stranger, b"\x3f" + ask_nodes)
    for stranger in (0, 3, 11):
        for asked in (ask_nodes, ask_value, store):
            yield step("spray", stranger, b"\x3f" + asked)
    yield step("wait", 0, milliseconds(9000))
    yield step("burst", settings % STRANGERS, b"\x07" + ask_value)
    yield step("find", 0, b"\x0a") + step("contacts", 2, named) + step("contacts", 8, named)
    yield step("list", 0, b"\x07\x01") + step("list", 0, b"\x00\x03")
    yield step("wait_long", 0, milliseconds(90)) + step("burst", 5, b"\x10" + ask_nodes)


def control_inputs(_):
    """Requests a line, after the byte that says in which pieces they are sent (docs/CONTROL.md)."""
    digits = b"07" * 20
    requests = [
        b'{"command": "stats"}',
        b'{"command": "purge", "key": "text"}', b'{"command": "purge", "id": "%s"}' % digits,
        b'{"command": "purge", "prefix": "0f3"}', b'{"command": "purge", "all": true}',
        b'{"command": "keep", "key": "text", "value": "a568656c6c6f"}',
        b'{"command": "keep", "id": "%s", "value": "c3"}' % digits,
        b'{"command": "forget", "key": "text"}', b'{"command": "forget", "id": "%s"}' % digits,
        b'{"command": "published"}', b'{"command": "published", "from": "%s"}' % digits,
        b'{"command": "snapshot", "directory": "/backup/monday"}',
        b'{"command": "snapshot", "directory": "here"}',
        b'{"command": "limits"}', b'{"command": "limits", "address": "192.0.2.1"}',
        b'{"command": "limits", "address": "2001:db8::1"}',
        b'{"command": "statz"}', b'{"command": 1}', b'[1, -2, 3.5e6, null, false, "\u00e9\ud83d"]',
        b"", b"stats", b"\xff\xfe", b"[" * 9,
    ]
    for request in requests:
        yield b"\x00" + request + b"\n"
    for piece in (1, 7, 255):
        yield bytes([piece]) + b"\n".join(requests) + b"\n"
    yield b"\x03" + requests[5] + b"\n" + requests[9] + b"\n" + requests[0]


def files_inputs(golden):
    """A byte for the file, then its bytes: config, environment, export, small files, ids."""
    def of(kind, data):
        return bytes([FILES.index(kind)]) + data

    settings = [b'listen = ["rpcudp://127.0.0.1:0", "[::1]:8468"]', b'bootstrap = ["a.example"]',
                b'data-dir = "/tmp/a\\u0007\\"b"', b"allow-network-file-system = true",
                b"shards = 2", b'io = "epoll"', b'log-level = "debug"', b'log-format = "json"',
                b"amplification-max = 0.75", b'amplification-max = "0.12345678901"',
                b'trusted-net = ["10.0.0.0/8", "2001:db8::/32"]', b'limits = "dry-run"',
                b'limit-excess = "1MiB"', b'limit-for = ["198.51.100.7/32=50"]',
                b'ttl = "1d12h"', b'commit-window = "500us"', b'storage-max = "2G"',
                b"records-max = 1_000_000", b"contacts-max = 0x1000", b'drain-max = "0"']
    for setting in settings:
        yield of("config", setting + b"\n")
    yield of("config", b"\n".join(settings[:9] + settings[10:]) + b"\n")
    yield of("config", b"[table]\nttl = 1979-05-27T07:32:00Z\na.b.c = [1, [2, {d = inf}]]\n")
    yield of("environment", b"XORD_TTL=1d\nXORD_LISTEN=127.0.0.1:0, [::1]:0\nXORD_DATADIR=/x\n")
    yield of("environment", b"XORD_BOOTSTRAP=a,b:1\nHOME=\nXDG_DATA_HOME=/y\nXORD_IO=urnig\n")
    header, *records = export_inputs(golden)
    end = b"end %d"
    for inner in ([], records[:1], records[:3], records[:1] * 2):
        lines = [header, *inner, end % len(inner)]
        yield of("import_checked", b"\n".join(lines))
        yield of("import_checked", b"\n".join(lines * 2))
        yield of("import", b"\n".join(lines) + b"\r\n")
    yield of("import", b"\x1f\x8b\x08")
    small = list(small_file_inputs(golden))
    for kind, payload in (("identity", small[0]), ("contacts", small[2]), ("contacts", small[4]),
                          ("clock", small[5]), ("format", b"\x01\x00\x00\x00"),
                          ("format", b"\x02\x00\x00\x00")):
        yield of(kind + "_checked", payload)
        yield of(kind, b"XORD" + payload)
    yield of("named_ids", b"192.0.2.1:8468 " + b"11" * 20 + b" [2001:db8::1]:8468\nbad line\n")


def export_inputs(_):
    """Lines of an export, without the checksum that the target adds (docs/STORAGE.md)."""
    yield b"xord-export version=1 node_time=400000123000000456 wall_time=1764057600000000789 " \
        b"columns=record,network,key,first_seen,published,last_store,expiry,source_prefix," \
        b"value,checksum"
    times = b"400000001 400000000 400000002 400604800"
    for value in (b"-", b"a26869", b"ff" * 300):
        yield b"record rpcudp " + b"0123456789" * 4 + b" " + times + b" 4142 " + value
    yield b"end 2"
    yield b"end 2 0abe8c8d"


def small_file_inputs(_):
    """Payloads, to which the target adds a header and a checksum (docs/STORAGE.md)."""
    name = b"\x06rpcudp"
    yield b"\x01\x00" + name + b"\x11" * 20 + b"\x22" * 32
    contact = b"\x33" * 20 + b"\x00" * 10 + b"\xff\xff\x7f\x00\x00\x01" + b"\x00" * 4 \
        + b"\x14\x21" + (400_000_000).to_bytes(4, "little")
    for count in (0, 1, 3):
        yield b"\x01\x00" + name + count.to_bytes(4, "little") + contact * count
    yield b"\x02\x00" + (name + bytes(4)) * 2
    yield (400_000_000 * 10**9).to_bytes(8, "little") + (1764057600 * 10**9).to_bytes(8, "little")


def write_corpus(name, folder):
    """Writes the corpus of the target `name`; returns how many inputs it has."""
    inputs = {"request": request_inputs, "reply": reply_inputs, "msgpack": msgpack_inputs,
              "node": node_inputs, "export": export_inputs,
              "small_file": small_file_inputs, "control": control_inputs,
              "files": files_inputs}[name](Golden())
    found = HERE / "found" / name
    inputs = [*inputs, *(path.read_bytes() for path in sorted(found.glob("*"))), *kept_inputs(name)]
    for data in inputs:
        (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)
    return len(inputs)


def kept(name):
    return HERE / "corpus" / (name + ".zip")


def kept_inputs(name):
    if not kept(name).exists():
        return []
    with zipfile.ZipFile(kept(name)) as archive:
        return [archive.read(one) for one in sorted(archive.namelist())]


def keep(name, folder):
    """Replaces the archive by the files of the folder; equal files give equal bytes."""
    kept(name).parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(kept(name), "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.iterdir()):
            archive.writestr(zipfile.ZipInfo(path.name), path.read_bytes(),
                             zipfile.ZIP_DEFLATED, 9)


def merge(program, name, folder):
    """Keeps the fewest inputs of the folder that reach what all of them do (libFuzzer only)."""
    with tempfile.TemporaryDirectory(prefix="xord-merge-") as fewest:
        ended = subprocess.run([program, "-merge=1", fewest, folder]).returncode
        if ended == 0:
            keep(name, pathlib.Path(fewest))
            print(f"{len(os.listdir(folder))} inputs, of which {len(os.listdir(fewest))} are in "
                  f"{kept(name)}: {kept(name).stat().st_size} bytes")
        return ended


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True, type=pathlib.Path)
    parser.add_argument("--keep", type=pathlib.Path, help="folder for corpus and finds")
    parser.add_argument("--merge", action="store_true",
                        help="keep the fewest inputs that reach everything; needs libFuzzer")
    options, rest = parser.parse_known_args()
    if not any(word.startswith("-seed=") for word in rest):
        rest.append(f"-seed={random.randrange(1, 2**32)}")
    with tempfile.TemporaryDirectory(prefix="xord-fuzz-") as temporary:
        folder = options.keep or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        name = options.program.stem.removesuffix("_fuzz")
        write_corpus(name, folder)
        if options.merge:
            return merge(options.program, name, folder)
        print(options.program.name, *rest, flush=True)
        # Makes a sanitizer's report end with SIGABRT, on which the driver prints the input.
        environment = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") +
                       ":abort_on_error=1"}
        return subprocess.run([options.program, *rest, folder], env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
