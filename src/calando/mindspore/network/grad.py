"""Gradients of functions, in the shapes MindSpore gives them.

    positions          weights            gradients
    ─────────────────  ─────────────────  ───────────────────────────────────────────
    i or (i,)          None               ∂/∂xᵢ
    (i, j)             None               (∂/∂xᵢ, ∂/∂xⱼ)
    None               one Parameter      ∂/∂w
    None               list or tuple      (∂/∂w, …)          also for one, also for none
    i                  list or tuple      (∂/∂xᵢ, (∂/∂w, …))
    (i, j)             one Parameter      ((∂/∂xᵢ, ∂/∂xⱼ), ∂/∂w)

``value_and_grad`` returns ``(what the function returned, gradients)``; ``grad`` returns the gradients, or
``(gradients, (second output, …))`` with ``has_aux``. What is differentiated is the sum of all elements of all
outputs, or with ``has_aux`` of the first output alone.

A function that is differentiated may take gradients itself: those are recorded, so ``grad(grad(f))`` is the second
derivative, and a penalty on gradients reaches the weights.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import local
from typing import Any

import torch

from .cell import Cell
from .parameter import Parameter
from .tensor import Tensor, plain, read


def value_and_grad(
    fn: Callable[..., Any],
    grad_position: int | tuple[int, ...] | None = 0,
    weights: Any = None,
    has_aux: bool = False,
    return_ids: bool = False,
    sens_param: bool = False,
) -> Callable[..., tuple[Any, Any]]:
    """A function that returns what ``fn`` returns, and gradients.

    Args:
        fn: function or Cell; returns a Tensor, or several in a tuple, list or dictionary.
        grad_position: which positional arguments of ``fn`` to differentiate by: Tensors of floating point, of
            any shape; whether they require gradients does not matter. None: by none of them.
        weights: Parameters to differentiate by: one, or a list or other iterable of them. Those that do not
            require gradients, and those ``fn`` did not use, get zeros, as in MindSpore.
        has_aux: only the first output is differentiated; the others are passed through.
        return_ids: refused.
        sens_param: the function made here takes one more argument, the last positional one or ``sens=``: the gradient
            of the (first) output, a number or a Tensor of its shape, in place of ones.

    Returns (value, gradients), detached unless a gradient is being taken outside; see the module's table for the shape
    of the gradients.

    Raises:
        TypeError, ValueError: with a sentence about the argument; when the function made here is called, also
            for an argument at ``grad_position`` that is not there, no Tensor or of integers, for ``has_aux``
            with one output, for outputs without a Tensor, and for a missing or misshapen ``sens``.

    Differs from MindSpore: an integer argument is refused instead of getting a truncated gradient; auxiliary
    outputs need not be Tensors.
    """
    wanted = _Wanted(fn, grad_position, weights, has_aux, return_ids, sens_param)

    def value_and_gradient(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        return wanted.run(args, kwargs)

    return value_and_gradient


def grad(
    fn: Callable[..., Any],
    grad_position: int | tuple[int, ...] | None = 0,
    weights: Any = None,
    has_aux: bool = False,
    return_ids: bool = False,
    sens_param: bool = False,
) -> Callable[..., Any]:
    """A function that returns gradients of ``fn``; with ``has_aux`` (gradients, (second output, …)).

    Arguments and errors as for :func:`value_and_grad`.
    """
    wanted = _Wanted(fn, grad_position, weights, has_aux, return_ids, sens_param)

    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, gradients = wanted.run(args, kwargs)
        return (gradients, tuple(value[1:])) if has_aux else gradients

    return gradient


_running = local()  # how many gradients are being taken around this line, in this thread


@contextmanager
def _taken() -> Iterator[bool]:
    """While a gradient is taken; yields whether another one is, outside."""
    depth = getattr(_running, "depth", 0)
    _running.depth = depth + 1
    try:
        yield depth > 0
    finally:
        _running.depth = depth


class _Wanted:
    """What to differentiate by what, checked once."""

    def __init__(
        self, fn: Any, grad_position: Any, weights: Any, has_aux: bool, return_ids: bool, sens_param: bool
    ) -> None:
        if not callable(fn):
            raise TypeError(f"fn must be a function or a Cell, not a {type(fn).__name__}")
        if grad_position is None and weights is None:
            raise ValueError("nothing to differentiate by: grad_position and weights are both None")
        if return_ids:
            raise ValueError("return_ids is not available; gradients come in the order of positions and weights")
        self.fn = fn
        self.has_aux, self.sens_param = has_aux, sens_param
        self.positions = _positions(grad_position)
        self.single_weight = isinstance(weights, torch.Tensor)
        self.weights = None if weights is None else _weights(weights)

    def run(self, args: tuple, kwargs: dict[str, Any]) -> tuple[Any, Any]:
        sens = None
        if self.sens_param:
            args, kwargs, sens = self.without_sens(args, kwargs)
        with torch.enable_grad(), _taken() as inside:
            args, inputs = self.with_leaves(args, inside)
            value = self.fn(*args, **kwargs)
            outputs = list(_tensors(self.differentiated(value)))
            if not outputs:
                raise TypeError(
                    f"{_called(self.fn)} returned no Tensor to differentiate but {value!r}; a number "
                    f"from item() or asnumpy() has no gradient"
                )
            starts = self.starts(outputs, sens)
            recorded = [(output, start) for output, start in zip(outputs, starts, strict=True) if output.requires_grad]
            sources = inputs + [weight for weight in self.weights or () if weight.requires_grad]
            gradients = self.differentiate(recorded, sources, inside) if sources else []
        return value if inside else _detached(value), self.in_shape(gradients)

    def without_sens(self, args: tuple, kwargs: dict[str, Any]) -> tuple[tuple, dict[str, Any], Any]:
        """The arguments of the function, and the gradient of its output, which came among them."""
        if "sens" in kwargs:
            return args, {word: value for word, value in kwargs.items() if word != "sens"}, kwargs["sens"]
        if not args:
            raise ValueError(f"sens_param needs the gradient of what {_called(self.fn)} returns, as the last argument")
        return args[:-1], kwargs, args[-1]

    def starts(self, outputs: list[torch.Tensor], sens: Any) -> list[torch.Tensor | None]:
        """The gradients of the outputs, None for 1."""
        if not self.sens_param:
            return [torch.ones_like(output) if output.dim() else None for output in outputs]
        given = list(sens) if isinstance(sens, (tuple, list)) else [sens]
        if len(given) != len(outputs):
            raise ValueError(f"sens has {len(given)} members, but {_called(self.fn)} returned {len(outputs)} Tensors")
        made: list[torch.Tensor | None] = []
        for output, each in zip(outputs, given, strict=True):
            start = (each if isinstance(each, torch.Tensor) else read(each)).to(output.dtype)
            if start.numel() != 1 and start.shape != output.shape:
                raise ValueError(f"sens has shape {tuple(start.shape)}, but the output {tuple(output.shape)}")
            made.append(start if start.shape == output.shape else start.reshape(()).expand(output.shape))
        return made

    def with_leaves(self, args: tuple, inside: bool) -> tuple[tuple, list[torch.Tensor]]:
        """The arguments with fresh leaves at the positions, and the leaves in order of the positions.

        Inside another gradient they stay joined to what they come from.
        """
        if not self.positions:
            return args, []
        new, leaves = list(args), []
        for position in self.positions:
            if position >= len(args):
                raise ValueError(
                    f"grad_position {position} is not among the {len(args)} positional arguments of {_called(self.fn)}"
                )
            given = args[position]
            if not isinstance(given, torch.Tensor):
                raise TypeError(
                    f"argument {position} of {_called(self.fn)} is differentiated by and must be a Tensor, "
                    f"not a {type(given).__name__}: {given!r}"
                )
            if not (given.is_floating_point() or given.is_complex()):
                raise TypeError(
                    f"argument {position} of {_called(self.fn)} is differentiated by and must be of floating "
                    f"point, not {given.dtype}"
                )
            joined = inside and given.requires_grad
            leaf = given.view_as(given) if joined else plain(given).as_subclass(Tensor).requires_grad_()
            new[position] = leaf
            leaves.append(leaf)
        return tuple(new), leaves

    def differentiated(self, value: Any) -> Any:
        if not self.has_aux:
            return value
        if not isinstance(value, (tuple, list)) or len(value) < 2:
            raise ValueError(
                f"has_aux needs at least two outputs, (loss, something else); {_called(self.fn)} returned one"
            )
        return value[0]

    def differentiate(self, recorded: list[Any], sources: list[torch.Tensor], inside: bool) -> list[torch.Tensor]:
        if not recorded:
            return [torch.zeros_like(source) for source in sources]
        outputs, starts = zip(*recorded, strict=True)
        return list(
            torch.autograd.grad(
                outputs, sources, starts, create_graph=inside, allow_unused=True, materialize_grads=True
            )
        )

    def in_shape(self, gradients: list[torch.Tensor]) -> Any:
        by_inputs: Any = tuple(gradients[: len(self.positions)])
        by_inputs = by_inputs[0] if len(by_inputs) == 1 else by_inputs
        if self.weights is None:
            return by_inputs
        learned = iter(gradients[len(self.positions) :])
        by_weights: Any = tuple(next(learned) if w.requires_grad else torch.zeros_like(w) for w in self.weights)
        by_weights = by_weights[0] if self.single_weight else by_weights
        return (by_inputs, by_weights) if self.positions else by_weights


def _positions(grad_position: Any) -> tuple[int, ...]:
    if grad_position is None:
        return ()
    positions = grad_position if isinstance(grad_position, tuple) else (grad_position,)
    if not positions or not all(isinstance(p, int) and not isinstance(p, bool) for p in positions):
        raise TypeError(f"grad_position must be None, a whole number or a tuple of such, not {grad_position!r}")
    if min(positions) < 0:
        raise ValueError(f"grad_position counts from 0 and cannot be {min(positions)}")
    if len(set(positions)) < len(positions):
        raise ValueError(f"grad_position names an argument twice: {grad_position!r}")
    return positions


def _weights(weights: Any) -> list[torch.Tensor]:
    if isinstance(weights, Cell):
        raise TypeError(
            f"weights must be Parameters, not the {type(weights).__name__} that has them; "
            f"say weights=net.trainable_params()"
        )
    if isinstance(weights, torch.Tensor):
        weights = [weights]
    elif isinstance(weights, (str, dict)) or not isinstance(weights, Iterable):
        raise TypeError(f"weights must be a Parameter or a list of Parameters, not a {type(weights).__name__}")
    weights = list(weights)
    for place, weight in enumerate(weights):
        if not isinstance(weight, torch.Tensor):
            kind = type(weight)
            other = f" of {kind.__module__.partition('.')[0]}; take that library's value_and_grad"
            there = other if kind.__name__ == Parameter.__name__ else ""
            raise TypeError(f"weights must be Parameters; member {place} is a {kind.__name__}{there}")
        if not (isinstance(weight, Parameter) or weight.requires_grad):
            raise TypeError(
                f"weights must be Parameters; member {place} is a {type(weight).__name__} that does not "
                f"require gradients"
            )
    return weights


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    """The Tensors in a nest of tuples, lists and dictionaries."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from _tensors(part)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))


def _detached(value: Any) -> Any:
    """The same nest with detached Tensors."""
    if isinstance(value, torch.Tensor):
        return plain(value).as_subclass(Tensor)
    if isinstance(value, (tuple, list)):
        parts = [_detached(part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    if isinstance(value, dict):
        return {word: _detached(part) for word, part in value.items()}
    return value


def _called(fn: Any) -> str:
    return getattr(fn, "__name__", None) or type(fn).__name__
