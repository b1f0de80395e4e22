"""First values of parameters, by name, number, tensor or function.

Random values come from torch's generator, so ``torch.manual_seed`` (or ``ms.set_seed``) repeats a network.
The distributions are those of ``mindspore.common.initializer``; the numbers drawn are not, since MindSpore
draws from NumPy's seed.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from .dtype import as_dtype

_NAMED: dict[str, Callable[[torch.Tensor], Any]] = {
    "zeros": torch.nn.init.zeros_,
    "ones": torch.nn.init.ones_,
    "uniform": lambda x: torch.nn.init.uniform_(x, -0.07, 0.07),
    "normal": lambda x: torch.nn.init.normal_(x, 0.0, 0.01),
    "truncatednormal": lambda x: torch.nn.init.trunc_normal_(x, 0.0, 0.01, -2.0, 2.0),
    "heuniform": lambda x: torch.nn.init.kaiming_uniform_(x),
    "henormal": lambda x: torch.nn.init.kaiming_normal_(x),
    "xavieruniform": lambda x: torch.nn.init.xavier_uniform_(x),
    "xaviernormal": lambda x: torch.nn.init.xavier_normal_(x),
}
_NAMED |= {"zero": _NAMED["zeros"], "one": _NAMED["ones"]}


def fill(tensor: torch.Tensor, init: Any) -> torch.Tensor:
    """Write first values into ``tensor`` and return it.

    Args:
        tensor: any shape, a plain torch tensor.
        init: one of MindSpore's names ('zeros', 'ones', 'uniform' in ±0.07, 'normal' with σ 0.01,
            'truncatedNormal' with σ 0.01 cut at ±2, 'he_uniform', 'he_normal', 'xavier_uniform',
            'xavier_normal'), a number, a tensor or array of the same shape, or a function that fills a
            tensor in place, such as ``torch.nn.init.orthogonal_``.

    Raises:
        ValueError: for an unknown name or another shape.
        TypeError: for anything else.
    """
    with torch.no_grad():
        if isinstance(init, str):
            named = _NAMED.get(init.lower().replace("_", ""))
            if named is None:
                raise ValueError(f"no initial values are called {init!r}; known are {', '.join(sorted(_NAMED))}")
            named(tensor)
        elif isinstance(init, (torch.Tensor, np.ndarray)):
            if tuple(init.shape) != tuple(tensor.shape):
                raise ValueError(
                    f"initial values have shape {tuple(init.shape)} and the parameter {tuple(tensor.shape)}"
                )
            tensor.copy_(torch.as_tensor(init))
        elif isinstance(init, (int, float)):
            tensor.fill_(init)
        elif callable(init):
            init(tensor)
        else:
            raise TypeError(f"initial values must be a name, number, tensor or function, not {init!r}")
    return tensor


def initializer(init: Any, shape: Any = (), dtype: Any = torch.float32) -> torch.Tensor:
    """A new torch tensor of ``shape`` with first values; ``init`` as in :func:`fill`.

    Differs from MindSpore: the values are there at once, there is no ``init_data()``.
    """
    return fill(torch.empty(shape, dtype=as_dtype(dtype)), init)


def fan_in_uniform(tensor: torch.Tensor, fan_in: int) -> torch.Tensor:
    """Uniform in ±1/√fan_in: MindSpore's ``HeUniform(√5)`` for weights and its default for biases."""
    bound = 1 / math.sqrt(fan_in)
    return torch.nn.init.uniform_(tensor, -bound, bound)
