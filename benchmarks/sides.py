"""Two optimizers on the same work: the same parameters at the start, the same gradients in every step.

A side that clips has gradients of its own, because ``clip_grad_norm_`` changes them.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from calando.engine import UNBOUNDED
from calando.show.traffic import Traffic

from .shapes import Shapes, elements
from .timing import Floor, agree

WATCHED = 8  # tensors whose numbers are compared
SPREAD = 0.05  # of the parameters
SLOPE = 0.01  # of the gradients
BLOCK = 100_003  # a prime, so that the block lies otherwise in every row of a matrix

Make = Callable[[list[torch.nn.Parameter]], Any]
Step = Callable[[], Any]


def start(shapes: Shapes) -> list[np.ndarray]:
    """The parameters before the first step: the same each time, float32."""
    return drawn(shapes, 0, SPREAD)


def slopes(shapes: Shapes) -> list[np.ndarray]:
    """The gradients: the same each time, float32."""
    return drawn(shapes, 1, SLOPE)


def drawn(shapes: Shapes, seed: int, spread: float) -> list[np.ndarray]:
    """Normal numbers, a block of them over and over, because to draw them all takes longer than to measure."""
    block = np.random.default_rng(seed).standard_normal(BLOCK, np.float32) * np.float32(spread)
    made, first = [], 0
    for shape in shapes:
        made.append(np.resize(np.roll(block, -first), shape))
        first = (first + made[-1].size) % BLOCK
    return made


def traffic(optimizer: Any) -> Traffic:
    """What a step of one of our optimizers must move, from its first part."""
    engine = optimizer.engine
    part, values = engine.parts[0], engine.hypers[0].at(engine.clocks[0])
    clipped = values.get("max_norm", UNBOUNDED) != UNBOUNDED or engine.on_nonfinite != "train"
    key = part.key
    return Traffic.of(key.rule, key.decay, key.dtype, key.slot_dtype, clipped, bool(part.centered.any()), key.way)


class Bound:
    """The memory floor beside one of our optimizers: one more side of a comparison.

    Args:
        shapes: of the parameters.
        optimizer: ours.
    """

    def __init__(self, shapes: Shapes, optimizer: Any):
        moved, size = traffic(optimizer), elements(shapes)
        self.bytes = int(moved.total * size)
        self.floor = Floor(max(2, int(moved.held // 4)), size)
        self.add = self.floor.add

    def seconds(self, times: np.ndarray) -> np.ndarray:
        """What moving the step's bytes would have taken in each round."""
        return self.floor.seconds(times, self.bytes)


class Side:
    """One torch-like optimizer with parameters of its own.

    Args:
        shapes: of the parameters.
        make: parameters → optimizer.
        step: side → one step; ``optimizer.step`` when None.
        dtype: of the parameters and gradients.
    """

    def __init__(
        self,
        shapes: Shapes,
        make: Make,
        step: "Callable[[Side], Step] | None" = None,
        dtype: torch.dtype = torch.float32,
    ):
        self.params = [torch.nn.Parameter(torch.from_numpy(p).to(dtype)) for p in start(shapes)]
        self.optimizer = make(self.params)
        self.step = self.optimizer.step if step is None else step(self)
        self.start = self.numbers()
        self.given: Sequence[torch.Tensor] = ()

    def give(self, gradients: Sequence[torch.Tensor]) -> None:
        """Set the gradients."""
        self.given = gradients
        for p, g in zip(self.params, gradients, strict=True):
            p.grad = g.to(p.dtype)

    def numbers(self) -> list[np.ndarray]:
        """Copies of the first and the last parameters."""
        half = WATCHED // 2
        return [p.detach().float().numpy().copy() for p in (*self.params[:half], *self.params[-half:])]


class Pair:
    """Ours and a peer, built anew as often as asked; each pair has to agree.

    Args:
        work: what it is called.
        shapes: of the parameters.
        ours, peer: what a ``Side`` is made with after the shapes.
        shared: whether both sides read the same gradients.
        within: how far they may move apart, as a share of their way.
    """

    def __init__(
        self,
        work: str,
        shapes: Shapes,
        ours: Sequence[Any],
        peer: Sequence[Any],
        shared: bool = True,
        within: float = 1e-3,
    ):
        self.work, self.shapes, self.shared, self.within = work, shapes, shared, within
        self.makes = [ours, peer]
        self.sides: list[Side] = []

    def built(self, peer_first: bool) -> list[Side]:
        """Ours and the peer, with gradients; the pair before is checked and forgotten.

        Raises:
            Differ: the pair before has moved apart.
        """
        self.check()
        self.sides = []
        order = self.makes[::-1] if peer_first else self.makes
        sides = [Side(self.shapes, *make) for make in order]
        given = list(map(torch.from_numpy, slopes(self.shapes)))
        sides[0].give(given)
        sides[1].give(given if self.shared else list(map(torch.from_numpy, slopes(self.shapes))))
        self.sides = sides[::-1] if peer_first else sides
        return self.sides

    def check(self) -> None:
        """Raise Differ if the present pair has moved apart."""
        if self.sides:
            ours, peer = self.sides
            agree(self.work, ours.start, ours.numbers(), peer.numbers(), self.within)
