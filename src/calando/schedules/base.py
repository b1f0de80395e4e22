"""Schedule: a number that depends on the step, as a frozen value.

A schedule is compared, hashed, printed and stored like any other value, and calling it is a pure
function of the step: the same step gives the same number, in any order, at any time.

A schedule of one's own is a frozen dataclass with a formula:

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True, repr=False)
    ... class Halving(Schedule):
    ...     start: float
    ...     def formula(self, step, words):
    ...         return self.start * words.power(0.5, step)
    >>> halving = Halving(8.0)
    >>> halving, halving(3), halving(np.arange(4)).tolist()
    (Halving(start=8.0), 1.0, [8.0, 4.0, 2.0, 1.0])
    >>> (halving * 0.5).then(0.25, after=2)(np.arange(4)).tolist()
    [4.0, 2.0, 0.25, 0.25]
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from numbers import Real
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from .checks import shown
from .spelling import call
from .words import Arrays, Numbers, Words

if TYPE_CHECKING:
    from .pace import PerEpoch, Repeat
    from .pair import Product, Sum
    from .then import Then

KINDS: dict[str, type[Schedule]] = {}  # what can be stored, by the name of its class


LAST = 2**63  # the first step that an array of int64 cannot hold


class ScheduleEnd(IndexError):
    """A schedule was asked for a step past its end."""


@dataclass(frozen=True, repr=False, eq=False)
class Schedule:
    """A number that depends on the step. The base of all schedules; it has no formula itself."""

    __array_ufunc__ = None  # np.float64(0.1) * schedule is a schedule, not an array of one

    def __init_subclass__(cls, stored: bool = True, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        own = f"{__package__}."
        known = KINDS.get(cls.__name__)
        if known and known.__module__.startswith(own) and not cls.__module__.startswith(own):
            raise TypeError(f"{cls.__name__} is a schedule of calando's; give your class another name")
        if stored:
            KINDS[cls.__name__] = cls

    # What a subclass says of itself.

    def formula(self, step: Any, words: Words) -> Any:
        """The value at ``step``, which is an int or an int64 array as ``words`` has it (see words.py)."""
        raise NotImplementedError(f"{type(self).__name__} has no formula(step, words)")

    @property
    def length(self) -> int | None:
        """How many steps pass before ``then`` hands over; None: it has no end of its own."""
        return None

    @property
    def last(self) -> int | None:
        """The last step that has a value of its own; None: every step has."""
        return None

    @property
    def ends(self) -> bool:
        """Whether there is no value from step ``length`` on, as in a list."""
        return False

    @property
    def steady(self) -> bool:
        """Whether the value never changes; then it has no say in how long a sum or product lasts."""
        return False

    @property
    def parts(self) -> tuple[Schedule, ...]:
        """The schedules this one is made of."""
        return ()

    @cached_property
    def depth(self) -> int:
        """How many schedules are nested in each other here, this one included."""
        return 1 + max((part.depth for part in self.parts), default=0)

    # Asking for values.

    @overload
    def __call__(self, step: int) -> float: ...
    @overload
    def __call__(self, step: np.ndarray) -> np.ndarray: ...
    def __call__(self, step: Any) -> Any:
        """The value at a step ≥ 0 as a float, or at an array of steps as a float64 array of its shape.

        A tensor of shape (), as the ``"step"`` in torch's state, is a step; any other is an array of steps.

        Raises:
            ValueError, TypeError: a step that is negative, or no whole number.
            ScheduleEnd: a step past the end of a list.
        """
        try:
            if type(step) is int and step >= 0:
                return self.formula(step, Numbers)
            if isinstance(step, np.ndarray):
                return self._many(step)
            if getattr(step, "ndim", 0) and hasattr(step, "__array__"):
                return self._many(np.asarray(step))
            return self.formula(_whole(step), Numbers)
        except ScheduleEnd as end:
            raise self._ended(step, end) from None

    def _many(self, step: np.ndarray) -> np.ndarray:
        steps = _whole_array(step)
        out = np.empty(step.shape)
        if steps.size:
            with np.errstate(over="ignore", invalid="ignore"):  # as Python's floats: inf and nan, silently
                out.reshape(-1)[:] = self.formula(steps, Arrays)
        return out

    def _ended(self, step: Any, end: ScheduleEnd) -> ScheduleEnd:
        """The sentence of a list within a list, in the steps of the whole."""
        if not self.parts or not self.ends:
            return end
        past = int(np.max(step))
        return ScheduleEnd(
            f"{self.describe()} ends after {self.length} step{'s' * (self.length != 1)}, so there is no value for "
            f"step {past}; give a longer list, or .hold() to stay at the last value"
        )

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name in ("step", "get_lr", "get_last_lr", "state_dict", "load_state_dict"):  # torch's schedulers have it
                told = "it is called, as in schedule(step), and the clock of an optimizer moves it"
                raise AttributeError(f"a schedule such as {type(self).__name__} has no {name!r}: {told}")
            return object.__getattribute__(self, name)

    # Making larger schedules.

    def then(self, following: Schedule | float, after: int | None = None) -> Then:
        """This schedule for ``after`` steps (else its ``length``), then ``following`` from its step 0.

        Example:
            >>> from calando.schedules import Cosine, Linear
            >>> rate = Linear(0.0, 1.0, steps=2).then(Cosine(1.0, 0.0, steps=2))
            >>> [rate(step) for step in range(6)]
            [0.0, 0.5, 1.0, 0.5, 0.0, 0.0]
        """
        from .then import join

        return join(self, following, after)

    def hold(self) -> Schedule:
        """This schedule, staying at its last value for ever; itself where nothing ends.

        Example:
            >>> from calando.schedules import Listed
            >>> Listed([3, 2, 1]).hold()(100)
            1.0
        """
        from .pace import Hold

        return Hold(self) if self.ends else self

    def repeat(self, times: int | None = None) -> Repeat:
        """This schedule, begun anew every ``length`` steps: ``times`` in all, or for ever.

        Example:
            >>> from calando.schedules import Listed
            >>> Listed([3, 2, 1]).repeat()(np.arange(7)).tolist()
            [3.0, 2.0, 1.0, 3.0, 2.0, 1.0, 3.0]
        """
        from .pace import Repeat

        return Repeat(self, times)

    def per_epoch(self, steps_per_epoch: int) -> PerEpoch:
        """This schedule counting epochs: it moves on by one every ``steps_per_epoch`` steps.

        Example:
            >>> from calando.schedules import Listed
            >>> Listed([3, 2, 1]).per_epoch(2)(np.arange(6)).tolist()
            [3.0, 3.0, 2.0, 2.0, 1.0, 1.0]
        """
        from .pace import PerEpoch

        return PerEpoch(self, steps_per_epoch)

    def skip(self, steps: int) -> Schedule:
        """This schedule begun ``steps`` steps in, from 0 on.

        Example:
            >>> from calando.schedules import Listed
            >>> Listed([3, 2, 1]).skip(1)(np.arange(2)).tolist()
            [2.0, 1.0]
        """
        from .checks import count
        from .pace import Skip

        return Skip(self, steps) if count(steps, "skip: steps", least=0) else self

    def __add__(self, other: Schedule | float) -> Sum:
        from .pair import Sum

        right = _operand(other)
        return NotImplemented if right is None else Sum(self, right)

    def __radd__(self, other: float) -> Sum:
        from .pair import Sum

        left = _operand(other)
        return NotImplemented if left is None else Sum(left, self)

    def __mul__(self, other: Schedule | float) -> Product:
        from .pair import Product

        right = _operand(other)
        return NotImplemented if right is None else Product(self, right)

    def __rmul__(self, other: float) -> Product:
        from .pair import Product

        left = _operand(other)
        return NotImplemented if left is None else Product(left, self)

    def __truediv__(self, divisor: float) -> Product:
        return NotImplemented if isinstance(divisor, Schedule) else self * (1 / divisor)

    def __neg__(self) -> Product:
        return -1.0 * self

    def __sub__(self, other: Schedule | float) -> Sum:
        right = _operand(other)
        return NotImplemented if right is None else self + -right

    def __rsub__(self, other: float) -> Sum:
        return other + -self

    # Writing it down.

    def _spell(self, short: bool) -> str:
        return call(self, short)

    def __repr__(self) -> str:
        return self._spell(short=False)

    def describe(self) -> str:
        """One short line for people: six digits, long lists abbreviated.

        Example:
            >>> from calando.schedules import Cosine, Linear
            >>> (Linear(0.0, 0.1, steps=5).then(Cosine(0.1, 0.0, steps=95)) * 0.5).describe()
            '(Linear(0, 0.1, 5).then(Cosine(0.1, 0, 95)) * 0.5)'
        """
        return self._spell(short=True)

    def to_dict(self) -> dict[str, Any]:
        """This schedule as plain data (str, int, float, bool, None, list, dict), for JSON or a checkpoint.

        Example:
            >>> from calando.schedules import Cosine
            >>> Cosine(0.1, 0.0, steps=95).to_dict()
            {'schedule': 'Cosine', 'start': 0.1, 'end': 0.0, 'steps': 95}
        """
        from .stored import to_data

        return to_data(self)

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Schedule:
        """The schedule that ``to_dict`` wrote down; ValueError for anything else. Runs no code.

        Example:
            >>> from calando.schedules import Cosine
            >>> Schedule.from_dict({"schedule": "Cosine", "start": 0.1, "end": 0.0, "steps": 95})
            Cosine(start=0.1, end=0.0, steps=95)
        """
        from .stored import from_data

        return from_data(data)

    def __getstate__(self) -> dict[str, Any]:
        # Only the fields travel: what was cached can be made again. (A class that is no dataclass keeps all.)
        if "__dataclass_fields__" not in type(self).__dict__:
            return dict(self.__dict__)
        return {field.name: getattr(self, field.name) for field in fields(self)}


def _operand(value: Any) -> Schedule | None:
    """A schedule as it is, a number as a Constant, None for anything else."""
    from .constant import Constant

    if isinstance(value, Schedule):
        return value
    if isinstance(value, Real) and not isinstance(value, bool):
        return Constant(float(value))
    return None


def _whole(step: Any) -> int:
    """The step as a Python int ≥ 0."""
    if getattr(step, "ndim", None) == 0:  # a tensor, or a number of NumPy's
        step = step.item()
    if isinstance(step, bool):
        raise TypeError(f"a step must be a whole number, not {shown(step)}")
    if isinstance(step, Real) and not hasattr(step, "__index__"):
        if step != step // 1:
            raise ValueError(f"a step must be a whole number, not {shown(step)}")
        step = int(float(step))
    try:
        whole = operator.index(step)
    except TypeError:
        raise TypeError(f"a step must be a whole number or an array of them, not {shown(step)}") from None
    if whole < 0:
        raise ValueError(f"a step must not be negative, not {whole}")
    return whole


def _whole_array(step: np.ndarray) -> np.ndarray:
    """The steps as int64 ≥ 0, along one axis."""
    if step.dtype.kind not in "iuf":
        raise TypeError(f"an array of steps must hold whole numbers, not {step.dtype}")
    flat = step.reshape(-1)
    if step.dtype.kind == "f":
        odd = flat != np.floor(flat)
        odd |= ~np.isfinite(flat)
        if odd.any():
            raise ValueError(f"an array of steps must hold whole numbers, not {flat[odd][0]}")
    if flat.size and flat.max() >= LAST:
        raise ValueError(f"an array of steps must hold numbers below 2⁶³, not {flat.max()}")
    whole = flat.astype(np.int64, copy=False)
    if whole.size and whole.min() < 0:
        raise ValueError(f"a step must not be negative, but the array holds {whole.min()}")
    return whole
