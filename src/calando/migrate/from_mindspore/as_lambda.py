"""The guide's style on the way to PyTorch: ``torch.optim`` with a LambdaLR over MindSpore's list of rates."""

from __future__ import annotations

import ast

from ..finding import REWRITTEN
from ..reading.blocks import above, statement_of
from ..reading.packs import COMPREHENSIONS
from ..reading.parts import parts_of
from ..reading.scopes import Scope
from ..work import Left, uses
from .back import UNSEEN, Back
from .given import arguments_of, grouped
from .rates import moves, schedule, surely_number
from .sharing import rivals
from .tensors import untensored

INSIDE = (*COMPREHENSIONS, ast.Lambda, ast.IfExp, ast.BoolOp)  # where no statement can be put before


def paced(back: Back) -> bool:
    """Whether an optimizer has a scheduler: its rates move, or those of another that may make the same updates."""
    work = back.work
    return back.moving or any(moves(work, each, arguments_of(each)) for each in rivals(work, back.thing))


def lambda_lr(back: Back, values: dict[str, str | None]) -> None:
    """A scheduler after the optimizer's statement, stepped after every update.

    Raises:
        Left: the rates, or the scheduler, cannot be written so.
    """
    work, call, scope = back.work, back.thing.node, back.thing.scope
    assert isinstance(call, ast.Call) and scope is not None
    file, statement = scope.file, statement_of(scope.file, call)
    others = rivals(work, back.thing)
    if others and not back.way.attached:
        raise Left(UNSEEN)
    if any(grouped(each) for each in others):
        raise Left("its rates move, and those of another that may make its updates are experimental; see --style exact")
    if back.moving:
        alone(back, scope)
    if (values.get("weight_decay") or "").startswith("lambda"):
        raise Left("its weight decay moves; --style exact puts that into calando.torch's optimizer")
    at = placed(back, statement)
    prefix, name = at.rpartition(".")[0], file.names.free("scheduler")
    back.scheduler = at, f"{at}.scheduler" if back.way.attached else f"{prefix}.{name}" if prefix else name
    lines = file.source.lines(statement)
    if lines is None:
        raise Left(f"line {statement.lineno} holds several statements")
    work.need(file, "import torch")
    made = f"LambdaLR({at}, {rates(back, statement, values)})" if back.moving else f"ConstantLR({at}, 1.0, 0)"
    line = f"{back.scheduler[1]} = torch.optim.lr_scheduler.{made}"
    ended = file.source.text[: lines[1]].endswith(("\n", "\r"))
    indent = file.source.indent(statement)
    after = [line, f"return {at}"] if isinstance(statement, ast.Return) else [line]
    if back.named_first[0]:
        back.named_first = at, line
    else:
        work.between(file, lines[1], lines[1], "".join(f"{indent}{x}\n" if ended else f"\n{indent}{x}" for x in after))
    told = "a scheduler over the same rates, stepped after every update"
    still = "a scheduler that leaves the rate alone, for where another optimizer's moves"
    work.say(file, back.given.get("learning_rate", call), REWRITTEN, told if back.moving else still, "schedule")


def placed(back: Back, statement: ast.stmt) -> str:
    """What the optimizer is called where it is made; what a function returns gets a name first.

    Raises:
        Left: it has none.
    """
    file, call = back.thing.scope.file, back.thing.node  # type: ignore[union-attr]
    if isinstance(statement, ast.Return) and statement.value is call:
        if not back.way.attached:
            raise Left(UNSEEN)
        at = file.names.free("optimizer")
        back.work.between(file, file.source.span(statement)[0], file.source.span(call)[0], f"{at} = ")
        return at
    target = statement.targets[0] if isinstance(statement, ast.Assign) and statement.value is call else None
    if isinstance(target, (ast.Name, ast.Attribute)):
        return file.source.code(target)
    if hasattr(statement, "body") or any(isinstance(x, INSIDE) for x in above(file, call)):
        raise Left("its rates move, and it has no name to step a scheduler beside; --style exact needs none")
    if not back.way.attached:
        raise Left(UNSEEN)
    back.named_first = file.names.free("optimizer"), ""
    return back.named_first[0]


def rates(back: Back, statement: ast.stmt, values: dict[str, str | None]) -> str:
    """The rate as a function of the step, the optimizer's own being 1."""
    file = back.thing.scope.file  # type: ignore[union-attr]
    text = values.get("learning_rate")
    values["learning_rate"] = "1.0"
    if text is not None:
        return text
    rates = untensored(file, back.given["learning_rate"])
    if not rates.isidentifier():
        name = file.names.free("rates")
        back.work.before(file, statement, f"{name} = {rates}")
        rates = name
    return f"lambda step: float({rates}[min(step, len({rates}) - 1)])"


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
        rate = back.given.get("learning_rate")
        constant = rate is None or surely_number(back.work, scope, rate)
        kept = isinstance(parent, ast.Call) and ast.unparse(parent.func).endswith(("save_checkpoint", "into_net"))
        if kept and not back.way.attached:
            raise Left(UNSEEN)
        if constant and getattr(parent, "attr", "") == "global_step":
            raise Left(f"its clock is wanted in line {node.lineno}; --style exact has it inside the optimizer")
    if "learning_rate" not in back.given:
        raise Left("its weight decay moves; --style exact puts that into calando.torch's optimizer")
