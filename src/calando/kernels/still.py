"""Many slots of PyTorch's tensors, asked in one compiled call whether they lie where they lay.

Slots stand in ``optimizer.state``, where others may give them other memory (``.data =``, ``set_``, ``share_memory_``):
an address of before would be somebody else's by now.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from ..plan import Part
from .asking import Asking
from .glance import words
from .libtorch import handles


def asking(part: Part) -> Callable[[], int]:
    """What asks the slots of a part that is looked at at a glance whether all lie where they lay."""
    cells = handles(part.slots)
    if cells is None:
        return partial(part.key.arrays.resting, part.slots, part.slots_at)
    tables = np.array([part.glance.calls["data"]]), cells, part.slots_at
    return Asking(words().rest, tables, len(cells))


def resting(part: Part) -> bool:
    """Whether all slots of a part that was seen at a glance lie where they lay."""
    if not part.slots:
        return True
    if part.cells is None:
        part.cells = asking(part)
    return bool(part.cells())
