"""Weights that the script changes itself after an update, in MindSpore's words."""

from __future__ import annotations

import ast

from .clips import bounded
from .finding import REWRITTEN
from .flow import Thing
from .params import owner_networks
from .work import Work


def clamp_weights(work: Work, thing: Thing) -> None:
    """``for p in net.parameters(): p.data.clamp_(low, high)`` of an optimizer's networks."""
    owned = {(scope.file.module, ast.unparse(owner)) for scope, owner in owner_networks(work, thing)}
    for file in work.flow.files:
        for _, loop in file.loops:
            bounds = bounded(file, loop, "p.data.clamp_", "p.clamp_")
            if not bounds or id(loop) in work.told:
                continue
            func = loop.iter.func  # type: ignore[attr-defined]
            if (file.module, ast.unparse(func.value)) not in owned:
                continue
            name, owner = loop.target.id, file.source.code(func.value)  # type: ignore[attr-defined]
            indent = file.source.indent(loop)
            text = f"mindspore.ops.assign({name}, mindspore.ops.clamp({name}, {bounds}))"
            work.need(file, "import mindspore")
            work.replace(file, loop, f"for {name} in {owner}.trainable_params():\n{indent}    {text}")
            work.say(file, loop, REWRITTEN, "the weights are assigned their clamped values", "step")
