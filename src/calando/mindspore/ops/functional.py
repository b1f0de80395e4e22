"""``mindspore.ops.functional``: the functions of ``ops`` under their older address."""

from typing import Any as _Any

from .. import ops as _ops


def __getattr__(name: str) -> _Any:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no {name!r}")
    return getattr(_ops, name)


def __dir__() -> list[str]:
    return list(_ops.__all__)
