"""The text of the loops over slots in 8 bits (``eight``): block by block, in two loops.

The first updates each element, and leaves what is new of its slots in small arrays that stay in the nearest cache; the
second makes codes of them, once the scale of the block is known. All arrays are told to lie ``apart``, and what the
next blocks need is asked for ahead, half of it before each of the two loops, as the second reads nothing new and memory
would rest.
"""

from collections.abc import Sequence
from textwrap import indent

from .. import eight, stored
from ..rule import Rule

BLOCKS = """\
    for k in range(-(-size // {block})):  # each block has arrays of its own, so that indices are plain
        count = min({block}, size - k * {block})
{before}
        for i in range(count):
{steps}
{scales}
        for i in range(count):
{codes}
"""
AHEAD, LINE = 2, 64  # how many blocks, and of how many bytes memory is handed out (measured: a tenth of a step)
COMING = """\
for j in range({lines}):
    fetch(address[c, {column}] + uint64((k + {ahead}) * {bytes} + {line} * j))"""
NAMES = "from calando.kernels.apart import apart, room\nfrom calando.kernels.pointer import fetch\n"


def arrays(kinds: dict[str, str]) -> dict[str, int]:
    """Those that are walked by blocks, and the bytes of a block: p, g and all that is kept but scales."""
    return {x: eight.BLOCK * stored.ITEMSIZE[kind] for x, kind in kinds.items() if not x.endswith(eight.SCALE)}


def names(coded: Sequence[str], kinds: dict[str, str], spoken: dict[str, str]) -> str:
    """The lines that give each array its name; ``spoken``: what Numba calls the dtypes."""
    own = [*arrays(kinds), *(f"{x}_held" for x in coded)]
    lines = [f"{x}_at = apart({x!r}, everything, {spoken[kinds[x]]})" for x in arrays(kinds)]
    lines += [f"{x}_room = room('{x}_held', everything, float32, {eight.BLOCK})" for x in coded]
    return "\n".join([f"{NAMES}\neverything = {tuple(own)}", *lines])


def held(coded: Sequence[str]) -> list[str]:
    """The lines before all loops."""
    return [f"{x}_held = {x}_room()" for x in coded]


def looped(rule: Rule, coded: Sequence[str], kinds: dict[str, str], steps: Sequence[str]) -> str:
    """The text of the loop over the blocks of a chunk; ``steps``: the lines that update element ``i``."""
    columns, size = list(kinds), arrays(kinds)
    coming = [
        COMING.format(lines=n // LINE, column=columns.index(x), ahead=AHEAD, bytes=n, line=LINE)
        for x, n in size.items()
    ]
    before = [f"{x}_ = {x}_at(address[c, {columns.index(x)}] + uint64(k * {n}))" for x, n in size.items()]
    before += [f"first = whole(begin + whole(k * {eight.BLOCK}))"]
    before += [f"{x}_old, {x}_top = {x}_scale_[k], NO_BITS" for x in coded]
    inner, codes = [], ["drawn, walk = walk, whole(walk + FACTOR)"]
    for x in coded:
        new, sort = f"new{1 + rule.slots.index(x)}", eight.sort(x)
        inner += [f"{x}_held[i] = {new}", f"{x}_top = larger({x}_top, {sort}_bits({new}))"]
        codes += [f"{x}_codes_[i] = uint8({sort}_code({x}_held[i], {x}_inverse, {eight.share(x)}(drawn)))"]
    last = ["walk = whole(whole(first + key1) * FACTOR)", *coming[1::2]]
    return BLOCKS.format(
        block=eight.BLOCK,
        before=inset(2, [*before, *coming[::2]]),
        steps=inset(3, [*steps, *inner]),
        scales=inset(2, [line for x in coded for line in scale(x)] + last),
        codes=inset(3, codes),
    )


def scale(x: str) -> list[str]:
    """The lines that find the scale of a slot in this block."""
    return [
        f"if {x}_top >= INFINITE:  # seldom: one of them is not finite",
        f"    {x}_top = NO_BITS",
        "    for i in range(count):",
        f"        {x}_top = larger({x}_top, size_bits({x}_held[i]))",
        f"{x}_new = as_number({x}_top) * {eight.sort(x).upper()}_SPAN",
        f"{x}_scale_[k], {x}_inverse = {x}_new, inverted({x}_new)",
    ]


def inset(depth: int, lines: Sequence[str]) -> str:
    """Lines at this depth of a program."""
    return indent("\n".join(lines), " " * 4 * depth)
