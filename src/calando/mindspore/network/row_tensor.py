"""RowTensor: a gradient of which only some rows are not zero."""

from typing import Any

import torch

from .tensor import read


class RowTensor:
    """Some rows of a tensor; all others are zero.

    Args:
        indices: which rows (first axis), integers of shape (n,); a row may come several times, then it is summed.
        values: the rows, of shape (n, …).
        shape: of the whole tensor; ``dense_shape`` afterwards.

    Optimizers take it as a gradient where ``mindspore.nn``'s do: LazyAdam, Adam, FTRL, ProximalAdagrad.

    Raises:
        TypeError: indices or values are no numbers.
    """

    def __init__(self, indices: Any, values: Any, shape: Any):
        self.indices, self.values = read(indices), read(values)
        self.dense_shape = tuple(shape)

    def as_sparse(self) -> torch.Tensor:
        """The same as a sparse torch tensor."""
        return torch.sparse_coo_tensor(self.indices[None].long(), self.values, self.dense_shape, check_invariants=True)
