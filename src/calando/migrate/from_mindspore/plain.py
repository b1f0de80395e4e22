"""A number that MindSpore holds in a Parameter or Tensor and PyTorch plainly: what makes a number of it there goes.

``lr = optimizer.get_lr()`` and, lines later, ``lr.asnumpy()``: the name is followed to where it is read.
"""

from __future__ import annotations

import ast

from ..finding import REWRITTEN
from ..reading.flow import OPTIMIZER
from ..reading.scopes import File, Scope
from ..work import Left, Work
from .back import seen
from .idle import never

READ = ("data", "asnumpy", "numpy", "value", "item", "reshape", "squeeze")
RATES = ("learning_rate", "get_lr")
TOLD = "a number already"


def bare(file: File, node: ast.expr, form: str = "") -> ast.expr:
    """A place with everything around it that only makes a number of it.

    Args:
        form: ``"one"``: a tensor of one number, of which ``[0]`` is that; ``"many"``: several, each by its place.
    """
    whole = node
    outer = file.parents[node]
    if form == "many":
        if not isinstance(outer, ast.Subscript) or isinstance(outer.slice, ast.Slice):
            return node
        whole = outer
    while True:
        outer = file.parents[whole]
        if isinstance(outer, ast.Attribute) and outer.attr in READ:
            above = file.parents[outer]
            called = isinstance(above, ast.Call) and above.func is outer
            if not called and outer.attr != "data":
                return whole
            whole = above if called else outer  # type: ignore[assignment]
        elif form == "one" and isinstance(outer, ast.Subscript) and ast.unparse(outer.slice) in ("0", "-1"):
            whole = outer
        else:
            return whole


def follow(work: Work, scope: Scope, whole: ast.expr, form: str = "", seen_at: tuple[int, ...] = ()) -> None:
    """Take what makes a number of a number from wherever one goes: a name, an attribute of ``self``, a result.

    Raises:
        Left: a Tensor is wanted there.
    """
    file = scope.file
    outer = file.parents[whole]
    wanted(file, whole, outer, form)
    if isinstance(outer, ast.Assign) and outer.value is whole and id(outer) not in seen_at:
        for target in outer.targets:
            for where, node in reads(work, scope, target):
                again(work, where, node, form, (*seen_at, id(outer)))
    elif isinstance(outer, ast.Return) and id(outer) not in seen_at:
        for caller, call in scope.calls:
            again(work, caller, call, form, (*seen_at, id(outer)))


def again(work: Work, scope: Scope, node: ast.expr, form: str, seen_at: tuple[int, ...]) -> None:
    """One place where a number is read."""
    file, whole = scope.file, bare(scope.file, node, form)
    kept = file.parents[node] if form == "many" and whole is not node else node
    if whole is not kept and id(whole) not in work.told:
        work.replace(file, whole, file.source.code(kept))
        work.say(file, whole, REWRITTEN, TOLD, "reading")
    follow(work, scope, whole, form, seen_at)


def wanted(file: File, whole: ast.expr, outer: ast.AST, form: str) -> None:
    """Raise Left where something of MindSpore's is asked of a number."""
    looped = isinstance(outer, (ast.For, ast.comprehension)) or (isinstance(outer, ast.Subscript) and form != "many")
    if looped and not (isinstance(outer, ast.Subscript) and outer.slice is whole):
        raise Left(f"a number of the optimizer is taken apart in line {whole.lineno}")
    if isinstance(outer, ast.Call) and outer.func is whole:
        raise Left(f"the schedule of one group is asked in line {whole.lineno}: ask the optimizer's at(step)")
    if isinstance(outer, ast.Attribute) and outer.value is whole:
        raise Left(f"its .{outer.attr} is asked of a number of the optimizer in line {whole.lineno}")
    dotted = file.names.dotted(outer.func) if isinstance(outer, ast.Call) and whole in outer.args else ""
    if dotted.startswith("mindspore.") and not dotted.endswith(("Tensor", "tensor", "save_checkpoint")):
        raise Left(f"MindSpore's {dotted.rpartition('.')[2]} works on a number of the optimizer in line {whole.lineno}")


def reads(work: Work, scope: Scope, target: ast.expr) -> list[tuple[Scope, ast.expr]]:
    """Where what a target is given is read.

    Raises:
        Left: something else may stand there under the name, of which a number must be made.
    """
    file = scope.file
    if isinstance(target, ast.Attribute) and ast.unparse(target.value) == "self" and scope.owner is not None:
        text = ast.unparse(target)
        return [
            (file.where[n], n) for n in ast.walk(scope.owner.node)
            if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Load) and ast.unparse(n) == text
        ]  # fmt: skip
    if not isinstance(target, ast.Name):
        return []
    found: list[tuple[Scope, ast.expr]] = []
    for node in seen(work.flow.home(scope, target.id), target.id):
        where = file.where[node]
        reached = work.flow.reaching(where, node)
        if reached is not None and target not in reached:
            continue
        others = [n for n in reached or () if n is not target and not rate(work, where, n)]
        if bare(file, node) is not node and others:
            line = others[0].lineno  # type: ignore[attr-defined]
            raise Left(f"{target.id} in line {node.lineno} may be what line {line} gives it, and not the optimizer's")
        found.append((where, node))
    return found


def rate(work: Work, scope: Scope, store: ast.AST) -> bool:
    """Whether a name is given a rate of an optimizer's, or never given anything."""
    above = scope.file.parents.get(store)
    if id(store) in never(work.flow):
        return True
    if not isinstance(above, ast.Assign):
        return False
    asked = (n for n in ast.walk(above.value) if isinstance(n, ast.Attribute) and n.attr in RATES)
    return any(t.kind == OPTIMIZER for n in asked for t in work.flow.things(scope, n.value))
