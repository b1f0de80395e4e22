"""``mindspore.ops.operations``: the functions of ``ops`` as objects that are made first and called later."""

from typing import Any as _Any

from ..missing import missing as _missing
from ..network import primitives as _primitives
from ..network import updates as _updates

globals().update({name: getattr(room, name) for room in (_primitives, _updates) for name in room.__all__})


def __getattr__(name: str) -> _Any:
    raise _missing(__name__, name, [word for word in globals() if not word.startswith("_")])
