"""A GradScaler as MindSpore's DynamicLossScaler."""

from __future__ import annotations

import ast

from ..finding import CHECK, REWRITTEN
from ..reading.blocks import statement_of
from ..reading.flow import SCALER
from ..work import Left, Work, uses
from .passes import Pass


def unscaled(one: Pass, name: str) -> list[str]:
    """Gradients and loss without the scale of a GradScaler."""
    if not one.scaler:
        return []
    lines = [f"{name} = {one.scaler}.unscale({name})"]
    if one.name:
        lines.append(f"{one.name} = {one.scaler}.unscale({one.name})")
    return lines


def scalers(work: Work, found: list[Pass]) -> None:
    """A GradScaler as MindSpore's DynamicLossScaler."""
    if not any(one.scaler for one in found):
        return
    for thing in work.flow.all(SCALER):
        file, call = thing.scope.file, thing.node  # type: ignore[union-attr]
        assert isinstance(call, ast.Call)
        words = {w.arg: file.source.code(w.value) for w in call.keywords}
        scale = words.get("init_scale", "2.0**16")
        factor, window = words.get("growth_factor", "2"), words.get("growth_interval", "2000")
        if "enabled" in words:
            scale = f"{scale} if {words['enabled']} else 1.0"
        text = f"mindspore.amp.DynamicLossScaler({scale}, {factor}, {window})"
        work.replace(file, call, text)
        reason = "it grows and falls as GradScaler did; autocast has no counterpart: mindspore.amp.auto_mixed_precision"
        work.say(file, call, CHECK, reason, "step")
        for scope, node in uses(work.flow, thing):
            parent = scope.file.parents[node]
            outer = scope.file.parents.get(parent)
            if not (isinstance(parent, ast.Attribute) and isinstance(outer, ast.Call)):
                continue
            if parent.attr == "update":
                work.remove(scope.file, statement_of(scope.file, outer))
                work.say(scope.file, outer, REWRITTEN, "the scale is adjusted beside the update", "step")
            elif parent.attr == "get_scale":
                at = scope.file.source.code(node)
                work.replace(scope.file, outer, f"float({at}.scale_value.asnumpy())")
                work.say(scope.file, outer, REWRITTEN, "the scale is a number of the scaler", "step")
            elif parent.attr in ("state_dict", "load_state_dict"):
                raise Left(f"the GradScaler's {parent.attr} in line {node.lineno} has no counterpart")
