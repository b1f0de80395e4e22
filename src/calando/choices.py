"""What every optimizer's constructor takes besides its own arguments, in both front ends.

ema                  a running average of the weights
slot_dtype           of the slots
rounding             of parameters in half precision
rounding_seed        what is rounded at random is drawn from it
loss_scale           what gradients are divided by
max_group_norm       bound for the norm of the gradients of each group
clip_value           bound for each number of the gradients
grad_centralization  whether each gradient loses the mean of its rows
grads_after_step     what becomes of the gradients: kept, zeroed, or let go of
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from inspect import Parameter, signature
from typing import Any

from .hyper import shown
from .rounding import WAYS

FRONTS = ("loss_scale", "max_group_norm", "clip_value")
AFTER = ("keep", "zero", "none")
DTYPES = ("float32", "bfloat16", "float16", "param", "int8")
NARROW = ("int8", "bfloat16", "float16")
HALF = ("float16", "bfloat16", "complex32")


@dataclass(frozen=True)
class Options:
    """The choices that hold for all groups of an optimizer.

    Args:
        ema: the keep factor of a running average of the weights, a number, list, schedule or function of the step;
            None: there is no average.
        slot_dtype: the dtype of the slots: ``"float32"`` (float64 of parameters in float64), ``"bfloat16"`` or
            ``"float16"`` (of parameters in float32 rounded at random, ``calando.rounding``), ``"param"`` for the
            parameter's own, as in torch.optim; or ``"int8"``: 8 bits and a scale for each 256 elements
            (``calando.eight``), for rules of Adam's family.
        fronts: hyperparameters in front of the rule that were named, here or in a group: those of ``FRONTS``.
        grad_centralization: whether every group's gradients of two or more dimensions lose the mean of each row
            (first axis), after clipping and L2 decay; a group may say otherwise.
        grads_after_step: ``"keep"`` the gradients, as torch.optim does; leave zeros there (``"zero"``, written by the
            kernel itself), or set ``grad`` to None (``"none"``). It replaces ``zero_grad``.
        rounding: how parameters in half precision keep what rounding to the nearest loses: ``"stochastic"`` or
            ``"kahan"`` (``calando.rounding``); None: they do not.
        rounding_seed: what is rounded at random is drawn from it, a whole number from 0 on.
    """

    ema: Any = None
    slot_dtype: str | None = "float32"
    fronts: Mapping[str, Any] = field(default_factory=dict)
    grad_centralization: bool = False
    grads_after_step: str = "keep"
    rounding: str | None = None
    rounding_seed: int = 0

    @property
    def seeded(self) -> bool:
        """Whether something may be rounded at random."""
        return self.rounding == "stochastic" or self.slot_dtype in NARROW

    def refuse_all(self, owner: str, why: str) -> None:
        """Raise ValueError where something was chosen."""
        chosen = [*(["ema"] if self.ema is not None else []), *self.fronts]
        chosen += ["rounding"] * (self.rounding is not None) + ["slot_dtype"] * (self.slot_dtype in NARROW)
        chosen += [n for n in ("grad_centralization", "grads_after_step") if getattr(self, n) != getattr(Options, n)]
        if chosen:
            usual = getattr(Options, chosen[0], None)
            raise ValueError(f"For {owner!r}: {chosen[0]!r} must stay {usual}: {why}")


def chosen(
    owner: str,
    ema: Any = None,
    slot_dtype: Any = "float32",
    grad_centralization: Any = False,
    grads_after_step: Any = "keep",
    rounding: Any = None,
    rounding_seed: Any = 0,
    **fronts: Any,
) -> Options:
    """The options, if they can be.

    Raises:
        ValueError: there is no such dtype of slots, or no such thing to do with gradients, or no such rounding; a
            seed where nothing is drawn.
        TypeError: centralization is neither True nor False; the seed is no whole number.
    """
    if not isinstance(grad_centralization, bool):
        told = f"'grad_centralization' must be True or False, but got {shown(grad_centralization)}"
        raise TypeError(f"For {owner!r}: {told}")
    if not one_of(AFTER, grads_after_step):
        told = f"'grads_after_step' must be one of {', '.join(AFTER)}, but got {shown(grads_after_step)}"
        raise ValueError(f"For {owner!r}: {told}")
    name = str(slot_dtype).removeprefix("torch.")
    if name not in DTYPES:
        told = f"'slot_dtype' must be one of {', '.join(DTYPES)}, but got {shown(slot_dtype)}"
        raise ValueError(f"For {owner!r}: {told}")
    if rounding is not None and not one_of(WAYS, rounding):
        known = " or ".join(map(repr, WAYS))
        raise ValueError(f"For {owner!r}: 'rounding' must be None, {known}, but got {shown(rounding)}")
    if isinstance(rounding_seed, bool) or not isinstance(rounding_seed, int):
        told = f"'rounding_seed' must be a whole number from 0 on, but got {shown(rounding_seed)}"
        raise TypeError(f"For {owner!r}: {told}")
    named = {name: value for name, value in fronts.items() if value is not None}
    found = Options(
        ema, None if name == "param" else name, named, grad_centralization, grads_after_step, rounding, rounding_seed
    )
    if rounding_seed != 0 and not found.seeded:
        told = "nothing is rounded at random without rounding='stochastic' or a slot_dtype of fewer bits than float32"
        raise ValueError(f"For {owner!r}: 'rounding_seed' is {shown(rounding_seed)}, but {told}; leave it out")
    return found


def one_of(known: Iterable[str], value: Any) -> bool:
    """Whether a value is one of these words; an array is none of them, which ``in`` cannot tell."""
    return isinstance(value, str) and value in known


def refuse_exact(place: str, params: Iterable[Any], rounding: str | None, way_out: str) -> None:
    """Raise ValueError for a group that has nothing to be rounded.

    Raises:
        ValueError: no parameter is in half precision.
    """
    dtypes = {str(p.dtype) for p in params if hasattr(p, "dtype")}
    if rounding is not None and dtypes and {name.lower().removeprefix("torch.") for name in dtypes}.isdisjoint(HALF):
        names = ", ".join(sorted(dtypes))
        told = f"rounding={rounding!r} is for parameters in bfloat16 or float16, and these are {names}"
        raise ValueError(f"{place}: {told}; leave it out, or {way_out}")


def refuse_idle_seed(owner: str, options: Options, noisy: Iterable[bool]) -> None:
    """Raise ValueError for a seed that none of an optimizer's parameters is rounded by.

    Args:
        noisy: whether something of them is rounded at random, part by part.
    """
    parts = list(noisy)
    if options.rounding_seed and parts and not any(parts):
        told = f"slots in {options.slot_dtype} beside these parameters are rounded to the nearest; leave it out"
        raise ValueError(f"For {owner!r}: 'rounding_seed' is {shown(options.rounding_seed)}, but {told}")


def with_groups(options: Options, groups: Any) -> Options:
    """The options, with the fronts that only some groups name."""
    groups = groups if isinstance(groups, list) else []
    found = [name for group in groups if isinstance(group, Mapping) for name in FRONTS if name in group]
    absent = {name: 1.0 if name == "loss_scale" else None for name in found}
    return replace(options, fronts={**absent, **options.fronts})


def arguments(**usual: Any) -> list[Parameter]:
    """All of these as arguments of a constructor, with other defaults where a front end has others."""
    own = [p for p in list(signature(chosen).parameters.values())[1:] if p.kind is not Parameter.VAR_KEYWORD]
    own += [Parameter(name, Parameter.KEYWORD_ONLY, default=None) for name in FRONTS]
    return [p.replace(default=usual.get(p.name, p.default)) for p in own]
