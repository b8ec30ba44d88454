#!/usr/bin/env python3
"""Measures xord end to end, beside a server that does the same I/O and nothing else.

    bench/run.py                      every row against the floor: half an hour
    bench/run.py --rows find_node     one of them: two minutes
    bench/run.py --peers python       highest rates, xord beside the Python library's node
    bench/run.py --overload           a flood, and what is still answered
    bench/run.py --list               the rows

Servers have one core, `xord load` has another. Each round puts each server under load in turn, so
that any other load on the machine affects all of them; a share is a ratio of medians, followed by
the spread of the ratios by round. The figures go to bench/history.ndjson as one line a run, from
which bench/plot.py draws docs/performance.svg. docs/PERFORMANCE.md says what they mean.
"""

import argparse
import itertools
import json
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time

import servers

RECORDS = "1M"
CONTACTS = 1000  # Contacts that answer pings all the time: the table of every row.
# Senders of an earlier step whose ids were filed are gone: each delays answers once, by half a
# second.
WARM_UP = "700ms"
# The row of a real node: keys near its id, popular ones, senders that it does not know and whose
# ids change. --contacts-max keeps them out of the table.
UNFRIENDLY = ["--sources", "10k", "--near-id", 12, "--key-spread", "zipf", "--keys", RECORDS,
              "--id-change", "10ms"]
# A thousand sources in rotation: no two replies of a batch go to one peer, so nothing is coalesced,
# by the floor or by the node.
FRIENDLY = ["--sources", 1000, "--keys", RECORDS]
# Room for all values in memory, besides the index, which is reserved for --records-max.
ROOM = ["--records-max", "2M", "--memory-max", "2GiB"]
HIT_BYTES = 130  # A reply with a value of 100 bytes.


class Row:
    """One line of the table: the kind of request, and the wanted share of the floor."""

    def __init__(self, kind, reach, aim, unfriendly=False, window=64):
        self.kind, self.reach, self.aim, self.unfriendly = kind, reach, aim, unfriendly
        self.window = window

    def flags(self):
        flags = ["--mix", f"{self.kind}=1", "--window", self.window]
        return flags + (UNFRIENDLY if self.unfriendly else FRIENDLY)


ROWS = {
    "find_node": Row("find_node", 0.85, 0.95),
    "hit": Row("find_value_hit", 0.80, 0.90),
    "miss": Row("find_value_miss", 0.85, 0.95),
    "ping": Row("ping", None, None),
    "find_node unfriendly": Row("find_node", 0.80, 0.93, unfriendly=True),
    "hit unfriendly": Row("find_value_hit", 0.75, 0.88, unfriendly=True),
    "miss unfriendly": Row("find_value_miss", 0.80, 0.93, unfriendly=True),
}


def spread(values):
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


def figures_of(step):
    cost = step.get("server_ns_per_answer", {})
    return {"rate": step["rate"], "ns": cost.get("all", 0), "user_ns": cost.get("user", 0),
            "wrong": step["wrong"], "lost": step["lost"], "p99_us": step["latency_us"]["p99"]}


class Rounds:
    """The figures of each server of a row, round by round."""

    def __init__(self, machine, row, options):
        self.machine, self.row, self.seconds = machine, row, options.seconds
        self.seed, self.patience = options.seed, options.patience
        self.figures = {}
        self.disturbed = 0  # Steps before which the machine did not become idle.

    def measure(self, server):
        is_floor = server.name.startswith("floor")
        flags = [*self.row.flags(), "--seed", self.seed, "--duration", f"{self.seconds}s",
                 "--warm-up", WARM_UP]
        flags += ["--check", "transaction"] if is_floor else ["--stored"]
        self.disturbed += not servers.wait_until_idle(self.patience)
        report = self.machine.load(server, *flags)
        if report is None:
            raise SystemExit(f"{server.name} answered nothing")
        if report["exit_code"] != 0:
            raise SystemExit(f"{server.name} answered wrong: {json.dumps(report)[:2000]}")
        self.figures.setdefault(server.name, []).append(figures_of(report["steps"][0]))

    def summary(self):
        """By server: medians and spread; the share of the floor, fastest against fastest."""
        out = {"servers": {}, "disturbed": self.disturbed}
        for name, rounds in self.figures.items():
            out["servers"][name] = {key: spread([one[key] for one in rounds])
                                    for key in ("rate", "ns", "user_ns", "p99_us")}
        def fastest(kind):
            return max((name for name in self.figures if name.startswith(kind)),
                       key=lambda name: out["servers"][name]["rate"]["median"])
        floor, node = fastest("floor"), fastest("xord")
        out["floor"], out["node"] = floor, node
        ratios = [b["rate"] / a["rate"]
                  for a, b in zip(self.figures[floor], self.figures[node])]
        out["share"] = {**spread(ratios), "median": out["servers"][node]["rate"]["median"] /
                        out["servers"][floor]["rate"]["median"]}
        # The same ratio by CPU time per request on the server's core, which a slow client does not
        # blur.
        out["cpu_share"] = (out["servers"][floor]["ns"]["median"] /
                            max(out["servers"][node]["ns"]["median"], 1))
        return out


def print_row(name, row, summary):
    share = summary["share"]
    wanted = f"reach {row.reach:.2f}, aim {row.aim:.2f}" if row.reach else ""
    print(f"{name}: share of the floor {share['median']:.3f} ({share['least']:.3f} to "
          f"{share['most']:.3f} by round; by CPU time {summary['cpu_share']:.3f})  {wanted}"
          + (f"  {summary['disturbed']} steps DISTURBED" if summary["disturbed"] else ""))
    print(f"    {summary['reply_bytes']} bytes a reply, {summary['contacts']} contacts")
    for server, figures in summary["servers"].items():
        rate, cost, user = figures["rate"], figures["ns"], figures["user_ns"]
        print(f"    {server:12} {rate['median']:9,.0f}/s ({rate['least']:,.0f} to "
              f"{rate['most']:,.0f})  {cost['median']:5.0f} ns CPU a request, "
              f"{user['median']:4.0f} user, {cost['median'] - user['median']:5.0f} system",
              flush=True)


def fill(machine, server, seed, unfriendly):
    """Stores the keys that hits ask for."""
    flags = UNFRIENDLY if unfriendly else FRIENDLY
    words = ["--seed", seed, "--mix", "find_value_hit=1", "--duration", "100ms", "--timeout", "5s"]
    report = machine.load(server, *flags, *words)
    if report is None or report["exit_code"] != 0:
        raise SystemExit(f"{server.name} could not be filled: {report}")


def run_rows(machine, names, options):
    """The rows of one table and one key space share their servers."""
    results = {}
    for unfriendly in (False, True):
        chosen = [name for name in names if ROWS[name].unfriendly == unfriendly]
        if not chosen:
            continue
        limit = ["--contacts-max", CONTACTS] if unfriendly else []
        nodes = [machine.xord(io, *ROOM, *limit) for io in options.io]
        machine.contacts(nodes, CONTACTS)
        if any(ROWS[name].kind == "find_value_hit" for name in chosen) or options.records:
            for node in nodes:
                fill(machine, node, options.seed, unfriendly)
        floors = {}
        for name in chosen:
            row = ROWS[name]
            measured = Rounds(machine, row, options)
            measured.measure(nodes[0])  # Proves the sources and warms the caches: not counted.
            measured.figures.clear()
            size = {"find_value_hit": HIT_BYTES, "ping": 43}.get(row.kind)
            size = size or servers.reply_bytes(nodes[0].target)
            if size not in floors:
                floors[size] = [machine.floor(io, size) for io in (*options.io, "plain")]
            for _ in range(options.rounds):
                for server in (*floors[size], *nodes):
                    measured.measure(server)
            contacts = [servers.contacts_of(machine, node) for node in nodes]
            results[name] = {**measured.summary(), "reply_bytes": size, "contacts": contacts}
            print_row(name, row, results[name])
        for node in nodes:
            node.stop()
    return results


def instructions(build, kind, shape):
    """Instructions that a whole node spends on one request, by valgrind: the difference between two
    lengths of run, so that nothing else counts, less those that make the request."""
    def collected(mode, count):
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
             str(build / "instructions"), mode, shape, kind, str(count)],
            capture_output=True, text=True)
        for line in done.stderr.splitlines():
            if "Collected" in line:
                return int(line.split()[-1])
        raise SystemExit(f"callgrind: {done.stderr[-1000:]}")
    few, many = 20_000, 60_000
    each = {mode: (collected(mode, many) - collected(mode, few)) / (many - few)
            for mode in ("answer", "ask")}
    return round(each["answer"] - each["ask"])


def run_instructions(options):
    if shutil.which("valgrind") is None:
        raise SystemExit("valgrind counts the instructions and is not installed: run "
                         "`tools/setup --with-extras`")
    counts = {}
    for shape in ("friendly", "unfriendly"):
        for kind in ("find_node", "find_value_hit", "find_value_miss", "store", "ping"):
            counts[f"{kind} {shape}"] = instructions(options.build, kind, shape)
            print(f"instructions for one {kind}, {shape}: {counts[f'{kind} {shape}']}")
    return counts


def run_overload(machine, options):
    """What a node still answers during a flood, relative to its peak, and how soon it recovers."""
    results = {}
    for io in options.io:
        node = machine.xord(io)
        for _ in range(options.rounds):
            report = machine.load(node, "--contacts", 1000, "--duration", f"{options.seconds}s",
                                  "--overload")
            if report is None:
                raise SystemExit(f"{node.name} answered nothing")
            found = report["overload"]
            flood = next(step for step in report["steps"] if step.get("flood"))
            found["p99_us"] = flood["latency_us"]["p99"]
            results.setdefault(node.name, []).append(found)
            recovered = found["recovered_after_s"]
            print(f"{node.name}: goodput {found['goodput_share']:.2f} of its peak at "
                  f"{found['multiple']:.1f} times of it, p99 {found['p99_us'] / 1000:.1f} ms; back "
                  f"{'never' if recovered is None else f'after {recovered:.2f} s'}; memory "
                  f"{found['memory_before'] >> 20} to {found['memory_after'] >> 20} MiB",
                  flush=True)
        node.stop()
    return results


PEER_KINDS = ("find_node", "find_value_hit", "find_value_miss", "store", "ping")


def find_max(machine, server, kind, sources, options):
    """The highest rate of one kind of request, with the table filled by 2,000 contacts."""
    servers.wait_until_idle(options.patience)
    report = machine.load(server, "--mix", f"{kind}=1", "--sources", sources, "--contacts", 2000,
                          "--keys", 1000, "--find-max", "--slo", options.slo, "--duration",
                          f"{options.seconds}s", "--warm-up", "200ms", "--timeout", "2s", most=120)
    if report is None:
        return None
    step = next((step for step in report["steps"]
                 if step.get("rate_planned") == report["rate_max"]), None)
    wrong = sum(step["wrong"] for step in report["steps"])
    return {"rate": report["rate_max"], "closed_loop": report["steps"][0]["rate"],
            "ns": figures_of(step or report["steps"][0])["ns"], "wrong": wrong}


def text_of(found):
    """The highest rate within the limits; otherwise the rate of a closed loop, however late."""
    if not found:
        return "no answers in time"
    if not found["rate"]:
        return f"nothing within the limits; closed loop {found['closed_loop']:,.0f}/s"
    return f"{found['rate']:9,.0f}/s  {found['ns']:7,.0f} ns CPU each"


def run_peers(machine, options):
    """Each kind of request gets fresh servers: earlier requests slow some of them down."""
    results = {}
    for protection, sources, kind in itertools.product(options.protection, options.sources,
                                                       options.kinds):
        trust = ["--trusted-net", "127.0.0.0/8"] if protection == "trusted" else []
        nodes = [machine.xord(io, *trust) for io in options.io]
        if "python" in options.peers and protection == options.protection[0]:
            nodes.append(machine.python_node())
        for node in nodes:
            label = node.name if node.name == "python" else f"{node.name} {protection}"
            found = find_max(machine, node, kind, sources, options)
            results[f"{kind}, {sources} sources, {label}"] = found
            print(f"{kind:16} {sources:>6} sources  {label:22} {text_of(found)}", flush=True)
            node.stop()
    return results


def words(text):
    return text.split(",")


def read_options():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="print the rows and end")
    parser.add_argument("--rows", type=words, default=list(ROWS), help="those to run, by comma")
    parser.add_argument("--peers", type=words, default=[], metavar="python",
                        help="instead of the rows: highest rates, beside these other nodes")
    parser.add_argument("--kinds", type=words, default=list(PEER_KINDS), help="with --peers")
    parser.add_argument("--sources", type=words, default=["1", "16", "10k"], help="with --peers")
    parser.add_argument("--protection", type=words, default=["protected", "trusted"],
                        help="with --peers: default flags, and --trusted-net")
    parser.add_argument("--slo", default="10ms", help="with --peers: p99 at most")
    parser.add_argument("--overload", action="store_true",
                        help="instead of the rows: floods of find_node")
    parser.add_argument("--instructions", action="store_true",
                        help="instead of the rows: instructions a request, by callgrind")
    parser.add_argument("--records", action="store_true",
                        help="store a million records even when no row asks for hits")
    parser.add_argument("--io", type=words, default=["uring", "epoll"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measured step")
    parser.add_argument("--patience", type=float, default=30,
                        help="seconds to wait before each step for an idle machine")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--build", type=pathlib.Path, default=servers.ROOT / "build" / "release")
    parser.add_argument("--commit", default=servers.commit_of(),
                        help="what --build was built of, for the history")
    parser.add_argument("--server-core", default="0")
    parser.add_argument("--client-core", default="1")
    parser.add_argument("--scratch", help="where data goes meanwhile, on a real disk")
    parser.add_argument("--history", type=pathlib.Path,
                        default=servers.ROOT / "bench" / "history.ndjson")
    return parser.parse_args()


def main():
    options = read_options()
    if options.list:
        print("\n".join(ROWS))
        return
    line = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "commit": options.commit, "machine": servers.machine_facts(),
            "rounds": options.rounds, "seconds": options.seconds}
    with tempfile.TemporaryDirectory(prefix="xord-bench-", dir=options.scratch) as scratch:
        with servers.Machine(options.build, options.server_core, options.client_core,
                             scratch) as machine:
            if options.instructions:
                line["instructions"] = run_instructions(options)
            elif options.overload:
                line["overload"] = run_overload(machine, options)
            elif options.peers:
                line["peers"] = run_peers(machine, options)
            else:
                line["rows"] = run_rows(machine, options.rows, options)
    with open(options.history, "a", encoding="utf-8") as history:
        history.write(json.dumps(line, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
