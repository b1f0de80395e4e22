"""What is kept beside a parameter, in which dtype: the slots of its rule, as ``slot_dtype`` and ``rounding`` want them.

    name                      dtype                            elements
    ``m``                     of the slots                     the parameter's
    ``ema``                   float32, float64 for float64     the parameter's
    ``m_codes``, ``m_scale``  uint8, float32                   the parameter's, one for each block (``eight``)
    ``compensation``          the parameter's                  the parameter's (``rounding``)

The order is that of the columns in the tables of a kernel, and names tell the dtype: so a checkpoint says itself how
its arrays are to be read.
"""

from collections.abc import Mapping
from math import prod

from . import average, eight, rounding
from .rule import Rule

HALF = ("float16", "bfloat16")
LARGEST = {"float16": 65504.0, "bfloat16": 3.3895313892515355e38, "float32": 3.4028234663852886e38}
ITEMSIZE = {"uint8": 1, "float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}  # bytes


def slots_as(asked: str | None, dtype: str) -> str:
    """The dtype of the slots of parameters of this dtype, where this was asked for; None: their own."""
    return dtype if asked is None or (dtype == "float64" and asked != "int8") else asked


def dithered(dtype: str, kind: str) -> bool:
    """Whether what is kept as ``kind`` beside a parameter is rounded at random: in half precision beside float32."""
    return dtype == "float32" and kind in HALF


def noisy(dtype: str, slot_dtype: str, way: str | None) -> bool:
    """Whether anything is rounded at random."""
    return way == "stochastic" or slot_dtype == "int8" or dithered(dtype, slot_dtype)


def kept(rule: Rule, dtype: str, slot_dtype: str, way: str | None = None) -> dict[str, str]:
    """The arrays beside a parameter, name → dtype.

    Args:
        dtype: of the parameter.
        slot_dtype: of the slots, or ``"int8"``.
        way: of rounding.
    """
    coded = eight.coded(rule) if slot_dtype == "int8" else ()
    plain = "float32" if slot_dtype == "int8" else slot_dtype
    found = {name + eight.CODES: "uint8" for name in coded}
    found |= {name: dtype_of(name, dtype, plain) for name in rule.slots if name not in coded}
    found |= {name + eight.SCALE: "float32" for name in coded}
    return found | ({rounding.SLOT: dtype} if way == "kahan" else {})


def dtype_of(name: str, dtype: str, slot_dtype: str) -> str:
    """The dtype of one array by its name."""
    if name.endswith(eight.CODES):
        return "uint8"
    if name.endswith(eight.SCALE):
        return "float32"
    if name == average.SLOT and dtype != "float64":  # an average moves by less than half precision has digits for
        return "float32"
    return dtype if name == rounding.SLOT else "float32" if slot_dtype == "int8" else slot_dtype


def shapes(rule: Rule, shape: tuple[int, ...], names: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    """The shapes of these arrays beside a parameter of this shape."""
    own = rule.slot_shapes(shape)
    scales = (eight.blocks(prod(shape)),)
    return {name: scales if name.endswith(eight.SCALE) else own.get(name, shape) for name in names}


def refuse_overflow(place: str, starts: Mapping[str, float], kept: Mapping[str, str]) -> None:
    """Raise if an array cannot hold the number that it begins with.

    Args:
        place: what an error calls the parameter.
        starts: the numbers, by slot.
        kept: the dtypes of the arrays.

    Raises:
        ValueError: a number is larger than the largest of its dtype.
    """
    for name, value in starts.items():
        largest = LARGEST.get(kept.get(name, ""), float("inf"))
        if value > largest:
            raise ValueError(
                f"{place}: what is kept beside it is {kept[name]} and cannot begin at {value:g}, "
                f"which is above {largest:g}; give a smaller number"
            )
