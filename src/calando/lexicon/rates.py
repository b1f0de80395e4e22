"""``mindspore.nn``'s functions that make a list of learning rates: their arguments in order."""

from typing import Any

from .optimizers import NEEDED

DYNAMIC: dict[str, dict[str, Any]] = {
    "cosine_decay_lr": dict.fromkeys(("min_lr", "max_lr", "total_step", "step_per_epoch", "decay_epoch"), NEEDED),
    "exponential_decay_lr": {
        **dict.fromkeys(("learning_rate", "decay_rate", "total_step", "step_per_epoch", "decay_epoch"), NEEDED),
        "is_stair": False,
    },
    "inverse_decay_lr": {
        **dict.fromkeys(("learning_rate", "decay_rate", "total_step", "step_per_epoch", "decay_epoch"), NEEDED),
        "is_stair": False,
    },
    "natural_exp_decay_lr": {
        **dict.fromkeys(("learning_rate", "decay_rate", "total_step", "step_per_epoch", "decay_epoch"), NEEDED),
        "is_stair": False,
    },
    "piecewise_constant_lr": dict.fromkeys(("milestone", "learning_rates"), NEEDED),
    "polynomial_decay_lr": {
        **dict.fromkeys(
            ("learning_rate", "end_learning_rate", "total_step", "step_per_epoch", "decay_epoch", "power"), NEEDED
        ),
        "update_decay_epoch": False,
    },
    "warmup_lr": dict.fromkeys(("learning_rate", "total_step", "step_per_epoch", "warmup_epoch"), NEEDED),
}
