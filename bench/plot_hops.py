#!/usr/bin/python3
"""Draws docs/hops.svg: hops of a lookup against the number of nodes, from the JSON reports of
`xord sim --scenario join --nodes N --json`."""

import argparse
import json
import math
import pathlib

from plot import BLUE, ORANGE, ROOT, Figure, write_svg


def points(reports):
    """(nodes, mean hops) of each report, by nodes; finds of random ids, never the asker's own."""
    found = {report["nodes"]: report["find"]["hops_mean"] for report in reports}
    return sorted(found.items())


def draw(measured):
    """Nodes on a logarithmic axis, so that what the paper promises is a straight line."""
    figure = Figure(figsize=(5.4, 3.3), layout="constrained")
    axes = figure.subplots()
    nodes, hops = zip(*measured)
    axes.plot(nodes, hops, "o-", color=BLUE, markersize=5, linewidth=1, clip_on=False)
    for at in measured:
        axes.annotate(f"{at[1]:.2f}", at, (5, -11), textcoords="offset points", color=ORANGE)
    axes.set_xscale("log")
    axes.set_xticks(nodes, [f"{count:,}" for count in nodes])
    axes.minorticks_off()
    axes.set_yticks(range(math.ceil(max(hops) + 0.5) + 1))
    axes.set(title="Hops of a lookup (mean) against the number of nodes", xlabel="nodes",
             ylabel="hops")
    axes.grid(axis="y")
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reports", type=pathlib.Path, help="a JSON document a line")
    parser.add_argument("--to", type=pathlib.Path, default=ROOT / "docs" / "hops.svg")
    options = parser.parse_args()
    reports = [json.loads(line) for line in options.reports.read_text().splitlines()]
    write_svg(draw(points(reports)), options.to)


if __name__ == "__main__":
    main()
