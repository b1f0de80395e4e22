"""Parameters and parameter groups in MindSpore's words."""

from __future__ import annotations

import ast
import re

from ...lexicon import TORCH
from ..finding import REWRITTEN
from ..reading.carry import giving
from ..reading.flow import NETWORK, OBJECT, Flow, Thing
from ..reading.parts import asked, parts_of, spelled
from ..reading.remembered import remembered
from ..reading.scopes import File, Scope
from ..reading.source import Edit
from ..reading.touching import last_name
from ..schedulers.same_rate import argument
from ..work import Left, Work
from .layers import layer_call, walks

ONCE = ("filter", "map", "iter", "chain", "itertools.chain")


def grouped_params(work: Work, scope: Scope, params: ast.expr) -> bool:
    """Whether parameters come in groups."""
    for _, node in parts_of(work.flow, scope, params):
        for inner in ast.walk(node):
            if isinstance(inner, ast.Dict) and any(
                isinstance(k, ast.Constant) and k.value == "params" for k in inner.keys
            ):
                return True
            if isinstance(inner, ast.Call) and any(w.arg == "params" for w in inner.keywords):
                return True
    return False


def iterator(work: Work, scope: Scope, params: ast.expr) -> bool:
    """Whether parameters are given by the name of an iterator, which MindSpore would find empty the second time."""
    if not isinstance(params, ast.Name):
        return False
    values = [getattr(held, "value", None) for _, held in giving(work.flow, scope, params)]
    return any(
        isinstance(value, ast.GeneratorExp) or (isinstance(value, ast.Call) and ast.unparse(value.func) in ONCE)
        for value in values
    )


LOOSE = "its parameters are tensors that stand by themselves; in MindSpore they are Parameters of a Cell"


def to_mindspore(work: Work, scope: Scope, params: ast.expr) -> list[tuple[Scope, ast.expr]]:
    """Rewrite everything an optimizer's parameters are made of; the networks they belong to, and where they are named.

    Raises:
        Left: parameters or groups that have no counterpart.
    """
    owners: dict[str, tuple[Scope, ast.expr]] = {}
    if isinstance(params, (ast.List, ast.Tuple)) and any(alone(work, scope, x) for x in params.elts):
        raise Left(LOOSE)
    inside = {id(node) for node in ast.walk(params)}  # the call is written anew as a whole
    weights = {id(x) for held in ast.walk(params) if isinstance(held, ast.List) for x in held.elts}
    parts = list(parts_of(work.flow, scope, params))
    layered = any(walks(inner) for _, node in parts for inner in ast.walk(node))
    for where, node in parts:
        for inner in ast.walk(node):
            if layered:
                layer_call(work, where, inner, id(inner) in inside)
            if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
                owner = inner.func.value
                plain = not inner.args and not inner.keywords
                if walks(inner):
                    owners.setdefault(ast.unparse(owner), (where, owner))
                elif inner.func.attr == "parameters" and plain:
                    if id(inner) not in inside:
                        swap(work, where, inner.func, "trainable_params")
                    owners.setdefault(ast.unparse(owner), (where, owner))
                elif inner.func.attr == "named_parameters" and plain:
                    if id(inner) not in inside and not layered:
                        swap(work, where, inner.func, "parameters_and_names")
                    owners.setdefault(ast.unparse(owner), (where, owner))
            if isinstance(inner, ast.Attribute) and id(inner) in weights and part_of_network(work, where, inner.value):
                owners.setdefault(ast.unparse(inner.value), (where, inner.value))
            if (lone := lone_weight(work, where, inner)) is not None:
                owners.setdefault(ast.unparse(lone.value), (where, lone.value))
                if id(inner) not in inside:
                    work.replace(where.file, lone, f"[{where.file.source.code(lone)}]")
            if (once := once_only(work, where, inner)) is not None and id(inner) not in inside:
                work.replace(where.file, once, f"list({where.file.source.code(once)})")
    if not owners:
        raise Left(unfound(work, params, parts))
    return list(owners.values())


def unfound(work: Work, params: ast.expr, parts: list[tuple[Scope, ast.AST]]) -> str:
    """Why the network that parameters belong to was not found."""
    rows = [(where, node) for where, node in parts if isinstance(node, (ast.List, ast.Tuple)) and node.elts]
    where, first = rows[0] if rows else (None, None)
    if where and first and all(alone(work, where, each) or isinstance(each, ast.Call) for each in first.elts):
        return LOOSE
    told = "which network its parameters belong to was not found"
    called = isinstance(params, ast.Call) and work.flow.callee(parts[0][0], params) is None if parts else False
    return f"{told}: what {ast.unparse(params.func)} returns is not known" if called else told  # type: ignore[attr-defined]


def lone_weight(work: Work, scope: Scope, group: ast.AST) -> ast.Attribute | None:
    """The one parameter of ``{"params": net.weight}``, which MindSpore wants in a list."""
    for key, value in zip(group.keys, group.values, strict=True) if isinstance(group, ast.Dict) else ():
        named = isinstance(key, ast.Constant) and key.value == "params" and isinstance(value, ast.Attribute)
        if named and part_of_network(work, scope, value.value):  # type: ignore[attr-defined]
            return value  # type: ignore[return-value]
    return None


def once_only(work: Work, scope: Scope, group: ast.AST) -> ast.expr | None:
    """What a group holds where it is an iterator, which MindSpore would find empty the second time."""
    value = (spelled(group) or {}).get("params")
    if value is None:
        return None
    called = work.flow.callee(scope, value) if isinstance(value, ast.Call) else None
    made = isinstance(value, ast.GeneratorExp) or (isinstance(value, ast.Call) and ast.unparse(value.func) in ONCE)
    yields = called is not None and any(isinstance(n, (ast.Yield, ast.YieldFrom)) for n in ast.walk(called.node))
    return value if made or yields or iterator(work, scope, value) else None


def in_lists(work: Work, scope: Scope, params: ast.expr) -> str:
    """The code of an optimizer's parameters, with lists in its groups: of one parameter, or of an iterator's."""
    source = scope.file.source
    start, end = source.span(params)
    text = source.text[start:end]
    found = []
    for group in ast.walk(params):
        lone, once = lone_weight(work, scope, group), once_only(work, scope, group)
        if lone is not None or once is not None:
            found.append((lone or once, "[{}]" if lone is not None else "list({})"))
    for node, form in sorted(found, key=lambda each: -source.span(each[0])[0]):  # type: ignore[arg-type]
        a, b = source.span(node)  # type: ignore[arg-type]
        text = text[: a - start] + form.format(source.text[a:b]) + text[b - start :]
    return text


def alone(work: Work, scope: Scope, node: ast.expr) -> bool:
    """Whether a name may be a tensor that belongs to no network."""
    if isinstance(node, ast.Attribute):
        return not part_of_network(work, scope, node.value)
    return isinstance(node, ast.Name)


def networks(work: Work, scope: Scope, owners: list[tuple[Scope, ast.expr]]) -> list[str]:
    """The networks of one optimizer as they are called in its scope; the parts of a network are one."""
    found: dict[str, None] = {}
    for where, owner in owners:
        whole: ast.expr = owner
        while isinstance(whole, ast.Attribute) and part_of_network(work, where, whole.value):
            whole = whole.value
        if (
            where is scope
            and isinstance(whole, (ast.Name, ast.Attribute))
            and ast.unparse(whole) not in varying(work.flow, where)
        ):
            found[ast.unparse(whole)] = None
    return list(found)


def several(work: Work, scope: Scope, params: ast.expr) -> list[str]:
    """The collections of networks that parameters are gathered from, as they are written; not the parts of one."""
    found: dict[str, None] = {}
    for where, node in parts_of(work.flow, scope, params):
        gathered = {ast.unparse(owner) for owner in asked(node)}
        for inner in ast.walk(node) if where is scope else ():
            if not isinstance(inner, ast.comprehension) or not gathered & {ast.unparse(inner.target)}:
                continue
            held = collection(inner.iter)
            if held is not None and not part_of_network(work, where, held):
                found[ast.unparse(inner.iter)] = None
    return list(found)


def collection(over: ast.expr) -> ast.expr | None:
    """What a loop goes over, ``nets`` or ``nets.values()``, where it may be gone over twice."""
    func = over.func if isinstance(over, ast.Call) and not over.args else None
    held = func.value if isinstance(func, ast.Attribute) and func.attr == "values" else over
    return held if isinstance(held, (ast.Name, ast.Attribute, ast.List, ast.Tuple)) else None


def part_of_network(work: Work, scope: Scope, node: ast.expr) -> bool:
    """Whether an expression is a network, so that what hangs on it is a part of it."""
    things = work.flow.things(scope, node)
    if not things and isinstance(node, (ast.Name, ast.Attribute)):
        return last_name(node) in called_names(work, scope.file)
    return any(t.kind == NETWORK or (t.kind == OBJECT and t.scope and work.flow.is_network(t.scope)) for t in things)


@remembered
def called_names(work: Work, file: File) -> set[str]:
    """The last names of what is called in a file: ``model`` in ``self.model(image)``."""
    return {last_name(call.func) for _, call in file.calls}


@remembered
def varying(flow: Flow, scope: Scope) -> set[str]:
    """The names of a scope's loops, which stand for several networks."""
    loops = (n for n in ast.walk(scope.node) if isinstance(n, (ast.For, ast.comprehension)))
    targets = (inner for loop in loops for inner in ast.walk(loop.target))
    return {n.id for n in targets if isinstance(n, ast.Name)}


def swap(work: Work, scope: Scope, attribute: ast.Attribute, name: str) -> None:
    """Another method of the same object."""
    end = scope.file.source.span(attribute)[1]
    change = Edit(end - len(attribute.attr), end, name)
    if all(each != change for _, each in work.edits.near(scope.file, change.start, change.start)):
        work.edits.append((scope.file, change))
        call = scope.file.parents[attribute]
        work.say(scope.file, call, REWRITTEN, f"MindSpore's networks have {name}", "groups")


def said(params: ast.expr, code: str) -> str:
    """An optimizer's parameters as MindSpore takes them: a list, never an iterator."""
    names = {
        node.func.attr
        for node in ast.walk(params)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    text = code
    if isinstance(params, ast.Call):
        func = ast.unparse(params.func)
        if func == "filter" and len(params.args) == 2 and "requires_grad" in ast.unparse(params.args[0]):
            return said(params.args[1], ast.unparse(params.args[1]))
        if func in ("itertools.chain", "chain"):
            return " + ".join(said(arg, ast.unparse(arg)) for arg in params.args)
        if func == "list" and len(params.args) == 1:
            inner = params.args[0]
            if isinstance(inner, ast.Call) and ast.unparse(inner.func).endswith(".parameters"):
                return said(inner, ast.unparse(inner))
    if isinstance(params, ast.BinOp) and isinstance(params.op, ast.Add):
        return f"{said(params.left, ast.unparse(params.left))} + {said(params.right, ast.unparse(params.right))}"
    if names & {"parameters", "named_parameters"}:
        text = re.sub(r"\.parameters\(\)", ".trainable_params()", text)
        text = re.sub(r"\.named_parameters\(\)", ".parameters_and_names()", text)
    if isinstance(params, ast.GeneratorExp):
        text = f"list{text}" if text.startswith("(") else f"list({text})"
    return text


@remembered
def owner_networks(work: Work, thing: Thing) -> list[tuple[Scope, ast.expr]]:
    """The networks whose parameters an optimizer trains, wherever its groups are put together."""
    call, scope = thing.node, thing.scope
    assert isinstance(call, ast.Call) and scope is not None
    params = argument(call, TORCH[thing.name.partition(".")[2]].order, "params")
    return owners_of(work, scope, params) if params is not None else []


@remembered
def owners_of(work: Work, scope: Scope, params: ast.expr) -> list[tuple[Scope, ast.expr]]:
    """The networks whose parameters an expression means."""
    return [(where, owner) for where, node in parts_of(work.flow, scope, params) for owner in asked(node)]
