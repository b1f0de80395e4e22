"""What every primitive shares: checking what is handed over, and playing a rule once."""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

import numpy as np

from ....arrays import adapter
from ....decay import INSIDE, Decay
from ....groups import Group
from ....kernels.run import ready, run
from ....member import Member, key
from ....plan import Part
from ....rule import Domain, Rule

HALF = ("float16", "bfloat16")
POWER = {"beta1_power": (0.0, 1.0), "beta2_power": (0.0, 1.0)}


class Update:
    """What all of them share: checking what is handed over, and playing the rule once."""

    def switch(self, **given: Any) -> bool:
        """A constructor's True or False."""
        ((name, value),) = given.items()
        if not isinstance(value, bool):
            raise TypeError(f"{self.place}: {name!r} must be True or False, but got {value!r}")
        return value

    @property
    def place(self) -> str:
        """How errors begin."""
        return f"For '{type(self).__name__}'"

    def numbers(self, p: Any, domain: Domain, **given: Any) -> dict[str, float]:
        """The numbers as the rule reads them, each inside its domain."""
        try:
            exact = adapter(p).kind(p)[1] == "float64"
        except TypeError as problem:
            raise TypeError(f"{self.place}: {problem}") from None
        return {name: number(f"{self.place}: {name!r}", x, domain.get(name), exact) for name, x in given.items()}

    def play(
        self,
        rule: Rule,
        p: Any,
        slots: Mapping[str, Any],
        g: Any,
        scalars: tuple[float, ...],
        front: tuple[float, ...] = (1.0,),
        decay: Decay = INSIDE,
        before: Callable[[], None] | None = None,
    ) -> None:
        """One update, with the scalars of the decay in front and of the rule.

        Args:
            slots: by the rule's names.
            before: done when all is checked and nothing has changed.
        """
        try:
            arrays = adapter(p)
            kind, shape = arrays.kind(p), tuple(arrays.shape(p))
            for name, slot in slots.items():
                refuse_unlike(f"{self.place}: the slot {(getattr(slot, 'name', None) or name)!r}", slot, kind, shape)
            held = {name: arrays.slot(slot) for name, slot in slots.items()}
            member = Member(p, getattr(p, "name", None) or "var", 0, slots=held)
            part = Part(key(member, Group((p,), (member.name,), rule, decay)), [member])
            part.look()
            part.take([raised(g, kind[1])])
            ready(part)
        except (TypeError, ValueError) as problem:
            said = str(problem).replace(" of group 0", "")
            raise type(problem)(said if said.startswith("For") else f"{self.place}: {said}") from None
        if before is not None:
            before()
        run(part, np.array([[*front, *scalars]]), np.zeros(1, np.int64))()


class Locking(Update):
    """An update whose constructor takes MindSpore's ``use_locking``, accepted and not needed."""

    def __init__(self, use_locking: bool = False) -> None:
        self.use_locking = self.switch(use_locking=use_locking)


def number(what: str, value: Any, bounds: tuple[float, float] | None, exact: bool) -> float:
    """One number inside its bounds, where it has any; as float32 unless ``exact``."""
    if isinstance(value, (bool, str)) or value is None:
        raise TypeError(f"{what} must be a number, but got {value!r}")
    array = np.asarray(value.asnumpy() if hasattr(value, "asnumpy") else getattr(value, "detach", lambda: value)())
    if array.size != 1 or array.dtype.kind not in "iuf":
        raise TypeError(f"{what} must be one number, but got {value!r}")
    with np.errstate(over="ignore"):
        found = float(array.item()) if exact else float(np.float32(array.item()))
    if bounds is None and not isfinite(found):
        raise ValueError(f"{what} must be a finite number, but got {array.item()}")
    if bounds is not None and not bounds[0] <= found < bounds[1]:
        low = "(0" if bounds[0] == 5e-324 else f"[{bounds[0]:g}"
        raise ValueError(f"{what} must lie in {low}, {bounds[1]:g}), but got {array.item()}")
    return found


def refuse_unlike(what: str, slot: Any, kind: tuple[str, str], shape: tuple[int, ...]) -> None:
    """Raise unless a slot is of its parameter's shape, dtype and device, in one piece of memory."""
    arrays = adapter(slot)
    if tuple(arrays.shape(slot)) != shape:
        raise ValueError(f"{what} has shape {tuple(arrays.shape(slot))}; the parameter has {shape}")
    if arrays.kind(slot) != kind:
        theirs, ours = (" on ".join(reversed(found)) for found in (arrays.kind(slot), kind))
        raise TypeError(f"{what} is {theirs}; the parameter is {ours}")
    if not arrays.dense(slot, True):
        raise ValueError(f"{what} must be contiguous; give a copy")


def raised(g: Any, dtype: str) -> Any:
    """A gradient of half precision in its parameter's type, as MindSpore converts it; others as they are."""
    try:
        found = adapter(g).kind(g)[1]
    except TypeError:
        return g
    if found not in HALF or dtype not in ("float32", "float64"):
        return g
    if isinstance(g, np.ndarray) or not hasattr(g, "asnumpy"):
        return g.astype(dtype) if isinstance(g, np.ndarray) else g.float() if dtype == "float32" else g.double()
    return type(g)(g.asnumpy().astype(dtype))
