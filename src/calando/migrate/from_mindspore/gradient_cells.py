"""The beginners' shape of MindSpore's: a Cell that returns the gradients of its network by its weights."""

from __future__ import annotations

import ast

from ..finding import KEPT, REWRITTEN
from ..reading.blocks import statement_of
from ..reading.carry import stored
from ..reading.flow import OBJECT, Scope
from ..reading.parts import kept_as
from ..work import Left, Work
from .back import Back, put, seen
from .cells import modes
from .operation import has_sens
from .own_cells import instances, module, named, network_of
from .params import TAKEN, bare
from .step import plain_numbers

HOME = "calando.migrate.gradients"


def gradient_cell(back: Back, scope: Scope, statement: ast.Return, call: ast.Call) -> list[tuple[Scope, ast.Assign]]:
    """Rewrite such a Cell; the assignments that take what its instances return.

    Raises:
        Left: it is not of that shape, or its gradients get no name.
    """
    work, file, cls = back.work, scope.file, scope.owner
    if cls is None or getattr(scope.node, "name", "") != "construct" or len(scope.params) != len(call.args) + 1:
        raise Left(f"the gradients taken in line {call.lineno} have no name")
    callers = users(work, cls)
    if id(cls.node) in work.told:
        return callers  # with another optimizer
    made = applied(work, scope, call)
    network = by_its_weights(scope, made)
    name = file.names.free("loss_value")
    given = ", ".join(map(file.source.code, call.args))
    weights = TAKEN["trainable_params"].format(network)
    work.need(file, f"import {HOME}")
    put(work, file, statement, [f"{name} = {network}({given})", f"return {HOME}.by_weights({name}, {weights})"])
    work.say(file, statement, REWRITTEN, "the loss, and its gradients by the network's weights", "step")
    gone(work, scope, made, call)
    assert isinstance(cls.node, ast.ClassDef)
    bases = [file.names.dotted(base) for base in cls.node.bases]
    module(back, file, cls, cls.node, bases)
    kept = network_of(cls, bases)
    for place, made_at in instances(work, cls):
        if step := named(work, place.file, made_at, kept):
            modes(work, place, step, f"{step}.{kept}", made_at)
        if id(made_at) not in work.told:
            work.say(place.file, statement_of(place.file, made_at), KEPT, "a module of PyTorch's now", "step")
    plain_numbers(work)
    for place, taken in callers:
        work.say(place.file, taken, KEPT, "the gradients as values of their own", "step")
    return callers


def users(work: Work, cls: Scope) -> list[tuple[Scope, ast.Assign]]:
    """Where the gradients that a Cell returns get a name."""
    found = []
    for file in work.flow.files:
        for scope, call in file.calls:
            of = call.func.value if isinstance(call.func, ast.Attribute) else None
            if is_one(work, scope, call.func, cls) and not is_one(work, scope, of, cls):
                statement = file.parents[call]
                if not isinstance(statement, ast.Assign):
                    raise Left(f"the gradients taken in line {call.lineno} have no name")
                found.append((scope, statement))
    return found


def is_one(work: Work, scope: Scope, node: ast.AST | None, cls: Scope) -> bool:
    """Whether an expression is an instance of a class."""
    return any(thing.kind == OBJECT and thing.scope is cls for thing in work.flow.things(scope, node))


def applied(work: Work, scope: Scope, call: ast.Call) -> ast.Call:
    """``grad(network, weights)``, in place or by its name.

    Raises:
        Left: it is something else, or gives more than the gradients by weights.
    """
    node: ast.expr = call.func
    if isinstance(node, ast.Name):
        held = [s.value for _, s in stored(scope).get(node.id, ()) if isinstance(s, ast.Assign)]
        node = held[0] if len(held) == 1 else node
    if not isinstance(node, ast.Call) or len(node.args) != 2 or has_sens(work, scope, node.func):
        raise Left(f"the gradients taken in line {call.lineno} are not those of a network by its weights alone")
    return node


def by_its_weights(scope: Scope, made: ast.Call) -> str:
    """The network of ``grad(network, weights)``, if those are all weights that it trains.

    Raises:
        Left: they may be others.
    """
    network, weights = made.args
    if isinstance(weights, ast.Name):
        held = [s.value for _, s in stored(scope).get(weights.id, ()) if isinstance(s, ast.Assign)]
        weights = held[0] if len(held) == 1 else weights
    if isinstance(weights, ast.Attribute):
        weights = next((value for _, value in kept_as(scope, weights)), weights)
    weights = bare(weights)
    func = weights.func if isinstance(weights, ast.Call) else None
    if isinstance(func, ast.Attribute) and func.attr in TAKEN:
        owner, same = ast.unparse(func.value), [ast.unparse(network)]
        if isinstance(network, ast.Attribute):
            same += [ast.unparse(value) for _, value in kept_as(scope, network)]
        if owner in same:
            return scope.file.source.code(network)
    raise Left(f"the gradients in line {made.lineno} may be by other weights than all that the network trains")


def gone(work: Work, scope: Scope, made: ast.Call, call: ast.Call) -> None:
    """The names that held the weights and the gradient function go."""
    for node in (call.func, made.args[1]):
        if isinstance(node, ast.Name) and len(seen(scope, node.id)) == 1:
            for _, statement in stored(scope).get(node.id, ()):
                work.remove(scope.file, statement_of(scope.file, statement))
                work.say(scope.file, statement, REWRITTEN, "PyTorch takes gradients from the loss", "step")
    operation = made.func
    if isinstance(operation, ast.Call):
        work.say(scope.file, operation, REWRITTEN, "PyTorch takes gradients from the loss", "step")
