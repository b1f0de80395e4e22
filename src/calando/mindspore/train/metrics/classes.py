"""How well each class is found: precision, recall, and the mean of the two."""

import sys
from typing import Any

import numpy as np

from .accuracy import one_hot
from .metric import Metric

TINY = sys.float_info.min  # what a class without examples is divided by, as in MindSpore


class ByClass(Metric):
    """What the metrics of single classes have in common: how often each is found, said and there.

    ``update(predictions, labels)``: predictions (batch, classes, …) against labels (batch, …), or one-hot ones of the
    predictions' shape. ``eval()`` gives float64 of shape (classes,), their plain mean with ``average=True``.

    Raises:
        ValueError: in ``update``: shapes that do not fit, a label that is no class, another number of classes.
        RuntimeError: in ``eval``: nothing was counted.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.found = self.said = self.there = np.zeros(0)

    def update(self, *inputs: Any) -> None:
        predicted, label = self.arrays(inputs, ("predictions", "labels"))
        if predicted.ndim == label.ndim and one_hot(label):
            label = label.argmax(axis=1)
        place, wanted = f"For '{type(self).__name__}'", predicted.shape[:1] + predicted.shape[2:]
        if predicted.ndim < 2 or label.shape != wanted:
            told = f"predictions of shape {predicted.shape} need labels of shape {wanted}, but got {label.shape}"
            raise ValueError(f"{place}: {told}")
        classes = predicted.shape[1]
        if self.there.size not in (0, classes):
            raise ValueError(f"{place}: there were {self.there.size} classes, and now {classes}")
        if not np.isin(label, np.arange(classes)).all():
            raise ValueError(
                f"{place}: labels must be whole numbers from 0 to {classes - 1}, the places of the classes"
            )
        guess, truth = predicted.argmax(axis=1).ravel(), label.astype(int).ravel()
        tables = [np.bincount(x, minlength=classes) for x in (truth[guess == truth], guess, truth)]
        former = (self.found, self.said, self.there) if self.there.size else (np.zeros(classes),) * 3
        self.found, self.said, self.there = (a + b for a, b in zip(former, tables, strict=True))

    def eval(self, average: bool = False) -> Any:
        if not self.there.size:
            raise RuntimeError(f"For '{type(self).__name__}': no example was given to update() before eval()")
        shares = self.shares()
        return shares.mean() if average else shares

    def shares(self) -> np.ndarray:
        """One number for each class."""
        raise NotImplementedError(f"{type(self).__name__} must define shares()")


def classified(owner: str, eval_type: str) -> None:
    """Refuse examples of several classes at once."""
    if eval_type != "classification":
        way = "; for 'multilabel' write a subclass of Metric"
        raise ValueError(f"For '{owner}': 'eval_type' must be 'classification', but got {eval_type!r}{way}")


class Precision(ByClass):
    """Of the examples that were said to be of a class, the share that is; see :class:`ByClass`."""

    def __init__(self, eval_type: str = "classification") -> None:
        classified("Precision", eval_type)
        super().__init__()

    def shares(self) -> np.ndarray:
        return self.found / (self.said + TINY)


class Recall(ByClass):
    """Of the examples that are of a class, the share that was said to be; see :class:`ByClass`."""

    def __init__(self, eval_type: str = "classification") -> None:
        classified("Recall", eval_type)
        super().__init__()

    def shares(self) -> np.ndarray:
        return self.found / (self.there + TINY)


class Fbeta(ByClass):
    """The harmonic mean of precision and ``beta``² times recall, (1 + β²) p r / (β² p + r); see :class:`ByClass`."""

    def __init__(self, beta: float) -> None:
        if not beta > 0:
            raise ValueError(f"For 'Fbeta': 'beta' must be above 0, but got {beta!r}")
        self.beta = beta
        super().__init__()

    def shares(self) -> np.ndarray:
        square = self.beta**2
        return (1 + square) * self.found / (square * self.there + self.said + TINY)


class F1(Fbeta):
    """:class:`Fbeta` with beta 1: precision and recall count alike."""

    def __init__(self) -> None:
        super().__init__(1.0)
