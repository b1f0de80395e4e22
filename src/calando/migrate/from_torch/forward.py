"""A training step of PyTorch's as MindSpore's: the forward pass a function, its gradients a value."""

from __future__ import annotations

import ast
import textwrap
from bisect import bisect_right

from ..finding import CHECK, REWRITTEN
from ..reading.blocks import emptied
from ..reading.bound import entering, names_stored
from ..reading.remembered import remembered
from ..reading.roads import LOOPS
from ..reading.scopes import Scope
from ..reading.source import rows
from ..work import Left, Work
from .forks import asked_names, parted
from .kept import deleted, keep
from .passes import Pass, passes
from .scaler import loosened
from .stopping import STOP, stop_called, stops


def outermost(scope: Scope, statement: ast.stmt, makers: set[int]) -> ast.stmt:
    """The outermost loop around a statement in which no optimizer is made; the statement itself where there is none.

    Args:
        makers: id of every node inside of which an optimizer of the party is made.
    """
    found, node = statement, statement
    parents = scope.file.parents
    while node is not scope.node and node in parents:
        node = parents[node]  # type: ignore[assignment]
        if id(node) in makers:
            break
        if isinstance(node, LOOPS):
            found = node
    return found


def settle(work: Work, one: Pass, base: ast.stmt) -> None:
    """Find what goes in and what comes out."""
    scope, one.base = one.scope, base
    inner: set[str] = set()
    for statement in one.region:
        inner |= names_stored(statement)
    varying = names_stored(base) if isinstance(base, LOOPS) else set()
    read = entering([*one.again, *one.region], one.loss)
    asked = asked_names(one.fork) if one.fork is not None else set()
    if asked & {name for statement in one.later for name in names_stored(statement)}:
        raise Left(f"what line {one.fork.branch.lineno} asks is computed behind the forward pass")  # type: ignore[union-attr]
    read |= asked - inner
    end = one.loss if one.handed is not None else one.backward
    own = {id(n) for s in one.region for n in ast.walk(s)} | {id(n) for n in ast.walk(end)}
    loads = scope.file.loads(scope)
    where = scope.file.where
    same = {name: work.flow.home(scope, name) for name in inner}
    used = {
        name
        for name in inner
        if any(id(n) not in own and work.flow.home(where[n], name) is same[name] for n in loads.get(name, ()))
    }
    used |= inner & deleted(work.flow, scope)
    entering_too, carried = keep(work, one, read, inner, used)
    one.inputs = sorted((read & (varying | inner)) | entering_too, key=lambda name: name.lower())
    one.outputs = sorted((used | carried) - {one.name})


def function_lines(work: Work, one: Pass, name: str) -> list[str]:
    """The forward pass as a function, without the indentation of its place."""
    source = one.scope.file.source
    lines = [f"def {name}({', '.join(one.inputs)}):", *(f"{source.unit}{line}" for line in one.start)]
    parts = [*one.again, *one.region, one.loss]
    one.stops = stops(work, one.scope, parts)
    stop_called(work, one.scope, parts)
    for statement in (*one.again, *one.region):
        start, end = source.lines(statement) or source.span(statement)
        text = dedented(body_text(work, one, start, end))
        lines += [source.unit + line if line.strip() else "" for line in rows(text)]
    loss = detached(work, one, one.loss)
    if one.scaler:
        whether = f" if {one.fork.when} else {loss}" if one.fork is not None and one.fork.when else ""
        loss = f"{one.scaler}.scale({loss}){whether}"
    lines.append(f"{source.unit}return {', '.join([loss, *one.outputs])}")
    try:
        ast.parse("\n".join(lines))
    except SyntaxError:
        raise Left(f"the forward pass before line {one.backward.lineno} cannot be indented anew") from None
    return lines


def dedented(text: str) -> str:
    """A piece of a script without its indentation, whatever its lines end with."""
    return textwrap.dedent("\n".join(rows(text))).rstrip("\n")


def body_text(work: Work, one: Pass, start: int, end: int) -> str:
    """A piece of the script with the changes that are wanted inside it."""
    file = one.scope.file
    source = file.source
    edits = [(e.start, e.end, e.text) for _, e in work.edits.near(file, start, end) if e.end <= end]
    edits += [(e.start, e.end, e.text) for e in one.stops if start <= e.start and e.end <= end]
    moved = (*one.again, *one.region, *one.later)
    first, last = (bisect_right(source.starts, at) for at in (start, end))
    near = (statement for _, statement in work.removed.near(file, first, last))
    gone = [s for s in near if s not in moved and start < source.span(s)[0] < end]
    edits += [(e.start, e.end, e.text) for e in emptied(file, gone) if start <= e.start and e.end <= end]
    for node in file.method_calls("detach", first, last):
        a, b = source.span(node)
        if start <= a and b <= end and not node.args:
            work.say(file, node, REWRITTEN, "no gradient flows through it", "step")
            edits.append((a, b, f"{STOP}({source.code(node.func.value)})"))  # type: ignore[attr-defined]
    text, at = "", start
    for a, b, new in sorted(edits):
        if a >= at:
            text += source.text[at:a] + new
            at = b
    return text + source.text[at:end]


def detached(work: Work, one: Pass, node: ast.expr) -> str:
    a, b = one.scope.file.source.span(node)
    text = body_text(work, one, a, b)
    return " ".join(line.strip() for line in rows(text))


def call_line(one: Pass, grad_fn: str, gradients: str) -> str:
    """The line that runs a forward pass and gets its gradients."""
    loss = one.name or "_"
    out = f"({', '.join([loss, *one.outputs])})" if one.outputs else loss
    return f"{out}, {gradients} = {grad_fn}({', '.join(one.inputs)})"


def rewrite(work: Work, one: Pass, name: str, grad_fn: str, weights: str, gradients: str, after: list[str]) -> None:
    """Put one forward pass into a function before the loop, and call it where it stood."""
    file = one.scope.file
    aux = ", has_aux=True" if one.outputs else ""
    lines = function_lines(work, one, name)
    maker = f"{grad_fn} = mindspore.value_and_grad({name}, None, {weights}{aux})"
    call = call_line(one, grad_fn, gradients)
    moved = [*made(work, one, lines, maker), call, *after]
    if one.guard is not None:
        guarded(work, one, moved, name)
        moved = []
    work.need(file, "import mindspore")
    for statement in (*one.region, *one.later):
        work.remove(file, statement)
    tail: list[str] = []
    for statement in one.later:
        span = file.source.lines(statement)
        assert span is not None
        tail += rows(dedented(body_text(work, one, *span)))
    called(work, one, moved, tail, gradients)
    told = f"{grad_fn} runs the forward pass and returns the gradients"
    if one.again:
        told += (
            f"; line {one.again[0].lineno} runs in it again, as gradients flow through it (dropout and statistics too)"
        )
    work.say(file, one.backward, CHECK if one.again else REWRITTEN, told, "step")
    undetached(work, one)


def made(work: Work, one: Pass, lines: list[str], maker: str) -> list[str]:
    """Put the function and its gradients before the loop; without one, the lines that stand before the call."""
    file, source, base = one.scope.file, one.scope.file.source, one.base
    if not isinstance(base, LOOPS):
        return [*lines, maker]
    gap = 2 if isinstance(file.parents[base], ast.Module) else 1
    start = source.starts[base.lineno - 1]
    above = source.text[:start].replace("\r", "")
    blank = len(above) - len(above.rstrip("\n")) - 1
    if put := [edit for _, edit in work.edits.near(file, start, start) if edit.end == start]:
        blank = int(put[-1].text.endswith("\n\n"))  # after another function, or a line that was put here
    lead = [""] * max(gap - blank, 0)
    work.before(file, base, *lead, *lines, *[""] * gap, maker, "")
    return []


def called(work: Work, one: Pass, moved: list[str], tail: list[str], gradients: str) -> None:
    """Put the call of a gradient function where the backward stood, and after it what came between.

    Args:
        moved: the call and what belongs to it; nothing where it stands under a condition already.
    """
    file = one.scope.file
    if one.handed is not None:
        if one.label:
            work.replace(file, one.loss, one.label)
        work.before(file, one.guard or one.backward, *moved, *tail)
    elif one.fork is not None:
        work.before(file, one.guard or one.fork.branch, *moved, *tail)
        parted(work, file, one.fork, loosened(one, gradients))
    elif one.guard is None:
        single = isinstance(one.base, LOOPS) and not tail
        apart = "; " if single and file.source.lines(one.backward) is None else f"\n{file.source.indent(one.backward)}"
        work.replace(file, one.backward, apart.join([*moved, *tail]))
    else:
        work.remove(file, one.backward)
        work.before(file, one.guard, *tail)


def guarded(work: Work, one: Pass, moved: list[str], name: str) -> None:
    """The forward pass before a condition: with gradients where it holds, without where it does not."""
    assert one.guard is not None and isinstance(one.loss, ast.Name)
    file, outs = one.scope.file, ", ".join([one.loss.id, *one.outputs])
    test = file.source.code(one.guard.test)
    lines = [f"if {test}:", *(f"{file.source.unit}{line}" if line else "" for line in moved)]
    lines += ["else:", f"{file.source.unit}{outs} = {name}({', '.join(one.inputs)})"]
    work.before(file, one.guard, *lines)


def undetached(work: Work, one: Pass) -> None:
    """``loss.detach()`` outside the forward pass: what came out of it holds no graph."""
    file = one.scope.file
    names = {*one.outputs, one.name} - {""}
    inside = {id(n) for s in (*one.region, *one.later) for n in ast.walk(s)}
    last = last_backward(work, one.scope)
    for node in (node for name in sorted(names) for node in detached_names(work, one.scope).get(name, ())):
        held = node.func.value  # type: ignore[attr-defined]
        if id(node) not in inside and id(node) not in work.told:
            plain = node.lineno > last  # else it may stand in another forward pass
            work.replace(file, node, held.id if plain else f"{STOP}({held.id})")
            work.say(file, node, REWRITTEN, "it came out of the gradient function, and holds no graph", "step")


@remembered
def detached_names(work: Work, scope: Scope) -> dict[str, list[ast.Call]]:
    """The calls ``name.detach()`` of a function, by the name."""
    found: dict[str, list[ast.Call]] = {}
    for where, node in scope.file.methods["detach"]:
        held = node.func.value  # type: ignore[attr-defined]
        if where is scope and not node.args and isinstance(held, ast.Name):
            found.setdefault(held.id, []).append(node)
    return found


@remembered
def last_backward(work: Work, scope: Scope) -> int:
    """The line of a function's last backward."""
    return max(statement.lineno for statement, _ in passes(work, scope))
