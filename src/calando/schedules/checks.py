"""What may be a parameter of a schedule: each check returns the clean value or refuses with a sentence.

    settle(self, start=number, steps=count)

reads ``self.start`` and ``self.steps``, checks them, and stores what the checks return. It is called
from ``__post_init__`` and is the only place that writes to a frozen schedule.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from functools import partial
from math import isfinite
from numbers import Real
from typing import Any

MOST_STEPS = 2**53  # float64 counts without gaps up to here


def shown(value: Any) -> str:
    """The value as an error shows it: not longer than a line, whatever it is."""
    if isinstance(value, int) and value.bit_length() > 200:
        return f"an int of {value.bit_length()} bits"
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def settle(schedule: Any, **checks: Callable[[Any, str], Any]) -> None:
    """Check the named fields and store their clean values in spite of the freeze."""
    for name, check in checks.items():
        value = check(getattr(schedule, name), f"{type(schedule).__name__}: {name}")
        object.__setattr__(schedule, name, value)


def number(value: Any, where: str) -> float:
    """A finite real number, as a Python float."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{where} must be a real number, not {shown(value)}")
    try:
        clean = float(value)
    except OverflowError:
        raise ValueError(f"{where} must fit in a float64, not {shown(value)}") from None
    if not isfinite(clean):
        raise ValueError(f"{where} must be finite, not {shown(clean)}")
    return clean


def at_least_zero(value: Any, where: str) -> float:
    clean = number(value, where)
    if clean < 0:
        raise ValueError(f"{where} must not be negative, not {shown(clean)}")
    return clean


def positive(value: Any, where: str) -> float:
    clean = number(value, where)
    if clean <= 0:
        raise ValueError(f"{where} must be positive, not {shown(clean)}")
    return clean


def count(value: Any, where: str, least: int = 1) -> int:
    """A whole number from ``least`` to 2**53, as a Python int."""
    if isinstance(value, bool):
        raise TypeError(f"{where} must be an int, not {shown(value)}")
    try:
        clean = operator.index(value)
    except TypeError:
        raise TypeError(f"{where} must be an int, not {shown(value)}") from None
    if not least <= clean <= MOST_STEPS:
        bound = f"at least {least}" if clean < least else f"at most {MOST_STEPS}"
        raise ValueError(f"{where} must be {bound}, not {shown(clean)}")
    return clean


def count_or_none(value: Any, where: str) -> int | None:
    return None if value is None else count(value, where)


def flag(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{where} must be True or False, not {shown(value)}")
    return value


def several(value: Any, where: str) -> tuple[Any, ...]:
    """A tuple of what an ordered iterable, a tensor or an array holds."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, str | bytes | Mapping | AbstractSet) or not isinstance(value, Iterable):
        raise TypeError(f"{where} must be a sequence, not {shown(value)}")
    return tuple(value)


def numbers(value: Any, where: str) -> tuple[float, ...]:
    """One or more finite real numbers, as a tuple of Python floats."""
    given = several(value, where)
    if not given:
        raise ValueError(f"{where} must not be empty")
    if set(map(type, given)) == {float} and all(map(isfinite, given)):
        return given  # a million values in 50 ms; the general way takes 600
    return tuple(number(each, f"{where}[{i}]") for i, each in enumerate(given))


def rising(value: Any, where: str, least: int = 1) -> tuple[int, ...]:
    """Strictly increasing whole numbers from ``least`` on, as a tuple of Python ints."""
    given = several(value, where)
    clean = tuple(count(each, f"{where}[{i}]", least) for i, each in enumerate(given))
    for i in range(1, len(clean)):
        if clean[i] <= clean[i - 1]:
            name = where.rpartition(" ")[2]
            raise ValueError(f"{where} must rise, but {name}[{i}] = {clean[i]} follows {clean[i - 1]}")
    return clean


rising_from_zero = partial(rising, least=0)
