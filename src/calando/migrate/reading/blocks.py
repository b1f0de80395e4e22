"""The blocks that statements stand in, and how statements are taken out of them."""

from __future__ import annotations

import ast

from .scopes import File
from .source import Edit


def spot(node: ast.AST) -> tuple[int, int]:
    """Where a node begins: several statements may stand on one line."""
    return node.lineno, node.col_offset  # type: ignore[attr-defined]


def statement_of(file: File, node: ast.AST) -> ast.stmt:
    """The statement a node belongs to."""
    while not isinstance(node, ast.stmt):
        node = file.parents[node]
    return node


def outermost(file: File, node: ast.AST) -> ast.AST:
    """The largest statement around a node that is not a function or class."""
    found = node
    while node in file.parents and not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        found, node = node, file.parents[node]
    return found


def block_of(file: File, statement: ast.stmt) -> list[ast.stmt]:
    """The list of statements that a statement stands in."""
    parent = file.parents[statement]
    for name in ("body", "orelse", "finalbody", "handlers"):
        block = getattr(parent, name, None)
        if isinstance(block, list) and statement in block:
            return block
    for case in getattr(parent, "cases", []):
        if statement in case.body:
            return case.body
    return [statement]


def emptied(file: File, removed: list[ast.stmt]) -> list[Edit]:
    """The edits that take statements out of their blocks."""
    gone = {statement: place for place, statement in enumerate(dict.fromkeys(removed))}
    edits: list[Edit] = []
    while gone:
        block = block_of(file, next(iter(gone)))
        inside = sorted((s for s in block if s in gone), key=gone.__getitem__)
        for statement in inside:
            del gone[statement]
        parent = file.parents[inside[0]]
        if len(inside) == len(block) and not isinstance(parent, ast.Module):
            if isinstance(parent, ast.If) and block is parent.body and goes(file, parent):
                gone = {s: place for s, place in gone.items() if parent not in above(file, s)}
                gone[parent] = max(gone.values(), default=0) + 1
                continue
            edits.append(Edit(*file.source.span(inside[0]), "pass"))
            inside = inside[1:]
        for each in inside:
            lines = file.source.lines(each)
            edits.append(Edit(*lines, "") if lines is not None else beside(file, each, inside))
    return edits


def neighbours(file: File, statement: ast.stmt) -> list[ast.stmt]:
    """The statements that have a line for themselves with a statement, itself among them."""
    line = [s for s in block_of(file, statement) if s.lineno == statement.lineno == s.end_lineno]
    start = file.source.starts[statement.lineno - 1]
    return [] if not line or file.source.text[start : file.source.span(line[0])[0]].strip() else line


def beside(file: File, statement: ast.stmt, gone: list[ast.stmt]) -> Edit:
    """The edit that takes a statement off a line that others stand on."""
    line = neighbours(file, statement)
    at = line.index(statement)
    if all(s in gone for s in line):
        starts = [*file.source.starts, len(file.source.text)]
        return Edit(starts[statement.lineno - 1], starts[statement.lineno], "")
    if any(s not in gone for s in line[at + 1 :]):
        return Edit(file.source.span(statement)[0], file.source.span(line[at + 1])[0], "")
    kept = [s for s in line[:at] if s not in gone][-1]
    return Edit(file.source.span(kept)[1], file.source.span(line[-1])[1], "")


def goes(file: File, branch: ast.If) -> bool:
    """Whether a condition without anything under it can go too."""
    alone = not branch.orelse and branch not in getattr(file.parents[branch], "orelse", [])
    return alone and idle(branch.test) and file.source.lines(branch) is not None


def above(file: File, node: ast.AST) -> list[ast.AST]:
    found = []
    while node in file.parents:
        node = file.parents[node]
        found.append(node)
    return found


def idle(test: ast.expr) -> bool:
    """Whether evaluating a condition does nothing else."""
    return not any(isinstance(n, (ast.Call, ast.NamedExpr, ast.Await, ast.Yield)) for n in ast.walk(test))
