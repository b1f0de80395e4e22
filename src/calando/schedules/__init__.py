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
    Piecewise(values, boundaries)               a staircase, the last value for ever
    Function(call)                              any function of the step

    a.then(b)  a + b  a * b  a * 0.1  a.hold()  a.repeat(times)  a.per_epoch(steps_per_epoch)

Imports: numpy and the standard library.
"""

from .base import Schedule as Schedule
from .base import ScheduleEnd as ScheduleEnd
from .compose import Hold as Hold
from .compose import PerEpoch as PerEpoch
from .compose import Product as Product
from .compose import Repeat as Repeat
from .compose import Sum as Sum
from .compose import Then as Then
from .constant import Constant as Constant
from .cosine import Cosine as Cosine
from .exponential import Exponential as Exponential
from .exponential import NaturalExponential as NaturalExponential
from .function import Function as Function
from .inverse_time import InverseTime as InverseTime
from .linear import Linear as Linear
from .listed import Listed as Listed
from .piecewise import Piecewise as Piecewise
from .polynomial import Polynomial as Polynomial
from .text import parse as parse

__all__ = [
    "Constant",
    "Cosine",
    "Exponential",
    "Function",
    "Hold",
    "InverseTime",
    "Linear",
    "Listed",
    "NaturalExponential",
    "PerEpoch",
    "Piecewise",
    "Polynomial",
    "Product",
    "Repeat",
    "Schedule",
    "ScheduleEnd",
    "Sum",
    "Then",
    "parse",
]
