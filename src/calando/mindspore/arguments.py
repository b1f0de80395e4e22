"""What the constructors of all optimizers have in common: ``lr`` is ``learning_rate``, and a switch is True or False.

A wrapper around ``__init__``; the signature that ``help`` shows is the one that was written.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import Signature, signature
from typing import Any

from ..hyper import shown
from ..nearest import refuse_unknown

LONG, SHORT = "learning_rate", "lr"


def checked_arguments(init: Callable[..., None]) -> Callable[..., None]:
    """A constructor that also takes ``lr=``, and refuses what is no argument of it and what is no switch.

    The wrapped constructor raises TypeError: ``lr`` and ``learning_rate`` were both given, there is no such argument,
    one is missing or given twice, or a switch is neither True nor False.
    """
    known = signature(init)

    @wraps(init)
    def checking(self: Any, *args: Any, **options: Any) -> None:
        place = f"For '{type(self).__name__}'"
        options = renamed(place, known, args, options)
        if type(self).__module__.partition(".")[0] == "calando":
            refuse_unknown(place, known, options)
            refuse_unbound(place, known, (self, *args), options)
            given = {**dict(zip(list(known.parameters)[1:], args, strict=False)), **options}
            refuse_unclear(place, known, given)
            refuse_betas(place, given)
        init(self, *args, **options)

    return checking


def renamed(place: str, known: Signature, args: tuple[Any, ...], options: dict[str, Any]) -> dict[str, Any]:
    """The options with ``lr`` under its long name."""
    if SHORT not in options or SHORT in known.parameters or LONG not in known.parameters:
        return options
    by_position = list(known.parameters).index(LONG) - 1 < len(args)  # without self
    if LONG in options or by_position:
        raise TypeError(f"{place}: {LONG!r} and {SHORT!r} are one thing; give one of them")
    return {LONG: options[SHORT], **{name: value for name, value in options.items() if name != SHORT}}


def refuse_unbound(place: str, known: Signature, args: tuple[Any, ...], options: dict[str, Any]) -> None:
    """Raise TypeError for arguments that are missing, too many, or given twice."""
    try:
        known.bind(*args, **options)
    except TypeError as problem:
        names = ", ".join(list(known.parameters)[1:])
        raise TypeError(f"{place}: {problem}; it takes {names}") from None


def refuse_betas(place: str, given: Mapping[str, Any]) -> None:
    """Raise TypeError for torch's pair of betas, which would pass for a list of two steps."""
    if isinstance(pair := given.get("beta1"), tuple):
        told = "torch's betas are 'beta1' and 'beta2' here, and one number for each step is a list"
        raise TypeError(f"{place}: 'beta1' must be one number, but got {pair!r}; {told}")


def refuse_unclear(place: str, known: Signature, given: Mapping[str, Any]) -> None:
    """Raise TypeError for a switch that is neither True nor False."""
    for name, value in given.items():
        entry = known.parameters.get(name)
        if entry is not None and isinstance(entry.default, bool) and not isinstance(value, bool):
            raise TypeError(f"{place}: {name!r} must be True or False, but got {shown(value)}")
