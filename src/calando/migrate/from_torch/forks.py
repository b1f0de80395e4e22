"""One loss that is differentiated in every branch of a condition: through a GradScaler in one, plainly in the other."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from ..finding import REWRITTEN
from ..reading.blocks import above, block_of, idle
from ..reading.bound import names_stored
from ..reading.either import Either, alone, eithers
from ..reading.scopes import File, Scope
from ..work import Left, Work
from .handed import differentiated, handed

PURE = {"len", "isinstance", "hasattr", "getattr", "bool", "any", "all"}


@dataclass
class Fork:
    """A backward that is made in either of several ways.

    Args:
        branch: the outermost ``if``; the forward pass stands before it.
        statements: the backward of every branch.
        scaled: those of them that a GradScaler scales.
        when: the condition under which it does; empty where it always, or never, does.
        bare: whether the branches hold nothing else, so that the condition goes with them.
        inside: whether the gradients are unscaled in the branch that scales.
    """

    branch: ast.If
    statements: list[ast.stmt]
    scaled: list[ast.stmt]
    when: str
    bare: bool
    inside: bool = False


def alternatives(work: Work, scope: Scope, mine: list[tuple[ast.stmt, ast.Call]]) -> list[Either]:
    """The conditions of which every branch has a backward."""
    here = [s for s, call in mine if handed(work.flow, work.flow.callee(scope, call)) is None]
    return eithers(scope.file, here)


def fork(work: Work, scope: Scope, either: Either, mine: dict[ast.stmt, ast.Call]) -> tuple[Fork, str] | None:
    """A backward of one loss in all branches, and how the GradScaler is called; None where each has its own loss.

    Raises:
        Left: when the loss is scaled cannot be asked in the forward pass.
    """
    file, losses, scalers = scope.file, set(), {}
    for statement in either.statements:
        loss, scaler = differentiated(work.flow, scope, mine[statement])
        before = block_of(file, statement)
        before = before[: before.index(statement)]
        if not isinstance(loss, ast.Name) or any(loss.id in names_stored(each) for each in before):
            return None
        losses.add(loss.id)
        if scaler is not None:
            scalers[statement] = file.source.code(scaler)
    if len(losses) > 1 or len(set(scalers.values())) > 1:
        return None
    line = either.branch.lineno
    partly = 0 < len(scalers) < len(either.statements)
    if partly and len(scalers) > 1:
        raise Left(f"a GradScaler scales the loss in several of the branches of line {line}")
    when = holding(file, either, next(iter(scalers))) if partly else ""
    bare = all(block_of(file, statement) == [statement] for statement in either.statements)
    if (when or bare) and not all(quiet(branch.test) for branch in either.branches):
        raise Left(f"what line {line} asks, before it chooses a backward, may do something itself")
    found = Fork(either.branch, either.statements, list(scalers), when, bare)
    return found, next(iter(scalers.values()), "")


def quiet(test: ast.expr) -> bool:
    """Whether a condition may be asked twice, or not at all."""
    calls = [n for n in ast.walk(test) if isinstance(n, ast.Call)]
    return idle(test) or all(isinstance(call.func, ast.Name) and call.func.id in PURE for call in calls)


def holding(file: File, either: Either, statement: ast.stmt) -> str:
    """The condition under which one of the branches is taken."""
    parts: list[str] = []
    node: ast.AST = statement
    for parent in above(file, statement):
        if isinstance(parent, ast.If) and parent in either.branches:
            text = file.source.code(parent.test)
            parts.insert(0, text if node in parent.body else opposite(parent.test, text))
        node = parent
        if parent is either.branch:
            break
    return parts[0] if len(parts) == 1 else " and ".join(f"({part})" for part in parts)


def opposite(test: ast.expr, text: str) -> str:
    """What holds where a condition does not."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return ast.unparse(test.operand)
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], (ast.Is, ast.IsNot)):
        word = "is not" if isinstance(test.ops[0], ast.Is) else "is"
        return f"{ast.unparse(test.left)} {word} {ast.unparse(test.comparators[0])}"
    return f"not {text}" if isinstance(test, (ast.Name, ast.Attribute)) else f"not ({text})"


def asked_names(one: Fork) -> set[str]:
    """The names that the conditions read."""
    tests, at = [one.branch.test], one.branch
    while alone(at.orelse):
        at = at.orelse[0]  # type: ignore[assignment]
        tests.append(at.test)
    return {n.id for test in tests for n in ast.walk(test) if isinstance(n, ast.Name)} if one.when else set()


def parted(work: Work, file: File, one: Fork, loose: list[str]) -> None:
    """The backward goes out of every branch; where it was scaled, the gradients are unscaled instead.

    Args:
        loose: the lines that unscale.
    """
    for statement in one.statements[1:]:
        work.say(file, statement, REWRITTEN, "the gradients of all branches are made before them", "step")
    if one.bare:
        work.remove(file, one.branch)
        return
    for statement in one.statements:
        if one.inside and loose and statement in one.scaled:
            work.replace(file, statement, f"\n{file.source.indent(statement)}".join(loose))
        else:
            work.remove(file, statement)
