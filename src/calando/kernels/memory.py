"""What array expressions read of a parameter, and what they leave: as kernels do, for any device and layout."""

from collections.abc import Callable, Iterator
from functools import partial
from math import prod
from typing import Any

import numpy as np

from .. import eight, rounding
from ..arrays import Rows, adapter
from ..member import Member
from ..plan import Part
from ..stored import dithered


def weight_of(part: Part, member: Member, opened: Callable[[Any], Any]) -> Any:
    """The parameter as the rule is given it: with what Kahan's way has kept of it."""
    p = opened(member.param)
    return p + opened(member.slots[rounding.SLOT]) if part.key.way == "kahan" else p


def slots_of(part: Part, member: Member, opened: Callable[[Any], Any]) -> list[Any]:
    """The rule's slots, codes as the numbers that they mean."""
    return [opened(x) if name in member.slots else x for name, x in numbers(part.key.rule.slots, member.slots)]


def numbers(names: tuple[str, ...], slots: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each of these slots by its name: itself, or what its codes mean, float32."""
    for name in names:
        if name in slots:
            yield name, slots[name]
        else:
            codes = np.asarray(slots[name + eight.CODES])
            flat = eight.widened(name, codes.reshape(-1), np.asarray(slots[name + eight.SCALE]))
            yield name, flat.reshape(codes.shape)


def leaves(part: Part, i: int, new: tuple[Any, ...], rows: Rows | None) -> Iterator[tuple[Any, Any]]:
    """What the update of the ``i``-th member leaves in memory: (where, its elements), rounded as the part says."""
    key, slots = part.key, part.members[i].slots
    yield from weights(part, i, new[0], rows)
    codes = eight.coded(key.rule) if key.slot_dtype == "int8" else ()
    for number, (name, result) in enumerate(zip(key.rule.slots, new[1:], strict=True)):
        if name not in codes:
            kind, draw = part.kept[name], partial(rounding.slot_drawn, slot=number)
            yield slots[name], drawn(part, i, result, kind, rows, draw) if dithered(key.dtype, kind) else result
            continue
        noise = eight.noise(name, part.noise_keys[i], result.size)
        found, scale = eight.narrowed(name, result.reshape(-1), noise)
        yield slots[name + eight.CODES], found.reshape(result.shape)
        yield slots[name + eight.SCALE], scale


def weights(part: Part, i: int, new: Any, rows: Rows | None) -> Iterator[tuple[Any, Any]]:
    """What is left of the new weights, and of what rounding has taken off them."""
    key, member = part.key, part.members[i]
    if key.way == "kahan":
        found = single(new)
        near = rounding.nearest(found, key.dtype)
        yield member.param, near
        yield member.slots[rounding.SLOT], rounding.remainder(found, near)
    else:
        yield member.param, new if key.way is None else drawn(part, i, new, key.dtype, rows, rounding.drawn)


def drawn(
    part: Part, i: int, new: Any, kind: str, rows: Rows | None, draw: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> np.ndarray:
    """New weights, or a slot, rounded at random to this kind of half precision."""
    found = single(new)
    shape = found.shape if rows is None else part.shapes[i]
    place = np.arange(prod(shape)).reshape(shape)
    place = place if rows is None else place[rows.indices]
    noise = draw(part.noise_keys[i], place.reshape(-1)).reshape(place.shape)
    return rounding.DITHERED[kind](found, noise)


def single(x: Any) -> np.ndarray:
    """What was computed, as a NumPy array in float32."""
    return np.asarray(adapter(x).numpy(x) if hasattr(x, "cpu") else x, np.float32)
