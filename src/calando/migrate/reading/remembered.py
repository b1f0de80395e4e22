"""Questions about what was read that are answered once: the answer does not change any more."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")


class Remembering(Protocol):
    """What holds the answers that were given."""

    @property
    def memory(self) -> dict[Any, Any]: ...


At = TypeVar("At", bound=Remembering)


def remembered(answer: Callable[Concatenate[At, Asked], Answer]) -> Callable[Concatenate[At, Asked], Answer]:
    """A function of a flow, or of the work on it, whose answers are kept; a caller must not change them."""

    @wraps(answer)
    def asked(at: At, *given: Asked.args, **named: Asked.kwargs) -> Answer:
        key = answer, *given, *named.items()
        if key not in at.memory:
            at.memory[key] = answer(at, *given, **named)
        found: Answer = at.memory[key]
        return found

    return asked
