#!/usr/bin/env python3
"""Draws docs/hops.svg: hops of a lookup against the number of nodes, from the JSON reports of
`xord sim --scenario join --nodes N --json`. No library is needed."""

import argparse
import json
import math
import pathlib

from plot import BLUE, GREY, ORANGE, ROOT, Drawing

WIDTH, HEIGHT, LEFT, TOP = 420, 240, 60, 40


def points(reports):
    """(nodes, mean hops) of each report, by nodes; finds of random ids, never the asker's own."""
    found = {report["nodes"]: report["find"]["hops_mean"] for report in reports}
    return sorted(found.items())


def draw(measured):
    """Nodes on a logarithmic axis, so that what the paper promises is a straight line."""
    drawing = Drawing()
    low, high = (math.log10(measured[at][0]) for at in (0, -1))
    most = math.ceil(max(hops for _, hops in measured) + 0.5)

    def place(nodes, hops):
        return (LEFT + WIDTH * (math.log10(nodes) - low) / (high - low),
                TOP + HEIGHT * (1 - hops / most))
    drawing.text(LEFT, TOP - 16, "Hops of a lookup (mean) against the number of nodes", 13)
    for hops in range(most + 1):
        _, y = place(measured[0][0], hops)
        drawing.line(LEFT, y, LEFT + WIDTH, y, "#eee")
        drawing.text(LEFT - 8, y + 4, str(hops), 10, "end", GREY)
    for before, after in zip(measured, measured[1:]):
        drawing.line(*place(*before), *place(*after), BLUE)
    for nodes, hops in measured:
        x, y = place(nodes, hops)
        drawing.dot(x, y, BLUE, f"{nodes} nodes: {hops:.2f} hops")
        drawing.text(x + 6, y + 14, f"{hops:.2f}", 10, "start", ORANGE)
        drawing.text(x, TOP + HEIGHT + 16, f"{nodes:,}", 10, "middle", GREY)
    return drawing.svg(LEFT + WIDTH + 40, TOP + HEIGHT + 30)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reports", type=pathlib.Path, help="a JSON document a line")
    parser.add_argument("--to", type=pathlib.Path, default=ROOT / "docs" / "hops.svg")
    options = parser.parse_args()
    reports = [json.loads(line) for line in options.reports.read_text().splitlines()]
    options.to.write_text(draw(points(reports)))


if __name__ == "__main__":
    main()
