"""A vector for each word."""

from typing import Any

import torch
from torch.nn.functional import embedding

from ..cell import Cell
from ..dtype import as_dtype
from ..initializer import initializer
from ..parameter import Parameter
from .arguments import whole


class Embedding(Cell):
    """Integers of any shape (…) → (…, embedding_size): the rows of a table.

    Args:
        vocab_size: rows, at least 1.
        embedding_size: length of a row, at least 1.
        use_one_hot: accepted; the result is the same.
        embedding_table: first values, of shape (vocab_size, embedding_size); 'normal' has σ 0.01.
        dtype: of the table.
        padding_idx: a row that starts as zeros (and is trained as the others, as in MindSpore), or None.

    Parameters: ``embedding_table``.

    Raises:
        TypeError: for an input that holds fractions.
        IndexError: for a row that is not there (MindSpore gives zeros).
        ValueError: for a padding_idx that is no row.
    """

    def __init__(
        self,
        vocab_size: int,
        embedding_size: int,
        use_one_hot: bool = False,
        embedding_table: Any = "normal",
        dtype: Any = torch.float32,
        padding_idx: int | None = None,
    ) -> None:
        super().__init__()
        self.vocab_size = whole(self, "vocab_size", vocab_size)
        self.embedding_size = whole(self, "embedding_size", embedding_size)
        self.use_one_hot = bool(use_one_hot)
        self.padding_idx = padding_idx
        table = initializer(embedding_table, (self.vocab_size, self.embedding_size), as_dtype(dtype))
        if padding_idx is not None:
            if not 0 <= padding_idx < self.vocab_size:
                raise ValueError(f"padding_idx of Embedding must lie in [0, {self.vocab_size}), not {padding_idx!r}")
            table[padding_idx] = 0
        self.embedding_table = Parameter(table, name="embedding_table")

    def construct(self, ids: torch.Tensor) -> torch.Tensor:
        if ids.is_floating_point():
            raise TypeError(f"Embedding takes integers, not {ids.dtype}")
        try:
            return embedding(ids.long(), self.embedding_table)
        except IndexError as error:
            rows = f"rows 0 to {self.vocab_size - 1}, but was asked for {int(ids.min())} to {int(ids.max())}"
            raise IndexError(f"Embedding has {rows}") from error

    def extend_repr(self) -> str:
        return f"vocab_size={self.vocab_size}, embedding_size={self.embedding_size}"
