"""First values of parameters: MindSpore's initializers, and what may stand in their place.

    nn.Dense(84, 10, weight_init=Normal(0.02), bias_init="zeros")
    weight.set_data(initializer(XavierUniform(), weight.shape, weight.dtype))

Random values come from torch's generator, so ``torch.manual_seed`` (or ``ms.set_seed``) repeats a network.
The distributions are those of ``mindspore.common.initializer``; the numbers drawn are not, since MindSpore
draws from a generator of its own.
"""

import math
from typing import Any

import numpy as np
import torch
from torch.nn import init as drawn

from ...nearest import hint
from ..missing import missing
from .dtype import as_dtype

NORMAL_WITHIN_TWO = 0.87962566103423978  # the deviation of a normal distribution that is cut at ±2 of its own


class Initializer:
    """The base of all initializers, and of one's own, which write ``_initialize(self, arr)`` for a NumPy array."""

    def __init__(self, **kwargs: Any) -> None:
        self._kwargs = kwargs

    def _initialize(self, arr: np.ndarray) -> None:
        """Write first values into an array, in place."""
        self._fill(torch.from_numpy(arr))

    def _fill(self, x: torch.Tensor) -> Any:
        """Write first values into a plain tensor, in place."""
        raise NotImplementedError(f"{type(self).__name__} has no _initialize(self, arr), so there are no first values")

    def __call__(self, x: Any) -> Any:
        """Write first values into a tensor, or an array, in place."""
        if not isinstance(x, torch.Tensor):
            return self._initialize(x)
        if type(self)._initialize is Initializer._initialize:
            return self._fill(x)
        array = (x.float() if x.dtype == torch.bfloat16 else x).numpy()  # NumPy has no bfloat16
        self._initialize(array)
        return x.copy_(torch.from_numpy(array))


class Zero(Initializer):
    """0 everywhere."""

    def _fill(self, x: torch.Tensor) -> Any:
        drawn.zeros_(x)


class One(Initializer):
    """1 everywhere."""

    def _fill(self, x: torch.Tensor) -> Any:
        drawn.ones_(x)


class Constant(Initializer):
    """One number everywhere."""

    def __init__(self, value: float) -> None:
        super().__init__(value=value)
        self.value = value

    def _fill(self, x: torch.Tensor) -> Any:
        x.fill_(self.value)


class Uniform(Initializer):
    """Uniform between -scale and scale, whatever the sign of ``scale``."""

    def __init__(self, scale: float = 0.07) -> None:
        super().__init__(scale=scale)
        self.scale = scale

    def _fill(self, x: torch.Tensor) -> Any:
        drawn.uniform_(x, -abs(self.scale), abs(self.scale))


class Normal(Initializer):
    """Normal around ``mean`` with the standard deviation ``sigma``, which comes first."""

    def __init__(self, sigma: float = 0.01, mean: float = 0.0) -> None:
        super().__init__(sigma=sigma, mean=mean)
        self.sigma, self.mean = sigma, mean

    def _fill(self, x: torch.Tensor) -> Any:
        drawn.normal_(x, self.mean, self.sigma)


class TruncatedNormal(Initializer):
    """Normal as :class:`Normal`, drawn again outside [a, b], which are numbers and no multiples of ``sigma``."""

    def __init__(self, sigma: float = 0.01, mean: float = 0.0, a: float = -2.0, b: float = 2.0) -> None:
        super().__init__(sigma=sigma, mean=mean, a=a, b=b)
        self.sigma, self.mean, self.a, self.b = sigma, mean, a, b

    def _fill(self, x: torch.Tensor) -> Any:
        drawn.trunc_normal_(x, self.mean, self.sigma, self.a, self.b)


class _Kaiming(Initializer):
    """What He's two initializers share."""

    def __init__(self, negative_slope: float = 0, mode: Any = "fan_in", nonlinearity: Any = "leaky_relu") -> None:
        super().__init__(negative_slope=negative_slope, mode=mode, nonlinearity=nonlinearity)
        self.negative_slope, self.mode, self.nonlinearity = negative_slope, mode, nonlinearity


class HeUniform(_Kaiming):
    """Uniform with the deviation gain / √fan (He et al. 2015, arXiv:1502.01852)."""

    def _fill(self, x: torch.Tensor) -> Any:
        drawn.kaiming_uniform_(x, self.negative_slope, self.mode, self.nonlinearity)


class HeNormal(_Kaiming):
    """Normal with the deviation gain / √fan (He et al. 2015, arXiv:1502.01852)."""

    def _fill(self, x: torch.Tensor) -> Any:
        drawn.kaiming_normal_(x, self.negative_slope, self.mode, self.nonlinearity)


class XavierUniform(Initializer):
    """Uniform with the deviation gain √(2 / (fan_in + fan_out)) (Glorot & Bengio 2010)."""

    def __init__(self, gain: float = 1) -> None:
        super().__init__(gain=gain)
        self.gain = gain

    def _fill(self, x: torch.Tensor) -> Any:
        drawn.xavier_uniform_(x, self.gain)


class XavierNormal(XavierUniform):
    """Normal with the deviation gain √(2 / (fan_in + fan_out)) (Glorot & Bengio 2010)."""

    def _fill(self, x: torch.Tensor) -> Any:
        drawn.xavier_normal_(x, self.gain)


class VarianceScaling(Initializer):
    """Values of the variance scale / fan: ``"uniform"``, ``"truncated_normal"`` (at ±2 deviations) or
    ``"untruncated_normal"``; the fan is ``"fan_in"``, ``"fan_out"`` or ``"fan_avg"``.

    Differs from MindSpore 2.10, whose ``"truncated_normal"`` is uniform.
    """

    def __init__(self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal") -> None:
        super().__init__(scale=scale, mode=mode, distribution=distribution)
        for name, value, known in (
            ("mode", mode, ("fan_in", "fan_out", "fan_avg")),
            ("distribution", distribution, ("uniform", "truncated_normal", "untruncated_normal")),
        ):
            if value not in known:
                raise ValueError(
                    f"For 'VarianceScaling': {name!r} must be one of {', '.join(known)}, but got {value!r}"
                )
        if not scale > 0:
            raise ValueError(f"For 'VarianceScaling': 'scale' must be above 0, but got {scale!r}")
        self.scale, self.mode, self.distribution = scale, mode, distribution

    def _fill(self, x: torch.Tensor) -> Any:
        fan_in, fan_out = drawn._calculate_fan_in_and_fan_out(x)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        deviation = math.sqrt(self.scale / max(1.0, fan))
        if self.distribution == "uniform":
            drawn.uniform_(x, -math.sqrt(3) * deviation, math.sqrt(3) * deviation)
        elif self.distribution == "untruncated_normal":
            drawn.normal_(x, 0.0, deviation)
        else:
            deviation /= NORMAL_WITHIN_TWO
            drawn.trunc_normal_(x, 0.0, deviation, -2 * deviation, 2 * deviation)


class Identity(Initializer):
    """The identity matrix, of two dimensions."""

    def _fill(self, x: torch.Tensor) -> Any:
        drawn.eye_(x)


class Sparse(Initializer):
    """A matrix whose columns have this share of zeros, and else normal values."""

    def __init__(self, sparsity: float, sigma: float = 0.01) -> None:
        super().__init__(sparsity=sparsity, sigma=sigma)
        self.sparsity, self.sigma = sparsity, sigma

    def _fill(self, x: torch.Tensor) -> Any:
        drawn.sparse_(x, self.sparsity, self.sigma)


class Dirac(Initializer):
    """A convolution that passes its input on, for 3 to 5 dimensions."""

    def __init__(self, groups: int = 1) -> None:
        super().__init__(groups=groups)
        self.groups = groups

    def _fill(self, x: torch.Tensor) -> Any:
        drawn.dirac_(x, self.groups)


class Orthogonal(Initializer):
    """Orthogonal rows or columns (Saxe et al. 2013, arXiv:1312.6120)."""

    def __init__(self, gain: float = 1.0) -> None:
        super().__init__(gain=gain)
        self.gain = gain

    def _fill(self, x: torch.Tensor) -> Any:
        drawn.orthogonal_(x, self.gain)


_CLASSES = (
    Zero, One, Constant, Uniform, Normal, TruncatedNormal, HeUniform, HeNormal, XavierUniform, XavierNormal,
    VarianceScaling, Identity, Sparse, Dirac, Orthogonal,
)  # fmt: skip
_NAMED: dict[str, Any] = {"zeros": Zero, "ones": One}
_NAMED |= {cls.__name__.lower(): cls for cls in _CLASSES if cls not in (Constant, Sparse)}
__all__ = ["Initializer", "initializer", *(cls.__name__ for cls in _CLASSES)]


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise missing(__name__, name, __all__)


def fill(tensor: torch.Tensor, init: Any) -> torch.Tensor:
    """Write first values into ``tensor`` and return it.

    Args:
        tensor: any shape, a plain torch tensor.
        init: an initializer, or the name of one without arguments ('zeros', 'ones', 'normal', 'he_uniform',
            'xavier_uniform' …; large and small letters are one), a number, a tensor or array of the same shape, or a
            function that fills a tensor in place, such as ``torch.nn.init.orthogonal_``.

    Raises:
        ValueError: for an unknown name or another shape.
        TypeError: for anything else, a class of initializers among it.
    """
    with torch.no_grad():
        if isinstance(init, str):
            named = _NAMED.get(init.lower().replace("_", ""))
            if named is None:
                known = ", ".join(sorted(_NAMED))
                raise ValueError(
                    f"no initial values are called {init!r}{hint(init.lower(), _NAMED)}; known are {known}"
                )
            named()(tensor)
        elif isinstance(init, (torch.Tensor, np.ndarray)):
            if tuple(init.shape) != tuple(tensor.shape):
                raise ValueError(
                    f"initial values have shape {tuple(init.shape)} and the parameter {tuple(tensor.shape)}"
                )
            tensor.copy_(torch.as_tensor(init))
        elif isinstance(init, (int, float)):
            tensor.fill_(init)
        elif isinstance(init, type):
            raise TypeError(f"initial values are given by an object: {init.__name__}(), not the class {init.__name__}")
        elif callable(init):
            init(tensor)
        else:
            raise TypeError(f"initial values must be a name, number, tensor or function, not {init!r}")
    return tensor


def initializer(init: Any, shape: Any = None, dtype: Any = torch.float32) -> Any:
    """A new Tensor of ``shape`` with first values; ``init`` as in :func:`fill`.

    The values are there at once; ``init_data()`` returns the Tensor itself.
    """
    from .tensor import Tensor

    if shape is None:
        shape = init.shape if isinstance(init, (torch.Tensor, np.ndarray)) else ()
    return fill(torch.empty(shape, dtype=as_dtype(dtype)), init).as_subclass(Tensor)


def fan_in_uniform(tensor: torch.Tensor, fan_in: int) -> torch.Tensor:
    """Uniform in ±1/√fan_in: MindSpore's ``HeUniform(√5)`` for weights and its default for biases."""
    bound = 1 / math.sqrt(fan_in)
    return drawn.uniform_(tensor, -bound, bound)
