"""A cosine that goes on: down, up again, and so for ever.

    h(step) = end + (start - end)(1 + cos(π step / steps)) / 2

``Cosine`` stays where it has arrived; this one comes back at 2 · steps. It is what torch's
``CosineAnnealingLR`` does past its ``T_max``. torch computes each value from the one before, and starts
every rise from the trough; a rise that begins with numbers as small as the rounding around ``end`` keeps
that error all the way up. To be equal to torch within 1e-12 everywhere, the rises here have the same height.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import cos, pi
from typing import Any

from .base import Schedule
from .checks import count, number, settle
from .words import Numbers, Words

STEEP = 2**26  # steps up to which 1 - cos(π / steps) can be told from 0
LOW = 64  # steps after a trough in which rounding counts


@dataclass(frozen=True, repr=False)
class CosineWave(Schedule):
    """Swing between ``start`` at step 0 and ``end`` at ``steps``, for ever; torch's ``CosineAnnealingLR``.

    Args:
        start: value at steps 0, 2 · steps, 4 · steps …
        end: value at steps steps, 3 · steps …
        steps: half a period, at least 1.

    Raises:
        ValueError, TypeError: start or end is no finite number, or steps no whole number from 1 on.

    Example:
        >>> swing = CosineWave(start=1.0, end=0.0, steps=2)
        >>> [round(swing(step), 3) for step in range(6)]
        [1.0, 0.5, 0.0, 0.5, 1.0, 0.5]
    """

    start: float
    end: float
    steps: int

    def __post_init__(self) -> None:
        settle(self, start=number, end=number, steps=count)

    def formula(self, step: Any, words: Words) -> Any:
        rise = (step + self.steps - 1) // (2 * self.steps)
        height = words.distinct(lambda rise: self._height(rise, words), rise)
        return self.end + height * (1 + words.cos(pi * step / self.steps)) / 2

    def _height(self, rise: Any, words: Words) -> Any:
        """How high the wave is after ``rise`` troughs."""
        height = self.start - self.end
        if self.steps > STEEP:
            return height + 0.0 * rise
        call = remembered if words is Numbers else risen
        return words.where(rise == 0, height, call(height, self.end, self.steps, rise, words))


def risen(height: float, end: float, steps: int, rise: Any, words: Words) -> Any:
    """The height that a wave has by torch's recursion after its first steps up from a trough."""

    def above(step: Any) -> Any:
        return 1 + words.each(cos, pi * step / steps)  # of the platform, as torch's; NumPy's has another last digit

    trough = (2 * rise - 1) * steps
    value = (end + height * (1 - cos(pi / steps)) / 2) - end
    before = above(trough + 1)
    for step in range(2, 1 + min(LOW, steps)):
        now = above(trough + step)
        value = (now / before * value + end) - end
        before = now
    return 2 * value / before


remembered: Any = lru_cache(maxsize=4096)(risen)
