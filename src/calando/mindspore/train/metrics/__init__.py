"""Figures over many batches, and their names: ``{"acc"}``, ``{"loss"}``, or ``{"my accuracy": Accuracy()}``."""

from typing import Any

from ....hyper import UnknownName
from ....nearest import hint
from .accuracy import Accuracy as Accuracy
from .classes import F1 as F1
from .classes import Fbeta as Fbeta
from .classes import Precision as Precision
from .classes import Recall as Recall
from .error import MAE as MAE
from .error import MSE as MSE
from .loss import Loss as Loss
from .metric import Metric as Metric
from .metric import rearrange_inputs as rearrange_inputs
from .topk import Top1CategoricalAccuracy as Top1CategoricalAccuracy
from .topk import Top5CategoricalAccuracy as Top5CategoricalAccuracy
from .topk import TopKCategoricalAccuracy as TopKCategoricalAccuracy

__all__ = [
    "F1", "MAE", "MSE", "Accuracy", "Fbeta", "Loss", "Metric", "Precision", "Recall", "Top1CategoricalAccuracy",
    "Top5CategoricalAccuracy", "TopKCategoricalAccuracy", "get_metric_fn", "names", "rearrange_inputs",
]  # fmt: skip

_NAMED: dict[str, type[Metric]] = {
    "F1": F1, "acc": Accuracy, "accuracy": Accuracy, "loss": Loss, "mae": MAE, "mse": MSE, "precision": Precision,
    "recall": Recall, "top_1_accuracy": Top1CategoricalAccuracy, "top_5_accuracy": Top5CategoricalAccuracy,
    "topk": TopKCategoricalAccuracy,
}  # fmt: skip


def names() -> list[str]:
    """The names a Model knows."""
    return sorted(_NAMED)


def get_metric_fn(name: str, *args: Any, **kwargs: Any) -> Metric:
    """A new metric by its name.

    Raises:
        UnknownName: nothing of that name; what there is.
    """
    if name not in _NAMED:
        raise UnknownName(
            f"no metric is called {name!r}{hint(name, _NAMED)}; there are {', '.join(names())}, "
            "and any Metric of your own: metrics={'name': MyMetric()}"
        )
    return _NAMED[name](*args, **kwargs)


def named(place: str, metrics: Any) -> dict[str, Metric]:
    """What a Model is given as metrics, by name.

    Raises:
        TypeError: neither None, a set of names, nor a dictionary of names and Metrics.
        KeyError: an unknown name.
    """
    if metrics is None:
        return {}
    if isinstance(metrics, dict):
        for name, metric in metrics.items():
            if not isinstance(name, str) or not isinstance(metric, Metric):
                hint = "; make one: Accuracy()" if isinstance(metric, type) and issubclass(metric, Metric) else ""
                raise TypeError(f"For '{place}': 'metrics' maps names to Metrics, but got {name!r}: {metric!r}{hint}")
        return dict(metrics)
    if isinstance(metrics, (set, frozenset)):
        return {name: get_metric_fn(name) for name in sorted(metrics, key=str)}
    raise TypeError(
        f"For '{place}': 'metrics' must be a set of names, as {{'accuracy'}}, or a dictionary, as "
        f"{{'accuracy': Accuracy()}}, so that each has a name, but got {type(metrics).__name__} {metrics!r}"
    )
