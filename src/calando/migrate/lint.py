"""Mistakes that ports and training scripts are known for, in either framework: the line and the reason."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping

from ..lexicon import MINDSPORE, TORCH
from .carry import stored
from .finding import MISTAKE, Finding
from .flow import GRADIENT, OPTIMIZER, SCHEDULER, File, Flow, Scope, Thing
from .project import module_of
from .rhythm import LOOPS, enclosing, updates
from .source import Unreadable, read

PER_EPOCH = re.compile(r"steps?_per_epoch|step_size_per_epoch|iters?_per_epoch|batches_per_epoch", re.IGNORECASE)
DECAY = re.compile(r"(lr|learning_rate)_?decay|decay_?(lr|learning_rate)|decay_lr_at|lr_gamma", re.IGNORECASE)
ADJUST = re.compile(r"adjust_?(the_)?(learning_?rate|lr)|decay_?lr$|update_?lr$", re.IGNORECASE)
NO_EFFECT = {"momentum", "weight_decay", "beta1", "beta2", "eps", "loss_scale"}

Found = Iterator[tuple[File, ast.AST, str]]


def lint(scripts: Mapping[str, bytes]) -> tuple[list[Finding], list[str]]:
    """Look for mistakes.

    Args:
        scripts: name (a path) → bytes.

    Returns:
        What was found, by file and line; and why a script could not be read.
    """
    sources, unread = [], []
    for name, data in scripts.items():
        try:
            sources.append(read(data, name))
        except Unreadable as problem:
            unread.append(str(problem))
    flow = Flow(sources, [module_of(source.name) for source in sources])
    found = []
    for rule in RULES:
        for file, node, reason in rule(flow):
            text = " ".join(file.source.code(node).split())
            shown = text if len(text) <= 88 else f"{text[:87]}…"
            found.append(Finding(file.source.name, node.lineno, MISTAKE, shown, reason, "mistakes"))  # type: ignore[attr-defined]
    return sorted(set(found)), unread


def calls(flow: Flow) -> Iterator[tuple[File, Scope, ast.Call]]:
    for file in flow.files:
        for scope, call in file.calls:
            yield file, scope, call


def of_mindspore(thing: Thing) -> bool:
    return thing.name.startswith("mindspore.")


def wrong_names(flow: Flow) -> Found:
    """An argument under the other framework's name."""
    for thing in flow.all(OPTIMIZER):
        framework, _, name = thing.name.partition(".")
        table = (MINDSPORE if framework == "mindspore" else TORCH)[name]
        call = thing.node
        assert isinstance(call, ast.Call) and thing.scope is not None
        if thing.scope.file.names.dotted(call.func).startswith("calando."):
            continue
        known = {*table.order, *table.keywords, "use_lazy", "use_offload"}
        for word in call.keywords:
            if word.arg is not None and word.arg not in known:
                hint = {"lr": "learning_rate", "betas": "beta1 and beta2", "learning_rate": "lr"}.get(word.arg)
                told = f"; it is called {hint} there" if hint else ""
                yield thing.scope.file, word, f"{name} has no argument {word.arg!r}{told}"


def late_rates(flow: Flow) -> Found:
    """A learning rate that is set after the update it was meant for, or a scheduler stepped before it."""
    for file, scope, call in calls(flow):
        if not isinstance(call.func, ast.Attribute) or call.func.attr != "step":
            continue
        for thing in flow.things(scope, call.func.value):
            if thing.kind != SCHEDULER or call.args:
                continue
            loops = enclosing(scope, call)
            for optimizer in flow.all(OPTIMIZER):
                for place, update in updates(flow, optimizer):
                    same = place is scope and loops and enclosing(place, update)[-1:] == loops[-1:]
                    if same and call.lineno < update.lineno and drives(flow, thing, optimizer):
                        yield file, call, "the scheduler is stepped before the optimizer: its first rate is never used"
    for file, scope, call in calls(flow):
        if file.names.dotted(call.func).rpartition(".")[2] != "assign" or len(call.args) < 2:
            continue
        target = call.args[0]
        if isinstance(target, ast.Attribute) and target.attr == "learning_rate":
            loops = enclosing(scope, call)
            for thing in flow.things(scope, target.value):
                for place, update in updates(flow, thing) if thing.kind == OPTIMIZER else ():
                    if (
                        place is scope
                        and loops
                        and loops[-1] in enclosing(place, update)
                        and update.lineno < call.lineno
                    ):
                        yield file, call, "the rate is assigned after the update: each update uses the rate before it"


def drives(flow: Flow, scheduler: Thing, optimizer: Thing) -> bool:
    call = scheduler.node
    assert isinstance(call, ast.Call) and scheduler.scope is not None
    return bool(call.args) and optimizer in flow.things(scheduler.scope, call.args[0])


def foreign_gradients(flow: Flow) -> Found:
    """An optimizer that is given the gradients of another one's parameters."""
    for optimizer in filter(of_mindspore, flow.all(OPTIMIZER)):
        for scope, call in updates(flow, optimizer):
            if not call.args or not isinstance(call.args[0], ast.Name):
                continue
            name = call.args[0].id
            for _, statement in stored(flow.home(scope, name)).get(name, []):
                value = statement.value if isinstance(statement, ast.Assign) else None
                if not isinstance(value, ast.Call):
                    continue
                for made in flow.things(scope, value.func):
                    owners = weights_of(flow, made) if made.kind == GRADIENT else frozenset()
                    if owners and optimizer not in owners:
                        yield scope.file, call, "these are the gradients of another optimizer's parameters"


def weights_of(flow: Flow, made: Thing) -> frozenset[Thing]:
    """The optimizers whose parameters a gradient function differentiates by."""
    call = made.node
    assert isinstance(call, ast.Call) and made.scope is not None
    given = call.args[2] if len(call.args) > 2 else next((w.value for w in call.keywords if w.arg == "weights"), None)
    if isinstance(given, ast.Attribute) and given.attr == "parameters":
        return frozenset(t for t in flow.things(made.scope, given.value) if t.kind == OPTIMIZER)
    return frozenset()


def summed_outputs(flow: Flow) -> Found:
    """value_and_grad over several outputs without has_aux: the gradient of their sum."""
    for made in flow.all(GRADIENT):
        call, scope = made.node, made.scope
        assert isinstance(call, ast.Call) and scope is not None
        aux = call.args[3] if len(call.args) > 3 else next((w.value for w in call.keywords if w.arg == "has_aux"), None)
        if made.name != "value_and_grad" or (aux is not None and not (isinstance(aux, ast.Constant) and not aux.value)):
            continue
        fn = call.args[0] if call.args else None
        outputs = 0
        if isinstance(fn, ast.Lambda) and isinstance(fn.body, ast.Tuple):
            outputs = len(fn.body.elts)
        elif isinstance(fn, ast.Name) and (target := flow.definition(scope, fn.id)) is not None:
            returned = [n.value for n in ast.walk(target.node) if isinstance(n, ast.Return)]
            outputs = max((len(v.elts) for v in returned if isinstance(v, ast.Tuple)), default=0)
        if outputs > 1:
            told = f"the function has {outputs} outputs and has_aux is not set: this is the gradient of their sum"
            yield scope.file, call, told


def fixed_epochs(flow: Flow) -> Found:
    """Steps per epoch as a number that is true for one data set only."""
    for file, _scope, call in calls(flow):
        for word in call.keywords:
            literal = isinstance(word.value, ast.Constant) and isinstance(word.value.value, int)
            if word.arg and PER_EPOCH.search(word.arg) and literal and word.value.value not in (0, 1):  # type: ignore[attr-defined]
                yield file, word, "steps per epoch is a number here: take it from the data, as len(loader)"
    for file in flow.files:
        for node in file.where:
            if (
                (
                    isinstance(node, ast.Assign)
                    and isinstance(node.targets[0], ast.Name)
                    and isinstance(node.value, ast.Constant)
                )
                and PER_EPOCH.search(node.targets[0].id)
                and isinstance(node.value.value, int)
                and node.value.value > 1
            ):
                yield file, node, "steps per epoch is a number here: take it from the data, as len(loader)"


def unused_decays(flow: Flow) -> Found:
    """A decay of the learning rate that is computed, or a function for it, and never used."""
    for file in flow.files:
        used = {n.id for n in file.where if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        used |= {n.attr for n in file.where if isinstance(n, ast.Attribute)}
        abroad = {name for other in flow.files for name in other.names.taken if other is not file}
        for node, _scope in file.where.items():
            if isinstance(node, ast.FunctionDef) and ADJUST.search(node.name) and node.name not in used | abroad:
                yield (
                    file,
                    ast.copy_location(ast.Name(node.name), head(node)),
                    "this function is never called: the learning rate never changes",
                )
            if (
                isinstance(node, ast.Assign)
                and isinstance(node.targets[0], ast.Name)
                and DECAY.search(node.targets[0].id)
            ) and node.targets[0].id not in used | abroad:
                yield file, node, "this decay of the learning rate is never used"


def head(node: ast.FunctionDef) -> ast.AST:
    """The place of a function's name."""
    place = ast.Name(node.name)
    place.lineno, place.end_lineno = node.lineno, node.lineno
    place.col_offset = node.col_offset
    place.end_col_offset = node.col_offset + len("def ") + len(node.name)
    return place


def without_effect(flow: Flow) -> Found:
    """Numbers of MindSpore's optimizers that are assigned to and not looked at again."""
    for file in flow.files:
        for node, scope in file.where.items():
            if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Store):
                continue
            own = any(of_mindspore(t) and not calando(t) for t in flow.things(scope, node.value) if t.kind == OPTIMIZER)
            if own and node.attr in {*NO_EFFECT, "learning_rate"}:
                told = "assigning to an attribute of MindSpore's optimizer has no effect once it has made a step"
                yield file, node, f"{told}; ops.assign has, for the learning rate and the momentum"
            elif own and node.attr == "parameter":
                yield file, node, "it is called parameters"


def calando(thing: Thing) -> bool:
    call = thing.node
    return (
        isinstance(call, ast.Call)
        and thing.scope is not None
        and thing.scope.file.names.dotted(call.func).startswith("calando.")
    )


def mindspore_traps(flow: Flow) -> Found:
    """What MindSpore takes without a word and does otherwise than meant."""
    for thing in filter(of_mindspore, flow.all(OPTIMIZER)):
        call, name = thing.node, thing.name.partition(".")[2]
        assert isinstance(call, ast.Call) and thing.scope is not None
        file = thing.scope.file
        if calando(thing):
            continue
        for word in call.keywords:
            true = isinstance(word.value, ast.Constant) and word.value.value is True
            if name == "Momentum" and word.arg == "use_nesterov" and true:
                yield file, word, "MindSpore ignores use_nesterov on the CPU; nn.SGD(nesterov=True) does it"
    for file in flow.files:
        for node in file.where:
            if not isinstance(node, ast.Dict) or not any(
                name.startswith("mindspore") for name in file.names.aliases.values()
            ):
                continue
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "params" and lazy(value):
                    yield (
                        file,
                        value,
                        "an iterator in a group is empty before it is read, so it trains nothing: wrap it in list()",
                    )
    for file, _, call in calls(flow):
        tail = file.names.dotted(call.func)
        if tail.startswith("mindspore.nn.") and tail.endswith("ExponentialDecayLR"):
            steps = next(
                (w.value for w in call.keywords if w.arg == "decay_steps"), call.args[2] if len(call.args) > 2 else None
            )
            if isinstance(steps, ast.Constant) and steps.value == 1:
                yield file, call, "decay_steps=1 decays at every step; for once per epoch give it the steps of an epoch"


def lazy(node: ast.expr) -> bool:
    """Whether an expression is an iterator."""
    return isinstance(node, ast.GeneratorExp) or (
        isinstance(node, ast.Call) and ast.unparse(node.func) in ("filter", "map")
    )


def never_cleared(flow: Flow) -> Found:
    """Gradients of PyTorch that are never set to zero."""
    for thing in flow.all(OPTIMIZER):
        if of_mindspore(thing) or thing.scope is None:
            continue
        clears = [c for _, _, c in calls(flow) if isinstance(c.func, ast.Attribute) and c.func.attr == "zero_grad"]
        for scope, call in updates(flow, thing):
            loops = [loop for loop in enclosing(scope, call) if isinstance(loop, LOOPS)]
            if (
                loops
                and not clears
                and not any(n.arg == "grad" for n in ast.walk(scope.file.source.tree) if isinstance(n, ast.arg))
            ):
                yield scope.file, call, "no gradient is ever set to zero: they pile up over all steps"


RULES: tuple[Callable[[Flow], Found], ...] = (
    wrong_names, late_rates, foreign_gradients, summed_outputs, fixed_epochs, unused_decays, without_effect,
    mindspore_traps, never_cleared,
)  # fmt: skip
