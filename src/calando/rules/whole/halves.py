"""AdaFactor for float16 as MindSpore's CPU computes it: the row of means is divided by as it is kept, in float16.

So where the squares of one row underflow, it is divided by 0, and the whole matrix stands still. The column is not
read again, nor are the squares of vectors; all else is float32. Without momentum nothing is float16 but what is kept:
the mean of updates that MindSpore has then, without using it, is float32, and so its kernel is.

Source: found by comparison with mindspore.nn.AdaFactor 2.10 on the CPU.
"""

from dataclasses import replace

from ...ops import through_half
from ...rule import Rule
from .adafactor import ADAFACTOR_EPSILON, ADAFACTOR_EPSILON_SCALED, MOMENTUM, in_short


def row_in_halves(r, mean, gain, stay, plain, scaled, eps1, eps2, tiny, d, decay, keep1, gain1):
    return through_half(r * stay + mean * gain)


IN_HALVES = MOMENTUM._replace(row=row_in_halves)


def factored_in_halves(p, g, r, c, m, gain, stay, plain, scaled, eps1, eps2, tiny, d, decay, keep1, gain1):
    own = gain, stay, plain, scaled, eps1, eps2, tiny, d, decay, keep1, gain1
    return in_short(IN_HALVES, p, g, r, c, (m,), own)


HALVES: dict[Rule, Rule] = {
    rule: replace(rule, name=f"{rule.name}_in_halves", element=factored_in_halves)
    for family in (ADAFACTOR_EPSILON, ADAFACTOR_EPSILON_SCALED)
    for (momentum, _), rule in family.items()
    if momentum
}
