"""The chart: every rule against its memory floor, and against the others who have it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .timing import Row

FLOORS = ("floor, one pass", "floor, two passes")
PEERS = ("optax", "heavyball", "optimi", "pytorch_optimizer", "timm")
OTHERS = ("torch fused", "torch default", "torch.compile", "mindspore.nn", *PEERS)
COLORS = ("#1f5fa8", "#6aa7e0", "#c43d3d", "#e08a1e", "#6b4fa0", "#2f8f5b", "#8a6d3b", "#c75d9c", "#444444")
MARKS = ("o", "o", "s", "D", "^", "v", "P", "X", "*")


def draw(path: Path, rows: Sequence[Row]) -> None:
    """Write the picture; rows without a section, and those that were not compared, are not in it."""
    from matplotlib.figure import Figure

    rows = [row for row in rows if row.section and not row.refused]
    floors = [row for row in rows if row.section in FLOORS]
    others = [row for row in rows if row.section in OTHERS]
    count = max(len(floors), len({row.name for row in others}), 4)
    figure = Figure(figsize=(15, 1.8 + 0.27 * count), layout="constrained")
    left, right = figure.subplots(1, 2)
    floor_chart(left, floors)
    other_chart(right, others)
    figure.savefig(path, dpi=110)


def floor_chart(axes: Any, rows: list[Row]) -> None:
    """One line for each rule: how many times its floor a step takes."""
    rows = sorted(rows, key=lambda row: (FLOORS[::-1].index(row.section), -row.figure))
    for place, row in enumerate(rows):
        low, _, high = row.spread.partition("–")
        color = "#1f5fa8" if row.figure <= row.goal else "#c43d3d"
        axes.plot(
            [float(low), float(high)], [place, place], color=color, alpha=0.35, linewidth=6, solid_capstyle="butt"
        )
        axes.plot(row.figure, place, "o", color=color)
        axes.plot([row.goal] * 2, [place - 0.5, place + 0.5], color="#555555", linewidth=1.2)
    axes.axvline(1.0, color="#999999", linewidth=0.8, linestyle=":")
    named(axes, [row.name for row in rows])
    axes.set_xlabel("time of a step ÷ memory floor (bar: middle half; line: goal)")
    axes.set_title("Every rule with a kernel, 25.6 M parameters, float32")


def other_chart(axes: Any, rows: list[Row]) -> None:
    """One line for each optimizer: our time over that of everyone who has it."""
    fastest = {row.name: min(r.figure for r in rows if r.name == row.name) for row in rows}
    names = sorted(fastest, key=lambda name: -fastest[name])
    for section, color, mark in zip(OTHERS, COLORS, MARKS, strict=True):
        alike = [row for row in rows if row.section == section]
        if alike:
            places = [names.index(row.name) for row in alike]
            label = f"{section} (goal {alike[0].goal:g})"
            axes.plot([row.figure for row in alike], places, mark, color=color, label=label, markersize=6, alpha=0.85)
    axes.axvline(1.0, color="#999999", linewidth=0.8, linestyle=":")
    axes.set_xscale("log")
    ticks = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 1.0, 1.5]
    shown = [t for t in ticks if rows and min(fastest.values()) * 0.7 <= t <= 1.6]
    axes.set_xticks(shown, [f"{t:g}" for t in shown])
    axes.minorticks_off()
    named(axes, names)
    axes.set_xlabel("our time ÷ theirs (log scale; left is faster)")
    axes.set_title("The same step by others")
    if rows:
        axes.legend(loc="upper center", bbox_to_anchor=(0.45, -0.05), ncols=4, fontsize=8, frameon=False)


def named(axes: Any, names: list[str]) -> None:
    """Names down the side, a light grid."""
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_ylim(-0.7, len(names) - 0.3 if names else 1)
    axes.grid(axis="y", color="#eeeeee")
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
