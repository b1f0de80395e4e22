"""``value_and_grad(function, …)`` and its like, of which the function itself is what PyTorch needs."""

from __future__ import annotations

import ast

from ..finding import CHECK, KEPT, REWRITTEN
from ..reading.blocks import statement_of
from ..reading.carry import stored
from ..reading.flow import APPLIED, GRADIENT, OPERATION, OPTIMIZER, Flow, Scope, Thing
from ..reading.outputs import outputs as outputs_of
from ..work import Left, Work
from .back import Back, unjit

ALONE = "PyTorch takes gradients from the loss, so the function alone is called"
EMPTY = "it returns what was computed before it: MindSpore's gradients of that are 0, and PyTorch's are not"


def gradient_functions(back: Back) -> None:
    """``value_and_grad(function, …)`` becomes the function itself.

    Raises:
        Left: it is not of the usual shape.
    """
    work = back.work
    asked = [made for made in back.asked if made.name != OPERATION]
    for made in dict.fromkeys([*concerned(work, back.thing, back.given.get("params")), *asked]):
        call, scope = made.node, made.scope
        assert isinstance(call, ast.Call) and scope is not None
        if id(call) in work.told:
            continue
        given = arguments_of(call) if made.name != APPLIED else applied(work, scope, call)
        position = given.get("grad_position")
        if position is not None and not (isinstance(position, ast.Constant) and position.value is None):
            raise Left(f"the gradients in line {call.lineno} are also those of inputs")
        several(work, scope, given)
        file = scope.file
        text = file.source.code(given["fn"])
        statement = statement_of(file, call)
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == text:
            work.remove(file, statement)
        else:
            work.replace(file, call, f"({text})" if isinstance(file.parents[call], ast.Call) else text)
        target = work.flow.definition(scope, given["fn"].id) if isinstance(given["fn"], ast.Name) else None
        empty = target is not None and computed_before(target)
        work.say(file, call, *((CHECK, EMPTY) if empty else (REWRITTEN, ALONE)), "step")
        if target is not None:
            unjit(work, target)


def computed_before(target: Scope) -> bool:
    """Whether a function only returns what was computed before it was called."""
    returned = [n.value for n in ast.walk(target.node) if isinstance(n, ast.Return)]
    names = [getattr(value, "id", "") for value in returned]
    inside = {*target.params, *stored(target)}
    return bool(names) and all(name and name not in inside for name in names)


def arguments_of(call: ast.Call) -> dict[str, ast.expr]:
    """The arguments of ``value_and_grad`` by their names."""
    given = dict(zip(("fn", "grad_position", "weights", "has_aux"), call.args, strict=False))
    given.update({str(w.arg): w.value for w in call.keywords})
    return given


def applied(work: Work, scope: Scope, call: ast.Call) -> dict[str, ast.expr]:
    """What ``GradOperation(get_by_list=True)(network, weights)`` differentiates by what.

    Raises:
        Left: the operation takes more than a network's inputs, or gives more than its weights' gradients.
    """
    for made in work.flow.things(scope, call.func):
        operation, place = made.node, made.scope
        assert isinstance(operation, ast.Call) and place is not None
        flags = {w.arg for w in operation.keywords if not (isinstance(w.value, ast.Constant) and not w.value.value)}
        if operation.args or flags != {"get_by_list"}:
            raise Left(f"the GradOperation in line {operation.lineno} takes or gives more than weights' gradients")
        if id(operation) not in work.told and operation is not call.func:
            work.say(place.file, operation, KEPT, "nothing calls it any more", "step")
    return dict(zip(("fn", "weights"), call.args, strict=False))


def concerned(work: Work, thing: Thing, mine: ast.expr | None) -> list[Thing]:
    """The gradient functions that differentiate by an optimizer's parameters, which are written so."""
    flow = work.flow
    if "by weights" not in flow.memory:
        flow.memory["by weights"] = by_weights(flow)
    held, spelled, nameless = flow.memory["by weights"]
    found = dict.fromkeys(held.get(thing, ()))
    if mine is not None:
        found.update(dict.fromkeys(spelled.get(ast.unparse(mine), ())))
    if len(flow.all(OPTIMIZER)) == 1:
        found.update(dict.fromkeys(nameless))
    return list(found)


def by_weights(flow: Flow) -> tuple[dict[Thing, list[Thing]], dict[str, list[Thing]], list[Thing]]:
    """All gradient functions: by the optimizer that holds their weights, by how those are spelled, and by neither."""
    held: dict[Thing, list[Thing]] = {}
    spelled: dict[str, list[Thing]] = {}
    nameless: list[Thing] = []
    for made in flow.all(GRADIENT):
        call = made.node
        assert isinstance(call, ast.Call)
        weights = arguments_of(call).get("weights")
        if made.name == APPLIED:
            weights = call.args[1] if len(call.args) > 1 else None
        if weights is None or made.name == OPERATION:
            continue
        node = weights.value if isinstance(weights, ast.Attribute) and weights.attr == "parameters" else weights
        owners = [t for t in flow.things(made.scope, node) if t.kind == OPTIMIZER]  # type: ignore[arg-type]
        for owner in owners:
            held.setdefault(owner, []).append(made)
        spelled.setdefault(ast.unparse(weights), []).append(made)
        if not owners:
            nameless.append(made)
    return held, spelled, nameless


def several(work: Work, scope: Scope, given: dict[str, ast.expr]) -> None:
    """Raise Left where the gradient is that of the sum of several outputs."""
    aux = given.get("has_aux")
    if isinstance(aux, ast.Constant) and aux.value:
        return
    fn = given["fn"]
    if outputs_of(work.flow, scope, fn) > 1:
        raise Left(f"the gradient in line {fn.lineno} is that of the sum of several outputs: has_aux=True is missing")
