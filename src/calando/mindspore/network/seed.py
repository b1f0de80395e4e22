"""One seed for everything random in this room."""

import torch


def set_seed(seed: int) -> None:
    """Make first values and dropout repeatable: seeds torch's generator.

    Differs from MindSpore: NumPy's and Python's generators are left alone.
    """
    torch.manual_seed(seed)
