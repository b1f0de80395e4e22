"""What torch's own optimizers call their hyperparameters and choices."""

from functools import cache

import torch


@cache
def torchs_names() -> dict[str, frozenset[str]]:
    """The names in the groups of each class of ``torch.optim``."""
    classes = {name: getattr(torch.optim, name) for name in torch.optim.__all__ if name != "Optimizer"}
    kinds = {name: kind for name, kind in classes.items() if isinstance(kind, type)}
    return {name: frozenset(kind([torch.zeros(1, 1, device="cpu")]).defaults) for name, kind in kinds.items()}
