"""Run the benchmarks and write the table.

python -m benchmarks.run                all rows; writes benchmarks/results/ and the table in the README
python -m benchmarks.run adamw tiny     some rows, printed only
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

from . import against_mindspore, against_torch, first_step, hyperparameters, memory
from .shapes import MODELS
from .timing import BUILDS, QUIET, Differ, Row, say

ROWS: dict[str, Callable[[list[str], int], Iterator[Row]]] = {
    "adamw": against_torch.adamw,
    "sgd": against_torch.sgd,
    "max_norm": against_torch.max_norm,
    "tiny": against_torch.tiny,
    "schedules": hyperparameters.schedules,
    "first_step": first_step.first_step,
    "memory": memory.extra,
    "mindspore": against_mindspore.adam,
}
ROUNDS = 31
HERE = Path(__file__).parent
README = HERE.parent / "README.md"
BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"
PACKAGES = ("calando", "torch", "mindspore", "numba", "numpy")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description="Measure steps, write the table.")
    parser.add_argument("rows", nargs="*", metavar="row", help=f"which rows: {', '.join(ROWS)}; all when none is named")
    parser.add_argument("--quick", action="store_true", help="fewer rounds and only ResNet-50")
    parser.add_argument("--rounds", type=int, help=f"rounds of each comparison ({ROUNDS})")
    told = parser.parse_args()
    unknown = [row for row in told.rows if row not in ROWS]
    if unknown:
        parser.error(f"no row {unknown[0]!r}; there are {', '.join(ROWS)}")
    models = list(MODELS)[: 1 if told.quick else None]
    rounds = told.rounds or (7 if told.quick else ROUNDS)
    if threads() != torch.get_num_threads():
        sys.exit(f"unfair: our steps use {threads()} threads and torch's {torch.get_num_threads()}")
    start = perf_counter()
    rows: list[Row] = []
    refused = []
    for name in told.rows or ROWS:
        try:
            rows.extend(ROWS[name](models, rounds))
        except Differ as problem:
            refused.append(f"{name}: {problem}")
    text = report(rows, rounds, perf_counter() - start)
    print(text)
    if refused:
        sys.exit("\n".join(refused))
    disturbed = sum(row.disturbed for row in rows)
    if disturbed:
        sys.exit(f"nothing written: other processes disturbed {disturbed} rows; run again when it is quiet")
    if not told.rows and not told.quick:
        write(text, rows)


def report(rows: Iterable[Row], rounds: int, seconds: float) -> str:
    """What is written: the machine, and every row."""
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} –")
    return f"""\
# Benchmarks on {platform.system()} {platform.machine()}, {os.cpu_count()} cores

Written by `make bench` on {date.today()} in {seconds / 60:.1f} minutes; {processor()};
{threads()} threads on all sides; Python {platform.python_version()}, {", ".join(found)}.

The sides take turns; a figure is the median of the ratios within one turn, of about {rounds} turns, and the
spread is where their middle half lies. Large work is laid into memory anew {BUILDS} times on the way.
*Others* is the share of the machine that other processes had meanwhile: above {QUIET:.0%} a row has no
verdict, as the sides do not bear company equally well.

{table(rows)}
"""


def table(rows: Iterable[Row]) -> str:
    """Every row as Markdown."""
    lines = [
        "| work | against | ours | theirs | figure | middle half | goal | | others |",
        "|---|---|--:|--:|--:|--:|--:|---|--:|",
    ]
    for r in rows:
        others = "" if isnan(r.others) else f"{r.others:.0%}"
        cells = (r.work, r.against, r.ours, r.peer, figure(r), r.spread, goal(r), r.verdict, others)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def short(rows: Iterable[Row]) -> str:
    """The table for the README."""
    lines = ["| work | against | figure | goal | |", "|---|---|--:|--:|---|"]
    for r in rows:
        against = r.against.partition(";")[0].partition(":")[0].partition(" (after")[0]
        lines.append(f"| {r.work} | {against} | {figure(r)} | {goal(r)} | {r.verdict} |")
    return "\n".join(lines)


def figure(row: Row) -> str:
    """The number that is held to the goal."""
    return f"{row.figure:.2f} {row.unit}" if row.unit != "µs" else f"{row.figure:.0f} µs"


def goal(row: Row) -> str:
    """The bound."""
    return f"≤ {row.goal:g} {row.unit}"


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
    path.write_text(text, encoding="utf-8")
    say(f"wrote {path.relative_to(HERE.parent)}")
    readme = README.read_text(encoding="utf-8")
    if BEGIN in readme and END in readme:
        before, rest = readme.split(BEGIN, 1)
        after = rest.split(END, 1)[1]
        source = path.relative_to(HERE.parent).as_posix()
        middle = f"\n{short(rows)}\n\nWritten by `make bench`; how, and on what machine: [{source}]({source}).\n"
        README.write_text(f"{before}{BEGIN}{middle}{END}{after}", encoding="utf-8")
        say("wrote the table in README.md")


if __name__ == "__main__":
    main()
