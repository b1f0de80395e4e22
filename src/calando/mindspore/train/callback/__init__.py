"""Callbacks: what looks on while a Model trains."""

from .callback import Callback as Callback
from .callback import RunContext as RunContext
from .checkpoint import CheckpointConfig as CheckpointConfig
from .checkpoint import ModelCheckpoint as ModelCheckpoint
from .early_stopping import EarlyStopping as EarlyStopping
from .history import History as History
from .lambda_callback import LambdaCallback as LambdaCallback
from .loss_monitor import LossMonitor as LossMonitor
from .lr_scheduler import LearningRateScheduler as LearningRateScheduler
from .plateau import ReduceLROnPlateau as ReduceLROnPlateau
from .time_monitor import TimeMonitor as TimeMonitor

__all__ = [
    "Callback",
    "CheckpointConfig",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "LossMonitor",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
    "RunContext",
    "TimeMonitor",
]
