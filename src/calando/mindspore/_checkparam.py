"""``mindspore._checkparam``, which optimizers and cells of one's own import to look at their arguments.

    from mindspore import _checkparam as validator
    validator.check_value_type("beta1", beta1, [float], self.cls_name)
    validator.check_float_range(beta1, 0.0, 1.0, validator.INC_NEITHER, "beta1", self.cls_name)

Each gives back the value, or raises TypeError for another type (True is no number) and ValueError outside of its range.
NaN lies in no range; MindSpore's ``check_float_range`` lets it pass.
"""

from collections.abc import Callable, Sequence
from math import inf, isfinite
from operator import eq, ge, gt, le, lt, ne
from typing import Any

EQ, NE, LT, LE, GT, GE = "==", "!=", "<", "<=", ">", ">="
INC_NEITHER, INC_LEFT, INC_RIGHT, INC_BOTH = "()", "[)", "(]", "[]"
_COMPARED = {EQ: eq, NE: ne, LT: lt, LE: le, GT: gt, GE: ge}


def _place(arg_name: str | None, prim_name: str | None) -> str:
    return (f"For {prim_name!r}: " if prim_name else "") + repr(arg_name or "the argument")


def check_value_type(arg_name: str, arg_value: Any, valid_types: Any, prim_name: str | None = None) -> Any:
    """A value of one of these types."""
    types = tuple(valid_types) if isinstance(valid_types, Sequence) else (valid_types,)
    if not isinstance(arg_value, types) or (isinstance(arg_value, bool) and bool not in types):
        wanted = " or ".join(getattr(each, "__name__", str(each)) for each in types)
        told = f"must be {wanted}, but got {arg_value!r} ({type(arg_value).__name__})"
        raise TypeError(f"{_place(arg_name, prim_name)} {told}")
    return arg_value


def check_number_range(
    arg_value: Any,
    lower_limit: float,
    upper_limit: float,
    rel: str,
    value_type: type,
    arg_name: str | None = None,
    prim_name: str | None = None,
) -> Any:
    """A number between two limits; ``rel`` says which of them it may be."""
    check_value_type(arg_name or "the argument", arg_value, value_type, prim_name)
    above = _COMPARED[GE if rel[0] == "[" else GT](arg_value, lower_limit)
    below = _COMPARED[LE if rel[1] == "]" else LT](arg_value, upper_limit)
    if not (above and below and isfinite(arg_value)):
        told = f"must lie in {rel[0]}{lower_limit}, {upper_limit}{rel[1]}, but got {arg_value!r}"
        raise ValueError(f"{_place(arg_name, prim_name)} {told}")
    return arg_value


def _compared(value_type: type) -> Callable[..., Any]:
    """A check of numbers of this type against one other."""

    def check(arg_value: Any, value: Any, rel: str, arg_name: str | None = None, prim_name: str | None = None) -> Any:
        check_value_type(arg_name or "the argument", arg_value, value_type, prim_name)
        if not (_COMPARED[rel](arg_value, value) and isfinite(arg_value)):
            raise ValueError(f"{_place(arg_name, prim_name)} must be {rel} {value}, but got {arg_value!r}")
        return arg_value

    return check


def _ranged(value_type: type) -> Callable[..., Any]:
    """A check of numbers of this type between two limits."""

    def check(
        arg_value: Any, lower: Any, upper: Any, rel: str, arg_name: str | None = None, prim_name: str | None = None
    ) -> Any:
        return check_number_range(arg_value, lower, upper, rel, value_type, arg_name, prim_name)

    return check


def _from(least: Any, rel: str) -> Callable[..., Any]:
    """A check of numbers above ``least``, or from it on."""

    def check(arg_value: Any, arg_name: str | None = None, prim_name: str | None = None) -> Any:
        return check_number_range(arg_value, least, inf, rel, type(least), arg_name, prim_name)

    return check


def _typed(value_type: type) -> Callable[..., Any]:
    """A check of a type alone; numbers must be finite."""

    def check(arg_value: Any, arg_name: str | None = None, prim_name: str | None = None) -> Any:
        check_value_type(arg_name or "the argument", arg_value, value_type, prim_name)
        if not isfinite(arg_value):
            raise ValueError(f"{_place(arg_name, prim_name)} must be finite, but got {arg_value!r}")
        return arg_value

    return check


check_int, check_float = _compared(int), _compared(float)
check_int_range, check_float_range = _ranged(int), _ranged(float)
check_positive_int, check_non_negative_int = _from(0, INC_NEITHER), _from(0, INC_LEFT)
check_positive_float, check_non_negative_float = _from(0.0, INC_NEITHER), _from(0.0, INC_LEFT)
check_is_float, check_is_int, check_bool = _typed(float), _typed(int), _typed(bool)


def check_string(
    arg_value: Any, valid_values: Sequence[str], arg_name: str | None = None, prim_name: Any = None
) -> str:
    """One of several texts."""
    if not isinstance(arg_value, str) or arg_value not in valid_values:
        known = ", ".join(map(repr, valid_values))
        raise ValueError(f"{_place(arg_name, prim_name)} must be one of {known}, but got {arg_value!r}")
    return arg_value
