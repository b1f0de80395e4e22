"""Hyperparameters as MindSpore holds them: in float32 while a step is made."""

from typing import Any

import numpy as np

from ..hyper import Hyper
from ..schedules import Schedule

EXACT = ("loss_scale", "max_norm")  # front of the rules; MindSpore divides by the loss scale in the constructor
LARGEST = float(np.finfo(np.float32).max)


class SingleHyper(Hyper):
    """A step sees every number rounded to float32, where that leaves it in its domain.

    1 - float32(0.9999) is 1.7e-4 larger than 0.0001, so the share of new gradients in a running mean, and what is
    built on it, would else differ from MindSpore's by that. What is shown (``at``, ``trace`` and ``current`` of the
    optimizer) is what was given.
    """

    def checked(self, name: str, value: Any, step: int) -> Schedule | float:
        """As everywhere, and no number that is infinite in float32."""
        entry = super().checked(name, value, step)
        if isinstance(entry, float) and abs(entry) > LARGEST and name not in EXACT:
            raise self.outside(name, entry, "infinite in float32")
        return entry

    def at(self, step: int) -> dict[str, float]:
        """Every hyperparameter at the present step, inside its domain, as float32."""
        if self.ready is None or self.ready[0] != step:
            values = dict(super().at(step))
            with np.errstate(over="ignore"):
                rounded = np.array(list(values.values()), np.float32).tolist()
            for name, number in zip(values, rounded, strict=True):
                low, high = self.domain[name]
                if low <= number < high and name not in EXACT:
                    values[name] = number
            self.ready = step, values
        return self.ready[1]
