"""Which optimizer of one framework is which of the other, how arguments are called, and how equal they are.

Equality was measured with the same gradients, step by step; a test repeats it live.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .optimizers import GROUPED

# Arguments of torch.optim that choose an implementation, not a path: they are dropped.
IMPLEMENTATION = ("foreach", "fused", "capturable", "differentiable")


@dataclass(frozen=True)
class Pair:
    """One optimizer of ``torch.optim`` in MindSpore.

    Args:
        guide: the class that the migration guide and the API mapping name; empty where there is none.
        exact: the class that follows torch's path, on MindSpore's parameters, with numbers, lists and
            schedules; where it is ``guide`` itself, MindSpore's own class is equal.
        names: torch's argument → MindSpore's; a tuple for ``betas``.
        why: why ``guide`` is not equal; empty where it is.
        ours: the class of ``calando.mindspore.nn`` that is equal and takes every hyperparameter as a schedule.
        fixed: arguments that must be said where torch has none, or another default.
    """

    guide: str
    exact: str
    names: Mapping[str, str | tuple[str, ...]]
    ours: str
    why: str = ""
    fixed: Mapping[str, str] = field(default_factory=dict)


BETAS: dict[str, str | tuple[str, ...]] = {
    "lr": "learning_rate",
    "betas": ("beta1", "beta2"),
    "eps": "eps",
    "weight_decay": "weight_decay",
}
DECOUPLED = {"decoupled_weight_decay": "decoupled_weight_decay"}
NN, OURS, EXACT = "mindspore.nn.", "calando.mindspore.nn.", "calando.mindspore.torch_optim."

PAIRS: dict[str, Pair] = {
    "SGD": Pair(
        NN + "SGD", NN + "SGD",
        {name: name for name in ("momentum", "dampening", "weight_decay", "nesterov")} | {"lr": "learning_rate"},
        OURS + "SGD",
    ),
    "Adam": Pair(
        NN + "Adam", EXACT + "Adam", {**BETAS, "amsgrad": "use_amsgrad"}, EXACT + "Adam",
        "mindspore.nn.Adam adds eps before the bias correction, torch.optim.Adam after it",
    ),
    "AdamW": Pair(
        NN + "AdamWeightDecay", EXACT + "AdamW", {**BETAS, "amsgrad": "use_amsgrad"}, EXACT + "AdamW",
        "mindspore.nn.AdamWeightDecay corrects no bias: its first step is √10 times as long",
    ),
    "RMSprop": Pair(
        NN + "RMSProp", EXACT + "RMSprop",
        {"lr": "learning_rate", "alpha": "decay", "eps": "epsilon", "momentum": "momentum", "centered": "centered",
         "weight_decay": "weight_decay"},
        EXACT + "RMSprop",
        "mindspore.nn.RMSProp starts its mean square at 1 and has eps inside the root",
    ),
    "Adadelta": Pair(
        NN + "Adadelta", NN + "Adadelta",
        {"lr": "learning_rate", "rho": "rho", "eps": "epsilon", "weight_decay": "weight_decay"}, OURS + "Adadelta",
    ),
    "Adagrad": Pair(
        NN + "Adagrad", EXACT + "Adagrad",
        {"lr": "learning_rate", "lr_decay": "lr_decay", "initial_accumulator_value": "accum", "eps": "eps",
         "weight_decay": "weight_decay"},
        EXACT + "Adagrad",
        "mindspore.nn.Adagrad has a fixed eps of 1e-8 inside the root, torch.optim.Adagrad one of 1e-10 outside it",
    ),
    "Adamax": Pair(
        NN + "AdaMax", EXACT + "Adamax", BETAS, EXACT + "Adamax",
        "mindspore.nn.AdaMax adds eps to the largest gradient after the maximum, torch.optim.Adamax before it",
    ),
    "Rprop": Pair(
        NN + "Rprop", NN + "Rprop", {"lr": "learning_rate", "etas": "etas", "step_sizes": "step_sizes"}, OURS + "Rprop"
    ),
    "ASGD": Pair(
        NN + "ASGD", NN + "ASGD",
        {"lr": "learning_rate", "lambd": "lambd", "alpha": "alpha", "t0": "t0", "weight_decay": "weight_decay"},
        OURS + "ASGD",
    ),
    "NAdam": Pair(
        "", OURS + "NAdam", {**BETAS, **DECOUPLED, "momentum_decay": "momentum_decay"}, OURS + "NAdam",
        "mindspore.nn has no NAdam (nn.Adam with use_nesterov is another formula)",
    ),
    "RAdam": Pair("", OURS + "RAdam", {**BETAS, **DECOUPLED}, OURS + "RAdam", "mindspore.nn has no RAdam"),
}  # fmt: skip


@dataclass(frozen=True)
class Return:
    """One optimizer of ``mindspore.nn`` in PyTorch.

    Args:
        torch: the class of ``torch.optim``; empty where there is none.
        names: MindSpore's argument → PyTorch's; ``betas0`` and ``betas1`` are the parts of ``betas``.
        why: why ``torch`` is not equal, or that it is not there; empty where it is equal.
        ours: the class that is equal and takes every hyperparameter as a schedule; empty where there is none.
        only: the arguments that ``ours`` has and ``torch`` has not.
    """

    torch: str
    names: Mapping[str, str]
    why: str = ""
    ours: str = ""
    only: Mapping[str, str] = field(default_factory=dict)


SPLIT = {"learning_rate": "lr", "beta1": "betas0", "beta2": "betas1", "eps": "eps", "weight_decay": "weight_decay"}
THEIRS, MANNERS = "calando.torch.", "calando.torch.mindspore_nn."
EPSILON = "mindspore.nn.Adam adds eps before the bias correction, torch.optim.Adam after it"

RETURNS: dict[str, Return] = {
    "SGD": Return(
        "SGD",
        {"learning_rate": "lr", **{n: n for n in ("momentum", "dampening", "weight_decay", "nesterov")}},
        ours=THEIRS + "SGD",
    ),
    "Momentum": Return(
        "SGD", {"learning_rate": "lr", "momentum": "momentum", "weight_decay": "weight_decay"}, ours=THEIRS + "SGD"
    ),
    "Adam": Return("Adam", SPLIT, EPSILON, MANNERS + "Adam", {"use_nesterov": "nesterov", "use_amsgrad": "amsgrad"}),
    "AdamOffload": Return("Adam", SPLIT, EPSILON, MANNERS + "Adam", {"use_nesterov": "nesterov"}),
    "AdaMax": Return(
        "Adamax", SPLIT,
        "mindspore.nn.AdaMax adds eps to the largest gradient after the maximum, torch.optim.Adamax before it",
        MANNERS + "AdaMax",
    ),
    "Adadelta": Return(
        "Adadelta",
        {"learning_rate": "lr", "rho": "rho", "epsilon": "eps", "weight_decay": "weight_decay"},
        ours=THEIRS + "Adadelta",
    ),
    "Adagrad": Return(
        "Adagrad",
        {"learning_rate": "lr", "accum": "initial_accumulator_value", "weight_decay": "weight_decay"},
        "mindspore.nn.Adagrad has a fixed eps of 1e-8 inside the root, torch.optim.Adagrad one of 1e-10 outside it",
        MANNERS + "Adagrad",
    ),
    "AdamWeightDecay": Return(
        "AdamW", SPLIT, "mindspore.nn.AdamWeightDecay corrects no bias; torch.optim.AdamW does",
        MANNERS + "AdamWeightDecay",
    ),
    "RMSProp": Return(
        "RMSprop",
        {"learning_rate": "lr", "decay": "alpha", "epsilon": "eps", "momentum": "momentum", "centered": "centered",
         "weight_decay": "weight_decay"},
        "mindspore.nn.RMSProp starts its mean square at 1 and has eps inside the root",
        MANNERS + "RMSProp",
    ),
    "Lamb": Return("", SPLIT, "torch.optim has no Lamb", MANNERS + "Lamb"),
    "FTRL": Return(
        "",
        {"learning_rate": "lr", "initial_accum": "initial_accumulator_value",
         **{n: n for n in ("lr_power", "l1", "l2", "weight_decay")}},
        "torch.optim has no FTRL",
        THEIRS + "FTRL",
    ),
    "ProximalAdagrad": Return(
        "",
        {"learning_rate": "lr", "accum": "initial_accumulator_value", **{n: n for n in ("l1", "l2", "weight_decay")}},
        "torch.optim has no ProximalAdagrad",
        THEIRS + "ProximalAdagrad",
    ),
    "LazyAdam": Return(
        "Adam", SPLIT, EPSILON.replace("Adam", "LazyAdam", 1), MANNERS + "Adam", {"use_nesterov": "nesterov"}
    ),
    "Rprop": Return(
        "Rprop", {"learning_rate": "lr", "etas": "etas", "step_sizes": "step_sizes"}, ours=MANNERS + "Rprop",
        only={"weight_decay": "weight_decay"},
    ),
    "ASGD": Return(
        "ASGD",
        {"learning_rate": "lr", **{n: n for n in ("lambd", "alpha", "t0", "weight_decay")}},
        ours=THEIRS + "ASGD",
    ),
    "AdaFactor": Return(
        "",
        {"learning_rate": "lr", **{n: n for n in (
            "eps", "clip_threshold", "decay_rate", "beta1", "weight_decay", "scale_parameter", "warmup_init",
            "compression",
        )}},
        "torch.optim.Adafactor has no momentum and other bounds",
        MANNERS + "AdaFactor",
    ),
}  # fmt: skip

# Optimizers of mindspore.experimental.optim, which copy torch.optim's.
COPIES: dict[str, Return] = {
    name: Return(name, {word: word for word in words.order[1:]}, ours=THEIRS + name) for name, words in GROUPED.items()
}
COPIES["Adam"] = Return("Adam", COPIES["Adam"].names, EPSILON.replace("nn", "experimental.optim"), MANNERS + "Adam")
