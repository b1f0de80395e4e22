"""Optimizers and learning-rate schedules for PyTorch and MindSpore.

Every update rule is written once, every hyperparameter may change with time, and the clock lives in
the optimizer. Importing this package loads no framework; ``calando.torch``, ``calando.mindspore`` and
``calando.schedules`` are found on first use.
"""

from importlib import import_module as _import_module

__version__ = "0.1.0"

_ROOMS = ("mindspore", "schedules", "torch")


def __getattr__(name: str):
    if name in _ROOMS:
        return _import_module(f"{__name__}.{name}")
    raise AttributeError(f"module 'calando' has no attribute {name!r}; it has {', '.join(_ROOMS)}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_ROOMS])
