"""A forward pass of PyTorch's and its backward: which statements belong to it."""

from __future__ import annotations

import ast
import copy
import re
from dataclasses import dataclass, field

from .flow import BLOCKS, NETWORK, OBJECT, OPTIMIZER, SCALER, File, Scope
from .rhythm import LOOPS, updates
from .work import Left, Work, block_of, idle, statement_of

DATA = {"to", "cuda", "cpu", "float", "long", "next", "iter", "get_batch", "unsqueeze", "view", "from_numpy", "tensor"}


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
        base: the loop before which its function is put; the backward itself where there is none.
        again: statements from before another update that the loss still depends on; the function runs them again.
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
    base: ast.stmt | None = None
    again: list[ast.stmt] = field(default_factory=list)


def passes(work: Work, scope: Scope) -> list[tuple[ast.stmt, ast.Call]]:
    """The ``backward`` statements of a function, in order."""
    found = []
    for where, node in scope.file.calls:
        func = node.func
        if where is not scope or not isinstance(func, ast.Attribute) or other_backward(scope, node):
            continue
        if func.attr in ("backward", "manual_backward"):
            statement = statement_of(scope.file, node)
            if not isinstance(statement, ast.Expr) or statement.value is not node:
                raise Left(f"backward is part of a larger expression in line {node.lineno}")
            found.append((statement, node))
    return sorted(found, key=lambda each: each[0].lineno)


def other_backward(scope: Scope, node: ast.Call) -> bool:
    return scope.file.names.dotted(node.func).startswith("torch.autograd")


def understood(work: Work, scope: Scope, statement: ast.stmt, call: ast.Call, gone: set[ast.stmt]) -> Pass:
    """The forward pass of one ``backward``.

    Raises:
        Left: it is not straight-line code.
    """
    assert isinstance(call.func, ast.Attribute)
    file = scope.file
    loss, scaler = call.func.value, ""
    if call.func.attr == "manual_backward" or file.names.dotted(call.func) in (
        "accelerator.backward",
        "fabric.backward",
    ):
        loss = call.args[0]
    elif call.args or call.keywords:
        raise Left(f"backward is given an argument in line {call.lineno}")
    held = loss.func.value if isinstance(loss, ast.Call) and isinstance(loss.func, ast.Attribute) else None
    if isinstance(loss, ast.Call) and held is not None and SCALER in work.flow.kinds(scope, held):
        scaler, loss = file.source.code(held), loss.args[0]
    guard = guarding(file, statement)
    holder = guard or statement
    block = block_of(file, holder)
    earlier = block[: block.index(holder)]
    wall = max((n for n, s in enumerate(earlier) if trains(work, scope, s)), default=-1) + 1
    before = earlier[wall:]
    sliced = slice_of(before, names_read(loss))
    again = live(work, scope, earlier[:wall], sliced, loss)
    first = next((s for s in before if s in sliced and touches(work, scope, s)), None)
    if first is None:
        first = next((s for s in before if s in sliced and works(s)), None)
    if first is None and not again and not touches(work, scope, ast.Expr(loss)):
        raise Left(f"the forward pass of the backward in line {call.lineno} was not found beside it")
    start = before.index(first) if first is not None else len(before)
    removed = gone | {s for owner, s in work.removed if owner is file}
    inside = [s for s in before[start:] if s not in removed]
    region = [s for s in inside if s in sliced]
    later = [s for s in inside if s not in sliced]
    for each in (*again, *region, statement):
        straight(file, each)
    for each in (*again, *region, *later):
        movable(file, each)
    if guard is not None and not isinstance(loss, ast.Name):
        raise Left(f"the forward pass of the backward in line {call.lineno} was not found beside it")
    return Pass(scope, statement, loss, region, later, scaler=scaler, again=again, guard=guard)


def guarding(file: File, statement: ast.stmt) -> ast.If | None:
    """The condition that a backward, but not its forward pass, stands under: ``if phase == "train":``."""
    branch = file.parents[statement]
    if not isinstance(branch, ast.If) or statement not in branch.body or not idle(branch.test):
        return None
    before = branch.body[: branch.body.index(statement)]
    plain = all(isinstance(s, ast.Expr) for s in before)  # zero_grad and the like
    return branch if plain and not branch.orelse and branch not in getattr(file.parents[branch], "orelse", []) else None


def trains(work: Work, scope: Scope, statement: ast.stmt) -> bool:
    """Whether a statement holds a backward or an update: what comes before it belongs to another pass."""
    calls = [n for n in ast.walk(statement) if isinstance(n, ast.Call)]
    found = {id(call) for thing in work.flow.all(OPTIMIZER) for _, call in updates(work.flow, thing)}
    return any(id(call) in found or getattr(call.func, "attr", "") == "backward" for call in calls)


def live(work: Work, scope: Scope, earlier: list[ast.stmt], region: list[ast.stmt], loss: ast.expr) -> list[ast.stmt]:
    """The statements among ``earlier`` through which gradients flow into a forward pass."""
    carrying: set[str] = set()
    for statement in earlier:
        if isinstance(statement, (ast.Assign, ast.AnnAssign)) and not trains(work, scope, statement):
            flows = touches(work, scope, statement) or bool(names_read(attached(statement)) & carrying)
            if flows and not loose(statement.value):
                carrying |= names_stored(statement)
    needed = {name for node in (*region, loss) for name in names_read(attached(node))}
    needed -= {name for statement in region for name in names_stored(statement)} - entering(region, loss)
    found: list[ast.stmt] = []
    for statement in reversed(earlier):
        if names_stored(statement) & needed & carrying and isinstance(statement, (ast.Assign, ast.AnnAssign)):
            found.insert(0, statement)
            needed |= names_read(attached(statement))
    return found


def loose(node: ast.AST | None) -> bool:
    """Whether an expression's value carries no gradient: detached, a plain number, or under ``no_grad``."""
    func = getattr(node, "func", None)
    return isinstance(func, ast.Attribute) and func.attr in ("detach", "item", "numpy", "argmax")


def attached(node: ast.AST) -> ast.AST:
    """A statement without the parts that no gradient flows through."""

    class Without(ast.NodeTransformer):
        def visit_Call(self, call: ast.Call) -> ast.AST:
            return ast.Constant(None) if loose(call) else self.generic_visit(call)

    return Without().visit(copy.deepcopy(node))


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
    if file.source.lines(statement) is None:
        raise Left(f"line {statement.lineno} holds several statements")
    for node in ast.walk(statement):
        several = isinstance(node, (ast.Constant, ast.JoinedStr)) and node.end_lineno != node.lineno
        if several and re.search(r"\"\"\"|'''", file.source.code(node)):
            raise Left(f"the forward pass has a text of several lines in line {node.lineno}")  # type: ignore[attr-defined]


def slice_of(before: list[ast.stmt], needed: set[str]) -> list[ast.stmt]:
    """The statements that names depend on, among those before."""
    found = []
    for statement in reversed(before):
        if (names_stored(statement) | names_changed(statement)) & needed:
            found.append(statement)
            needed = needed | names_read(statement)
    return found


def names_read(node: ast.AST) -> set[str]:
    read = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    return read | {
        n.target.id for n in ast.walk(node) if isinstance(n, ast.AugAssign) and isinstance(n.target, ast.Name)
    }


def names_stored(node: ast.AST) -> set[str]:
    """The names that a statement gives a value; those of comprehensions are their own."""
    inner = {id(n) for c in ast.walk(node) if isinstance(c, ast.comprehension) for n in ast.walk(c.target)}
    return {
        n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) and id(n) not in inner
    }


def names_changed(node: ast.AST) -> set[str]:
    """The names whose values a statement changes in place: ``x[i] = …``, ``x.fill_(…)``."""
    changed = {n.value for n in ast.walk(node) if isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store)}
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        func = node.value.func
        if isinstance(func, ast.Attribute) and func.attr.endswith("_") and not func.attr.endswith("__"):
            changed.add(func.value)
    return {n.id for n in changed if isinstance(n, ast.Name)}


def touches(work: Work, scope: Scope, statement: ast.AST, depth: int = 0) -> bool:
    """Whether a network is called somewhere in a statement, or in a function of the project that it calls."""
    for node in ast.walk(statement):
        if not isinstance(node, ast.Call):
            continue
        func = node.func
        target = func.value if isinstance(func, ast.Attribute) else func
        for thing in (*work.flow.things(scope, func), *work.flow.things(scope, target)):
            if thing.kind == NETWORK or (thing.kind == OBJECT and work.flow.is_network(thing.scope)):  # type: ignore[arg-type]
                return True
        inner = work.flow.callee(scope, node) if depth < 3 else None
        if inner is not None and isinstance(inner.node, BLOCKS) and touches(work, inner, inner.node, depth + 1):
            return True
        name = ast.unparse(func).rpartition(".")[2].lower()
        if name in (
            "model",
            "net",
            "network",
            "student",
            "encoder",
            "decoder",
            "generator",
            "discriminator",
            "forward",
        ):
            return True
    return False


def works(statement: ast.stmt) -> bool:
    """Whether a statement computes, and does not only fetch data."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).rpartition(".")[2]
            if name not in DATA and not name.startswith(("get_", "load", "next")):
                return True
        if isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, (ast.MatMult, ast.Pow)):
            return True
    return False


def entering(region: list[ast.stmt], loss: ast.expr) -> set[str]:
    """The names that statements read before they give them a value."""
    bound = {n.arg for s in region for n in ast.walk(s) if isinstance(n, ast.arg)}
    stored: dict[str, tuple[int, int]] = {}
    read: dict[str, tuple[int, int]] = {}
    for node in (inner for s in (*region, loss) for inner in ast.walk(s)):
        if isinstance(node, ast.comprehension):
            bound |= names_stored(node.target)
        if isinstance(node, (ast.Assign, ast.AnnAssign)):  # the value comes first
            for name in names_stored(node):
                at = node.end_lineno or 0, node.end_col_offset or 0
                stored[name] = min(stored.get(name, at), at)
        elif isinstance(node, (ast.For, ast.With, ast.NamedExpr)):
            for part in (getattr(node, "target", None), *(i.optional_vars for i in getattr(node, "items", ()))):
                for name in names_stored(part) if part is not None else ():
                    at = part.end_lineno or 0, part.end_col_offset or 0
                    stored[name] = min(stored.get(name, at), at)
        changed = node.target if isinstance(node, ast.AugAssign) else node
        if isinstance(changed, ast.Name) and (isinstance(changed.ctx, ast.Load) or changed is not node):
            at = changed.lineno, changed.col_offset
            read[changed.id] = min(read.get(changed.id, at), at)
    return {name for name, at in read.items() if name not in bound and at < stored.get(name, (10**9, 0))}
