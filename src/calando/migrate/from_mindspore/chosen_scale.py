"""A loss scale of which several statements may make one: a GradScaler that scales, or one that is switched off.

Beside the scaler a number says what the loss is multiplied by where no scaler takes it back.
"""

from __future__ import annotations

import ast

from ..finding import REWRITTEN
from ..reading.carry import stored
from ..reading.rhythm import grouped
from ..reading.scopes import Scope
from ..work import Left
from .back import Back, put
from .scale import DEVICE, DYNAMIC, Scaling, spoken


def chosen(back: Back, scope: Scope, node: ast.expr) -> Scaling | None:
    """How a manager scales that one of several statements makes; None where one statement does.

    Raises:
        Left: one of them makes it in a way that was not recognised.
    """
    home = back.work.flow.home(scope, node.id) if isinstance(node, ast.Name) else None
    found = [s for _, s in stored(home).get(node.id, [])] if home is not None else []  # type: ignore[attr-defined]
    if len(found) < 2:
        return None
    assert isinstance(node, ast.Name)
    key, number = id(found[0]), f"{node.id}_scale"
    if key not in back.chosen:
        told = any(id(statement) in back.work.told for statement in found)
        if home is not scope or told or stored(scope).get(number):
            raise Left(f"which loss scale is meant in line {node.lineno} is not known")
        for statement in found:
            made(back, scope, statement, node.id, number)
        back.chosen[key] = Scaling(scaler=node.id, number=number)
    return back.chosen[key]


def made(back: Back, scope: Scope, statement: ast.AST, name: str, number: str) -> None:
    """One statement that may make the manager, as a scaler and the number beside it."""
    work, file = back.work, scope.file
    if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
        raise Left(f"the loss scale in line {statement.lineno} is made in a way that was not recognised")  # type: ignore[attr-defined]
    value, sens, text = statement.value, None, f"torch.amp.GradScaler({DEVICE}, enabled=False)"
    if not (isinstance(value, ast.Constant) and value.value is None):
        tail, said = spoken(scope, value)
        if tail in DYNAMIC:
            text = f"torch.amp.GradScaler({DEVICE}, {said['text']})"
        elif tail == "FixedLossScaleManager" and said["drop_overflow_update"] == "False":
            sens = ast.parse(said["loss_scale"], mode="eval").body
        else:
            raise Left(f"the loss scale in line {value.lineno} is one of several, and leaves updates out on overflow")
    factor, divisor = back.scales(scope, statement.lineno, sens)
    work.need(file, "import torch")
    put(work, file, statement, [f"{name} = {text}", f"{number} = {ratio(factor, divisor)}"])
    work.say(
        file, statement, REWRITTEN, "PyTorch's scaler, or none; the number is what the loss is multiplied by", "step"
    )


def ratio(factor: str, divisor: str) -> str:
    """What multiplies a loss by the one and divides its gradients by the other."""
    return f"{grouped(factor) if factor else '1.0'} / {grouped(divisor)}" if divisor else factor or "1.0"
