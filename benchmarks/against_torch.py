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
from .timing import Floor, Row, agree, compared, interleaved, rebuilt, say

MAX_NORM = 10.0
WATCHED = 8  # tensors whose numbers are compared
# name → (class, arguments, arrays that a step holds, array passes: each read and each write)
OPTIMIZERS: dict[str, tuple[str, dict[str, Any], int, int]] = {
    "AdamW": ("AdamW", {"lr": 1e-3, "weight_decay": 0.01}, 4, 7),
    "SGD+momentum": ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 1e-4}, 3, 5),
}


class Side:
    """One optimizer with parameters of its own."""

    def __init__(self, shapes: Shapes, room: Any, name: str, arguments: dict[str, Any]):
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


class Pair:
    """Our optimizer and torch's on the same work, built anew as often as asked; each pair has to agree."""

    def __init__(
        self,
        work: str,
        shapes: Shapes,
        kind: str,
        ours: dict[str, Any],
        peer: dict[str, Any],
        shared: bool = True,
    ):
        self.work, self.shapes, self.kind, self.shared = work, shapes, kind, shared
        self.rooms = [(calando.torch, ours), (torch.optim, {**peer, "fused": True})]
        self.sides: list[Side] = []

    def built(self, peer_first: bool) -> list[Side]:
        """Ours and the peer, with gradients; the pair before is checked and forgotten."""
        self.check()
        self.sides = []
        rooms = self.rooms[::-1] if peer_first else self.rooms
        sides = [Side(self.shapes, room, self.kind, arguments) for room, arguments in rooms]
        given = gradients(self.shapes)
        sides[0].give(given)
        sides[1].give(given if self.shared else gradients(self.shapes))
        self.sides = sides[::-1] if peer_first else sides
        return self.sides

    def check(self) -> None:
        """Raise Differ if the present pair has moved apart."""
        if self.sides:
            ours, peer = self.sides
            agree(self.work, ours.start, ours.numbers(), peer.numbers())


def steps(name: str, models: list[str], rounds: int) -> Iterator[Row]:
    """The plain step: against torch, and against the memory floor."""
    kind, arguments, arrays, passes = OPTIMIZERS[name]
    for model in models:
        shapes = MODELS[model]()
        size = elements(shapes)
        work = f"{name}, {model}"
        say(work)
        floor = Floor(arrays, size)
        pair = Pair(work, shapes, kind, arguments, arguments)

        def build(peer_first: bool, pair: Pair = pair, floor: Floor = floor) -> dict[str, Callable[[], Any]]:
            ours, peer = pair.built(peer_first)
            return {"ours": ours.optimizer.step, "peer": peer.optimizer.step, "floor": floor.add}

        times = rebuilt(build, rounds)
        pair.check()
        bound = floor.seconds(times["floor"], passes * 4 * size)
        speed = floor.moved / float(np.median(times["floor"])) / 1e9
        told = f"memory floor: {passes} × {4 * size / 1e6:.0f} MB at {speed:.1f} GB/s"
        yield compared(work, f"torch.optim.{kind}(fused=True)", times["ours"], times["peer"], 1.0)
        yield compared(work, told, times["ours"], bound, 1.25)


def clipped(name: str, models: list[str], rounds: int) -> Iterator[Row]:
    """The step with clipping by the norm of all gradients."""
    kind, arguments, *_ = OPTIMIZERS[name]
    for model in models:
        work = f"{name}, {model}, max_norm"
        say(work)
        pair = Pair(work, MODELS[model](), kind, {**arguments, "max_norm": MAX_NORM}, arguments, shared=False)

        def build(peer_first: bool, pair: Pair = pair) -> dict[str, Callable[[], Any]]:
            ours, peer = pair.built(peer_first)
            return {"ours": ours.optimizer.step, "peer": clipping(peer)}

        times = rebuilt(build, rounds)
        pair.check()
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
    pair = Pair(work, many(), kind, arguments, arguments)
    ours, peer = pair.built(peer_first=False)
    times = interleaved({"ours": ours.optimizer.step, "peer": peer.optimizer.step}, rounds, calls=10)
    pair.check()
    yield compared(work, "torch.optim.AdamW(fused=True)", times["ours"], times["peer"], 0.1)
