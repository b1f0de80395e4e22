r"""How a parameter in half precision keeps what rounding to the nearest would lose: ``rounding=`` of every optimizer.

A bfloat16 has 8 binary digits: an update smaller than 1/512 of a weight is lost, whatever its direction, and training
stands still. Two ways out, each in the pass that updates:

    stochastic   p ← q rounded up with the chance (q - below) / (above - below), else down: in the mean nothing is lost
    kahan        the rule is given p + c;   p ← nearest(q),   c ← nearest(q - p)      with one more slot, c

q is the new parameter in float32, before it is stored. The chance is exact: it is drawn from as many bits as a float32
has more than the number kept (16 for bfloat16, 13 for float16; 20 where a float16 is subnormal, 2⁻²⁰ of a step).

Slots in half precision of a parameter in float32 are rounded at random too: a second moment moves by 1/1000 in a step,
a quarter of a bfloat16's last digit, and to the nearest it would stand still. Their noise is not as good and a tenth of
the work (a hash for each made the step slower than one in float32): multiples of a constant from a key on that is drawn
for each step, so that an element is rounded at random from step to step, and its neighbours evenly. Two slots share
them, one by the lower and the other by the upper half; the next two begin from another key.

The draw is a hash of a counter and not a generator with a state: of the seed, of how many updates the parameter has
had, of its number in the optimizer, and of the element's place in memory (modulo 2³²). So it is the same for any number
of threads and any chunks, and a run that is resumed draws what the unbroken one would have drawn.

Sources: stochastic rounding: Gupta et al. 2015, arXiv:1502.02551, section 3; Kahan 1965, as for weights in Zamirai et
al. 2020, arXiv:2010.06192, section 4; the mixing of 32 bits is Wellons' ``lowbias32`` with a key before each of its
products, that of 64 bits is SplitMix64 (Steele, Lea & Flood 2014).
"""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

from .ops import absolute, as_bits, as_number, where, whole
from .rule import Domain

WAYS = ("stochastic", "kahan")
SLOT = "compensation"  # what Kahan's way keeps beside the parameter, in the parameter's dtype
SEED = "rounding_seed"
DOMAIN: Domain = {SEED: (0.0, 2.0**53)}

# What the bodies below are written with; they are copied into kernels, constants too.
SHIFT15, SHIFT16, SHIFT20 = np.uint32(15), np.uint32(16), np.uint32(20)
FACTOR1, FACTOR2 = np.uint32(0x7FEB352D), np.uint32(0x846CA68B)
WEYL, NAN16 = np.uint32(0x9E3AB3F9), np.uint32(0x7FC0)  # near the golden ratio, its lower half too
LOW13, LOW16, LOW20, SIGN = (np.uint32(x) for x in (0x1FFF, 0xFFFF, 0xFFFFF, 0x80000000))
SUBNORMAL = np.float32(2.0**-14)  # below it a float16 has fewer digits: whole multiples of 2⁻²⁴
LIFT, LOWER = np.float32(2.0**44), np.float32(2.0**-24)
LARGEST, NOTHING = np.float32(3.4028234663852886e38), np.float32(0)


def noise(index, key0, key1):
    x = whole(index + key0)
    x = whole((x ^ whole(x >> SHIFT16)) * FACTOR1)
    x = whole(x ^ key1)
    x = whole((x ^ whole(x >> SHIFT15)) * FACTOR2)
    return whole(x ^ whole(x >> SHIFT16))


def grain(index, key):  # kernels go from one element to the next by adding WEYL
    return whole(whole(index + key) * WEYL)


def lower_half(drawn):
    return drawn


def upper_half(drawn):
    return whole(whole(drawn >> SHIFT16) | whole(drawn << SHIFT16))


def bits_bfloat16(x, drawn):
    up = whole(whole(as_bits(x) + whole(drawn & LOW16)) >> SHIFT16)
    return where(x == x, up, NAN16)


def dithered_bfloat16(x, drawn):
    bits = as_bits(x)
    up = whole(whole(bits + whole(drawn & LOW16)) & whole(~LOW16))
    return where(x - x == NOTHING, as_number(up), x)


def dithered_float16(x, drawn):
    bits = as_bits(x)
    size = absolute(x)
    usual = as_number(whole(whole(bits + whole(drawn & LOW13)) & whole(~LOW13)))
    steps = whole(where(size < SUBNORMAL, size, NOTHING) * LIFT)
    small = as_single(whole(whole(steps + whole(drawn & LOW20)) >> SHIFT20)) * LOWER
    small = as_number(whole(as_bits(small) | whole(bits & SIGN)))
    return where(size < SUBNORMAL, small, where(x - x == NOTHING, usual, x))


def remainder(x, kept):
    rest = x - kept
    return where(absolute(rest) <= LARGEST, rest, NOTHING)


def as_single(count):
    """Whole numbers as float32."""
    return np.asarray(count).astype(np.float32)


BODIES = (
    "noise", "grain", "lower_half", "upper_half", "bits_bfloat16", "dithered_bfloat16", "dithered_float16", "remainder"
)  # fmt: skip
DITHERED = {"bfloat16": dithered_bfloat16, "float16": dithered_float16}


def constants(room: ModuleType | Mapping[str, Any]) -> dict[str, str]:
    """The constants of a room as Numba writes them: name → text."""
    found = vars(room) if isinstance(room, ModuleType) else room
    kinds = (np.uint32, np.float32)
    return {name: f"{type(x).__name__}({x.item()!r})" for name, x in found.items() if isinstance(x, kinds)}


def mixed(x: np.ndarray) -> np.ndarray:
    """SplitMix64's finish: 64 bits, each of which depends on all."""
    with np.errstate(over="ignore"):
        x = x + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


def keys(seeds: Any, ages: Any, numbers: Any) -> np.ndarray:
    """The keys of the noise of each parameter in this step, uint32 (parameters, 2).

    Args:
        seeds: each parameter's seed.
        ages: how many updates each has had, this one included.
        numbers: its place among all parameters of the optimizer.
    """
    seed, age, number = (np.asarray(x).astype(np.uint64) for x in (seeds, ages, numbers))
    found = mixed(mixed(mixed(seed) ^ age) ^ number)
    return np.column_stack([found & np.uint64(0xFFFFFFFF), found >> np.uint64(32)]).astype(np.uint32)


def drawn(keys: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The noise of the elements at these places of one parameter, uint32 (n,)."""
    with np.errstate(over="ignore"):
        return noise(places.astype(np.uint32), keys[0], keys[1])


def share(slot: int) -> tuple[int, str]:
    """Which key the noise of a parameter's so many-th slot is from, and which half of it comes first."""
    return 1 - slot // 2 % 2, ("lower", "upper")[slot % 2]


def slot_drawn(keys: np.ndarray, places: np.ndarray, slot: int) -> np.ndarray:
    """The noise of the elements at these places of a parameter's so many-th slot, uint32 (n,)."""
    key, half = share(slot)
    with np.errstate(over="ignore"):
        found = grain(places.astype(np.uint32), keys[key])
    return lower_half(found) if half == "lower" else upper_half(found)


def nearest(x: np.ndarray, dtype: str) -> np.ndarray:
    """Float32 rounded to the nearest of half precision, of two the even one, as float32."""
    if dtype == "float16":
        return x.astype(np.float16).astype(np.float32)
    bits = as_bits(x)
    odd = whole(whole(bits >> SHIFT16) & np.uint32(1))
    up = whole(whole(bits + np.uint32(0x7FFF) + odd) & ~LOW16)
    return np.where(np.isnan(x), x, as_number(up))
