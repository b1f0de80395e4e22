"""Fair times on a noisy machine: take turns, compare within a turn, and say the median.

Other work on the machine slows all sides of a turn alike, so the ratio of two times of one turn is
steadier than either time. The *memory floor* is how long the bytes that a step must move would take at
the speed of an in-place add, ``x.add_(y)``, over as much memory and in the same turn.
"""

import gc
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import Any

import numpy as np
import torch

QUIET = 0.1  # the share of the machine that others may have in a round that counts
PATIENCE = 4  # how many times the rounds asked for may be made
noise: list[tuple[int, float, int]] = []  # rounds made, mean share of others, quiet rounds, of every comparison


class Differ(AssertionError):
    """The two sides do not compute the same, so their times mean nothing."""


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Args:
        work: what is done.
        against: whom it is compared with, or how it was measured.
        ours, peer: what was measured, with units; peer may be empty.
        figure: the number that the goal bounds from above.
        goal: that bound.
        unit: of figure and goal.
        spread: the middle half of the figures, where there are many.
    """

    work: str
    against: str
    ours: str
    peer: str
    figure: float
    goal: float
    unit: str = "×"
    spread: str = ""

    @property
    def reached(self) -> bool:
        """Whether the goal is reached."""
        return self.figure <= self.goal


def interleaved(
    sides: Mapping[str, Callable[[], Any]], rounds: int, calls: int = 1, warmup: int = 3
) -> dict[str, np.ndarray]:
    """Call every side once per round, another one first each time; seconds per call, (rounds,) for each side.

    A round in which other processes had over a tenth of the machine is made again, up to PATIENCE times
    as many in all; if too few are quiet even so, all count.
    """
    names = list(sides)
    for _ in range(warmup):
        for work in sides.values():
            work()
    table: list[list[float]] = []
    taken: list[float] = []
    gc.collect()
    gc.disable()
    try:
        while len(table) < PATIENCE * rounds and sum(share <= QUIET for share in taken) < rounds:
            first = len(table) % len(names)
            before = machine()
            found = {name: timed(sides[name], calls) for name in names[first:] + names[:first]}
            taken.append(others(before, machine()))
            table.append([found[name] for name in names])
    finally:
        gc.enable()
    quiet = np.array(taken) <= QUIET
    noise.append((len(taken), float(np.mean(taken)), int(quiet.sum())))
    chosen = np.array(table)[quiet if quiet.sum() * 2 >= rounds else slice(None)]
    return dict(zip(names, chosen.T, strict=True))


def timed(work: Callable[[], Any], calls: int) -> float:
    """Seconds per call."""
    start = perf_counter()
    for _ in range(calls):
        work()
    return (perf_counter() - start) / calls


def machine() -> tuple[float, float, float]:
    """Seconds that all cores were busy (taken by the hypervisor included), that this process was, and the time."""
    busy = 0.0
    try:
        with open("/proc/stat") as file:
            user, nice, system, _, _, irq, softirq, steal, *_ = map(int, file.readline().split()[1:])
        busy = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        pass  # no Linux: others are not seen
    return busy, process_time(), perf_counter()


def others(before: tuple[float, float, float], after: tuple[float, float, float]) -> float:
    """The share of the machine that other processes had between two looks."""
    busy, own, time = (b - a for a, b in zip(before, after, strict=True))
    return max(0.0, busy - own) / (time * (os.cpu_count() or 1))


def compared(work: str, against: str, ours: np.ndarray, peer: np.ndarray, goal: float) -> Row:
    """The row for two sides that took turns."""
    ratios = ours / peer
    return Row(work, against, duration(ours), duration(peer), float(np.median(ratios)), goal, "×", quartiles(ratios))


def duration(seconds: Any) -> str:
    """A time, or the median of several, as one reads it."""
    value = float(np.median(seconds))
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= size:
            break
    return f"{value / size:.3g} {unit}"


def quartiles(values: np.ndarray) -> str:
    """Where the middle half of the values lies."""
    low, high = np.percentile(values, (25, 75))
    return f"{low:.2f}–{high:.2f}"


class Floor:
    """The in-place add over as many bytes as the work holds, and the time that moving bytes would take."""

    def __init__(self, arrays: int, elements: int):
        half = arrays * elements // 2
        self.x, self.y = torch.zeros(half), torch.ones(half)
        self.moved = 3 * self.x.nbytes  # read x, read y, write x

    def add(self) -> None:
        """Move ``moved`` bytes."""
        self.x.add_(self.y)

    def seconds(self, times: np.ndarray, bytes_to_move: int) -> np.ndarray:
        """What moving that many bytes would have taken in each round."""
        return times * (bytes_to_move / self.moved)


def agree(work: str, start: list[np.ndarray], ours: list[np.ndarray], peer: list[np.ndarray]) -> None:
    """Raise Differ if two sides that started together have moved apart by over a thousandth of their way."""
    for s, a, b in zip(start, ours, peer, strict=True):
        way, apart = np.abs(b - s).max(), np.abs(a - b).max()
        if not apart <= 1e-3 * way:
            raise Differ(f"{work}: after a way of {way:.3g} the two sides are {apart:.3g} apart; nothing was compared")


def say(line: str) -> None:
    """Tell the one who waits."""
    print(line, file=sys.stderr, flush=True)
