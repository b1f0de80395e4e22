"""``mindspore.ops.composite``: gradients in the older manner, and mapping over tuples; and the functions of ``ops``."""

from typing import Any as _Any

from ..missing import missing as _missing
from ..network import elementary as _elementary
from ..network import operations as _functions
from ..network.composite import GradOperation as GradOperation
from ..network.composite import HyperMap as HyperMap
from ..network.composite import Map as Map
from ..network.composite import MultitypeFuncGraph as MultitypeFuncGraph

__all__ = ["GradOperation", "HyperMap", "Map", "MultitypeFuncGraph"]


def __getattr__(name: str) -> _Any:
    for room in (_functions, _elementary):
        found = vars(room).get(name)
        if not name.startswith("_") and getattr(found, "__module__", "") == room.__name__:
            return found
    raise _missing(__name__, name, __all__)
