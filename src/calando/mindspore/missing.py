"""What is said when this front end is asked for something it does not have."""

from collections.abc import Iterable
from difflib import get_close_matches


def missing(module: str, name: str, known: Iterable[str]) -> AttributeError:
    """The error for ``module.name``, with the nearest known name and where to go instead."""
    near = get_close_matches(name, known, 1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return AttributeError(
        f"module {module!r} has no {name!r}{hint}. It covers optimizers, schedules, Tensor, Parameter, Cell, "
        "value_and_grad, Model and the layers of MindSpore's migration guide, on torch autograd. For other layers "
        "and operations use torch's on these Tensors, or build the network in real MindSpore: the "
        "optimizers here take its parameters and gradients."
    )
