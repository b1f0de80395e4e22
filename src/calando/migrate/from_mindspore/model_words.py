"""A ``Model``'s arguments: what it is given, and what of that stays where it only evaluates."""

from __future__ import annotations

import ast

from ..finding import CHECK
from ..reading.blocks import statement_of
from ..reading.scopes import File
from ..work import Work
from .cells import HALF

ORDER = ("network", "loss_fn", "optimizer", "metrics", "eval_network", "eval_indexes", "amp_level", "boost_level")
GONE = ("optimizer", "loss_scale_manager", "amp_level", "keep_batchnorm_fp32", "boost_level")
EVALUATES = "its training is a loop now; it evaluates as before, as long as the network is MindSpore's"


def arguments(call: ast.Call) -> dict[str, ast.expr]:
    """A Model's arguments by their names; what is None for certain is not given."""
    given = {**dict(zip(ORDER, call.args, strict=False)), **{str(w.arg): w.value for w in call.keywords}}
    return {n: v for n, v in given.items() if not (isinstance(v, ast.Constant) and v.value is None)}


def evaluating(file: File, call: ast.Call, given: dict[str, ast.expr], network: str) -> str:
    """A Model without what trains."""
    kept = {name: file.source.code(value) for name, value in given.items() if name not in GONE}
    order = [name for name in ORDER if name in kept] + [name for name in kept if name not in ORDER]
    words = ", ".join(network if n == "network" else f"{n}={kept[n]}" for n in order)
    return f"{file.source.code(call.func)}({words})"


def amp(work: Work, file: File, given: dict[str, ast.expr]) -> None:
    """``amp_level`` other than O0 chooses other numbers; the loop trains in those of the network."""
    level = given.get("amp_level")
    if level is not None and not (isinstance(level, ast.Constant) and level.value == "O0"):
        work.say(file, level, CHECK, HALF, "step")


def in_front(work: Work, file: File, node: ast.expr) -> str:
    """How a network is called; one that is made in place gets a name first."""
    if not isinstance(node, ast.Call):
        return file.source.code(node)
    name = file.names.free("network")
    work.before(file, statement_of(file, node), f"{name} = {file.source.code(node)}")
    return name
