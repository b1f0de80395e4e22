"""The memory that a step must move, counted from the rule: what its floor is.

Every array that the kernel reads or writes counts once per pass; scalars and tables do not count.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from ..decay import Decay
from ..rule import Rule

SIZES = {"bfloat16": 2, "float16": 2, "float32": 4, "float64": 8}  # bytes


@dataclass(frozen=True)
class Traffic:
    """The arrays that one step moves for each parameter.

    Args:
        size: bytes of one element of p and g.
        slot_size: bytes of one element of a slot.
        reads, writes: arrays of the pass that updates.
        first_reads: arrays that are read once before it, because norms or means are needed first.
    """

    size: int
    slot_size: int
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
    ) -> "Traffic":
        """What one step of this rule must move.

        Args:
            dtype: of parameters and gradients.
            slot_dtype: of the slots; the parameters' own when None.
            clipped: whether the norm of the gradient is needed (``max_norm``, ``on_nonfinite``).
            centered: whether the mean of each row of the gradient is needed (gradient centralization).
        """
        before = ["g"] * (clipped + centered)
        if centered and decay.centers_weights:
            before.append("p")  # the mean of λ p belongs to the gradient's
        if decay.measured:
            before += ["p", "g"]
        if rule.measure is not None:
            before += ["p", "g", *(rule.inner or rule).slots]
        sizes = SIZES[dtype], SIZES[slot_dtype or dtype]
        return cls(*sizes, ("p", "g", *rule.slots), ("p", *rule.slots), tuple(before))

    def bytes_of(self, arrays: Iterable[str]) -> int:
        """Bytes of one element of each of these arrays."""
        return sum(self.size if name in ("p", "g") else self.slot_size for name in arrays)

    @property
    def update(self) -> int:
        """Bytes per parameter of the pass that updates."""
        return self.bytes_of(self.reads) + self.bytes_of(self.writes)

    @property
    def before(self) -> int:
        """Bytes per parameter that are read before it."""
        return self.bytes_of(self.first_reads)

    @property
    def total(self) -> int:
        """Bytes per parameter of the whole step."""
        return self.update + self.before

    @property
    def held(self) -> int:
        """Bytes per parameter of all arrays that a step touches."""
        return self.bytes_of(self.reads)
