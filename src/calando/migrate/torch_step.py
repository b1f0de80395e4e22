"""A training step of MindSpore's as PyTorch's: gradients live in the parameters, and are cleared after the step."""

from __future__ import annotations

import ast

from .finding import REWRITTEN
from .flow import GRADIENT, Scope, Thing
from .work import Left, Work, statement_of

NORMS = {"clip_by_global_norm", "clip_by_norm"}


def step(work: Work, thing: Thing, scope: Scope, call: ast.Call) -> None:
    """``optimizer(grads)``.

    Raises:
        Left: it is part of a larger expression, or its gradients come from elsewhere.
    """
    file = scope.file
    statement = file.parents[call]
    if not isinstance(statement, ast.Expr) or len(call.args) != 1 or not isinstance(call.args[0], ast.Name):
        raise Left(f"the update in line {call.lineno} is not a statement of its own")
    at, name = file.source.code(call.func), call.args[0].id
    made = [node for node in ast.walk(scope.node) if isinstance(node, ast.Assign) and stores(node, name)]
    if not made or scope.file.where[made[0]] is not scope:
        raise Left(f"where the gradients of the update in line {call.lineno} come from was not found")
    for each in made:
        gradients(work, thing, scope, each, name, at)
    used = [
        node for node in ast.walk(scope.node)
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
    ]  # fmt: skip
    inside = {id(n) for each in (*made, statement) for n in ast.walk(each)}
    if any(id(node) not in inside for node in used):
        raise Left(f"the gradients of the update in line {call.lineno} are used otherwise too")
    indent = file.source.indent(statement)
    work.replace(file, statement, f"{at}.step()\n{indent}{at}.zero_grad()")
    work.say(file, statement, REWRITTEN, "the update, and gradients cleared for the next one", "step")


def stores(node: ast.Assign, name: str) -> bool:
    return any(
        isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Store)
        for t in node.targets
        for n in ast.walk(t)
    )


def gradients(work: Work, thing: Thing, scope: Scope, node: ast.Assign, name: str, at: str) -> None:
    """One statement that gives the gradients a value."""
    file, value = scope.file, node.value
    if not isinstance(value, ast.Call):
        raise Left(f"the gradients are computed in line {node.lineno} in a way that was not recognised")
    tail = file.names.dotted(value.func).rpartition(".")[2]
    if any(t.kind == GRADIENT for t in work.flow.things(scope, value.func)):
        target = node.targets[0]
        if not isinstance(target, ast.Tuple) or len(target.elts) != 2 or len(node.targets) != 1:
            raise Left(f"the results in line {node.lineno} are not taken apart")
        out = target.elts[0]
        first = out.elts[0] if isinstance(out, ast.Tuple) else out
        if not isinstance(first, ast.Name):
            raise Left(f"the loss in line {node.lineno} has no name")
        shown = ", ".join(file.source.code(e) for e in out.elts) if isinstance(out, ast.Tuple) else first.id
        indent = file.source.indent(node)
        loss = first.id
        if loss == "_":
            raise Left(f"the loss in line {node.lineno} has no name")
        work.replace(file, node, f"{shown} = {file.source.code(value)}\n{indent}{loss}.backward()")
        work.say(file, node, REWRITTEN, "the forward pass, and its gradients into the parameters", "step")
        plain_number(work, scope, loss)
        return
    params = f'[p for group in {at}.param_groups for p in group["params"]]'
    given = [file.source.code(a) for a in value.args[1:]]
    words = {w.arg: file.source.code(w.value) for w in value.keywords}
    if not value.args or not isinstance(value.args[0], ast.Name) or value.args[0].id != name:
        raise Left(f"the gradients are changed in line {node.lineno} in a way that was not recognised")
    if tail in NORMS:
        bound = given[0] if given else words.get("clip_norm") or words.get("max_norm")
        if bound is None or len(given) > 1 or set(words) - {"clip_norm", "max_norm"}:
            raise Left(f"the clipping in line {node.lineno} was not recognised")
        work.replace(file, node, f"torch.nn.utils.clip_grad_norm_({params}, {bound})")
    elif tail == "clip_by_value":
        low, high = [*given, words.get("clip_value_min", ""), words.get("clip_value_max", "")][:2]
        if negated(low) != ast.unparse(ast.parse(high, mode="eval")):
            raise Left(f"the bounds in line {node.lineno} are not the same on both sides")
        work.replace(file, node, f"torch.nn.utils.clip_grad_value_({params}, {high})")
    else:
        raise Left(f"the gradients are changed in line {node.lineno} in a way that was not recognised")
    work.need(file, "import torch")
    work.say(file, node, REWRITTEN, "it works on the gradients in the parameters", "step")


def negated(text: str) -> str:
    """What ``-x`` negates; empty where a text is not of that shape."""
    tree = ast.parse(text or "0", mode="eval").body
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        return ast.unparse(tree.operand)
    return ""


def plain_number(work: Work, scope: Scope, loss: str) -> None:
    """``float(loss.asnumpy())`` is ``float(loss)`` in both frameworks."""
    file = scope.file
    for node, where in file.where.items():
        if where is scope and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            held = node.func.value
            if node.func.attr == "asnumpy" and isinstance(held, ast.Name) and held.id == loss:
                parent = file.parents[node]
                if isinstance(parent, ast.Call) and ast.unparse(parent.func) == "float":
                    try:
                        work.replace(file, node, loss)
                        work.say(file, node, REWRITTEN, "a number in either framework", "step")
                    except Left:
                        continue


def gradient_functions(work: Work, thing: Thing) -> None:
    """``value_and_grad(function, …)`` becomes the function itself.

    Raises:
        Left: it is not of the usual shape.
    """
    for made in work.flow.all(GRADIENT):
        call, scope = made.node, made.scope
        assert isinstance(call, ast.Call) and scope is not None
        given = {**dict(zip(("fn", "grad_position", "weights", "has_aux"), call.args, strict=False))}
        given.update({str(w.arg): w.value for w in call.keywords})
        if "weights" not in given or thing not in work.flow.things(scope, weights_of(given["weights"])):
            continue
        position = given.get("grad_position")
        if position is not None and not (isinstance(position, ast.Constant) and position.value is None):
            raise Left(f"the gradients in line {call.lineno} are also those of inputs")
        file = scope.file
        if not several(work, scope, given):
            text = file.source.code(given["fn"])
            statement = statement_of(file, call)
            if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == text:
                work.remove(file, statement)
            else:
                work.replace(file, call, text)
            work.say(
                file, call, REWRITTEN, "PyTorch takes gradients from the loss, so the function alone is called", "step"
            )


def weights_of(node: ast.expr) -> ast.expr:
    """The optimizer in ``optimizer.parameters``; the expression itself where it is none."""
    return node.value if isinstance(node, ast.Attribute) and node.attr == "parameters" else node


def several(work: Work, scope: Scope, given: dict[str, ast.expr]) -> bool:
    """Raise Left where the gradient is that of the sum of several outputs."""
    aux = given.get("has_aux")
    if isinstance(aux, ast.Constant) and aux.value:
        return False
    fn = given["fn"]
    body: list[ast.expr] = []
    if isinstance(fn, ast.Lambda):
        body = [fn.body]
    elif isinstance(fn, ast.Name) and (target := work.flow.definition(scope, fn.id)) is not None:
        body = [n.value for n in ast.walk(target.node) if isinstance(n, ast.Return) and n.value is not None]
    if any(isinstance(x, ast.Tuple) for x in body):
        raise Left(f"the gradient in line {fn.lineno} is that of the sum of several outputs: has_aux=True is missing")
    return False
