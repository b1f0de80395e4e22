"""``mindspore.ops`` as far as calando has it: functions on Tensors."""

from typing import Any as _Any

from ..missing import missing as _missing
from ..network import operations as _functions
from . import operations as operations

_NAMES = {name for name, value in vars(_functions).items() if getattr(value, "__module__", "") == _functions.__name__}
__all__ = sorted([n for n in _NAMES if not n.startswith("_") and n != "tensor"] + ["operations"])
globals().update({name: getattr(_functions, name) for name in __all__ if name != "operations"})


def __getattr__(name: str) -> _Any:
    raise _missing(__name__, name, __all__)
