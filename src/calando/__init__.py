"""Optimizers and learning-rate schedules for PyTorch and MindSpore.

Every update rule is written once, every hyperparameter may change with time, and the clock lives in
the optimizer. Importing this package loads no framework; ``calando.torch``, ``calando.mindspore`` and
``calando.schedules`` are found on first use, and so are ``calando.save`` and ``calando.resume``.
"""

from importlib import import_module as _import_module

__version__ = "0.1.0"

_ROOMS = ("mindspore", "schedules", "torch")
_WORDS = {"CheckpointError": "store", "resume": "resuming", "save": "saving"}  # name → its home


def __getattr__(name: str):
    if name in _ROOMS:
        return _import_module(f"{__name__}.{name}")
    if name in _WORDS:
        return getattr(_import_module(f"{__name__}.{_WORDS[name]}"), name)
    raise AttributeError(f"module 'calando' has no attribute {name!r}; it has {', '.join([*_ROOMS, *_WORDS])}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_ROOMS, *_WORDS])
