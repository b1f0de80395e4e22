"""Optimizers: their arguments in order, and what is taken where nothing is said."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NEEDED = "needed"  # an argument without a default


@dataclass(frozen=True)
class Spoken:
    """One optimizer in one framework's words.

    Args:
        order: the names of the arguments that may go by position.
        defaults: argument → what is taken where it is not given; ``NEEDED`` where it must be given.
        keywords: arguments that go by name only, with their defaults.
    """

    order: tuple[str, ...]
    defaults: Mapping[str, Any]
    keywords: Mapping[str, Any]

    def default(self, name: str) -> Any:
        """What is taken for an argument that is not given; KeyError where there is no such argument."""
        return self.defaults[name] if name in self.defaults else self.keywords[name]


def spoken(keywords: Mapping[str, Any] | None = None, **arguments: Any) -> Spoken:
    """Arguments in their order, the parameters before them."""
    return Spoken(("params", *arguments), {"params": NEEDED, **arguments}, dict(keywords or {}))


MORE = {"maximize": False, "foreach": None, "capturable": False, "differentiable": False}
FUSED = {"foreach": None, "maximize": False, "capturable": False, "differentiable": False, "fused": None}

TORCH: dict[str, Spoken] = {
    "SGD": spoken(
        {"maximize": False, "foreach": None, "differentiable": False, "fused": None},
        lr=1e-3, momentum=0, dampening=0, weight_decay=0, nesterov=False,
    ),
    "Adam": spoken(
        {**FUSED, "decoupled_weight_decay": False},
        lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False,
    ),
    "AdamW": spoken(FUSED, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, amsgrad=False),
    "Adadelta": spoken(
        {"capturable": False, "maximize": False, "differentiable": False},
        lr=1.0, rho=0.9, eps=1e-6, weight_decay=0, foreach=None,
    ),
    "Adagrad": spoken(
        {"maximize": False, "differentiable": False, "fused": None},
        lr=1e-2, lr_decay=0, weight_decay=0, initial_accumulator_value=0, eps=1e-10, foreach=None,
    ),
    "Adamax": spoken(
        {"maximize": False, "differentiable": False, "capturable": False},
        lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, foreach=None,
    ),
    "ASGD": spoken(
        {}, lr=1e-2, lambd=1e-4, alpha=0.75, t0=1e6, weight_decay=0, foreach=None, maximize=False,
        differentiable=False, capturable=False,
    ),
    "NAdam": spoken(
        MORE, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, momentum_decay=4e-3, decoupled_weight_decay=False
    ),
    "RAdam": spoken(MORE, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, decoupled_weight_decay=False),
    "RMSprop": spoken(
        {}, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0, momentum=0, centered=False, capturable=False, foreach=None,
        maximize=False, differentiable=False,
    ),
    "Rprop": spoken(
        {"capturable": False, "foreach": None, "maximize": False, "differentiable": False},
        lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50),
    ),
    "LBFGS": spoken(
        {}, lr=1, max_iter=20, max_eval=None, tolerance_grad=1e-7, tolerance_change=1e-9, history_size=100,
        line_search_fn=None,
    ),
}  # fmt: skip

# Those of torch.optim that calando.torch has, under the same names and with the same arguments.
CALANDO = (
    "SGD", "Adam", "AdamW", "Adadelta", "Adagrad", "Adamax", "ASGD", "NAdam", "RAdam", "RMSprop", "Rprop", "LBFGS",
)  # fmt: skip

MINDSPORE: dict[str, Spoken] = {
    "Adadelta": spoken(learning_rate=1.0, rho=0.9, epsilon=1e-6, loss_scale=1.0, weight_decay=0.0),
    "Adagrad": spoken(accum=0.1, learning_rate=1e-3, update_slots=True, loss_scale=1.0, weight_decay=0.0),
    "Adam": spoken(
        learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, use_locking=False, use_nesterov=False, weight_decay=0.0,
        loss_scale=1.0, use_amsgrad=False,
    ),
    "AdaMax": spoken(learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0, loss_scale=1.0),
    "AdamWeightDecay": spoken(learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-6, weight_decay=0.0),
    "ASGD": spoken(learning_rate=0.1, lambd=1e-4, alpha=0.75, t0=1e6, weight_decay=0.0),
    "LazyAdam": spoken(
        learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, use_locking=False, use_nesterov=False, weight_decay=0.0,
        loss_scale=1.0,
    ),
    "AdamOffload": spoken(
        learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, use_locking=False, use_nesterov=False, weight_decay=0.0,
        loss_scale=1.0,
    ),
    "Momentum": spoken(
        learning_rate=NEEDED, momentum=NEEDED, weight_decay=0.0, loss_scale=1.0, use_nesterov=False
    ),
    "RMSProp": spoken(
        learning_rate=0.1, decay=0.9, momentum=0.0, epsilon=1e-10, use_locking=False, centered=False, loss_scale=1.0,
        weight_decay=0.0,
    ),
    "Rprop": spoken(learning_rate=0.1, etas=(0.5, 1.2), step_sizes=(1e-6, 50.0), weight_decay=0.0),
    "SGD": spoken(
        learning_rate=0.1, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False, loss_scale=1.0
    ),
    "FTRL": spoken(
        initial_accum=0.1, learning_rate=1e-3, lr_power=-0.5, l1=0.0, l2=0.0, use_locking=False, loss_scale=1.0,
        weight_decay=0.0,
    ),
    "ProximalAdagrad": spoken(
        accum=0.1, learning_rate=1e-3, l1=0.0, l2=0.0, use_locking=False, loss_scale=1.0, weight_decay=0.0
    ),
    "AdaFactor": spoken(
        learning_rate=None, eps=(1e-30, 1e-3), clip_threshold=1.0, decay_rate=0.8, beta1=0.9, weight_decay=0.0,
        scale_parameter=True, relative_step=True, warmup_init=False, compression=False, loss_scale=1.0,
    ),
    "Lamb": spoken(learning_rate=NEEDED, beta1=0.9, beta2=0.999, eps=1e-6, weight_decay=0.0),
}  # fmt: skip

# mindspore.experimental.optim: torch.optim in MindSpore's framework, with most of its arguments and defaults.
UP = {"maximize": False}
GROUPED: dict[str, Spoken] = {
    "SGD": spoken(UP, lr=NEEDED, momentum=0, dampening=0, weight_decay=0.0, nesterov=False),
    "Adam": spoken(UP, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=False),
    "AdamW": spoken(UP, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, amsgrad=False),
    "Adadelta": spoken(UP, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0.0),
    "Adagrad": spoken(
        UP, lr=1e-2, lr_decay=0.0, weight_decay=0.0, initial_accumulator_value=0.0, eps=1e-10,
    ),
    "Adamax": spoken(UP, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0),
    "ASGD": spoken({}, lr=1e-2, lambd=1e-4, alpha=0.75, t0=1e6, weight_decay=0.0, maximize=False),
    "NAdam": spoken({}, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, momentum_decay=4e-3),
    "RAdam": spoken({}, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0),
    "RMSprop": spoken(
        {}, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False, maximize=False
    ),
    "Rprop": spoken(UP, lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50)),
}  # fmt: skip
