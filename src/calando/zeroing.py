"""Which gradients a kernel leaves zeros in, in the pass that reads them, and which are left to a front end."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .plan import Part


def zeroable(active: Sequence[Part], given: Sequence[Any]) -> list[bool]:
    """For each part, whether a kernel can zero its gradients: read where they were given, and none of them twice."""
    known = {id(g) for g in given}
    where = np.concatenate([part.grad_where[part.present] for part in active if part.key.fused] or [np.zeros(0)])
    alone = len(known) == len(given) and len(np.unique(where)) == len(where)
    return [alone and part.key.fused and not part.sparse and all(id(g) in known for g in part.grads) for part in active]


def left_over(given: Sequence[Any], zeroed: Sequence[Part]) -> list[Any]:
    """The gradients that are not zeroed yet."""
    for part in zeroed:
        part.key.arrays.touched(part.grads)
    done = {id(g) for part in zeroed for g in part.grads}
    return [g for g in given if id(g) not in done]
