"""What MindSpore users give as ``params``: parameters, or groups with an order of their own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..arrays import adapter
from ..groups import refuse_doubles
from ..hyper import UnknownName, shown
from ..nearest import hint
from .boxes import is_cell

OF_A_CELL = "give its parameters, as net.trainable_params()"
STRUCTURE = ("params", "order_params", "grad_centralization", "name")


@dataclass
class Given:
    """One group as the user gave it.

    Args:
        params: its parameters.
        values: hyperparameters of its own, by our names.
        centralize: gradient centralization.
        number: its position among the user's dictionaries; None where there are no groups.
        name: what the user calls it; empty where it has no name.
    """

    params: list[Any]
    values: dict[str, Any] = field(default_factory=dict)
    centralize: bool = False
    number: int | None = None
    name: str = ""


def name_of(p: Any, position: int) -> str:
    """What a parameter is called: its own name, else its position."""
    name = getattr(p, "name", None)
    return name if isinstance(name, str) and name else str(position)


def parse(
    owner: str, params: Any, names: Mapping[str, str], centralize: bool = False
) -> tuple[list[Given], list[Any] | None]:
    """The groups, and the parameters in the order of ``order_params`` if there is one.

    Args:
        owner: the optimizer's name, for errors.
        params: an iterable of parameters, or of dictionaries.
        names: the hyperparameters that a group may have: the user's name → ours.
        centralize: gradient centralization, where a group does not say.

    Raises:
        ValueError: nothing to train, an empty group, a parameter given twice, an ``order_params`` that
            does not hold exactly the parameters of the groups.
        TypeError: parameters and dictionaries mixed, or what is neither.
        KeyError: a group without ``params``; UnknownName: a key that no group has.
    """
    place = f"For '{owner}'"
    if isinstance(params, Mapping):
        raise TypeError(f"{place}: 'params' must be a list, but got a dictionary; put it in a list: [{{'params': …}}]")
    if is_cell(params):
        raise TypeError(f"{place}: 'params' must be a list, but got a Cell, {type(params).__name__}; {OF_A_CELL}")
    if params is None or not isinstance(params, Iterable) or hasattr(params, "ndim"):
        raise TypeError(f"{place}: 'params' must be a list of parameters or of dictionaries, but got {shown(params)}")
    if isinstance(params, (set, frozenset)):
        raise TypeError(f"{place}: 'params' must be a list, but got a set; gradients are given in the order of a list")
    items = list(params)
    if not items:
        raise ValueError(f"{place}: 'params' is empty; there is nothing to train")
    if not any(isinstance(item, Mapping) for item in items):
        groups, order = [Given(items, centralize=centralize)], None
    elif all(isinstance(item, Mapping) for item in items):
        groups, order = parse_groups(place, items, names, centralize)
    else:
        raise TypeError(f"{place}: 'params' mixes parameters and dictionaries; give every parameter in a group")
    rolls = [[name_of(p, i) for i, p in enumerate(group.params)] for group in groups]
    refuse_doubles(place, [group.params for group in groups], rolls)
    refuse_strangers(place, groups)
    refuse_namesakes(place, groups)
    return groups, order


def parse_groups(
    place: str, items: list[Any], names: Mapping[str, str], usual: bool
) -> tuple[list[Given], list[Any] | None]:
    """The groups and their order, from dictionaries."""
    groups: list[Given] = []
    order: list[Any] | None = None
    for number, item in enumerate(items):
        here = f"{place}, group {number}"
        refuse_unknown(here, item, names)
        if "order_params" in item:
            if len(item) > 1:
                others = ", ".join(repr(key) for key in item if key != "order_params")
                raise ValueError(f"{here}: 'order_params' must stand alone, but it stands beside {others}")
            if order is not None:
                raise ValueError(f"{here}: there are two 'order_params'; give one")
            order = listed(here, "order_params", item["order_params"])
            continue
        if "params" not in item:
            raise KeyError(f"{here}: 'params' is missing")
        params = listed(here, "params", item["params"])
        centralize = item.get("grad_centralization", usual)
        if not isinstance(centralize, bool):
            raise TypeError(f"{here}: 'grad_centralization' must be True or False, but got {shown(centralize)}")
        if not params:
            raise ValueError(f"{here}: 'params' is empty; leave the group out")
        values = {names[key]: value for key, value in item.items() if key not in STRUCTURE}
        if "lr" in item and "learning_rate" in item:
            raise ValueError(f"{here}: 'lr' and 'learning_rate' are one thing; give one of them")
        groups.append(Given(params, values, centralize, number, str(item.get("name", ""))))
    if not groups:
        raise ValueError(f"{place}: there is no group with 'params'; there is nothing to train")
    if order is not None:
        check_order(place, groups, order)
    return groups, order


def listed(here: str, key: str, given: Any) -> list[Any]:
    """The parameters under one key of a group.

    Raises:
        TypeError: it is no list of them; a set has no order.
    """
    if not isinstance(given, Iterable) or hasattr(given, "ndim") or isinstance(given, (str, set, frozenset)):
        raise TypeError(f"{here}: {key!r} must be a list of parameters, but got {type(given).__name__}")
    return list(given)


def refuse_unknown(here: str, item: Mapping[str, Any], names: Mapping[str, str]) -> None:
    """Raise UnknownName for a key that no group has."""
    known = [*STRUCTURE, *names]
    for key in item:
        if key not in known:
            raise UnknownName(f"{here}: unknown key {key!r}{hint(key, known)}; a group may have {', '.join(known)}")


def refuse_strangers(place: str, groups: list[Given]) -> None:
    """Raise TypeError for what is no parameter."""
    for group in groups:
        here = place if group.number is None else f"{place}, group {group.number}"
        for i, p in enumerate(group.params):
            if is_cell(p):
                told = f"entry {i} of 'params' is a Cell, {type(p).__name__}"
                raise TypeError(f"{here}: {told}; {OF_A_CELL}")
            try:
                adapter(p)
            except TypeError as problem:
                flat = "; give one flat list" if isinstance(p, (list, tuple)) else ""
                raise TypeError(f"{here}: entry {i} of 'params': {problem}{flat}") from None


def refuse_namesakes(place: str, groups: list[Given]) -> None:
    """Raise ValueError if two parameters bear one name: checkpoints go by names."""
    seen: set[str] = set()
    for p in (p for group in groups for p in group.params):
        name = getattr(p, "name", None)
        if isinstance(name, str) and name in seen:
            raise ValueError(f"{place}: two parameters are called {name!r}; give each a name of its own")
        seen |= {name} if isinstance(name, str) and name else set()


def check_order(place: str, groups: list[Given], order: list[Any]) -> None:
    """Raise ValueError unless ``order`` holds every parameter of the groups once; TypeError for a text."""
    grouped = {id(p): name_of(p, i) for group in groups for i, p in enumerate(group.params)}
    ordered: dict[int, str] = {}
    for i, p in enumerate(order):
        if isinstance(p, str):
            raise TypeError(f"{place}: 'order_params' must hold parameters, but got the text {p!r}")
        name = name_of(p, i)
        if id(p) in ordered:
            raise ValueError(f"{place}: 'order_params' holds {name!r} twice")
        ordered[id(p)] = name
    foreign = [name for key, name in ordered.items() if key not in grouped]
    missing = [name for key, name in grouped.items() if key not in ordered]
    counts = f"'order_params' has {len(order)} parameters, the groups have {len(grouped)}"
    if foreign and foreign[0] in grouped.values():
        raise ValueError(f"{place}: 'order_params' holds another parameter of the name {foreign[0]!r} than the groups")
    if foreign:
        raise ValueError(f"{place}: {foreign[0]!r} stands in 'order_params' but in no group ({counts})")
    if missing:
        raise ValueError(f"{place}: {missing[0]!r} stands in a group but not in 'order_params' ({counts})")
