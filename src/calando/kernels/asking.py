"""A loop over very many tensors that asks PyTorch about them, shared by PyTorch's own threads.

Each answer waits for memory, so two threads wait half as long. Python's lock stays held all the while, as nobody may
let go of a tensor that is asked; threads of ours would wait for that lock, so without PyTorch's team the caller asks
alone.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from . import team
from .entry import Entry, Order
from .pool import threads

WORTH = 1000  # tensors: asking fewer takes no longer than waking a thread
SHARES = 4  # ranges for each thread
SPARE = 8  # words for each range's answers: a line of the caches, which no two threads then write

TABLES = {"spare": ("uint64", 2), "verdict": ("int64", 1)}  # the last ones of every such loop, a row for each range


class Asking:
    """One such loop with its tables, to be called in every step.

    Args:
        entry: its last tables are ``TABLES``; it writes a verdict for each range.
        tables: the others, which stay where they are.
        count: tensors.
    """

    def __init__(self, entry: Entry, tables: Sequence[np.ndarray], count: int):
        self.entry, self.tables, self.count, self.workers = entry, tables, count, 0

    def __call__(self) -> int:
        """Ask all; the least verdict of any range."""
        workers = threads()
        if self.count < WORTH or not team.ready(workers):
            workers = 1
        if workers != self.workers:
            self.arrange(workers)
        self.order.again()
        if workers == 1:
            self.entry.call_held(self.order.address)
        else:
            team.share_held(self.entry, self.order, workers)
        return min(self.verdicts.tolist())

    def arrange(self, workers: int) -> None:
        """Split the tensors for so many threads."""
        shares = SHARES * workers if workers > 1 else 1
        ranges = list(pairwise(np.linspace(0, self.count, shares + 1).astype(np.int64).tolist()))
        self.verdicts = np.zeros(len(ranges), np.int64)
        self.order = Order((*self.tables, np.zeros((len(ranges), SPARE), np.uint64), self.verdicts), ranges)
        self.workers = workers
