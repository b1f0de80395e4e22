"""Run the benchmarks and write the table.

python -m benchmarks.run                all rows; writes benchmarks/results/ and the table in the README
python -m benchmarks.run adamw tiny     some rows, printed only
python -m benchmarks.run --without peers  all rows but some; writes
python -m benchmarks.run --quick        fewer rounds and only ResNet-50, printed only
"""

import argparse
import os
import platform
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from math import isnan
from pathlib import Path
from time import perf_counter

import torch

from calando.kernels.pool import threads

from . import (
    against_compiled,
    against_mindspore,
    against_torch,
    chart,
    compiling,
    every_rule,
    first_step,
    growth,
    hyperparameters,
    low_precision,
    memory,
    one_step,
    peers,
    scaling,
)
from .shapes import MODELS
from .timing import BUILDS, QUIET, Differ, Row, Wish, patience, say

ROWS: dict[str, Callable[[Wish], Iterator[Row]]] = {
    "adamw": against_torch.adamw,
    "sgd": against_torch.sgd,
    "max_norm": against_torch.max_norm,
    "one_step": one_step.one_step,
    "low_precision": low_precision.low_precision,
    "rules": every_rule.rules,
    "torch": against_torch.family,
    "whole": against_torch.whole,
    "bfloat16": against_compiled.bfloat16,
    "compiled": against_compiled.compiled,
    "mindspore": against_mindspore.family,
    "peers": peers.peers,
    "tiny": against_torch.tiny,
    "schedules": hyperparameters.schedules,
    "threads": scaling.threads,
    "growth": growth.growth,
    "compiling": compiling.compiling,
    "first_step": first_step.first_step,
    "memory": memory.extra,
}
LONG = ("compiled",)  # minutes of compiling: only when they are named
ROUNDS = 31
GIB = 1 << 30
HERE = Path(__file__).parent
README = HERE.parent / "README.md"
BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"
PACKAGES = ("calando", "torch", "mindspore", "numba", "numpy")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description="Measure steps, write the table.")
    parser.add_argument("rows", nargs="*", metavar="row", help=f"which rows: {', '.join(ROWS)}; all when none is named")
    parser.add_argument("--without", nargs="+", metavar="row", default=[], help="all rows but these")
    parser.add_argument("--quick", action="store_true", help="fewer rounds and only ResNet-50")
    parser.add_argument("--rounds", type=int, help=f"rounds of each comparison, at least ({ROUNDS})")
    parser.add_argument("--patience", type=float, help=f"seconds for each comparison ({patience[0]:g})")
    parser.add_argument("--memory", type=float, metavar="GIB", help="what growth may take (half of what is free)")
    told = parser.parse_args()
    unknown = [row for row in [*told.rows, *told.without] if row not in ROWS]
    if unknown:
        parser.error(f"no row {unknown[0]!r}; there are {', '.join(ROWS)}")
    if threads() != torch.get_num_threads():
        sys.exit(f"unfair: our steps use {threads()} threads and torch's {torch.get_num_threads()}")
    patience[0] = told.patience or (5.0 if told.quick else patience[0])
    models = tuple(MODELS)[: 1 if told.quick else None]
    rounds = told.rounds or (7 if told.quick else ROUNDS)
    wish = Wish(models, rounds, told.memory * GIB if told.memory else free() / 2)
    start = perf_counter()
    left = [row for row in ROWS if row in LONG or row in told.without]
    rows, refused = measured(told.rows or [row for row in ROWS if row not in left], wish)
    text = report(rows, rounds, perf_counter() - start, [] if told.rows else left)
    print(text)
    if refused:
        sys.exit("\n".join(refused))
    disturbed = sum(row.disturbed for row in rows)
    if disturbed:
        say(f"other processes disturbed {disturbed} of {len(rows)} rows, which have no verdict")
    if disturbed * 10 > len(rows):
        sys.exit("nothing written: run again when it is quiet")
    if not told.rows and not told.quick:
        write(text, rows)


def measured(names: Iterable[str], wish: Wish) -> tuple[list[Row], list[str]]:
    """All rows, and why some were refused."""
    rows: list[Row] = []
    refused = []
    for name in names:
        try:
            for row in ROWS[name](wish):
                rows.append(row)
                say(f"    {figure(row) or row.refused} {goal(row)} {row.verdict}")
        except Differ as problem:
            refused.append(f"{name}: {problem}")
    return rows, refused


def free() -> float:
    """Bytes of memory that may be taken without swapping; 4 GiB where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return 4.0 * GIB
    return next(1024.0 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))


def report(rows: Iterable[Row], rounds: int, seconds: float, left: list[str]) -> str:
    """What is written: the machine, every row, and what was left out."""
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} –")
    rows = list(rows)
    beside = peers.versions() if any(row.section in chart.PEERS for row in rows) else ""
    return f"""\
# Benchmarks on {platform.system()} {platform.machine()}, {os.cpu_count()} cores

Written by `{command()}` on {date.today()} in {seconds / 60:.1f} minutes; {processor()};
{threads()} threads on all sides; Python {platform.python_version()}, {", ".join(found)}.
{f"Peers, in an environment of their own: {beside}." if beside else ""}
{f"Not measured in this run: {', '.join(left)}." if left else ""}

The sides take turns; a figure is the median of the ratios within one turn, of {rounds} turns or more, until it is
known to a fiftieth; ± is half the width in which the median lies with 95 %, the middle half is where half of the
ratios lie. Large work is laid into memory anew up to {BUILDS} times on the way.
*Others* is the share of the machine that other processes had meanwhile: above {QUIET:.0%} a row has no
verdict, as the sides do not bear company equally well. Sides that differ are not compared.

{table(rows)}
"""


def table(rows: Iterable[Row]) -> str:
    """Every row as Markdown."""
    lines = [
        "| work | against | ours | theirs | figure | ± | middle half | goal | | others |",
        "|---|---|--:|--:|--:|--:|--:|--:|---|--:|",
    ]
    for r in rows:
        others = "" if isnan(r.others) else f"{r.others:.0%}"
        doubt = f"{r.doubt:.0%}" if r.doubt else ""
        against = f"{r.against}; {r.refused}" if r.refused else r.against
        cells = (r.work, against, r.ours, r.peer, figure(r), doubt, r.spread, goal(r), r.verdict, others)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def short(rows: Iterable[Row]) -> str:
    """The table for the README: where there are many rows alike, one line for them all."""
    lines = ["| work | against | figure | goal | |", "|---|---|--:|--:|---|"]
    sections: dict[str, list[Row]] = {}
    for r in rows:
        if r.section:
            sections.setdefault(r.section, []).append(r)
            continue
        against = r.against.partition(";")[0].partition(":")[0].partition(" (after")[0]
        lines.append(f"| {r.work} | {against} | {figure(r)} | {goal(r)} | {r.verdict} |")
    for name, alike in sections.items():
        sound = [r for r in alike if not r.refused and not r.disturbed]
        lines += [many(name, sound)] if sound else []
    return "\n".join(lines)


def many(section: str, rows: list[Row]) -> str:
    """One line for the rows of a section: their median and the worst of them."""
    worst = max(rows, key=lambda r: r.figure)
    middle = sorted(r.figure for r in rows)[len(rows) // 2]
    missed = [r for r in rows if r.figure > r.goal]
    low = sum(r.least > r.goal for r in missed)
    below = f", {low} of them with a goal below the memory floor" if low else ""
    verdict = "reached" if not missed else f"**{len(missed)} missed**{below}"
    told = f"median {middle:.2f} ×, worst {worst.figure:.2f} × ({worst.name})"
    return f"| {len(rows)} rules, ResNet-50 | {section} | {told} | {goal(worst)} | {verdict} |"


def figure(row: Row) -> str:
    """The number that is held to the goal."""
    if row.refused:
        return ""
    return f"{row.figure:.2f} {row.unit}" if row.unit != "µs" else f"{row.figure:.0f} µs"


def goal(row: Row) -> str:
    """The bound."""
    return "" if isnan(row.goal) else f"≤ {row.goal:.3g} {row.unit}"


def command() -> str:
    """What was typed."""
    return f"python -m benchmarks.run {' '.join(sys.argv[1:])}" if sys.argv[1:] else "make bench"


def processor() -> str:
    """What the processor calls itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.machine(),
    )


def write(text: str, rows: list[Row]) -> None:
    """Write the results, and the short table into the README where its markers stand."""
    path = HERE / "results" / f"{platform.system().lower()}-{platform.machine()}-{os.cpu_count()}cores.md"
    path.parent.mkdir(exist_ok=True)
    picture = path.with_suffix(".png")
    chart.draw(picture, rows)
    path.write_text(f"{text}\n![every rule against the memory floor and its peers]({picture.name})\n", encoding="utf-8")
    say(f"wrote {path.relative_to(HERE.parent)}")
    readme = README.read_text(encoding="utf-8")
    if BEGIN in readme and END in readme:
        before, rest = readme.split(BEGIN, 1)
        after = rest.split(END, 1)[1]
        source = path.relative_to(HERE.parent).as_posix()
        told = "`make bench` writes this; by which command it was written, how, and on what machine:"
        middle = f"\n{short(rows)}\n\n{told} [{source}]({source}).\n"
        README.write_text(f"{before}{BEGIN}{middle}{END}{after}", encoding="utf-8")
        say("wrote the table in README.md")


if __name__ == "__main__":
    main()
