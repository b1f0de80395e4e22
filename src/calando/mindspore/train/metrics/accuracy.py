"""The share that is right."""

from typing import Any

import numpy as np

from .metric import Metric

TYPES = ("classification", "multilabel")


class Accuracy(Metric):
    """The share of examples that are classified rightly.

    Args:
        eval_type: 'classification': predictions (batch, classes, …) against labels (batch, …), or one-hot ones of
            the predictions' shape; 'multilabel': zeros and ones, both (batch, classes, …), right where all of an
            example's are.

    ``update(predictions, labels)``; ``eval()`` gives a float in [0, 1].

    Raises:
        ValueError: another eval_type; in ``update``: shapes that do not fit.
    """

    def __init__(self, eval_type: str = "classification") -> None:
        if eval_type not in TYPES:
            raise ValueError(f"For 'Accuracy': 'eval_type' must be one of {', '.join(TYPES)}, but got {eval_type!r}")
        self.eval_type = eval_type
        self.clear()

    def clear(self) -> None:
        self.right, self.count, self.classes = 0, 0, 0

    def update(self, *inputs: Any) -> None:
        predicted, label = self.arrays(inputs, ("predictions", "labels"))
        if self.eval_type == "classification" and predicted.ndim == label.ndim and one_hot(label):
            label = label.argmax(axis=1)
        wanted = predicted.shape if self.eval_type == "multilabel" else predicted.shape[:1] + predicted.shape[2:]
        if predicted.ndim < 2 or label.shape != wanted:
            raise ValueError(
                f"For 'Accuracy': predictions of shape {predicted.shape} need labels of shape {wanted}, but got "
                f"{label.shape}"
            )
        if self.classes and predicted.shape[1] != self.classes:
            raise ValueError(f"For 'Accuracy': there were {self.classes} classes, and now {predicted.shape[1]}")
        self.classes = predicted.shape[1]
        right = predicted.argmax(axis=1) == label if self.eval_type == "classification" else alike(predicted, label)
        self.right += int(right.sum())
        self.count += right.size

    def eval(self) -> float:
        return self.over(self.right, self.count)


def one_hot(label: np.ndarray) -> bool:
    """Whether each example has one 1 among zeros."""
    return bool(label.ndim > 1 and np.isin(label, (0, 1)).all() and (label.sum(axis=1) == 1).all())


def alike(predicted: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Whether all classes agree, for each example.

    Raises:
        ValueError: there is something else than zeros and ones.
    """
    if not (np.isin(predicted, (0, 1)).all() and np.isin(label, (0, 1)).all()):
        raise ValueError("For 'Accuracy': with eval_type 'multilabel' predictions and labels must be zeros and ones")
    return (predicted == label).all(axis=1)
