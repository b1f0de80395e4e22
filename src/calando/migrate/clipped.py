"""The clipping between a backward and its step."""

from __future__ import annotations

import ast
from collections.abc import Callable

from .clips import bounded, clip_text, clips
from .finding import REWRITTEN
from .flow import OPTIMIZER
from .params import owner_networks
from .scopes import Scope
from .update import Update
from .work import Left, Work, statement_of


def clipped(work: Work, update: Update, mine: list[tuple[ast.stmt, ast.Call]]) -> list[tuple[str, ast.AST]]:
    """The clipping between backward and step, on the gradients themselves."""
    span = range(mine[0][0].lineno, update.call.lineno + 1)
    return clipped_between(work, update.scope, span, lambda node: clipped_name(work, update, node), update.gradients)


def clipped_between(
    work: Work, within: Scope, span: range, namer: Callable[[ast.Call], str], name: str
) -> list[tuple[str, ast.AST]]:
    """The clipping in some lines of a function: what is written instead, and of what.

    Args:
        namer: how the gradients that a call clips are called.
        name: how all of them are.
    """
    file = within.file
    found: list[tuple[str, ast.AST]] = []
    for node in file.between(within, span):
        if isinstance(node, ast.For) and (bound := bounded(file, node, "p.grad.data.clamp_", "p.grad.clamp_")):
            found.append((f"{name} = mindspore.ops.clip_by_value({name}, {bound})", node))
            continue
        if not isinstance(node, ast.Call):
            continue
        if not clips(file, node):
            if isinstance(node.func, ast.Attribute) and node.func.attr == "unscale_":
                holder = statement_of(file, node)
                work.remove(file, holder)
                work.say(file, node, REWRITTEN, "the gradients are unscaled as soon as they are there", "step")
            continue
        statement = statement_of(file, node)
        name = namer(node)
        text = clip_text(file, node, name)
        if isinstance(statement, ast.Assign) and statement.value is node:
            if "clip_by_value" in text or len(node.args) > 2 or any(w.arg == "norm_type" for w in node.keywords):
                raise Left(f"what the clipping in line {node.lineno} returns is used")
            total = f"mindspore.ops.norm(mindspore.ops.stack([mindspore.ops.norm(g) for g in {name}])).asnumpy()[()]"
            indent = file.source.indent(statement)
            first = f"{' = '.join(file.source.code(t) for t in statement.targets)} = {total}"
            text = f"{first}\n{indent}{text}"
        elif not isinstance(statement, ast.Expr):
            raise Left(f"the clipping in line {node.lineno} is part of a larger statement")
        found.append((text, statement))
    return found


def clipped_name(work: Work, update: Update, call: ast.Call) -> str:
    """Which gradients a clipping works on: those of one of the optimizers that share them, or all."""
    if not update.sharers or not call.args:
        return update.gradients
    wanted = {
        ast.unparse(n.func.value)
        for n in ast.walk(call.args[0])
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)
    }
    for each in update.sharers:
        held = [t for t in work.flow.things(update.scope, ast.parse(each.at, mode="eval").body) if t.kind == OPTIMIZER]
        if wanted and all(wanted <= {ast.unparse(owner) for _, owner in owner_networks(work, t)} for t in held):
            return each.gradients
    owners = {
        ast.unparse(owner)
        for each in update.sharers
        for t in work.flow.things(update.scope, ast.parse(each.at, mode="eval").body)
        for _, owner in owner_networks(work, t)
    }
    if wanted and wanted >= {owner.partition(".")[0] for owner in owners} | (owners & wanted):
        return update.gradients
    raise Left(f"which of the shared gradients the clipping in line {call.lineno} means was not found")
