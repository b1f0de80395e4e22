"""Loss scales of MindSpore's as PyTorch's: one that stays cancels or is written out, one that moves is GradScaler."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from ..finding import REWRITTEN
from ..reading.blocks import statement_of
from ..reading.carry import constant, stored
from ..reading.rhythm import grouped
from ..reading.scopes import Scope
from ..work import Left, Work
from .back import GROUPS, Back

DYNAMIC = {
    "DynamicLossScaleManager": {"init_loss_scale": "2 ** 24", "scale_factor": "2", "scale_window": "2000"},
    "DynamicLossScaleUpdateCell": {"loss_scale_value": "", "scale_factor": "", "scale_window": ""},
}
FIXED = {
    "FixedLossScaleManager": {"loss_scale": "128.0", "drop_overflow_update": "True"},
    "FixedLossScaleUpdateCell": {"loss_scale_value": ""},
}
FINITE = "if all(p.grad.isfinite().all() {} if p.grad is not None): "  # as the scaler asks: no update, no step
DEVICE = '"cuda" if torch.cuda.is_available() else "cpu"'


@dataclass
class Scaling:
    """How a loss is scaled.

    Args:
        sens: what the loss is multiplied by where the optimizer divides by it; None: by nothing.
        scaler: how the GradScaler is called; empty where there is none.
        fixed: the scale that it keeps, as it is written; empty where it moves.
        number: the name of what the loss is multiplied by beside that; empty where there is none.
    """

    sens: ast.expr | None = None
    scaler: str = ""
    fixed: str = ""
    number: str = ""

    def lines(self, back: Back, scope: Scope, line: int, loss: str, at: str) -> list[str]:
        """From the loss to the update."""
        if self.number and not self.scaler:
            return [*back.backward(at, f"({loss} * {self.number})"), *back.update(scope, at)]
        if not self.scaler:
            factor, divisor = back.scales(scope, line, self.sens)
            return [*back.backward(at, f"({loss} * {factor})" if factor else loss), *back.update(scope, at, divisor)]
        scaled = f"{loss} * {self.number}" if self.number else loss
        return [
            *back.backward(at, f"{self.scaler}.scale({scaled})"), f"{self.scaler}.step({at})",
            f"{self.scaler}.update({self.fixed})",
            *(f"{FINITE.format(GROUPS.format(at))}{line}" for line in back.after(scope, at)),
        ]  # fmt: skip


def scaling(work: Work, scope: Scope, node: ast.expr) -> Scaling:
    """What a manager, an update cell or a number makes of the loss.

    Raises:
        Left: it is made in a way that was not recognised.
    """
    made, home = maker(work, scope, node)
    if not isinstance(made, ast.Call):
        return Scaling(sens=node)
    file = home.file
    if file.names.dotted(made.func).rpartition(".")[2] == "Tensor" and made.args:
        return fixed(work, home, made, file.source.code(made.args[0]))
    tail, values = spoken(home, made)
    first = next(iter(values.values()))
    if tail in DYNAMIC:
        return Scaling(scaler=scaler(work, home, made, values["text"]))
    if tail == "FixedLossScaleManager" and values["drop_overflow_update"] == "False":
        told = "a fixed scale: the optimizer divides by it"
        tidy(work, home, made, told)
        given = made.args[0] if made.args else next((w.value for w in made.keywords if w.arg == "loss_scale"), None)
        return Scaling(sens=given or ast.parse(first, mode="eval").body)
    return fixed(work, home, made, first)


def spoken(scope: Scope, made: ast.expr) -> tuple[str, dict[str, str]]:
    """The class of a loss scale that a call makes, and its arguments; of one that moves GradScaler's too, as ``text``.

    Raises:
        Left: it is none.
    """
    file = scope.file
    tail = file.names.dotted(made.func).rpartition(".")[2] if isinstance(made, ast.Call) else ""
    said = {**DYNAMIC, **FIXED}.get(tail)
    if said is None or not isinstance(made, ast.Call):
        raise Left(f"the loss scale in line {made.lineno} is made in a way that was not recognised")
    values = dict(said)
    for name, value in (*zip(said, made.args, strict=False), *((str(w.arg), w.value) for w in made.keywords)):
        values[name] = file.source.code(value)
    if tail in DYNAMIC:
        first, factor, window = values.values()
        text = f"init_scale={first}, growth_factor={factor}, backoff_factor=1 / {grouped(factor)}"
        values["text"] = f"{text}, growth_interval={window}"
    return tail, values


def fixed(work: Work, scope: Scope, made: ast.Call, value: str) -> Scaling:
    """A scale that stays, with updates left out where a gradient is not finite."""
    if (number := constant(work.flow, ast.parse(value, mode="eval").body, scope)) is not None:
        value = repr(float(number))
    return Scaling(scaler=scaler(work, scope, made, f"init_scale={value}"), fixed=value)


def maker(work: Work, scope: Scope, node: ast.expr) -> tuple[ast.expr, Scope]:
    """The call that makes what an expression stands for, through names and ``get_update_cell()``."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get_update_cell":
        return maker(work, scope, node.func.value)
    if isinstance(node, ast.Name):
        home = work.flow.home(scope, node.id)
        found = stored(home).get(node.id, [])
        if len(found) == 1 and isinstance(found[0][1], ast.Assign) and isinstance(found[0][1].value, ast.Call):
            return maker(work, home, found[0][1].value)
        if len(found) > 1:
            raise Left(f"which loss scale is meant in line {node.lineno} is not known")
    return node, scope


def scaler(work: Work, scope: Scope, made: ast.Call, text: str) -> str:
    """A GradScaler where the manager was made; its name."""
    file = scope.file
    work.need(file, "import torch")
    statement = statement_of(file, made)
    new = f"torch.amp.GradScaler({DEVICE}, {text})"
    told = "PyTorch's scaler, with the same scale, factor and window"
    if isinstance(statement, ast.Assign) and statement.value is made and isinstance(statement.targets[0], ast.Name):
        name = statement.targets[0].id
        if id(made) not in work.told:
            work.replace(file, made, new)
            work.say(file, statement, REWRITTEN, told, "step")
        return name
    name = file.names.free("scaler")
    work.before(file, statement, f"{name} = {new}")
    work.say(file, made, REWRITTEN, told, "step")
    return name


def tidy(work: Work, scope: Scope, made: ast.Call, told: str) -> None:
    """A manager that nothing needs any more goes with its statement."""
    file = scope.file
    statement = statement_of(file, made)
    if not (isinstance(statement, ast.Assign) and statement.value is made):
        work.say(file, made, REWRITTEN, told, "step")
        return
    name = ast.unparse(statement.targets[0])
    uses = [n for n in file.where if isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Load)]
    if len(uses) <= 1 and id(statement) not in work.told:
        work.remove(file, statement)
    work.say(file, statement, REWRITTEN, told, "step")
