"""The share whose class is among the likeliest."""

from typing import Any

import numpy as np

from .accuracy import one_hot
from .metric import Metric


class TopKCategoricalAccuracy(Metric):
    """The share of examples whose label is among the ``k`` classes with the largest predictions.

    ``update(predictions, labels)``: (batch, classes) against (batch,), or one-hot labels of the predictions' shape;
    ``eval()`` gives a float in [0, 1].

    Raises:
        TypeError, ValueError: k is no int from 1 on; in ``update``: shapes that do not fit, fewer classes than k.
    """

    def __init__(self, k: int) -> None:
        if isinstance(k, bool) or not isinstance(k, int):
            raise TypeError(f"For '{type(self).__name__}': 'k' must be an int, but got {k!r} ({type(k).__name__})")
        if k < 1:
            raise ValueError(f"For '{type(self).__name__}': 'k' must be at least 1, but got {k}")
        self.k = k
        self.clear()

    def clear(self) -> None:
        self.right, self.count = 0, 0

    def update(self, *inputs: Any) -> None:
        predicted, label = self.arrays(inputs, ("predictions", "labels"))
        if predicted.ndim == label.ndim and one_hot(label):
            label = label.argmax(axis=1)
        place = f"For '{type(self).__name__}'"
        if predicted.ndim != 2 or label.shape != predicted.shape[:1]:
            told = f"but got {predicted.shape} and {label.shape}"
            raise ValueError(f"{place}: predictions are (batch, classes) and labels (batch,), {told}")
        if predicted.shape[1] < self.k:
            raise ValueError(f"{place}: 'k' is {self.k}, and there are {predicted.shape[1]} classes")
        likeliest = np.argsort(-predicted, axis=1)[:, : self.k]
        self.right += int((likeliest == label[:, None]).sum())
        self.count += len(label)

    def eval(self) -> float:
        return self.over(self.right, self.count)


class Top1CategoricalAccuracy(TopKCategoricalAccuracy):
    """:class:`TopKCategoricalAccuracy` of the likeliest class."""

    def __init__(self) -> None:
        super().__init__(1)


class Top5CategoricalAccuracy(TopKCategoricalAccuracy):
    """:class:`TopKCategoricalAccuracy` of the five likeliest classes."""

    def __init__(self) -> None:
        super().__init__(5)
