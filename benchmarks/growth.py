"""How a step's time grows: with the parameters, with the number of tensors, with the number of groups.

The figure is what one unit costs at the largest size over what it costs one size before, both beyond the caches
and beyond what is constant: 1 is linear. Sizes go as far as the memory allows.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

from calando.torch import AdamW

from .timing import Row, Wish, interleaved, quartiles, say

GOAL = 1.25
BYTES = 20  # per parameter: p, g and two slots, and a quarter of it again for the size before
ELEMENTS = (1_000_000, 4_000_000, 16_000_000, 64_000_000, 256_000_000, 1_000_000_000)
TENSORS = (1, 10, 100, 1000, 10_000, 100_000)
GROUPS = (1, 10, 100, 1000)
LARGEST = 1 << 26  # elements of one tensor


def growth(wish: Wish) -> Iterator[Row]:
    """All three."""
    fitting = [n for n in ELEMENTS if BYTES * n <= wish.memory]
    yield from grown("parameters", "ns", 1e9, fitting, large, wish)
    yield from grown("tensors of 16", "µs", 1e6, TENSORS, lambda n: stepping([[16] * n]), wish)
    yield from grown("groups of one tensor", "µs", 1e6, GROUPS, lambda n: stepping([[16]] * n), wish)


def large(count: int) -> Callable[[], Any]:
    """A step over so many parameters, in tensors of ordinary size."""
    whole, rest = divmod(count, LARGEST)
    return stepping([[LARGEST] * whole + [rest] * bool(rest)])


def stepping(groups: list[list[int]]) -> Callable[[], Any]:
    """A step over groups of tensors of these sizes."""
    made = []
    for sizes in groups:
        params = [torch.nn.Parameter(torch.ones(size)) for size in sizes]
        for p in params:
            p.grad = torch.full_like(p, 0.01)
        made.append({"params": params})
    return AdamW(made).step


def grown(
    what: str, unit: str, factor: float, sizes: Sequence[int], make: Callable[[int], Any], wish: Wish
) -> Iterator[Row]:
    """The row for one kind of growth; two sizes take turns, and the larger one stays for the next pair."""
    say(f"growth: {what}")
    costs: dict[int, float] = {}
    ratios = np.ones(1)
    for small, big in itertools.pairwise(sizes):
        calls = max(1, 1000 // big)
        times = interleaved({"big": make(big), "small": make(small)}, max(5, wish.rounds // 2), calls, warmup=2)
        ratios = times["big"] / big / (times["small"] / small)
        costs.setdefault(small, float(np.median(times["small"])) / small * factor)
        costs[big] = float(np.median(times["big"])) / big * factor
    told = ", ".join(f"{n:,}: {cost:.3g} {unit}" for n, cost in costs.items())
    work = f"AdamW, {sizes[0]:,} to {sizes[-1]:,} {what}"
    yield Row(work, f"each costs {told}", "", "", float(np.median(ratios)), GOAL, "×", quartiles(ratios))
