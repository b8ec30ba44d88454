#!/usr/bin/python3
"""Draws docs/performance.svg from bench/history.ndjson: the share of the floor of each row, run by
run, with the figure to reach; and the highest rates beside other nodes. Only runs on the machine of
the last one: figures from two machines do not compare."""

import argparse
import io
import json
import pathlib

from run import ROWS

try:
    import matplotlib
    from matplotlib.figure import Figure
except ModuleNotFoundError:
    raise SystemExit("Charts need matplotlib, which `tools/setup --with-extras` installs for "
                     "/usr/bin/python3.") from None

ROOT = pathlib.Path(__file__).resolve().parent.parent
BLUE, PALE, GREEN, ORANGE = "#2b6cb0", "#eee", "#2f855a", "#c05621"
COLUMNS, WIDTH, PANEL_HEIGHT, BAR_HEIGHT = 3, 10.3, 2.3, 0.2  # In inches.
LOW, HIGH = 0.5, 1.1

# Only the data decide what a file holds: neither the user's settings nor chance.
matplotlib.rcdefaults()
matplotlib.rcParams.update({
    "svg.hashsalt": "xord", "svg.fonttype": "none", "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8, "axes.titlesize": 10, "axes.titlelocation": "left", "axes.axisbelow": True,
    "axes.spines.top": False, "axes.spines.right": False, "grid.color": PALE,
    "figure.constrained_layout.wspace": 0.05, "figure.constrained_layout.hspace": 0.05})


def write_svg(figure, path):
    """tests/tidy.py wants no spaces at the end of a line, which matplotlib leaves in its paths."""
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None})
    lines = [line.rstrip() + "\n" for line in drawn.getvalue().splitlines()]
    path.write_text("".join(lines), encoding="utf-8")


def draw_row(axes, name, runs):
    """One panel: the share of one row, one point per run; its line is the spread by round."""
    for wanted, color in ((ROWS[name].reach, ORANGE), (ROWS[name].aim, GREEN)):
        if wanted:
            axes.axhline(wanted, color=color, linewidth=1, linestyle="--")
    shares = [share for _, share in runs]
    axes.vlines(range(len(runs)), [share["least"] for share in shares],
                [share["most"] for share in shares], color=BLUE, linewidth=1)
    axes.plot([min(max(share["median"], LOW), HIGH) for share in shares], "o", color=BLUE,
              markersize=5, clip_on=False)
    labelled = range(len(runs)) if len(runs) <= 6 else (0, len(runs) - 1)
    axes.set_xticks(labelled, [runs[i][0] for i in labelled])
    axes.set(title=name, xlim=(-0.5, len(runs) - 0.5), ylim=(LOW, HIGH))
    axes.grid(axis="y")


def draw_peers(axes, peers):
    """Bars of the highest rates, on a scale that begins at 0."""
    bars = axes.barh(list(peers), list(peers.values()),
                     color=[ORANGE if "python" in label else BLUE for label in peers])
    axes.bar_label(bars, [f"{rate:,.0f}" for rate in peers.values()], padding=4)
    axes.set(title="Highest rate within the limits, 16 sources", xlabel="replies/s")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.margins(x=0.07, y=0.01)
    axes.invert_yaxis()


def draw(rows, peers, machine):
    shown = sorted((name for name in ROWS if name in rows),
                   key=lambda name: ROWS[name].reach is None)
    lines = -(-len(shown) // COLUMNS) or 1
    heights = [0.5 + lines * PANEL_HEIGHT, 0.7 + len(peers) * BAR_HEIGHT][:2 if peers else 1]
    figure = Figure(figsize=(WIDTH, 0.4 + sum(heights)), layout="constrained")
    figure.suptitle("xord: share of what a server without Kademlia answers", fontsize=12)
    parts = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    parts[0].suptitle("points: medians, lines: spread by round; orange: to be reached, green: "
                      f"aimed at. {machine['cpu']}, {machine['cores']} cores, "
                      f"Linux {machine['kernel']}", fontsize=8)
    parts[0].supxlabel("commit, run by run", fontsize=8)
    parts[0].supylabel("share of the floor", fontsize=8)
    panels = parts[0].subplots(lines, COLUMNS, squeeze=False).flat
    for axes in panels[len(shown):]:
        axes.remove()
    for axes, name in zip(panels, shown):
        draw_row(axes, name, rows[name][-12:])
    if peers:
        draw_peers(parts[1].subplots(), peers)
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--history", type=pathlib.Path, default=ROOT / "bench" / "history.ndjson")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "docs" / "performance.svg")
    options = parser.parse_args()
    lines = [json.loads(line) for line in options.history.read_text().splitlines() if line]
    machine = lines[-1]["machine"]
    lines = [line for line in lines if line["machine"] == machine]
    rows, peers = {}, {}
    for line in lines:
        for name, row in line.get("rows", {}).items():
            rows.setdefault(name, []).append((line["commit"], row["share"]))
        peers = line.get("peers") or peers  # All from one run: its labels belong together.
    rates = {label.replace(", 16 sources", ""): found["rate"] for label, found in peers.items()
             if ", 16 sources, " in label and found and found["rate"]}
    write_svg(draw(rows, rates, machine), options.out)


if __name__ == "__main__":
    main()
