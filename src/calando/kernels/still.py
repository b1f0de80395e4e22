"""Many slots of PyTorch's tensors, asked in one compiled call whether they lie where they lay.

Slots stand in ``optimizer.state``, where others may give them other memory (``.data =``, ``set_``, ``share_memory_``):
an address of before would be somebody else's by now.
"""

import numpy as np

from ..plan import Part
from .glance import places, words
from .libtorch import handles


class Cells:
    """The handles of the slots of one part that is looked at at a glance."""

    def __init__(self, part: Part):
        self.handles = handles(part.slots)
        self.found = np.zeros(len(part.slots), np.uint64)
        self.answers = places(self.found)

    def resting(self, part: Part) -> bool:
        """Whether all slots lie where they lay."""
        if self.handles is None:
            return part.key.arrays.resting(part.slots, part.slots_at)
        words()[2](part.glance.calls["data"], self.handles, self.answers)
        return np.array_equal(self.found, part.slots_at)


def resting(part: Part) -> bool:
    """Whether all slots of a part that was seen at a glance lie where they lay."""
    if not part.slots:
        return True
    if part.cells is None:
        part.cells = Cells(part)
    return part.cells.resting(part)
