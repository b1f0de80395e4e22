"""Groups: which parameters share a rule, a manner of decay and hyperparameters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .decay import Decay
from .rule import Rule


@dataclass(frozen=True, eq=False)
class Group:
    """One group of parameters, as the engine sees it.

    Args:
        params: arrays or tensors of any shapes; one group may mix dtypes and devices.
        names: what errors call them, one each.
        rule: the update rule.
        decay: the manner of weight decay in front of it.
        maximize: climb instead of descend.
        centralize: subtract from each gradient of two or more dimensions the mean of each row (first axis).
        exempt: positions of parameters that never decay.
        fronts: positions of parameters that have another manner of decay than the group.
        sparse: what a sparse gradient means: ``"refuse"`` it, ``"whole"``: zeros elsewhere, or ``"rows"``: only the
            rows that it has are updated.
        slot_dtype: the dtype of the slots; None: the parameters' own, as always in float64; ``"int8"``: in 8 bits
            (``eight``).
        rounding: how parameters in half precision are rounded: ``"stochastic"``, ``"kahan"`` (``rounding``), or None:
            to the nearest.
        starts: what a slot is filled with before the first update, where it is not 0.
        bounded: whether each number of a gradient is clipped by ``clip_value``.
        dialects: dtype → rules and manners of decay → those that parameters of this dtype have instead.
    """

    params: tuple[Any, ...]
    names: tuple[str, ...]
    rule: Rule
    decay: Decay
    maximize: bool = False
    centralize: bool = False
    exempt: frozenset[int] = frozenset()
    fronts: Mapping[int, Decay] = field(default_factory=dict)
    sparse: str = "refuse"
    slot_dtype: str | None = None
    starts: Mapping[str, float] = field(default_factory=dict)
    bounded: bool = False
    rounding: str | None = None
    dialects: Mapping[str, Mapping[Any, Any]] = field(default_factory=dict)


Seen = dict[int, tuple[int, str]]  # id of a parameter → the number of its group, and its name


def refuse_doubles(
    place: str,
    groups: Sequence[Sequence[Any]],
    names: Sequence[Sequence[str]],
    seen: Seen | None = None,
    first: int = 0,
) -> None:
    """Raise ValueError if a parameter stands twice, in one group or in two.

    Args:
        groups, names: parameters, and what they are called.
        seen: those of the groups before, to which these are added.
        first: the number of the first of these groups.
    """
    seen = {} if seen is None else seen
    for number, (params, called) in enumerate(zip(groups, names, strict=True), first):
        for x, name in zip(params, called, strict=True):
            if id(x) in seen:
                first, known = seen[id(x)]
                where = f"twice in group {number}" if first == number else f"in group {first} and in group {number}"
                raise ValueError(f"{place}: parameter {known!r} stands {where}; give each parameter once")
            seen[id(x)] = number, name
