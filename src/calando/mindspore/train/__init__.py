"""``mindspore.train`` as far as calando has it: Model, callbacks, metrics, loss scales.

from calando.mindspore.train import Model, LossMonitor, LearningRateScheduler
"""

from typing import Any as _Any

from ..missing import missing as _missing
from .callback import Callback as Callback
from .callback import CheckpointConfig as CheckpointConfig
from .callback import EarlyStopping as EarlyStopping
from .callback import History as History
from .callback import LambdaCallback as LambdaCallback
from .callback import LearningRateScheduler as LearningRateScheduler
from .callback import LossMonitor as LossMonitor
from .callback import ModelCheckpoint as ModelCheckpoint
from .callback import ReduceLROnPlateau as ReduceLROnPlateau
from .callback import RunContext as RunContext
from .callback import TimeMonitor as TimeMonitor
from .loss_scale_manager import DynamicLossScaleManager as DynamicLossScaleManager
from .loss_scale_manager import FixedLossScaleManager as FixedLossScaleManager
from .loss_scale_manager import LossScaleManager as LossScaleManager
from .metrics import F1 as F1
from .metrics import MAE as MAE
from .metrics import MSE as MSE
from .metrics import Accuracy as Accuracy
from .metrics import Fbeta as Fbeta
from .metrics import Loss as Loss
from .metrics import Metric as Metric
from .metrics import Precision as Precision
from .metrics import Recall as Recall
from .metrics import Top1CategoricalAccuracy as Top1CategoricalAccuracy
from .metrics import Top5CategoricalAccuracy as Top5CategoricalAccuracy
from .metrics import TopKCategoricalAccuracy as TopKCategoricalAccuracy
from .metrics import get_metric_fn as get_metric_fn
from .metrics import names as names
from .metrics import rearrange_inputs as rearrange_inputs
from .model import Model as Model

__all__ = [
    "F1", "MAE", "MSE", "Accuracy", "Callback", "CheckpointConfig", "DynamicLossScaleManager", "EarlyStopping", "Fbeta",
    "FixedLossScaleManager", "History", "LambdaCallback", "LearningRateScheduler", "Loss", "LossMonitor",
    "LossScaleManager", "Metric", "Model", "ModelCheckpoint", "Precision", "Recall", "ReduceLROnPlateau", "RunContext",
    "TimeMonitor", "Top1CategoricalAccuracy", "Top5CategoricalAccuracy", "TopKCategoricalAccuracy", "get_metric_fn",
    "names", "rearrange_inputs",
]  # fmt: skip


def __getattr__(name: str) -> _Any:
    raise _missing(__name__, name, __all__)
