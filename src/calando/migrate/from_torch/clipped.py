"""The clipping between a backward and its step."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

from ...lexicon import TORCH
from ..finding import HUMAN, REWRITTEN
from ..reading.blocks import statement_of
from ..reading.flow import OPTIMIZER, Thing
from ..reading.mentions import PLAIN, by_hand, clips
from ..reading.remembered import remembered
from ..reading.scopes import File, Scope
from ..schedulers.same_rate import argument
from ..work import Left, Work
from .by_hand import anew, changed, partly
from .clips import clip_text
from .handed import handed
from .params import grouped_params, owner_networks
from .strays import trained
from .update import Update, weights_of

DEEPEST = 2  # how many calls are followed to what changes gradients
# Functions that change gradients, by their names.
CHANGES = re.compile(
    r"(avg|average|sync|reduce|cancel|mask|clip|clamp|scale|normali[sz]e)\w*grad|grad\w*(avg|average|sync|reduce|cancel|mask)",
    re.IGNORECASE,
)
REDUCES = re.compile(r"reduce|broadcast|average|sync|clip|clamp", re.IGNORECASE)  # functions that write what they get


def clipped(work: Work, update: Update, mine: list[tuple[ast.stmt, ast.Call]]) -> list[tuple[str, ast.AST]]:
    """The clipping between backward and step, on the gradients themselves."""
    span = range(mine[0][0].lineno, update.last.lineno + 1)
    found = clipped_between(work, update.scope, span, lambda params, line: clipped_name(work, update, params, line))
    shown(work, update, span)
    return found


def shown(work: Work, update: Update, span: range) -> None:
    """Say which functions that are not in the project are given a network whose gradients were made."""
    things, names = trained(work, update)
    file, scope = update.scope.file, update.scope
    for node in file.between(scope, span):
        call = node.value if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) else None
        if call is None or id(call) in work.told or work.flow.callee(scope, call) is not None or clips(file, call):
            continue
        if ast.unparse(call.func).rpartition(".")[2] in PLAIN or OPTIMIZER in kinds_given(work, scope, call):
            continue
        given = [*call.args, *(word.value for word in call.keywords)]
        for each in [getattr(part.func, "value", part) if isinstance(part, ast.Call) else part for part in given]:
            if ast.unparse(each) in names or work.flow.things(scope, each) & things:
                told = (
                    "it is given the network, whose parameters hold no gradients here: look at what it does with them"
                )
                work.say(file, call, HUMAN, told, "step")
                break


def kinds_given(work: Work, scope: Scope, call: ast.Call) -> set[str]:
    """The kinds of what a method is of."""
    return work.flow.kinds(scope, call.func.value) if isinstance(call.func, ast.Attribute) else set()


def clipped_between(
    work: Work, within: Scope, span: range, namer: Callable[[ast.expr | None, int], tuple[str, str]]
) -> list[tuple[str, ast.AST]]:
    """The clipping in some lines of a function, and what it does to gradients itself: what is written instead.

    Args:
        namer: how the gradients of some parameters are called, and where the parameters are.

    Raises:
        Left: gradients are changed in a way that was not recognised.
    """
    file = within.file
    found: list[tuple[str, ast.AST]] = []
    seen: set[int] = set()
    for node in file.between(within, span):
        if isinstance(node, ast.For) and (each := changed(file, node)):
            found.append((anew(node, each, *namer(node.iter, node.lineno)), node))
            seen |= {id(inner) for inner in ast.walk(node)}
        elif isinstance(node, ast.Attribute) and node.attr == "grad" and id(node) not in seen and shared(file, node):
            raise Left(f"gradients are changed by hand in line {node.lineno} in a way that was not recognised")
        if not isinstance(node, ast.Call):
            continue
        if clips(file, node):
            found.append(clipping(work, within, node, namer))
        elif isinstance(node.func, ast.Attribute) and node.func.attr == "unscale_":
            work.remove(file, statement_of(file, node))
            work.say(file, node, REWRITTEN, "the gradients are unscaled as soon as they are there", "step")
        elif inside := elsewhere(work, within, node):
            raise Left(f"the call in line {node.lineno} changes the gradients {inside}")
    return found


def elsewhere(work: Work, within: Scope, call: ast.Call, depth: int = 0) -> str:
    """Where a function, or one that it calls, changes the gradients that parameters hold; empty where none does."""
    inner = work.flow.callee(within, call)
    if inner is None:
        name = ast.unparse(call.func).rpartition(".")[2]
        return "in a function that is not in this project" if CHANGES.search(name) else ""
    backs = handed(work.flow, inner) is not None  # it has the backward itself, and what it clips is seen there
    return changing(work, inner, depth) if inner is not within and not backs else ""


@remembered
def changing(work: Work, inner: Scope, depth: int) -> str:
    """Where a function, or one that it calls, changes gradients."""
    for node in inner.file.nodes[inner]:
        held = isinstance(node, ast.Attribute) and node.attr == "grad" and shared(inner.file, node)
        if held or (isinstance(node, ast.Call) and (by_name(inner, node) or clips(inner.file, node))):
            return f"in {inner.file.source.name}, line {node.lineno}"  # type: ignore[attr-defined]
    deeper = inner.file.asked[inner] if depth < DEEPEST else ()
    return next((found for each in deeper if (found := elsewhere(work, inner, each, depth + 1))), "")


def shared(file: File, node: ast.Attribute) -> bool:
    """Whether a gradient is changed, or what shares its memory is: NumPy's view, the argument of a reduction."""
    held: ast.AST = node
    while isinstance(above := file.parents[held], ast.Attribute):
        held = above
    if isinstance(held, ast.Attribute) and held.attr == "numpy":
        return True
    given = isinstance(above, ast.Call) and held in above.args
    return by_hand(file, node) or (given and bool(REDUCES.search(ast.unparse(above.func))))  # type: ignore[attr-defined]


def by_name(scope: Scope, call: ast.Call) -> bool:
    """Whether an attribute is asked for by a name, in a function where that may be ``"grad"``."""
    asked = isinstance(call.func, ast.Name) and call.func.id in ("getattr", "setattr") and len(call.args) > 1
    said = {n.value for n in scope.file.nodes[scope] if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    return asked and "grad" in said


def clipping(
    work: Work, within: Scope, call: ast.Call, namer: Callable[[ast.expr | None, int], tuple[str, str]]
) -> tuple[str, ast.AST]:
    """A call that clips: what is written instead, and of what.

    Raises:
        Left: it is part of a larger statement, or what it returns is not the norm.
    """
    file = within.file
    statement = statement_of(file, call)
    name, _ = namer(call.args[0] if call.args else None, call.lineno)
    text = clip_text(file, call, name)
    if isinstance(statement, ast.Assign) and statement.value is call:
        if "clip_by_value" in text or len(call.args) > 2 or any(w.arg == "norm_type" for w in call.keywords):
            raise Left(f"what the clipping in line {call.lineno} returns is used")
        total = f"mindspore.ops.norm(mindspore.ops.stack([mindspore.ops.norm(g) for g in {name}])).asnumpy()[()]"
        first = f"{' = '.join(file.source.code(t) for t in statement.targets)} = {total}"
        asked(work, within, statement)
        return f"{first}\n{file.source.indent(statement)}{text}", statement
    if not isinstance(statement, ast.Expr):
        raise Left(f"the clipping in line {call.lineno} is part of a larger statement")
    return text, statement


def asked(work: Work, within: Scope, statement: ast.Assign) -> None:
    """``torch.isfinite(norm)`` behind a clipping: the norm is NumPy's there."""
    file = within.file
    names = {target.id for target in statement.targets if isinstance(target, ast.Name)}
    for call in file.asked[within]:
        name = file.names.dotted(call.func)
        known = name in ("torch.isfinite", "torch.isnan", "torch.isinf")
        if known and len(call.args) == 1 and isinstance(call.args[0], ast.Name) and call.args[0].id in names:
            work.need(file, "import numpy")
            work.replace(file, call.func, name.replace("torch.", "numpy."))
            work.say(file, call, REWRITTEN, "the norm is a number here", "step")


def clipped_name(work: Work, update: Update, params: ast.expr | None, line: int) -> tuple[str, str]:
    """Which gradients some lines work on: those of one of the optimizers that share them, or all; and of what.

    Raises:
        Left: that was not found, or it is a part of them.
    """
    every = update.gradients, weights_of(update)
    if params is not None and ".param_groups" in ast.unparse(params):
        return in_groups(work, update, params, line)
    if not update.sharers:
        if params is not None and partly(work, update.scope, params, update.at):
            raise Left(f"line {line} changes the gradients of a part of the optimizer's parameters only")
        return every
    if params is None:
        return every
    wanted = {
        ast.unparse(n.func.value)
        for n in ast.walk(params)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)
    }
    for each in update.sharers:
        held = [t for t in work.flow.things(update.scope, ast.parse(each.at, mode="eval").body) if t.kind == OPTIMIZER]
        if wanted and all(wanted <= {ast.unparse(owner) for _, owner in owner_networks(work, t)} for t in held):
            return each.gradients, f"{each.at}.parameters"
    owners = {
        ast.unparse(owner)
        for each in update.sharers
        for t in work.flow.things(update.scope, ast.parse(each.at, mode="eval").body)
        for _, owner in owner_networks(work, t)
    }
    if wanted and wanted >= {owner.partition(".")[0] for owner in owners} | (owners & wanted):
        return every
    raise Left(f"which of the shared gradients line {line} means was not found")


def in_groups(work: Work, update: Update, params: ast.expr, line: int) -> tuple[str, str]:
    """Which gradients are those of an optimizer's groups: ``[p for g in opt.param_groups for p in g["params"]]``.

    Raises:
        Left: they are those of one group of several, or of another optimizer.
    """
    text = ast.unparse(params)
    for each in update.sharers or [update]:
        tree = ast.parse(each.at, mode="eval").body
        if f"{ast.unparse(tree)}.param_groups" not in text:
            continue
        held = [t for t in work.flow.things(update.scope, tree) if t.kind == OPTIMIZER]
        every = isinstance(params, (ast.ListComp, ast.GeneratorExp)) and len(params.generators) == 2
        if every or all(len(groups_of(work, t)) == 1 for t in held):
            return each.gradients, f"{each.at}.parameters"
    raise Left(f"line {line} changes the gradients of a part of the optimizer's parameters only")


def groups_of(work: Work, thing: Thing) -> list[ast.expr]:
    """An optimizer's parameters where they are one group; nothing where they may be several."""
    call, scope = thing.node, thing.scope
    assert isinstance(call, ast.Call) and scope is not None
    params = argument(call, TORCH[thing.name.partition(".")[2]].order, "params")
    return [params] if params is not None and not grouped_params(work, scope, params) else []
