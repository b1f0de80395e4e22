"""AdamW in low precision: slots in bfloat16 and 8 bits against our own float32 step, and what float16, stochastic
rounding and Kahan's way cost beside plain bfloat16 (which ``against_compiled`` has beside torch's).

The two sides of a row round differently on purpose, so they may move apart: by a fifth of their way (in 2-norms)
with narrow slots, by a half of it in half precision, where a step is a few digits of a weight.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch

import calando.torch

from .against_torch import beside
from .shapes import MODELS
from .sides import Pair
from .timing import Row, Wish, compared, say

EIGHT, FREE = 0.75, float("nan")
ARGUMENTS: dict[str, Any] = {"lr": 1e-3, "weight_decay": 0.01}
OURS = partial(calando.torch.AdamW, **ARGUMENTS)


def low_precision(wish: Wish) -> Iterator[Row]:
    """The rows."""
    for model in wish.models:
        work, narrow = f"AdamW, bfloat16 slots, {model}", [partial(OURS, slot_dtype="bfloat16")]
        yield row(wish, model, work, "ours in float32", narrow, [OURS], FREE, 0.2)
        work = f"AdamW, 8-bit slots, {model}"
        yield row(wish, model, work, "ours in float32", [partial(OURS, slot_dtype="int8")], [OURS], EIGHT, 0.2)
        plain = sides(torch.bfloat16, OURS)
        half = sides(torch.float16, OURS)  # torch keeps float16 moments, in which these squares vanish: no comparison
        yield row(wish, model, f"AdamW, float16, {model}", "ours in plain bfloat16", half, plain, FREE, 0.5)
        for more in ({"rounding": "stochastic"}, {"rounding": "kahan"}, {"slot_dtype": "int8"}):
            ((key, value),) = more.items()
            work, other = f"AdamW, bfloat16, {key}={value!r}, {model}", sides(torch.bfloat16, partial(OURS, **more))
            yield row(wish, model, work, "ours in plain bfloat16", other, plain, FREE, 0.5)


def sides(dtype: torch.dtype, make: Any) -> list[Any]:
    """What a ``Side`` is made with."""
    return [make, None, dtype]


def row(
    wish: Wish, model: str, work: str, against: str, ours: list[Any], peer: list[Any], goal: float, within: float
) -> Row:
    """One comparison."""
    say(work)
    times = beside(Pair(work, MODELS[model](), ours, peer, within=within), wish.rounds)
    return compared(work, against, *times[:2], goal, floor=times[2])
