"""The in-place add that a step is measured against: ``x += y``, float32, by the threads and the means of a step."""

from functools import cache

import numpy as np

from .compile import load
from .entry import IMPORTS, Entry, loop
from .pool import share

BLOCK = 1 << 20  # elements that a thread adds at once

HEAD = f'''\
"""An in-place add: written by calando from calando.kernels.adding."""

{IMPORTS}
'''
CHUNK = """\
    for i in range(BLOCK * c, min(BLOCK * (c + 1), len(x))):
        x[i] += y[i]
"""


@cache
def kernel() -> Entry:
    """The compiled add, over the tables x and y, float32 (elements,)."""

    def text(cache: bool) -> str:
        return HEAD + loop({"x": ("float32", 1), "y": ("float32", 1)}, CHUNK, [f"BLOCK = {BLOCK}"], cache)

    return Entry(load("add", text))


def add(x: np.ndarray, y: np.ndarray) -> None:
    """Add ``y`` to ``x``, float32 (elements,), in place."""
    share(kernel(), (x, y), [(c, c + 1) for c in range(-(-len(x) // BLOCK))])
