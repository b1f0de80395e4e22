"""What the state of an optimizer is called in the files of both frameworks, as data.

    FAMILIES["adam"].torch.slots["m"]         "exp_avg"
    FAMILIES["adam"].mindspore.slots["m"]     "moment1.{}"

A test compares it with the optimizers of ``calando.torch`` and ``calando.mindspore.nn``, which write these files.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

TORCH_OWN, MINDSPORE_OWN = (
    "torch.optim has no {}; calando.torch has",
    "mindspore.nn has no {}; calando.mindspore.nn has",
)


@dataclass(frozen=True)
class Torch:
    """One optimizer in ``state_dict()``.

    Args:
        name: its class; of ``torch.optim``, unless ``own``.
        slots: our slot → the key in ``state``.
        numbers: the key in a group → our hyperparameter, or several.
        defaults: what a group has where nothing else is known; the choices too.
        memory: what the rule remembers, under these names in ``state`` too.
        aged: whether ``state`` has ``"step"``.
        counted: whether that is a plain int.
        own: whether only calando has it.
    """

    name: str
    slots: Mapping[str, str]
    numbers: Mapping[str, str | tuple[str, ...]]
    defaults: Mapping[str, Any]
    memory: tuple[str, ...] = ()
    aged: bool = True
    counted: bool = False
    own: bool = False


@dataclass(frozen=True)
class MindSpore:
    """One optimizer in MindSpore's files; the fields are those of ``calando.mindspore.state.Stored``.

    Args:
        name: its class; of ``mindspore.nn``, unless ``own``.
        arguments: the constructor's argument → our hyperparameter.
        defaults: the constructor's own numbers by our names.
        optional: slots that only some choices have → the choice; "" for one that no choice of torch's has.
        shapes: slots that have not the parameter's shape → theirs, from it; None: it has none, and one number stands
            there in its place.
        needs: what the constructor is to be given beside numbers.
        kin: other classes that are stored in the same way.
    """

    name: str
    slots: Mapping[str, str]
    arguments: Mapping[str, str]
    defaults: Mapping[str, float]
    memory: Mapping[str, str] = field(default_factory=dict)
    powers: Mapping[str, str] = field(default_factory=dict)
    axes: tuple[int, ...] = ()
    numbers: Mapping[str, str] = field(default_factory=dict)
    fresh: str = ""
    idle: tuple[str, ...] = ()
    age: str = ""
    optional: Mapping[str, str] = field(default_factory=dict)
    shapes: Mapping[str, Callable[[tuple[int, ...]], tuple[int, ...] | None]] = field(default_factory=dict)
    needs: str = ""
    kin: tuple[str, ...] = ()
    own: bool = False


@dataclass(frozen=True)
class Family:
    """One optimizer in both frameworks.

    Args:
        torch, mindspore: what it is called there.
        differs: why the paths are not the same; empty where they are.
        scale: our slot → the factor by which MindSpore's numbers are larger than torch's, from the hyperparameters.
        axes: our slot → an axis of length 1 that torch's has and MindSpore's has not.
        negated: torch's hyperparameter → MindSpore's, which is the same with the other sign.
        absent: MindSpore's hyperparameters that torch has not → the number that means so.
        local: hyperparameters that mean something else there, and are not carried.
    """

    torch: Torch
    mindspore: MindSpore
    differs: str = ""
    scale: Mapping[str, Callable[[Mapping[str, float]], float]] = field(default_factory=dict)
    axes: Mapping[str, int] = field(default_factory=dict)
    negated: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, float] = field(default_factory=dict)
    local: tuple[str, ...] = ()


BETAS: dict[str, str | tuple[str, ...]] = {
    "lr": "lr", "betas": ("beta1", "beta2"), "eps": "eps", "weight_decay": "weight_decay"
}  # fmt: skip
BETA = {"learning_rate": "lr", "beta1": "beta1", "beta2": "beta2", "eps": "eps", "weight_decay": "weight_decay"}
USUAL = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0}
HERE = {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.0}
PLAIN = {"maximize": False, "foreach": None, "capturable": False, "differentiable": False}
POWERS = {"beta1": "beta1_power", "beta2": "beta2_power"}
MOMENTS = {"m": "exp_avg", "v": "exp_avg_sq"}


def same(*names: str) -> dict[str, str]:
    """Names that are ours too."""
    return {name: name for name in names}


SGD = Torch(
    "SGD", {"m": "momentum_buffer"}, same("lr", "momentum", "dampening", "weight_decay"),
    {"lr": 1e-3, "momentum": 0, "dampening": 0, "weight_decay": 0, "nesterov": False, "maximize": False,
     "foreach": None, "differentiable": False, "fused": None},
    aged=False,
)  # fmt: skip
ADAM = Torch(
    "Adam", {**MOMENTS, "v_max": "max_exp_avg_sq"}, BETAS,
    {**USUAL, "amsgrad": False, **PLAIN, "fused": None, "decoupled_weight_decay": False},
)  # fmt: skip
RATE = {"learning_rate": "lr", "weight_decay": "weight_decay"}

FAMILIES: dict[str, Family] = {
    "sgd": Family(
        SGD,
        MindSpore(
            "SGD", {"m": "accum.{}"}, {**RATE, "momentum": "momentum", "dampening": "dampening"},
            {"lr": 0.1, "momentum": 0.0, "dampening": 0.0, "weight_decay": 0.0},
            numbers={"momentum": "momentum"}, fresh="stat.{}", idle=("m",),
        ),
    ),
    "momentum": Family(
        SGD,
        MindSpore(
            "Momentum", {"m": "moments.{}"}, {**RATE, "momentum": "momentum"}, {"lr": 0.1, "weight_decay": 0.0},
            numbers={"momentum": "momentum"},
        ),
    ),
    "adam": Family(
        ADAM,
        MindSpore(
            "Adam", {"m": "moment1.{}", "v": "moment2.{}", "v_max": "vhat.{}"}, BETA, HERE, powers=POWERS,
            optional={"v_max": "amsgrad"}, kin=("LazyAdam", "AdamOffload"),
        ),
        "mindspore.nn.Adam adds eps before the bias correction, torch's Adam after it: where eps matters, the paths "
        "differ (calando.torch.Adam(eps=lambda step: eps / (1 - beta2 ** (step + 1)) ** 0.5) is MindSpore's)",
    ),
    "sparse_adam": Family(
        Torch(
            "SparseAdam", MOMENTS, {"lr": "lr", "betas": ("beta1", "beta2"), "eps": "eps"},
            {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "maximize": False}, counted=True,
        ),
        MindSpore("LazyAdam", {"m": "moment1.{}", "v": "moment2.{}"}, BETA, HERE, powers=POWERS, axes=(1,)),
    ),
    "adamw": Family(
        Torch(
            "AdamW", ADAM.slots, BETAS, {**ADAM.defaults, "weight_decay": 1e-2, "decoupled_weight_decay": True},
        ),
        MindSpore("AdamWeightDecay", {"m": "adam_m.{}", "v": "adam_v.{}"}, BETA, {**HERE, "eps": 1e-6}),
        "mindspore.nn.AdamWeightDecay corrects no bias, torch's AdamW does: the paths differ by the corrections, which "
        "vanish after some 1 / (1 - beta2) updates",
    ),
    "adamax": Family(
        Torch("Adamax", {"m": "exp_avg", "u": "exp_inf"}, BETAS, {**USUAL, "lr": 2e-3, **PLAIN}),
        MindSpore(
            "AdaMax", {"m": "moment1.{}", "u": "moment2.{}"}, BETA, HERE, powers={"beta1": "beta1_power"}, axes=(1,)
        ),
        "mindspore.nn.AdaMax adds eps to the largest gradient after the maximum, torch's Adamax before it: the paths "
        "differ where gradients are near eps",
    ),
    "adadelta": Family(
        Torch(
            "Adadelta", {"v": "square_avg", "q": "acc_delta"}, same("lr", "rho", "eps", "weight_decay"),
            {"lr": 1.0, "rho": 0.9, "eps": 1e-6, "weight_decay": 0, **PLAIN},
        ),
        MindSpore(
            "Adadelta", {"v": "accum.{}", "q": "accum_update.{}"}, {**RATE, "rho": "rho", "epsilon": "eps"},
            {"lr": 1.0, "rho": 0.9, "eps": 1e-6, "weight_decay": 0.0},
        ),
    ),
    "adagrad": Family(
        Torch(
            "Adagrad", {"s": "sum"}, same("lr", "lr_decay", "weight_decay", "eps"),
            {"lr": 1e-2, "lr_decay": 0, "eps": 1e-10, "weight_decay": 0, "initial_accumulator_value": 0,
             "foreach": None, "maximize": False, "differentiable": False, "fused": None},
        ),
        MindSpore("Adagrad", {"s": "accum.{}"}, RATE, {"lr": 1e-3, "weight_decay": 0.0}),
        "MindSpore's Adagrad adds 1e-8 under the root, torch's eps outside it: they differ where squared gradients "
        "have summed up to less than about 1e-6",
    ),
    "rmsprop": Family(
        Torch(
            "RMSprop", {"v": "square_avg", "m": "momentum_buffer", "c": "grad_avg"},
            {**same("lr", "eps", "weight_decay", "momentum"), "alpha": "rho"},
            {"lr": 1e-2, "momentum": 0, "alpha": 0.99, "eps": 1e-8, "centered": False, "weight_decay": 0, **PLAIN},
        ),
        MindSpore(
            "RMSProp", {"c": "mean_grad.{}", "v": "mean_square.{}", "m": "moment.{}"},
            {**RATE, "decay": "rho", "momentum": "momentum", "epsilon": "eps"},
            {"lr": 0.1, "rho": 0.9, "momentum": 0.0, "eps": 1e-10, "weight_decay": 0.0}, optional={"c": "centered"},
        ),
        "MindSpore's RMSProp has eps under the root (and, on the CPU, partly outside), torch's outside: where eps "
        "matters, the paths differ",
        {"m": lambda numbers: numbers["lr"]},  # MindSpore's momentum holds steps, torch's what lr is multiplied by
    ),
    "adafactor": Family(
        Torch(
            "Adafactor", {"r": "row_var", "c": "col_var", "v": "variance"},
            {**same("lr", "beta2_decay"), "eps": ("eps1", "eps2"), **same("d", "weight_decay")},
            {"lr": 1e-2, "beta2_decay": -0.8, "eps": (None, 1e-3), "d": 1.0, "weight_decay": 0.0, "foreach": None,
             "maximize": False},
        ),
        MindSpore(
            "AdaFactor",
            {"m": "exp_avg.{}", "r": "exp_avg_sq_row_{}", "c": "exp_avg_sq_col_{}", "v": "exp_avg_sq_{}"},
            {**RATE, "eps": "eps1 eps2", "clip_threshold": "d", **same("decay_rate", "beta1")},
            {"lr": 1e-2, "eps1": 1e-30, "eps2": 1e-3, "d": 1.0, "decay_rate": 0.8, "beta1": 0.9, "weight_decay": 0.0},
            idle=("r", "c", "v"), age="afactor_step", optional={"m": ""}, needs="relative_step=False",
            shapes={
                "r": lambda shape: shape[:-1] if len(shape) > 1 else None,
                "c": lambda shape: (*shape[:-2], shape[-1]) if len(shape) > 1 else None,
                "v": lambda shape: None if len(shape) > 1 else shape,
            },
        ),
        "torch's Adafactor bounds lr by 1/√t, MindSpore's only with relative_step=True (where lr is 0.01); the first "
        "eps is a floor there and added here, and is not carried; and torch decays by lr, MindSpore by the scaled "
        "step: up to 1/lr² updates, without weight decay and where that eps does not matter, the paths are the same",
        local=("eps1",), axes={"r": -1, "c": -2}, negated={"beta2_decay": "decay_rate"}, absent={"beta1": 0.0},
    ),
    "rprop": Family(
        Torch(
            "Rprop", {"h": "prev", "s": "step_size"},
            {"lr": "lr", "etas": ("eta_minus", "eta_plus"), "step_sizes": ("step_min", "step_max")},
            {"lr": 1e-2, "etas": (0.5, 1.2), "step_sizes": (1e-6, 50), **PLAIN},
        ),
        MindSpore(
            "Rprop", {"h": "prev.{}", "s": "step_size.{}"},
            {"learning_rate": "lr", "etas": "eta_minus eta_plus", "step_sizes": "step_min step_max"},
            {"lr": 0.1, "eta_minus": 0.5, "eta_plus": 1.2, "step_min": 1e-6, "step_max": 50.0},
        ),
    ),
    "asgd": Family(
        Torch(
            "ASGD", {"x": "ax"}, same("lr", "lambd", "alpha", "t0", "weight_decay"),
            {"lr": 1e-2, "lambd": 1e-4, "alpha": 0.75, "t0": 1e6, "weight_decay": 0, **PLAIN}, memory=("eta", "mu"),
        ),
        MindSpore(
            "ASGD", {"x": "ax_.{}"}, {**RATE, **same("lambd", "alpha", "t0")},
            {"lr": 0.1, "lambd": 1e-4, "alpha": 0.75, "t0": 1e6, "weight_decay": 0.0},
            memory={"mu": "mu_{}", "eta": "eta_{}"},
        ),
    ),
    "nadam": Family(
        Torch(
            "NAdam", MOMENTS, {**BETAS, "momentum_decay": "momentum_decay"},
            {**USUAL, "lr": 2e-3, "momentum_decay": 4e-3, "decoupled_weight_decay": False, **PLAIN},
            memory=("mu_product",),
        ),
        MindSpore(
            "NAdam", {"m": "exp_avg.{}", "v": "exp_avg_sq.{}"}, {**BETA, "momentum_decay": "momentum_decay"},
            {**HERE, "lr": 2e-3, "momentum_decay": 4e-3}, memory={"mu_product": "mu_product_{}"}, own=True,
        ),
    ),
    "radam": Family(
        Torch("RAdam", MOMENTS, BETAS, {**USUAL, "decoupled_weight_decay": False, **PLAIN}),
        MindSpore("RAdam", {"m": "exp_avg.{}", "v": "exp_avg_sq.{}"}, BETA, HERE, own=True),
    ),
    "lamb": Family(
        Torch("Lamb", MOMENTS, BETAS, {**USUAL, "eps": 1e-6}, own=True),
        MindSpore("Lamb", {"m": "lamb_m.{}", "v": "lamb_v.{}"}, BETA, {**HERE, "eps": 1e-6}),
    ),
    "ftrl": Family(
        Torch(
            "FTRL", {"a": "sum", "z": "linear"}, same("lr", "lr_power", "l1", "l2", "weight_decay"),
            {"lr": 1e-3, "lr_power": -0.5, "l1": 0.0, "l2": 0.0, "weight_decay": 0}, aged=False, own=True,
        ),
        MindSpore(
            "FTRL", {"a": "moments.{}", "z": "linear.{}"}, {**RATE, **same("lr_power", "l1", "l2")},
            {"lr": 1e-3, "lr_power": -0.5, "l1": 0.0, "l2": 0.0, "weight_decay": 0.0},
        ),
    ),
    "proximal_adagrad": Family(
        Torch(
            "ProximalAdagrad", {"s": "sum"}, same("lr", "l1", "l2", "weight_decay"),
            {"lr": 1e-3, "l1": 0.0, "l2": 0.0, "weight_decay": 0}, aged=False, own=True,
        ),
        MindSpore(
            "ProximalAdagrad", {"s": "accum.{}"}, {**RATE, **same("l1", "l2")},
            {"lr": 1e-3, "l1": 0.0, "l2": 0.0, "weight_decay": 0.0},
        ),
    ),
}  # fmt: skip

BY_NAME = {  # what a user may call it → the family; torch's SGD is MindSpore's SGD
    **{family.torch.name: key for key, family in reversed(FAMILIES.items())},
    **{name: key for key, f in reversed(FAMILIES.items()) for name in (f.mindspore.name, *f.mindspore.kin)},
}
