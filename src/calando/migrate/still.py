"""What PyTorch computes without gradients: ``with torch.no_grad():``, or a function that is decorated so.

MindSpore differentiates a whole function, so such a statement stays before it, or its values are stopped inside it.
"""

from __future__ import annotations

import ast

from .flow import Flow
from .scopes import File, Scope

WITHOUT = {"torch.no_grad", "torch.inference_mode", "torch.autograd.no_grad"}


def still(flow: Flow, scope: Scope, statement: ast.stmt) -> bool:
    """Whether no gradient flows through what a statement computes."""
    if isinstance(statement, ast.With):
        return any(without(scope.file, item.context_expr) for item in statement.items)
    called = statement.value if isinstance(statement, (ast.Assign, ast.AnnAssign)) else None
    inner = flow.callee(scope, called) if isinstance(called, ast.Call) else None
    decorators = getattr(inner.node, "decorator_list", []) if inner is not None else []
    return any(without(inner.file, each) for each in decorators)  # type: ignore[union-attr]


def without(file: File, node: ast.expr) -> bool:
    """Whether an expression is ``torch.no_grad()`` or the like, called or not."""
    if isinstance(node, ast.Call):
        return not (node.args or node.keywords) and without(file, node.func)
    return file.names.dotted(node) in WITHOUT
