"""Fair times on a noisy machine: take turns, compare within a turn, and say the median.

Other work on the machine slows all sides of a turn alike, so the ratio of two times of one turn is
steadier than either time. The *memory floor* is how long the bytes that a step must move would take at
the speed of an in-place add, ``x += y``, over as much memory and in the same turn.
"""

import gc
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isnan, sqrt
from time import perf_counter, process_time
from typing import Any

import numpy as np

from calando.show.floor import adding

QUIET = 0.1  # the share of the machine that others may have in a round that counts
patience = [20.0]  # seconds for one comparison; at least LEAST rounds are made
LEAST = 5
STEADY = 0.02  # rounds go on until the median ratio is known to this share of itself, or patience ends
BUILDS = 4  # how often large work is laid into memory anew: where it lies makes a tenth of its time
noise: list[float] = [0.0]  # the mean share of others in the rounds that counted, for every comparison


class Differ(AssertionError):
    """The two sides do not compute the same, so their times mean nothing."""


@dataclass(frozen=True)
class Wish:
    """What was asked for.

    Args:
        models: names in ``shapes.MODELS``.
        rounds: of each comparison, at least.
        memory: bytes that a measurement may take.
    """

    models: tuple[str, ...]
    rounds: int
    memory: float


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
        others: the share of the machine that other processes had meanwhile.
        doubt: half of the width in which the median lies with 95 %, as a share of it; 0 where it is one number.
        section: which rows it belongs to where there are many alike: the README gets one line for all of them.
        name: what it is called within the section.
        refused: why nothing was compared.
        least: what the memory floor alone is of the peer's time: no step can come below it.
    """

    work: str
    against: str
    ours: str
    peer: str
    figure: float
    goal: float
    unit: str = "×"
    spread: str = ""
    others: float = field(default_factory=lambda: noise[-1])
    doubt: float = 0.0
    section: str = ""
    name: str = ""
    refused: str = ""
    least: float = 0.0

    @property
    def disturbed(self) -> bool:
        """Whether others had so much of the machine that the figure says nothing."""
        return self.others > QUIET

    @property
    def verdict(self) -> str:
        """Whether the goal is reached; no verdict where others disturbed or the two sides differ."""
        if self.refused:
            return "not compared"
        if isnan(self.goal):
            return ""
        if self.disturbed:
            return "disturbed"
        if self.figure <= self.goal:
            return "reached"
        return "**missed**" if self.least <= self.goal else f"**missed**: the memory floor alone is {self.least:.2f}"


def interleaved(
    sides: Mapping[str, Callable[[], Any]],
    rounds: int,
    calls: int = 1,
    warmup: int = 3,
    share: float = 1.0,
) -> dict[str, np.ndarray]:
    """Call every side once per round, another one first each time; seconds per call, (rounds,) for each side.

    A round in which other processes had over a tenth of the machine is made again, for at most this share of
    the patience; if fewer than half are quiet even so, all count, and the table says it. Rounds also go on, up
    to four times as many, until the ratio of the first side to every other is steady.
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
        end = perf_counter() + patience[0] * share
        while len(taken) < LEAST or (perf_counter() < end and not enough(table, taken, rounds)):
            first = len(table) % len(names)
            before = machine()
            found = {name: timed(sides[name], calls) for name in names[first:] + names[:first]}
            taken.append(others(before, machine()))
            table.append([found[name] for name in names])
    finally:
        gc.enable()
    quiet = np.array(taken) <= QUIET
    chosen = quiet if quiet.sum() * 2 >= rounds else np.ones(len(quiet), bool)
    noise.append(float(np.array(taken)[chosen].mean()))
    return dict(zip(names, np.array(table)[chosen].T, strict=True))


def enough(table: list[list[float]], taken: list[float], rounds: int) -> bool:
    """Whether there are as many quiet rounds as asked, and their median ratios stand firm."""
    quiet = np.array([times for times, share in zip(table, taken, strict=True) if share <= QUIET])
    if len(quiet) < rounds:
        return False
    return len(quiet) >= 4 * rounds or all(doubt(quiet[:, 0] / other) <= STEADY for other in quiet.T[1:])


def doubt(values: np.ndarray) -> float:
    """Half the width of the 95 % interval of the median, as a share of it, from the middle half of the values."""
    low, middle, high = np.percentile(values, (25, 50, 75))
    deviation = (high - low) / 1.349  # of a normal distribution with this middle half
    return float(1.96 * 1.2533 * deviation / sqrt(len(values)) / middle)


def rebuilt(
    build: Callable[[bool], Mapping[str, Callable[[], Any]]], rounds: int, builds: int = BUILDS
) -> dict[str, np.ndarray]:
    """As ``interleaved``, with the sides built several times, in turn one or the other first.

    Args:
        build: (peer first) → the sides.
        builds: how often.
    """
    found = []
    shares = []
    for turn in range(builds):
        found.append(interleaved(build(turn % 2 == 1), -(-rounds // builds), share=1 / builds))
        shares.append(noise[-1])
    noise.append(float(np.mean(shares)))
    return {name: np.concatenate([times[name] for times in found]) for name in found[0]}


def timed(work: Callable[[], Any], calls: int) -> float:
    """Seconds per call."""
    start = perf_counter()
    for _ in range(calls):
        work()
    return (perf_counter() - start) / calls


def machine() -> tuple[float, float, float]:
    """Seconds: all cores busy (the hypervisor's share included), this process busy, and the time."""
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


def compared(
    work: str,
    against: str,
    ours: np.ndarray,
    peer: np.ndarray,
    goal: float,
    section: str = "",
    name: str = "",
    floor: np.ndarray | None = None,
) -> Row:
    """The row for two sides that took turns; ``floor``: seconds of the memory floor in each."""
    ratios = ours / peer
    middle = float(np.median(ratios))
    least = 0.0 if floor is None else float(np.median(floor / peer))
    times = duration(ours), duration(peer)
    more = {"doubt": doubt(ratios), "least": least}
    return Row(work, against, *times, middle, goal, "×", quartiles(ratios), section=section, name=name, **more)


def not_compared(work: str, against: str, goal: float, problem: Exception, section: str, name: str) -> Row:
    """The row for two sides that are not compared, and why."""
    nan = float("nan")
    return Row(work, against, "", "", nan, goal, others=nan, section=section, name=name, refused=str(problem))


def duration(seconds: Any) -> str:
    """A time, or the median of several, as one reads it."""
    value = float(np.median(seconds))
    unit, size = next(((u, s) for u, s in (("s", 1.0), ("ms", 1e-3)) if value >= s), ("µs", 1e-6))
    return f"{value / size:.3g} {unit}"


def quartiles(values: np.ndarray) -> str:
    """Where the middle half of the values lies."""
    low, high = np.percentile(values, (25, 75))
    return f"{low:.2f}–{high:.2f}"


class Floor:
    """The in-place add over as many bytes as the work holds, and the time that moving bytes would take.

    NumPy adds, and the threads of a step share the blocks: torch's ``add_`` is as fast on a quiet machine, but beside
    other work its threads wait for each other, and the floor would be no floor.
    """

    def __init__(self, arrays: int, elements: int):
        self.add, self.moved = adding(arrays * elements // 2)

    def seconds(self, times: np.ndarray, bytes_to_move: int) -> np.ndarray:
        """What moving that many bytes would have taken in each round."""
        return times * (bytes_to_move / self.moved)


def agree(
    work: str, start: list[np.ndarray], ours: list[np.ndarray], peer: list[np.ndarray], within: float = 1e-3
) -> None:
    """Raise Differ if two sides that started together have moved apart by over this share of their way.

    That is of the element that is farthest; where more than a thousandth is allowed, of the 2-norm of all.
    """
    order = np.inf if within <= 1e-3 else 2
    for s, a, b in zip(start, ours, peer, strict=True):
        way, apart = (float(np.linalg.norm(x.ravel(), order)) for x in (b - s, a - b))
        if not apart <= within * way:
            raise Differ(f"{work}: after a way of {way:.3g} the two sides are {apart:.3g} apart; nothing was compared")


def say(line: str) -> None:
    """Tell the one who waits."""
    print(line, file=sys.stderr, flush=True)
