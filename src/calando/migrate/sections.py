"""What docs/guide.md says, in short: a report carries the sections that its findings point to.

The page must explain itself where the documentation is not; a test compares the titles with the guide's.
"""

from __future__ import annotations

from collections.abc import Iterable

SECTIONS: dict[str, tuple[str, str]] = {
    "optimizer": (
        "Which optimizers there are",
        "Both frameworks call most optimizers alike, and their arguments not: lr is learning_rate, betas is "
        "beta1 and beta2. Some share a name and not the formula: MindSpore's Adam adds eps before the bias "
        "correction, its AdamWeightDecay corrects no bias, its RMSProp starts the mean square at 1.",
    ),
    "step": (
        "One training step",
        "PyTorch keeps gradients in the parameters: zero_grad, backward, step. MindSpore's value_and_grad of a forward "
        "function returns them, and optimizer(grads) makes the update. Clipping, scaling and accumulation work on the "
        "gradients wherever they are.",
    ),
    "groups": (
        "Parameters and groups",
        "Groups are dictionaries in both. MindSpore knows params, lr, weight_decay, grad_centralization and "
        "order_params, wants lists, and without groups applies no weight decay to parameters called beta or gamma.",
    ),
    "changing": (
        "Changing them while training",
        "PyTorch writes into param_groups; MindSpore assigns to optimizer.learning_rate; calando takes "
        "optimizer.set(name, value).",
    ),
    "state": (
        "Saving and loading the optimizer",
        "PyTorch saves optimizer.state_dict() without weights, and the scheduler's beside it. MindSpore's "
        "save_checkpoint(optimizer) has weights, moments, rates and the global step in one file.",
    ),
    "schedule": (
        "Learning rates that change",
        "In PyTorch a scheduler is stepped beside the optimizer. In MindSpore, and in calando, the rate is a list or a "
        "schedule inside the optimizer, one value per update, so epochs become steps.",
    ),
    "reading": (
        "Seeing the learning rate",
        "PyTorch has param_groups and get_last_lr(), which after the scheduler's step is the next update's rate; "
        "MindSpore has get_lr(), which does not move the clock.",
    ),
    "network": (
        "In real MindSpore",
        "The network, its layers and the data are not translated: the result uses the network under the name it had.",
    ),
}
ALSO = {"loop": "step", "scheduler": "schedule"}  # anchors of the same sections


def section(topic: str) -> str:
    """The section that a finding's topic points to; empty where there is none."""
    name = ALSO.get(topic, topic)
    return name if name in SECTIONS else ""


def wanted(topics: Iterable[str]) -> list[str]:
    """The sections that topics point to, in the guide's order."""
    found = {section(topic) for topic in topics}
    return [name for name in SECTIONS if name in found]
