"""What a ``Model`` was that is handed on: a training step, with the network and the optimizer that it trains with.

Used by scripts that ``calando migrate --to torch`` wrote.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Training:
    """A training step for a loop that stands elsewhere; everything else is asked of the Model that evaluates.

    Args:
        step: makes one update of a batch, and returns the loss.
        network: what is trained.
        optimizer: what updates it.
        model: MindSpore's Model without what trains, where something evaluates with it.
    """

    def __init__(self, step: Callable[..., Any], network: Any = None, optimizer: Any = None, model: Any = None) -> None:
        self.step = step
        self.network = network
        self.optimizer = optimizer
        self.model = model

    def set_train(self) -> None:
        """Set the network to train, MindSpore's or PyTorch's."""
        if self.network is not None:
            (self.network.set_train if hasattr(self.network, "set_train") else self.network.train)()

    def __getattr__(self, name: str) -> Any:
        """Whatever else a Model has.

        Raises:
            AttributeError: there is none that evaluates.
        """
        model = self.__dict__.get("model")
        if model is None or name.startswith("__"):
            raise AttributeError(f"a training has no {name!r} of its own, and was given no Model that evaluates")
        return getattr(model, name)
