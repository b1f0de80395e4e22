"""Whose memory is it: one adapter per framework, found without importing a framework.

Every adapter is a module with the same words:

    kind(x)              (device, dtype) as text: ("cpu", "float32")
    shape(x)             a tuple of ints: of what is here, and of real numbers (complex ones are pairs)
    layout(x)            (shape, …): equal as long as the same memory means the same elements
    writable(x)          whether its elements may be changed; ``read_only`` says what to do, else
    dense(x, rows)       whether its elements fill one piece of memory (by rows of the first axis)
    hold(xs)             what to keep while a step runs, so that the addresses stay true
    addresses(held)      where each begins, in bytes, uint64 (n,)
    slot(x)              what is kept in the place of a slot that is handed over
    guard(xs)            a test whether others are of the same kinds, sizes and strides, or None
    carried(xs)          the gradients that parameters carry themselves, or None (PyTorch only)
    check(gs, members)   gradients that do not come from autograd are what they must be
    gradients(gs, …)     the gradients, checked and laid out as their parameters (or Rows), and their addresses
    zeros(x, shape, …)   a new slot for x, of its own shape and layout or of another shape or dtype
    fill(x, value)       write one number into a slot
    sharded(xs)          whether some are only in part on this process
    local(x)             if so: the part that is here
    joined(xs, norms)    if so: norms of the whole from those of the parts
    slot_addresses(xs)   where slots begin, in bytes
    resting(xs, where)   whether they still begin there
    adopted(slot, p, …)  a slot made to fit parameter p, in this dtype
    opened(x)            what expressions compute with: a view, widened from half precision
    native(x)            what rules on whole arrays compute with: the framework's own, without history
    numpy(x)             its elements as a NumPy array (a copy where it must)
    copied(x)            a copy of what is here, which ``write`` takes
    write(x, array)      put these elements into x, in place
    write_rows(x, …)     put these rows into x, in place
    touched(xs)          tell the framework that these were written in place
"""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Rows:
    """A gradient of which only some rows are not zero: pieces along the first axis, or along the first few.

    Args:
        indices: int64 (n,) for each of these axes: which rows, each once.
        values: the rows, (n, …), in one piece of memory.
        starts: int64 (n,), where each begins in the parameter's memory, in elements.
    """

    indices: tuple[np.ndarray, ...]
    values: Any
    starts: np.ndarray


class NoGradient(TypeError):
    """A gradient is None: its parameter sits this step out."""


def adapter(x: Any) -> ModuleType:
    """The adapter for one array or tensor.

    Raises:
        TypeError: it belongs to none of PyTorch, MindSpore and NumPy.
    """
    kind: Any = type(x)
    return adapter_of(kind)


@cache
def adapter_of(kind: type) -> ModuleType:
    """The adapter for arrays of one class."""
    for cls in kind.__mro__:
        root = cls.__module__.partition(".")[0]
        if root in ("torch", "mindspore") or (root == "numpy" and cls.__name__ == "ndarray"):
            return import_module(f"{__name__}.{root}")
    raise TypeError(
        f"a parameter must be a torch tensor, a MindSpore Parameter or a NumPy array, but got {kind.__qualname__}"
    )


def has_rows(g: Any) -> bool:
    """Whether a gradient is given as rows: ``indices`` and ``values``, as MindSpore's RowTensor."""
    return hasattr(g, "indices") and not callable(getattr(g, "values", len))


def refuse_sparse(member: Any) -> None:
    """Raise the sentence for a sparse gradient that this rule has no meaning for."""
    raise RuntimeError(
        f"the gradient of {member.place} is sparse, which this optimizer does not support; "
        "make it dense, or give the parameter to one for embeddings, such as LazyAdam"
    )
