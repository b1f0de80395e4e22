"""A training step of PyTorch's as MindSpore's: the forward pass a function, its gradients a value."""

from __future__ import annotations

import ast
import textwrap
from dataclasses import dataclass, field

from .finding import REWRITTEN
from .flow import BLOCKS, NETWORK, OBJECT, SCALER, File, Scope
from .rhythm import LOOPS
from .work import Left, Work, block_of, statement_of

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
    """

    scope: Scope
    backward: ast.stmt
    loss: ast.expr
    region: list[ast.stmt]
    later: list[ast.stmt]
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    scaler: str = ""


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
    block = block_of(file, statement)
    before = block[: block.index(statement)]
    sliced = slice_of(before, names_read(loss))
    first = next((s for s in before if s in sliced and touches(work, scope, s)), None)
    if first is None:
        first = next((s for s in before if s in sliced and works(s)), None)
    if first is None and not touches(work, scope, ast.Expr(loss)):
        raise Left(f"the forward pass of the backward in line {call.lineno} was not found beside it")
    start = before.index(first) if first is not None else len(before)
    inside = [s for s in before[start:] if s not in gone]
    region = [s for s in inside if s in sliced]
    later = [s for s in inside if s not in sliced]
    for each in (*region, statement):
        straight(file, each)
    return Pass(scope, statement, loss, region, later, scaler=scaler)


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
    if file.source.lines(statement) is None:
        raise Left(f"line {statement.lineno} holds several statements")


def slice_of(before: list[ast.stmt], needed: set[str]) -> list[ast.stmt]:
    """The statements that names depend on, among those before."""
    found = []
    for statement in reversed(before):
        if names_stored(statement) & needed:
            found.append(statement)
            needed = needed | names_read(statement)
    return found


def names_read(node: ast.AST) -> set[str]:
    read = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    return read | {
        n.target.id for n in ast.walk(node) if isinstance(n, ast.AugAssign) and isinstance(n.target, ast.Name)
    }


def names_stored(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


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


def outermost(scope: Scope, statement: ast.stmt) -> ast.stmt:
    """The outermost loop around a statement in its function; the statement itself where there is none."""
    found, node = statement, statement
    parents = scope.file.parents
    while node is not scope.node and node in parents:
        node = parents[node]  # type: ignore[assignment]
        if isinstance(node, LOOPS):
            found = node
    return found


def settle(one: Pass, base: ast.stmt, grown: set[str]) -> None:
    """Find what goes in and what comes out."""
    scope = one.scope
    inner: set[str] = set()
    for statement in one.region:
        inner |= names_stored(statement)
    varying = names_stored(base) if isinstance(base, LOOPS) else set()
    if isinstance(scope.node, BLOCKS) and not isinstance(base, LOOPS):
        varying = set()
    read = entering(one.region, one.loss)
    one.inputs = sorted(read & varying - grown, key=lambda name: name.lower())
    whole = scope.node
    own = {id(n) for s in one.region for n in ast.walk(s)} | {id(n) for n in ast.walk(one.backward)}
    used = {
        n.id for n in ast.walk(whole) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load) and id(n) not in own
    }
    first = one.loss.id if isinstance(one.loss, ast.Name) else ""
    one.outputs = sorted((inner & used) - {first})


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


def function_lines(work: Work, one: Pass, name: str) -> list[str]:
    """The forward pass as a function, without the indentation of its place."""
    source = one.scope.file.source
    lines = [f"def {name}({', '.join(one.inputs)}):"]
    for statement in one.region:
        start, end = source.lines(statement) or (0, 0)
        text = textwrap.dedent(body_text(work, one, start, end)).rstrip("\r\n")
        lines += ["    " + line if line.strip() else "" for line in text.splitlines()]
    loss = detached(work, one, one.loss)
    if one.scaler:
        loss = f"{one.scaler}.scale({loss})"
    lines.append(f"    return {', '.join([loss, *one.outputs])}")
    try:
        ast.parse("\n".join(lines))
    except SyntaxError:
        raise Left(f"the forward pass before line {one.backward.lineno} cannot be indented anew") from None
    return lines


def body_text(work: Work, one: Pass, start: int, end: int) -> str:
    """A piece of the script with the changes that are wanted inside it."""
    file = one.scope.file
    source = file.source
    edits = [(e.start, e.end, e.text) for owner, e in work.edits if owner is file and start <= e.start and e.end <= end]
    for node in file.where:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "detach":
            a, b = source.span(node)
            if start <= a and b <= end and not node.args:
                edits.append((a, b, f"mindspore.ops.stop_gradient({source.code(node.func.value)})"))
    text, at = "", start
    for a, b, new in sorted(edits):
        if a >= at:
            text += source.text[at:a] + new
            at = b
    return text + source.text[at:end]


def detached(work: Work, one: Pass, node: ast.expr) -> str:
    a, b = one.scope.file.source.span(node)
    text = body_text(work, one, a, b)
    return " ".join(line.strip() for line in text.splitlines())


def call_line(one: Pass, grad_fn: str, gradients: str) -> str:
    """The line that runs a forward pass and gets its gradients."""
    loss = one.loss.id if isinstance(one.loss, ast.Name) else "_"
    out = f"({', '.join([loss, *one.outputs])})" if one.outputs else loss
    return f"{out}, {gradients} = {grad_fn}({', '.join(one.inputs)})"


def rewrite(work: Work, one: Pass, name: str, grad_fn: str, weights: str, gradients: str, after: list[str]) -> None:
    """Put one forward pass into a function before the loop, and call it where it stood."""
    file = one.scope.file
    source = file.source
    base = outermost(one.scope, one.backward)
    indent = source.indent(one.backward)
    aux = ", has_aux=True" if one.outputs else ""
    lines = function_lines(work, one, name)
    maker = f"{grad_fn} = mindspore.value_and_grad({name}, None, {weights}{aux})"
    call = call_line(one, grad_fn, gradients)
    if isinstance(base, LOOPS):
        gap = 2 if isinstance(file.parents[base], ast.Module) else 1
        above = source.text[: source.starts[base.lineno - 1]].replace("\r", "")
        blank = len(above) - len(above.rstrip("\n")) - 1
        start = source.starts[base.lineno - 1]
        if any(owner is file and edit.start == edit.end == start for owner, edit in work.edits):
            blank = 1  # after another function that was put here
        lead = [""] * max(gap - blank, 0)
        work.before(file, base, *lead, *lines, *[""] * gap, maker, "")
        moved = [call, *after]
    else:
        moved = [*lines, maker, call, *after]
    work.need(file, "import mindspore")
    for statement in (*one.region, *one.later):
        work.remove(file, statement)
    tail: list[str] = []
    for statement in one.later:
        span = source.lines(statement)
        assert span is not None
        text = textwrap.dedent(body_text(work, one, *span))
        tail += text.rstrip("\r\n").splitlines()
    text = f"\n{indent}".join([*moved, *tail])
    work.replace(file, one.backward, text)
    work.say(file, one.backward, REWRITTEN, f"{grad_fn} runs the forward pass and returns the gradients", "step")
    undetached(work, one)


def undetached(work: Work, one: Pass) -> None:
    """``loss.detach()`` after the step: MindSpore's tensors hold no graph."""
    file = one.scope.file
    names = {*one.outputs, *([one.loss.id] if isinstance(one.loss, ast.Name) else [])}
    inside = {id(n) for s in (*one.region, *one.later) for n in ast.walk(s)}
    for node, scope in file.where.items():
        if scope is one.scope and isinstance(node, ast.Call) and id(node) not in inside and not node.args:
            func = node.func
            if not isinstance(func, ast.Attribute) or func.attr != "detach" or not isinstance(func.value, ast.Name):
                continue
            if func.value.id in names and node.lineno > one.backward.lineno:
                work.replace(file, node, func.value.id)
