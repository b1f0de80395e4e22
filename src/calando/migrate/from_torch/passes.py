"""A forward pass of PyTorch's and its backward: which statements belong to it."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

from ..reading.blocks import block_of, idle, neighbours, spot, statement_of
from ..reading.bound import values_given, values_read
from ..reading.flow import arguments
from ..reading.remembered import remembered
from ..reading.rhythm import updates_of_all
from ..reading.roads import LOOPS
from ..reading.scopes import File, Scope
from ..reading.source import Edit
from ..reading.still import still
from ..reading.touching import mentions, touches, works
from ..work import Left, Work
from .attached import attached, flowing_in, loose, values_stored
from .forks import Fork
from .handed import Handed, differentiated, handed, take_backward, there
from .lent import refuse_lent


@dataclass
class Pass:
    """One forward pass and its ``backward``.

    Args:
        scope: the function it is in.
        backward: the statement ``loss.backward()``.
        loss: what is differentiated.
        region: the statements of the forward pass.
        later: statements between them that come after it.
        inputs, outputs: names that go in, and come out beside the loss.
        scaler: the name of the GradScaler, where there is one.
        guard: the condition around the backward, where the forward pass stands before it.
        fork: the condition that chooses one of several ways to make it.
        base: the loop before which its function is put; the backward itself where there is none.
        again: statements from before another update that the loss still depends on; the function runs them again.
        handed: the call of a function that is handed the loss and has the backward.
        label: the name that the loss gets where it has none.
        stops: the changes that stop gradients inside it.
        start: the lines that it begins with.
    """

    scope: Scope
    backward: ast.stmt
    loss: ast.expr
    region: list[ast.stmt]
    later: list[ast.stmt]
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    scaler: str = ""
    guard: ast.If | None = None
    fork: Fork | None = None
    base: ast.stmt | None = None
    again: list[ast.stmt] = field(default_factory=list)
    handed: ast.Call | None = None
    label: str = ""
    stops: list[Edit] = field(default_factory=list)
    start: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """How the loss is called where the gradients are made; empty where it has no name."""
        return self.label or (self.loss.id if isinstance(self.loss, ast.Name) else "")


def passes(work: Work, scope: Scope) -> list[tuple[ast.stmt, ast.Call]]:
    """The ``backward`` statements of a function, in order.

    Raises:
        Left: one of them is part of a larger statement.
    """
    if ("passes", scope) not in work.flow.memory:
        try:
            work.flow.memory["passes", scope] = found_passes(work, scope)
        except Left as left:
            work.flow.memory["passes", scope] = str(left)
    found = work.flow.memory["passes", scope]
    if isinstance(found, str):
        raise Left(found)
    return list(found)


@remembered
def backwards(work: Work, scope: Scope) -> tuple[list[tuple[int, int]], list[tuple[ast.stmt, ast.Call]]]:
    """Where the backward calls of a function stand, and the calls.

    Raises:
        Left: one of them is part of a larger statement.
    """
    found = sorted(passes(work, scope), key=lambda each: spot(each[0]))
    return [spot(statement) for statement, _ in found], found


def found_passes(work: Work, scope: Scope) -> list[tuple[ast.stmt, ast.Call]]:
    found = []
    for node in scope.file.asked[scope]:
        func = node.func
        if handed(work.flow, work.flow.callee(scope, node)) is not None:
            statement = statement_of(scope.file, node)
            if hasattr(statement, "body"):
                raise Left(f"the call in line {node.lineno}, which is handed the loss, is part of a larger statement")
            found.append((statement, node))
            continue
        if not isinstance(func, ast.Attribute) or other_backward(scope, node):
            continue
        if func.attr in ("backward", "manual_backward"):
            statement = statement_of(scope.file, node)
            if not isinstance(statement, ast.Expr) or statement.value is not node:
                raise Left(f"backward is part of a larger expression in line {node.lineno}")
            found.append((statement, node))
    return sorted(found, key=lambda each: each[0].lineno)


def other_backward(scope: Scope, node: ast.Call) -> bool:
    return scope.file.names.dotted(node.func).startswith("torch.autograd")


def understood(
    work: Work,
    scope: Scope,
    statement: ast.stmt,
    call: ast.Call,
    gone: set[ast.stmt],
    forked: tuple[Fork, str] | None = None,
) -> Pass:
    """The forward pass of one ``backward``.

    Args:
        forked: the other ways in which it is made, and how the GradScaler is called.

    Raises:
        Left: it is not straight-line code.
    """
    file = scope.file
    inner = handed(work.flow, work.flow.callee(scope, call))
    loss, scaler = taken_in(inner, call) if inner is not None else lossy(work, scope, call)
    fork, scaler = forked if forked is not None else (None, scaler)
    label = loss.target.id if isinstance(loss, ast.NamedExpr) else ""  # (loss := …).backward()
    loss = loss.value if isinstance(loss, ast.NamedExpr) else loss
    guard = guarding(file, fork.branch if fork is not None else statement)
    if guard is not None and not isinstance(loss, ast.Name):
        raise Left(f"the forward pass of the backward in line {call.lineno} was not found beside it")
    again, forward, own = behind(work, scope, guard or (fork.branch if fork is not None else statement), loss, call)
    span = (forward[0].lineno, forward[-1].lineno) if forward else (0, 0)
    removed = gone | {s for _, s in work.removed.near(file, *span)}
    region = [s for s in forward if s not in removed and s in own]
    later = [s for s in forward if s not in removed and s not in own]
    for each in (*again, *region, *([statement] if inner is None else [])):
        straight(file, each)
    for each in (*again, *region, *later):
        movable(file, each)
    if late := [s for s in later if file.source.lines(s) is None]:
        raise Left(f"line {late[0].lineno} holds several statements")
    found = Pass(scope, statement, loss, region, later, scaler=scaler, again=again, guard=guard, label=label, fork=fork)
    if inner is not None:
        found.handed = call
        found.label = "" if isinstance(loss, ast.Name) else file.names.free("loss")
        take_backward(work, inner)
    return found


def behind(
    work: Work, scope: Scope, holder: ast.stmt, loss: ast.expr, call: ast.Call
) -> tuple[list[ast.stmt], list[ast.stmt], set[ast.stmt]]:
    """What of a block a loss is made of: statements from before another update, those from where the network is
    run up to the backward, and which of all statements it depends on.

    Raises:
        Left: no network is run there.
    """
    block = block_of(scope.file, holder)
    earlier = block[: block.index(holder)]
    wall = next((n for n in reversed(range(len(earlier))) if trains(work, scope, earlier[n])), -1) + 1
    before = earlier[wall:]
    sliced = slice_of(before, values_read(loss))
    again, own = live(work, scope, earlier[:wall], sliced, loss), set(sliced)
    flowing = [s for s in before if s in own and not still(work.flow, scope, s)]
    live_names = {name for s in again for name in values_given(s)}
    first = next((s for s in flowing if touches(work, scope, s) or live_names & values_read(s)), None)
    first = first or next((s for s in flowing if works(s)), None)
    if not again and not any(touches(work, scope, each) for each in (ast.Expr(loss), *flowing)):
        raise Left(f"the forward pass of the backward in line {call.lineno} was not found beside it")
    refuse_lent(work, scope, holder, [*again, *sliced], loss, call.lineno)
    forward = before[before.index(first) :] if first is not None else []
    return again, forward, own | set(amid(work, scope, forward, own))


def amid(work: Work, scope: Scope, forward: list[ast.stmt], own: set[ast.stmt]) -> list[ast.stmt]:
    """What does something to a network in the midst of a forward pass, as ``net.eval()``: it keeps its place there."""
    last = max((n for n, s in enumerate(forward) if s in own), default=0)
    plain = (s for s in forward[:last] if s not in own and isinstance(s, (ast.Expr, ast.For, ast.With)))
    return [s for s in plain if mode(s) or (not values_given(s) and mentions(work, scope, s))]


def mode(statement: ast.stmt) -> bool:
    """Whether a statement is ``net.train()`` or ``net.eval()``."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(call, ast.Call) and getattr(call.func, "attr", "") in ("train", "eval")


def lossy(work: Work, scope: Scope, call: ast.Call) -> tuple[ast.expr, str]:
    """What a backward differentiates, and how the GradScaler that scales it is called.

    Raises:
        Left: it is given something else than a loss.
    """
    loss, scaler = differentiated(work.flow, scope, call)
    if loss is None:
        raise Left(f"backward is given an argument in line {call.lineno}")
    return loss, scope.file.source.code(scaler) if scaler is not None else ""


def taken_in(inner: Handed, call: ast.Call) -> tuple[ast.expr, str]:
    """The loss that a call hands to a function with a backward, and how the GradScaler is called by the caller.

    Raises:
        Left: the loss is not written out.
    """
    given = arguments(inner.scope, call, 1 if inner.scope.owner is not None else 0)
    if inner.loss not in given:
        raise Left(f"the loss that the call in line {call.lineno} hands on is not written out")
    return given[inner.loss], there(inner.scope, call, ast.unparse(inner.scaler)) if inner.scaler is not None else ""


def guarding(file: File, statement: ast.stmt) -> ast.If | None:
    """The condition that a backward, but not its forward pass, stands under: ``if phase == "train":``."""
    branch = file.parents[statement]
    if not isinstance(branch, ast.If) or statement not in branch.body or not idle(branch.test):
        return None
    before = branch.body[: branch.body.index(statement)]
    plain = all(isinstance(s, ast.Expr) for s in before)  # zero_grad and the like
    return branch if plain and not branch.orelse and branch not in getattr(file.parents[branch], "orelse", []) else None


@remembered
def trains(work: Work, scope: Scope, statement: ast.stmt) -> bool:
    """Whether a statement holds a backward or an update: what comes before it belongs to another pass."""
    calls = [n for n in ast.walk(statement) if isinstance(n, ast.Call)]
    found = updates_of_all(work.flow)
    return any(
        call in found.get(scope.file.where[call], ())
        or getattr(call.func, "attr", "") == "backward"
        or handed(work.flow, work.flow.callee(scope, call)) is not None
        for call in calls
    )


def live(work: Work, scope: Scope, earlier: list[ast.stmt], region: list[ast.stmt], loss: ast.expr) -> list[ast.stmt]:
    """The statements among ``earlier`` through which gradients flow into a forward pass."""
    carrying: set[str] = set()
    for statement in earlier:
        if isinstance(statement, (ast.Assign, ast.AnnAssign)) and not trains(work, scope, statement):
            flows = touches(work, scope, statement) or bool(values_read(attached(statement)) & carrying)
            if flows and not loose(statement.value) and not still(work.flow, scope, statement):
                carrying |= values_stored(statement)
    needed = flowing_in(work, scope, region, loss)
    found: list[ast.stmt] = []
    for statement in reversed(earlier):
        if values_stored(statement) & needed & carrying and isinstance(statement, (ast.Assign, ast.AnnAssign)):
            found.insert(0, statement)
            needed |= values_read(attached(statement))
    return found


def straight(file: File, statement: ast.stmt) -> None:
    """Raise Left for what cannot move into a function."""
    for node in ast.walk(statement):
        if isinstance(node, (ast.Return, ast.Yield, ast.Await, ast.Global, ast.Nonlocal)):
            raise Left(f"the forward pass has a {type(node).__name__.lower()} in line {node.lineno}")
        if isinstance(node, (ast.Break, ast.Continue)):
            above = file.parents[node]
            while above is not statement and not isinstance(above, LOOPS):
                above = file.parents[above]
            if not isinstance(above, LOOPS):
                raise Left(f"the forward pass may be left in line {node.lineno}")


def movable(file: File, statement: ast.stmt) -> None:
    """Raise Left for a statement whose lines cannot be indented anew."""
    if file.source.lines(statement) is None and statement not in neighbours(file, statement):
        raise Left(f"line {statement.lineno} holds several statements")
    for node in ast.walk(statement):
        several = isinstance(node, (ast.Constant, ast.JoinedStr)) and node.end_lineno != node.lineno
        if several and re.search(r"\"\"\"|'''", file.source.code(node)):
            raise Left(f"the forward pass has a text of several lines in line {node.lineno}")  # type: ignore[attr-defined]


def slice_of(before: list[ast.stmt], needed: frozenset[str]) -> list[ast.stmt]:
    """The statements that names depend on, among those before."""
    found = []
    for statement in reversed(before):
        if values_given(statement) & needed:
            found.append(statement)
            needed = needed | values_read(statement)
    return found
