"""Optimizers that take the place of ``torch.optim``'s, with time inside.

Every hyperparameter of every group may be a number, a list, a schedule or a function of the step. It is
visible in ``param_groups`` and through ``at``, ``trace`` and ``current``, and can be changed at any time.
"""

from .adam import Adam as Adam
from .adam import AdamW as AdamW
from .optimizer import Optimizer as Optimizer
from .sgd import SGD as SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer"]
