"""The memory that a step must move, counted from the rule: what its floor is.

Every array that the kernel reads or writes counts once per pass; scalars and tables do not count.
"""

from dataclasses import dataclass

import numpy as np

from ..decay import Decay
from ..rule import Rule


@dataclass(frozen=True)
class Traffic:
    """The arrays that one step moves for each parameter.

    Args:
        itemsize: bytes of one element; slots have the parameter's dtype.
        reads, writes: arrays of the pass that updates.
        first_reads: arrays that are read once before it, because norms or means are needed first.
    """

    itemsize: int
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    first_reads: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, rule: Rule, decay: Decay, dtype: str = "float32", clipped: bool = False, centered: bool = False
    ) -> "Traffic":
        """What one step of this rule must move.

        Args:
            clipped: whether the norm of the gradient is needed (``max_norm``, ``on_nonfinite``).
            centered: whether the mean of each row of the gradient is needed (gradient centralization).
        """
        before: list[str] = []
        if clipped or centered:
            before += ["g"] * (clipped + centered)
        if centered and decay.name == "l2":
            before.append("p")  # the mean of λ p belongs to the gradient's
        if decay.measured:
            before += ["p", "g"]
        if rule.measure is not None:
            before += ["p", "g", *rule.slots]
        return cls(np.dtype(dtype).itemsize, ("p", "g", *rule.slots), ("p", *rule.slots), tuple(before))

    @property
    def update(self) -> int:
        """Bytes per parameter of the pass that updates."""
        return self.itemsize * (len(self.reads) + len(self.writes))

    @property
    def before(self) -> int:
        """Bytes per parameter that are read before it."""
        return self.itemsize * len(self.first_reads)

    @property
    def total(self) -> int:
        """Bytes per parameter of the whole step."""
        return self.update + self.before

    @property
    def arrays(self) -> int:
        """How many arrays of the parameter's size a step touches."""
        return len(set(self.reads) | set(self.writes))
