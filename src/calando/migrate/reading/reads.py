"""Reading a learning rate: where the groups of optimizers are looked at, and whether they are only read."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from .carry import stored
from .flow import Flow, Thing
from .mentions import clips
from .remembered import remembered
from .scopes import File, Scope

HYPERS = {
    "lr", "weight_decay", "momentum", "betas", "eps", "alpha", "rho", "dampening", "name", "beta1", "beta2",
}  # fmt: skip


def group_reads(flow: Flow, thing: Thing) -> Iterator[tuple[Scope, ast.expr, str, bool]]:
    """Where an optimizer's groups are looked at: the place, the expression, the optimizer's name, whether only read."""
    return iter(all_reads(flow).get(thing, ()))


@remembered
def all_reads(flow: Flow) -> dict[Thing, list[tuple[Scope, ast.expr, str, bool]]]:
    """Where the groups of each optimizer are looked at."""
    held: dict[Thing, list[tuple[Scope, ast.expr, str, bool]]] = {}
    named: dict[ast.AST, ast.AST] = {read: value for value, (_, reads) in aliases(flow).items() for read in reads}
    for file in flow.files:
        for node, scope in file.where.items():
            at = holder(named.get(node, node))
            if at is not None and node not in aliases(flow) and not clipped_whole(file, node):
                one = scope, node, file.source.code(at), only_read(scope, node)  # type: ignore[arg-type]
                for each in flow.things(scope, at):
                    held.setdefault(each, []).append(one)  # type: ignore[arg-type]
    return held


@remembered
def aliases(flow: Flow) -> dict[ast.Attribute, tuple[ast.Assign, list[ast.Name]]]:
    """``groups = optimizer.param_groups``, once and for good: the value → its statement, and where the name is read."""
    found: dict[ast.Attribute, tuple[ast.Assign, list[ast.Name]]] = {}
    for file in flow.files:
        for node, scope in file.where.items():
            if not (isinstance(node, ast.Assign) and [type(t) for t in node.targets] == [ast.Name]):
                continue
            value, name = node.value, node.targets[0].id  # type: ignore[attr-defined]
            if not (isinstance(value, ast.Attribute) and value.attr == "param_groups"):
                continue
            reads = [n for n in file.loads(scope).get(name, ()) if flow.home(file.where[n], name) is scope]
            if only_value(flow, scope, name) and all(same(flow, scope, value.value, file.where[n]) for n in reads):
                found[value] = node, reads
    return found


def only_value(flow: Flow, scope: Scope, name: str) -> bool:
    """Whether a name is given a value in one place only, which is no parameter."""
    return len(stored(scope).get(name, ())) == 1 and name not in scope.params


def same(flow: Flow, scope: Scope, node: ast.expr, there: Scope) -> bool:
    """Whether a name means the same optimizer in two functions, and always."""
    if not isinstance(node, ast.Name):
        return there is scope and isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    home = flow.home(scope, node.id)
    stores = len(stored(home).get(node.id, ())) + (node.id in home.params)
    return flow.home(there, node.id) is home and stores <= 1


def clipped_whole(file: File, node: ast.AST) -> bool:
    """Whether groups are looked at only to clip the gradients of all that is in them."""
    inner = node
    while isinstance(inner, (ast.Attribute, ast.Subscript, ast.comprehension, ast.ListComp, ast.GeneratorExp)):
        inner = file.parents[inner]
    return isinstance(inner, ast.Call) and inner.args[:1] != [] and clips(file, inner) and node is not inner.func


def written_keys(flow: Flow, thing: Thing) -> set[str]:
    """The numbers of an optimizer's groups that are written, other than one learning rate for all."""
    found: set[str] = set()
    for scope, node, _, only in group_reads(flow, thing):
        parent = scope.file.parents[node]
        if only or for_all(scope, parent, node) == "lr":
            continue
        around = parent
        while not isinstance(around, (ast.For, ast.stmt)):
            around = scope.file.parents[around]
        for inner in ast.walk(around):
            if isinstance(inner, ast.Subscript) and isinstance(inner.ctx, ast.Store):
                found |= {str(inner.slice.value)} & HYPERS if isinstance(inner.slice, ast.Constant) else set()
    return found


def for_all(scope: Scope, over: ast.AST, node: ast.AST) -> str:
    """The number in ``for group in optimizer.param_groups: group[number] = value``; empty for another loop."""
    if not (isinstance(over, ast.For) and over.iter is node and isinstance(over.target, ast.Name)):
        return ""
    only = over.body[0]
    if len(over.body) > 1 or over.orelse or not isinstance(only, ast.Assign) or len(only.targets) > 1:
        return ""
    target, group = only.targets[0], over.target.id
    if any(isinstance(n, ast.Name) and n.id == group for n in ast.walk(only.value)):
        return ""
    if not (isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant)):
        return ""
    named = isinstance(target.value, ast.Name) and target.value.id == group
    return str(target.slice.value) if named else ""


def holder(node: ast.AST) -> ast.expr | None:
    """The optimizer in ``optimizer.param_groups`` and ``optimizer.state_dict()["param_groups"]``."""
    if isinstance(node, ast.Attribute) and node.attr == "param_groups":
        return node.value
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Call):
        func, key = node.value.func, node.slice
        if isinstance(func, ast.Attribute) and func.attr == "state_dict":
            return func.value if isinstance(key, ast.Constant) and key.value == "param_groups" else None
    return None


def only_read(scope: Scope, node: ast.expr) -> bool:
    """Whether nothing but numbers are read through an expression that stands for parameter groups."""
    file = scope.file
    parent = file.parents[node]
    if isinstance(parent, ast.Subscript) and parent.value is node:
        return number_read(scope, parent)
    if isinstance(parent, (ast.For, ast.comprehension)) and parent.iter is node:
        region = file.parents[parent] if isinstance(parent, ast.comprehension) else parent
        return isinstance(parent.target, ast.Name) and named_reads(scope, parent.target.id, region)
    if isinstance(parent, ast.Call) and isinstance(parent.func, ast.Name) and parent.func.id in ("enumerate", "len"):
        above = file.parents[parent]
        if parent.func.id == "len":
            return True
        target = getattr(above, "target", None)
        if isinstance(target, ast.Tuple) and isinstance(target.elts[-1], ast.Name):
            return named_reads(scope, target.elts[-1].id, above)
    return False


def simple_read(scope: Scope, node: ast.expr) -> bool:
    """Whether a read is ``param_groups[0]["lr"]``."""
    group = scope.file.parents[node]
    number = scope.file.parents.get(group)
    return (
        isinstance(group, ast.Subscript)
        and isinstance(number, ast.Subscript)
        and (isinstance(number.slice, ast.Constant) and number.slice.value == "lr")
    )


def number_read(scope: Scope, group: ast.expr) -> bool:
    """Whether one number is read from a group, or the group is given a name through which only numbers are read."""
    parent = scope.file.parents[group]
    if isinstance(parent, ast.Subscript) and parent.value is group:
        key = parent.slice
        return isinstance(parent.ctx, ast.Load) and isinstance(key, ast.Constant) and key.value in HYPERS
    if isinstance(parent, ast.Assign) and parent.value is group and isinstance(parent.targets[0], ast.Name):
        return numbers_only(scope, scope.file.loads(scope).get(parent.targets[0].id, ()))
    return False


def named_reads(scope: Scope, name: str, inside: ast.AST) -> bool:
    """Whether only numbers are read through a name."""
    loads = (n for n in ast.walk(inside) if isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Load))
    return numbers_only(scope, loads)


def numbers_only(scope: Scope, loads: Iterable[ast.Name]) -> bool:
    """Whether each of some names of a group is only asked for a number."""
    for node in loads:
        parent = scope.file.parents[node]
        key = parent.slice if isinstance(parent, ast.Subscript) else None
        if not (
            isinstance(parent, ast.Subscript)
            and isinstance(parent.ctx, ast.Load)
            and isinstance(key, ast.Constant)
            and key.value in HYPERS
        ):
            return False
    return True
