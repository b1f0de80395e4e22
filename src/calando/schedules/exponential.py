"""Exponential decay, to a base of one's own or to the base e.

    Exponential          h(step) = start · rate^(step / steps)
    NaturalExponential   h(step) = start · e^(-rate · step / steps)

With ``staircase`` the quotient step / steps is rounded down, so that the value falls once every
``steps`` steps. ``Exponential`` is MindSpore's ``nn.exponential_decay_lr`` bit for bit; with a staircase
it is torch's ``StepLR``, without it ``ExponentialLR``.

``NaturalExponential`` follows MindSpore's *documented* formula. Its code (``nn.natural_exp_decay_lr``,
``nn.NaturalExpDecayLR``, 2.10) leaves ``decay_steps`` out: without a staircase it computes
NaturalExponential(lr, rate, 1), bit for bit; with one, NaturalExponential(lr, rate · n, n, True).
"""

from dataclasses import dataclass
from math import e
from typing import Any

from .base import Schedule
from .checks import at_least_zero, count, flag, number, settle
from .words import Words


@dataclass(frozen=True, repr=False)
class Exponential(Schedule):
    """Multiply ``start`` by ``rate`` every ``steps`` steps, for ever, gradually or at a blow.

    Args:
        start: value at step 0.
        rate: factor per ``steps`` steps, not negative; above 1 the value grows.
        steps: how many steps the factor takes, at least 1.
        staircase: apply the whole factor at once instead of a little at each step.

    Raises:
        ValueError, TypeError: start or rate is no finite number, rate is negative, or steps no whole number from 1 on.

    Example:
        >>> decay = Exponential(start=1.0, rate=0.25, steps=2)
        >>> [decay(step) for step in range(5)]
        [1.0, 0.5, 0.25, 0.125, 0.0625]
        >>> stairs = Exponential(start=1.0, rate=0.25, steps=2, staircase=True)
        >>> [stairs(step) for step in range(5)]
        [1.0, 1.0, 0.25, 0.25, 0.0625]
    """

    start: float
    rate: float
    steps: int = 1
    staircase: bool = False

    def __post_init__(self) -> None:
        settle(self, start=number, rate=at_least_zero, steps=count, staircase=flag)

    def formula(self, step: Any, words: Words) -> Any:
        exponent = step // self.steps if self.staircase else step / self.steps
        return self.start * words.power(self.rate, exponent)


@dataclass(frozen=True, repr=False)
class NaturalExponential(Schedule):
    """Divide ``start`` by e^rate every ``steps`` steps, for ever, gradually or at a blow.

    Args:
        start: value at step 0.
        rate: exponent per ``steps`` steps; below 0 the value grows.
        steps: how many steps the division takes, at least 1.
        staircase: divide at once instead of a little at each step.

    Raises:
        ValueError, TypeError: start or rate is no finite number, or steps no whole number from 1 on.

    Example:
        >>> decay = NaturalExponential(start=1.0, rate=0.5, steps=2)
        >>> [round(decay(step), 4) for step in range(4)]
        [1.0, 0.7788, 0.6065, 0.4724]
    """

    start: float
    rate: float
    steps: int = 1
    staircase: bool = False

    def __post_init__(self) -> None:
        settle(self, start=number, rate=number, steps=count, staircase=flag)

    def formula(self, step: Any, words: Words) -> Any:
        # A power of the float e, not exp: MindSpore writes it so, and the last digits differ.
        exponent = -self.rate * (step // self.steps) if self.staircase else -self.rate * step / self.steps
        return self.start * words.power(e, exponent)
