"""Optimizers that take the place of ``torch.optim``'s, with time inside.

Every hyperparameter of every group may be a number, a list, a schedule or a function of the step. It is
visible in ``param_groups`` and through ``at``, ``trace`` and ``current``, and can be changed at any time.
"""

from ..needs import need as _need

_need("torch", what=__name__, extra="torch")

from torch.optim import lr_scheduler as lr_scheduler

from .adadelta import Adadelta as Adadelta
from .adafactor import Adafactor as Adafactor
from .adagrad import Adagrad as Adagrad
from .adam import Adam as Adam
from .adam import AdamW as AdamW
from .adamax import Adamax as Adamax
from .adan import Adan as Adan
from .asgd import ASGD as ASGD
from .follow import Follow as Follow
from .ftrl import FTRL as FTRL
from .lamb import Lamb as Lamb
from .lars import LARS as LARS
from .lbfgs import LBFGS as LBFGS
from .lion import Lion as Lion
from .muon import Muon as Muon
from .nadam import NAdam as NAdam
from .optimizer import Optimizer as Optimizer
from .plateau import Plateau as Plateau
from .proximal_adagrad import ProximalAdagrad as ProximalAdagrad
from .radam import RAdam as RAdam
from .rmsprop import RMSprop as RMSprop
from .rprop import Rprop as Rprop
from .sgd import SGD as SGD
from .sparse_adam import LazyAdam as LazyAdam
from .sparse_adam import SparseAdam as SparseAdam

__all__ = [
    "ASGD",
    "FTRL",
    "LARS",
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Adan",
    "Follow",
    "Lamb",
    "LazyAdam",
    "Lion",
    "Muon",
    "NAdam",
    "Optimizer",
    "Plateau",
    "ProximalAdagrad",
    "RAdam",
    "RMSprop",
    "Rprop",
    "SparseAdam",
    "lr_scheduler",
]


def __getattr__(name: str):
    from ..nearest import hint

    if hasattr(lr_scheduler, name):
        told = f"it is torch.optim.lr_scheduler.{name}, which drives these optimizers too"
        raise AttributeError(f"module {__name__!r} has no {name!r}: {told}; calando.schedules has its closed form")
    raise AttributeError(f"module {__name__!r} has no {name!r}{hint(name, __all__)}; it has {', '.join(__all__)}")
