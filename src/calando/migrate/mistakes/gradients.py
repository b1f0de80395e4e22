"""Gradients of the wrong things: another optimizer's, a sum's, none, or piled up."""

from __future__ import annotations

import ast
from collections import defaultdict

from ..reading.blocks import block_of, statement_of
from ..reading.carry import lineage, stored
from ..reading.flow import APPLIED, GRADIENT, OPTIMIZER, Flow, Thing
from ..reading.outputs import outputs
from ..reading.parts import kept_as, parts_of, spelled
from ..reading.rhythm import updates
from ..reading.roads import LOOPS, enclosing
from ..reading.scopes import Scope
from .about import Found, calls, of_mindspore, params_of


def foreign_gradients(flow: Flow) -> Found:
    """An optimizer that is given the gradients of another one's parameters."""
    for optimizer in filter(of_mindspore, flow.all(OPTIMIZER)):
        for scope, call in updates(flow, optimizer):
            if not call.args or not isinstance(call.args[0], ast.Name):
                continue
            name, made_of = call.args[0], lineage(flow, scope, call.args[0])
            for store, statement in stored(flow.home(scope, name.id)).get(name.id, []):
                if made_of is not None and store not in made_of:
                    continue  # of another value under this name
                value = statement.value if isinstance(statement, ast.Assign) else None
                if not isinstance(value, ast.Call):
                    continue
                for made in flow.things(scope, value.func):
                    owners = weights_of(flow, made) if made.kind == GRADIENT else frozenset()
                    if owners and optimizer not in owners:
                        yield scope.file, call, "these are the gradients of another optimizer's parameters"


def argument(made: Thing, at: int, name: str) -> ast.expr | None:
    """An argument of ``value_and_grad``."""
    call = made.node
    assert isinstance(call, ast.Call)
    return call.args[at] if len(call.args) > at else next((w.value for w in call.keywords if w.arg == name), None)


def weights_of(flow: Flow, made: Thing) -> frozenset[Thing]:
    """The optimizers whose parameters a gradient function differentiates by."""
    given, scope = argument(made, 2, "weights"), made.scope
    assert scope is not None
    if isinstance(given, ast.Attribute) and given.attr == "parameters":
        return frozenset(t for t in flow.things(scope, given.value) if t.kind == OPTIMIZER)
    if isinstance(given, ast.Call):
        if "by params" not in flow.memory:
            flow.memory["by params"] = found = defaultdict(set)
            for thing in filter(of_mindspore, flow.all(OPTIMIZER)):
                found[thing.scope.file, first(thing)].add(thing)  # type: ignore[union-attr]
        return frozenset(flow.memory["by params"].get((scope.file, ast.unparse(given)), ()))
    return frozenset()


def first(thing: Thing) -> str:
    """An optimizer's parameters as they are written."""
    given = params_of(thing)
    return ast.unparse(given) if given is not None else ""


def other_order(flow: Flow) -> Found:
    """Gradients in the order of the network for an optimizer whose parameters are in the order of its groups."""
    for optimizer in filter(of_mindspore, flow.all(OPTIMIZER)):
        if not sorted_apart(flow, optimizer):
            continue
        for scope, call in updates(flow, optimizer):
            name = call.args[0].id if call.args and isinstance(call.args[0], ast.Name) else ""
            for _, statement in stored(flow.home(scope, name)).get(name, []):
                value = statement.value if isinstance(statement, ast.Assign) else None
                made = flow.things(scope, value.func) if isinstance(value, ast.Call) else frozenset()
                if any(t.kind == GRADIENT and of_a_network(flow, t) for t in made):
                    yield scope.file, call, ORDER
                    break


ORDER = (
    "these gradients are in the network's order, the optimizer's parameters in that of its groups: differentiate by "
    "optimizer.parameters, or add order_params"
)


def sorted_apart(flow: Flow, optimizer: Thing) -> bool:
    """Whether an optimizer has groups picked by a condition, and no ``order_params``."""
    call, scope = optimizer.node, optimizer.scope
    assert isinstance(call, ast.Call) and scope is not None
    params = params_of(optimizer)
    if params is None or optimizer.name.count(".") > 1:
        return False
    parts = [n for _, part in parts_of(flow, scope, params) for n in ast.walk(part)]
    groups = [keys for n in parts if (keys := spelled(n)) is not None]
    picked = any(isinstance(n, ast.comprehension) and n.ifs for n in parts)
    picked = picked or any(isinstance(n, ast.Call) and ast.unparse(n.func) in ("filter", "list.append") for n in parts)
    appended = [n for n in parts if isinstance(n, ast.Call) and getattr(n.func, "attr", "") == "append"]
    return (
        sum("params" in keys for keys in groups) > 1
        and not any("order_params" in keys for keys in groups)
        and (picked or len(appended) > 1)
    )


def of_a_network(flow: Flow, made: Thing) -> bool:
    """Whether a gradient function differentiates by ``network.trainable_params()``."""
    scope, given = made.scope, argument(made, 1 if made.name == APPLIED else 2, "weights")
    assert scope is not None
    for _ in range(4):
        if isinstance(given, ast.Name):
            held = [
                s.value for _, s in stored(flow.home(scope, given.id)).get(given.id, []) if isinstance(s, ast.Assign)
            ]
            given = held[0] if len(held) == 1 else None
        elif isinstance(given, ast.Attribute):
            given = next((value for _, value in kept_as(scope, given)), None)
        elif isinstance(given, ast.Call) and ast.unparse(given.func).endswith("ParameterTuple") and given.args:
            given = given.args[0]
    return isinstance(given, ast.Call) and getattr(given.func, "attr", "") == "trainable_params"


def summed_outputs(flow: Flow) -> Found:
    """value_and_grad over several outputs without has_aux: the gradient of their sum."""
    for made in flow.all(GRADIENT):
        call, scope = made.node, made.scope
        assert isinstance(call, ast.Call) and scope is not None
        aux = argument(made, 3, "has_aux")
        if made.name != "value_and_grad" or (aux is not None and not (isinstance(aux, ast.Constant) and not aux.value)):
            continue
        count = outputs(flow, scope, argument(made, 0, "fn"))
        if count > 1:
            told = f"the function has {count} outputs and has_aux is not set: this is the gradient of their sum"
            yield scope.file, call, told


def forward_again(flow: Flow) -> Found:
    """The forward pass run once more for a loss that ``value_and_grad`` returned."""
    asked: dict[Thing, list[tuple[Scope, ast.Call]]] = defaultdict(list)
    spelled: dict[tuple[Scope, str], list[ast.Call]] = defaultdict(list)
    for _, scope, call in calls(flow) if flow.all(GRADIENT) else ():
        spelled[scope, ast.unparse(call.func)].append(call)
        for thing in flow.things(scope, call.func):
            asked[thing].append((scope, call))
    for made in flow.all(GRADIENT):
        fn = argument(made, 0, "fn")
        if made.name != "value_and_grad" or not isinstance(fn, (ast.Name, ast.Attribute)):
            continue
        text = ast.unparse(fn)
        for scope, call in asked[made]:
            given = [ast.unparse(a) for a in call.args]
            for other in spelled[scope, text] if given and call is not made.node else ():
                same = other is not made.node and [ast.unparse(a) for a in other.args] == given
                if same and enclosing(scope, other)[-1:] == enclosing(scope, call)[-1:]:
                    yield scope.file, other, "the forward pass runs once more: value_and_grad returns its outputs too"


def never_cleared(flow: Flow) -> Found:
    """Gradients of PyTorch that are never set to zero."""
    clears = any("zero_grad" in file.methods for file in flow.files)
    hand = {file for file in flow.files for n in file.where if isinstance(n, ast.Attribute) and n.attr == "grad"}
    for thing in flow.all(OPTIMIZER):
        if of_mindspore(thing) or thing.scope is None or clears:
            continue
        for scope, call in updates(flow, thing):
            loops = [loop for loop in enclosing(scope, call) if isinstance(loop, LOOPS)]
            if loops and scope.file not in hand:
                yield scope.file, call, "no gradient is ever set to zero: they pile up over all steps"


def cleared_early(flow: Flow) -> Found:
    """``loss.backward()``, ``optimizer.zero_grad()``, ``optimizer.step()``: the update has no gradients."""
    for thing in flow.all(OPTIMIZER):
        for scope, call in updates(flow, thing) if not of_mindspore(thing) else ():
            file = scope.file
            block = block_of(file, statement_of(file, call))
            before = block[: block.index(statement_of(file, call))]
            asked = [c for s in before if isinstance(s, ast.Expr) for c in [s.value] if isinstance(c, ast.Call)]
            methods = [c for c in asked if isinstance(c.func, ast.Attribute)]
            backs = [c.lineno for c in methods if c.func.attr == "backward"]  # type: ignore[attr-defined]
            for each in methods:
                whose = each.func.value  # type: ignore[attr-defined]
                its = thing in flow.things(scope, whose) or first(thing) == f"{ast.unparse(whose)}.parameters()"
                clears = each.func.attr == "zero_grad" and its  # type: ignore[attr-defined]
                if clears and any(b < each.lineno for b in backs) and not any(b > each.lineno for b in backs):
                    yield file, each, "the gradients are cleared between backward() and the update, which has none"
