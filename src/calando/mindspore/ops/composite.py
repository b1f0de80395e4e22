"""``mindspore.ops.composite``: gradients in the older manner, and mapping over tuples; and the functions of ``ops``."""

from typing import Any as _Any

from .. import ops as _ops
from ..missing import missing as _missing
from ..network.composite import GradOperation as GradOperation
from ..network.composite import HyperMap as HyperMap
from ..network.composite import Map as Map
from ..network.composite import MultitypeFuncGraph as MultitypeFuncGraph

__all__ = ["GradOperation", "HyperMap", "Map", "MultitypeFuncGraph"]


def __getattr__(name: str) -> _Any:
    if name in _ops.__all__ and callable(found := getattr(_ops, name)) and not isinstance(found, type):
        return found
    raise _missing(__name__, name, __all__)
