"""LBFGS against ``torch.optim.LBFGS``, on a quadratic whose gradient costs next to nothing: the rest is seen."""

from collections.abc import Callable, Iterator
from typing import Any

import torch

import calando.torch

from .timing import Row, agree, compared, interleaved, say

WORK: dict[str, tuple[list[int], int]] = {  # name → (sizes of the tensors, history_size)
    "161 tensors of 1000, history 10": ([1000] * 161, 10),
    "1 tensor of 1000, history 100": ([1000], 100),
    "1 tensor of 1 M, history 10": ([1_000_000], 10),
}
OPTIONS: dict[str, Any] = {"lr": 0.1, "max_iter": 10, "tolerance_grad": 0, "tolerance_change": 0}


class Side:
    """One optimizer on ½ Σ c p², with c from 0.5 to 1.5."""

    def __init__(self, room: Any, sizes: list[int], **options: Any):
        torch.manual_seed(0)
        self.params = [torch.nn.Parameter(torch.randn(size)) for size in sizes]
        self.curvatures = [torch.rand(size).add_(0.5) for size in sizes]
        self.optimizer = room.LBFGS(self.params, **OPTIONS, **options)
        self.start = [p.detach().numpy().copy() for p in self.params]

    def step(self) -> None:
        """Ten iterations from where it began, with what is remembered."""
        with torch.no_grad():
            for p, x in zip(self.params, self.start, strict=True):
                p.copy_(torch.from_numpy(x))
        self.optimizer.step(self.closure)

    @torch.no_grad()
    def closure(self) -> float:
        """The loss; the gradients are set."""
        total = 0.0
        for p, c in zip(self.params, self.curvatures, strict=True):
            p.grad = p * c
            total += float(p.reshape(-1).dot(p.grad.reshape(-1))) / 2
        return total


def lbfgs(models: list[str], rounds: int) -> Iterator[Row]:
    """Both with and without a line search."""
    for search in (None, "strong_wolfe"):
        for name, (sizes, history) in WORK.items():
            work = f"LBFGS, {name}{', strong_wolfe' if search else ''}"
            say(work)
            options = {"history_size": history, "line_search_fn": search}
            ours, peer = Side(calando.torch, sizes, **options), Side(torch.optim, sizes, **options)
            sides: dict[str, Callable[[], Any]] = {"ours": ours.step, "peer": peer.step}
            times = interleaved(sides, rounds)
            agree(work, ours.start, *([p.detach().numpy() for p in side.params] for side in (ours, peer)))
            yield compared(work, "torch.optim.LBFGS", times["ours"], times["peer"], 1.0)
