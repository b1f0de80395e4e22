"""Classes of PyTorch's optimizers that a script chooses from when it runs: ``{"adam": torch.optim.Adam}[name](…)``."""

from __future__ import annotations

import ast

from ..lexicon import CALANDO
from .finding import REWRITTEN
from .reading.scopes import File
from .work import Work

HOLDERS = (
    ast.Assign,
    ast.Dict,
    ast.List,
    ast.Tuple,
    ast.IfExp,
    ast.BoolOp,
    ast.Return,
    ast.keyword,
    ast.Call,
    ast.arguments,
)
ASKING = {"isinstance", "issubclass", "type"}


def classes(work: Work) -> None:
    """Make the classes calando's where they stand; whatever calls them calls calando's, with the same arguments."""
    for file in work.flow.files:
        for node in file.where:
            if (
                isinstance(node, (ast.Name, ast.Attribute))
                and isinstance(node.ctx, ast.Load)
                and chosen_from(file, node)
            ):
                name = file.names.dotted(node).rpartition(".")[2]
                work.need(file, "import calando.torch")
                work.replace(file, node, f"calando.torch.{name}")
                work.say(file, node, REWRITTEN, f"calando.torch.{name} takes the same arguments", "optimizer")


def asks(file: File, call: ast.Call) -> bool:
    """Whether a call only asks about a class, or lets other processes make optimizers."""
    return ast.unparse(call.func) in ASKING or file.names.dotted(call.func).endswith("DistributedOptimizer")


def chosen_from(file: File, node: ast.Name | ast.Attribute) -> bool:
    """Whether a class of PyTorch's that calando has stands here as a value, to be called later."""
    home, _, name = file.names.dotted(node).rpartition(".")
    parent = file.parents.get(node)
    if home != "torch.optim" or name not in CALANDO or not isinstance(parent, HOLDERS):
        return False
    if isinstance(parent, ast.Call) and parent.func is node:
        return False
    while parent is not None and not isinstance(parent, (ast.stmt, ast.arguments)):
        if isinstance(parent, ast.Call) and asks(file, parent):
            return False
        if isinstance(parent, ast.Compare):
            return False
        parent = file.parents.get(parent)
    return True
