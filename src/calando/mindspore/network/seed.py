"""One seed for everything random in this room."""

from operator import index

import torch

LAST: list[int] = []


def set_seed(seed: int) -> None:
    """Make first values and dropout repeatable: seeds torch's generator.

    Differs from MindSpore: NumPy's and Python's generators are left alone.

    Raises:
        TypeError: no whole number.
        ValueError: a negative one.
    """
    place = "For 'set_seed': 'seed' must be a whole number from 0 on"
    if isinstance(seed, bool) or not hasattr(seed, "__index__"):
        raise TypeError(f"{place}, but got {seed!r}")
    if seed < 0:
        raise ValueError(f"{place}, but got {seed}")
    torch.manual_seed(index(seed))
    LAST[:] = [index(seed)]


def get_seed() -> int | None:
    """The seed that ``set_seed`` was given last; None before."""
    return LAST[0] if LAST else None
