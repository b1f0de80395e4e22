"""Where the gradients of a training step are cleared: ``zero_grad``, or ``p.grad = None`` by hand."""

from __future__ import annotations

import ast

from ..reading.blocks import statement_of
from ..reading.flow import NETWORK, OBJECT, OPTIMIZER, Flow, Thing
from ..reading.remembered import remembered
from ..reading.rhythm import over_optimizers
from ..reading.roads import conditions, enclosing
from ..reading.scopes import File, Scope
from ..work import Left, Work
from .params import owner_networks
from .update import Update


def cleared(work: Work, optimizers: list[Thing], update: Update, others: set[Scope]) -> list[tuple[Scope, ast.stmt]]:
    """The statements that clear the gradients of a step.

    Args:
        others: the functions of other steps, which clear their own.
    """
    found: list[tuple[Scope, ast.stmt]] = []
    owners = {text for thing in optimizers for text in owner_names(thing)}
    networks = [each for thing in optimizers for each in owner_networks(work, thing)]
    known = {t for scope, owner in networks for t in work.flow.things(scope, owner)}
    known |= wholes(work, known)
    called = {ast.unparse(owner) for _, owner in networks}
    found += [(update.scope, loop) for loop, text in droppers(work.flow, update.scope) if text in called]
    doubtful: list[tuple[Scope, ast.stmt]] = []
    for file in work.flow.files:
        for scope, node, held, text in zeroed_of(work.flow, file, {*optimizers, *known}, owners | called):
            network = any(t.kind in (NETWORK, OBJECT) for t in held) or not held
            named = (text in owners and scope is update.scope) or bool(held & known) or (not held and text in called)
            if held & set(optimizers) or (network and named):
                (doubtful if network and anothers(work, optimizers, update, text) else found).append(
                    (scope, clearing_statement(file, node))
                )
    found += [each for each in doubtful if all(each[0] is not scope for scope, _ in found)]
    own = [each for each in found if each[0] not in others]
    return sorted(own or found, key=lambda each: each[1].lineno)


def wholes(work: Work, parts: set[Thing]) -> set[Thing]:
    """The networks that keep others as parts, and clear their gradients with their own."""
    held = {id(cls): cls for thing in parts for cls, _ in work.flow.keepers(thing)}
    if not held:
        return set()
    made = (thing for file in work.flow.files for _, _, things, _ in zeroed(work.flow, file) for thing in things)
    return {t for t in made if t.kind == OBJECT and id(t.node) in held and t.scope and work.flow.is_network(t.scope)}


def clearing_statement(file: File, node: ast.Call) -> ast.stmt:
    """The statement that clears gradients; the loop over several optimizers where it does nothing else.

    Raises:
        Left: it is part of a larger expression.
    """
    statement = file.parents[node]
    if not isinstance(statement, ast.Expr):
        raise Left(f"zero_grad in line {node.lineno} is part of a larger expression")
    loop = file.parents[statement]
    alone = isinstance(loop, ast.For) and len(loop.body) == 1 and not loop.orelse
    return loop if alone and over_optimizers(loop, node) else statement  # type: ignore[return-value]


def anothers(work: Work, optimizers: list[Thing], update: Update, text: str) -> bool:
    """Whether a network is written as another optimizer's is, and not as that of the step's own."""
    made = movers(work).get(text, set())
    mine = {thing.node for thing in optimizers}
    so = {node for node in mine if target_of(work, node) == update.at}
    return bool(made) and not made & (so or mine)


def target_of(work: Work, call: ast.AST) -> str:
    """The name that the call of an optimizer's class is assigned to."""
    file = work.flow.made[id(call)].scope.file  # type: ignore[union-attr]
    holder = file.parents[call]
    return ast.unparse(holder.targets[0]) if isinstance(holder, ast.Assign) else ""


@remembered
def movers(work: Work) -> dict[str, set[ast.AST]]:
    """The calls that make optimizers, by how the networks that they move are written there."""
    found: dict[str, set[ast.AST]] = {}
    for thing in work.flow.all(OPTIMIZER):
        for _, owner in owner_networks(work, thing):
            found.setdefault(ast.unparse(owner), set()).add(thing.node)
    return found


def clearing(scope: Scope, clears: list[tuple[Scope, ast.stmt]]) -> list[ast.stmt]:
    """Where a function clears gradients: itself, or by a call of one that does nothing but that on its way."""
    own = [statement for where, statement in clears if where is scope]
    helpers = [
        where
        for where, statement in clears
        if where is not scope
        and not enclosing(where, statement)
        and not any(conditions(where.file, statement, where.node))
    ]
    return own + [
        statement_of(scope.file, call) for where in helpers for caller, call in where.calls if caller is scope
    ]


@remembered
def zeroed(flow: Flow, file: File) -> list[tuple[Scope, ast.Call, frozenset[Thing], str]]:
    """The calls of ``zero_grad`` in a file: where, what is cleared, and how that is written."""
    calls = [(scope, call, call.func.value) for scope, call in file.methods["zero_grad"]]  # type: ignore[attr-defined]
    return [(s, c, flow.things(s, held), file.source.code(held)) for s, c, held in calls]


def zeroed_of(
    flow: Flow, file: File, wanted: set[Thing], names: set[str]
) -> list[tuple[Scope, ast.Call, frozenset[Thing], str]]:
    """Those of them that clear one of some things, or something of one of some names."""
    keys: set[Thing | str] = {*wanted, *names}
    numbers = {number for key in keys for number in zeroed_by(flow, file).get(key, ())}
    return [zeroed(flow, file)[number] for number in sorted(numbers)]


@remembered
def zeroed_by(flow: Flow, file: File) -> dict[Thing | str, list[int]]:
    """The numbers of those calls, by what they clear and by how that is written."""
    by: dict[Thing | str, list[int]] = {}
    for number, (_, _, held, text) in enumerate(zeroed(flow, file)):
        keys: list[Thing | str] = [*held, text]
        for key in keys:
            by.setdefault(key, []).append(number)
    return by


@remembered
def droppers(flow: Flow, scope: Scope) -> list[tuple[ast.For, str]]:
    """The loops of a function that drop the gradients of a network, and how it is called."""
    loops = [node for node in scope.file.nodes[scope] if isinstance(node, ast.For)]
    return [(loop, text) for loop in loops if (text := dropped(loop))]


def dropped(loop: ast.For) -> str:
    """The network in ``for p in net.parameters(): p.grad = None``; empty for another loop."""
    over, body = loop.iter, loop.body[0]
    text = ast.unparse(body) if len(loop.body) == 1 and isinstance(loop.target, ast.Name) else ""
    if isinstance(over, ast.Call) and getattr(over.func, "attr", "") == "parameters" and text:
        return ast.unparse(over.func.value) if text == f"{loop.target.id}.grad = None" else ""  # type: ignore[attr-defined]
    return ""


def owner_names(thing: Thing) -> set[str]:
    """How the networks of an optimizer's parameters are called."""
    call = thing.node
    assert isinstance(call, ast.Call) and thing.scope is not None
    return (
        {
            ast.unparse(node.func.value)
            for node in ast.walk(call)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and "parameters" in node.func.attr
        }
        | {node.id for arg in call.args[:1] for node in ast.walk(arg) if isinstance(node, ast.Name)}
        | (
            {ast.unparse(thing_receiver(thing))} if thing_receiver(thing) is not None else set()  # type: ignore[arg-type]
        )
    )


def thing_receiver(thing: Thing) -> ast.expr | None:
    """The network whose method makes an optimizer."""
    scope = thing.scope
    if scope is None or scope.owner is None or not scope.calls:
        return None
    func = scope.calls[0][1].func
    return func.value if isinstance(func, ast.Attribute) else None
