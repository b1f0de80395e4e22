"""Weights that the script changes itself after an update, in MindSpore's words."""

from __future__ import annotations

import ast

from ..finding import REWRITTEN
from ..reading.flow import File, Flow, Thing
from ..reading.remembered import remembered
from ..work import Work
from .clips import bounded
from .params import owner_networks


@remembered
def clamping(flow: Flow, file: File) -> list[tuple[ast.For, str]]:
    """The loops in a file that clamp what they run over, and between what."""
    bounds = [(loop, bounded(file, loop, "p.data.clamp_", "p.clamp_")) for _, loop in file.loops]
    return [(loop, told) for loop, told in bounds if told]


def clamp_weights(work: Work, thing: Thing) -> None:
    """``for p in net.parameters(): p.data.clamp_(low, high)`` of an optimizer's networks."""
    owned = {(scope.file.module, ast.unparse(owner)) for scope, owner in owner_networks(work, thing)}
    for file in work.flow.files:
        for loop, bounds in clamping(work.flow, file):
            if id(loop) in work.told:
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
