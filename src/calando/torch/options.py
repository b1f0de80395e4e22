"""What every optimizer's constructor takes besides its own arguments: ``ema`` and ``slot_dtype``."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from inspect import Parameter, signature
from typing import Any

from ..nearest import refuse_unknown

DTYPES = ("float32", "bfloat16", "float16", "param")


@dataclass(frozen=True)
class Options:
    """The choices that hold for all groups of an optimizer.

    Args:
        ema: the keep factor of a running average of the weights, a number, list, schedule or function of the step;
            None: there is no average.
        slot_dtype: the dtype of the slots of parameters in half precision: ``"float32"``, ``"bfloat16"``,
            ``"float16"``, or ``"param"`` for the parameter's own, as in torch.optim.
    """

    ema: Any = None
    slot_dtype: str | None = "float32"


def chosen(owner: str, ema: Any, slot_dtype: Any) -> Options:
    """The options, if they can be.

    Raises:
        ValueError: there is no such dtype of slots.
    """
    name = str(slot_dtype).removeprefix("torch.")
    if name not in DTYPES:
        raise ValueError(f"For {owner!r}: 'slot_dtype' must be one of {', '.join(DTYPES)}, but got {slot_dtype!r}")
    return Options(ema, None if name == "param" else name)


def with_options(init: Callable[..., None]) -> Callable[..., None]:
    """A constructor that also takes ``ema=`` and ``slot_dtype=``; the outermost class's arguments count.

    The wrapped constructor raises TypeError for what is no argument of it, with the nearest one.
    """
    known = signature(init)
    own = list(known.parameters.values())
    at = len(own) - (own[-1].kind is Parameter.VAR_KEYWORD)
    more = [Parameter(n, Parameter.KEYWORD_ONLY, default=d) for n, d in (("ema", None), ("slot_dtype", "float32"))]
    shown = known.replace(parameters=[*own[:at], *more, *own[at:]])

    @wraps(init)
    def made(self: Any, *args: Any, ema: Any = None, slot_dtype: Any = "float32", **rest: Any) -> None:
        if "_options" not in self.__dict__:
            self._options = chosen(type(self).__name__, ema, slot_dtype)
        refuse_unknown(f"For '{type(self).__name__}'", shown, rest)
        init(self, *args, **rest)

    made.__signature__ = shown  # type: ignore[attr-defined]
    return made
