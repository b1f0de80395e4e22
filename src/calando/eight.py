r"""Slots in 8 bits: what ``slot_dtype="int8"`` keeps in place of a float32 array.

An array is cut into blocks of 256 elements, in the order of memory, and each block has a scale s in float32, its
largest size divided by 1.875. An element x is kept as one byte, the code of r = x / s as a small floating number:

    signed      1 bit of sign, 4 of exponent, 3 of mantissa:  0 and ± 2⁻¹⁸ … 1.875       first moments
    unsigned    5 bits of exponent, 3 of mantissa:            2⁻³¹ … 1.875, never 0      second moments

Eight codes in each octave, so a small element keeps as many digits as a large one: the idea of the *dynamic* codes of
Dettmers et al. (linear ones lose all but the largest). A second moment that becomes 0 makes a step that flies away, so
it has no code for 0: what has shrunk below the last code is held there, which makes steps smaller, never larger. Theirs
is a table and a search in it; these are bits 20 to 27 of a float32, so that a code is made with a multiplication, an
addition and a shift, many elements at once.

What falls between two codes is rounded at random with the mean kept (``rounding``): a running mean moves by 1 - β in
each step, with β₂ = 0.999 by a hundredth of the distance to the next code, and rounding to the nearest would hold it
where it is. Where an array of float32 is turned into codes because a checkpoint has one, the nearest is taken.

The noise of element i is (i + key) · FACTOR modulo 2³², whose lower 20 bits serve the first moments and whose upper 20
the second ones (8 bits are in both, at the end that matters least of one of them). The key is drawn for each step
(``rounding``), so each element is rounded at random from step to step; within a step neighbours are rounded evenly
rather than at random: FACTOR / 2³² and its lower 20 bits / 2²⁰ have continued fractions of ones and twos only, as near
to the golden ratio as both can be at once, so that multiples of them lie as evenly as points can (Weyl's sequence). A
hash cost a tenth of the step more and keeps no mean better.

An element that is not finite does not enter the scale, so its neighbours go on; its own code means nothing, as its
weight does.

Sources: Dettmers et al. 2022, arXiv:2110.02861, sections 2.1 (blocks, scales) and 2.2 (dynamic codes); Gupta et al.
2015, arXiv:1502.02551 (rounding at random); Weyl 1916 (multiples modulo 1), and Niederreiter 1992, chapter 3 (which
factors spread them best).
"""

from typing import Any

import numpy as np

from .ops import absolute, as_bits, as_number, where, whole
from .rule import Rule

BLOCK = 256
CODES, SCALE = "_codes", "_scale"
SIGNED, UNSIGNED = ("m",), ("v", "v_max", "u")  # the slots that have codes
# What the bodies below are written with; they are copied into kernels, constants too.
UPPER, SIGN_UP = np.uint32(20), np.uint32(24)
SIGNED_FIRST, SIGNED_BITS, SIGN_CODE = np.uint32(112 << 23), np.uint32(0x87F00000), np.uint32(128)  # code 0 is 2⁻¹⁵
UNSIGNED_FIRST, UNSIGNED_BITS = np.uint32(96 * 8), np.uint32(255)  # the code 0 is 2⁻³¹
SIGNED_ZERO, UNSIGNED_SMALLEST = np.float32(2.0**-15), np.float32(2.0**-31)
SIGNED_SPAN, UNSIGNED_SPAN = np.float32(1 / (1.875 - 2.0**-15)), np.float32(1 / 1.875)
SIGN, BELOW_SIGN = np.uint32(0x80000000), np.uint32(0x7FFFFFFF)
INFINITE, TINY = np.uint32(0x7F800000), np.float32(2.0**-100)
ONE, NULL, NO_BITS = np.float32(1), np.float32(0), np.uint32(0)
SHORT = np.float32(1 - 2.0**-21)  # so that rounding errors put nothing above the last code
FACTOR, FOUR, TWELVE, LOW20 = np.uint32(0x9E09E39F), np.uint32(4), np.uint32(12), np.uint32(0xFFFFF)


def grain(index, key):  # kernels go from one element to the next by adding FACTOR, which is odd: see above
    return whole(whole(index + key) * FACTOR)


def lower(drawn):
    return whole(drawn & LOW20)


def upper(drawn):
    return whole(drawn >> TWELVE)


def signed_code(x, inverse, drawn):
    r = x * inverse
    sign = whole(as_bits(r) & SIGN)
    r = r + as_number(whole(as_bits(SIGNED_ZERO) | sign))
    code = whole(whole(whole(as_bits(r) + drawn) << FOUR) & BELOW_SIGN)
    return whole(whole(code | sign) >> SIGN_UP)


def unsigned_code(x, inverse, drawn):
    r = x * inverse
    r = where(r > UNSIGNED_SMALLEST, r, UNSIGNED_SMALLEST)
    return whole(whole(whole(as_bits(r) + drawn) >> UPPER) & UNSIGNED_BITS)


def signed_value(code, scale):
    spread = whole(whole(whole(code ^ SIGN_CODE) - SIGN_CODE) << UPPER)  # the sign where a float32 has it
    r = as_number(whole(whole(spread & SIGNED_BITS) | SIGNED_FIRST))
    return (r - as_number(whole(whole(spread & SIGN) | SIGNED_FIRST))) * scale


def unsigned_value(code, scale):
    return as_number(whole(whole(code | UNSIGNED_FIRST) << UPPER)) * scale


def larger(x, y):
    return where(x > y, x, y)


def signed_bits(x):
    return as_bits(absolute(x))


def unsigned_bits(x):
    return as_bits(x)


def size_bits(x):
    bits = as_bits(absolute(x))
    return where(bits < INFINITE, bits, NO_BITS)


def inverted(scale):
    return where(scale > TINY, SHORT / where(scale > TINY, scale, ONE), NULL)


def coded(rule: Rule) -> tuple[str, ...]:
    """The slots of a rule that are kept in 8 bits; none where one of its own cannot be."""
    own = (rule.inner or rule).slots
    fit = not rule.whole and rule.measure is None and all(name in SIGNED + UNSIGNED for name in own)
    return own if fit else ()


def blocks(size: int) -> int:
    """How many scales an array of this many elements has."""
    return -(-size // BLOCK)


BODIES = (
    "lower", "upper", "signed_code", "unsigned_code", "signed_value", "unsigned_value", "larger",
    "signed_bits", "unsigned_bits", "size_bits", "inverted",
)  # fmt: skip


def sort(name: str) -> str:
    """Which codes a slot has."""
    return "signed" if name in SIGNED else "unsigned"


def share(name: str) -> str:
    """Which bits of an element's noise a slot is rounded with."""
    return "lower" if name in SIGNED else "upper"


def widened(name: str, codes: Any, scales: Any) -> np.ndarray:
    """The slot as float32, flat.

    Args:
        name: the rule's, which says whether it has a sign.
        codes: uint8, flat.
        scales: float32 (blocks,).
    """
    value = signed_value if sort(name) == "signed" else unsigned_value
    with np.errstate(all="ignore"):
        return value(codes.astype(np.uint32), np.repeat(scales, BLOCK)[: codes.size])


def narrowed(name: str, x: np.ndarray, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The codes, uint8 (n,), and scales, float32 (blocks,), of a flat float32 array.

    Args:
        drawn: what each element is rounded with, uint32 (n,): 20 bits.
    """
    code, span = (signed_code, SIGNED_SPAN) if sort(name) == "signed" else (unsigned_code, UNSIGNED_SPAN)
    with np.errstate(all="ignore"):
        sizes = np.zeros(blocks(x.size) * BLOCK, np.uint32)
        sizes[: x.size] = size_bits(x)
        scales = as_number(sizes.reshape(-1, BLOCK).max(1, initial=0)) * span
        return code(x, np.repeat(inverted(scales), BLOCK)[: x.size], drawn).astype(np.uint8), scales


def nearest(name: str, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As ``narrowed``, each element to the code that is nearest."""
    return narrowed(name, x, np.full(x.size, 0x80000, np.uint32))


def noise(name: str, keys: np.ndarray, count: int) -> np.ndarray:
    """What the elements of one slot of one parameter are rounded with, uint32 (count,)."""
    with np.errstate(over="ignore"):
        drawn = grain(np.arange(count).astype(np.uint32), keys[1])
    return lower(drawn) if share(name) == "lower" else upper(drawn)
