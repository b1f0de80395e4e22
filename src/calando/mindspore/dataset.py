"""Small data sets in MindSpore's words: arrays or a generator, in batches.

    import calando.mindspore.dataset as ds
    dataset = ds.NumpySlicesDataset({"data": x, "label": y}, shuffle=False).batch(16)

All in one process and in memory; for files, workers and transformations use torch's DataLoader, which
``Model.train`` takes as well.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from .missing import missing
from .network.tensor import Tensor

__path__: list[str] = []  # so that an import of what is not here is told, too
__all__ = ["Dataset", "GeneratorDataset", "NumpySlicesDataset"]


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise missing(__name__, name, __all__)


Row = tuple[np.ndarray, ...]


class Dataset:
    """Rows of named columns; what all data sets can do. Each method returns a new one.

    Iterating gives lists of Tensors, one per column, and may be done again and again.

    Args:
        columns: names of the columns.
        rows: makes an iterator over all rows.
        size: how many rows there are; None where it is not known.
    """

    def __init__(self, columns: Sequence[str], rows: Callable[[], Iterator[Row]], size: int | None) -> None:
        self.columns, self._rows, self._size = list(columns), rows, size
        self._batch = 1

    def batch(self, batch_size: int, drop_remainder: bool = False, **_: Any) -> "Dataset":
        """Rows stacked together; the last batch may be smaller, unless it is dropped.

        Raises:
            ValueError: a batch_size below 1; on iterating, rows of different shapes.
        """
        length = counted("batch", "batch_size", batch_size)

        def rows() -> Iterator[Row]:
            waiting: list[Row] = []
            for row in self._rows():
                waiting.append(row)
                if len(waiting) == length:
                    yield stacked(waiting, self.columns)
                    waiting = []
            if waiting and not drop_remainder:
                yield stacked(waiting, self.columns)

        size = None if self._size is None else self._size // length if drop_remainder else -(-self._size // length)
        found = Dataset(self.columns, rows, size)
        found._batch = length
        return found

    def shuffle(self, buffer_size: int) -> "Dataset":
        """Rows in another order each time, drawn from a buffer of so many; from ``ms.set_seed``'s generator."""
        room = counted("shuffle", "buffer_size", buffer_size)

        def rows() -> Iterator[Row]:
            waiting: list[Row] = []
            for row in self._rows():
                waiting.append(row)
                if len(waiting) >= room:
                    yield waiting.pop(drawn(len(waiting)))
            while waiting:
                yield waiting.pop(drawn(len(waiting)))

        return self._like(rows, self._size)

    def repeat(self, count: int) -> "Dataset":
        """All rows so many times."""
        times = counted("repeat", "count", count)
        size = None if self._size is None else self._size * times
        return self._like(lambda: (row for _ in range(times) for row in self._rows()), size)

    def take(self, count: int) -> "Dataset":
        """The first rows only."""
        most = counted("take", "count", count)
        size = None if self._size is None else min(most, self._size)
        return self._like(lambda: (row for _, row in zip(range(most), self._rows(), strict=False)), size)

    def map(self, operations: Any, input_columns: str | Sequence[str] | None = None, **_: Any) -> "Dataset":
        """One function, or several one after the other, applied to one column (the first when None).

        Raises:
            ValueError: no such column, or several: each function takes one column and gives one.
        """
        names = [input_columns] if isinstance(input_columns, str) else list(input_columns or self.columns[:1])
        if len(names) != 1 or names[0] not in self.columns:
            raise ValueError(f"For 'map': 'input_columns' must be one of {self.columns}, but got {input_columns!r}")
        place = self.columns.index(names[0])
        functions = list(operations) if isinstance(operations, (list, tuple)) else [operations]

        def changed(row: Row) -> Row:
            value = row[place]
            for function in functions:
                value = np.asarray(function(value))
            return (*row[:place], value, *row[place + 1 :])

        return self._like(lambda: (changed(row) for row in self._rows()), self._size)

    def _like(self, rows: Callable[[], Iterator[Row]], size: int | None) -> "Dataset":
        found = Dataset(self.columns, rows, size)
        found._batch = self._batch
        return found

    # What can be asked.

    def get_dataset_size(self) -> int:
        """How many rows, or batches, one pass gives; where it is not known, they are counted in a pass."""
        if self._size is None:
            self._size = sum(1 for _ in self._rows())
        return self._size

    __len__ = get_dataset_size

    def get_batch_size(self) -> int:
        """Rows in a batch; 1 before ``batch``."""
        return self._batch

    def get_col_names(self) -> list[str]:
        """The names of the columns."""
        return list(self.columns)

    def create_tuple_iterator(
        self, columns: Sequence[str] | None = None, num_epochs: int = -1, output_numpy: bool = False, **_: Any
    ) -> Iterator[list[Any]]:
        """One pass over the rows as lists of Tensors (NumPy arrays with ``output_numpy``), in columns' order.

        Raises:
            ValueError: no such column.
        """
        chosen = self.columns if columns is None else list(columns)
        for name in chosen:
            if name not in self.columns:
                raise ValueError(f"For 'create_tuple_iterator': there is no column {name!r}, only {self.columns}")
        places = [self.columns.index(name) for name in chosen]
        made = np.asarray if output_numpy else tensor
        return ([made(row[place]) for place in places] for row in self._rows())

    def create_dict_iterator(
        self, num_epochs: int = -1, output_numpy: bool = False, **_: Any
    ) -> Iterator[dict[str, Any]]:
        """One pass over the rows as dictionaries of columns."""
        rows = self.create_tuple_iterator(output_numpy=output_numpy)
        return (dict(zip(self.columns, row, strict=True)) for row in rows)

    def __iter__(self) -> Iterator[list[Any]]:
        return self.create_tuple_iterator()

    def reset(self) -> None:
        """Nothing: every iterator begins at the first row; MindSpore's scripts call it."""

    def __repr__(self) -> str:
        size = "?" if self._size is None else self._size
        return f"{type(self).__name__}(columns={self.columns}, size={size})"


class NumpySlicesDataset(Dataset):
    """One row for each place along the first axis of arrays.

    Args:
        data: a dictionary of columns, a tuple of columns, or one column; each an array or list.
        column_names: of a tuple or of one column; ``column_0`` and so on when None.
        shuffle: whether rows come in another order each time; None is True, as in MindSpore.

    Raises:
        ValueError: no rows, columns of different lengths, names of another number.
    """

    def __init__(
        self, data: Any, column_names: Any = None, num_samples: int | None = None, shuffle: bool | None = None, **_: Any
    ) -> None:
        named = isinstance(data, Mapping)
        arrays = [
            np.asarray(column) for column in (data.values() if named else data if type(data) is tuple else [data])
        ]
        names = list(data) if named else names_of(column_names, len(arrays), type(self).__name__)
        lengths = {len(array) if array.ndim else 0 for array in arrays}
        if len(lengths) != 1 or lengths == {0}:
            told = ", ".join(f"{name!r} {array.shape}" for name, array in zip(names, arrays, strict=True))
            raise ValueError(f"For 'NumpySlicesDataset': columns must have one length above 0, but got {told}")
        size = min(lengths.pop(), num_samples or len(arrays[0]))
        mixed = shuffle is None or shuffle

        def rows() -> Iterator[Row]:
            order = torch.randperm(len(arrays[0])).tolist() if mixed else range(len(arrays[0]))
            return (tuple(array[place] for array in arrays) for place in order[:size])

        super().__init__(names, rows, size)


class GeneratorDataset(Dataset):
    """The rows that something gives: a function that makes iterators, an iterable, or what has places.

    Args:
        source: a generator function, an object with ``__getitem__`` and ``__len__``, or one that can be
            iterated again and again; each row is one array or a tuple of arrays.
        column_names: one name, or a list of them.
        shuffle: whether rows come in another order each time; None: where the source has places, as in MindSpore.

    Raises:
        TypeError: a source that is none of these; an iterator would be empty after one pass.
        ValueError: on iterating, a row with more or fewer members than names.
    """

    def __init__(
        self,
        source: Any,
        column_names: Any = None,
        num_samples: int | None = None,
        shuffle: bool | None = None,
        **_: Any,
    ) -> None:
        names = [column_names] if isinstance(column_names, str) else list(column_names or ())
        if not names:
            raise ValueError("For 'GeneratorDataset': 'column_names' must name each column, as in ['data', 'label']")
        if isinstance(source, Iterator):
            raise TypeError(
                "For 'GeneratorDataset': 'source' is an iterator and would be empty after one pass; give the "
                "function that makes it, or a list"
            )
        places = hasattr(source, "__getitem__") and hasattr(source, "__len__")
        if not (places or callable(source) or hasattr(source, "__iter__")):
            raise TypeError(f"For 'GeneratorDataset': 'source' must give rows, but got {type(source).__name__}")
        mixed = places if shuffle is None else shuffle
        if mixed and not places:
            raise ValueError("For 'GeneratorDataset': 'shuffle' needs a source with __getitem__ and __len__")
        size = len(source) if hasattr(source, "__len__") else None
        most = num_samples if size is None else min(size, num_samples or size)

        def given() -> Iterator[Any]:
            if places:
                order = torch.randperm(len(source)).tolist() if mixed else range(len(source))
                return (source[place] for place in order)
            return iter(source() if callable(source) else source)

        def rows() -> Iterator[Row]:
            for count, row in enumerate(given()):
                if most is not None and count == most:
                    return
                members = row if isinstance(row, (tuple, list)) else (row,)
                if len(members) != len(names):
                    raise ValueError(
                        f"For 'GeneratorDataset': row {count} has {len(members)} members for columns {names}"
                    )
                yield tuple(np.asarray(member) for member in members)

        super().__init__(names, rows, most if size is not None else None)


def names_of(column_names: Any, count: int, owner: str) -> list[str]:
    """So many names of columns.

    Raises:
        ValueError: another number was given.
    """
    if column_names is None:
        return [f"column_{place}" for place in range(count)]
    names = [column_names] if isinstance(column_names, str) else list(column_names)
    if len(names) != count:
        raise ValueError(f"For {owner!r}: 'column_names' has {len(names)} names for {count} columns: {names}")
    return names


def counted(method: str, name: str, value: Any) -> int:
    """An int from 1 on.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"For {method!r}: {name!r} must be an int from 1 on, but got {value!r}")
    return value


def drawn(below: int) -> int:
    """A place in [0, below), from torch's generator."""
    return int(torch.randint(below, ()).item())


def stacked(rows: list[Row], names: list[str]) -> Row:
    """Rows as one row of arrays with one more axis.

    Raises:
        ValueError: they differ in shape.
    """
    for name, column in zip(names, zip(*rows, strict=True), strict=True):
        if len(shapes := {array.shape for array in column}) > 1:
            raise ValueError(f"For 'batch': column {name!r} holds different shapes, {sorted(shapes)}; pad them first")
    return tuple(np.stack(column) for column in zip(*rows, strict=True))


def tensor(array: np.ndarray) -> Any:
    """A Tensor of an array of numbers; other arrays as they are."""
    return Tensor(array) if array.dtype.kind in "biuf" else array
