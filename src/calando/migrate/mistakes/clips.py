"""Gradients that are clipped too late, in vain, or of another network."""

from __future__ import annotations

import ast
import re

from ..reading.blocks import block_of, statement_of
from ..reading.flow import OPTIMIZER, Flow, Thing
from ..reading.rhythm import updates_of_all
from ..reading.roads import enclosing
from ..reading.scopes import Scope
from .about import Found, of_mindspore, reads, tail
from .gradients import first

CLIPS = {"clip_grad_norm_", "clip_grad_value_"}
OWN = re.compile(r"clip_?grad", re.IGNORECASE)
RETURNED = {"clip_by_global_norm", "clip_by_norm", "clip_by_value"}


def clipped_late(flow: Flow) -> Found:
    """Gradients clipped when the update was made."""
    for file in flow.files:
        for scope, call in file.calls:
            if tail(file, call) not in CLIPS and not own_clip(flow, scope, call):
                continue
            loops = enclosing(scope, call)
            inner = loops[-1] if loops else scope.node
            inside = [c for c in file.asked[scope] if inner in (enclosing(scope, c) or [scope.node])[-1:]]
            steps = [c for c in inside if c in updates_of_all(flow).get(scope, ())]
            backs = [c for c in inside if isinstance(c.func, ast.Attribute) and c.func.attr == "backward"]
            after = [c for c in backs if c.lineno < call.lineno]
            if steps and after and all(max(b.lineno for b in after) < s.lineno < call.lineno for s in steps):
                yield file, call, "the gradients are clipped after the update: clip them before it"


def own_clip(flow: Flow, scope: Scope, call: ast.Call) -> bool:
    """Whether a call is of a function of the project that is named as a clip, and touches gradients."""
    target = flow.callee(scope, call) if OWN.search(tail(scope.file, call)) else None
    nodes = target.file.nodes[target] if target is not None else ()
    return any(isinstance(node, ast.Attribute) and node.attr == "grad" for node in nodes)


def clipped_in_vain(flow: Flow) -> Found:
    """MindSpore's clips return new gradients: they are thrown away, or come when the update was made."""
    for file in flow.files:
        for scope, call in file.calls:
            dotted = file.names.dotted(call.func)
            if not dotted.startswith("mindspore.") or dotted.rpartition(".")[2] not in RETURNED or not call.args:
                continue
            if isinstance(file.parents[call], ast.Expr):
                yield file, call, "what is clipped is thrown away: MindSpore's clips return new gradients"
            elif isinstance(call.args[0], ast.Name) and used_up(flow, scope, call, call.args[0].id):
                yield file, call, "the gradients are clipped after the update: clip them before it"
            elif unlooked(flow, scope, call):
                yield (
                    file,
                    call,
                    "what is clipped is never looked at: the optimizer is given the gradients as they were",
                )


def used_up(flow: Flow, scope: Scope, call: ast.Call, name: str) -> bool:
    """Whether gradients were given to an optimizer before this call, and in this turn of the loop to none after it."""
    loop = (enclosing(scope, call) or [scope.node])[-1]
    fed = [c.lineno for c in given_to(flow, scope, name) if loop in (enclosing(scope, c) or [scope.node])[-1:]]
    made = [
        n.lineno for n in ast.walk(loop)
        if isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Store)
    ]  # fmt: skip
    before = [line for line in fed if line < call.lineno]
    if not before or any(line > call.lineno for line in fed):
        return False
    return not any(max(before) < line < call.lineno for line in made)


def given_to(flow: Flow, scope: Scope, name: str) -> list[ast.Call]:
    """The updates of MindSpore's optimizers in a scope that are given gradients of this name."""
    fed = [c for c in updates_of_all(flow).get(scope, ()) if any(getattr(a, "id", "") == name for a in c.args)]
    return [c for c in fed if any(of_mindspore(t) for t in flow.things(scope, c.func))]


def unlooked(flow: Flow, scope: Scope, call: ast.Call) -> bool:
    """Whether the gradients that a clip returned have a name that nothing reads."""
    holder = scope.file.parents[call]
    target = holder.targets[0] if isinstance(holder, ast.Assign) else None
    return isinstance(target, ast.Name) and not reads(flow, target.id)


def clipped_elsewhere(flow: Flow) -> Found:
    """``clip_grad_norm_(actor.parameters())`` between the critic's backward and the critic's update."""
    owners = {(t.scope.file, first(t)): t for t in flow.all(OPTIMIZER) if t.scope is not None}
    known = {text for _, text in owners}
    for file in flow.files:
        for scope, call in file.calls:
            other = owners.get((file, ast.unparse(call.args[0]))) if tail(file, call) in CLIPS and call.args else None
            made = next_updates(flow, scope, call) if other is not None else []
            if made and other not in made and all(first(t) in known for t in made):
                yield file, call, "these are not the parameters of the update that comes next"


def next_updates(flow: Flow, scope: Scope, call: ast.Call) -> list[Thing]:
    """The optimizers that are stepped behind a place, in its block and before the next backward."""
    block = block_of(scope.file, statement_of(scope.file, call))
    found: list[Thing] = []
    for statement in block[block.index(statement_of(scope.file, call)) + 1 :]:
        for node in ast.walk(statement):
            if isinstance(node, ast.Attribute) and node.attr == "backward":
                return found
            if node in updates_of_all(flow).get(scope, ()):
                found += [t for t in flow.things(scope, node.func.value) if t.kind == OPTIMIZER]  # type: ignore[attr-defined]
    return found
