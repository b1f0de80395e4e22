"""The arguments of ``calando.choices`` on every optimizer of ``calando.torch``."""

from collections.abc import Callable, Iterable, Mapping
from inspect import Signature
from typing import Any

from ..choices import arguments, chosen
from ..further import also
from ..nearest import refuse_unknown

ARGUMENTS = arguments()


def with_options(init: Callable[..., None]) -> Callable[..., None]:
    """A constructor that also takes the options.

    It raises TypeError for what is no argument of it, with the nearest one.
    """
    return also(init, ARGUMENTS, keep)


def keep(optimizer: Any, asked: Mapping[str, Any], shown: Signature, rest: Iterable[str]) -> None:
    """Give an optimizer its options."""
    optimizer._options = chosen(type(optimizer).__name__, **asked)
    refuse_unknown(f"For '{type(optimizer).__name__}'", shown, rest)
