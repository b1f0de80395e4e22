"""``transformers``' functions that make a scheduler of PyTorch's: the arguments in order, with their defaults."""

from typing import Any

from .optimizers import NEEDED

WARM = {"num_warmup_steps": NEEDED}
WHOLE = {**WARM, "num_training_steps": NEEDED}
HUGGING_FACE: dict[str, dict[str, Any]] = {
    "get_constant_schedule": {},
    "get_constant_schedule_with_warmup": WARM,
    "get_linear_schedule_with_warmup": WHOLE,
    "get_cosine_schedule_with_warmup": {**WHOLE, "num_cycles": 0.5},
    "get_polynomial_decay_schedule_with_warmup": {**WHOLE, "lr_end": 1e-7, "power": 1.0},
    "get_scheduler": {
        "name": NEEDED, "num_warmup_steps": None, "num_training_steps": None, "scheduler_specific_kwargs": None,
    },
}  # fmt: skip
# What get_scheduler's names make.
CHOSEN = {
    "constant": "get_constant_schedule",
    "constant_with_warmup": "get_constant_schedule_with_warmup",
    "linear": "get_linear_schedule_with_warmup",
    "cosine": "get_cosine_schedule_with_warmup",
    "polynomial": "get_polynomial_decay_schedule_with_warmup",
}
