"""What all rules ask of a project."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..reading.flow import Flow, Thing
from ..reading.parts import parts_of, spelled
from ..reading.roads import LOOPS
from ..reading.scopes import File, Scope

Found = Iterator[tuple[File, ast.AST, str]]


def calls(flow: Flow) -> Iterator[tuple[File, Scope, ast.Call]]:
    """Every call of a project."""
    for file in flow.files:
        for scope, call in file.calls:
            yield file, scope, call


def of_mindspore(thing: Thing) -> bool:
    return thing.name.startswith("mindspore.")


def of_calando(thing: Thing) -> bool:
    """Whether an optimizer is calando's, which knows what MindSpore's does not."""
    call = thing.node
    assert isinstance(call, ast.Call) and thing.scope is not None
    return thing.scope.file.names.dotted(call.func).startswith("calando.")


def params_of(thing: Thing) -> ast.expr | None:
    """What an optimizer is given to train, as it is written."""
    call = thing.node
    assert isinstance(call, ast.Call)
    return call.args[0] if call.args else next((w.value for w in call.keywords if w.arg == "params"), None)


def groups_of(flow: Flow, thing: Thing) -> Iterator[tuple[Scope, dict[str, ast.expr]]]:
    """The groups that an optimizer is given, wherever they are written: key → value."""
    params, seen = params_of(thing), set[ast.AST]()
    for home, part in parts_of(flow, thing.scope, params) if params is not None and thing.scope is not None else ():
        for node in ast.walk(part):
            group = spelled(node) if node not in seen else None
            seen.add(node)
            if group is not None and "params" in group:
                yield home, group


def group_values(flow: Flow, thing: Thing, name: str) -> Iterator[tuple[Scope, ast.expr]]:
    """What the groups of an optimizer say under a name."""
    return ((home, group[name]) for home, group in groups_of(flow, thing) if name in group)


def tail(file: File, call: ast.Call) -> str:
    """The last part of what is called."""
    return file.names.dotted(call.func).rpartition(".")[2]


def reads(flow: Flow, name: str) -> bool:
    """Whether a name or attribute is looked at anywhere, or imported by another file."""
    key = "reads"
    if key not in flow.memory:
        found: set[str] = set()
        for file in flow.files:
            for node in file.where:
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                    found.add(node.id)
                elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                    found.add(node.attr)
                elif isinstance(node, (ast.Global, ast.Nonlocal)):
                    found.update(node.names)
            found |= {full.rpartition(".")[2] for full in file.names.aliases.values()}
            found |= {n.value for n in file.where if isinstance(n, ast.Constant) and isinstance(n.value, str)}
        flow.memory[key] = found
    return name in flow.memory[key]


def counter(loop: ast.AST) -> str:
    """The name that counts a loop's turns from 0; empty where there is none."""
    if not isinstance(loop, ast.For) or not isinstance(loop.iter, ast.Call):
        return ""
    of = ast.unparse(loop.iter.func)
    if of == "range" and isinstance(loop.target, ast.Name) and len(loop.iter.args) == 1:
        return loop.target.id
    if of == "enumerate" and isinstance(loop.target, ast.Tuple) and len(loop.iter.args) == 1 and not loop.iter.keywords:
        return loop.target.elts[0].id if isinstance(loop.target.elts[0], ast.Name) else ""
    return ""


def looped(file: File, node: ast.AST) -> list[ast.AST]:
    """The loops around a node, inside its function, innermost first."""
    found: list[ast.AST] = []
    while node in file.parents and not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        above = file.parents[node]
        if isinstance(above, LOOPS) and node in above.body:
            found.append(above)
        node = above
    return found


def head(node: ast.FunctionDef) -> ast.AST:
    """The place of a function's name."""
    place = ast.Name(node.name)
    place.lineno, place.end_lineno = node.lineno, node.lineno
    place.col_offset = node.col_offset
    place.end_col_offset = node.col_offset + len("def ") + len(node.name)
    return place
