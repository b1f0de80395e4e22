"""Constructors that take arguments of the shared base besides their own: keyword only, the outermost class's count."""

from collections.abc import Callable, Iterable
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Any

ASKED = "_asked"  # where an optimizer keeps what was given for them


def also(
    init: Callable[..., None],
    arguments: Iterable[Parameter],
    keep: Callable[[Any, dict[str, Any], Signature, Iterable[str]], None],
) -> Callable[..., None]:
    """A constructor that also takes these arguments, and hands them to ``keep`` before it runs.

    An argument that the constructor has itself stays its own. What a subclass gives to the constructor that it
    extends counts where its own caller gave nothing.

    Args:
        arguments: names and defaults.
        keep: (optimizer, what was given, the signature that is shown, the names of all other keywords).
    """
    known = signature(init)
    more = [p.replace(kind=Parameter.KEYWORD_ONLY) for p in arguments if p.name not in known.parameters]
    own = list(known.parameters.values())
    at = len(own) - (bool(own) and own[-1].kind is Parameter.VAR_KEYWORD)
    shown = known.replace(parameters=[*own[:at], *more, *own[at:]])

    @wraps(init)
    def made(self: Any, *args: Any, **rest: Any) -> None:
        given = {p.name: rest.pop(p.name) for p in more if p.name in rest}
        asked = self.__dict__[ASKED] = given | self.__dict__.get(ASKED, {})
        keep(self, asked, shown, rest)
        init(self, *args, **rest)

    made.__signature__ = shown  # type: ignore[attr-defined]
    return made
