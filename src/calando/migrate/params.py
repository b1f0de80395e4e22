"""Parameters and parameter groups in MindSpore's words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from .carry import stored
from .finding import REWRITTEN
from .flow import Flow, Scope
from .source import Edit
from .work import Left, Work

OWNER = re.compile(r"(?P<owner>[\w.\[\]\"']+)\.parameters\(\)\Z")
GROUP_KEYS = {"params", "lr", "weight_decay"}


def parts_of(flow: Flow, scope: Scope, node: ast.AST, seen: set[int] | None = None) -> Iterator[tuple[Scope, ast.AST]]:
    """Every piece of code that parameters come from: the expression, what its names are, the functions it calls."""
    seen = set() if seen is None else seen
    if id(node) in seen or len(seen) > 200:
        return
    seen.add(id(node))
    yield scope, node
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load):
            home = flow.home(scope, inner.id)
            for _, statement in stored(home).get(inner.id, []):
                if isinstance(statement, (ast.Assign, ast.AugAssign)) and statement.value is not node:
                    yield from parts_of(flow, home, statement.value, seen)
            yield from appended(flow, scope, inner, seen)
        elif isinstance(inner, ast.Call):
            target = flow.callee(scope, inner)
            if target is not None and isinstance(target.node, ast.FunctionDef):
                yield from parts_of(flow, target, target.node, seen)


def appended(flow: Flow, scope: Scope, name: ast.Name, seen: set[int]) -> Iterator[tuple[Scope, ast.AST]]:
    """What is put into a list by its methods, and the loops around."""
    home = flow.home(scope, name.id)
    if name.id in home.params:
        return
    if "appended" not in flow.memory:
        held: dict[str, list[tuple[Scope, ast.Call]]] = {}
        for file in flow.files:
            for where, call in file.calls:
                func = call.func
                if isinstance(func, ast.Attribute) and func.attr in ("append", "extend", "insert"):
                    for each in ast.walk(func.value):
                        if isinstance(each, ast.Name):
                            held.setdefault(each.id, []).append((where, call))
        flow.memory["appended"] = held
    for where, call in flow.memory["appended"].get(name.id, ()):
        if where is home:
            yield from parts_of(flow, home, call, seen)
            above: ast.AST = call
            while above in home.file.parents and above is not home.node:
                above = home.file.parents[above]
                if isinstance(above, ast.For):
                    yield from parts_of(flow, home, above.iter, seen)


def to_mindspore(work: Work, scope: Scope, params: ast.expr, own_class: bool) -> list[str]:
    """Rewrite everything an optimizer's parameters are made of; the networks they belong to.

    Args:
        own_class: whether the optimizer is MindSpore's own class, which knows three keys in a group only.

    Raises:
        Left: parameters or groups that have no counterpart.
    """
    owners: list[str] = []
    inside = {id(node) for node in ast.walk(params)}  # the call is written anew as a whole
    for where, node in list(parts_of(work.flow, scope, params)):
        for inner in ast.walk(node):
            if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
                owner = where.file.source.code(inner.func.value)
                if inner.func.attr == "parameters" and not inner.args and not inner.keywords:
                    if id(inner) not in inside:
                        swap(work, where, inner.func, "trainable_params")
                    owners.append(owner)
                elif inner.func.attr == "named_parameters" and not inner.args and not inner.keywords:
                    if id(inner) not in inside:
                        swap(work, where, inner.func, "parameters_and_names")
                    owners.append(owner)
            if isinstance(inner, ast.Dict):
                check_group(inner, own_class)
            if isinstance(inner, ast.Call) and work.flow.files and where.file.names.dotted(inner.func) == "dict":
                check_names([w.arg for w in inner.keywords], own_class)
    return list(dict.fromkeys(owners))


def swap(work: Work, scope: Scope, attribute: ast.Attribute, name: str) -> None:
    """Another method of the same object."""
    end = scope.file.source.span(attribute)[1]
    change = Edit(end - len(attribute.attr), end, name)
    if (scope.file, change) not in work.edits:
        work.edits.append((scope.file, change))
        call = scope.file.parents[attribute]
        work.say(scope.file, call, REWRITTEN, f"MindSpore's networks have {name}", "groups")


def check_group(node: ast.Dict, own_class: bool) -> None:
    keys = [key.value if isinstance(key, ast.Constant) else None for key in node.keys]
    if "params" in keys:
        check_names(keys, own_class)
        value = node.values[keys.index("params")]
        if isinstance(value, (ast.GeneratorExp,)):
            raise Left("a group's parameters come from a generator, which MindSpore would find empty")


def check_names(keys: Sequence[object], own_class: bool) -> None:
    """Raise Left for a key of a group that has no counterpart."""
    if "params" not in keys:
        return
    known = GROUP_KEYS if own_class else GROUP_KEYS | {"momentum", "eps", "name"}
    for key in keys:
        if key not in known:
            raise Left(f"a parameter group has {key!r}, which MindSpore's groups do not know")


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
