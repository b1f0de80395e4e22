"""Gradients as values of their own in PyTorch, as MindSpore's scripts have them.

A migrated script uses these where it does more with gradients than to clip them: adds them up over several batches,
changes them one by one, or hands them from function to function.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch


def parameters(optimizer: torch.optim.Optimizer) -> list[torch.Tensor]:
    """All parameters of an optimizer, group by group: the order of the gradients here."""
    return [p for group in optimizer.param_groups for p in group["params"]]


def gradients(loss: torch.Tensor, optimizer: torch.optim.Optimizer, sens: Any = 1.0) -> tuple[torch.Tensor, ...]:
    """The gradient of a loss by every parameter of an optimizer; zeros where it does not depend on one.

    Args:
        sens: what the loss is multiplied by.
    """
    return by_weights(loss, parameters(optimizer), sens)


def by_weights(loss: torch.Tensor, weights: Sequence[torch.Tensor], sens: Any = 1.0) -> tuple[torch.Tensor, ...]:
    """The gradient of a loss by each of these, as ``GradOperation(get_by_list=True)``, likewise."""
    factor = torch.as_tensor(sens, dtype=loss.dtype, device=loss.device).expand_as(loss)
    return torch.autograd.grad(loss, weights, factor, allow_unused=True, materialize_grads=True)


def update(optimizer: torch.optim.Optimizer, grads: Sequence[torch.Tensor]) -> None:
    """One update with these gradients, as MindSpore's ``optimizer(grads)``.

    Raises:
        ValueError: other than one gradient per parameter; nothing has changed.
    """
    held = parameters(optimizer)
    if len(grads) != len(held):
        raise ValueError(f"the optimizer has {len(held)} parameters, but got {len(grads)} gradients")
    for p, grad in zip(held, grads, strict=True):
        p.grad = grad
    optimizer.step()
    optimizer.zero_grad()


def zeros(optimizer: torch.optim.Optimizer) -> list[torch.Tensor]:
    """Zeros in the shape of every parameter, as ``optimizer.parameters.clone(init="zeros")``."""
    return [torch.zeros_like(p) for p in parameters(optimizer)]


def add(into: Iterable[torch.Tensor], grads: Iterable[torch.Tensor]) -> None:
    """Add to each, in place, as a map of ``assign_add``."""
    for held, grad in zip(into, grads, strict=True):
        held.add_(grad)


def assign(into: Iterable[torch.Tensor], values: Iterable[torch.Tensor]) -> None:
    """Write into each, in place, as a map of ``assign``."""
    for held, value in zip(into, values, strict=True):
        held.copy_(value)


def write(held: torch.Tensor, value: Any) -> torch.Tensor:
    """Write a value, which nothing is differentiated through, into a weight, as ``ops.assign``; the weight."""
    with torch.no_grad():
        return held.copy_(value) if isinstance(value, torch.Tensor) else held.fill_(value)


def copies(weights: Iterable[torch.Tensor]) -> list[torch.Tensor]:
    """A copy of every weight as it is now, as ``ParameterTuple(…).clone(prefix, init="same")``."""
    return [p.detach().clone() for p in weights]


def float_status(grad: torch.Tensor) -> torch.Tensor:
    """1 where any number is infinite or not-a-number, else 0; of shape (1,), as ``ops.FloatStatus``."""
    return (~torch.isfinite(grad).all()).to(torch.float32).reshape(1)


def all_reduce(x: torch.Tensor) -> torch.Tensor:
    """The sum over all processes of ``torch.distributed``, as ``ops.AllReduce``; x itself where there is one only."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return x
    found = x.clone()
    torch.distributed.all_reduce(found)
    return found


def all_finite(grads: Iterable[torch.Tensor]) -> bool:
    """Whether no gradient holds infinity or not-a-number."""
    return all(bool(torch.isfinite(grad).all()) for grad in grads)


def clip_by_global_norm(grads: Sequence[torch.Tensor], clip_norm: float = 1.0) -> tuple[torch.Tensor, ...]:
    """g c / max(‖g‖, c), the norm taken over all of them: MindSpore's formula, without PyTorch's 1e-6."""
    norm: Any = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(grad) for grad in grads]))
    share = clip_norm / torch.clamp(norm, min=clip_norm)
    return tuple(grad * share for grad in grads)


def clip_global_norm_(optimizer: torch.optim.Optimizer, clip_norm: float = 1.0) -> None:
    """``clip_by_global_norm`` on the gradients that an optimizer's parameters hold, in place."""
    held = [p for p in parameters(optimizer) if p.grad is not None]
    for p, grad in zip(held, clip_by_global_norm([p.grad for p in held], clip_norm), strict=True):  # type: ignore[misc]
        p.grad = grad


def clip_each(grad: torch.Tensor, clip_norm: float) -> torch.Tensor:
    """g c / max(‖g‖, c) of a single gradient: ``nn.ClipByNorm``."""
    return clip_by_global_norm((grad,), clip_norm)[0]


def cast(value: Any, dtype: torch.dtype) -> Any:
    """A tensor in another precision; a number stays one."""
    return value.to(dtype) if isinstance(value, torch.Tensor) else value


def clip_by_norm(grads: Any, max_norm: float) -> Any:
    """g min(1, c / (‖g‖ + 1e-6)), the norm taken over all of them; a single gradient comes back as one."""
    if isinstance(grads, torch.Tensor):
        return clip_by_norm((grads,), max_norm)[0]
    norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(grad) for grad in grads]))
    share = torch.clamp(max_norm / (norm + 1e-6), max=1.0)
    return tuple(grad * share for grad in grads)


def clip_by_value(grads: Any, clip_value_min: Any = None, clip_value_max: Any = None) -> Any:
    """Each number between the bounds; a single gradient comes back as one."""
    low, high = clip_value_min, clip_value_max
    if isinstance(grads, torch.Tensor):
        return grads.clamp(low, high)
    return tuple(grad.clamp(low, high) for grad in grads)


class DynamicLossScaler:
    """``mindspore.amp.DynamicLossScaler`` for PyTorch's losses and gradients.

    ``torch.amp.GradScaler`` does the same with calls of its own; this one keeps a script's lines as they are.

    Args:
        scale_value: what a loss is multiplied by, at least 1.
        scale_factor: what the scale is multiplied by after ``scale_window`` finite updates, and divided by after one
            that was not.
        scale_window: how many updates that is.
    """

    def __init__(self, scale_value: float, scale_factor: float, scale_window: int) -> None:
        self.scale_value, self.scale_factor, self.scale_window = float(scale_value), scale_factor, scale_window
        self.counter = 0

    def scale(self, inputs: Any) -> Any:
        """A loss, or each of several, times the scale."""
        if isinstance(inputs, (tuple, list)):
            return type(inputs)(x * self.scale_value for x in inputs)
        return inputs * self.scale_value

    def unscale(self, inputs: Any) -> Any:
        """A loss, or each of several gradients, divided by the scale."""
        if isinstance(inputs, (tuple, list)):
            return type(inputs)(x / self.scale_value for x in inputs)
        return inputs / self.scale_value

    def unscale_(self, optimizer: torch.optim.Optimizer) -> None:
        """Divide the gradients that an optimizer's parameters hold by the scale, in place."""
        for p in parameters(optimizer):
            if p.grad is not None:
                p.grad.div_(self.scale_value)

    def adjust(self, grads_finite: Any) -> None:
        """Take in whether an update was finite; the scale does not fall below 1."""
        self.counter = (self.counter + 1) % self.scale_window if grads_finite else 0
        if not grads_finite:
            self.scale_value = max(self.scale_value / self.scale_factor, 1.0)
        elif self.counter == 0:
            self.scale_value *= self.scale_factor


class StaticLossScaler(DynamicLossScaler):
    """``mindspore.amp.StaticLossScaler``: a scale that stays.

    Args:
        scale_value: what a loss is multiplied by.
    """

    def __init__(self, scale_value: float) -> None:
        super().__init__(scale_value, 1.0, 1)

    def adjust(self, grads_finite: Any) -> None:
        """Nothing changes."""
