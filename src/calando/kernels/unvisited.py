"""The average of the weights in rows that a sparse gradient leaves out: it goes on towards its parameter there too.

    e ← e + (1 - ema) (p - e)        in every row, in every step

A kernel sees only the rows that a sparse gradient has. In the others p stands still and e does not: e follows all steps
that p has made before. What e becomes is computed before anything is written, so that writing it twice does no harm.
"""

from typing import Any

import numpy as np

from ..average import SLOT
from ..plan import Part


def unvisited(
    part: Part, numbers: np.ndarray, index: np.ndarray
) -> list[tuple[Any, tuple[np.ndarray, ...], np.ndarray]]:
    """For each parameter with a sparse gradient and an average: the average, the other rows, and what they become.

    Args:
        numbers, index: as in ``run``.
    """
    if part.key.rule.inner is None or not part.sparse:
        return []
    arrays, found = part.key.arrays, []
    follow = len(part.key.decay.scalar_names) + part.key.rule.scalar_names.index("follow")
    for i, rows in part.rows_of().items():
        member = part.members[i]
        left = np.ones(part.shapes[i][: len(rows.indices)], bool)
        left[rows.indices] = False
        others = np.nonzero(left)
        p, e = (np.asarray(arrays.numpy(x))[others] for x in (member.param, member.slots[SLOT]))
        p, e = (x.astype(part.key.number) for x in (p, e))
        share = numbers[index[i]][follow].astype(part.key.number)
        found.append((member.slots[SLOT], others, e + (p - e) * share))
    return found
