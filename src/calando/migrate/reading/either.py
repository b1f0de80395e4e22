"""Statements of which one or another is run: one in every branch of an ``if`` with an ``else``."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass

from .scopes import File


@dataclass(frozen=True, eq=False)
class Either:
    """A condition, and the statement in each of its branches.

    Args:
        branch: the outermost ``if``; an ``elif`` belongs to it.
        statements: one of every branch, in order.
    """

    branch: ast.If
    statements: list[ast.stmt]

    @property
    def branches(self) -> set[ast.If]:
        """The condition with its ``elif``."""
        found, at = {self.branch}, self.branch
        while alone(at.orelse):
            at = at.orelse[0]  # type: ignore[assignment]
            found.add(at)
        return found


def eithers(file: File, wanted: Iterable[ast.stmt]) -> list[Either]:
    """The conditions that run just one of some statements, whichever branch is taken."""
    those = dict.fromkeys(wanted)
    found: dict[ast.If, Either] = {}
    for statement in those:
        branch = file.parents.get(statement)
        while isinstance(branch, ast.If) and isinstance(above := file.parents[branch], ast.If) and alone(above.orelse):
            branch = above if above.orelse == [branch] else None
        if not isinstance(branch, ast.If) or branch in found:
            continue
        ways = in_each(branch, those)
        if ways is not None and len(ways) == sum(node in those for node in ast.walk(branch)):
            found[branch] = Either(branch, ways)
    return list(found.values())


def in_each(branch: ast.If, wanted: Iterable[ast.stmt]) -> list[ast.stmt] | None:
    """The one statement of every branch; None where one has none, or several."""
    found: list[ast.stmt] = []
    for block in (branch.body, branch.orelse):
        if block is branch.orelse and alone(block):
            inner = in_each(block[0], wanted)  # type: ignore[arg-type]
            if inner is None:
                return None
            found += inner
            continue
        own = [statement for statement in block if statement in wanted]
        if len(own) != 1:
            return None
        found += own
    return found


def alone(block: list[ast.stmt]) -> bool:
    """Whether a block is a condition and nothing else, as an ``elif``."""
    return len(block) == 1 and isinstance(block[0], ast.If)
