"""The guide's style on the way to PyTorch: ``torch.optim`` with a LambdaLR over MindSpore's list of rates."""

from __future__ import annotations

import ast

from ..finding import REWRITTEN
from ..reading.blocks import statement_of
from ..reading.parts import parts_of
from ..reading.scopes import Scope
from ..work import Left, uses
from .back import Back
from .numbers import untensored
from .rates import schedule


def lambda_lr(back: Back, values: dict[str, str | None]) -> None:
    """A scheduler after the optimizer's statement, stepped after every update.

    Raises:
        Left: the rates, or the scheduler, cannot be written so.
    """
    work, call, scope = back.work, back.thing.node, back.thing.scope
    assert isinstance(call, ast.Call) and scope is not None
    file, statement = scope.file, statement_of(scope.file, call)
    alone(back, scope)
    if (values.get("weight_decay") or "").startswith("lambda"):
        raise Left("its weight decay moves; --style exact puts that into calando.torch's optimizer")
    target = statement.targets[0] if isinstance(statement, ast.Assign) and statement.value is call else None
    if not isinstance(target, (ast.Name, ast.Attribute)):
        raise Left("its rates move, and it has no name to step a scheduler beside; --style exact needs none")
    rate = back.given["learning_rate"]
    text = values.get("learning_rate")
    if text is None:
        rates = untensored(file, rate)
        if not rates.isidentifier():
            name = file.names.free("rates")
            work.before(file, statement, f"{name} = {rates}")
            rates = name
        text = f"lambda step: float({rates}[min(step, len({rates}) - 1)])"
    at = file.source.code(target)
    prefix = at.rpartition(".")[0]
    name = file.names.free("scheduler")
    back.scheduler = at, f"{prefix}.{name}" if prefix else name
    values["learning_rate"] = "1.0"
    lines = file.source.lines(statement)
    if lines is None:
        raise Left(f"line {statement.lineno} holds several statements")
    line = f"{back.scheduler[1]} = torch.optim.lr_scheduler.LambdaLR({at}, {text})"
    work.need(file, "import torch")
    ended = file.source.text[: lines[1]].endswith(("\n", "\r"))
    indent = file.source.indent(statement)
    work.between(file, lines[1], lines[1], f"{indent}{line}\n" if ended else f"\n{indent}{line}")
    work.say(file, rate, REWRITTEN, "a scheduler over the same rates, stepped after every update", "schedule")


def alone(back: Back, scope: Scope) -> None:
    """Raise Left where more than one rate moves, or the optimizer's clock is asked for or kept."""
    for where, node in parts_of(back.work.flow, scope, back.given["params"]):
        for inner in ast.walk(node):
            if not isinstance(inner, ast.Dict):
                continue
            held = {k.value: v for k, v in zip(inner.keys, inner.values, strict=True) if isinstance(k, ast.Constant)}
            place = f"its group in line {inner.lineno} of {where.file.source.name}"
            if "params" in held and "lr" in held:
                raise Left(f"{place} has a rate of its own; see --style exact")
            if "weight_decay" in held and schedule(back.work, where, held["weight_decay"]):
                raise Left(f"{place} has a weight decay that moves; see --style exact")
    for where, node in uses(back.work.flow, back.thing):
        parent = where.file.parents[node]
        kept = isinstance(parent, ast.Call) and ast.unparse(parent.func).endswith(("save_checkpoint", "into_net"))
        if kept or getattr(parent, "attr", "") == "global_step":
            raise Left(f"its clock is wanted in line {node.lineno}; --style exact has it inside the optimizer")
    if "learning_rate" not in back.given:
        raise Left("its weight decay moves; --style exact puts that into calando.torch's optimizer")
