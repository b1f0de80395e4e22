"""What PyTorch computes without gradients: ``with torch.no_grad():``, or a function that is decorated so.

MindSpore differentiates a whole function, so such a statement stays before it, or its values are stopped inside it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .flow import NETWORK, Flow
from .scopes import File, Scope

WITHOUT = {"torch.no_grad", "torch.inference_mode", "torch.autograd.no_grad", "torch.autograd.grad_mode.no_grad"}


def still(flow: Flow, scope: Scope, statement: ast.AST) -> bool:
    """Whether no gradient flows through what a statement computes."""
    if isinstance(statement, ast.With):
        return guard(scope.file, statement) is not None
    called = statement.value if isinstance(statement, (ast.Assign, ast.AnnAssign)) else None
    if not isinstance(called, ast.Call):
        return False
    return (
        getattr(called.func, "attr", "") in ("train", "eval")
        or decorated(flow, scope, called)
        or itself(flow, scope, called)
    )


MODES = {"train", "eval", "to", "cuda", "cpu", "half", "float", "double", "requires_grad_"}  # these return the network


def itself(flow: Flow, scope: Scope, call: ast.Call) -> bool:
    """Whether a call returns the network that it is a method of: ``net = net.train()``."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in MODES:
        return False
    held = flow.things(scope, call.func.value)
    return bool(held) and all(t.kind == NETWORK or (t.scope is not None and flow.is_network(t.scope)) for t in held)


def flowing(flow: Flow, scope: Scope, node: ast.AST) -> Iterator[ast.AST]:
    """All nodes of a piece of code, without the statements in it that no gradient flows through."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not still(flow, scope, child):
            yield from flowing(flow, scope, child)


def guard(file: File, statement: ast.With) -> ast.expr | None:
    """The ``torch.no_grad()`` of a block; None where it has none."""
    return next((item.context_expr for item in statement.items if without(file, item.context_expr)), None)


def decorated(flow: Flow, scope: Scope, call: ast.Call) -> bool:
    """Whether a call runs a function of the project that computes without gradients."""
    inner = flow.callee(scope, call)
    decorators = getattr(inner.node, "decorator_list", []) if inner is not None else []
    return any(without(inner.file, each) for each in decorators)  # type: ignore[union-attr]


def without(file: File, node: ast.expr) -> bool:
    """Whether an expression is ``torch.no_grad()`` or the like, called or not."""
    if isinstance(node, ast.Call):
        dotted = file.names.dotted(node.func)
        if dotted.rpartition(".")[2] == "set_grad_enabled" and len(node.args) == 1:
            return isinstance(node.args[0], ast.Constant) and not node.args[0].value
        return not (node.args or node.keywords) and without(file, node.func)
    return file.names.dotted(node) in WITHOUT
