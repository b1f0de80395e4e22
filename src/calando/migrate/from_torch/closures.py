"""``optimizer.step(closure)`` of an optimizer that calls its closure once: the closure becomes the forward function."""

from __future__ import annotations

import ast

from ..finding import REWRITTEN
from ..reading.blocks import statement_of
from ..reading.mentions import clips
from ..reading.scopes import File, Scope
from ..work import Left, Work
from .clips import clip_text


def closure_step(work: Work, scope: Scope, call: ast.Call, name: str) -> None:
    """Rewrite one step that is given a closure.

    Raises:
        Left: the closure is not a function of the project that clears, computes and returns one loss.
    """
    assert isinstance(call.func, ast.Attribute)
    file, at = scope.file, scope.file.source.code(call.func.value)
    given = [*call.args, *(w.value for w in call.keywords)]
    name_of = ast.unparse(given[0])
    inner = work.flow.definition(scope, name_of) if len(given) == 1 else None
    if inner is None or not isinstance(inner.node, ast.FunctionDef) or inner.params:
        raise Left(f"the closure given in line {call.lineno} is not a function of this project without arguments")
    after = emptied(work, inner, at, name)
    statement = file.parents[call]
    if isinstance(statement, ast.Expr):
        loss = "_"
    elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        loss = statement.targets[0].id
    else:
        raise Left(f"what the step in line {call.lineno} returns is used in a larger expression")
    made = f"mindspore.value_and_grad({name_of}, None, {at}.parameters)"
    indent = file.source.indent(statement)
    work.need(file, "import mindspore")
    work.replace(file, statement, f"\n{indent}".join([f"{loss}, {name} = {made}()", *after, f"{at}({name})"]))
    work.say(file, statement, REWRITTEN, "the closure runs for its gradients, and the optimizer takes them", "step")


def emptied(work: Work, inner: Scope, at: str, name: str) -> list[str]:
    """Take clearing, backward and clipping out of a closure; the clipping as lines for after it."""
    node, file = inner.node, inner.file
    assert isinstance(node, ast.FunctionDef)
    last = node.body[-1]
    calls = [c for c in file.asked[inner] if isinstance(c.func, ast.Attribute)]
    backward = [c for c in calls if c.func.attr == "backward"]  # type: ignore[attr-defined]
    if len(backward) != 1 or backward[0].args or not isinstance(last, ast.Return) or last.value is None:
        raise Left(f"the closure in line {node.lineno} is not one backward and a loss that it returns")
    differentiated = backward[0].func.value  # type: ignore[attr-defined]
    if ast.dump(differentiated) != ast.dump(last.value):
        raise Left(f"the closure in line {node.lineno} returns another value than it differentiates")
    clears = [c for c in calls if c.func.attr == "zero_grad"]  # type: ignore[attr-defined]
    if not clears:
        raise Left(f"the closure in line {node.lineno} does not clear the gradients, so they pile up")
    after = []
    for each in [*backward, *clears]:
        gone(work, file, node, each)
    for each in calls:
        if clips(file, each):
            after.append(clip_text(file, each, name))
            gone(work, file, node, each)
    return after


def gone(work: Work, file: File, node: ast.FunctionDef, call: ast.Call) -> None:
    """Take a call out of a closure."""
    statement = statement_of(file, call)
    if statement not in node.body or not isinstance(statement, ast.Expr):
        raise Left(f"line {call.lineno} of the closure is part of a larger statement")
    work.remove(file, statement)
    work.say(file, statement, REWRITTEN, "gradients are a value that the closure's caller takes", "step")
