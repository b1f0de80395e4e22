"""AdaFactor for float16 as MindSpore's CPU computes it: the row of means is divided by as it is kept, in float16.

So where the squares of one row underflow, it is divided by 0, and the whole matrix stands still. The column is not
read again, nor are the squares of vectors; all else is float32. Without momentum nothing is float16 but what is kept:
the mean of updates that MindSpore has then, without using it, is float32, and so its kernel is.

Source: found by comparison with mindspore.nn.AdaFactor 2.10 on the CPU.
"""

from dataclasses import replace

from ...ops import through_half
from ...rule import Rule
from .adafactor import ADAFACTOR_EPSILON, ADAFACTOR_EPSILON_SCALED, averaged, divided, sized


def factored_momentum_in_halves(p, g, r, c, m, gain, plain, scaled, eps1, eps2, d, decay, keep1):
    r, c = averaged(g, r, c, gain, eps1)
    a, u = sized(p, divided(g, through_half(r), c), plain, scaled, eps2, d)
    m = m * keep1 + u * (1 - keep1)
    return p - m - p * (decay * a), r, c, m


HALVES: dict[Rule, Rule] = {
    rule: replace(rule, name=f"{rule.name}_in_halves", element=factored_momentum_in_halves)
    for family in (ADAFACTOR_EPSILON, ADAFACTOR_EPSILON_SCALED)
    for (momentum, _), rule in family.items()
    if momentum
}
