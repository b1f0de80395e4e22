"""Figures over many batches, and their names: ``{"acc"}``, ``{"loss"}``, or ``{"my accuracy": Accuracy()}``."""

from typing import Any

from ....hyper import UnknownName
from ....nearest import hint
from .accuracy import Accuracy as Accuracy
from .error import MAE as MAE
from .error import MSE as MSE
from .loss import Loss as Loss
from .metric import Metric as Metric
from .metric import rearrange_inputs as rearrange_inputs

__all__ = ["MAE", "MSE", "Accuracy", "Loss", "Metric", "get_metric_fn", "names", "rearrange_inputs"]

_NAMED: dict[str, type[Metric]] = {"acc": Accuracy, "accuracy": Accuracy, "loss": Loss, "mae": MAE, "mse": MSE}


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
