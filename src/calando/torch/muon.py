"""Muon as torch.optim spells it."""

from collections.abc import Mapping
from typing import Any

from ..decay import DECOUPLED, Decay
from ..hyper import Hyper, shown
from ..rule import Rule
from ..rules.whole.muon import MUON, MUON_NESTEROV, MUON_NESTEROV_RMS, MUON_RMS
from .optimizer import Optimizer
from .refusals import refuse_complex


class Muon(Optimizer):
    """Muon (Jordan et al. 2024): momentum made orthogonal, for matrices.

    Takes the place of ``torch.optim.Muon``: same arguments, same ``state_dict``, same path (its matrices are
    multiplied in bfloat16, as there). Every number may also be a list, a schedule or a function of the step; the
    formula is in ``calando.rules.whole.muon``.

    Args:
        params: matrices (two dimensions), ``named_parameters()``, or dictionaries as in torch; iterators too.
        lr: step size, in [0, inf).
        weight_decay: λ, in [0, inf); lr λ p is taken from p per step.
        momentum: keep factor of the running mean of gradients, in [0, inf).
        nesterov: look ahead.
        ns_coefficients: a, b, c of the Newton-Schulz iteration.
        eps: what norms are taken to be at least, in [0, inf).
        ns_steps: rounds of that iteration, below 100.
        adjust_lr_fn: how lr depends on the shape (A, B): ``"original"`` (and None): √max(1, A/B);
            ``"match_rms_adamw"``: 0.2 √max(A, B).
        max_norm, on_nonfinite: as in ``Adam``.

    Raises:
        ValueError: a number outside its domain, an empty parameter list, a parameter given twice.
        TypeError, KeyError: what cannot be a hyperparameter; an unknown key in a group.
    """

    SPELLING = {
        "lr": "lr",
        "weight_decay": "weight_decay",
        "momentum": "momentum",
        "ns_coefficients": ("ns_a", "ns_b", "ns_c"),
        "eps": "eps",
        "ns_steps": "ns_steps",
    }
    DOMAIN = MUON.domain
    SLOTS = {"m": "momentum_buffer"}
    AGED = False

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        weight_decay: Any = 0.1,
        momentum: Any = 0.95,
        nesterov: bool = True,
        ns_coefficients: Any = (3.4445, -4.775, 2.0315),
        eps: Any = 1e-7,
        ns_steps: Any = 5,
        adjust_lr_fn: str | None = None,
        *,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        if isinstance(ns_steps, float) and not ns_steps.is_integer():
            raise TypeError(f"For {type(self).__name__!r}: 'ns_steps' must be a whole number, but got {ns_steps}")
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults, max_norm, on_nonfinite)

    def _rule(self, group: Mapping[str, Any], hyper: Hyper) -> Rule:
        manner = group["adjust_lr_fn"]
        if manner not in (None, "original", "match_rms_adamw"):
            raise ValueError(
                f"{hyper.place}: 'adjust_lr_fn' must be 'original' or 'match_rms_adamw', not {shown(manner)}"
            )
        refuse_complex(type(self).__name__, hyper.place, group)
        for p in group["params"]:
            if p.dim() != 2:
                raise ValueError(f"{hyper.place}: Muon only takes matrices, but a parameter has shape {tuple(p.shape)}")
        if manner == "match_rms_adamw":
            return MUON_NESTEROV_RMS if group["nesterov"] else MUON_RMS
        return MUON_NESTEROV if group["nesterov"] else MUON

    def _decay(self, group: Mapping[str, Any]) -> Decay:
        return DECOUPLED
