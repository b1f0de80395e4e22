"""Layers of a network of MindSpore's, for scripts that pick parameters from them in PyTorch's words.

    for name, layer in named_modules(network):
        if isinstance(layer, nn.BatchNorm2d):
            plain.append(layer.weight)              # MindSpore's gamma

A layer is of its Cell's class for ``isinstance``. Its parameters are called ``weight`` and ``bias``, as PyTorch calls
those of the same layer, and so are they in the names that ``named_parameters`` gives.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

WORDS = {"gamma": "weight", "beta": "bias", "embedding_table": "weight"}  # MindSpore's name → PyTorch's
STATISTICS = ("moving_mean", "moving_variance")  # Parameters that PyTorch calls buffers


class Layer:
    """One layer, with PyTorch's names for its parameters."""

    def __init__(self, cell: Any) -> None:
        self.cell = cell

    @property
    def __class__(self) -> Any:
        """The Cell's class."""
        return type(self.cell)

    @__class__.setter
    def __class__(self, other: Any) -> None:
        raise TypeError(f"a layer stays a {type(self.cell).__name__}; its class cannot become {other}")

    def __getattr__(self, name: str) -> Any:
        held = own(self.cell)
        return held[name] if name in held else getattr(self.cell, name)

    def parameters(self, recurse: bool = True) -> Iterator[Any]:
        """Its parameters, and those of the layers in it."""
        return parameters(self.cell, recurse)

    def trainable_params(self) -> list[Any]:
        """Those that are trained."""
        return [p for p in parameters(self.cell) if p.requires_grad]


def bare(layer: Any) -> Any:
    """The network or layer itself."""
    return vars(layer)["cell"] if type(layer) is Layer else layer


def own(cell: Any) -> dict[str, Any]:
    """The parameters of one layer alone, by PyTorch's names."""
    found = ((name.rpartition(".")[2], p) for name, p in cell.parameters_and_names(expand=False))
    return {WORDS.get(name, name): p for name, p in found if name not in STATISTICS}


def named_children(layer: Any) -> Iterator[tuple[str, Any]]:
    """The layers directly in a network or layer, with their names."""
    cell = bare(layer)
    inside = cell.name_cells().items() if hasattr(cell, "name_cells") else cell.named_children()
    return ((name, Layer(each)) for name, each in inside)


def children(layer: Any) -> Iterator[Any]:
    """The layers directly in a network or layer."""
    return (each for _, each in named_children(layer))


def named_modules(layer: Any) -> Iterator[tuple[str, Any]]:
    """A network or layer and all layers in it, with their names; its own is empty."""
    cell = bare(layer)
    inside = cell.cells_and_names() if hasattr(cell, "cells_and_names") else cell.named_modules()
    return ((name, Layer(each)) for name, each in inside)


def modules(layer: Any) -> Iterator[Any]:
    """A network or layer and all layers in it."""
    return (each for _, each in named_modules(layer))


def named_parameters(layer: Any, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Any]]:
    """Parameters with PyTorch's names, each once.

    Args:
        prefix: what names begin with.
        recurse: whether those of the layers in it belong to it.
    """
    seen: set[int] = set()
    for place, each in named_modules(layer) if recurse else [("", Layer(bare(layer)))]:
        for name, p in own(bare(each)).items():
            if id(p) not in seen:
                seen.add(id(p))
                yield ".".join(part for part in (prefix, place, name) if part), p


def parameters(layer: Any, recurse: bool = True) -> Iterator[Any]:
    """Parameters, each once."""
    return (p for _, p in named_parameters(layer, recurse=recurse))
