"""``Model.train`` as the loop that it runs, its callbacks written into it."""

from __future__ import annotations

import ast

from ..finding import CHECK, REWRITTEN
from ..reading.flow import OBJECT
from ..reading.scopes import Scope
from ..work import Left, Work
from .back import Back, one_scale, put
from .cells import calls_with
from .chosen_scale import chosen
from .handed import TRAINS, hand_on, own_statement, trainings, untrained, wants_data
from .loop import Run, several, train
from .model_words import EVALUATES, amp, arguments, evaluating, in_front
from .one_name import agree, means, numbered, uses_of
from .scale import Scaling, scaling


def models(back: Back, steps: dict[str, str]) -> bool:
    """Every ``Model`` that trains with this optimizer, or with a training step of it.

    Raises:
        Left: it is used in a way that was not recognised.
    """
    found = calls_with(back.work, back.thing, "Model")
    for file in back.work.flow.files:
        for scope, call in file.tails.get("Model", ()):
            first = arguments(call).get("network")
            theirs = file.names.dotted(call.func).startswith("mindspore.")
            if theirs and isinstance(first, ast.Name) and first.id in steps:
                found.append((scope, call))
            elif theirs and id(call) not in back.work.told and own_step(back, scope, first):
                raise Left(f"the training step that the Model in line {call.lineno} drives has no name of its own")
    for scope, call in found:
        one_scale(back, scope, arguments(call).get("optimizer"))
        if id(call) in back.work.told:  # with another optimizer of the same name
            back.stepped += 1
        else:
            model(back, scope, call, steps)
    return bool(found)


def own_step(back: Back, scope: Scope, node: ast.expr | None) -> bool:
    """Whether an expression is a training step of the script's own that has this optimizer."""
    owners = [owner for owner, _ in back.work.flow.keepers(back.thing)]
    things = back.work.flow.things(scope, node)
    return any(t.kind == OBJECT and t.scope is not None and t.scope.node in owners for t in things)


def model(back: Back, scope: Scope, call: ast.Call, steps: dict[str, str]) -> None:
    """One ``Model``: its trainings are loops, and what is left of it evaluates."""
    work, file = back.work, scope.file
    given = arguments(call)
    if "network" not in given or "None" in given:
        raise Left(f"the arguments of the Model in line {call.lineno} are not written out")
    how, manager = Scaling(), given.get("loss_scale_manager")
    if manager is not None:
        how = chosen(back, scope, manager) or scaling(work, scope, manager)
    step, line = ast.unparse(given["network"]) if ast.unparse(given["network"]) in steps else "", ""
    parent = file.parents[call]
    target = parent.targets[0] if isinstance(parent, ast.Assign) and len(parent.targets) == 1 else None
    uses = uses_of(work.flow, scope, target) if target is not None else []
    uses += [parent] if isinstance(parent, ast.Attribute) else []
    trains = [node for node in uses if node.attr in TRAINS]
    if any(site.func not in trains for _, site in trainings(work.flow, call)):
        hand_on(back, scope, call, given, how, steps)
        return
    if not trains and "optimizer" not in given:
        return  # of another network, which only has the step's name
    if not trains:
        raise Left(untrained(work, call))
    if not agree(back, scope, call, [node.value for node in trains]) and not step:
        assert target is not None
        how, line = numbered(back, scope, call, how, target)
    network = in_front(work, file, given["network"])
    at = "" if step else back.named(file, given["optimizer"])
    more = bool(step) and several(back, scope, given["network"])
    run = Run(how, step, "" if step else network, at, steps.get(step, "") or network, more)
    for node in trains:
        outer = own_statement(file, node)
        if id(outer) in work.told:  # of another Model of the same name
            work.say(file, call, REWRITTEN, "the loop is that of every Model under this name", "loop")
            back.stepped += 1
            continue
        train(back, file.where[node], outer, given, run)
    amp(work, file, given)
    if target is not None:
        fits = any(n.attr == "fit" and wants_data(own_statement(file, n)) for n in trains)
        called = steps.get(step, "") or file.source.code(given["network"])
        remainder(work, scope, call, given, [n for n in uses if n not in trains or fits], (called, line))


def remainder(
    work: Work, scope: Scope, call: ast.Call, given: dict[str, ast.expr], rest: list[ast.Attribute],
    instead: tuple[str, str],
) -> None:  # fmt: skip
    """A Model that also evaluates stays for that, without what trains; another one goes.

    Args:
        rest: what else is asked of it.
        instead: the network that it has where it stays, and a line that is put here.

    Raises:
        Left: it stays, and took its network's name.
    """
    file, (network, line) = scope.file, instead
    statement = file.parents[call]
    assert isinstance(statement, ast.Assign)
    target = statement.targets[0]
    text = ast.unparse(target)
    passed = [
        n for n in file.where
        if ast.unparse(n) == text and isinstance(getattr(n, "ctx", None), ast.Load)
        and not isinstance(file.parents[n], ast.Attribute) and means(work.flow, scope, target, n)  # type: ignore[arg-type]
    ] if isinstance(target, (ast.Name, ast.Attribute)) else []  # fmt: skip
    if not rest and not passed:
        put(work, file, statement, [line]) if line else work.remove(file, statement)
        work.say(file, statement, REWRITTEN, "its training is a loop now", "loop")
        return
    if text == network:
        raise Left(f"the Model in line {call.lineno} takes the name of its network, which the loop would call")
    if line:
        work.before(file, statement, line)
    work.replace(file, call, evaluating(file, call, given, network))
    work.say(file, statement, CHECK, EVALUATES, "loop")
