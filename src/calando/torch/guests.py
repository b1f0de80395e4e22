"""Keys in groups that are no hyperparameters: what schedulers, trainers and layer-wise recipes keep there.

torch takes any key. Here a key is a guest, kept where it stands and stored with its group, unless it must be a mistake:
a misspelled hyperparameter, one of another optimizer, an option that holds for all groups, or a schedule that nobody
would follow.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from ..choices import FRONTS
from ..hyper import UnknownName, shown
from ..lexicon import MINDSPORE, TORCH
from ..nearest import SAME, hint, nearest
from ..schedules import Schedule
from .names import torchs_names
from .refusals import STRUCTURE

KNOWN = {
    "params", "param_names", "step", "name", "initial_lr", "lr_scale", "max_lr", "min_lr", "swa_lr",
    "base_momentum", "max_momentum", "grad_centralization",
    "rho",  # the radius of sharpness-aware minimization, which hands its own groups to the optimizer it wraps
}  # fmt: skip
FOR_ALL = ("ema", "slot_dtype", "rounding", "rounding_seed", "grads_after_step", "on_nonfinite")
OTHERS = {name for room in (TORCH, MINDSPORE) for spoken in room.values() for name in spoken.defaults}
ALIKE = 0.8  # of two words; "weigth_decay" and "weight_decay" are 0.92, "layer_decay" is 0.61


def refuse_unknown(
    place: str,
    given: Mapping[str, Any],
    spelling: Iterable[str],
    defaults: Iterable[str],
    for_all: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Raise UnknownName for what must be a mistake in a group.

    Args:
        place: how an error names the group.
        given: the group.
        spelling: the names of its hyperparameters.
        defaults: all names that the optimizer gives to every group.
        for_all: the options that hold for all groups; one of them may be said again, as ZeroRedundancyOptimizer does.
    """
    known = list(dict.fromkeys([*spelling, *defaults]))
    for key, value in given.items():
        if key in spelling:
            continue
        if key in known or key in KNOWN:
            refuse_played(place, key, value, spelling)
            continue
        note = value is None or isinstance(value, (str, bool))
        if key in for_all and (value is for_all[key] or value == for_all[key]):
            continue
        if key in FOR_ALL or key in FRONTS:
            raise UnknownName(f"{place}: {late(key)}")
        if key in OTHERS and filled(given, key):
            continue
        if misspelled(key, known) or (not note and misspelled(key, OTHERS)):
            names = ", ".join(known)
            raise UnknownName(f"{place}: unknown key {key!r}{hint(key, known)}; a group may have params, {names}")
        refuse_played(place, key, value, spelling)


def filled(group: Mapping[str, Any], key: str) -> bool:
    """Whether a group comes from another optimizer of torch's, which left all of its own names there, this one too.

    So do wrappers, and whoever goes on with another optimizer: ``SGD(adam.param_groups, lr=0.1)``.
    """
    return any(key in names and names <= group.keys() for names in torchs_names().values())


def late(name: str) -> str | None:
    """What is said where an option is named after the optimizer was built; None: it is no option."""
    if name in FRONTS:
        return f"{name!r} must be named when the optimizer is built, there or in one of its groups"
    return f"{name!r} holds for all groups; give it when the optimizer is built" if name in FOR_ALL else None


def out_of_time(name: str, spelling: Iterable[str], defaults: Iterable[str]) -> str | None:
    """What is said where an option or a choice is asked for as if it were a number over time; None: it is neither."""
    if name in spelling:
        return None
    if name == "grad_centralization" or (name in STRUCTURE and name in defaults):
        return f"{name!r} chooses a rule; assign it in a group: param_groups[0][{name!r}]"
    return late(name)


def refuse_attribute(owner: str, name: str, known: Iterable[str], defaults: Iterable[str]) -> None:
    """Raise AttributeError for a name whose assignment would be meant to change the optimizer, and would not."""
    told = out_of_time(name, known, defaults)
    if told is None and name in words(known):
        told = f"{name!r} is no attribute; call set({nearest(name, known)!r}, …), or assign it in a group"
    if told is None and name in OTHERS:
        told = f"no hyperparameter {name!r}{hint(name, known)}; it has {', '.join(known)}"
    if told:
        raise AttributeError(f"For {owner!r}: {told}")


READ = ("get_last_", "get_")


def absent(owner: type, name: str, known: Iterable[str]) -> str:
    """What is said where an attribute is read that an optimizer does not have."""
    there = f"{owner.__name__!r} has no attribute {name!r}"
    asked = next((name.removeprefix(start) for start in (*READ, "set_") if name.startswith(start)), name)
    if asked in words(known):
        near = nearest(asked, known)
        if name.startswith("set_"):
            return f"{there}; call set({near!r}, …)"
        return f"{there}; read current()[{near!r}], or one group's: param_groups[0][{near!r}]"
    return there + hint(name, [public for public in dir(owner) if public[0] != "_"], 0.7)


def refuse_played(place: str, key: str, value: Any, spelling: Iterable[str]) -> None:
    """Raise UnknownName for a schedule, or a function of the step, that stands where nobody plays it."""
    if key not in STRUCTURE and (isinstance(value, Schedule) or (callable(value) and not hasattr(value, "dtype"))):
        told = f"{key!r} is no hyperparameter, so a schedule has no place there"
        raise UnknownName(f"{place}: {told}; it has {', '.join(spelling)}")


def misspelled(key: str, known: Iterable[str]) -> bool:
    """Whether one of these names, or another word for it, was meant.

    Example:
        >>> [misspelled(key, ["lr", "weight_decay"]) for key in ("weigth_decay", "learn_rate", "LR", "wd")]
        [True, True, True, True]
        >>> [misspelled(key, ["lr", "weight_decay"]) for key in ("lr_mult", "initial_weight_decay", "layer_id")]
        [False, False, False]
    """
    said = key.lower().replace("-", "_").strip("_ ")
    if said in words(known):
        return True
    derived = any(f"_{word}_" in f"_{said}_" for word in known)
    return not derived and bool(get_close_matches(said, words(known), 1, ALIKE))


def words(known: Iterable[str]) -> set[str]:
    """These names, and other words for the same things."""
    own = set(known)
    return own | {name for names in SAME if not own.isdisjoint(names) for name in names}


def guests(group: Mapping[str, Any], known: Iterable[str]) -> dict[str, str]:
    """What a group keeps for others, in short, to be shown."""
    own = {*known, *KNOWN}
    return {key: shown(value) for key, value in group.items() if key not in own}
