"""The parameters of torch as one flat vector: what L-BFGS walks on."""

from collections.abc import Callable
from ctypes import c_float
from functools import reduce
from typing import Any

import torch

from ..hyper import shown
from ..member import Member


class Ground:
    """The parameters of torch as one flat vector.

    Args:
        params: in order; complex ones count as pairs of real numbers.
        closure: computes the loss anew, with gradients.

    Attributes:
        loss: what the closure returned first.
    """

    def __init__(self, params: list[torch.Tensor], closure: Callable[[], Any] | None = None):
        self.params, self.closure, self.loss = params, closure, None
        self.sizes = [p.numel() * (2 if p.is_complex() else 1) for p in params]
        self.size = sum(self.sizes)
        self.dtype = reduce(torch.promote_types, [p.dtype.to_real() for p in params])
        self.device = params[0].device
        self.called = False

    def evaluate(self) -> tuple[float, torch.Tensor]:
        """Loss and flat gradient here."""
        assert self.closure is not None
        with torch.enable_grad():
            loss = self.closure()
        if not self.called:
            self.loss, self.called = loss, True
        try:
            height = float(loss)
        except (TypeError, ValueError, RuntimeError):
            raise TypeError(
                f"For 'LBFGS': the closure must return the loss, one number, but it returned {shown(loss)}"
            ) from None
        return height, torch.cat([flat_gradient(p) for p in self.params])

    def copy(self) -> list[torch.Tensor]:
        """A copy of the parameters."""
        return [x.clone() for x in self.reals()]

    def put(self, origin: list[torch.Tensor]) -> None:
        """Put the parameters to a copy of before."""
        for p, x in zip(self.reals(), origin, strict=True):
            p.copy_(x)

    def move(self, origin: list[torch.Tensor] | None, direction: torch.Tensor, length: Any) -> None:
        """Put the parameters to origin + length · direction; where origin is None, from where they are."""
        reals, length = self.reals(), float(length)
        pieces = [piece.view(p.shape) for p, piece in zip(reals, direction.split(self.sizes), strict=True)]
        if origin is None:
            torch._foreach_add_(reals, pieces, alpha=length)
            return
        for p, x, piece in zip(reals, origin, pieces, strict=True):
            torch.add(x, piece, alpha=length, out=p)

    def reals(self) -> list[torch.Tensor]:
        """The parameters, complex ones seen as pairs."""
        return [torch.view_as_real(p) if p.is_complex() else p for p in self.params]

    def dot(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """The inner product, of shape ()."""
        return a.dot(b)

    def largest(self, a: torch.Tensor) -> torch.Tensor:
        """The largest absolute value, of shape ()."""
        if not a.numel():
            return a.sum()
        low, high = torch.aminmax(a)  # a twentieth of the time of torch.linalg.vector_norm(a, inf), and no copy
        return torch.maximum(high, -low)

    def total(self, a: torch.Tensor) -> torch.Tensor:
        """The sum of the absolute values, of shape ()."""
        return a.abs().sum()

    def add(self, a: torch.Tensor, b: torch.Tensor, factor: float) -> None:
        """a ← a + factor b."""
        a.add_(b, alpha=factor)

    def rounded(self, x: float) -> float:
        """x in the precision of the parameters, as a tensor of shape () would have it."""
        if self.dtype == torch.float64:
            return x
        return c_float(x).value if self.dtype == torch.float32 else torch.tensor(x, dtype=self.dtype).item()

    def owner(self, gradient: torch.Tensor, members: list[Member]) -> Member:
        """Whose gradient is not finite."""
        pieces = gradient.split(self.sizes)
        return next(m for m, piece in zip(members, pieces, strict=True) if not piece.isfinite().all())

    def numbers(self, values: list[float]) -> list[torch.Tensor]:
        """Tensors of shape ()."""
        return list(torch.tensor(values, dtype=self.dtype, device=self.device).unbind())

    def adopted(self, x: torch.Tensor) -> torch.Tensor:
        """A flat tensor in the dtype and on the device of the parameters."""
        return x.to(self.device, self.dtype)

    def made(self, array: Any) -> torch.Tensor:
        """A flat tensor of a NumPy array."""
        return torch.tensor(array, dtype=self.dtype, device=self.device)

    def plain(self, x: torch.Tensor) -> Any:
        """A NumPy array of a flat tensor; bfloat16, which NumPy lacks, as float32."""
        x = x.detach().cpu()
        return (x.float() if x.dtype == torch.bfloat16 else x).numpy()


def flat_gradient(p: torch.Tensor) -> torch.Tensor:
    """The gradient of one parameter in one row; zeros where it has none, a sparse one made dense."""
    g = p.grad
    if g is None:
        return p.new_zeros(p.numel() * (2 if p.is_complex() else 1), dtype=p.dtype.to_real())
    row = (g.to_dense() if g.is_sparse else g).reshape(-1)
    return torch.view_as_real(row).reshape(-1) if row.is_complex() else row
