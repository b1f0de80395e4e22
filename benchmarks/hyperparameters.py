"""What time inside the optimizer costs: 8 groups, each with 3 schedules, on tiny tensors.

Measured twice. *By parts*: collecting what was written from outside, evaluating and posting, called as
``step`` calls them and nothing else. *By difference*: the step with schedules minus the step with the
same hyperparameters as constants.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from calando.schedules import Cosine, Linear
from calando.torch import AdamW

from .timing import Row, Wish, duration, interleaved, quartiles, say

GROUPS = 8
CALLS = 100
GOAL = 60.0  # µs


def moving() -> dict[str, Any]:
    """Three schedules: a warm-up then a cosine, a cosine, and one of the two betas."""
    return {
        "lr": Linear(0.0, 1e-3, steps=500).then(Cosine(1e-3, 0.0, steps=1_000_000)),
        "weight_decay": Cosine(0.1, 0.01, steps=1_000_000),
        "betas": (Linear(0.85, 0.95, steps=1_000_000), 0.999),
    }


def built(words: dict[str, Any]) -> AdamW:
    """An optimizer over tiny tensors."""
    groups = []
    for _ in range(GROUPS):
        p = torch.nn.Parameter(torch.ones(16))
        p.grad = torch.ones(16)
        groups.append({"params": [p], **words})
    return AdamW(groups)


class Alone:
    """Collecting, evaluating and posting without the rest of the step."""

    def __init__(self) -> None:
        self.optimizer = built(moving())
        self.optimizer.step()

    def __call__(self) -> None:
        optimizer, engine = self.optimizer, self.optimizer.engine
        playing = optimizer._playing()
        for number in playing:
            engine.hypers[number].at(engine.clocks[number])
        for number in playing:
            engine.clocks[number] += 1
        for number in playing:
            optimizer._post(number)


def schedules(wish: Wish) -> Iterator[Row]:
    """The cost of 24 schedules per step."""
    work = f"{GROUPS} groups × 3 schedules"
    say(work)
    still = {"lr": 1e-3, "weight_decay": 0.1, "betas": (0.9, 0.999)}
    sides: dict[str, Callable[[], Any]] = {
        "parts": Alone(),
        "moving": built(moving()).step,
        "still": built(still).step,
    }
    times = interleaved(sides, wish.rounds, CALLS)
    parts, extra = times["parts"] * 1e6, (times["moving"] - times["still"]) * 1e6
    for told, found in (
        ("collecting, evaluating, posting: by parts", parts),
        ("with minus without schedules", extra),
    ):
        middle = float(np.median(found))
        yield Row(work, told, f"{middle:.0f} µs", "", middle, GOAL, "µs", quartiles(found))
    say(f"  the whole step: {duration(times['moving'])} with schedules, {duration(times['still'])} without")
