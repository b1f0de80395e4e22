"""Both learning rates of a proof drawn over each other, for any terminal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...show.chart import chart
from .compare import RATE, Proof

MOST = 4  # drawings, of a script with more optimizers than anyone looks at
WIDTH, HEIGHT = 60, 8


def drawings(proof: Proof) -> list[str]:
    """One drawing for each optimizer: where source and result agree, and each alone where they part.

    Where both keep one and the same rate there is nothing to see.
    """
    found = []
    for number, pairs in enumerate(proof.curves[:MOST]):
        lines = parted(pairs)
        if moves(lines):
            told = f"{proof.name}: optimizer {number}: learning rate of its first parameter at every update"
            found.append(f"{told}\n{chart(lines, width=WIDTH, height=HEIGHT)}")
    if len(proof.curves) > MOST:
        found.append(f"{proof.name}: {len(proof.curves) - MOST} more optimizers are in --report")
    return found


def parted(pairs: Sequence[tuple[float | None, float | None]]) -> dict[str, np.ndarray]:
    """The line that both have, and what each has alone; lines without a point are left out."""
    if not pairs:
        return {}
    mine, its = (np.array([np.nan if x is None else x for x in side], np.float64) for side in zip(*pairs, strict=True))
    same = np.abs(mine - its) <= RATE * np.maximum(np.abs(mine), np.abs(its))
    alone = [np.where(same, np.nan, values) for values in (mine, its)]
    lines = {"source and result": np.where(same, mine, np.nan), "source alone": alone[0], "result alone": alone[1]}
    return {name: values for name, values in lines.items() if np.isfinite(values).any()}


def moves(lines: dict[str, np.ndarray]) -> bool:
    """Whether there is anything to see."""
    values = [x for line in lines.values() for x in line[np.isfinite(line)]]
    return len(lines) > 1 or len(set(values)) > 1
