"""What a step did to each group, from the sums that its kernels have made on the way."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .plan import Part


class Measured(NamedTuple):
    """What one step did to one group: 2-norms over all its parameters that had a gradient.

    Args:
        group: its number.
        step: the step that its schedules saw.
        gradient: of the gradient as the rule saw it: scaled, clipped, with L2 decay, centred.
        update: of the change of the weights.
        weights: of the weights after the update.
        nonfinite: how many numbers among the gradients are infinite or not a number.
    """

    group: int
    step: int
    gradient: float
    update: float
    weights: float
    nonfinite: int

    @property
    def ratio(self) -> float:
        """The length of the update over that of the weights; 0 for weights of length 0."""
        return self.update / self.weights if self.weights else 0.0


def measured(active: Sequence[Part], sums: Sequence[Any], clocks: Sequence[int]) -> list[Measured]:
    """One row for each group, from the sums of the parts."""
    found: dict[int, Any] = {}
    for part, table in zip(active, sums, strict=True):
        for i in np.flatnonzero(part.present).tolist():
            group = part.members[i].group
            found[group] = found.get(group, 0.0) + table[i]
    rows = []
    with np.errstate(all="ignore"):
        for group, total in sorted(found.items()):
            gradient, update, weights = np.sqrt(total[:3]).tolist()
            rows.append(Measured(group, clocks[group], gradient, update, weights, int(total[3])))
    return rows
