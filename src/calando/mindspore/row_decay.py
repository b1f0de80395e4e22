"""Weight decay beside sparse gradients that count as zeros elsewhere: of their rows only, as in MindSpore.

The kernel decays whole parameters. So from its first sparse gradient on, a parameter is one that the kernel leaves
alone, and λ p is added to its gradients here, to all of a dense one.
"""

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import adapter, has_rows
from ..member import Member
from .gradients import unrecorded

if TYPE_CHECKING:
    from .optimizer import Optimizer as Base
else:
    Base = object


class RowDecay(Base):
    """A part of those optimizers whose ``SPARSE`` may be ``"whole"``."""

    def _by_group(self, gradients: Any) -> list[list[Any]]:
        if self.SPARSE == "whole" and isinstance(gradients, (tuple, list)) and len(gradients) == len(self._places):
            with unrecorded(self._library):
                gradients = [self._decayed_here(*place, g) for place, g in zip(self._places, gradients, strict=True)]
        return super()._by_group(gradients)

    def _decayed_here(self, number: int, i: int, g: Any) -> Any:
        """A gradient with the decay that the kernel does not add."""
        member, here = self.engine.members[number][i], self.__dict__.setdefault("_decays_here", set())
        values = self.engine.hypers[number].at(self.engine.clocks[number])
        decay = values["weight_decay"] * values["loss_scale"]
        if (number, i) not in here:
            if decay == 0 or member.exempt or not rows_of(member, g):
                return g
            here.add((number, i))
        if not member.exempt:
            group = self.engine.groups[number]
            self.engine.regroup(number, replace(group, exempt=group.exempt | {i}))
        return self._with_decay(member, g, decay) if decay else g

    def _with_decay(self, member: Member, g: Any, decay: float) -> Any:
        if self._library.name == "torch" or not has_rows(g):
            return super()._with_decay(member, g, decay) if g is not None else None
        indices, values = (np.asarray(x.asnumpy() if hasattr(x, "asnumpy") else x) for x in (g.indices, g.values))
        kept = adapter(member.param).numpy(member.param)[indices]
        return SimpleNamespace(
            indices=indices, values=values + kept * values.dtype.type(decay), dense_shape=g.dense_shape
        )


def rows_of(member: Member, g: Any) -> bool:
    """Whether it is a sparse gradient of a parameter; what is wrong about it is told by the engine."""
    if not has_rows(g) or not hasattr(g, "dense_shape"):
        return False
    shape = tuple(member.param.shape)
    indices = np.asarray(g.indices.asnumpy() if hasattr(g.indices, "asnumpy") else g.indices)
    within = indices.ndim == 1 and (not len(indices) or 0 <= indices.min() <= indices.max() < shape[0])
    return within and tuple(g.dense_shape) == shape and tuple(g.values.shape) == (len(indices), *shape[1:])
