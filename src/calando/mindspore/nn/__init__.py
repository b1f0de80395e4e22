"""``mindspore.nn`` as far as calando has it: optimizers, schedules, and the layers of the guide."""

from importlib import import_module as _import_module
from typing import Any as _Any

from ..missing import missing as _missing
from ..optimizer import Optimizer as Optimizer
from .adadelta import Adadelta as Adadelta
from .adagrad import Adagrad as Adagrad
from .adagrad import ProximalAdagrad as ProximalAdagrad
from .adam import Adam as Adam
from .adam import AdamWeightDecay as AdamWeightDecay
from .adamax import AdaMax as AdaMax
from .asgd import ASGD as ASGD
from .ftrl import FTRL as FTRL
from .momentum import Momentum as Momentum
from .nadam import NAdam as NAdam
from .radam import RAdam as RAdam
from .rmsprop import RMSProp as RMSProp
from .rprop import Rprop as Rprop
from .sgd import SGD as SGD

_HOMES = {  # loaded on first use, because they load torch
    **dict.fromkeys(
        (
            "AdaptiveMaxPool2d", "BatchNorm2d", "CellList", "Conv2d", "Dense", "Dropout", "Flatten", "GELU",
            "MaxPool2d", "ReLU", "SequentialCell", "Sigmoid", "Softmax", "Tanh",
        ),
        "layers",
    ),
    "Cell": "cell",
    "CrossEntropyLoss": "losses",
    "LearningRateSchedule": "schedule",
    "MSELoss": "losses",
}  # fmt: skip

__all__ = sorted(["SGD", "Adam", "AdamWeightDecay", "Momentum", "Optimizer", *_HOMES])


def __getattr__(name: str) -> _Any:
    if name in _HOMES:
        return getattr(_import_module(f"calando.mindspore.network.{_HOMES[name]}"), name)
    raise _missing(__name__, name, __all__)


def __dir__() -> list[str]:
    return __all__
