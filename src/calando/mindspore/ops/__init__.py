"""``mindspore.ops`` as far as calando has it: functions on Tensors."""

from importlib import import_module as _import_module
from typing import Any as _Any

from ..missing import missing as _missing
from ..network import clips as _clips
from ..network import composite as _composite
from ..network import elementary as _elementary
from ..network import grad as _grad
from ..network import layered as _layered
from ..network import operations as _functions
from ..network import primitives as _objects
from ..network import shaping as _shaping
from ..network import updates as _updates
from . import operations as operations


def _public(module: _Any) -> dict[str, _Any]:
    """What a module defines itself, for others."""
    own = {name: value for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__}
    return {name: value for name, value in own.items() if not name.startswith("_") and name != "tensor"}


_NAMES = {
    **_public(_objects),
    **_public(_composite),
    **_public(_functions),
    **_public(_elementary),
    **_public(_clips),
    **_public(_shaping),
    **_public(_layered),
    "partial": _composite.partial,
}
_NAMES |= {name: getattr(_updates, name) for name in _updates.__all__}
_NAMES |= {"grad": _grad.grad, "value_and_grad": _grad.value_and_grad}
_MODULES = ("composite", "functional")  # MindSpore's older addresses of the same

__all__ = sorted([*_NAMES, *_MODULES, "operations"])
globals().update(_NAMES)


def __getattr__(name: str) -> _Any:
    if name in _MODULES:
        return _import_module(f"{__name__}.{name}")
    raise _missing(__name__, name, __all__)
