"""What a name of a script may stand for."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...lexicon import GROUPED, HUGGING_FACE, MINDSPORE, SCHEDULERS, TORCH

if TYPE_CHECKING:
    from .flow import Scope

OPTIMIZER, SCHEDULER, SCALER, NETWORK, GRADIENT, MODEL, PACK, OBJECT = (
    "optimizer", "scheduler", "scaler", "network", "gradient function", "model", "pack", "object",
)  # fmt: skip
OPERATION, APPLIED = "GradOperation", "applied"  # the operation, and the function that it makes of a network
GROUPS_SCHEDULER = "scheduler of mindspore.experimental"
EXPERIMENTAL = ("mindspore.experimental.optim", "mindspore.mint.optim")
GROUPS = "mindspore.experimental."  # what the names of their optimizers begin with


@dataclass(frozen=True)
class Thing:
    """What a name may stand for: made at ``node``."""

    kind: str
    node: ast.AST = field(compare=False, hash=False, repr=False)
    key: int
    name: str = ""
    scope: Scope | None = field(default=None, compare=False, hash=False, repr=False)
    parts: tuple[frozenset[Thing], ...] = ()
    keys: tuple[object, ...] = ()  # of a dictionary's parts


def made_kind(dotted: str) -> tuple[str, str]:
    """What a call of this full name makes: its kind and its class."""
    home, _, name = dotted.rpartition(".")
    if home in ("torch.optim", "calando.torch") and name in TORCH:
        return OPTIMIZER, f"torch.{name}"
    if home in ("mindspore.nn", "calando.mindspore.nn", "mindspore.nn.optim") and name in MINDSPORE:
        return OPTIMIZER, f"mindspore.{name}"
    if home in EXPERIMENTAL and name in GROUPED:
        return OPTIMIZER, f"{GROUPS}{name}"
    if home == f"{EXPERIMENTAL[0]}.lr_scheduler" and name[:1].isupper():
        return GROUPS_SCHEDULER, name
    if home == "torch.optim.lr_scheduler" and (name in SCHEDULERS or name.endswith(("LR", "Scheduler"))):
        return SCHEDULER, name
    if dotted == "torch.optim.swa_utils.SWALR":
        return SCHEDULER, name
    if home in ("transformers", "transformers.optimization") and name in HUGGING_FACE:
        return SCHEDULER, name
    if name == "GradScaler" and home.startswith("torch"):
        return SCALER, name
    if dotted in ("mindspore.value_and_grad", "mindspore.grad", "mindspore.ops.grad"):
        return GRADIENT, name
    if name == "GradOperation" and home.startswith("mindspore."):
        return GRADIENT, name
    if name == "Model" and home in ("mindspore", "mindspore.train", "mindspore.train.model"):
        return MODEL, name
    if home in ("torch.nn", "mindspore.nn") and name[:1].isupper() and name not in ("Parameter", "Module", "Cell"):
        return NETWORK, name
    return "", ""
