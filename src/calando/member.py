"""Who is updated: one parameter with all that changes beside it, and the key of what can be served by one kernel.

Imports: numpy, the rules' room and the adapters.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

from .arrays import adapter
from .clipping import bounded
from .decay import Decay
from .eight import CODES, SCALE, SIGNED, UNSIGNED, coded, nearest, widened
from .groups import Group
from .rounding import SLOT as SLOT_OF_KAHAN
from .rule import Rule
from .stored import HALF, dtype_of, kept, noisy, shapes, slots_as

FLOATING = ("float16", "bfloat16", "float32", "float64")


@dataclass(eq=False)
class Member:
    """One parameter with all that changes beside it.

    Args:
        param: the array or tensor.
        name: what errors call it.
        group: the number of its group.
        number: its place among all parameters of the optimizer.
        exempt: whether it never decays.
        centered: whether its gradient loses the mean of each row.
        front: its manner of decay, where it is not its group's.
        sparse: what a sparse gradient means, as in ``Group``.
        age: how many updates it has had.
        slots: the rule's arrays by name; empty before the first update.
        starts: what they are filled with then, where it is not 0.
        memory: the numbers that the rule remembers beside it.
    """

    param: Any
    name: str
    group: int
    number: int = 0
    exempt: bool = False
    centered: bool = False
    front: Decay | None = None
    sparse: str = "refuse"
    age: int = 0
    slots: dict[str, Any] = field(default_factory=dict)
    starts: Mapping[str, float] = field(default_factory=dict)
    memory: tuple[float, ...] = ()

    @property
    def place(self) -> str:
        """What an error calls it."""
        return f"parameter {self.name!r} of group {self.group}"


def centered(group: Group, param: Any) -> bool:
    """Whether a parameter's gradient loses the mean of each row."""
    return group.centralize and len(param.shape) >= 2


def enlist(group: Group, number: int) -> list[Member]:
    """The members of a group, before their first update."""
    return [
        Member(
            p,
            name,
            number,
            exempt=i in group.exempt,
            centered=centered(group, p),
            front=group.fronts.get(i),
            sparse=group.sparse,
            starts=group.starts,
        )
        for i, (p, name) in enumerate(zip(group.params, group.names, strict=True))
    ]


@dataclass(frozen=True)
class Key:
    """What the members of one part share."""

    arrays: ModuleType
    device: str
    dtype: str
    slot_dtype: str
    rule: Rule
    decay: Decay
    fused: bool
    way: str | None = None  # of rounding

    @property
    def kept(self) -> dict[str, str]:
        """What is kept beside each parameter, name → dtype."""
        return kept(self.rule, self.dtype, self.slot_dtype, self.way)

    @property
    def noisy(self) -> bool:
        """Whether something is rounded at random."""
        return noisy(self.dtype, self.slot_dtype, self.way)

    @property
    def number(self) -> str:
        """The dtype that is computed with: float32 for half precision."""
        return "float64" if self.dtype == "float64" else "float32"


def key(member: Member, group: Group) -> Key:
    """Which part a member belongs to."""
    arrays = adapter(member.param)
    device, dtype = arrays.kind(member.param)
    if dtype not in FLOATING:
        raise TypeError(f"{member.place} is of dtype {dtype}; only {', '.join(FLOATING)} can be updated")
    if not arrays.writable(member.param):
        raise ValueError(f"{member.place} {arrays.read_only}")
    rule, decay = group.rule.suited(arrays.shape(member.param)), member.front or group.decay
    if dtype in group.dialects:
        rule, decay = (group.dialects[dtype].get(x, x) for x in (rule, decay))
    kernel = rule.kernel and not rule.whole and (dtype != "bfloat16" or arrays.name != "numpy")  # which has none
    fused = kernel and device == "cpu" and arrays.dense(member.param, member.centered)
    kind, way = slot_dtype(member, group), group.rounding if dtype in HALF else None
    if kind == "int8":
        refuse_codes(member, rule, device, dtype)
    elif group.slot_dtype in HALF:
        refuse_narrow(member, group.slot_dtype)
    return Key(arrays, device, dtype, kind, rule, bounded(decay) if group.bounded else decay, fused, way)


def refuse_codes(member: Member, rule: Rule, device: str, dtype: str) -> None:
    """Raise ValueError where slots cannot be kept in 8 bits."""
    why = None
    if not coded(rule):
        codes = ", ".join(map(repr, SIGNED + UNSIGNED))
        has = f"has the slots {', '.join(map(repr, rule.slots))}" if rule.slots else "has no slots"
        has = "multiplies matrices or takes norms" if rule.whole or rule.measure is not None else has
        why = f"the rule {rule.name} {has}, and 8 bits are for rules of one pass whose slots are among {codes}"
    elif device != "cpu" or dtype == "float64" or "complex" in str(member.param.dtype):
        why = f"it is {member.param.dtype} on {device}, and 8 bits are for real numbers in float32 or less on the CPU"
    elif adapter(member.param).sharded([member.param]):
        why = "it is in pieces on several processes, whose blocks of 256 elements would not be the whole's"
    elif member.centered:
        why = "its gradients are centred row by row, and 8 bits are for rules of one pass"
    elif member.sparse == "rows":
        why = f"{rule.name} takes sparse gradients here, whose rows are no blocks of 256 elements"
    elif member.starts:
        why = f"its slots {', '.join(map(repr, member.starts))} do not begin at 0"
    if why is not None:
        raise ValueError(f"{member.place} cannot have slot_dtype='int8': {why}; leave slot_dtype out for it")


def refuse_narrow(member: Member, kind: str) -> None:
    """Raise ValueError where slots cannot be kept in half precision of this kind."""
    arrays, why = adapter(member.param), None
    if arrays.kind(member.param)[1] == "float64" or "complex" in str(member.param.dtype):
        why = f"it is {member.param.dtype}, and that is for real numbers in float32 or less; give it another optimizer"
    elif kind == "bfloat16" and arrays.name == "numpy":
        why = "its slots are NumPy arrays, and NumPy has no bfloat16; take 'float32' or 'float16'"
    if why is not None:
        raise ValueError(f"{member.place} cannot have slot_dtype={kind!r}: {why}")


def dtypes(member: Member, group: Group) -> tuple[str, str]:
    """The dtype of a member, and that of its slots."""
    return adapter(member.param).kind(member.param)[1], slot_dtype(member, group)


def slot_dtype(member: Member, group: Group) -> str:
    """The dtype of a member's slots: as the group says for real numbers in float32 or less, else the parameter's."""
    dtype = adapter(member.param).kind(member.param)[1]
    if "complex" in str(member.param.dtype) and group.slot_dtype != "int8":
        return dtype
    return slots_as(group.slot_dtype, dtype)


def adopted(member: Member, group: Group) -> dict[str, Any]:
    """What is kept beside a member, made to fit it: its device, layout and dtype; codes for numbers, and the reverse.

    Codes of numbers are the nearest ones; what Kahan's way kept is left behind where a parameter is rounded otherwise.

    Raises:
        ValueError: one has another shape.
    """
    arrays, own = adapter(member.param), key(member, group)
    wanted, slots = own.kept, dict(member.slots)
    sizes = shapes(own.rule, tuple(member.param.shape), tuple(slots))
    for name, slot in slots.items():
        if tuple(slot.shape) != sizes[name]:
            found = f"{tuple(slot.shape)}, not {sizes[name]}"
            raise ValueError(f"the state {name!r} of {member.place} has shape {found}; put one of this shape there")
    for name in own.rule.slots:
        codes, scale = name + CODES, name + SCALE
        if codes in wanted and name in slots:
            x = arrays.numpy(slots.pop(name))
            numbers, scales = nearest(name, np.asarray(x, np.float32).reshape(-1))
            slots |= {
                codes: arrays.zeros(member.param, x.shape, "uint8"),
                scale: arrays.zeros(member.param, scales.shape, "float32"),
            }
            arrays.write(slots[codes], numbers.reshape(x.shape))
            arrays.write(slots[scale], scales)
        elif name in wanted and codes in slots:
            x, scales = (arrays.numpy(slots.pop(key)) for key in (codes, scale))
            slots[name] = arrays.zeros(member.param, x.shape, wanted[name])
            arrays.write(slots[name], widened(name, x.reshape(-1), scales).reshape(x.shape))
    if SLOT_OF_KAHAN not in wanted:
        slots.pop(SLOT_OF_KAHAN, None)
    kinds = {name: dtype_of(name, own.dtype, own.slot_dtype) for name in slots}
    return {name: arrays.adopted(slot, member.param, kinds[name]) for name, slot in slots.items()}
