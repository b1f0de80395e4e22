"""The same bodies as array expressions: any device, any layout, no compiler.

This is how a rule runs where no kernel is, and it is the twin that every kernel is held to. Half
precision is computed in float32 and rounded once, when it is stored.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..decay import APART, Decay
from ..rule import Rule


def play(
    rule: Rule,
    decay: Decay,
    p: Any,
    g: Any,
    slots: list[Any],
    front: list[Any],
    own: list[Any],
    center: Any,
    element: Callable[..., Any] | None = None,
) -> tuple[Any, ...]:
    """The new p and slots as arrays of the same shape.

    Args:
        p, g, slots: arrays or tensors of one shape and dtype.
        front, own: the scalars of the decay and of the rule, already rounded to that dtype.
        center: subtracted from the gradient: one number, or an array that broadcasts along the rows.
        element: what is played instead of the rule's own body.
    """
    if rule.whole and decay in APART and front[0] == 1 and isinstance(center, float) and center == 0:
        q, h = decay.element(p, 0.0, *front, center)[0], g  # as it is: a large matrix is not copied
    else:
        q, h = decay.element(p, g, *front, center)
    new = (element or rule.element)(q, h, *slots, *own)
    return new if isinstance(new, tuple) else (new,)


def rounded(numbers: Any, dtype: str) -> list[Any]:
    """Scalars as NumPy numbers of this dtype, so that an expression does not leave it."""
    kind = np.dtype(dtype).type
    return [kind(number) for number in numbers]
