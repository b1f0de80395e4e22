"""What is refused at the door, in one sentence each."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch.nn.parameter import UninitializedParameter

from ..hyper import UnknownName, is_number, shown

STRUCTURE = (
    "adjust_lr_fn",
    "amsgrad",
    "centered",
    "decoupled_weight_decay",
    "grad_centralization",
    "maximize",
    "nesterov",
    "no_prox",
)  # choices that name a rule


DEMANDS = ("capturable", "differentiable")  # which name an implementation that is not here
HINTS = ("foreach", "fused", *DEMANDS)  # which name an implementation


def refuse_choices(place: str, given: Mapping[str, Any]) -> None:
    """Raise TypeError where a rule is chosen by something that is neither true nor false, a schedule above all."""
    for name in STRUCTURE:
        value, wanted = given.get(name), "True or False"
        wrong = undecided(value)
        if name == "adjust_lr_fn":
            wrong, wanted = value is not None and (callable(value) or not isinstance(value, str)), "a name"
        if wrong:
            told = f"{name!r} chooses a rule, which does not change with time"
            raise TypeError(f"{place}: {told}; give {wanted}, not {shown(value)}")
    for name in HINTS:
        if undecided(given.get(name)):
            told = f"{name!r} names an implementation"
            raise TypeError(f"{place}: {told}; give True, False or None, not {shown(given[name])}")


def undecided(value: Any) -> bool:
    """Whether something is neither true nor false, nor left out."""
    if isinstance(value, (str, list, tuple)) or callable(value) or getattr(value, "ndim", 0) > 0:
        return True
    return value not in (0, 1, None)


def refuse_strangers(place: str, params: Any) -> None:
    """Raise TypeError for what holds parameters and is no list of them."""
    wanted = None
    if params is None:
        wanted = "a list of them"
    elif isinstance(params, (set, frozenset)):
        wanted = "a list, not a set"
    elif isinstance(params, Mapping):
        wanted = "a list of groups, [{'params': …}], or its .values()"
    elif hasattr(params, "parameters") and not isinstance(params, torch.nn.ParameterList):
        wanted = "its .parameters()"
    elif callable(params) and not isinstance(params, Iterable):
        wanted = "what it returns: call it, as in model.parameters()"
    if wanted:
        raise TypeError(f"{place}: params must be parameters in order; give {wanted}")


def refuse_formless(place: str, groups: Any, state: Any) -> None:
    """Raise TypeError (UnknownName for missing parameters) where groups or state are not built as torch builds them."""
    if not isinstance(groups, (list, tuple)):
        raise TypeError(f"{place}: param_groups must be a list of dictionaries, but it is {shown(groups)}")
    for number, group in enumerate(groups):
        if not isinstance(group, Mapping):
            raise TypeError(f"{place}: param_groups[{number}] must be a dictionary, but it is {shown(group)}")
        if "params" not in group:
            raise UnknownName(f"{place}, group {number}: 'params' was taken out of param_groups; put it back")
        params = group["params"]
        if not isinstance(params, (list, tuple)):
            raise TypeError(f"{place}, group {number}: 'params' must be a list of tensors, but it is {shown(params)}")
        for p in params:
            if not isinstance(p, torch.Tensor):
                raise TypeError(f"{place}, group {number}: 'params' must be a list of tensors, but holds {shown(p)}")
    if not isinstance(state, Mapping):
        raise TypeError(f"{place}: state must be a dictionary, but it is {shown(state)}")
    for key, face in state.items():
        if not isinstance(face, Mapping):
            whose = f"of a parameter of shape {tuple(key.shape)}" if isinstance(key, torch.Tensor) else f"{key!r}"
            raise TypeError(f"{place}: the state {whose} must be a dictionary, but it is {shown(face)}")


def refuse_complex(owner: str, place: str, group: Mapping[str, Any], kind: type[Exception] = RuntimeError) -> None:
    """Raise what torch raises for parameters whose rule has no complex meaning."""
    wrong = [i for i, p in enumerate(group["params"]) if p.is_complex()]
    if wrong:
        raise kind(f"{place}: {owner} does not support complex parameters, but parameter {wrong[0]} is one")


def refuse_shapeless(place: str, params: Sequence[Any], names: Sequence[str]) -> None:
    """Raise ValueError for parameters without a shape yet, or without plain memory."""
    for p, name in zip(params, names, strict=True):
        if isinstance(p, UninitializedParameter):
            way = "run one batch through the model, then build the optimizer"
            raise ValueError(f"{place}: parameter {name!r} has no shape yet, as in a lazy module; {way}")
        if isinstance(p, torch.Tensor) and p.layout is not torch.strided:
            kind = str(p.layout).removeprefix("torch.")
            raise ValueError(
                f"{place}: parameter {name!r} must be dense, but its layout is {kind}; gradients may be sparse"
            )


def refuse_rows(place: str, params: Sequence[Any]) -> None:
    """Raise ValueError for parameters whose rows have no mean that one process can take over real numbers."""
    for i, p in enumerate(params):
        if p.is_complex():
            told = f"parameter {i} is complex, and the mean of a row is taken of real numbers"
            raise ValueError(f"{place}: {told}; give it to a group without grad_centralization")
        if any(where.is_shard() and where.dim for where in getattr(p, "placements", ())):
            told = f"the rows of parameter {i} are in pieces on several processes"
            raise ValueError(f"{place}: {told}; give it to a group without grad_centralization")


def refuse_hints(name: str, defaults: Mapping[str, Any]) -> None:
    """Raise ValueError for what no kernel of ours can do."""
    if defaults.get("capturable"):
        raise ValueError(f"{name}: capturable=True captures CUDA graphs; calando runs no CUDA kernels")
    if defaults.get("differentiable"):
        raise ValueError(f"{name}: differentiable=True needs autograd through the step; calando writes in place")


def started(owner: str, value: Any) -> float:
    """Where a sum of squares starts, if it can.

    Raises:
        TypeError, ValueError: it is no number from 0 on.
    """
    place = f"For {owner!r}: 'initial_accumulator_value' must"
    if isinstance(value, bool) or not is_number(value):
        raise TypeError(f"{place} be a number, but got {shown(value)}")
    if not 0.0 <= value < float("inf"):
        raise ValueError(f"{place} lie in [0, inf), but got {value}")
    return float(value)
