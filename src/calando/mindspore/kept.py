"""The Parameters that an optimizer of one's own keeps in its attributes."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..arrays import adapter
from .optimizer import Optimizer as Shared


def is_parameter(value: Any) -> bool:
    """Whether something is a Parameter of calando's or of real MindSpore."""
    return hasattr(value, "set_data") and hasattr(value, "asnumpy") and hasattr(value, "name")


def name_after(attribute: str, value: Any) -> None:
    """Give the Parameters that an attribute holds its name, where nobody has named them yet."""
    if is_parameter(value) and is_nameless(value):
        value.name = attribute
    elif isinstance(value, (tuple, list)):
        for place, each in enumerate(value):
            if is_parameter(each) and is_nameless(each):
                each.name = f"{attribute}.{place}"


def is_nameless(param: Any) -> bool:
    """Whether a Parameter has the name that calando or real MindSpore gives to all."""
    return param.name == "Parameter" or param.name.startswith("Parameter#")


def parameters_in(value: Any) -> Iterator[Any]:
    """The Parameters that an attribute holds: itself, the members of a tuple or list, or those of a Cell."""
    if is_parameter(value):
        yield value
    elif isinstance(value, (tuple, list)):
        yield from (each for each in value if is_parameter(each))
    elif hasattr(value, "get_parameters") and not isinstance(value, Shared):
        yield from value.get_parameters()


def overwrite(place: str, param: Any, value: Any) -> None:
    """Write a number, array or Tensor into a Parameter, whose memory stays.

    Raises:
        ValueError: it has another shape.
    """
    array = np.asarray(value.asnumpy() if hasattr(value, "asnumpy") else value)
    if array.shape != tuple(param.shape):
        raise ValueError(f"{place} has shape {tuple(param.shape)} and cannot take a value of shape {array.shape}")
    adapter(param).write(param, array)
