"""A ``Model`` that is handed on: its step goes with it, and the loop is written where it trains."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from ..finding import CHECK, REWRITTEN
from ..reading.blocks import statement_of
from ..reading.carry import stored
from ..reading.flow import MODEL, OPTIMIZER, Flow, Thing
from ..reading.packs import COMPREHENSIONS
from ..reading.scopes import File, Scope
from ..work import Left, Work, uses
from .back import Back
from .loop import Run, forward, several, train
from .model_words import EVALUATES, amp, arguments, evaluating, in_front
from .scale import Scaling

TRAINS = ("train", "fit")
HANDED = "its training step, which goes where it is handed; the loop is written where it trains"


def trainings(flow: Flow, call: ast.Call) -> list[tuple[Scope, ast.Call]]:
    """Every ``train`` and ``fit`` that may be of the Model that a call makes, wherever it was handed."""
    thing = flow.made.get(id(call))
    found = [each for file in flow.files for name in TRAINS for each in file.methods.get(name, ())]
    return [(scope, site) for scope, site in found if thing in flow.things(scope, site.func.value)]  # type: ignore[attr-defined]


def own_statement(file: File, node: ast.AST) -> ast.Call:
    """The call of ``model.train``.

    Raises:
        Left: it is part of something larger.
    """
    outer = file.parents[node]
    if not isinstance(outer, ast.Call) or not isinstance(file.parents[outer], ast.Expr):
        raise Left(f"the training in line {node.lineno} is not a statement of its own")  # type: ignore[attr-defined]
    return outer


def untrained(work: Work, call: ast.Call) -> str:
    """Why a Model that has an optimizer and trains nowhere is left."""
    thing = work.flow.made.get(id(call))
    if thing is None or thing.scope is None:
        return f"the Model in line {call.lineno} was not followed"
    parents = [scope.file.parents[node] for scope, node in [(thing.scope, call), *uses(work.flow, thing)]]
    if any(isinstance(above, ast.Attribute) and above.attr in ("eval", "predict") for above in parents):
        return f"the Model in line {call.lineno} only evaluates here: nothing trains with it"
    return f"where the Model in line {call.lineno} trains was not found"


@dataclass(frozen=True)
class Handed:
    """One Model of those that may train at a place, as far as the loop must know it.

    Args:
        optimizer, network: whether it brings these along.
        several: whether its step returns more than the loss.
        metrics: what it measures, as it is written.
    """

    optimizer: bool
    network: bool
    several: bool
    metrics: str


def hand_on(
    back: Back, scope: Scope, call: ast.Call, given: dict[str, ast.expr], how: Scaling, steps: dict[str, str]
) -> None:
    """A Model becomes a training that is handed on in its place, and each of its trainings a loop.

    Raises:
        Left: what it needs cannot go with it, or another one that trains in the same place was not followed.
    """
    work, file, step = back.work, scope.file, ast.unparse(given["network"])
    sites = trainings(work.flow, call)
    inside_out(file, scope, call)
    if step in steps:
        network, at = steps[step], ""
    else:
        network, at = in_front(work, file, given["network"]), back.named(file, given["optimizer"])
        step = step_before(back, scope, call, given, Run(how, "", network, at, network))
    parts = [step, network or "None", at or "None"]
    stays = evaluates(work, call, sites)
    if stays:
        parts.append(evaluating(file, call, given, network or "None"))
    while parts[-1] == "None":
        parts.pop()
    work.need(file, "import calando.migrate.training")
    work.replace(file, call, f"calando.migrate.training.Training({', '.join(parts)})")
    work.say(file, call, CHECK if stays else REWRITTEN, EVALUATES if stays else HANDED, "loop")
    amp(work, file, given)
    back.stepped += 1
    for where, site in sites:
        elsewhere(back, where, site, steps)


def inside_out(file: File, scope: Scope, call: ast.Call) -> None:
    """Raise Left where no function can be put before the call that makes a Model."""
    above: ast.AST = call
    while above in file.parents and not isinstance(above, ast.stmt):
        above = file.parents[above]
        if isinstance(above, (*COMPREHENSIONS, ast.Lambda)):
            raise Left(f"the Model in line {call.lineno} is made inside an expression: give it a line of its own")
    if isinstance(scope.node, ast.ClassDef):
        raise Left(f"the Model in line {call.lineno} is made in the body of a class")


def step_before(back: Back, scope: Scope, call: ast.Call, given: dict[str, ast.expr], run: Run) -> str:
    """The step that a Model makes, as a function before it; its name."""
    work, file = back.work, scope.file
    names = {n: file.names.free(n) for n in ("training_step", "inputs", "loss_value")}
    names["given"], before = names["loss_value"], []
    if (made := given.get("loss_fn")) is not None:
        names["loss_fn"] = file.source.code(made)
        if isinstance(made, ast.Call):
            names["loss_fn"] = file.names.free("criterion")
            before = [f"{names['loss_fn']} = {file.source.code(made)}", ""]
    body = [*forward(back, scope, call, given, run, names), f"return {names['loss_value']}"]
    bound = "".join(f", {name}={name}" for name in given_again(back, scope, call, body, names.get("loss_fn", "")))
    head = f"def {names['training_step']}(*{names['inputs']}{bound}):"
    work.before(file, statement_of(file, call), *before, head, *(f"    {line}" for line in body), "")
    return names["training_step"]


def given_again(back: Back, scope: Scope, call: ast.Call, body: list[str], loss: str) -> list[str]:
    """The names of a step that may be given another value once its Model is made: the step keeps those of then."""
    file, statement = scope.file, statement_of(scope.file, call)
    read = {n.id for n in ast.walk(ast.parse("def f():\n    " + "\n    ".join(body))) if isinstance(n, ast.Name)}
    thing, above = back.work.flow.made.get(id(call)), file.parents[statement]
    looped = thing is not None and thing.key in back.work.flow.collected
    while above in file.parents and above is not scope.node:
        looped, above = looped or isinstance(above, (ast.For, ast.While)), file.parents[above]
    mine = {back.scheduler[1], loss} if looped else set()
    later = {
        name for name, places in stored(scope).items()
        if looped or any(at.lineno >= statement.lineno for _, at in places)  # type: ignore[attr-defined]
    }  # fmt: skip
    return sorted(read & (mine | later))


def evaluates(work: Work, call: ast.Call, sites: list[tuple[Scope, ast.Call]]) -> bool:
    """Whether something else than a training is asked of a Model, or it goes where that is not known."""
    if any(site.func.attr == "fit" and wants_data(site) for _, site in sites):  # type: ignore[attr-defined]
        return True
    for scope, node in uses(work.flow, work.flow.made[id(call)]):
        above = scope.file.parents[node]
        if isinstance(above, ast.Attribute) and above.attr not in TRAINS:
            return True
        asked = scope.file.parents[above] if isinstance(above, ast.keyword) else above
        if isinstance(asked, ast.Call) and work.flow.callee(scope, asked) is None:
            return True
    return False


def wants_data(call: ast.Call) -> bool:
    """Whether a ``fit`` is given data that it measures."""
    return len(call.args) > 2 or any(word.arg == "valid_dataset" for word in call.keywords)


def elsewhere(back: Back, scope: Scope, call: ast.Call, steps: dict[str, str]) -> None:
    """One training of Models that were made elsewhere, as a loop."""
    work, file = back.work, scope.file
    func = call.func
    assert isinstance(func, ast.Attribute)
    if id(own_statement(file, func)) in work.told:
        return  # with another of them
    if not isinstance(func.value, (ast.Name, ast.Attribute, ast.Subscript)):
        raise Left(f"the Model that trains in line {call.lineno} has no name")
    held = [known(back, thing, steps) for thing in work.flow.things(scope, func.value) if thing.kind == MODEL]
    more = held[0].several
    if any(each.several is not more for each in held):
        raise Left(f"of the Models that train in line {call.lineno}, one returns more than the loss")
    at = file.source.code(func.value)
    metrics = {each.metrics for each in held}
    given = {"metrics": ast.parse(metrics.pop(), mode="eval").body} if len(metrics) == 1 and "" not in metrics else {}
    optimizer = f"{at}.optimizer" if all(each.optimizer for each in held) else ""
    network = f"{at}.network" if all(each.network for each in held) else ""
    train(back, scope, call, given, Run(Scaling(), f"{at}.step", at, optimizer, network, more))


def known(back: Back, thing: Thing, steps: dict[str, str]) -> Handed:
    """What a Model brings along.

    Raises:
        Left: how it trains was not followed.
    """
    assert isinstance(thing.node, ast.Call) and thing.scope is not None
    given = arguments(thing.node)
    step = ast.unparse(given["network"]) if "network" in given else ""
    metrics = ast.unparse(given["metrics"]) if "metrics" in given else ""
    if step in steps:
        return Handed(False, bool(steps[step]), several(back, thing.scope, given["network"]), metrics)
    held = back.work.flow.kinds(thing.scope, given.get("optimizer", ast.Constant(None)))
    if "network" not in given or OPTIMIZER not in held:
        line, what = thing.node.lineno, "an optimizer" if "optimizer" in given else "a step"
        raise Left(f"the Model in line {line}, which may train in the same place, has {what} that was not followed")
    return Handed(True, True, False, metrics)
