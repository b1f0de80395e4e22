"""How far predictions are off."""

from typing import Any

import numpy as np

from .metric import Metric


class Error(Metric):
    """What MAE and MSE have in common: a sum over all elements, divided by the number of examples.

    ``update(predictions, labels)``, both of the same number of elements; ``eval()`` gives a float. As in
    MindSpore the elements of an example are added, not averaged.

    Raises:
        ValueError: in ``update``: shapes that do not fit.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.total, self.count = 0.0, 0

    def update(self, *inputs: Any) -> None:
        predicted, label = self.arrays(inputs, ("predictions", "labels"))
        if predicted.size != label.size or not label.ndim:
            raise ValueError(
                f"For '{type(self).__name__}': predictions of shape {predicted.shape} and labels of shape "
                f"{label.shape} have different numbers of elements"
            )
        self.total += float(self.measure(label.reshape(predicted.shape) - predicted.astype(np.float64)).sum())
        self.count += label.shape[0]

    def eval(self) -> float:
        return self.over(self.total, self.count)

    def measure(self, difference: np.ndarray) -> np.ndarray:
        """What one element contributes."""
        raise NotImplementedError(f"{type(self).__name__} has no measure()")


class MAE(Error):
    """Σ |label - prediction| / examples."""

    def measure(self, difference: np.ndarray) -> np.ndarray:
        return np.abs(difference)


class MSE(Error):
    """Σ (label - prediction)² / examples."""

    def measure(self, difference: np.ndarray) -> np.ndarray:
        return np.square(difference)
