"""Averages of weights that a script keeps by hand: ``target.mul_(decay).add_(p, alpha=1 - decay)``."""

from __future__ import annotations

import ast

from ..finding import HUMAN
from ..reading.blocks import statement_of
from ..reading.mentions import BASES
from ..reading.scopes import File
from ..work import Work

TOLD = "weights are written by hand here: MindSpore's are written with mindspore.ops.assign(p, …)"


def averages(work: Work) -> None:
    """Report the lines that mix weights, outside of networks and optimizers, which are reported as classes."""
    for file in work.flow.files:
        found = {statement_of(file, node): None for node in file.where if mixes(node) and weighed(work, file, node)}
        for statement in found:
            if id(statement) not in work.told:
                work.say(file, statement, HUMAN, TOLD, "step")


def mixes(node: ast.AST) -> bool:
    """Whether a node gives a tensor the mean of its value and another one."""
    if isinstance(node, ast.Assign):
        return any(getattr(target, "attr", "") == "data" for target in node.targets) and of_both(node.value)
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    before = node.func.value.func if isinstance(node.func.value, ast.Call) else None
    if node.func.attr == "mul_" and getattr(node.func.value, "attr", "") == "data":
        return True
    if node.func.attr == "add_":
        return isinstance(before, ast.Attribute) and before.attr == "mul_"
    return node.func.attr == "lerp_" or (node.func.attr == "copy_" and len(node.args) == 1 and of_both(node.args[0]))


def of_both(value: ast.expr) -> bool:
    """Whether an expression is the sum of two products."""
    sides = (value.left, value.right) if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add) else ()
    return bool(sides) and all(isinstance(side, ast.BinOp) and isinstance(side.op, ast.Mult) for side in sides)


def weighed(work: Work, file: File, node: ast.AST) -> bool:
    """Whether a place belongs to neither a network nor an optimizer."""
    owner = file.where[node].owner
    bases = {at.file.names.dotted(base) for at in work.flow.bases(owner) for base in at.node.bases} if owner else set()  # type: ignore[attr-defined]
    return not bases & {*BASES, "torch.autograd.Function"} and not (owner is not None and work.flow.is_network(owner))
