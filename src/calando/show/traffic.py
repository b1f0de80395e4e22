"""The memory that a step must move, counted from the rule: what its floor is.

Every array that the kernel reads or writes counts once per pass; scalars and tables do not count.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .. import eight, stored
from ..decay import Decay
from ..rule import Rule


@dataclass(frozen=True)
class Traffic:
    """The arrays that one step moves for each parameter.

    Args:
        size: bytes of one element of p and g.
        kept: bytes for each element of what is kept beside them, by name (a scale is one for many).
        reads, writes: arrays of the pass that updates.
        first_reads: arrays that are read once before it, because norms or means are needed first.
    """

    size: int
    kept: Mapping[str, float]
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    first_reads: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        rule: Rule,
        decay: Decay,
        dtype: str = "float32",
        slot_dtype: str | None = None,
        clipped: bool = False,
        centered: bool = False,
        way: str | None = None,
    ) -> "Traffic":
        """What one step of this rule must move.

        Args:
            dtype: of parameters and gradients.
            slot_dtype: of the slots; the parameters' own when None.
            clipped: whether the norm of the gradient is needed (``max_norm``, ``on_nonfinite``).
            centered: whether the mean of each row of the gradient is needed (gradient centralization).
            way: of rounding.
        """
        before = ["g"] * (clipped + centered)
        if centered and decay.centers_weights:
            before.append("p")  # the mean of λ p belongs to the gradient's
        if decay.measured:
            before += ["p", "g"]
        if rule.measure is not None:
            before += ["p", "g", *(rule.inner or rule).slots]
        arrays = stored.kept(rule, dtype, slot_dtype or dtype, way)
        kept = {name: bytes_each(name, kind) for name, kind in arrays.items()}
        size = stored.ITEMSIZE[dtype]
        return cls(size, kept, ("p", "g", *arrays), ("p", *arrays), tuple(before))

    def bytes_of(self, arrays: Iterable[str]) -> float:
        """Bytes for one element of each of these arrays."""
        return sum(self.size if name in ("p", "g") else self.kept[name] for name in arrays)

    @property
    def update(self) -> float:
        """Bytes per parameter of the pass that updates."""
        return self.bytes_of(self.reads) + self.bytes_of(self.writes)

    @property
    def before(self) -> float:
        """Bytes per parameter that are read before it."""
        return self.bytes_of(self.first_reads)

    @property
    def total(self) -> float:
        """Bytes per parameter of the whole step."""
        return self.update + self.before

    @property
    def held(self) -> float:
        """Bytes per parameter of all arrays that a step touches."""
        return self.bytes_of(self.reads)


def bytes_each(name: str, dtype: str) -> float:
    """Bytes of an array that is kept, for each element of the parameter."""
    size = stored.ITEMSIZE[dtype]
    return size / eight.BLOCK if name.endswith(eight.SCALE) else size
