"""Our optimizer and torch's side by side, on copies of the same parameters and the same gradients."""

import io
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

import calando.torch as ours_room
from calando.schedules import Cosine, Exponential, Linear, Piecewise

SHAPES = [(), (7,), (3, 4, 2), (300,)]

CONFIGURATIONS = [  # name, options
    ("SGD", {"lr": 0.05}),
    ("SGD", {"lr": 0.05, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.05, "maximize": True, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.05, "momentum": 0.9}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.05, "momentum": 1.1, "dampening": -0.5}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True, "maximize": True}),
    ("Adam", {}),
    ("Adam", {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-6}),
    ("Adam", {"lr": 0.01, "betas": (0.0, 0.0)}),
    ("Adam", {"lr": 0.01, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.01, "weight_decay": 0.1, "amsgrad": True}),
    ("Adam", {"lr": 0.01, "weight_decay": 0.1, "amsgrad": True, "maximize": True}),
    ("Adam", {"lr": 0.01, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.01, "weight_decay": 0.3}),
    ("AdamW", {"lr": 0.01, "weight_decay": 0.3, "amsgrad": True}),
    ("AdamW", {"lr": 0.01, "weight_decay": 0.3, "maximize": True, "betas": (0.7, 0.9)}),
]

MOVING = [
    Linear(0.1, 0.01, steps=5),
    Linear(0.0, 0.1, steps=3).then(Cosine(0.1, 0.0, steps=6)),
    Cosine(0.1, 0.02, steps=8) * 0.5,
    Exponential(0.1, 0.5, steps=4),
    Piecewise([0.1, 0.05, 0.2], [3, 7]),
]

KINDS = "must be a number, a list with one number per step, a schedule or a function of the step, but got "


def told(row: Any) -> str:
    name, options = row[:2]
    return f"{name}({', '.join(f'{k}={v}' for k, v in options.items())})"


def draw(shapes: Any, seed: int = 0, dtype: torch.dtype = torch.float64) -> list[torch.Tensor]:
    rng = np.random.default_rng(seed)
    return [torch.tensor(rng.standard_normal(shape), dtype=dtype) for shape in shapes]


def params(shapes: Any = SHAPES, seed: int = 0, dtype: torch.dtype = torch.float64) -> list[torch.nn.Parameter]:
    return [torch.nn.Parameter(x) for x in draw(shapes, seed, dtype)]


def copies(tensors: Any) -> list[torch.nn.Parameter]:
    """Parameters with the same numbers and the same layout."""
    return [torch.nn.Parameter(torch.empty_like(t.detach()).copy_(t.detach())) for t in tensors]


def ours(name: str) -> Any:
    return getattr(ours_room, name)


def theirs(name: str) -> Any:
    return getattr(torch.optim, name)


@dataclass
class Pair:
    """Two optimizers over equal parameters; ``groups`` says which parameters with which options."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    groups: list[dict[str, Any]] | None = None  # "params": positions
    shapes: Any = field(default_factory=lambda: SHAPES)
    dtype: torch.dtype = torch.float64
    seed: int = 0
    more: dict[str, Any] = field(default_factory=dict)  # options of ours alone

    def __post_init__(self) -> None:
        self.left = params(self.shapes, self.seed, self.dtype)
        self.right = copies(self.left)
        self.ours = ours(self.name)(self.grouped(self.left), **{**self.options, **self.more})
        self.theirs = theirs(self.name)(self.grouped(self.right), **self.options)
        self.count = 0

    def grouped(self, tensors: Any) -> Any:
        if self.groups is None:
            return tensors
        return [{**group, "params": [tensors[i] for i in group["params"]]} for group in self.groups]

    def grads(self, out: Any = ()) -> None:
        """The same gradients for both; parameters at positions ``out`` get None."""
        drawn = draw([p.shape for p in self.left], 1000 + self.seed + self.count, self.dtype)
        self.count += 1
        for i, (p, q, g) in enumerate(zip(self.left, self.right, drawn, strict=True)):
            p.grad = None if i in out else torch.empty_like(p).copy_(g)
            q.grad = None if i in out else torch.empty_like(q).copy_(g)

    def step(self, out: Any = ()) -> None:
        self.grads(out)
        self.ours.step()
        self.theirs.step()

    def same(self, rtol: float = 1e-12, atol: float = 1e-14) -> None:
        same(self.left, self.right, rtol, atol)


def same(left: Any, right: Any, rtol: float = 1e-12, atol: float = 1e-14) -> None:
    for i, (p, q) in enumerate(zip(left, right, strict=True)):
        torch.testing.assert_close(
            p.detach(),
            q.detach(),
            rtol=rtol,
            atol=atol,
            equal_nan=True,
            msg=lambda m, i=i: f"parameter {i}: {m}",
        )


def identical(left: Any, right: Any) -> None:
    for i, (p, q) in enumerate(zip(left, right, strict=True)):
        assert torch.equal(p.detach(), q.detach()), f"parameter {i}: {p} and {q}"


def give(tensors: Any, seed: int) -> None:
    """Draw gradients for these parameters."""
    drawn = draw([p.shape for p in tensors], seed)
    for p, g in zip(tensors, drawn, strict=True):
        p.grad = g.to(p.dtype)


def train(optimizer: Any, tensors: Any, steps: Any) -> Any:
    for step in steps:
        give(tensors, 500 + step)
        optimizer.step()
    return tensors


def saved(state: Any, weights_only: bool = True) -> Any:
    """Through a file and back, as one does."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    buffer.seek(0)
    return torch.load(buffer, weights_only=weights_only)


def everything(optimizer: Any) -> Any:
    """All that a refused call must leave alone, as comparable data."""
    state = optimizer.state_dict()
    slots = {
        key: {k: v.numpy().tobytes() if isinstance(v, torch.Tensor) else v for k, v in found.items()}
        for key, found in state["state"].items()
    }
    groups = [dict(group) for group in state["param_groups"]]
    tensors = [p.detach().double().numpy().tobytes() for g in optimizer.param_groups for p in g["params"]]
    return slots, groups, tensors, state["calando"], list(optimizer.engine.clocks), repr(optimizer)


def w(*shape: int, **more: Any) -> torch.nn.Parameter:
    """A parameter of ones."""
    return torch.nn.Parameter(torch.ones(*(shape or (3,)), **more))
