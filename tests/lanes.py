"""Sums in the order that ``calando.kernels.sums`` documents: blocks, in them lanes, folded by halves."""

import numpy as np

LANES, BLOCK = 32, 65_536


def lanes_sum(x: np.ndarray) -> float:
    """The sum of float64 numbers, added in the documented order: blocks, in them lanes, folded by halves."""
    return add_blocks(x, 0.0)


@np.errstate(all="ignore")
def add_blocks(x: np.ndarray, total: float) -> float:
    """``total`` and the sums of the blocks of ``x``, added one after another."""
    flat = x.reshape(-1)
    for first in range(0, len(flat), BLOCK):
        block, lanes = flat[first : first + BLOCK], np.zeros(LANES)
        for start in range(0, len(block), LANES):
            row = block[start : start + LANES]
            lanes[: len(row)] += row
        while len(lanes) > 1:
            half = len(lanes) // 2
            lanes = lanes[:half] + lanes[half:]
        total += float(lanes[0])
    return total
