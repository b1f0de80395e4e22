"""Numbers that depend on the step: frozen values to call, compare, print, store and combine.

    >>> from calando.schedules import *
    >>> rate = Linear(0.0, 0.1, steps=5).then(Cosine(0.1, 0.0, steps=95))
    >>> rate(5)
    0.1
    >>> rate == eval(repr(rate)) == parse(repr(rate)) == Schedule.from_dict(rate.to_dict())
    True

Steps count from 0. Any hyperparameter may be a schedule, so none of them speaks of learning rates.

    Constant(value)                             the same for ever
    Listed(values)                              one value per step, ScheduleEnd past the last
    Linear(start, end, steps)                   a straight line, then stays
    Cosine(start, end, steps)                   half a cosine, then stays
    Polynomial(start, end, steps, power)        a power of the share that is left, then stays
    Exponential(start, rate, steps)             times rate every steps, for ever
    NaturalExponential(start, rate, steps)      divided by e^rate every steps, for ever
    InverseTime(start, rate, steps)             start / (1 + rate step / steps), for ever
    InverseSquareRoot(start, steps)             start √(steps / (steps + step)), for ever
    Piecewise(values, boundaries)               a staircase, the last value for ever
    CosineWave(start, end, steps)               a cosine, down and up for ever
    WarmRestarts(start, end, steps, growth)     half a cosine, again and again, each longer than the last
    Cyclic(start, end, up, down)                up and down in straight lines, for ever
    OneCycle(start, peak, end, steps)           up, down and further down, then stays
    CumulativeProduct(start, factor)            multiplied by another schedule at each step
    Function(call)                              any function of the step

    a.then(b)  a + b  a * b  a * 0.1  a.hold()  a.repeat(times)  a.per_epoch(steps_per_epoch)  a.skip(steps)

    warmup_cosine  warmup_linear  warmup_inverse_square_root  noam  warmup_stable_decay

``from_torch`` turns a live scheduler of torch's into what it would go on to do; docs/schedules.md has a
table from each of its classes to the words here.

Imports: numpy and the standard library.
"""

from .base import Schedule as Schedule
from .base import ScheduleEnd as ScheduleEnd
from .constant import Constant as Constant
from .cosine import Cosine as Cosine
from .cosine_wave import CosineWave as CosineWave
from .cumulative_product import CumulativeProduct as CumulativeProduct
from .cyclic import Cyclic as Cyclic
from .exponential import Exponential as Exponential
from .exponential import NaturalExponential as NaturalExponential
from .from_torch import from_torch as from_torch
from .function import Function as Function
from .inverse_square_root import InverseSquareRoot as InverseSquareRoot
from .inverse_time import InverseTime as InverseTime
from .linear import Linear as Linear
from .listed import Listed as Listed
from .one_cycle import OneCycle as OneCycle
from .pace import Hold as Hold
from .pace import PerEpoch as PerEpoch
from .pace import Repeat as Repeat
from .pace import Skip as Skip
from .pair import Product as Product
from .pair import Sum as Sum
from .piecewise import Piecewise as Piecewise
from .polynomial import Polynomial as Polynomial
from .text import parse as parse
from .then import Then as Then
from .warm_restarts import WarmRestarts as WarmRestarts
from .warmup import noam as noam
from .warmup import warmup_cosine as warmup_cosine
from .warmup import warmup_inverse_square_root as warmup_inverse_square_root
from .warmup import warmup_linear as warmup_linear
from .warmup import warmup_stable_decay as warmup_stable_decay

__all__ = [
    "Constant",
    "Cosine",
    "CosineWave",
    "CumulativeProduct",
    "Cyclic",
    "Exponential",
    "Function",
    "Hold",
    "InverseSquareRoot",
    "InverseTime",
    "Linear",
    "Listed",
    "NaturalExponential",
    "OneCycle",
    "PerEpoch",
    "Piecewise",
    "Polynomial",
    "Product",
    "Repeat",
    "Schedule",
    "ScheduleEnd",
    "Skip",
    "Sum",
    "Then",
    "WarmRestarts",
    "from_torch",
    "noam",
    "parse",
    "warmup_cosine",
    "warmup_inverse_square_root",
    "warmup_linear",
    "warmup_stable_decay",
]


def __getattr__(name: str):
    from ..nearest import hint

    if name.endswith("LR"):
        told = "from_torch reads a scheduler of torch's, and docs/schedules.md has a table from each of its classes"
        raise AttributeError(f"module {__name__!r} has no {name!r}: {told} to the schedules here")
    raise AttributeError(f"module {__name__!r} has no {name!r}{hint(name, __all__)}; it has {', '.join(__all__)}")
