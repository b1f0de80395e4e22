"""The kinds of parameters that our MindSpore front end takes, and what the tests measure with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

PARAMS, SLOTS = 1e-5, 5e-5  # |ours - theirs| relative to the largest: float32 reaches 3e-7 and 1e-6
CLASSES = ("SGD", "Momentum", "Adam", "AdamWeightDecay")
NEEDED = {"Momentum": {"learning_rate": 0.1, "momentum": 0.9}}  # arguments that have no default
SHAPES = {  # as in a small network; names as MindSpore's filter of weight decay sees them
    "conv.weight": (4, 3, 3, 3),
    "bn.gamma": (4,),
    "bn.beta": (4,),
    "betatron.weight": (5,),
    "fc.weight": (6, 20),
    "fc.bias": (6,),
}


@dataclass(frozen=True)
class Kind:
    """One kind of parameters: how they and their gradients are made, and read (as a copy)."""

    name: str
    param: Callable[[np.ndarray, str], Any]
    tensor: Callable[[np.ndarray], Any]

    def read(self, x: Any) -> np.ndarray:
        return np.array(x.asnumpy() if hasattr(x, "asnumpy") else x.detach().numpy() if hasattr(x, "detach") else x)

    def params(self, start: dict[str, np.ndarray]) -> dict[str, Any]:
        return {name: self.param(array, name) for name, array in start.items()}

    def grads(self, grads: Any) -> tuple[Any, ...]:
        return tuple(self.tensor(g) for g in grads)


def numpy_kind() -> Kind:
    return Kind("numpy", lambda array, name: array.copy(), lambda array: array.copy())


def calando_kind() -> Kind:
    import calando.mindspore as ms

    return Kind("calando", lambda array, name: ms.Parameter(array, name=name), lambda array: ms.Tensor(array))


def mindspore_kind(mindspore: Any) -> Kind:
    def param(array: np.ndarray, name: str) -> Any:
        return mindspore.Parameter(mindspore.Tensor(array.copy()), name=name)

    return Kind("mindspore", param, lambda array: mindspore.Tensor(array.copy()))


def torch_kind() -> Kind:
    import torch

    class Read(torch.nn.Parameter):
        def asnumpy(self) -> np.ndarray:
            return self.detach().numpy()

    return Kind(
        "torch",
        lambda array, name: Read(torch.from_numpy(array.copy())),
        lambda array: torch.from_numpy(array.copy()),
    )


def started(
    seed: int = 0, shapes: dict[str, tuple[int, ...]] = SHAPES, dtype: str = "float32"
) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: rng.standard_normal(shape).astype(dtype) for name, shape in shapes.items()}


def noises(
    steps: int, seed: int = 1, shapes: dict[str, tuple[int, ...]] = SHAPES, dtype: str = "float32"
) -> list[dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    return [{name: rng.standard_normal(shape).astype(dtype) for name, shape in shapes.items()} for _ in range(steps)]


def rounded(options: dict[str, Any]) -> dict[str, Any]:
    """Numbers as MindSpore holds them: 1 - float32(0.999) differs from 0.001 by 1.3e-5 of it."""
    return {name: float(np.float32(v)) if isinstance(v, float) else v for name, v in options.items()}


def distance(ours: Any, theirs: Any) -> float:
    """The largest difference relative to the largest number."""
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    assert ours.shape == theirs.shape
    if theirs.size == 0:
        return 0.0
    difference, largest = np.abs(ours - theirs).max(), np.abs(theirs).max()
    return float(difference / largest) if largest else float(difference)


class Formula:
    """One parameter's path by the documented formulas, in float64; written for clarity.

    Hyperparameters are rounded as MindSpore holds them, unless the first values are float64.

    Args:
        name: one of CLASSES.
        start: the first values.
        options: hyperparameters and switches as the class takes them.
    """

    def __init__(self, name: str, start: np.ndarray, **options: Any):
        usual = {
            "momentum": 0.0,
            "dampening": 0.0,
            "beta1": 0.9,
            "beta2": 0.999,
            "weight_decay": 0.0,
            "loss_scale": 1.0,
        }
        self.name, self.p, self.age = name, np.array(start, np.float64), 0
        self.held = dict if np.asarray(start).dtype == np.float64 else rounded
        self.options = self.held(usual | {"eps": 1e-6 if name == "AdamWeightDecay" else 1e-8} | options)
        self.m = self.v = self.top = np.zeros_like(self.p)

    def step(self, g: np.ndarray, lr: float, centralize: bool = False, **changed: Any) -> np.ndarray:
        o = self.options = self.options | self.held(changed)
        self.age += 1
        g = np.array(g, np.float64) / o["loss_scale"]
        if self.name != "AdamWeightDecay":
            g = g + o["weight_decay"] * self.p
        if centralize and g.ndim > 1:
            g = g - g.mean(axis=tuple(range(1, g.ndim)), keepdims=True)
        self.p = self.p - self.move(g, lr, o)
        return self.p

    def move(self, g: np.ndarray, lr: float, o: dict[str, Any]) -> np.ndarray:
        if self.name in ("SGD", "Momentum"):
            self.m = o["momentum"] * self.m + (1.0 if self.age == 1 else 1 - o["dampening"]) * g
            ahead = o.get("nesterov") or o.get("use_nesterov")
            return lr * (g + o["momentum"] * self.m if ahead else self.m)
        beta1, beta2 = o["beta1"], o["beta2"]
        self.m = beta1 * self.m + (1 - beta1) * g
        self.v = beta2 * self.v + (1 - beta2) * g**2
        if self.name == "AdamWeightDecay":
            return lr * (self.m / (np.sqrt(self.v) + o["eps"]) + o["weight_decay"] * self.p)
        lr = lr * np.sqrt(1 - beta2**self.age) / (1 - beta1**self.age)
        if o.get("use_amsgrad"):
            self.top = np.maximum(self.top, self.v)
            return lr * self.m / (np.sqrt(self.top) + o["eps"])
        m = beta1 * self.m + (1 - beta1) * g if o.get("use_nesterov") else self.m
        return lr * m / (np.sqrt(self.v) + o["eps"])
