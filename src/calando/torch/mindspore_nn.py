"""``mindspore.nn``'s formulas in PyTorch's manners, where ``torch.optim`` has other formulas.

    from calando.torch import mindspore_nn
    optimizer = mindspore_nn.AdamWeightDecay(model.parameters(), lr=Cosine(1e-3, 0.0, steps=10_000))
    loss.backward(); optimizer.step(); optimizer.zero_grad()

A script that comes from MindSpore trains on the same path with these. Names of arguments and state are PyTorch's,
defaults are MindSpore's, and every number may also be a list, a schedule or a function of the step. SGD, Momentum,
AdaMax, Adadelta, Adagrad, ASGD, FTRL and ProximalAdagrad follow the same path in both frameworks: they are
``calando.torch``'s. ``calando.mindspore.torch_optim`` is the way back.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..decay import DECOUPLED, INSIDE, Decay
from ..dialects import dialects
from ..groups import Group
from ..hyper import Hyper, Rounded
from ..rule import Rule
from ..rules.adam import ADAM_EPSILON_HAT, ADAM_EPSILON_HAT_AHEAD, ADAM_UNCORRECTED, AMSGRAD_EPSILON_HAT
from ..rules.lamb import LAMB_CLIPPED
from ..rules.rmsprop import DOMAIN as RMSPROP_DOMAIN
from ..rules.rmsprop import RMSPROP_INSIDE, RMSPROP_INSIDE_CENTERED
from ..rules.rprop import RPROP
from ..rules.whole.adafactor import (
    ADAFACTOR_EPSILON,
    ADAFACTOR_EPSILON_SCALED,
    MOMENTUM_DOMAIN,
    relative_step,
    relative_step_warming_up,
)
from ..schedules import Function, Schedule
from .optimizer import Optimizer

__all__ = ["AdaFactor", "Adam", "AdamWeightDecay", "Lamb", "RMSProp", "Rprop"]

BETAS: Mapping[str, str | tuple[str, ...]] = {
    "lr": "lr",
    "betas": ("beta1", "beta2"),
    "eps": "eps",
    "weight_decay": "weight_decay",
}
MOMENTS = {"m": "exp_avg", "v": "exp_avg_sq", "v_max": "max_exp_avg_sq"}


class Formula(Optimizer):
    """What these have in common: a step sees hyperparameters as float32, and is computed as MindSpore's kernels do."""

    HYPER = Rounded
    ROOM = "mindspore_nn."

    def _group(self, group: Mapping[str, Any], hyper: Hyper) -> Group:
        return replace(super()._group(group, hyper), dialects=dialects(self._options))


class Adam(Formula):
    """Adam as ``mindspore.nn.Adam`` computes it: eps is added before the bias correction (ε̂ of the paper).

    p ← p - lr √(1 - β₂ᵗ) / (1 - β₁ᵗ) · m / (√v + ε). ``torch.optim.Adam`` adds ε after the correction: at the first
    update MindSpore's is 32 times as large. The formula is in ``calando.rules.adam``.

    Args:
        params: tensors, ``named_parameters()``, or dictionaries as in torch; iterators too.
        lr: step size, in [0, inf).
        betas: keep factors of the running means of g and g², each in [0, 1).
        eps: added to √v, in [0, inf).
        weight_decay: λ, in [0, inf); λ p is added to the gradient.
        amsgrad: divide by the largest v so far.
        nesterov: look ahead with the new gradient; ignored together with ``amsgrad``, as in MindSpore.
        max_norm, on_nonfinite: as in ``calando.torch.Adam``.

    Raises:
        ValueError: a number outside its domain, an empty parameter list, a parameter given twice.
        TypeError, KeyError: what cannot be a hyperparameter; an unknown key in a group.
    """

    SPELLING = BETAS
    DOMAIN = ADAM_EPSILON_HAT.domain
    SLOTS = MOMENTS

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: Any = (0.9, 0.999),
        eps: Any = 1e-8,
        weight_decay: Any = 0,
        amsgrad: bool = False,
        nesterov: bool = False,
        *,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        values = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, {**values, "amsgrad": amsgrad, "nesterov": nesterov}, max_norm, on_nonfinite)

    def _rule(self, group: Mapping[str, Any], hyper: Hyper) -> Rule:
        if group["amsgrad"]:
            return AMSGRAD_EPSILON_HAT
        return ADAM_EPSILON_HAT_AHEAD if group["nesterov"] else ADAM_EPSILON_HAT


class Pretraining(Formula):
    """The arguments and the state of BERT's optimizers: ε is 1e-6."""

    SPELLING = BETAS
    SLOTS = MOMENTS

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: Any = (0.9, 0.999),
        eps: Any = 1e-6,
        weight_decay: Any = 0,
        *,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        values = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, values, max_norm, on_nonfinite)


class AdamWeightDecay(Pretraining):
    """Adam with decoupled weight decay and without bias correction, as ``mindspore.nn.AdamWeightDecay`` (BERT's).

    p ← p - lr λ p - lr m / (√v + ε). ``torch.optim.AdamW`` corrects both means: its first step is shorter by √10. The
    formula is in ``calando.rules.adam``.

    Args:
        params: tensors, ``named_parameters()``, or dictionaries as in torch; iterators too.
        lr: step size, in [0, inf).
        betas: keep factors of the running means of g and g², each in [0, 1).
        eps: added to √v, in [0, inf).
        weight_decay: λ, in [0, inf); lr λ p is taken from p per step.
        max_norm, on_nonfinite: as in ``calando.torch.Adam``.

    Raises:
        ValueError: a number outside its domain, an empty parameter list, a parameter given twice.
        TypeError, KeyError: what cannot be a hyperparameter; an unknown key in a group.
    """

    DOMAIN = ADAM_UNCORRECTED.domain

    def _rule(self, group: Mapping[str, Any], hyper: Hyper) -> Rule:
        return ADAM_UNCORRECTED

    def _decay(self, group: Mapping[str, Any]) -> Decay:
        return DECOUPLED


class Lamb(Pretraining):
    """Lamb (You et al. 2020, arXiv:1904.00962, Algorithm 2) as ``mindspore.nn.Lamb``: the trust ratio is at most 10.

    The formula is in ``calando.rules.lamb``; ``calando.torch.Lamb`` is the paper's, without the bound.

    Args:
        params: tensors, ``named_parameters()``, or dictionaries as in torch; iterators too.
        lr: length of a step over the length of the weights, in [0, inf).
        betas: keep factors of the running means of g and g², each in [0, 1).
        eps: added to the denominator after bias correction, in [0, inf).
        weight_decay: λ, in [0, inf); λ p is part of the update whose length is measured.
        max_norm, on_nonfinite: as in ``calando.torch.Adam``.

    Raises:
        ValueError: a number outside its domain, an empty parameter list, a parameter given twice.
        TypeError, KeyError: what cannot be a hyperparameter; an unknown key in a group.
    """

    DOMAIN = LAMB_CLIPPED.domain

    def _rule(self, group: Mapping[str, Any], hyper: Hyper) -> Rule:
        return LAMB_CLIPPED

    def _decay(self, group: Mapping[str, Any]) -> Decay:
        return INSIDE


class RMSProp(Formula):
    """RMSProp (Tieleman & Hinton 2012) as ``mindspore.nn.RMSProp``: the mean of g² starts at 1, ε inside the root.

    ``torch.optim.RMSprop`` starts at 0, with ε outside. The formula is in ``calando.rules.rmsprop``.

    Args:
        params: tensors, ``named_parameters()``, or dictionaries as in torch; iterators too.
        lr: step size, in [0, inf).
        alpha: keep factor of the running mean of g² (MindSpore's ``decay``), in [0, 1].
        eps: added inside the root (MindSpore's ``epsilon``), in [0, inf).
        weight_decay: λ, in [0, inf); λ p is added to the gradient.
        momentum: keep factor of the running sum of steps, in [0, inf).
        centered: divide by the root of the variance (Graves 2013).
        max_norm, on_nonfinite: as in ``calando.torch.Adam``.

    Raises:
        ValueError: a number outside its domain, an empty parameter list, a parameter given twice.
        TypeError, KeyError: what cannot be a hyperparameter; an unknown key in a group.
    """

    SPELLING = {"lr": "lr", "alpha": "rho", "eps": "eps", "weight_decay": "weight_decay", "momentum": "momentum"}
    DOMAIN = {**RMSPROP_DOMAIN, "rho": (0.0, 1.0000000000000002)}
    SLOTS = {"v": "square_avg", "m": "momentum_buffer", "c": "grad_avg"}

    def __init__(
        self,
        params: Any,
        lr: Any = 0.1,
        alpha: Any = 0.9,
        eps: Any = 1e-10,
        weight_decay: Any = 0,
        momentum: Any = 0,
        centered: bool = False,
        *,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        values = {"lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, {**values, "centered": centered}, max_norm, on_nonfinite)

    def _rule(self, group: Mapping[str, Any], hyper: Hyper) -> Rule:
        return RMSPROP_INSIDE_CENTERED if group["centered"] else RMSPROP_INSIDE

    def _starts(self, group: Mapping[str, Any]) -> dict[str, float]:
        return {"v": 1.0}


class Rprop(Formula):
    """Rprop (Riedmiller & Braun 1993) as ``mindspore.nn.Rprop``: with a weight decay, which ``torch.optim``'s lacks.

    The formula is in ``calando.rules.rprop``.

    Args:
        params: tensors, ``named_parameters()``, or dictionaries as in torch; iterators too.
        lr: the first step size of a parameter, in [0, inf); read at its first update only.
        etas: factors of the step size where the gradient changed its sign, in (0, 1), and where not, above 1.
        step_sizes: smallest and largest step size.
        weight_decay: λ, in [0, inf); λ p is added to the gradient.
        max_norm, on_nonfinite: as in ``calando.torch.Adam``.

    Raises:
        ValueError: a number outside its domain, an empty parameter list, a parameter given twice.
        TypeError, KeyError: what cannot be a hyperparameter; an unknown key in a group.
    """

    SPELLING = {
        "lr": "lr", "etas": ("eta_minus", "eta_plus"), "step_sizes": ("step_min", "step_max"),
        "weight_decay": "weight_decay",
    }  # fmt: skip
    DOMAIN = RPROP.domain
    SLOTS = {"h": "prev", "s": "step_size"}

    def __init__(
        self,
        params: Any,
        lr: Any = 0.1,
        etas: Any = (0.5, 1.2),
        step_sizes: Any = (1e-6, 50.0),
        weight_decay: Any = 0,
        *,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        values = {"lr": lr, "etas": etas, "step_sizes": step_sizes, "weight_decay": weight_decay}
        super().__init__(params, values, max_norm, on_nonfinite)

    def _rule(self, group: Mapping[str, Any], hyper: Hyper) -> Rule:
        return RPROP


class AdaFactor(Formula):
    """AdaFactor (Shazeer & Stern 2018, arXiv:1804.04235) as ``mindspore.nn.AdaFactor``.

    ``torch.optim.Adafactor`` has no momentum, other bounds, and takes the decay from p. The formula is in
    ``calando.rules.whole.adafactor``.

    Args:
        params: tensors, ``named_parameters()``, or dictionaries as in torch; iterators too.
        lr: step size, in [0, inf); None: min(0.01, 1/√t).
        eps: added to squares, and below which the length of the weights does not fall; each in [0, inf).
        clip_threshold: bound for the root mean square of an update before it is scaled, above 0.
        decay_rate: a new square has the share t^-decay_rate, in (0, 1).
        beta1: keep factor of the running mean of updates, in [0, 1); 0 or None: no such mean.
        weight_decay: λ, in [0, inf); λ times the step size, times p, is taken from p.
        scale_parameter: scale steps by the root mean square of the parameter; a rate that is a list or a schedule
            switches it off, as there.
        warmup_init: without ``lr``: min(10⁻⁶ t, 1/√t).
        compression: round the second moments of vectors to float16, as MindSpore stores them then.
        max_norm, on_nonfinite: as in ``calando.torch.Adam``.

    Raises:
        ValueError: a number outside its domain, an empty parameter list, a parameter given twice; ``warmup_init``
            with an ``lr``.
        TypeError, KeyError: what cannot be a hyperparameter; an unknown key in a group.
    """

    SPELLING = {
        "lr": "lr", "eps": ("eps1", "eps2"), "clip_threshold": "d", "decay_rate": "decay_rate", "beta1": "beta1",
        "weight_decay": "weight_decay",
    }  # fmt: skip
    DOMAIN = {**MOMENTUM_DOMAIN, "decay_rate": (5e-324, 1.0)}
    SLOTS = {"m": "exp_avg", "r": "exp_avg_sq_row", "c": "exp_avg_sq_col", "v": "exp_avg_sq"}

    def __init__(
        self,
        params: Any,
        lr: Any = None,
        eps: Any = (1e-30, 1e-3),
        clip_threshold: Any = 1.0,
        decay_rate: Any = 0.8,
        beta1: Any = 0.9,
        weight_decay: Any = 0,
        scale_parameter: bool = True,
        warmup_init: bool = False,
        compression: bool = False,
        *,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        if warmup_init and lr is not None:
            raise ValueError(f"For 'AdaFactor': warmup_init grows the step size that it finds itself, but lr is {lr!r}")
        relative = Function(relative_step_warming_up if warmup_init else relative_step)
        values = {
            "lr": relative if lr is None else lr,
            "eps": eps,
            "clip_threshold": clip_threshold,
            "decay_rate": decay_rate,
            "beta1": 0.0 if beta1 is None else beta1,
            "weight_decay": weight_decay,
        }
        structure = {"scale_parameter": scale_parameter, "relative": lr is None, "compression": compression}
        super().__init__(params, {**values, **structure}, max_norm, on_nonfinite)

    def _rule(self, group: Mapping[str, Any], hyper: Hyper) -> Rule:
        moving = isinstance(hyper.timelines["lr"].latest, Schedule) and not group["relative"]
        rules = ADAFACTOR_EPSILON if moving or not group["scale_parameter"] else ADAFACTOR_EPSILON_SCALED
        return rules[hyper.timelines["beta1"].latest != 0.0, group["compression"]]

    def _decay(self, group: Mapping[str, Any]) -> Decay:
        return INSIDE
