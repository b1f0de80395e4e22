"""Steps of ``calando.torch`` against ``torch.optim`` with ``fused=True`` and against the memory floor.

The sides start from the same numbers and get the same gradients. A side that clips has gradients of its
own, because ``clip_grad_norm_`` changes them.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.nn.utils import clip_grad_norm_

import calando.torch

from .shapes import MODELS, Shapes, elements, many
from .timing import Floor, Row, agree, compared, interleaved, say

MAX_NORM = 1.0
WATCHED = 8  # tensors whose numbers are compared
# name → (class, arguments, arrays that a step holds, array passes: each read and each write)
OPTIMIZERS: dict[str, tuple[str, dict[str, Any], int, int]] = {
    "AdamW": ("AdamW", {"lr": 1e-3, "weight_decay": 0.01}, 4, 7),
    "SGD+momentum": ("SGD", {"lr": 1e-3, "momentum": 0.9, "weight_decay": 1e-4}, 3, 5),
}


class Side:
    """One optimizer with parameters of its own.

    Args:
        gradients: shared with the other side, or None for a copy that may be changed.
    """

    def __init__(self, shapes: Shapes, room: Any, name: str, arguments: dict[str, Any], shared: bool = True):
        torch.manual_seed(0)
        self.params = [torch.nn.Parameter(torch.randn(shape).mul_(0.05)) for shape in shapes]
        self.optimizer = getattr(room, name)(self.params, **arguments)
        self.start = self.numbers()

    def give(self, gradients: list[torch.Tensor]) -> None:
        """Set the gradients."""
        for p, g in zip(self.params, gradients, strict=True):
            p.grad = g

    def numbers(self) -> list[np.ndarray]:
        """Copies of the first and the last parameters."""
        half = WATCHED // 2
        return [p.detach().numpy().copy() for p in (*self.params[:half], *self.params[-half:])]


def gradients(shapes: Shapes) -> list[torch.Tensor]:
    """The same gradients each time."""
    torch.manual_seed(1)
    return [torch.randn(shape).mul_(0.01) for shape in shapes]


def steps(name: str, models: list[str], rounds: int) -> Iterator[Row]:
    """The plain step: against torch, and against the memory floor."""
    kind, arguments, arrays, passes = OPTIMIZERS[name]
    for model in models:
        shapes = MODELS[model]()
        size = elements(shapes)
        work = f"{name}, {model}"
        say(work)
        ours = Side(shapes, calando.torch, kind, arguments)
        peer = Side(shapes, torch.optim, kind, {**arguments, "fused": True})
        given = gradients(shapes)
        ours.give(given)
        peer.give(given)
        floor = Floor(arrays, size)
        times = interleaved({"ours": ours.optimizer.step, "peer": peer.optimizer.step, "floor": floor.add}, rounds)
        agree(work, ours.start, ours.numbers(), peer.numbers())
        bound = floor.seconds(times["floor"], passes * 4 * size)
        yield compared(work, f"torch.optim.{kind}(fused=True)", times["ours"], times["peer"], 1.0)
        speed = floor.moved / float(np.median(times["floor"])) / 1e9
        yield compared(work, f"memory floor: {passes} × {4 * size / 1e6:.0f} MB at {speed:.1f} GB/s", times["ours"], bound, 1.25)


def clipped(name: str, models: list[str], rounds: int) -> Iterator[Row]:
    """The step with clipping by the norm of all gradients."""
    kind, arguments, *_ = OPTIMIZERS[name]
    for model in models:
        shapes = MODELS[model]()
        work = f"{name}, {model}, max_norm"
        say(work)
        ours = Side(shapes, calando.torch, kind, {**arguments, "max_norm": MAX_NORM})
        peer = Side(shapes, torch.optim, kind, {**arguments, "fused": True})
        ours.give(gradients(shapes))
        peer.give(gradients(shapes))
        times = interleaved({"ours": ours.optimizer.step, "peer": clipping(peer)}, rounds)
        agree(work, ours.start, ours.numbers(), peer.numbers())
        yield compared(work, "clip_grad_norm_ and fused step", times["ours"], times["peer"], 0.75)


def clipping(side: Side) -> Callable[[], None]:
    """The two calls that torch needs."""

    def step() -> None:
        clip_grad_norm_(side.params, MAX_NORM)
        side.optimizer.step()

    return step


def adamw(models: list[str], rounds: int) -> Iterator[Row]:
    """AdamW on real models."""
    yield from steps("AdamW", models, rounds)


def sgd(models: list[str], rounds: int) -> Iterator[Row]:
    """SGD with momentum on real models."""
    yield from steps("SGD+momentum", models, rounds)


def max_norm(models: list[str], rounds: int) -> Iterator[Row]:
    """Both with clipping."""
    for name in OPTIMIZERS:
        yield from clipped(name, models, rounds)


def tiny(models: list[str], rounds: int) -> Iterator[Row]:
    """AdamW on 2000 tensors of 16 elements."""
    work = "AdamW, 2000 tensors of 16"
    say(work)
    kind, arguments, *_ = OPTIMIZERS["AdamW"]
    ours = Side(many(), calando.torch, kind, arguments)
    peer = Side(many(), torch.optim, kind, {**arguments, "fused": True})
    given = gradients(many())
    ours.give(given)
    peer.give(given)
    times = interleaved({"ours": ours.optimizer.step, "peer": peer.optimizer.step}, rounds, calls=10)
    agree(work, ours.start, ours.numbers(), peer.numbers())
    yield compared(work, "torch.optim.AdamW(fused=True)", times["ours"], times["peer"], 0.1)
