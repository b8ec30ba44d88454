#!/usr/bin/env python3
"""Draws docs/performance.svg from bench/history.ndjson: the share of the floor of each row, run by
run, with the figure to reach; and the highest rates beside other nodes. Only runs on the machine of
the last one: figures from two machines do not compare. No library is needed."""

import argparse
import html
import json
import pathlib

from run import ROWS

ROOT = pathlib.Path(__file__).resolve().parent.parent
PANEL_WIDTH, PANEL_HEIGHT, GAP, LEFT, TOP = 250, 150, 40, 60, 60
BLUE, GREY, GREEN, ORANGE = "#2b6cb0", "#999", "#2f855a", "#c05621"


class Drawing:
    def __init__(self):
        self.parts = []

    def text(self, x, y, words, size=12, anchor="start", color="#222"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{color}" '
                          f'text-anchor="{anchor}">{html.escape(words)}</text>')

    def line(self, x1, y1, x2, y2, color=GREY, dashed=False):
        dash = ' stroke-dasharray="4 3"' if dashed else ""
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
                          f'stroke="{color}"{dash}/>')

    def dot(self, x, y, color=BLUE, title=""):
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{color}"><title>'
                          f'{html.escape(title)}</title></circle>')

    def bar(self, x, y, width, height, color, title=""):
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" '
                          f'height="{height:.1f}" fill="{color}"><title>{html.escape(title)}'
                          "</title></rect>")

    def svg(self, width, height):
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
                f'viewBox="0 0 {width} {height}" font-family="sans-serif">\n'
                '<rect width="100%" height="100%" fill="white"/>\n'
                + "\n".join(self.parts) + "\n</svg>\n")


def draw_row(drawing, name, runs, left, top):
    """One panel: the share of one row, one point per run; its line is the spread by round."""
    low, high = 0.5, 1.1

    def y(share):
        return top + PANEL_HEIGHT * (high - min(max(share, low), high)) / (high - low)
    drawing.text(left, top - 8, name, 13)
    for share in (0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
        drawing.line(left, y(share), left + PANEL_WIDTH, y(share), "#eee")
        drawing.text(left - 6, y(share) + 4, f"{share:.1f}", 10, "end", GREY)
    for wanted, color in ((ROWS[name].reach, ORANGE), (ROWS[name].aim, GREEN)):
        if wanted:
            drawing.line(left, y(wanted), left + PANEL_WIDTH, y(wanted), color, dashed=True)
    for i, (commit, share) in enumerate(runs):
        x = left + PANEL_WIDTH * (i + 0.5) / len(runs)
        drawing.line(x, y(share["least"]), x, y(share["most"]), BLUE)
        drawing.dot(x, y(share["median"]), title=f"{commit}: {share['median']:.3f}")
        if len(runs) <= 6 or i in (0, len(runs) - 1):
            drawing.text(x, top + PANEL_HEIGHT + 14, commit, 9, "middle", GREY)


def draw_peers(drawing, peers, left, top):
    """Bars of the highest rates with sixteen sources, on a scale that begins at 0."""
    shown = [(label, found) for label, found in peers.items()
             if ", 16 sources, " in label and found and found["rate"]]
    drawing.text(left, top, "Highest rate within the limits, 16 sources (replies/s)", 13)
    most = max((found["rate"] for _, found in shown), default=1)
    for i, (label, found) in enumerate(shown):
        y = top + 14 + i * 18
        width = found["rate"] / most * 480
        color = ORANGE if "python" in label else BLUE
        drawing.text(left + 230, y + 11, label.replace(", 16 sources", ""), 11, "end")
        drawing.bar(left + 236, y, width, 13, color, label)
        drawing.text(left + 242 + width, y + 11, f"{found['rate']:,.0f}", 11)
    return top + 14 + len(shown) * 18


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
    drawing = Drawing()
    drawing.text(LEFT, 24, "xord: share of what a server without Kademlia answers", 16)
    drawing.text(LEFT, 42, "points: medians, lines: spread by round; orange: to be reached, green: "
                 f"aimed at. {machine['cpu']}, {machine['cores']} cores, Linux {machine['kernel']}",
                 11, color=GREY)
    columns = 3
    shown = sorted((name for name in ROWS if name in rows),
                   key=lambda name: ROWS[name].reach is None)
    for i, name in enumerate(shown):
        left = LEFT + i % columns * (PANEL_WIDTH + GAP + 20)
        top = TOP + 30 + i // columns * (PANEL_HEIGHT + GAP + 20)
        draw_row(drawing, name, rows[name][-12:], left, top)
    bottom = TOP + 30 + -(-len(shown) // columns) * (PANEL_HEIGHT + GAP + 20)
    if peers:
        bottom = draw_peers(drawing, peers, LEFT, bottom)
    width = LEFT + columns * (PANEL_WIDTH + GAP + 20)
    options.out.write_text(drawing.svg(width, int(bottom) + 30), encoding="utf-8")


if __name__ == "__main__":
    main()
