"""What measures a network over many batches."""

from typing import Any

import numpy as np
import torch

from ...network.tensor import plain


class Metric:
    """The base of all metrics: ``clear()``, then ``update(...)`` for each batch, then ``eval()``.

    ``set_indexes([0, 2])`` chooses among what ``update`` is given, for networks with several outputs.
    """

    _indexes: list[int] | None = None

    def clear(self) -> None:
        """Forget all batches."""
        raise NotImplementedError(f"{type(self).__name__} must define clear()")

    def update(self, *inputs: Any) -> None:
        """Take in one batch."""
        raise NotImplementedError(f"{type(self).__name__} must define update()")

    def eval(self) -> Any:
        """The figure over all batches."""
        raise NotImplementedError(f"{type(self).__name__} must define eval()")

    def __call__(self, *inputs: Any) -> Any:
        """The figure of one batch alone."""
        self.clear()
        self.update(*inputs)
        return self.eval()

    @property
    def indexes(self) -> list[int] | None:
        """Which of the inputs of ``update`` are used; all when None."""
        return self._indexes

    def set_indexes(self, indexes: list[int]) -> "Metric":
        """Use only these of the inputs of ``update``.

        Raises:
            ValueError: no list of ints.
        """
        if not isinstance(indexes, list) or not all(isinstance(i, int) for i in indexes):
            raise ValueError(f"For '{type(self).__name__}': 'indexes' must be a list of ints, but got {indexes!r}")
        self._indexes = indexes
        return self

    def arrays(self, inputs: tuple[Any, ...], names: tuple[str, ...]) -> list[np.ndarray]:
        """The inputs of ``update`` as NumPy arrays, one for each name.

        Raises:
            ValueError: more or fewer.
            TypeError: one that holds no numbers.
        """
        chosen = inputs if self._indexes is None else [inputs[i] for i in self._indexes]
        if len(chosen) != len(names):
            raise ValueError(f"For '{type(self).__name__}': update takes {' and '.join(names)}, but got {len(chosen)}")
        return [self._array(value, name) for value, name in zip(chosen, names, strict=True)]

    def _array(self, value: Any, name: str) -> np.ndarray:
        array = plain(value).cpu().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
        if array.dtype.kind not in "biuf":
            raise TypeError(f"For '{type(self).__name__}': {name} must hold numbers, but got {type(value).__name__}")
        return array

    def over(self, total: float, count: int) -> float:
        """total / count.

        Raises:
            RuntimeError: nothing was counted.
        """
        if not count:
            raise RuntimeError(f"For '{type(self).__name__}': no example was given to update() before eval()")
        return total / count


def rearrange_inputs(update: Any) -> Any:
    """A decorator for ``update`` of one's own metrics: it gets the inputs that ``set_indexes`` chose."""

    def chosen(self: Metric, *inputs: Any) -> Any:
        return update(self, *(inputs if self.indexes is None else [inputs[i] for i in self.indexes]))

    return chosen
