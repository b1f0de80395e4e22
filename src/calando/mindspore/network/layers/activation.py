"""Functions of one element, and softmax, as layers."""

import torch
from torch.nn.functional import gelu, leaky_relu

from ....hyper import UnknownName
from ..cell import Cell


class Identity(Cell):
    """The input as it is."""

    def construct(self, x: torch.Tensor) -> torch.Tensor:
        return x


class ReLU(Cell):
    """max(x, 0) for any shape."""

    def construct(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x)


class GELU(Cell):
    """x Φ(x) for any shape.

    Args:
        approximate: by tanh (the default, unlike torch), or exactly by the error function.
    """

    def __init__(self, approximate: bool = True) -> None:
        super().__init__()
        self.approximate = bool(approximate)

    def construct(self, x: torch.Tensor) -> torch.Tensor:
        return gelu(x, approximate="tanh" if self.approximate else "none")


class LeakyReLU(Cell):
    """x where it is positive, else alpha x, for any shape; alpha is 0.2 by default, unlike torch's."""

    def __init__(self, alpha: float = 0.2) -> None:
        super().__init__()
        self.alpha = alpha

    def construct(self, x: torch.Tensor) -> torch.Tensor:
        return leaky_relu(x, self.alpha)


class Sigmoid(Cell):
    """1 / (1 + exp(-x)) for any shape."""

    def construct(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(x)


class Tanh(Cell):
    """tanh x for any shape."""

    def construct(self, x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(x)


class Softmax(Cell):
    """exp(x) / Σ exp(x) along one axis.

    Args:
        axis: the axis that sums to 1.
    """

    def __init__(self, axis: int = -1) -> None:
        super().__init__()
        self.axis = axis

    def construct(self, x: torch.Tensor) -> torch.Tensor:
        return torch.softmax(x, self.axis)


class LogSoftmax(Cell):
    """log(exp(x) / Σ exp(x)) along one axis.

    Args:
        axis: the axis that is summed over.
    """

    def __init__(self, axis: int = -1) -> None:
        super().__init__()
        self.axis = axis

    def construct(self, x: torch.Tensor) -> torch.Tensor:
        return torch.log_softmax(x, self.axis)


_NAMED: dict[str, type[Cell]] = {
    "gelu": GELU,
    "leakyrelu": LeakyReLU,
    "logsoftmax": LogSoftmax,
    "relu": ReLU,
    "sigmoid": Sigmoid,
    "softmax": Softmax,
    "tanh": Tanh,
}


def get_activation(name: str | None, prim_name: str | None = None) -> Cell | None:
    """The layer of that name, as for ``Dense(..., activation='relu')``; None for None.

    Args:
        prim_name: who asks, for the error.

    Raises:
        KeyError: for an unknown name.
    """
    if name is None:
        return None
    if name.lower() not in _NAMED:
        asked = f"For {prim_name!r}: no" if prim_name else "no"
        way = "; a layer may be given itself, also torch.nn's"
        raise UnknownName(f"{asked} activation is called {name!r}; known are {', '.join(sorted(_NAMED))}{way}")
    return _NAMED[name.lower()]()
