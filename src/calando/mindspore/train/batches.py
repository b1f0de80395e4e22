"""What a Model trains on: anything that gives batches, pass after pass, as tuples of Tensors."""

from collections.abc import Iterable, Iterator, Mapping
from inspect import isgeneratorfunction
from typing import Any

import numpy as np
import torch

from ..network.tensor import Tensor, plain


class Batches:
    """The batches of a data set.

    Args:
        place: who asks, for errors.
        dataset: of ``calando.mindspore.dataset``, of MindSpore, a torch DataLoader, a list, a generator function, or
            whatever can be iterated once for each pass. A batch is a tuple, list or dictionary of Tensors, arrays or
            numbers, or one of these alone.
        passes: how often it will be iterated.

    ``size`` is the number of batches in a pass; None where it is not known.

    Raises:
        TypeError: what gives no batches.
        ValueError: no batches at all; an iterator, which is empty after one pass, for several.
    """

    def __init__(self, place: str, dataset: Any, passes: int = 1) -> None:
        self.place, self.dataset = place, dataset
        whole = isinstance(dataset, (torch.Tensor, np.ndarray, str, Mapping))
        gives = isinstance(dataset, Iterable) or hasattr(dataset, "create_tuple_iterator")
        if whole or not (gives or isgeneratorfunction(dataset)):
            raise TypeError(
                f"For '{place}': a dataset gives batches, as [(data, label), (data, label)], a torch DataLoader or "
                f"calando.mindspore.dataset.NumpySlicesDataset(…).batch(…) do, but got {kind(dataset)}"
            )
        if passes > 1 and isinstance(dataset, Iterator):
            raise ValueError(
                f"For '{place}': the dataset is an iterator ({type(dataset).__name__}) and would be empty after the "
                f"first of {passes} epochs; give a list, a DataLoader, or an object whose __iter__ begins anew"
            )
        self.size = length(dataset)
        if self.size == 0:
            raise ValueError(f"For '{place}': the dataset is empty: it has no batches")

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        data = self.dataset
        if hasattr(data, "create_tuple_iterator"):
            data = data.create_tuple_iterator(num_epochs=1)
        return (members(batch) for batch in (data() if isgeneratorfunction(data) else data))

    def nothing(self, epoch: int, before: int) -> ValueError:
        """The error for a pass without batches, after so many in all passes before."""
        if not before:
            return ValueError(f"For '{self.place}': the dataset is empty: it gave no batches in epoch {epoch}")
        return ValueError(
            f"For '{self.place}': the dataset gave no batches in epoch {epoch}, after {before} before: its "
            "__iter__ must begin anew for each epoch; give a list, a DataLoader, or make a new iterator in __iter__"
        )


def length(dataset: Any) -> int | None:
    """How many batches a pass gives; None where it is not known."""
    try:
        return int(dataset.get_dataset_size() if hasattr(dataset, "get_dataset_size") else len(dataset))
    except (TypeError, NotImplementedError):  # no __len__, or a DataLoader over something without
        return None


def members(batch: Any) -> tuple[Any, ...]:
    """One batch as a tuple of Tensors."""
    if isinstance(batch, Mapping):
        batch = tuple(batch.values())
    elif not isinstance(batch, (tuple, list)):
        batch = (batch,)
    return tuple(tensor(member) for member in batch)


def tensor(value: Any) -> Any:
    """A Tensor of what holds numbers; anything else as it is."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, torch.Tensor):
        return plain(value).as_subclass(Tensor)
    if hasattr(value, "asnumpy"):
        return Tensor(value.asnumpy())
    numbers = isinstance(value, (bool, int, float, np.generic, np.ndarray))
    return Tensor(value) if numbers and np.asarray(value).dtype.kind in "biuf" else value


def kind(value: Any) -> str:
    """How an error calls what was given."""
    if value is None:
        return "None"
    shape = getattr(value, "shape", None)
    return type(value).__name__ + (f" of shape {tuple(shape)}" if shape is not None else "")
