"""The columns of a table of numbers, each once."""

import numpy as np


def distinct(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The columns of a table in order, each once, and which of them every column is, int64 (columns,).

    As ``np.unique(table, axis=1, return_inverse=True)``, where a Ctrl-C while it compares becomes a TypeError.
    """
    order = np.lexsort(table[::-1])
    found = table[:, order]
    new = np.ones(found.shape[1], bool)
    new[1:] = (found[:, 1:] != found[:, :-1]).any(0)
    index = np.empty(len(order), np.int64)
    index[order] = np.cumsum(new) - 1
    return found[:, new], index
