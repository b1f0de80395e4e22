"""Unscaling, clipping, AdamW and a running average of the weights: our one step against torch's calls one by one.

torch's side is what its own pages tell: ``GradScaler.unscale_``, ``clip_grad_norm_``, ``GradScaler.step`` with
the fused AdamW, ``GradScaler.update``, and for the average ``swa_utils.get_ema_multi_avg_fn``. The loss scale is
1, so that torch's gradients, which it changes in place, stay the same from round to round.
"""

from collections.abc import Iterator
from functools import partial
from inspect import signature
from typing import Any

import torch
from torch.nn.utils import clip_grad_norm_
from torch.optim.swa_utils import get_ema_multi_avg_fn

from calando.decay import DECOUPLED
from calando.decay import DOMAIN as FRONT
from calando.engine import Engine
from calando.groups import Group
from calando.hyper import Hyper
from calando.rules.adam import ADAM
from calando.torch import AdamW

from .against_torch import MAX_NORM, beside
from .shapes import MODELS
from .sides import Pair, Side, Step
from .timing import Row, Wish, compared, say

GOAL = 0.4
ARGUMENTS: dict[str, Any] = {"lr": 1e-3, "weight_decay": 0.01}
VALUES = {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.01, "loss_scale": 1.0}
DECAY = 0.999  # of the average


def one_step(wish: Wish) -> Iterator[Row]:
    """Without the average, and with it where calando has it."""
    averaging = "ema" in signature(AdamW).parameters
    for model in wish.models:
        for average in (False, True) if averaging else (False,):
            parts = "unscale, clip, AdamW" + (", average" if average else "")
            work = f"{parts}, {model}"
            say(work)
            ours = [partial(AdamW, max_norm=MAX_NORM, ema=DECAY, **ARGUMENTS)] if average else [Whole, Whole.stepping]
            peer = [partial(torch.optim.AdamW, fused=True, **ARGUMENTS), partial(calls, average=average)]
            pair = Pair(work, MODELS[model](), ours, peer, shared=False)
            times = beside(pair, wish.rounds)
            yield compared(work, "torch's calls one by one", *times[:2], GOAL, floor=times[2])
    if not averaging:
        say("  a running average of the weights (ema=) is not in calando.torch.AdamW yet")


class Whole:
    """AdamW with a loss scale, as the engine plays it; the front end of torch has no word for the scale."""

    def __init__(self, params: list[torch.nn.Parameter]):
        names = tuple(map(str, range(len(params))))
        domain = {**ADAM.domain, **FRONT}
        hyper = Hyper("AdamW", domain, {**VALUES, "max_norm": MAX_NORM})
        self.engine = Engine([Group(tuple(params), names, ADAM, DECOUPLED)], [hyper])

    @staticmethod
    def stepping(side: Side) -> Step:
        """One update, with the gradients where they are then."""

        def step() -> None:
            side.optimizer.engine.step([[p.grad for p in side.params]])

        return step


def calls(side: Side, average: bool) -> Step:
    """torch's calls."""
    scaler = torch.amp.GradScaler("cpu", init_scale=1.0, growth_interval=1_000_000)
    scaler.scale(torch.zeros(()))  # makes its tensors
    averages = [p.detach().clone() for p in side.params] if average else []
    updated = get_ema_multi_avg_fn(DECAY)

    def step() -> None:
        scaler.unscale_(side.optimizer)
        clip_grad_norm_(side.params, MAX_NORM)
        scaler.step(side.optimizer)
        scaler.update()
        if average:
            updated(averages, [p.detach() for p in side.params], 1)

    return step
