"""Matrices of torch that are computed by rows, where they are needed: a large one has no copy in memory.

A rule that multiplies matrices (Muon) reads and writes some that are only added and scaled. As array expressions each
of these steps would be an array as large as the parameter, which the system must find memory for and clear; in pieces
of rows they stay in the caches. The numbers are the same, and so is what an interruption leaves (``Writing``).
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..decay import APART, Decay
from ..plan import Part

PIECE = 1 << 17  # elements: a piece and what it is computed from fit in the caches


class RowWise:
    """A matrix, or what is computed from some element by element; rules use it as they use a tensor.

    Args:
        formula: pieces of rows → a piece of rows.
        matrices: tensors or ``RowWise`` of one shape.
    """

    def __init__(self, formula: Callable[..., Any], *matrices: Any):
        self.formula, self.matrices = formula, matrices

    @property
    def shape(self) -> Sequence[int]:
        return self.matrices[0].shape

    def rows(self, cut: slice) -> Any:
        """A piece, computed now."""
        return self.formula(*(x.rows(cut) if isinstance(x, RowWise) else x[cut] for x in self.matrices))

    def lerp(self, other: Any, share: float) -> "RowWise":
        return RowWise(lambda x, y: x.lerp(y, share), self, other)

    def add(self, other: Any, alpha: float = 1) -> "RowWise":
        return RowWise(lambda x, y: x.add(y, alpha=alpha), self, other)

    def bfloat16(self) -> Any:
        """A tensor in bfloat16."""
        new = self.rows(slice(0)).bfloat16().new_empty(self.shape)
        for cut in pieces(self.shape):
            new[cut] = self.rows(cut)
        return new

    def __add__(self, other: "RowWise") -> "RowWise":
        return self.add(other)

    def __sub__(self, other: "RowWise") -> "RowWise":
        return RowWise(lambda x, y: x - y, self, other)

    def __mul__(self, number: float) -> "RowWise":
        return RowWise(lambda x: x * number, self)


def serves(part: Part) -> bool:
    """Whether a part is played so: tensors of torch, all here, in float32 or float64, computed with as they are."""
    key = part.key
    return (
        key.rule.rowwise
        and key.arrays.name == "torch"
        and key.dtype in ("float32", "float64")
        and key.slot_dtype == key.dtype
        and not part.sharded
        and not part.centers
    )


def given(x: Any) -> RowWise:
    """A matrix as it is."""
    return RowWise(lambda rows: rows, x)


def front(decay: Decay, scalars: Sequence[float], p: Any, g: Any) -> tuple[RowWise, RowWise]:
    """Parameter and gradient as the rule is given them; ``scalars``: of the decay."""
    if decay in APART and scalars[0] == 1:  # the gradient stays as it is
        return decay.element(given(p), 0.0, *scalars, 0.0)[0], given(g)
    q, h = (RowWise(lambda p, g, k=k: decay.element(p, g, *scalars, 0.0)[k], p, g) for k in (0, 1))
    return q, h


def pieces(shape: Sequence[int]) -> Iterator[slice]:
    """Rows of about ``PIECE`` elements, from the first to the last."""
    height, width = shape
    count = max(1, PIECE // max(1, width))
    return (slice(start, start + count) for start in range(0, height, count))


class Writing:
    """Puts what is computed by rows where it belongs, which may be what it is computed from.

    All rows of a piece are computed before the first is written, so that it may be begun again wherever it was stopped.

    Args:
        targets: tensors without history.
        results: what each becomes.
        write: (rows of a target, their elements), in place.
    """

    def __init__(self, targets: Sequence[Any], results: Sequence[RowWise], write: Callable[[Any, Any], None]):
        self.targets, self.results, self.write = targets, results, write
        self.pieces = list(pieces(results[0].shape))
        self.state: tuple[int, list[Any] | None] = 0, None  # pieces that are done, and the next one

    def go_on(self) -> None:
        """Write what is left."""
        done, found = self.state
        while done < len(self.pieces):
            cut = self.pieces[done]
            if found is None:
                found = [result.rows(cut) for result in self.results]
                self.state = done, found
            for target, rows in zip(self.targets, found, strict=True):
                self.write(target[cut], rows)
            done, found = done + 1, None
            self.state = done, found
