"""Which of the values that a name is given may still be its value at a place where it is read.

A name that is given another value stands for that one from there on. What counts is where the text is: a value given in
the same block, before the place, hides those before it; a loop around the place brings back what is given in it.
"""

from __future__ import annotations

import ast
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

from .scopes import File, Scope

COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)
LOOPS = (ast.For, ast.AsyncFor, ast.While, *COMPREHENSIONS)
FLOWING = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef)  # scopes whose statements run one after the other
LEAVING = (ast.Return, ast.Raise, ast.Continue, ast.Break)
NAMED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
Spot = tuple[int, int]


@dataclass
class Given:
    """Where one name of a scope is given values.

    Args:
        spots: where each value is there, in order.
        nodes: the name, function or class at each spot.
        hiding: of each block with statements that always give a value, their ends and beginnings in order.
    """

    spots: list[Spot] = field(default_factory=list)
    nodes: list[ast.AST] = field(default_factory=list)
    hiding: dict[tuple[ast.AST, str], list[tuple[Spot, Spot]]] = field(default_factory=dict)


class Reaching:
    """The names of one file."""

    def __init__(self, file: File) -> None:
        self.file = file
        self.given: dict[tuple[Scope, str], Given] = {}
        self.asked: dict[ast.AST, list[ast.AST] | None] = {}
        for node, name in binders(file):
            home = file.where[node]
            if isinstance(home.node, FLOWING) and name not in file.elsewhere:
                self._give(home, name, node)
        for each in self.given.values():
            pairs = sorted(zip(each.spots, each.nodes, strict=True), key=lambda pair: pair[0])
            each.spots, each.nodes = [spot for spot, _ in pairs], [node for _, node in pairs]
            for spans in each.hiding.values():
                spans.sort()

    def _give(self, home: Scope, name: str, node: ast.AST) -> None:
        held = self.given.setdefault((home, name), Given())
        statement = node if isinstance(node, NAMED) else self._assigned(node)
        held.spots.append(end(statement or node))
        held.nodes.append(node)
        while statement is not None:
            block = self.block(statement)
            spans = held.hiding.setdefault(block, [])
            if (end(statement), start(statement)) not in spans[-1:]:
                spans.append((end(statement), start(statement)))
            statement = self._around(block[0], held)

    def _assigned(self, node: ast.AST) -> ast.stmt | None:
        """The assignment that a name is a target of."""
        above = self.file.parents[node]
        while isinstance(above, (ast.Tuple, ast.List)):
            node, above = above, self.file.parents[above]
        if isinstance(above, ast.AnnAssign):
            return above if above.value is not None and above.target is node else None
        return above if isinstance(above, ast.Assign) and node in above.targets else None

    def _around(self, node: ast.AST, held: Given) -> ast.stmt | None:
        """A statement of several branches, all of which give the name a value or go elsewhere."""
        branches: list[tuple[ast.AST, str]]
        if isinstance(node, ast.If):
            branches = [(node, "body"), (node, "orelse")]
        elif isinstance(node, ast.ExceptHandler):
            return self._around(self.file.parents[node], held)
        elif isinstance(node, ast.Try) and node.handlers:
            branches = [(node, "body"), *((handler, "body") for handler in node.handlers)]
        else:
            return None
        for at, name in branches:
            block = getattr(at, name)
            if (at, name) not in held.hiding and not (block and isinstance(block[-1], LEAVING)):
                return None
        return node

    def block(self, statement: ast.AST) -> tuple[ast.AST, str]:
        """The list of statements that a statement stands in."""
        parent = self.file.parents[statement]
        for name in ("body", "orelse", "finalbody", "handlers"):
            block = getattr(parent, name, None)
            if isinstance(block, list) and len(block) and start(block[0]) <= start(statement) <= start(block[-1]):
                return parent, name
        return parent, ""

    def at(self, home: Scope, node: ast.Name) -> list[ast.AST] | None:
        """The nodes that give a name the values it may have where it is read; None where any of them may.

        Args:
            home: the scope that the name belongs to.
        """
        if node not in self.asked:
            held = self.given.get((home, node.id)) if self.file.where.get(node) is home else None
            self.asked[node] = self._found(home, node, held) if held is not None else None
        return self.asked[node]

    def _found(self, home: Scope, node: ast.Name, held: Given) -> list[ast.AST] | None:
        own, inside = start(node), node  # inside: the largest loop around the place
        at: ast.AST = node
        looped = False
        while at is not home.node:
            if isinstance(at, LOOPS):
                inside, looped = at, True  # type: ignore[assignment]
            if isinstance(at, ast.stmt) and (spans := held.hiding.get(self.block(at))):
                before = bisect_right(spans, (start(at), start(at)))
                if before:
                    first = bisect_left(held.spots, spans[before - 1][1])
                    found = held.nodes[first : bisect_left(held.spots, own)]
                    if looped:
                        low = max(bisect_left(held.spots, own), first)
                        found = found + held.nodes[low : bisect_right(held.spots, end(inside))]
                    return found
            at = self.file.parents[at]
        return None


def binders(file: File) -> list[tuple[ast.AST, str]]:
    """The nodes of a file that give a name a value, and that name."""
    found: list[tuple[ast.AST, str]] = []
    for node in file.where:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.append((node, node.id))
        elif isinstance(node, (*NAMED, ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
            found.append((node, node.name))
        elif isinstance(node, ast.MatchMapping) and node.rest:
            found.append((node, node.rest))
        elif isinstance(node, ast.alias) and node.name != "*":
            found.append((node, node.asname or node.name.partition(".")[0]))
    return found


def start(node: ast.AST) -> Spot:
    return node.lineno, node.col_offset  # type: ignore[attr-defined]


def end(node: ast.AST) -> Spot:
    return node.end_lineno, node.end_col_offset  # type: ignore[attr-defined]
