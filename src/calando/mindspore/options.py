"""The arguments of ``calando.choices`` on every optimizer of this front end; an optimizer that makes its steps itself
refuses them.

Two are not quite as in ``calando.torch``. ``slot_dtype`` is ``"param"`` by default: slots have the dtype of their
parameters, as in MindSpore. ``grads_after_step`` is ``"keep"`` or ``"zero"``: zeros are for those who add up gradients
in arrays of their own.
"""

from collections.abc import Callable, Iterable, Mapping
from inspect import Signature
from typing import Any

from ..average import SLOT
from ..choices import FRONTS, Options, arguments, chosen, one_of, refuse_exact, with_groups
from ..further import ASKED, also
from ..hyper import shown as shown_value

USUAL = {"slot_dtype": "param"}
AFTER = ("keep", "zero")
ARGUMENTS = arguments(**USUAL)
DEFAULTS = {p.name: p.default for p in ARGUMENTS}


def with_options(init: Callable[..., None]) -> Callable[..., None]:
    """A constructor that also takes the options."""
    return also(init, ARGUMENTS, keep)


def keep(optimizer: Any, asked: Mapping[str, Any], shown: Signature, rest: Iterable[str]) -> None:
    """Raise ValueError for an option that this optimizer does not have, or that cannot be."""
    place, why = f"For '{type(optimizer).__name__}'", type(optimizer).PLAIN
    for name in (name for name, value in asked.items() if why and not kept_as(name, value)):
        raise ValueError(f"{place}: {name!r} must stay {DEFAULTS[name]!r}: {why}")
    after = asked.get("grads_after_step", AFTER[0])
    if not one_of(AFTER, after):
        told = "; gradients are arguments here, so there is no .grad to let go of" if one_of(("none",), after) else ""
        raise ValueError(
            f"{place}: 'grads_after_step' must be one of {', '.join(AFTER)}, but got {shown_value(after)}{told}"
        )
    chosen(type(optimizer).__name__, **{**USUAL, **asked})


def kept_as(name: str, value: Any) -> bool:
    """Whether an option stays as it is by default."""
    return value is DEFAULTS[name] or (type(value) is type(DEFAULTS[name]) and value == DEFAULTS[name])


def options_of(optimizer: Any, params: Any) -> tuple[Options, Any]:
    """The options that were named, here or in a group, and the parameters, which are read only once.

    Raises:
        ValueError: a group has an option that this optimizer does not have, or an average of its own where the
            optimizer has none; there is nothing to be rounded, or slots of a dtype that NumPy does not have.
    """
    owner, why = type(optimizer).__name__, type(optimizer).PLAIN
    options = chosen(owner, **{**USUAL, **optimizer.__dict__.pop(ASKED, {})})
    params = list(params) if hasattr(params, "__next__") else params
    for number, group in enumerate(params if isinstance(params, (list, tuple)) else ()):
        own = [name for name in (SLOT, *FRONTS[1:]) if isinstance(group, Mapping) and name in group]
        for name in own if why else ():
            raise ValueError(f"For {owner!r}, group {number}: {name!r} must stay None: {why}")
        if SLOT in own and options.ema is None:
            told = "the optimizer keeps no average; give ema= to the optimizer too"
            raise ValueError(f"For {owner!r}, group {number}: {SLOT!r} is {group[SLOT]!r}, but {told}")
    return with_groups(options, list(params) if isinstance(params, tuple) else params), params


def refuse_unfit(place: str, params: Iterable[Any], options: Options) -> None:
    """Raise ValueError for a group whose parameters cannot have what was chosen."""
    refuse_exact(place, params, options.rounding, "give parameters in half precision")
