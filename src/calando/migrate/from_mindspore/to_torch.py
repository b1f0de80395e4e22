"""MindSpore to PyTorch: construction, rates and training step of every optimizer, wholly or not at all."""

from __future__ import annotations

import ast

from ...lexicon import COPIES, RETURNS
from ..finding import HUMAN, KEPT
from ..reading.flow import GRADIENT, OPTIMIZER, Flow, Scope, Thing
from ..reading.remembered import remembered
from ..reading.rhythm import updates
from ..work import Left, Work, uses
from .back import UNSAID, UNSEEN, Back, Way
from .cells import one_step_cells
from .construct import construct, spelled_out
from .crossed import CROSSED, crossed, met
from .free import CLIPS, emptied_maps, free
from .functions import concerned, gradient_functions
from .given import arguments_of, grouped
from .grouped import construct_grouped, group_numbers
from .model import models
from .numbers import checkpoints, numbers
from .overwritten import overwritten
from .own_cells import WATCHES, overflowing, own_cells
from .rest import LARS, lists, networks, rest
from .sharing import torn
from .step import step

WAYS = (False, False), (False, True), (True, True)  # whether gradients stay values, and the optimizer divides
LOOSE = WAYS[2:]
CHANGED = "the gradients are changed in line"  # which the looser way says more precisely
KNOWN = (
    "TrainOneStepCell", "TrainOneStepWithLossScaleCell", "build_train_network", "Model", "save_checkpoint",
    "load_param_into_net", "print",
    "value_and_grad", "__init__", "isinstance", "id",
)  # fmt: skip


def to_torch(work: Work) -> None:
    """Rewrite a whole project for PyTorch."""
    left: dict[Thing, str] = {}
    loose: dict[Thing, str] = {}  # those whose gradients must stay values, and with what they cross
    while True:
        backs: dict[Thing, Back] = {}
        done = whole_ones(work, left, loose, backs)
        if done:
            overwritten(work)
        bound = {**unclipped(work, done, left), **torn(work, done, left)}
        crossing = met(back for thing, back in backs.items() if thing in done)
        unused = {t: why for t, why in {**strays(work, done), **crossing}.items() if t not in bound}
        bound.update({thing: why for thing, why in unused.items() if thing in loose})
        looser = {thing: crossing.get(thing, "") for thing in unused if thing not in loose}
        if not bound and not looser:
            break
        left.update(bound)
        loose.update(looser)
        work.forget()
    if done:
        lists(work)
        networks(work)
        for file in work.flow.files:
            emptied_maps(work, file)
    rest(work)


def whole_ones(work: Work, left: dict[Thing, str], loose: dict[Thing, str], backs: dict[Thing, Back]) -> set[Thing]:
    """Rewrite every optimizer that can be, of those not yet known to be left; the others are put there, with why."""
    done: set[Thing] = set()
    for thing in work.flow.all(OPTIMIZER):
        file = thing.scope.file  # type: ignore[union-attr]
        if not thing.name.startswith("mindspore."):
            work.say(file, thing.node, KEPT, "it is PyTorch's already", "optimizer")
            continue
        why = left.get(thing, "")
        if not why:
            why = carried_back(work, thing, LOOSE if thing in loose else WAYS, backs)
        if why:
            left[thing] = why = left.get(thing) or loose.get(thing) or why
            work.say(file, thing.node, HUMAN, f"left whole: {why}", "optimizer")
        else:
            done.add(thing)
    return done


def carried_back(work: Work, thing: Thing, ways: tuple[tuple[bool, bool], ...], backs: dict[Thing, Back]) -> str:
    """Rewrite one optimizer in the plainest way that it allows; why it was left, empty where it was not."""
    whys: list[str] = []
    for loose, carried in ways:
        if carried and not loose and UNSAID not in whys[0]:
            continue
        for attached in (False, True):
            way = Way(loose, carried, attached)
            why = work.attempt(lambda way=way: carry_back(work, thing, way, backs))  # type: ignore[misc]
            if not why:
                return ""
            if UNSEEN not in why:
                break
        whys.append(why)
    return whys[-1] if any(word in whys[0] for word in (WATCHES, CHANGED, CROSSED, UNSAID)) else whys[0]


def strays(work: Work, done: set[Thing]) -> dict[Thing, str]:
    """Optimizers that were rewritten with a gradient function which something else asks for gradients."""
    found: dict[Thing, str] = {}
    asking, told = askers(work.flow), set(work.told)
    for thing in done:
        mine = arguments_of(thing).get("params")
        for made in concerned(work, thing, mine):
            other = next((call for call in asking.get(made, ()) if id(call) not in told), None)
            if id(made.node) in told and other is not None:
                found[thing] = f"the gradients taken in line {other.lineno} go to no update"
    return found


@remembered
def askers(flow: Flow) -> dict[Thing, list[ast.Call]]:
    """The calls of each gradient function."""
    found: dict[Thing, list[ast.Call]] = {}
    for file in flow.files:
        for scope, call in file.calls:
            for made in flow.things(scope, call.func) if id(call) not in flow.made else ():
                if made.kind == GRADIENT and made.node is not call:
                    found.setdefault(made, []).append(call)
    return found


def carry_back(work: Work, thing: Thing, way: Way, backs: dict[Thing, Back]) -> None:
    """Rewrite one optimizer and everything that belongs to it.

    Args:
        way: how.
        backs: where this way of it is kept, for what several optimizers have in common.

    Raises:
        Left: some part of it cannot be; then all of it stays.
    """
    name = thing.name.rpartition(".")[2]
    form = (COPIES if grouped(thing) else RETURNS).get(name)
    if form is None or not (form.torch or form.ours):
        raise Left(form.why if form else f"PyTorch has no {name}")
    assert thing.scope is not None
    for scope, node in [(thing.scope, thing.node), *uses(work.flow, thing)]:
        in_front(scope, node)
    for scope, node in uses(work.flow, thing):
        followed(work, scope, node)
    back = backs[thing] = Back(work, thing, form, arguments_of(thing), way)
    spelled_out(back)
    if grouped(thing):
        construct_grouped(back)
    else:
        construct(back, name)
    if not way.loose:
        overflowing(work, thing)
    sites = updates(work.flow, thing)
    back.stepped = len(sites)
    if way.loose and sites:
        free(back)
    for scope, call in () if way.loose else sites:
        step(back, scope, call)
    crossed(back)
    gradient_functions(back)
    cells = {**own_cells(back), **one_step_cells(back)}
    models(back, cells)
    if not back.stepped:
        raise Left("no call that updates its parameters was found in this project")
    if grouped(thing):
        group_numbers(back)
    numbers(back)
    checkpoints(work, thing)


def unclipped(work: Work, done: set[Thing], left: dict[Thing, str]) -> dict[Thing, str]:
    """Optimizers that were rewritten, beside whose update something of MindSpore's still works on gradients."""
    places = {scope for thing in left for scope, _ in updates(work.flow, thing)}
    found = {}
    for thing in done:
        for scope in {scope for scope, _ in updates(work.flow, thing)} - places:
            for call in scope.file.asked[scope]:
                dotted = scope.file.names.dotted(call.func)
                if dotted.startswith("mindspore.") and dotted.rpartition(".")[2] in CLIPS and id(call) not in work.told:
                    found[thing] = f"what is clipped in line {call.lineno} was not recognised"
    return found


def in_front(scope: Scope, node: ast.AST) -> None:
    """Raise Left where an optimizer is wrapped in ``nn.LARS``."""
    call = scope.file.parents[node]
    call = scope.file.parents[call] if isinstance(call, ast.keyword) else call
    if isinstance(call, ast.Call) and scope.file.names.dotted(call.func) == "mindspore.nn.LARS":
        raise Left(f"nn.LARS stands in front of it in line {call.lineno}; {LARS}")


def followed(work: Work, scope: Scope, node: ast.expr) -> None:
    """Raise Left where an optimizer goes somewhere that cannot be followed."""
    parent = scope.file.parents[node]
    call = parent if isinstance(parent, ast.Call) else scope.file.parents.get(parent)
    if not isinstance(call, ast.Call) or node is call.func or not isinstance(parent, (ast.Call, ast.keyword)):
        return
    dotted = scope.file.names.dotted(call.func) or ast.unparse(call.func)
    if dotted.startswith("mindspore.experimental.optim.lr_scheduler."):
        return  # it goes with the optimizer
    if work.flow.callee(scope, call) is None and dotted.rpartition(".")[2] not in KNOWN:
        raise Left(f"it is given to {ast.unparse(call.func)} in line {node.lineno}, which is not in this project")
