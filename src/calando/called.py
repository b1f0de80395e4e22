"""A call that does not fit is refused with the call that would."""

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import Parameter, signature
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def told(call: Callable[P, R]) -> Callable[P, R]:
    """A function or method that says how it is called, where it is called otherwise.

    Example:
        >>> @told
        ... def warmup(peak, steps=10):
        ...     return peak / steps
        >>> warmup(1.0, warmup_steps=5)
        Traceback (most recent call last):
        TypeError: warmup: there is no argument 'warmup_steps'; it is warmup(peak, steps=10)
    """

    @wraps(call)
    def made(*args: P.args, **named: P.kwargs) -> R:
        try:
            return call(*args, **named)
        except TypeError:
            found = misfit(call, args, named)
            if found is None:
                raise
        raise TypeError(found)

    return made


def misfit(call: Callable[..., Any], args: tuple[Any, ...], named: Mapping[str, Any]) -> str | None:
    """What is wrong with the arguments of a call; None: they fit."""
    shown = signature(call)
    try:
        shown.bind(*args, **named)
    except TypeError as problem:
        entries = list(shown.parameters.values())
        strange = [name for name in named if name not in shown.parameters]  # said before what is missing
        wrong = f"there is no argument {strange[0]!r}" if strange else str(problem)
        name, place = call.__name__, ""
        if entries and entries[0].name == "self" and args:
            owner, entries = type(args[0]).__name__, entries[1:]
            name, place = (owner, "") if name == "__init__" else (name, f"For {owner!r}: ")
        return f"{place}{name}: {wrong}; it is {name}({', '.join(map(written, entries))})"
    return None


def written(entry: Parameter) -> str:
    """An argument, and what it is where it is left out."""
    return entry.name if entry.default is Parameter.empty else f"{entry.name}={entry.default!r}"
