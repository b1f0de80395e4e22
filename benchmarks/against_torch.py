"""Steps of ``calando.torch`` against ``torch.optim``, and AdamW and SGD also against the memory floor.

torch gets its fused implementation where it has one on the CPU, else what it takes by default.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.nn.utils import clip_grad_norm_

import calando.torch

from .shapes import MODELS, Shapes, elements, many
from .sides import Bound, Pair, Side, Step
from .timing import BUILDS, Differ, Floor, Row, Wish, compared, interleaved, not_compared, rebuilt, say

MAX_NORM = 10.0
FUSED, DEFAULT = 1.0, 0.25  # the goals
# name → (class, arguments, arrays that a step holds, array passes: each read and each write)
OPTIMIZERS: dict[str, tuple[str, dict[str, Any], int, int]] = {
    "AdamW": ("AdamW", {"lr": 1e-3, "weight_decay": 0.01}, 4, 7),
    "SGD+momentum": ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 1e-4}, 3, 5),
}
# name → (class, arguments, whether torch has a fused implementation on the CPU)
FAMILY: dict[str, tuple[str, dict[str, Any], bool]] = {
    "SGD": ("SGD", {"lr": 0.1}, True),
    "SGD+momentum": ("SGD", {"lr": 0.1, "momentum": 0.9}, True),
    "SGD+Nesterov": ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}, True),
    "Adam": ("Adam", {"weight_decay": 0.01}, True),
    "AdamW": ("AdamW", {}, True),
    "AMSGrad": ("AdamW", {"amsgrad": True}, True),
    "Adagrad": ("Adagrad", {}, True),
    "Adadelta": ("Adadelta", {}, False),
    "Adamax": ("Adamax", {}, False),
    "ASGD": ("ASGD", {}, False),
    "NAdam": ("NAdam", {}, False),
    "RAdam": ("RAdam", {}, False),
    "RMSprop": ("RMSprop", {}, False),
    "RMSprop, centered, momentum": ("RMSprop", {"centered": True, "momentum": 0.9}, False),
    "Rprop": ("Rprop", {}, False),
}


def rooms(kind: str, ours: dict[str, Any], peer: dict[str, Any]) -> list[list[Any]]:
    """What the two sides are made with."""
    return [[partial(made, calando.torch, kind, ours)], [partial(made, torch.optim, kind, peer)]]


def made(room: Any, kind: str, arguments: dict[str, Any], params: Any) -> Any:
    """An optimizer."""
    return getattr(room, kind)(params, **arguments)


def steps(name: str, wish: Wish) -> Iterator[Row]:
    """The plain step on real models: against torch, and against the memory floor."""
    kind, arguments, arrays, passes = OPTIMIZERS[name]
    for model in wish.models:
        shapes = MODELS[model]()
        size = elements(shapes)
        work = f"{name}, {model}"
        say(work)
        floor = Floor(arrays, size)
        pair = Pair(work, shapes, *rooms(kind, arguments, {**arguments, "fused": True}))

        def build(peer_first: bool, pair: Pair = pair, floor: Floor = floor) -> dict[str, Step]:
            ours, peer = pair.built(peer_first)
            return {"ours": ours.step, "peer": peer.step, "floor": floor.add}

        times = rebuilt(build, wish.rounds)
        pair.check()
        bound = floor.seconds(times["floor"], passes * 4 * size)
        speed = floor.moved / float(np.median(times["floor"])) / 1e9
        told = f"memory floor: {passes} × {4 * size / 1e6:.0f} MB at {speed:.1f} GB/s"
        yield compared(work, f"torch.optim.{kind}(fused=True)", times["ours"], times["peer"], 1.0)
        yield compared(work, told, times["ours"], bound, 1.25)


def clipped(name: str, wish: Wish) -> Iterator[Row]:
    """The step with clipping by the norm of all gradients."""
    kind, arguments, *_ = OPTIMIZERS[name]
    for model in wish.models:
        work = f"{name}, {model}, max_norm"
        say(work)
        ours, peer = rooms(kind, {**arguments, "max_norm": MAX_NORM}, {**arguments, "fused": True})
        pair = Pair(work, MODELS[model](), ours, [*peer, clipping], shared=False)
        times = beside(pair, wish.rounds)
        yield compared(work, "clip_grad_norm_ and fused step", *times[:2], 0.75, floor=times[2])


def clipping(side: Side) -> Step:
    """The two calls that torch needs."""

    def step() -> None:
        clip_grad_norm_(side.params, MAX_NORM)
        side.optimizer.step()

    return step


def beside(pair: Pair, rounds: int, builds: int = BUILDS) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Seconds of ours, of the peer and of our memory floor, in each round.

    Raises:
        Differ: the two sides have moved apart.
    """
    bounds: list[Bound] = []

    def build(peer_first: bool) -> dict[str, Step]:
        sides = both(pair, peer_first)
        bounds[:] = bounds or [Bound(pair.shapes, pair.sides[0].optimizer)]
        return {**sides, "floor": bounds[0].add}

    times = rebuilt(build, rounds, builds)
    pair.check()
    return times["ours"], times["peer"], bounds[0].seconds(times["floor"])


def alone(pair: Pair, rounds: int, builds: int) -> tuple[np.ndarray, np.ndarray, None]:
    """As ``beside``, where the floor is no bound worth measuring."""
    times = rebuilt(partial(both, pair), rounds, builds)
    pair.check()
    return times["ours"], times["peer"], None


def both(pair: Pair, peer_first: bool) -> dict[str, Step]:
    """The two sides, built."""
    ours, peer = pair.built(peer_first)
    return {"ours": ours.step, "peer": peer.step}


def adamw(wish: Wish) -> Iterator[Row]:
    """AdamW on real models."""
    yield from steps("AdamW", wish)


def sgd(wish: Wish) -> Iterator[Row]:
    """SGD with momentum on real models."""
    yield from steps("SGD+momentum", wish)


def max_norm(wish: Wish) -> Iterator[Row]:
    """Both with clipping."""
    for name in OPTIMIZERS:
        yield from clipped(name, wish)


def family(wish: Wish) -> Iterator[Row]:
    """Every optimizer that torch has too, on ResNet-50."""
    for name, (kind, arguments, fused) in FAMILY.items():
        against = f"torch.optim.{kind}" + ("(fused=True)" if fused else "")
        peer = {**arguments, "fused": True} if fused else arguments
        goal, section = (FUSED, "torch fused") if fused else (DEFAULT, "torch default")
        yield from duel(name, against, MODELS["ResNet-50"](), rooms(kind, arguments, peer), goal, section, wish)


def duel(
    name: str, against: str, shapes: Shapes, sides: list[list[Any]], goal: float, section: str, wish: Wish
) -> Iterator[Row]:
    """One row of many alike: a pair that differs is told, and the others are measured all the same."""
    say(f"{name}: {against}")
    pair = Pair(f"{name}: {against}", shapes, *sides)
    try:
        ours, peer, floor = (beside if goal < 1 else alone)(pair, wish.rounds, builds=2)
    except Differ as problem:
        yield not_compared(name, against, goal, problem, section, name)
        return
    yield compared(name, against, ours, peer, goal, section, name, floor)


def whole(wish: Wish) -> Iterator[Row]:
    """Rules on whole arrays, which have no kernel: Muon on the matrices of GPT-2's blocks, Adafactor on ResNet-50."""
    width = 768
    blocks: Shapes = [(width, 3 * width), (width, width), (width, 4 * width), (4 * width, width)] * 2
    for kind, shapes in (("Muon", blocks), ("Adafactor", MODELS["ResNet-50"]())):
        yield from duel(kind, f"torch.optim.{kind}", shapes, rooms(kind, {}, {}), 1.0, "", wish)
    yield from duel("LBFGS", "torch.optim.LBFGS", [(1000, 1000)], searching(), 1.0, "", wish)


def searching() -> list[list[Any]]:
    """L-BFGS on a bowl, four evaluations in a step; the slopes that are given are the bowl's first."""
    arguments = {"lr": 0.5, "max_iter": 4, "history_size": 10}

    def step(side: Side) -> Step:
        (p,) = side.params
        weight = torch.linspace(0.5, 1.5, p.numel()).reshape(p.shape)

        def closure() -> torch.Tensor:
            with torch.no_grad():
                p.grad = weight * p
                return (p.grad * p).sum() / 2

        return partial(side.optimizer.step, closure)

    return [[*side, step] for side in rooms("LBFGS", arguments, arguments)]


def tiny(wish: Wish) -> Iterator[Row]:
    """AdamW on 2000 and on 10,000 tensors of 16 elements."""
    kind, arguments, *_ = OPTIMIZERS["AdamW"]
    for count in (2000, 10_000):
        work = f"AdamW, {count} tensors of 16"
        say(work)
        pair = Pair(work, many(count), *rooms(kind, arguments, {**arguments, "fused": True}))
        sides = both(pair, peer_first=False)
        times = interleaved(sides, wish.rounds, calls=20_000 // count)
        pair.check()
        each = float(np.median(times["ours"])) / count * 1e6
        told = f"torch.optim.AdamW(fused=True); {each:.2f} µs per tensor"
        yield compared(work, told, times["ours"], times["peer"], 0.05)
