"""``mindspore.nn`` as far as calando has it: optimizers, schedules, and the layers of the guide."""

import typing as _typing
from importlib import import_module as _import_module
from typing import Any as _Any

from ..dynamic_lr import cosine_decay_lr as cosine_decay_lr
from ..dynamic_lr import exponential_decay_lr as exponential_decay_lr
from ..dynamic_lr import inverse_decay_lr as inverse_decay_lr
from ..dynamic_lr import natural_exp_decay_lr as natural_exp_decay_lr
from ..dynamic_lr import piecewise_constant_lr as piecewise_constant_lr
from ..dynamic_lr import polynomial_decay_lr as polynomial_decay_lr
from ..dynamic_lr import warmup_lr as warmup_lr
from ..missing import missing as _missing
from .adadelta import Adadelta as Adadelta
from .adafactor import AdaFactor as AdaFactor
from .adagrad import Adagrad as Adagrad
from .adagrad import ProximalAdagrad as ProximalAdagrad
from .adam import Adam as Adam
from .adam import AdamOffload as AdamOffload
from .adam import AdamWeightDecay as AdamWeightDecay
from .adam import LazyAdam as LazyAdam
from .adamax import AdaMax as AdaMax
from .asgd import ASGD as ASGD
from .ftrl import FTRL as FTRL
from .lamb import Lamb as Lamb
from .lars import LARS as LARS
from .lbfgs import LBFGS as LBFGS
from .momentum import Momentum as Momentum
from .nadam import NAdam as NAdam
from .radam import RAdam as RAdam
from .rmsprop import RMSProp as RMSProp
from .rprop import Rprop as Rprop
from .sgd import SGD as SGD

if _typing.TYPE_CHECKING:
    from ..optimizer import Optimizer as Optimizer  # what all of them are; at run time the class below says so
else:
    from ..custom import Optimizer as Optimizer

_HOMES = {  # loaded on first use, because they load torch
    **dict.fromkeys(
        (
            "AdaptiveMaxPool2d", "AvgPool2d", "BatchNorm1d", "BatchNorm2d", "CellList", "ClipByNorm", "Conv2d", "Dense",
            "Dropout", "Embedding", "Flatten", "GELU", "GroupNorm", "Identity", "LayerNorm", "LeakyReLU", "LogSoftmax",
            "MaxPool2d", "Norm", "ReLU", "SequentialCell", "Sigmoid", "Softmax", "Tanh", "get_activation",
        ),
        "network.layers",
    ),
    "Cell": "network.cell",
    "LearningRateSchedule": "network.schedule",
    "LossBase": "network.loss_base",
    **dict.fromkeys(
        (
            "BCELoss", "BCEWithLogitsLoss", "CrossEntropyLoss", "L1Loss", "MAELoss", "MSELoss", "NLLLoss",
            "SmoothL1Loss", "SoftmaxCrossEntropyWithLogits",
        ),
        "network.losses",
    ),
    **dict.fromkeys(
        (
            "F1", "MAE", "MSE", "Accuracy", "Fbeta", "Loss", "Metric", "Precision", "Recall", "Top1CategoricalAccuracy",
            "Top5CategoricalAccuracy", "TopKCategoricalAccuracy", "get_metric_fn", "rearrange_inputs",
        ),
        "train.metrics",
    ),
    **dict.fromkeys(
        ("DynamicLossScaleUpdateCell", "FixedLossScaleUpdateCell", "TrainOneStepWithLossScaleCell"), "network.scaling"
    ),
    **dict.fromkeys(("ForwardValueAndGrad", "TrainOneStepCell", "WithEvalCell", "WithLossCell"), "network.wrap"),
    **dict.fromkeys(
        (
            "CosineDecayLR", "ExponentialDecayLR", "InverseDecayLR", "NaturalExpDecayLR", "PolynomialDecayLR",
            "WarmUpLR",
        ),
        "learning_rate_schedule",
    ),
}  # fmt: skip

_MODULES = (
    "cell",
    "dynamic_lr",
    "layer",
    "learning_rate_schedule",
    "loss",
    "metrics",
    "optim",
    "wrap",
)  # addresses inside mindspore.nn

_HERE = [
    "ASGD", "FTRL", "LARS", "LBFGS", "SGD", "AdaFactor", "AdaMax", "Adadelta", "Adagrad", "Adam", "AdamOffload",
    "AdamWeightDecay", "Lamb", "LazyAdam", "Momentum", "NAdam", "Optimizer", "ProximalAdagrad", "RAdam", "RMSProp",
    "Rprop",
    "cosine_decay_lr", "exponential_decay_lr", "inverse_decay_lr", "natural_exp_decay_lr", "piecewise_constant_lr",
    "polynomial_decay_lr", "warmup_lr",
]  # fmt: skip
__all__ = sorted([*_HERE, *_HOMES])


def __getattr__(name: str) -> _Any:
    if name in _HOMES:
        return getattr(_import_module(f"calando.mindspore.{_HOMES[name]}"), name)
    if name in _MODULES:
        return _import_module(f"{__name__}.{name}")
    raise _missing(__name__, name, __all__)


def __dir__() -> list[str]:
    return __all__
