"""One thread against two: on small work in the caches, on large work bound by arithmetic, and by the memory.

Where the memory is the bound, a second thread can bring no more than it brings an in-place add; that share is
told beside.
"""

import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from calando.torch import AdamW

from .shapes import MODELS, Shapes, elements
from .sides import slopes, start
from .timing import Floor, Row, Wish, compared, interleaved, say

GOAL = 1 / 1.7  # of the time with one thread
WORK: dict[str, tuple[Shapes, torch.dtype, dict[str, Any], int]] = {  # name → (shapes, dtype, options, steps in a row)
    "AdamW, 0.2 M parameters, float64, in the caches": ([(200, 1000)], torch.float64, {}, 50),
    "AdamW, 8-bit slots, ResNet-50": (MODELS["ResNet-50"](), torch.float32, {"slot_dtype": "int8"}, 1),
    "AdamW, ResNet-50": (MODELS["ResNet-50"](), torch.float32, {}, 1),
}
BOUND = "AdamW, ResNet-50"  # by the memory


def threads(wish: Wish) -> Iterator[Row]:
    """The time on two threads over the time on one."""
    for work, (shapes, dtype, options, calls) in WORK.items():
        say(work)
        floor = Floor(4, elements(shapes) * dtype.itemsize // 4)
        sides = {name: on(count, stepping(shapes, dtype, options)) for name, count in (("two", 2), ("one", 1))}
        sides |= {"add, two": on(2, floor.add), "add, one": on(1, floor.add)}
        times = interleaved(sides, wish.rounds, calls)
        add = float(np.median(times["add, two"] / times["add, one"]))
        bound = work == BOUND
        told = f"one thread; the memory allows {add:.2f} × (an in-place add)" if bound else "one thread"
        goal = float("nan") if bound and add > GOAL else GOAL
        yield compared(f"{work}: two threads", told, times["two"], times["one"], goal)


def stepping(shapes: Shapes, dtype: torch.dtype, options: dict[str, Any]) -> Callable[[], Any]:
    """A step of an optimizer with parameters of its own."""
    params = [torch.nn.Parameter(torch.from_numpy(p).to(dtype)) for p in start(shapes)]
    for p, g in zip(params, slopes(shapes), strict=True):
        p.grad = torch.from_numpy(g).to(dtype)
    return AdamW(params, **options).step


def on(count: int, work: Callable[[], Any]) -> Callable[[], None]:
    """The same on so many of our threads."""

    def run() -> None:
        before = os.environ.get("CALANDO_NUM_THREADS")
        os.environ["CALANDO_NUM_THREADS"] = str(count)
        try:
            work()
        finally:
            del os.environ["CALANDO_NUM_THREADS"]
            if before is not None:
                os.environ["CALANDO_NUM_THREADS"] = before

    return run
