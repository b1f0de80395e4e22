"""A training step of MindSpore's as PyTorch's: gradients live in the parameters, and are cleared after the step."""

from __future__ import annotations

import ast

from ..finding import CHECK, KEPT, REWRITTEN
from ..reading.blocks import goes, spot, statement_of
from ..reading.carry import giving, lineage, stored
from ..reading.flow import APPLIED, GRADIENT, OPERATION, OPTIMIZER, File, Scope
from ..work import Left, Work
from .back import GROUPS, Back, one_scale, put, put_update, seen, unjit
from .operation import is_operation, operation

NORMS = {"clip_by_global_norm", "clip_by_norm"}
SCALERS = {"mindspore.amp.DynamicLossScaler", "mindspore.amp.StaticLossScaler"}
NUMBERS = object()  # what is told once plain numbers are done
ONLY_GRADIENTS = {"grad", APPLIED}  # functions that do not return the loss


def step(back: Back, scope: Scope, call: ast.Call) -> None:
    """``optimizer(grads)``.

    Raises:
        Left: it is part of a larger expression, or its gradients come from elsewhere.
    """
    work, file = back.work, scope.file
    one_scale(back, scope, call.func)
    if id(call) in work.told:
        return  # with another optimizer of the same name
    if len(call.args) == 1 and not call.keywords and in_place(back, scope, call):
        return
    if isinstance(call.func, ast.Attribute) and call.func.attr == "step":
        raise Left(f"it is stepped in line {call.lineno} as PyTorch's are: MindSpore's has no step, and this never ran")
    if len(call.args) != 1 or not isinstance(call.args[0], ast.Name) or call.keywords:
        raise Left(f"the gradients of the update in line {call.lineno} have no name")
    name = call.args[0].id
    made, reads = givers(back, scope, call.args[0]), seen(scope, name)
    if not made or any(file.where[each] is not scope for each in made):
        raise Left(f"where the gradients of the update in line {call.lineno} come from was not found")
    back.filled.append((scope, call, list(made)))
    at = called(back, scope, call, min(map(spot, made)))
    known = {id(n) for each in (*made, call) for n in ast.walk(each)}
    sens: ast.expr | None = None
    for each in made:
        sens = gradients(back, scope, each, name, at, known) or sens
    for node in reads:
        reached = work.flow.reaching(file.where[node], node)
        if reached is not None and not any(store in known for store in map(id, reached)):
            continue  # another value under this name
        if id(node) not in known and not finite(back, scope, node, at):
            raise Left(f"the gradients of the update in line {call.lineno} are used in line {node.lineno} too")
    lines = back.update(scope, at, back.scales(scope, call.lineno, sens)[1])
    statement = put_update(work, scope, call, lines)
    unjit(work, scope)
    whole = call if several_updates(back, scope, statement) else statement
    work.say(file, whole, REWRITTEN, "the update, with the gradients in the parameters", "step")


def called(back: Back, scope: Scope, call: ast.Call, first: tuple[int, int]) -> str:
    """How an optimizer is called where its gradients are taken, and where it updates.

    Raises:
        Left: it gets its name between, of something that is made there.
    """
    code = scope.file.source.code
    found = giving(back.work.flow, scope, call.func) if isinstance(call.func, ast.Name) else []
    late = [s for _, s in found if scope.file.where[s] is scope and spot(s) > first and spot(s) < spot(call)]
    if not late:
        return code(call.func)
    value = getattr(late[0], "value", None)
    if len(found) > 1 or not isinstance(value, (ast.Name, ast.Attribute)):
        raise Left(f"the optimizer of the update in line {call.lineno} gets its name after its gradients are taken")
    return code(value)


def givers(back: Back, scope: Scope, node: ast.Name) -> list[ast.Assign]:
    """The assignments that may have given a name the value it has where it is read, or what that was made of."""
    reached = lineage(back.work.flow, scope, node)
    stores = stored(back.work.flow.home(scope, node.id)).get(node.id, ())
    made = [s for name, s in stores if isinstance(s, ast.Assign) and (reached is None or name in reached)]
    return list(dict.fromkeys(made))


def several_updates(back: Back, scope: Scope, statement: ast.stmt) -> bool:
    """Whether a statement makes more than one update, of which one was rewritten."""
    calls = [n for n in ast.walk(statement) if isinstance(n, ast.Call)]
    made = [n for n in calls if any(t.kind == OPTIMIZER for t in back.work.flow.things(scope, n.func))]
    return len(made) > 1


def in_place(back: Back, scope: Scope, call: ast.Call) -> bool:
    """``optimizer(grad_fn(…))`` and ``optimizer(grad_fn(…)[1])``; whether it is one of these."""
    work, file, value = back.work, scope.file, call.args[0]
    second = isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Constant) and value.slice.value == 1
    taken = value.value if second else value  # type: ignore[attr-defined]
    made = work.flow.things(scope, taken.func) if isinstance(taken, ast.Call) else frozenset()
    if not made or any(t.kind != GRADIENT or (t.name in ONLY_GRADIENTS) == second for t in made):
        return False
    back.filled.append((scope, call, [statement_of(file, call)]))
    back.asked += made
    at, loss = file.source.code(call.func), file.names.free("loss_value")
    several = any(t.name not in (APPLIED, OPERATION) and has_aux(t.node) for t in made)
    lines = [f"{loss} = {file.source.code(taken)}", *back.backward(at, f"{loss}[0]" if several else loss)]
    lines += back.update(scope, at, back.scales(scope, call.lineno, None)[1])
    statement = put_update(work, scope, call, lines)
    unjit(work, scope)
    work.say(file, statement, REWRITTEN, "the forward pass, its gradients into the parameters, and the update", "step")
    return True


def gradients(back: Back, scope: Scope, node: ast.Assign, name: str, at: str, known: set[int]) -> ast.expr | None:
    """One statement that gives the gradients a value; what the loss was multiplied by in it.

    Raises:
        Left: it is not one that was recognised.
    """
    work, file, value = back.work, scope.file, node.value
    if not isinstance(value, ast.Call):
        raise Left(f"the gradients are computed in line {node.lineno} in a way that was not recognised")
    if isinstance(value.func, ast.Call) and is_operation(work, scope, value.func.func):
        return operation(back, scope, node, value, known, at)
    if any(t.kind == GRADIENT for t in work.flow.things(scope, value.func)):
        forward(back, scope, node, value, at)
        return None
    given = [file.source.code(a) for a in value.args[1:]]
    words = {str(w.arg): file.source.code(w.value) for w in value.keywords}
    if not value.args or not isinstance(value.args[0], ast.Name) or value.args[0].id != name:
        raise Left(f"the gradients are changed in line {node.lineno} in a way that was not recognised")
    if reduced(work, file, node):
        return None
    if ast.unparse(value.func).endswith(".unscale") and unscaled(work, scope, value):
        work.replace(file, node, f"{file.source.code(value.func)}_({at})")
    else:
        text = changed(work, scope, node, value, at, given, words)
        work.replace(file, node, text)
        if "clip_grad_norm_" in text and ast.unparse(value.func).endswith("clip_by_global_norm"):
            work.say(file, node, CHECK, "PyTorch adds 1e-6 to the norm, MindSpore does not", "step")
            return None
    work.say(file, node, REWRITTEN, "it works on the gradients in the parameters", "step")
    return None


def reduced(work: Work, file: File, node: ast.stmt) -> bool:
    """``grads = self.grad_reducer(grads)`` goes; whether a statement is that."""
    value = node.value if isinstance(node, ast.Assign) else None
    if not isinstance(value, ast.Call) or not ast.unparse(value.func).endswith("grad_reducer"):
        return False
    if id(node) not in work.told:
        work.remove(file, node)
        told = "one process has nothing to reduce; with several, DistributedDataParallel does it in backward()"
        work.say(file, node, CHECK, told, "step")
        branch = file.parents[node]
        if isinstance(branch, ast.If) and branch.body == [node] and goes(file, branch):
            work.say(file, branch.test, REWRITTEN, "the condition goes with what stood under it", "step")
    return True


def unscaled(work: Work, scope: Scope, value: ast.Call) -> bool:
    """``scaler.unscale(grads)`` of ``mindspore.amp``: the scaler becomes one of the same calls for PyTorch."""
    assert isinstance(value.func, ast.Attribute)
    name, found = ast.unparse(value.func.value), False
    for file in work.flow.files:
        for _, call in file.calls:
            dotted = file.names.dotted(call.func)
            if dotted in SCALERS:
                found = True
                if id(call) not in work.told:
                    work.need(file, "import calando.migrate.gradients")
                    work.replace(file, call.func, f"calando.migrate.gradients.{dotted.rpartition('.')[2]}")
                    work.say(file, call, REWRITTEN, "the same scale, for PyTorch's losses and gradients", "step")
            method = call.func if isinstance(call.func, ast.Attribute) and call is not value else None
            kept = method is not None and method.attr in ("scale", "unscale", "adjust")
            if kept and ast.unparse(method.value) == name and id(call) not in work.told:  # type: ignore[union-attr]
                work.say(file, call, KEPT, "the same call", "step")
    return found


def changed(
    work: Work, scope: Scope, node: ast.Assign, value: ast.Call, at: str, given: list[str], words: dict[str, str]
) -> str:
    """A clip or an unscaling in PyTorch's words."""
    file = scope.file
    params = f"[p {GROUPS.format(at)}]"
    tail = file.names.dotted(value.func).rpartition(".")[2]
    if tail in NORMS:
        bound = given[0] if given else words.get("clip_norm") or words.get("max_norm")
        if tail == "clip_by_global_norm" and bound is None:
            bound = "1.0"
        if bound is None or len(given) > 1 or set(words) - {"clip_norm", "max_norm"}:
            raise Left(f"the clipping in line {node.lineno} was not recognised")
        if tail == "clip_by_global_norm" and work.wish.style == "exact":
            work.need(file, "import calando.migrate.gradients")
            return f"calando.migrate.gradients.clip_global_norm_({at}, {bound})"
        work.need(file, "import torch")
        return f"torch.nn.utils.clip_grad_norm_({params}, {bound})"
    if tail == "clip_by_value":
        low, high = [*given, words.get("clip_value_min", ""), words.get("clip_value_max", "")][:2]
        if not low or not high or negated(low) != ast.unparse(ast.parse(high, mode="eval")):
            raise Left(f"the bounds in line {node.lineno} are not the same on both sides")
        work.need(file, "import torch")
        return f"torch.nn.utils.clip_grad_value_({params}, {high})"
    raise Left(f"the gradients are changed in line {node.lineno} in a way that was not recognised")


def forward(back: Back, scope: Scope, node: ast.Assign, value: ast.Call, at: str) -> str:
    """``loss, grads = grad_fn(…)``: the forward pass, and ``loss.backward()``; the loss's name.

    Raises:
        Left: its results are not taken apart.
    """
    work, file = back.work, scope.file
    made = [t for t in work.flow.things(scope, value.func) if t.kind == GRADIENT]
    back.asked += made
    call = file.source.code(value)
    if all(t.name in ONLY_GRADIENTS for t in made):
        loss, shown = file.names.free("loss_value"), ""
    else:
        loss, shown = outputs(back, scope, node)
    lines = [f"{shown or loss} = {call}", *back.gradients(node, at, loss)]
    put(work, file, node, lines)
    work.say(file, node, REWRITTEN, "the forward pass, and its gradients into the parameters", "step")
    plain_numbers(work)
    return loss


def outputs(back: Back, scope: Scope, node: ast.Assign) -> tuple[str, str]:
    """The name of the loss in ``(loss, *rest), grads = …``, and everything before the gradients as it is written."""
    target, file = node.targets[0], scope.file
    if not isinstance(target, ast.Tuple) or len(target.elts) != 2 or len(node.targets) != 1:
        raise Left(f"the results in line {node.lineno} are not taken apart")
    out = target.elts[0]
    if not isinstance(out, (ast.Tuple, ast.List)):
        if any(has_aux(t.node) for t in back.work.flow.things(scope, node.value.func)):  # type: ignore[attr-defined]
            return f"{file.source.code(out)}[0]", file.source.code(out)
        name = file.source.code(out)
        return (file.names.free("loss_value"), "") if name == "_" else (name, name)
    made = [t for t in back.work.flow.things(scope, node.value.func) if t.kind == GRADIENT]  # type: ignore[attr-defined]
    if any(t.name == "value_and_grad" and no_aux(t.node) for t in made):
        raise Left(
            f"several outputs are taken in line {node.lineno}, whose sum the gradient is of: has_aux=True is missing"
        )
    first = file.source.code(out.elts[0])
    if isinstance(out.elts[0], ast.Starred):
        raise Left(f"the loss in line {node.lineno} has no name")
    first = file.names.free("loss_value") if first == "_" else first
    return first, ", ".join([first, *(file.source.code(e) for e in out.elts[1:])])


def has_aux(call: ast.AST) -> bool:
    """Whether a ``value_and_grad`` keeps outputs beside the loss."""
    aux = aux_of(call)
    return isinstance(aux, ast.Constant) and bool(aux.value)


def no_aux(call: ast.AST) -> bool:
    """Whether a ``value_and_grad`` takes the gradient of the sum of all outputs."""
    aux = aux_of(call)
    return aux is None or (isinstance(aux, ast.Constant) and not aux.value)


def aux_of(call: ast.AST) -> ast.expr | None:
    assert isinstance(call, ast.Call)
    return call.args[3] if len(call.args) > 3 else next((w.value for w in call.keywords if w.arg == "has_aux"), None)


def finite(back: Back, scope: Scope, node: ast.Name, at: str) -> bool:
    """``all_finite(grads)`` asks the gradients in the parameters."""
    file = scope.file
    call = file.parents[node]
    if not isinstance(call, ast.Call) or file.names.dotted(call.func).rpartition(".")[2] != "all_finite":
        return False
    back.work.need(file, "import calando.migrate.gradients")
    grads = f"[p.grad {GROUPS.format(at)} if p.grad is not None]"
    back.work.replace(file, call, f"calando.migrate.gradients.all_finite({grads})")
    back.work.say(file, call, REWRITTEN, "the gradients in the parameters are asked", "step")
    return True


def negated(text: str) -> str:
    """What ``-x`` negates; empty where a text is not of that shape."""
    tree = ast.parse(text or "0", mode="eval").body
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        return ast.unparse(tree.operand)
    return ""


def plain_numbers(work: Work) -> None:
    """``float(loss.asnumpy())`` is ``float(loss)`` in both frameworks, and what is printed is that too."""
    if id(NUMBERS) in work.told:
        return  # with another optimizer
    work.told.append(id(NUMBERS))
    for each in work.flow.files:
        for _, node in each.methods.get("asnumpy", ()):
            held = node.func.value  # type: ignore[attr-defined]
            if not (isinstance(held, ast.Name) and "loss" in held.id.lower()) or id(node) in work.told:
                continue
            parent = each.parents[node]
            inside = isinstance(parent, ast.Call) and ast.unparse(parent.func) == "float"
            item = isinstance(parent, ast.Attribute) and parent.attr in ("item", "mean", "sum", "tolist")
            text = f"{held.id}.detach()" if item else held.id if inside else f"float({held.id})"
            try:
                work.replace(each, node, text)
                work.say(each, node, REWRITTEN, "a number in either framework", "step")
            except Left:
                continue
