"""What every optimizer's constructor takes besides its own arguments.

ema                  a running average of the weights
slot_dtype           of the slots of parameters in half precision
loss_scale           what gradients are divided by
max_group_norm       bound for the norm of the gradients of each group
clip_value           bound for each number of the gradients
grad_centralization  whether each gradient loses the mean of its rows
grads_after_step     what becomes of the gradients: kept, zeroed, or let go of
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import wraps
from inspect import Parameter, signature
from typing import Any

from ..nearest import refuse_unknown

FRONTS = ("loss_scale", "max_group_norm", "clip_value")
AFTER = ("keep", "zero", "none")
DTYPES = ("float32", "bfloat16", "float16", "param")


@dataclass(frozen=True)
class Options:
    """The choices that hold for all groups of an optimizer.

    Args:
        ema: the keep factor of a running average of the weights, a number, list, schedule or function of the step;
            None: there is no average.
        slot_dtype: the dtype of the slots of parameters in half precision: ``"float32"``, ``"bfloat16"``,
            ``"float16"``, or ``"param"`` for the parameter's own, as in torch.optim.
        fronts: hyperparameters in front of the rule that were named, here or in a group: those of ``FRONTS``.
        grad_centralization: whether every group's gradients of two or more dimensions lose the mean of each row
            (first axis), after clipping and L2 decay; a group may say otherwise.
        grads_after_step: ``"keep"`` the gradients, as torch.optim does; leave zeros there (``"zero"``, written by the
            kernel itself), or set ``grad`` to None (``"none"``). It replaces ``zero_grad``.
    """

    ema: Any = None
    slot_dtype: str | None = "float32"
    fronts: Mapping[str, Any] = field(default_factory=dict)
    grad_centralization: bool = False
    grads_after_step: str = "keep"

    def refuse_all(self, owner: str, why: str) -> None:
        """Raise ValueError where something but the dtype of slots was chosen."""
        chosen = [*(["ema"] if self.ema is not None else []), *self.fronts]
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
    **fronts: Any,
) -> Options:
    """The options, if they can be.

    Raises:
        ValueError: there is no such dtype of slots, or no such thing to do with gradients.
        TypeError: centralization is neither True nor False.
    """
    if not isinstance(grad_centralization, bool):
        told = f"'grad_centralization' must be True or False, but got {grad_centralization!r}"
        raise TypeError(f"For {owner!r}: {told}")
    if grads_after_step not in AFTER:
        raise ValueError(
            f"For {owner!r}: 'grads_after_step' must be one of {', '.join(AFTER)}, but got {grads_after_step!r}"
        )
    name = str(slot_dtype).removeprefix("torch.")
    if name not in DTYPES:
        raise ValueError(f"For {owner!r}: 'slot_dtype' must be one of {', '.join(DTYPES)}, but got {slot_dtype!r}")
    named = {name: value for name, value in fronts.items() if value is not None}
    return Options(ema, None if name == "param" else name, named, grad_centralization, grads_after_step)


ARGUMENTS = [p for p in list(signature(chosen).parameters.values())[1:] if p.kind is not Parameter.VAR_KEYWORD]
ARGUMENTS += [Parameter(name, Parameter.KEYWORD_ONLY, default=None) for name in FRONTS]


def with_options(init: Callable[..., None]) -> Callable[..., None]:
    """A constructor that also takes the options; the outermost class's arguments count.

    The wrapped constructor raises TypeError for what is no argument of it, with the nearest one.
    """
    known, names = signature(init), [p.name for p in ARGUMENTS]
    own = list(known.parameters.values())
    at = len(own) - (own[-1].kind is Parameter.VAR_KEYWORD)
    more = [p.replace(kind=Parameter.KEYWORD_ONLY) for p in ARGUMENTS]
    shown = known.replace(parameters=[*own[:at], *more, *own[at:]])

    @wraps(init)
    def made(self: Any, *args: Any, **rest: Any) -> None:
        given = {name: rest.pop(name) for name in names if name in rest}
        if "_options" not in self.__dict__:
            self._options = chosen(type(self).__name__, **given)
        refuse_unknown(f"For '{type(self).__name__}'", shown, rest)
        init(self, *args, **rest)

    made.__signature__ = shown  # type: ignore[attr-defined]
    return made


def with_groups(options: Options, groups: Any) -> Options:
    """The options, with the fronts that only some groups name."""
    groups = groups if isinstance(groups, list) else []
    found = [name for group in groups if isinstance(group, Mapping) for name in FRONTS if name in group]
    absent = {name: 1.0 if name == "loss_scale" else None for name in found}
    return replace(options, fronts={**absent, **options.fronts})
