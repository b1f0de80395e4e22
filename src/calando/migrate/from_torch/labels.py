"""Keys of a script's own in parameter groups (``lr_scale``, ``name``), and groups that are used as dictionaries."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from ...lexicon import PAIRS, TORCH
from ..reading.flow import Thing
from ..reading.parts import parts_of, spelled
from ..reading.remembered import remembered
from ..reading.scopes import File
from ..schedulers.same_rate import argument
from ..work import Left, Work, uses

HOME, CHAINED = "calando.migrate.labelled", "calando.mindspore.chainable"
GROUP_KEYS = {"params", "lr", "weight_decay"}
ALIKE = {  # what the groups of both frameworks call alike
    "lr", "weight_decay", "momentum", "eps", "dampening", "rho", "lambd", "t0", "momentum_decay",
}  # fmt: skip
OPTIONS = {word for each in TORCH.values() for word in (*each.order, *each.keywords)}
FLAGS = {"amsgrad", "nesterov", "centered", "maximize", "foreach", "fused", "capturable", "differentiable"}


@remembered
def labels_of(work: Work, thing: Thing) -> frozenset[str]:
    """The keys in an optimizer's groups that only ``labelled`` understands; ``name`` where the script asks for it.

    Raises:
        Left: a key that stands for something which is one for all groups.
    """
    name = thing.name.partition(".")[2]
    words, pair = {*TORCH[name].order, *TORCH[name].keywords}, PAIRS[name]
    numbers = {word for word, other in pair.names.items() if word == other} | GROUP_KEYS
    found = set()
    for group in group_dictionaries(work, thing):
        for key in group:
            if key == "initial_lr":
                told = "leave it out where it is the group's lr, from which schedulers begin"
                raise Left(f"a parameter group has {key!r}: {told}")
            if key in FLAGS or (key in words and key not in {*pair.names, "params"}):
                raise Left(f"a parameter group has {key!r}, which MindSpore's groups do not know")
            if key not in numbers and (key != "name" or names_asked(work, thing)):
                found.add(key)
    return frozenset(found)


def only_numbers(work: Work, thing: Thing) -> None:
    """Raise Left for a key that the groups of MindSpore's own classes do not know."""
    for group in group_dictionaries(work, thing):
        for key in group:
            if key not in GROUP_KEYS:
                told = f"a parameter group has {key!r}, which MindSpore's groups do not know"
                raise Left(f"{told}; --style exact keeps it" if work.wish.style == "guide" else told)


def group_dictionaries(work: Work, thing: Thing) -> Iterator[dict[str, ast.expr]]:
    """Every dictionary that one of an optimizer's groups is written as."""
    call, scope = thing.node, thing.scope
    assert isinstance(call, ast.Call) and scope is not None
    params = argument(call, TORCH[thing.name.partition(".")[2]].order, "params")
    given = [(scope, params)] if params is not None else []
    for where, node in uses(work.flow, thing):
        held = where.file.parents[node]
        more = where.file.parents[held]
        if isinstance(held, ast.Attribute) and held.attr == "add_param_group" and isinstance(more, ast.Call):
            given += [(where, each) for each in more.args[:1]]
    for home, expression in given:
        for _, part in parts_of(work.flow, home, expression):
            for inner in ast.walk(part):
                group = spelled(inner)
                if group is not None and "params" in group:
                    yield group


def names_asked(work: Work, thing: Thing) -> bool:
    """Whether the script asks a group for its name."""
    return any(
        isinstance(node, ast.Constant) and node.value == "name" and isinstance(file.parents[node], ast.Subscript)
        for file in work.flow.files
        for node in file.where
    ) and any(
        isinstance(where.file.parents[node], ast.Attribute) and where.file.parents[node].attr == "param_groups"  # type: ignore[attr-defined]
        for where, node in uses(work.flow, thing)
    )


@dataclass
class Used:
    """What a piece of code asks the groups that it goes over.

    Args:
        computed: whether a key is only known when it runs.
        stores: whether something is written.
    """

    read: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    looked_for: set[str] = field(default_factory=set)  # ``key in group``, ``group.get(key)``
    computed: bool = False
    stores: bool = False


def dictionaries(file: File, node: ast.expr, labels: frozenset[str]) -> Used | None:
    """What groups are asked for where they must be dictionaries; None where ``set`` and ``current`` do."""
    name, region = bound(file, node)
    asked = keys_used(file, name, region) if region is not None else directly(file, node)
    shown = ALIKE | labels
    if asked is None or not asked.written <= shown or not asked.read <= shown | {"name", "initial_lr"}:
        return None
    if asked.looked_for & (OPTIONS - shown):
        return None
    strange = asked.computed or asked.looked_for | (asked.read | asked.written) - ALIKE
    return asked if strange or not plain(file, node, region) else None


def plain(file: File, node: ast.expr, region: ast.AST | None) -> bool:
    """Whether groups are gone over one by one, or one is picked."""
    above = file.parents[node]
    counted = isinstance(above, ast.Call) and ast.unparse(above.func) == "enumerate"
    return region is None or (isinstance(region, ast.For) and (region.iter is node or counted))


def bound(file: File, node: ast.expr) -> tuple[str, ast.AST | None]:
    """The name that a loop or comprehension over groups gives each of them, and where it holds."""
    held, above = node, file.parents[node]
    place: int | None = None
    if isinstance(above, ast.Call) and isinstance(above.func, ast.Name) and node in above.args:
        place = {"enumerate": 1, "zip": above.args.index(node)}.get(above.func.id)
        if place is None:
            return "", None
        held, above = above, file.parents[above]
    if not isinstance(above, (ast.For, ast.comprehension)) or above.iter is not held:
        return "", None
    target = above.target
    if place is not None:
        parts = target.elts if isinstance(target, ast.Tuple) else []
        if place >= len(parts):
            return "", None
        target = parts[place]
    region = file.parents[above] if isinstance(above, ast.comprehension) else above
    return (target.id, region) if isinstance(target, ast.Name) else ("", None)


def keys_used(file: File, name: str, region: ast.AST) -> Used | None:
    """What is asked through a group's name; None where it goes somewhere else."""
    asked = Used()
    for inner in ast.walk(region):
        named = isinstance(inner, ast.Name) and inner.id == name and isinstance(inner.ctx, ast.Load)
        if named and not asks(file, inner, asked):  # type: ignore[arg-type]
            return None
    return asked


def directly(file: File, node: ast.expr) -> Used | None:
    """What is asked of ``optimizer.param_groups[0]``."""
    group, asked = file.parents[node], Used()
    known = isinstance(group, ast.Subscript) and group.value is node and asks(file, group, asked)
    return asked if known else None


def asks(file: File, group: ast.expr, asked: Used) -> bool:
    """Note what one use of a group asks for; False where that is not seen."""
    above = file.parents[group]
    key: object = None
    if isinstance(above, ast.Subscript) and above.value is group:
        stored = not isinstance(above.ctx, ast.Load)
        if not isinstance(above.slice, ast.Constant):
            asked.computed, asked.stores = True, asked.stores or stored
            return True
        key, asked.stores = above.slice.value, asked.stores or stored
        (asked.written if stored else asked.read).add(str(key))
        if isinstance(file.parents[above], ast.AugAssign):
            asked.read.add(str(key))
    elif isinstance(above, ast.Compare) and isinstance(above.ops[0], (ast.In, ast.NotIn)):
        key = getattr(above.left, "value", None)
        asked.looked_for.add(str(key))
    elif isinstance(above, ast.Attribute) and above.attr in ("get", "setdefault"):
        call = file.parents[above]
        first = call.args[0] if isinstance(call, ast.Call) and call.args else None
        asked.stores = asked.stores or above.attr == "setdefault"
        if first is not None and not isinstance(first, ast.Constant):
            asked.computed = True
            return True
        key = getattr(first, "value", None)
        asked.looked_for.add(str(key))
    return isinstance(key, str)
