"""What is made for the learning rate or the update and then not used."""

from __future__ import annotations

import ast
import re
from collections import Counter

from ...lexicon import DYNAMIC
from ..reading.flow import NETWORK, OBJECT, OPTIMIZER, SCHEDULER, Flow, Thing
from ..reading.rhythm import updates
from ..reading.roads import conditions, enclosing, roads
from ..reading.scopes import Scope
from ..work import uses
from .about import Found, calls, head, of_mindspore, reads

DECAY = re.compile(r"(lr|learning_rate)_?decay|decay_?(lr|learning_rate)|decay_lr_at|lr_gamma", re.IGNORECASE)
ADJUST = re.compile(r"adjust_?(the_)?(learning_?rate|lr)|decay_?lr$|update_?lr$", re.IGNORECASE)
RATES = re.compile(r"(^|_)(lr|lrs|learning_rate|lr_list|lr_schedule|schedule)s?$", re.IGNORECASE)
IDLE = {"zero_grad", "param_groups", "parameters", "state_dict", "load_state_dict", "learning_rate", "get_lr", ""}
MAKERS = re.compile(r"(^|_)(get|make|build|generate|create|warmup|cosine|poly)\w*_(lr|learning_rate)", re.IGNORECASE)


def unused_decays(flow: Flow) -> Found:
    """A decay of the learning rate that is computed, or a function for it, and never used."""
    for file in flow.files:
        for node in file.where:
            if isinstance(node, ast.FunctionDef) and ADJUST.search(node.name) and not reads(flow, node.name):
                yield file, head(node), "this function is never called: the learning rate never changes"
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                if DECAY.search(name) and not reads(flow, name):
                    yield file, node, "this decay of the learning rate is never used"


def unused_rates(flow: Flow) -> Found:
    """A list or schedule of rates that no optimizer is given."""
    for file in flow.files if flow.all(OPTIMIZER) else ():
        for node in file.where:
            if not isinstance(node, ast.Assign) or not isinstance(node.value, (ast.Call, ast.ListComp, ast.BinOp)):
                continue
            target = node.targets[0]
            if not isinstance(target, ast.Name) or reads(flow, target.id):
                continue
            if not isinstance(node.value, ast.Call):
                if RATES.search(target.id):
                    yield file, node, "these learning rates are made and no optimizer is given them"
                continue
            dotted = file.names.dotted(node.value.func)
            listed = dotted.startswith("mindspore.") and (
                dotted.rpartition(".")[2] in DYNAMIC or dotted.endswith(("DecayLR", "WarmUpLR"))
            )
            own = RATES.search(target.id) and MAKERS.search(ast.unparse(node.value.func))
            if listed or own:
                yield file, node, "these learning rates are made and no optimizer is given them"


def idle_schedulers(flow: Flow) -> Found:
    """A scheduler of PyTorch's that is never stepped."""
    stepped = {
        thing
        for file in flow.files
        for word in ("step", "step_update")
        for scope, call in file.methods.get(word, ())
        for thing in flow.things(scope, call.func.value)  # type: ignore[attr-defined]
    }
    for thing in flow.all(SCHEDULER):
        scope = thing.scope
        if thing in stepped or scope is None or not trains(flow) or gone(flow, scope, thing):
            continue
        yield scope.file, thing.node, "this scheduler is never stepped: the learning rate never changes"


def trains(flow: Flow) -> bool:
    """Whether any optimizer of the project makes updates."""
    return any(updates(flow, thing) for thing in flow.all(OPTIMIZER))


def gone(flow: Flow, scope: Scope, thing: Thing) -> bool:
    """Whether a thing goes where it cannot be followed: into a call, a container, or away."""
    file = scope.file
    parent = file.parents[thing.node]
    while isinstance(parent, ast.IfExp):
        parent = file.parents[parent]
    if not isinstance(parent, (ast.Assign, ast.Expr, ast.AnnAssign, ast.Return)):
        return True
    held = [(where, node, where.file.parents[node]) for where, node in uses(flow, thing)]
    by_hand = any(getattr(above, "attr", "") == "zero_grad" for _, _, above in held)
    for where, node, above in held:
        if by_hand and (isinstance(above, ast.Dict) or (isinstance(above, ast.Compare) and node is above.left)):
            continue  # it is stored, or asked for: the script clears its gradients itself
        if not isinstance(above, ast.Attribute) and not isinstance(above, ast.Call):
            return True
        if isinstance(above, ast.Call) and (node is above.func or flow.callee(where, above) is None):
            return True
    return isinstance(parent, ast.Return) and not uses(flow, thing)


def idle_optimizers(flow: Flow) -> Found:
    """An optimizer beside others that never makes an update."""
    beside = Counter((thing.scope, of_mindspore(thing)) for thing in flow.all(OPTIMIZER))
    for thing in flow.all(OPTIMIZER):
        scope = thing.scope
        if scope is None or not trains(flow) or updates(flow, thing) or gone(flow, scope, thing):
            continue
        named = isinstance(scope.file.parents[thing.node], ast.Assign)
        asked = {getattr(where.file.parents[node], "attr", "") for where, node in uses(flow, thing)}
        if asked - IDLE:
            continue
        if named and beside[scope, of_mindspore(thing)] > 1:
            yield scope.file, thing.node, "this optimizer never makes an update: its parameters are not trained"


def rebuilt(flow: Flow) -> Found:
    """An optimizer made anew in the loop that trains with it: its moments are lost each time."""
    for thing in flow.all(OPTIMIZER):
        scope, call = thing.scope, thing.node
        assert isinstance(call, ast.Call)
        if scope is None or not state(thing):
            continue
        loops = enclosing(scope, call)
        if not loops or any(made_inside(flow, scope, loop) for loop in loops):
            continue
        if trained_in(flow, thing, scope, loops[-1]):
            yield (
                scope.file,
                call,
                "the optimizer is made anew in each turn of the loop: its moments start at zero again",
            )


def trained_in(flow: Flow, thing: Thing, scope: Scope, loop: ast.AST) -> bool:
    """Whether an optimizer makes updates in a loop: there, or one epoch of them in a function that is called there."""
    for place, update in updates(flow, thing):
        if place is scope and loop in enclosing(place, update):
            return True
        named = "epoch" in ast.unparse(getattr(loop, "target", loop))
        always = not any(loop in enclosing(scope, branch) for branch, _ in conditions(scope.file, thing.node, loop))
        for way in roads(flow, place, update) if named and always else ():
            loops = [each for each, _ in way.loops]
            if loop in loops and len(loops) - loops.index(loop) <= 2:
                return True
    return False


def state(thing: Thing) -> bool:
    """Whether an optimizer remembers anything."""
    call = thing.node
    assert isinstance(call, ast.Call)
    words = {w.arg for w in call.keywords}
    return not thing.name.endswith(".SGD") or "momentum" in words


def made_inside(flow: Flow, scope: Scope, loop: ast.AST) -> bool:
    """Whether a loop also makes the network anew: then each turn is a training of its own."""
    for node in ast.walk(loop):
        if isinstance(node, ast.Call) and isinstance(scope.file.parents.get(node), ast.Assign):
            called = ast.unparse(node.func).lower()
            if flow.kinds(scope, node) & {NETWORK, OBJECT} or "net" in called or "model" in called:
                return True
    return False


def asked_in_vain(flow: Flow) -> Found:
    """``optimizer.get_lr()`` whose result nothing reads: in MindSpore 2 it does not move the clock."""
    for file, scope, call in calls(flow):
        func = call.func
        holder = file.parents[call]
        target = holder.targets[0] if isinstance(holder, ast.Assign) else None
        unread = isinstance(holder, ast.Expr) or (isinstance(target, ast.Name) and not reads(flow, target.id))
        if not isinstance(func, ast.Attribute) or func.attr != "get_lr" or not unread:
            continue
        if any(t.kind == OPTIMIZER and of_mindspore(t) for t in flow.things(scope, func.value)):
            yield file, call, "get_lr() reads the rate and does not advance the step, as it did in old releases"
