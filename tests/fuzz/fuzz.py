"""Makes a fuzz target's corpus from the golden vectors, and runs the target on it.

    fuzz.py --program build/fuzz/node_fuzz -max_total_time=300       libFuzzer, for five minutes
    fuzz.py --program build/debug/node_fuzz -runs=1000 -seed=7       driver.cc; what the tests do

Arguments after the program's name are passed to it. The corpus lies in a temporary folder:
libFuzzer's finds go there too, unless --keep names another. An input that once broke a rule lies in
tests/fuzz/found/NAME/ and is always part of it. Without -seed one is drawn, and printed.
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

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = HERE.parent / "golden" / "rpcudp.json"
# Those of the vectors, in the order of node/wire/message.h.
METHODS = ("ping", "stun", "store", "find_node", "find_value")
STEPS = ("datagram", "answer", "pong", "wait", "wait_long", "get", "set", "find", "join",
         "disk_works", "disk_fails", "disk_hangs")  # As in node_fuzz.cc.
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
              "small_file": small_file_inputs}[name](Golden())
    found = HERE / "found" / name
    inputs = [*inputs, *(path.read_bytes() for path in sorted(found.glob("*")))]
    for data in inputs:
        (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)
    return len(inputs)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True, type=pathlib.Path)
    parser.add_argument("--keep", type=pathlib.Path, help="folder for corpus and finds")
    options, rest = parser.parse_known_args()
    if not any(word.startswith("-seed=") for word in rest):
        rest.append(f"-seed={random.randrange(1, 2**32)}")
    with tempfile.TemporaryDirectory(prefix="xord-fuzz-") as temporary:
        folder = options.keep or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        write_corpus(options.program.stem.removesuffix("_fuzz"), folder)
        print(options.program.name, *rest, flush=True)
        # Makes a sanitizer's report end with SIGABRT, on which the driver prints the input.
        environment = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") +
                       ":abort_on_error=1"}
        return subprocess.run([options.program, *rest, folder], env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
