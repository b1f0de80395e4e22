"""Any function of the step as a schedule.

    h(step) = call(step)

Code is not data: a Function is compared by the function itself and cannot be written to a checkpoint.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath
from pickle import PicklingError
from typing import Any

from .base import Schedule
from .checks import settle, shown
from .words import Words


@dataclass(frozen=True, repr=False)
class Function(Schedule, stored=False):
    """Ask ``call`` for the value at every step, for ever.

    Args:
        call: takes the step as an int and returns a number; the same number for the same step.

    Raises:
        TypeError: call is not callable, or returns, when asked, what is no number.

    Example:
        >>> Function(lambda step: 0.1 / (1 + step) ** 0.5)(3)
        0.05
        >>> import math
        >>> Function(math.sqrt)
        Function(math.sqrt)
    """

    call: Callable[[int], Any]

    def __post_init__(self) -> None:
        settle(self, call=_callable)

    def formula(self, step: Any, words: Words) -> Any:
        return words.each(self._number, step)

    def _number(self, step: int) -> float:
        value = self.call(step)
        if type(value) is float:
            return value
        try:
            if isinstance(value, str | bytes):
                raise TypeError
            return float(value)
        except (TypeError, ValueError):
            raise TypeError(
                f"{_name(self.call)} must return a number, but for step {step} it returned {shown(value)}, "
                f"a {type(value).__name__}"
            ) from None

    def to_dict(self) -> dict[str, Any]:
        raise TypeError(
            f"{self!r} cannot be stored, because it is code and not data; after loading give it again with "
            'optimizer.set("lr", function), or write it in closed form, such as Linear(...).then(Cosine(...))'
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> "Function":
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        if "<locals>" in (name := getattr(self.call, "__qualname__", "")) or name == "<lambda>":
            raise PicklingError(
                f"{self!r} cannot be pickled, because no name leads to it; define the function with def at the top "
                "of a module, or write it in closed form, such as Linear(...).then(Cosine(...))"
            )
        return Function, (self.call,)

    def _spell(self, short: bool) -> str:
        return f"Function({_name(self.call)})"


def _callable(value: Any, where: str) -> Callable[[int], Any]:
    if not callable(value):
        raise TypeError(f"{where} must be a function of the step, not {shown(value)}")
    return value


def _name(call: Any) -> str:
    """What one would type to name it, where that is possible; where it stands, where not."""
    if isinstance(call, Schedule):
        return repr(call)
    if isinstance(call, partial):
        return f"<partial of {_name(call.func)}>"
    name = getattr(call, "__qualname__", None) or getattr(call, "__name__", None)  # numpy's have only this
    if name is None:
        return f"<{type(call).__qualname__} object>"
    if "<" in name:  # a lambda, or defined inside a function: no name leads there
        code = getattr(call, "__code__", None)
        place = f" at {PurePath(code.co_filename).name}:{code.co_firstlineno}" if code else ""
        return f"<{call.__name__.strip('<>')}{place}>"
    module = getattr(call, "__module__", None)
    return name if module in (None, "__main__", "builtins") else f"{module}.{name}"
