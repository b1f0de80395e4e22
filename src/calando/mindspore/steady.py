"""Parameters of real MindSpore whose memory stays, because an optimizer here holds them.

MindSpore's ``load_checkpoint``, ``load_param_into_net`` and ``Parameter.set_data`` exchange the memory of a parameter.
Functions that were compiled before (``@mindspore.jit``, GRAPH_MODE) go on with the old one, so that training stops
without a word. All of them end in ``Parameter.assign_value``; for parameters that an optimizer here holds, values of
the same shape and type are written into the memory that is there, and compiled functions see them.
"""

from collections.abc import Iterable
from functools import wraps
from typing import Any

HELD = "_held_by_calando"


def hold(params: Iterable[Any]) -> None:
    """Keep the memory of these Parameters of real MindSpore from now on."""
    for param in params:
        kind = type(param)
        if not hasattr(kind.assign_value, HELD):
            kind.assign_value = steadied(kind.assign_value)
        setattr(param, HELD, True)


def steadied(assign_value: Any) -> Any:
    """``Parameter.assign_value``, which writes into the memory of those that are held."""

    @wraps(assign_value)
    def assign(self: Any, value: Any) -> Any:
        if not (getattr(self, HELD, False) and alike(self, value)):
            return assign_value(self, value)
        self.asnumpy()[...] = value.asnumpy()
        return self

    setattr(assign, HELD, True)
    return assign


def alike(param: Any, value: Any) -> bool:
    """Whether a Tensor fits into the memory of a parameter."""
    if not hasattr(value, "asnumpy") or getattr(value, "has_init", False):
        return False
    return tuple(value.shape) == tuple(param.shape) and value.dtype == param.dtype
