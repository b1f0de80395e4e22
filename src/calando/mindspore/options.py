"""What the constructors of all optimizers take besides their own arguments, as those of ``calando.torch`` do.

ema             a running average of the weights
max_group_norm  bound for the norm of the gradients of each group
clip_value      bound for each number of the gradients

Each is a number, a list, a schedule, a Cell or a function of the step; a group may have its own. An optimizer that
makes its steps itself refuses them.
"""

from collections.abc import Callable, Iterable, Mapping
from inspect import Parameter, Signature
from typing import Any

from ..average import SLOT
from ..further import ASKED, also

NAMES = (SLOT, "max_group_norm", "clip_value")
ARGUMENTS = [Parameter(name, Parameter.KEYWORD_ONLY, default=None) for name in NAMES]


def with_options(init: Callable[..., None]) -> Callable[..., None]:
    """A constructor that also takes the options."""
    return also(init, ARGUMENTS, keep)


def keep(optimizer: Any, asked: Mapping[str, Any], shown: Signature, rest: Iterable[str]) -> None:
    """Raise ValueError for an option that this optimizer does not have."""
    named = [name for name, value in asked.items() if value is not None]
    refuse(f"For '{type(optimizer).__name__}'", type(optimizer).PLAIN, named)


def refuse(place: str, why: str, named: Iterable[str]) -> None:
    """Raise ValueError for the first of these options, if there is a reason why they are not for this optimizer."""
    for name in named if why else ():
        raise ValueError(f"{place}: {name!r} must stay None: {why}")


def options_of(optimizer: Any, params: Any) -> tuple[dict[str, Any], Any]:
    """The options that were named, here or in a group, and the parameters, which are read only once.

    Raises:
        ValueError: a group has an option that this optimizer does not have, or an average of its own where the
            optimizer has none.
    """
    given = optimizer.__dict__.pop(ASKED, {})
    found = {name: given[name] for name in NAMES if given.get(name) is not None}
    params = list(params) if hasattr(params, "__next__") else params
    for number, group in enumerate(params if isinstance(params, (list, tuple)) else ()):
        own = [name for name in NAMES if isinstance(group, Mapping) and name in group]
        place = f"For '{type(optimizer).__name__}', group {number}"
        refuse(place, type(optimizer).PLAIN, own)
        if SLOT in own and SLOT not in found:
            told = "the optimizer keeps no average; give ema= to the optimizer too"
            raise ValueError(f"{place}: {SLOT!r} is {group[SLOT]!r}, but {told}")
        found |= {name: None for name in own if name not in found}
    return {name: found[name] for name in NAMES if name in found}, params
