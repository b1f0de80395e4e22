"""``torch.optim.lr_scheduler``: the arguments after the optimizer, in order, with their defaults."""

from typing import Any

from .optimizers import NEEDED

SCHEDULERS: dict[str, dict[str, Any]] = {
    "StepLR": {"step_size": NEEDED, "gamma": 0.1},
    "MultiStepLR": {"milestones": NEEDED, "gamma": 0.1},
    "ExponentialLR": {"gamma": NEEDED},
    "CosineAnnealingLR": {"T_max": NEEDED, "eta_min": 0.0},
    "CosineAnnealingWarmRestarts": {"T_0": NEEDED, "T_mult": 1, "eta_min": 0.0},
    "LinearLR": {"start_factor": 1 / 3, "end_factor": 1.0, "total_iters": 5},
    "ConstantLR": {"factor": 1 / 3, "total_iters": 5},
    "PolynomialLR": {"total_iters": 5, "power": 1.0},
    "LambdaLR": {"lr_lambda": NEEDED},
    "MultiplicativeLR": {"lr_lambda": NEEDED},
    "SequentialLR": {"schedulers": NEEDED, "milestones": NEEDED},
    "OneCycleLR": {
        "max_lr": NEEDED, "total_steps": None, "epochs": None, "steps_per_epoch": None, "pct_start": 0.3,
        "anneal_strategy": "cos", "cycle_momentum": True, "base_momentum": 0.85, "max_momentum": 0.95,
        "div_factor": 25.0, "final_div_factor": 1e4, "three_phase": False,
    },
    "CyclicLR": {
        "base_lr": NEEDED, "max_lr": NEEDED, "step_size_up": 2000, "step_size_down": None, "mode": "triangular",
        "gamma": 1.0, "scale_fn": None, "scale_mode": "cycle", "cycle_momentum": True, "base_momentum": 0.8,
        "max_momentum": 0.9,
    },
    "ReduceLROnPlateau": {
        "mode": "min", "factor": 0.1, "patience": 10, "threshold": 1e-4, "threshold_mode": "rel", "cooldown": 0,
        "min_lr": 0, "eps": 1e-8,
    },
}  # fmt: skip
