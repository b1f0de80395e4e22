"""Stopping gradients inside a forward function, where PyTorch computes without them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

from ..finding import REWRITTEN
from ..reading.blocks import above
from ..reading.bound import names_read, names_stored
from ..reading.flow import Flow
from ..reading.roads import LOOPS
from ..reading.scopes import BLOCKS, File, Scope
from ..reading.source import Edit
from ..reading.still import decorated, guard, still
from ..work import Left, Work

STOP = "mindspore.ops.stop_gradient"
TOLD = "no gradient flows through it"


def stops(work: Work, scope: Scope, nodes: Sequence[ast.AST]) -> list[Edit]:
    """The changes that stop gradients inside the statements of a forward pass, however deep they stand."""
    found = []
    for node in nodes:
        for inner in outermost(work.flow, scope, node):
            found += stop(work, scope, inner, read_elsewhere(scope.file, nodes, inner))
    return found


def outermost(flow: Flow, scope: Scope, node: ast.AST) -> Iterator[ast.AST]:
    """The statements and calls in a node that carry no gradient, and that do not lie in another one."""
    if still(flow, scope, node) or (isinstance(node, ast.Call) and decorated(flow, scope, node)):
        yield node
        return
    for child in ast.iter_child_nodes(node):
        yield from outermost(flow, scope, child)


def read_elsewhere(file: File, nodes: Iterable[ast.AST], statement: ast.AST) -> set[str]:
    """The names that are read behind a statement, or anywhere in a loop around it."""
    loops = [each for each in above(file, statement) if isinstance(each, LOOPS)]
    last = (statement.end_lineno, statement.end_col_offset)  # type: ignore[attr-defined]
    inside = {id(inner) for inner in ast.walk(statement)}
    around = {id(inner) for loop in loops for inner in ast.walk(loop)} - inside
    read: set[str] = set()
    for node in nodes:
        for inner in ast.walk(node):
            if isinstance(inner, (ast.Name, ast.AugAssign)) and (
                id(inner) in around or (inner.lineno, inner.col_offset) >= last
            ):
                read |= names_read(inner)
    return read


def stop(work: Work, scope: Scope, node: ast.AST, read: set[str]) -> list[Edit]:
    """The changes that stop what one statement, or one call, computes.

    Raises:
        Left: its line holds other statements too.
    """
    source = scope.file.source
    if isinstance(node, ast.Call):
        work.say(scope.file, node, REWRITTEN, TOLD, "step")
        return around(scope, node)
    found = [edit for each in ast.walk(node) if isinstance(each, ast.Return) for edit in around(scope, each.value)]
    if names := sorted(names_stored(node) & read):
        lines = source.lines(node)
        if lines is None:
            raise Left(f"line {node.lineno} holds several statements")  # type: ignore[attr-defined]
        end = lines[0] + len(source.text[slice(*lines)].rstrip("\r\n"))
        found.append(Edit(end, end, "".join(f"\n{source.indent(node)}{name} = {STOP}({name})" for name in names)))
    if found:
        shown = guard(scope.file, node) if isinstance(node, ast.With) else None
        work.say(scope.file, shown or node, REWRITTEN, TOLD, "step")
    return found


def around(scope: Scope, value: ast.expr | None) -> list[Edit]:
    """The changes that stop the gradient of an expression."""
    if value is None:
        return []
    start, end = scope.file.source.span(value)
    return [Edit(start, start, f"{STOP}("), Edit(end, end, ")")]


def stop_called(work: Work, scope: Scope, nodes: Iterable[ast.AST], seen: set[ast.AST] | None = None) -> None:
    """Stop gradients in the functions that a forward pass calls; a network's own are written with the network."""
    seen = set() if seen is None else seen
    for call in (inner for node in nodes for inner in ast.walk(node) if isinstance(inner, ast.Call)):
        inner = work.flow.callee(scope, call)
        if inner is None or not isinstance(inner.node, BLOCKS) or inner.node in seen:
            continue
        seen.add(inner.node)
        if decorated(work.flow, scope, call) or (inner.owner is not None and work.flow.is_network(inner.owner)):
            continue
        body = inner.node.body if isinstance(inner.node.body, list) else [inner.node.body]
        for edit in stops(work, inner, body):
            if all(each != edit for _, each in work.edits.near(inner.file, edit.start, edit.start)):
                work.edits.append((inner.file, edit))
                work.need(inner.file, "import mindspore")
        stop_called(work, inner, body, seen)
