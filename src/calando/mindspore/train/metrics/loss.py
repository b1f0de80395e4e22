"""The loss itself."""

from typing import Any

from .metric import Metric


class Loss(Metric):
    """The mean of the losses of all batches, each batch counting the same.

    ``update(loss)``, of shape () or (batch,); ``eval()`` gives a float.

    Raises:
        ValueError: in ``update``: a loss of two or more dimensions.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.total, self.count = 0.0, 0

    def update(self, *inputs: Any) -> None:
        (loss,) = self.arrays(inputs, ("loss",))
        if loss.ndim > 1:
            raise ValueError(f"For 'Loss': a loss has shape () or (batch,), but got {loss.shape}")
        self.total += float(loss.mean())
        self.count += 1

    def eval(self) -> float:
        return self.over(self.total, self.count)
