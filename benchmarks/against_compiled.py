"""Steps against ``torch.compile``d ones, and steps of bfloat16 parameters against torch's fused ones.

Compiling a step of torch's takes it minutes, so the first is a row that is only measured when it is named.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch

import calando.torch

from .against_torch import alone, rooms
from .shapes import MODELS, Shapes
from .sides import Pair, Side, Step, slopes, start
from .timing import Differ, Row, Wish, compared, interleaved, not_compared, say

COMPILED, HALF = 0.5, 1.0  # the goals
FAMILY: dict[str, tuple[str, dict[str, Any]]] = {
    "SGD+momentum": ("SGD", {"lr": 0.1, "momentum": 0.9}),
    "Adam": ("Adam", {}),
    "NAdam": ("NAdam", {}),
    "RMSprop": ("RMSprop", {}),
}
STEPS, APART = 5, 0.02  # after so many steps from the start, how far two roundings to bfloat16 may be apart


def compiled(wish: Wish) -> Iterator[Row]:
    """A few rules that stand for the others, on ResNet-50."""
    for name, (kind, arguments) in FAMILY.items():
        against = f"torch.compile(torch.optim.{kind}.step)"
        say(f"{name}: {against}")
        ours, peer = rooms(kind, arguments, {**arguments, "foreach": True})
        pair = Pair(f"{name}: {against}", MODELS["ResNet-50"](), ours, [*peer, compiling])
        try:
            times = alone(pair, wish.rounds, builds=1)
        except Differ as problem:
            yield not_compared(name, against, COMPILED, problem, "torch.compile", name)
            continue
        yield compared(name, against, times[0], times[1], COMPILED, "torch.compile", name)


def compiling(side: Side) -> Step:
    """The peer's step, compiled when it is first called."""
    return torch.compile(side.optimizer.step, dynamic=False)


def bfloat16(wish: Wish) -> Iterator[Row]:
    """AdamW and SGD: our slots in float32, torch's in bfloat16, as each has them by default.

    torch 2.13's fused SGD leaves bfloat16 parameters on the CPU where they are, so its default one is the peer.
    """
    for name, kind, fused, arguments in (
        ("AdamW", "AdamW", True, {}),
        ("SGD+momentum", "SGD", None, {"lr": 0.1, "momentum": 0.9}),
    ):
        for model in wish.models:
            work = f"{name}, {model}, bfloat16"
            say(work)
            shapes = MODELS[model]()
            ours = half(shapes, partial(getattr(calando.torch, kind), **arguments))
            peer = half(shapes, partial(getattr(torch.optim, kind), fused=fused, **arguments))
            against = f"torch.optim.{kind}{'(fused=True)' if fused else ''}, slots in bfloat16"
            try:
                alike(work, ours, peer)
            except Differ as problem:
                yield not_compared(work, against, HALF, problem, "", "")
                continue
            times = interleaved({"ours": ours.step, "peer": peer.step}, wish.rounds)
            yield compared(work, against, times["ours"], times["peer"], HALF)


def half(shapes: Shapes, make: Any) -> Any:
    """An optimizer over bfloat16 parameters with gradients."""
    params = [torch.nn.Parameter(torch.from_numpy(p).bfloat16()) for p in start(shapes)]
    for p, g in zip(params, slopes(shapes), strict=True):
        p.grad = torch.from_numpy(g).bfloat16()
    return make(params)


def alike(work: str, ours: Any, peer: Any) -> None:
    """Raise Differ unless some first steps lead to the same numbers, as far as bfloat16 can tell."""
    for _ in range(STEPS):
        ours.step(), peer.step()
    for a, b in zip(*(side.param_groups[0]["params"] for side in (ours, peer)), strict=True):
        apart = (a.detach().float() - b.detach().float()).abs().max().item()
        if not apart <= APART * max(b.detach().float().abs().max().item(), np.finfo(np.float32).tiny):
            raise Differ(f"{work}: after {STEPS} steps the two sides are {apart:.3g} apart; nothing was compared")
