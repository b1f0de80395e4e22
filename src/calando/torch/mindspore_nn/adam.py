"""Adam and its kin as ``mindspore.nn`` computes them."""

from collections.abc import Mapping
from typing import Any

from ...decay import DECOUPLED, INSIDE, Decay
from ...hyper import Hyper
from ...rule import Rule
from ...rules.adam import ADAM_EPSILON_HAT, ADAM_EPSILON_HAT_AHEAD, ADAM_UNCORRECTED, AMSGRAD_EPSILON_HAT
from ...rules.adamax import ADAMAX_EPSILON_LAST
from ...rules.lamb import LAMB_CLIPPED
from .formula import BETAS, MOMENTS, Formula


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


class AdaMax(Formula):
    """AdaMax (Kingma & Ba 2015, arXiv:1412.6980, Algorithm 2) as ``mindspore.nn.AdaMax``: ε beside the maximum.

    ``torch.optim.Adamax`` has it inside the maximum: where gradients are about ε, the two part. The formula is
    ``ADAMAX_EPSILON_LAST`` in ``calando.rules.adamax``.

    Args:
        params: tensors, ``named_parameters()``, or dictionaries as in torch; iterators too.
        lr: step size, in [0, inf).
        betas: keep factors of the mean of g and of the largest |g|, each in [0, 1).
        eps: added to the denominator, in [0, inf).
        weight_decay: λ, in [0, inf); λ p is added to the gradient.
        max_norm, on_nonfinite: as in ``calando.torch.Adam``.

    Raises:
        ValueError: a number outside its domain, an empty parameter list, a parameter given twice.
        TypeError, KeyError: what cannot be a hyperparameter; an unknown key in a group.
    """

    SPELLING = BETAS
    DOMAIN = ADAMAX_EPSILON_LAST.domain
    SLOTS = {"m": "exp_avg", "u": "exp_inf"}

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: Any = (0.9, 0.999),
        eps: Any = 1e-8,
        weight_decay: Any = 0,
        *,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        values = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, values, max_norm, on_nonfinite)

    def _rule(self, group: Mapping[str, Any], hyper: Hyper) -> Rule:
        return ADAMAX_EPSILON_LAST


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
