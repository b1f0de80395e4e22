"""Names to which statements give a value under a condition only, so that they may be read with an older one."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from .bound import names_stored

Condition = frozenset[tuple[str, bool]]  # the tests around a place, and whether they hold there
ALWAYS: Condition = frozenset()
LEAVING = (ast.Raise, ast.Return, ast.Continue, ast.Break)


def unsure(region: list[ast.stmt], ends: dict[str, ast.expr | None]) -> tuple[set[str], set[str]]:
    """The names that some statements store, but not for certain where they read them, and where they end.

    A value that is given under ``if a:`` is there under each later ``if a:``; a loop runs at least once.

    Args:
        region: the statements, in order.
        ends: what is read at the end: names, and an expression under its own name.
    """
    walk = Walk()
    walk.block(region, ALWAYS)
    inside, walk.found = walk.found, set()
    for name, node in ends.items():
        if node is not None:
            walk.reads(node, ALWAYS)
        else:
            walk.read(name, ALWAYS)
    return inside & set(walk.given), walk.found & set(walk.given)


@dataclass
class Walk:
    """A way through some statements.

    Args:
        given: under which conditions each name has got a value.
        found: the names that were read where that was not certain.
    """

    given: dict[str, set[Condition]] = field(default_factory=dict)
    found: set[str] = field(default_factory=set)

    def block(self, statements: list[ast.stmt], under: Condition) -> None:
        for statement in statements:
            self.statement(statement, under)

    def statement(self, node: ast.stmt, under: Condition) -> None:
        if isinstance(node, ast.If):
            self.branches(node, under)
        elif isinstance(node, (ast.For, ast.While, ast.With, ast.Try)):
            for part in ast.iter_child_nodes(node):
                if not isinstance(part, (ast.stmt, ast.ExceptHandler)):
                    self.reads(part, under)
                    self.give(part, under)
            for body in (node.body, *(h.body for h in getattr(node, "handlers", ()))):
                self.block(body, under)
            for name in ("orelse", "finalbody"):
                self.block(getattr(node, name, []), under)
        else:
            self.reads(node, under)
            self.give(node, under)

    def branches(self, node: ast.If, under: Condition) -> None:
        """Both ways of a condition; what both give is given."""
        self.reads(node.test, under)
        self.give(node.test, under)
        test, holds = node.test, True
        while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            test, holds = test.operand, not holds
        ways = [under | {(ast.unparse(test), holds)}, under | {(ast.unparse(test), not holds)}]
        blocks = [node.body, node.orelse]
        for way, block in zip(ways, blocks, strict=True):
            self.block(block, way)
        left = [bool(block) and isinstance(block[-1], LEAVING) for block in blocks]
        for conditions in self.given.values():
            if all(gone or way in conditions for way, gone in zip(ways, left, strict=True)):
                conditions.add(under)

    def give(self, node: ast.AST, under: Condition) -> None:
        for name in names_stored(node):
            self.given.setdefault(name, set()).add(under)

    def reads(self, node: ast.AST, under: Condition) -> None:
        own = {n.arg for n in ast.walk(node) if isinstance(n, ast.arg)}
        for inner in ast.walk(node):
            if isinstance(inner, ast.comprehension):
                own |= {n.id for n in ast.walk(inner.target) if isinstance(n, ast.Name)}
        for inner in ast.walk(node):
            changed = inner.target if isinstance(inner, ast.AugAssign) else inner
            if isinstance(changed, ast.Name) and (isinstance(changed.ctx, ast.Load) or changed is not inner):
                self.read(changed.id, under) if changed.id not in own else None

    def read(self, name: str, under: Condition) -> None:
        if not any(condition <= under for condition in self.given.get(name, ())):
            self.found.add(name)
