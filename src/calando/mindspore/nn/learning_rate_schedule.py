"""``mindspore.nn.learning_rate_schedule``: where scripts import the base class and the schedules from."""

from ..learning_rate_schedule import CosineDecayLR as CosineDecayLR
from ..learning_rate_schedule import ExponentialDecayLR as ExponentialDecayLR
from ..learning_rate_schedule import InverseDecayLR as InverseDecayLR
from ..learning_rate_schedule import NaturalExpDecayLR as NaturalExpDecayLR
from ..learning_rate_schedule import PolynomialDecayLR as PolynomialDecayLR
from ..learning_rate_schedule import WarmUpLR as WarmUpLR
from ..network.schedule import LearningRateSchedule as LearningRateSchedule

__all__ = [
    "CosineDecayLR",
    "ExponentialDecayLR",
    "InverseDecayLR",
    "LearningRateSchedule",
    "NaturalExpDecayLR",
    "PolynomialDecayLR",
    "WarmUpLR",
]
