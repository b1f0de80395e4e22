"""Clipping of gradients in MindSpore's words, where they are values."""

from __future__ import annotations

import ast

from ..reading.scopes import File
from ..work import Left, off


def clip_text(file: File, call: ast.Call, name: str) -> str:
    """The line that clips gradients of this name."""
    by_fabric = file.names.dotted(call.func).endswith(
        ".clip_gradients"
    )  # module, optimizer, clip_val, max_norm, norm_type
    order = (
        ("module", "optimizer", "clip_val", "bound", "norm_type") if by_fabric else ("parameters", "bound", "norm_type")
    )
    given = {**dict(zip(order, call.args, strict=False))}
    given.update(
        {{"max_norm": "bound", "clip_value": "bound"}.get(str(w.arg), str(w.arg)): w.value for w in call.keywords}
    )
    if not off(given.get("error_if_nonfinite")):
        raise Left(f"the clipping in line {call.lineno} raises an error for gradients that are not finite")
    by_value = "clip_val" in given
    if by_value:
        given["bound"] = given["clip_val"]
    if "bound" not in given:
        raise Left(f"the clipping in line {call.lineno} was not recognised")
    bound = file.source.code(given["bound"])
    if by_value or "value" in file.names.dotted(call.func).rpartition(".")[2]:
        return f"{name} = mindspore.ops.clip_by_value({name}, -({bound}), {bound})"
    kind = f", {file.source.code(given['norm_type'])}" if "norm_type" in given else ""
    return f"{name} = mindspore.ops.clip_by_norm({name}, {bound}{kind})"


def bounded(file: File, loop: ast.For, *calls: str) -> str:
    """The bounds of ``for p in net.parameters(): p.grad.data.clamp_(low, high)``; empty for another loop.

    Args:
        calls: what may be called in the loop, for a loop over ``p``.
    """
    over, target = loop.iter, loop.target
    if not (
        isinstance(over, ast.Call) and getattr(over.func, "attr", "") == "parameters" and isinstance(target, ast.Name)
    ):
        return ""
    body = loop.body[-1]
    if isinstance(body, ast.If) and not body.orelse and ast.unparse(body.test) == f"{target.id}.grad is not None":
        body = body.body[-1] if len(body.body) == 1 else body
    call = body.value if isinstance(body, ast.Expr) else None
    if len(loop.body) != 1 or loop.orelse or not isinstance(call, ast.Call):
        return ""
    if ast.unparse(call.func) not in [text.replace("p.", f"{target.id}.", 1) for text in calls]:
        return ""
    given = {**dict(zip(("min", "max"), call.args, strict=False)), **{str(w.arg): w.value for w in call.keywords}}
    return ", ".join(file.source.code(given[key]) for key in ("min", "max")) if set(given) == {"min", "max"} else ""
