"""Numbers in MindSpore's Tensors, and what is written into its Parameters."""

from __future__ import annotations

import ast

from ..reading.scopes import File
from ..work import Left


def assigned(file: File, whole: ast.expr, outer: ast.AST) -> tuple[ast.stmt, str] | None:
    """The statement that writes a rate, and the value: ``assign``, ``set_data`` or an assignment to it.

    Raises:
        Left: it is part of a larger expression.
    """
    call: ast.AST | None = None
    value: ast.expr | None = None
    if isinstance(outer, ast.Call) and file.names.dotted(outer.func).rpartition(".")[2] == "assign":
        if outer.args[0] is whole:
            call, value = outer, outer.args[1]
    elif isinstance(outer, ast.Attribute) and outer.attr in ("set_data", "assign_value"):
        made = file.parents[outer]
        assert isinstance(made, ast.Call)
        call, value = made, made.args[0]
    if call is None or value is None:
        return None
    statement = file.parents[call]
    if not isinstance(statement, ast.Expr):
        raise Left(f"the assignment in line {call.lineno} is part of a larger expression")  # type: ignore[attr-defined]
    return statement, untensored(file, value)


def untensored(file: File, node: ast.expr) -> str:
    """The number in ``Tensor(number, dtype)``."""
    return file.source.code(node.args[0] if is_tensor(file, node) else node)  # type: ignore[attr-defined]


def is_tensor(file: File, node: ast.expr | None) -> bool:
    """Whether an expression is ``Tensor(value, …)``."""
    if not isinstance(node, ast.Call) or not node.args or isinstance(node.args[0], ast.Starred):
        return False
    return file.names.dotted(node.func).startswith("mindspore.") and ast.unparse(node.func).endswith("ensor")
