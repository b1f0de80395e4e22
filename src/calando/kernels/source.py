"""The text of a kernel's module: the words, the bodies as they stand in their rooms, and one loop over chunks.

Half precision is read into float32 and rounded when it is written: to the nearest (``half``), or as ``rounding`` says.
Slots in 8 bits have loops of their own (``coded``). What is kept beside p, in which order, says ``stored``.
"""

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

from .. import eight, rounding, stored
from ..clipping import within
from ..decay import Decay
from ..rule import Rule
from . import coded, entry
from .coded import inset

HEADER = '''\
"""{title}: written by calando {version} from {where}."""

from math import sqrt

import numpy as np
{numba}
{imports}
compiled = njit(inline="always", error_model="numpy")
zero, one = {dtype}(0), {dtype}(1)
{words}

@compiled
{front}

@compiled
{body}
'''

SPOKEN = {  # the words of rules for one number, as NumPy means them, written so that they become vector code
    "absolute": "def absolute(x):\n    return abs(x)\n",
    "maximum": "def maximum(x, y):\n    return x if (x >= y) | (x != x) else y\n",
    "minimum": "def minimum(x, y):\n    return x if (x <= y) | (x != x) else y\n",
    "sign": "def sign(x):\n    return one if x > zero else (-one if x < zero else (x if x != x else zero))\n",
    "where": "def where(condition, x, y):\n    return x if condition else y\n",
}  # and sqrt, which is math's

HALVED = {  # and those of float16 as MindSpore computes it, which few bodies say
    "fma": "def fma(x, y, z):\n    return float32(float64(x) * float64(y) + float64(z))\n",
    "through_half": "def through_half(x):\n    return widen_float16(narrow_float16(x))\n",
}

CHUNK = """\
    size, line, mean = length[c], row[c], center[c]
{views}
{numbers}
{loop}
    length[c] = 0  # done: who calls again after an interruption finds nothing left to do here
"""

EACH = """\
    for i in range(size):
{steps}
"""

STORED = {  # what lies in memory, as Numba calls it
    "uint8": "uint8", "float16": "uint16", "bfloat16": "uint16", "float32": "float32", "float64": "float64"
}  # fmt: skip
HALF = ("float16", "bfloat16")
CONVERSION = "from calando.kernels.half import narrow_bfloat16, narrow_float16, widen_bfloat16, widen_float16\n"
BITS = """\
from calando.kernels.half import as_float32 as as_number, as_uint32 as as_bits
whole, as_single = uint32, float32
"""


def number(dtype: str) -> str:
    """What is computed with."""
    return "float64" if dtype == "float64" else "float32"


def read(x: str, dtype: str) -> str:
    """The expression that reads one number from memory."""
    return f"widen_{dtype}({x})" if dtype in HALF else x


def written(x: str, value: str, dtype: str) -> str:
    """The line that puts one number into memory."""
    return f"{x} = narrow_{dtype}({value})" if dtype in HALF else f"{x} = {value}"


def source(
    rule: Rule,
    decay: Decay,
    dtype: str,
    cache: bool = True,
    slot_dtype: str | None = None,
    way: str | None = None,
    zeroing: bool = False,
) -> str:
    """The text of the kernel's module for one rule and one decay.

    Args:
        dtype: of p and g.
        cache: whether Numba keeps what it makes of it.
        slot_dtype: of the slots; that of p when None.
        way: of rounding.
        zeroing: whether it leaves zeros where the gradients were.
    """
    slot_dtype = slot_dtype or dtype
    words = pieces(rule, decay, dtype, slot_dtype, way)
    plain = {*words["kinds"].values()}.isdisjoint((*HALF, "uint8"))
    lines = steps(rule, dtype, words, way, named=rule.inner is not None or not plain)
    chunk = CHUNK.format(
        views=words["views"],
        numbers=inset(1, words["noise"] + words["loads"]),
        loop=looped(rule, words, lines + zeros(dtype, zeroing)),
    )
    head = header((rule.inner or rule).element, rule, decay, dtype, slot_dtype, way)
    return head + entry.loop(tables(words["dtype"], stored.noisy(dtype, slot_dtype, way)), chunk, words["held"], cache)


def tables(dtype: str, drawn: bool) -> dict[str, tuple[str, int]]:
    """The tables that say what is done with chunks; ``drawn``: whether something is rounded at random."""
    first: dict[str, tuple[str, int]] = {"address": ("uint64", 2), "length": ("int64", 1), "row": ("int64", 1)}
    noise = {"noise_of": ("uint32", 2)} if drawn else {}
    return {**first, "center": (dtype, 1), **noise, "scalars": (dtype, 2)}


def zeros(dtype: str, zeroing: bool) -> list[str]:
    """The line that leaves a zero where the gradient was, if it is to be."""
    return [f"g_[i] = {STORED[dtype]}(0)"] * zeroing


def looped(rule: Rule, words: dict[str, Any], lines: list[str]) -> str:
    """The loop over the elements of a chunk: straight through, or block by block where slots are codes."""
    if not words["coded"]:
        return EACH.format(steps=inset(2, lines))
    return coded.looped(rule, words["coded"], words["kinds"], lines)


def steps(rule: Rule, dtype: str, words: dict[str, Any], way: str | None, named: bool) -> list[str]:
    """The lines that update element ``i``; ``named``: what is new is called new0, new1, … before it is stored."""
    targets = ["p_[i]", *[f"{x}_[i]" for x in rule.slots]]
    made = [f"new{i}" for i in range(len(targets))] if named else targets
    slots, own, body = list(words["slots"]), list(words["own"]), (rule.inner or rule).element
    last: list[str] = []
    if rule.inner is not None:  # the average comes last among slots, its scalar last but for the trust
        mean, follow = slots.pop(), own.pop(len(rule.scalar_names) - 1)
        last = [f"{made[-1]} = {mean} + ({made[0]} - {mean}) * {follow}"]
    if named:
        kinds = words["kinds"]
        rest = zip(rule.slots, targets[1:], made[1:], strict=True)
        last += rounded(dtype, way, "first" if words["coded"] else "begin")
        halved = words["halved"]
        last += [f"grain{key}, walk{key} = walk{key}, whole(walk{key} + WEYL)" for key in drawn_from(halved)]
        for number, (name, target, new) in enumerate(rest):
            if name in halved:
                key, half = rounding.share(number)
                last.append(dithered(target, new, f"{half}_half(grain{key})", kinds[name]))
            elif name in kinds:
                last.append(written(target, new, kinds[name]))
    results = made[:-1] if rule.inner is not None else made
    return [
        f"now, slope = {words['front']}",
        f"{', '.join(results)} = {body.__name__}({', '.join(['now', 'slope', *slots, *own])})",
        *last,
    ]


def rounded(dtype: str, way: str | None, first: str) -> list[str]:
    """The lines that store the new parameter; ``first``: the place of element 0."""
    if way == "stochastic":
        return [dithered("p_[i]", "new0", f"noise(whole({first} + whole(i)), key0, key1)", dtype)]
    if way == "kahan":
        rest = f"remainder(new0, {read('near', dtype)})"
        return [f"near = narrow_{dtype}(new0)", "p_[i] = near", written(f"{rounding.SLOT}_[i]", rest, dtype)]
    return [written("p_[i]", "new0", dtype)]


def drawn_from(halved: list[str]) -> list[int]:
    """The keys of the noise that so many slots are rounded with."""
    return list(dict.fromkeys(rounding.share(number)[0] for number in range(len(halved))))


def dithered(target: str, new: str, drawn: str, kind: str) -> str:
    """The line that puts a number into memory, rounded at random to half precision."""
    if kind == "bfloat16":
        return f"{target} = uint16(bits_bfloat16({new}, {drawn}))"
    return written(target, f"dithered_{kind}({new}, {drawn})", kind)


def header(
    body: Callable[..., object], rule: Rule, decay: Decay, dtype: str, slot_dtype: str, way: str | None = None
) -> str:
    """The first half of a kernel's module: the words, and two bodies as they stand in their rooms."""
    from .. import __version__

    kinds = dtype if slot_dtype == dtype else f"{dtype} with slots in {slot_dtype}"
    rooms = [rounding] * bool(way or stored.noisy(dtype, slot_dtype, way)) + [eight] * (slot_dtype == "int8")
    words = [*SPOKEN.values(), *(text for room in rooms for text in bodies(room))]
    constants = [f"{name} = {text}" for room in rooms for name, text in rounding.constants(room).items()]
    fronts = [decay.plain.element] if decay.inner is None else [within, decay.plain.element]
    own = [inspect.getsource(spoken) for spoken in (*fronts, body)]
    words += [text for name, text in HALVED.items() if any(f"{name}(" in text for text in own)]
    imports = (CONVERSION if {dtype, slot_dtype} & {*HALF} else "") + (BITS if rooms else "")
    if slot_dtype == "int8":
        constants.append(coded.names(eight.coded(rule), kinds_of(rule, dtype, slot_dtype, way), STORED))
    return HEADER.format(
        title=f"{rule.name}, {decay.element.__name__} decay, {kinds}" + (f", {way} rounding" if way else ""),
        version=__version__,
        numba=entry.IMPORTS,
        where=f"{body.__module__} and {decay.plain.element.__module__}",
        dtype=number(dtype),
        imports="\n".join([imports, *constants]),
        words="".join(f"\n\n@compiled\n{text}" for text in words),
        front="\n\n@compiled\n".join(own[:-1]),
        body=own[-1],
    )


def bodies(room: ModuleType) -> list[str]:
    """The functions of a room that are copied into kernels: those that it names so."""
    return [inspect.getsource(getattr(room, name)) for name in room.BODIES]


def kinds_of(rule: Rule, dtype: str, slot_dtype: str, way: str | None) -> dict[str, str]:
    """The arrays that a kernel walks, in the order of their columns: name → dtype."""
    return {"p": dtype, "g": dtype, **stored.kept(rule, dtype, slot_dtype, way)}


def pieces(rule: Rule, decay: Decay, dtype: str, slot_dtype: str, way: str | None = None) -> dict[str, Any]:
    """What the loops over p, g, what is kept beside them and the scalars are written with."""
    kinds = kinds_of(rule, dtype, slot_dtype, way)
    codes = eight.coded(rule) if slot_dtype == "int8" else ()
    numbers = [f"w{i}" for i in range(len(decay.scalar_names))]
    own = [f"s{i}" for i in range(len(rule.scalar_names))]
    found = {x: read(f"{x}_[i]", kind) for x, kind in kinds.items()}
    found |= {name: f"{eight.sort(name)}_value(uint32({name}_codes_[i]), {name}_old)" for name in codes}
    view = "{0}_ = carray(pointer(address[c, {1}]), size, {2})"
    views = [view.format(x, i, STORED[kind]) for i, (x, kind) in enumerate(kinds.items())]
    loads = [f"{x} = scalars[line, {i}]" for i, x in enumerate(numbers + own)]
    if rule.measure is not None:
        loads.append(f"trust = scalars[line, {len(loads)}]")
        own = [*own, "trust"]
    noise = ["key0, key1, begin = noise_of[c, 0], noise_of[c, 1], noise_of[c, 2]"]
    halved = [name for name in rule.slots if stored.dithered(dtype, kinds.get(name, ""))]
    noise += [f"walk{key} = grain(begin, key{key})" for key in drawn_from(halved)]
    p = found["p"] if way != "kahan" else f"({found['p']} + {found[rounding.SLOT]})"
    return {
        "dtype": number(dtype),
        "kinds": kinds,
        "views": inset(1, views if not codes else [x for x in views if eight.SCALE in x]),
        "halved": halved,
        "noise": noise if stored.noisy(dtype, slot_dtype, way) else [],
        "loads": loads,
        "p": p,
        "g": found["g"],
        "slots": [found[name] for name in rule.slots],
        "own": own,
        "front": front(decay, p, found["g"], numbers),
        "held": coded.held(codes),
        "coded": codes,
    }


def front(decay: Decay, p: str, g: str, numbers: list[str]) -> str:
    """The call of the manner of decay, with the numbers that its scalars are in."""
    if decay.inner is not None:
        share, bound, *numbers = numbers
        g = f"{within.__name__}({g}, {share}, {bound})"
    return f"{decay.plain.element.__name__}({', '.join([p, g, *numbers, 'mean'])})"
