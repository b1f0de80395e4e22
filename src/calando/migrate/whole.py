"""What MindSpore's optimizers know of their parameters, for scripts that came from there.

MindSpore's checkpoint of an optimizer holds the weights it trains; PyTorch's ``state_dict`` does not. MindSpore's
parameters have names; PyTorch's have none.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

import torch


def save(
    optimizer: torch.optim.Optimizer, path: str | os.PathLike[str], append_dict: Mapping[str, Any] | None = None
) -> None:
    """Store an optimizer's state and its weights in one file of ``torch.save``, and numbers beside them.

    A scheduler that goes with the optimizer, as ``optimizer.scheduler``, is stored too: its clock is MindSpore's.

    Args:
        append_dict: name → number, as of ``mindspore.save_checkpoint``; in the file under their names.

    Raises:
        ValueError: a name among them that the file has already.
    """
    if taken := {"optimizer", "weights", "scheduler"} & set(append_dict or ()):
        raise ValueError(f"append_dict has {taken.pop()!r}, under which the file holds what is the optimizer's")
    held = {
        "optimizer": optimizer.state_dict(),
        "weights": [p.detach().clone() for group in optimizer.param_groups for p in group["params"]],
    }
    if (scheduler := vars(optimizer).get("scheduler")) is not None:
        held["scheduler"] = scheduler.state_dict()
    torch.save({**held, **(append_dict or {})}, path)


def load(optimizer: torch.optim.Optimizer, stored: Any) -> tuple[list[str], list[str]]:
    """Go on where ``save`` left off; ``stored`` is what ``torch.load`` returns.

    Returns:
        Two empty lists, as ``load_param_into_net`` has them where everything found its place.

    Raises:
        ValueError: other parameters than those that were saved; nothing has changed.
    """
    params = [p for group in optimizer.param_groups for p in group["params"]]
    shapes = [tuple(w.shape) for w in stored["weights"]], [tuple(p.shape) for p in params]
    if shapes[0] != shapes[1]:
        raise ValueError(f"the file holds weights of shapes {shapes[0]}, the optimizer trains {shapes[1]}")
    optimizer.load_state_dict(stored["optimizer"])
    if (scheduler := vars(optimizer).get("scheduler")) is not None and "scheduler" in stored:
        scheduler.load_state_dict(stored["scheduler"])
    with torch.no_grad():
        for p, weight in zip(params, stored["weights"], strict=True):
            p.copy_(weight)
    return [], []


def groups(network: Any, params: Iterable[Any] | None = None) -> list[Any]:
    """A network's parameters in two groups: those that MindSpore decays, and those called beta or gamma.

    MindSpore applies an optimizer's weight decay to no parameter whose name contains one of the two, unless the
    script has groups of its own. The second group has ``weight_decay`` 0; one that would be empty is left out.

    Args:
        params: those that are trained, or groups of the script's own, which stay; None: all that need gradients.
    """
    params = params if params is None else list(params)
    if params and any(isinstance(p, dict) for p in params):
        return params
    called = [(p, name) for p, name in names(network).items() if p.requires_grad]
    if params is not None:
        of = dict(called)
        called = [(p, of.get(p, "")) for p in params]
    exempt = [p for p, name in called if "beta" in name or "gamma" in name]
    decayed = [p for p, name in called if "beta" not in name and "gamma" not in name]
    found: list[dict[str, Any]] = [{"params": decayed}, {"params": exempt, "weight_decay": 0.0}]
    return [group for group in found if group["params"]]


def names(network: Any) -> dict[Any, str]:
    """Each parameter's name as MindSpore would have it: gamma and beta in normalization layers."""
    if not hasattr(network, "named_modules"):
        return {p: name for name, p in network.named_parameters()}
    found: dict[Any, str] = {}
    for place, module in network.named_modules():
        norm = "Norm" in type(module).__name__
        for name, p in module.named_parameters(recurse=False):
            called = {"weight": "gamma", "bias": "beta"}.get(name, name) if norm else name
            found[p] = f"{place}.{called}" if place else called
    return found
