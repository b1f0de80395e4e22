"""Parameters that an optimizer is given by themselves, of which some may be the other side's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def given(params: Any, lent: Callable[[Any], Any]) -> Any:
    """Parameters for an optimizer, in groups or not, with this side's in place of the other's."""
    if isinstance(params, dict):
        return {name: given(value, lent) if name == "params" else value for name, value in params.items()}
    if isinstance(params, (list, tuple, Iterator)):
        return [given(each, lent) for each in params]
    return lent(params)
