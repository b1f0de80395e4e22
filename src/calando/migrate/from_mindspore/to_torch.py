"""MindSpore to PyTorch: construction, rates and training step of every optimizer, wholly or not at all."""

from __future__ import annotations

import ast

from ...lexicon import COPIES, DYNAMIC, GROUPED, MINDSPORE, RETURNS, TORCH
from ..finding import CHECK, HUMAN, KEPT, REWRITTEN, Finding, Spoken
from ..reading.blocks import statement_of
from ..reading.carry import constant
from ..reading.flow import OPTIMIZER, File, Scope, Thing
from ..reading.rhythm import updates
from ..reading.unpack import unpacked
from ..speak import respoken
from ..work import Left, Work, off, uses
from .as_lambda import lambda_lr
from .back import UNSAID, Back
from .cells import networks_of, one_step_cells
from .free import CLIPS, emptied_maps, free
from .grouped import construct_grouped, group_numbers, grouped
from .model import models
from .numbers import checkpoints, is_tensor, numbers, untensored
from .own_cells import WATCHES, overflowing, own_cells
from .params import parameters
from .rates import SCHEDULES, moves, schedule_text
from .step import gradient_functions, step

CHANGED = "the gradients are changed in line"  # which the looser way says more precisely
DROPPED = (
    "relative_step","use_locking", "update_slots", "loss_scale", "use_lazy", "use_offload",
    "use_nesterov", "use_amsgrad",
)  # fmt: skip
FILES = "a file of the network's: torch.save and torch.load of its state_dict, where it is PyTorch's"
HALVED = "the network's precision: torch.autocast around the forward pass, whose operations in float16 are others"
SECOND = "PyTorch has no optimizer of second order: what it trains stays MindSpore's"
STRANGE = "no optimizer that it trains with was rewritten: it stays, with its training"
NETWORKS = {
    "auto_mixed_precision": HALVED,
    "thor": SECOND,
    "Model": STRANGE,
    "WithLossCell": "network and loss in one: it goes with the network",
    **dict.fromkeys(("save_checkpoint", "load_checkpoint", "load_param_into_net"), FILES),
}
BY_INPUTS = (
    "it differentiates by inputs, as a part of the network: torch.autograd.grad(…, create_graph=True) where that is "
    "PyTorch's"
)
INPUTS = dict.fromkeys(("mindspore.grad", "mindspore.ops.grad"), BY_INPUTS)
KNOWN = (
    "TrainOneStepCell", "TrainOneStepWithLossScaleCell", "build_train_network", "Model", "save_checkpoint",
    "load_param_into_net", "print",
    "value_and_grad", "__init__", "isinstance", "id",
)  # fmt: skip


def to_torch(work: Work) -> None:
    """Rewrite a whole project for PyTorch."""
    left: dict[Thing, str] = {}
    while True:
        done = whole_ones(work, left)
        bound = {**unclipped(work, done, left), **torn(work, done, left)}
        if not bound:
            break
        left.update(bound)
        work.forget()
    if done:
        lists(work)
        networks(work)
        for file in work.flow.files:
            emptied_maps(work, file)
    rest(work)


def whole_ones(work: Work, left: dict[Thing, str]) -> set[Thing]:
    """Rewrite every optimizer that can be, of those not yet known to be left; the others are put there, with why."""
    done: set[Thing] = set()
    for thing in work.flow.all(OPTIMIZER):
        file = thing.scope.file  # type: ignore[union-attr]
        if not thing.name.startswith("mindspore."):
            work.say(file, thing.node, KEPT, "it is PyTorch's already", "optimizer")
            continue
        why = left.get(thing, "")
        if not why:
            why = carried_back(work, thing)
        if why:
            left[thing] = why
            work.say(file, thing.node, HUMAN, f"left whole: {why}", "optimizer")
        else:
            done.add(thing)
    return done


def carried_back(work: Work, thing: Thing) -> str:
    """Rewrite one optimizer in the plainest way that it allows; why it was left, empty where it was not."""
    whys: list[str] = []
    for loose, carried in ((False, False), (False, True), (True, True)):
        if carried and not loose and UNSAID not in whys[0]:
            continue
        why = work.attempt(lambda loose=loose, carried=carried: carry_back(work, thing, loose, carried))  # type: ignore[misc]
        if not why:
            return ""
        whys.append(why)
    return whys[-1] if any(word in whys[0] for word in (WATCHES, CHANGED)) else whys[0]


def torn(work: Work, done: set[Thing], left: dict[Thing, str]) -> dict[Thing, str]:
    """Optimizers that were rewritten beside one that was not, where either may make the same update."""
    lost: dict[int, Thing] = {}
    for other in left:
        for _, call in updates(work.flow, other):
            lost.setdefault(id(call), other)
    found = {}
    for thing in done:
        beside = next((lost[id(call)] for _, call in updates(work.flow, thing) if id(call) in lost), None)
        if beside is not None:
            line = beside.node.lineno  # type: ignore[attr-defined]
            found[thing] = f"the same update may be that of line {line}, which cannot be rewritten: {left[beside]}"
    return found


def carry_back(work: Work, thing: Thing, loose: bool, carried: bool) -> None:
    """Rewrite one optimizer and everything that belongs to it.

    Args:
        loose: whether gradients stay values of their own.
        carried: whether the optimizer keeps its loss_scale.

    Raises:
        Left: some part of it cannot be; then all of it stays.
    """
    name = thing.name.rpartition(".")[2]
    form = (COPIES if grouped(thing) else RETURNS).get(name)
    if form is None or not (form.torch or form.ours):
        raise Left(form.why if form else f"PyTorch has no {name}")
    for scope, node in uses(work.flow, thing):
        followed(work, scope, node)
    back = Back(work, thing, form, arguments_of(thing, name), free=loose, carried=carried)
    spelled_out(back)
    if grouped(thing):
        construct_grouped(back)
    else:
        construct(back, name)
    if not loose:
        overflowing(work, thing)
    sites = updates(work.flow, thing)
    back.stepped = len(sites)
    if loose and sites:
        free(back)
    for scope, call in () if loose else sites:
        step(back, scope, call)
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


def followed(work: Work, scope: Scope, node: ast.expr) -> None:
    """Raise Left where an optimizer goes somewhere that cannot be followed."""
    parent = scope.file.parents[node]
    call = parent if isinstance(parent, ast.Call) else scope.file.parents.get(parent)
    if not isinstance(call, ast.Call) or node is call.func or not isinstance(parent, (ast.Call, ast.keyword)):
        return
    dotted = scope.file.names.dotted(call.func) or ast.unparse(call.func)
    if dotted.startswith("mindspore.experimental.optim.lr_scheduler."):
        return  # it goes with the optimizer
    if dotted.rpartition(".")[2] == "LARS":
        raise Left(
            f"nn.LARS stands in front of it in line {call.lineno}; calando.torch.LARS is SGD with it: compare by hand"
        )
    if work.flow.callee(scope, call) is None and dotted.rpartition(".")[2] not in KNOWN:
        raise Left(f"it is given to {ast.unparse(call.func)} in line {node.lineno}, which is not in this project")


def arguments_of(thing: Thing, name: str) -> dict[str | None, ast.expr]:
    """An optimizer's arguments by their names."""
    call = thing.node
    assert isinstance(call, ast.Call)
    given: dict[str | None, ast.expr] = dict(
        zip((GROUPED if grouped(thing) else MINDSPORE)[name].order, call.args, strict=False)
    )
    given.update({w.arg: w.value for w in call.keywords})
    return given


def spelled_out(back: Back) -> None:
    """``**options`` that are written out as a dictionary are read as arguments.

    Raises:
        Left: they are not.
    """
    call, scope = back.thing.node, back.thing.scope
    assert isinstance(call, ast.Call) and scope is not None
    back.code = scope.file.source.code(call)
    if None in back.given:
        back.code, options = unpacked(back.work, scope, call)
        del back.given[None]
        back.given.update(options)


def construct(back: Back, name: str) -> None:
    """Rewrite the call that makes an optimizer."""
    work, form, given = back.work, back.form, back.given
    call, scope = back.thing.node, back.thing.scope
    assert isinstance(call, ast.Call) and scope is not None
    file, spoken = scope.file, MINDSPORE[name]
    refuse(given)
    back.moving = moves(work, back.thing, given)
    choose(back, name)
    values: dict[str, str | None] = {n: None for n in DROPPED if n in given}
    names: dict[str, str | tuple[str, ...]] = {"params": "params"}
    names.update({old: new for old, new in form.names.items() if not new.startswith("betas")})
    if scaled(back):
        names["loss_scale"] = "loss_scale"
        del values["loss_scale"]
    for old, new in form.only.items():
        if old in given and not off(given[old]):
            names[old] = new
            values.pop(old)
    extra = aloud(back, name)
    pair = [file.source.code(given[n]) if n in given else repr(spoken.default(n)) for n in ("beta1", "beta2")
            if form.names.get("beta1") == "betas0"]  # fmt: skip
    if pair and {"beta1", "beta2"} & set(given):
        values.update({n: None for n in ("beta1", "beta2") if n in given})
        extra["betas"] = f"({', '.join(pair)})"
    statement = statement_of(file, call)
    for word in ("learning_rate", "weight_decay"):
        if word in given and (text := schedule_text(work, scope, given[word], statement, word)):
            values[word] = text
    if back.moving and work.wish.style == "guide":
        lambda_lr(back, values)
    elif "learning_rate" not in values and is_tensor(file, given.get("learning_rate")):
        values["learning_rate"] = untensored(file, given["learning_rate"])
    values["params"] = parameters(work, scope, given["params"], given.get("weight_decay"))
    home = back.target.rpartition(".")[0]
    work.need(file, "import torch" if home == "torch.optim" else f"import {home}")
    work.replace(file, call, respoken(back.code, back.target, spoken.order, names, values, extra))
    work.say(file, call, *equality(back, name), "optimizer")


def choose(back: Back, name: str) -> None:
    """The class that an optimizer becomes.

    Raises:
        Left: the style has none.
    """
    form, exact = back.form, back.work.wish.style == "exact"
    special = [n for n in form.only if n in back.given and not off(back.given[n])]
    if scaled(back):
        special.append("a loss_scale that the lines of its update do not know")
    ours = exact and (back.moving or bool(form.why) or bool(special))
    back.target = form.ours if ours else f"torch.optim.{form.torch}"
    if not exact and (not form.torch or special):
        raise Left(f"{form.why or special[0] + ' has no counterpart'}; --style exact has it")


def scaled(back: Back) -> bool:
    """Whether the class that an optimizer becomes must divide gradients itself."""
    scope, held = back.thing.scope, back.given.get("loss_scale")
    assert scope is not None
    return back.carried and held is not None and constant(back.work.flow, held, scope) != 1


def equality(back: Back, name: str) -> tuple[str, str]:
    """How certain it is that an optimizer follows the same path, and why."""
    if name == "Momentum" and not off(back.given.get("use_nesterov")):
        told = "plain momentum: MindSpore ignores use_nesterov on the CPU; add nesterov=True if it ran elsewhere"
        return CHECK, told
    if back.form.why and back.target.startswith("torch."):
        return CHECK, f"{back.target} is not equal: {back.form.why}"
    if name == "FTRL" and not off(back.given.get("l1")):
        return CHECK, f"{back.target} follows the documentation; with l1, MindSpore's CPU kernel does not"
    if name == "RMSProp":
        return CHECK, f"{back.target} has eps inside the root, as documented; the CPU's kernel has it outside in places"
    lazy = name == "LazyAdam" or not off(back.given.get("use_lazy"))
    if lazy and any("sparse=True" in file.source.text for file in back.work.flow.files):
        return CHECK, f"{back.target} moves every row; of a sparse gradient MindSpore's moved only its own"
    if name == "AdaFactor":
        return CHECK, f"{back.target} decays groups and hears the loss scale, as documented; the CPU's kernel does not"
    if name == "Lamb":
        return CHECK, f"{back.target} follows the GPU's kernel, of which there is no live one to compare with here"
    return REWRITTEN, f"{back.target} follows the same path"


def refuse(given: dict[str | None, ast.expr]) -> None:
    """Raise Left for arguments that have no counterpart."""
    if "params" not in given:
        raise Left("its parameters are not written out")


def aloud(back: Back, name: str) -> dict[str, str]:
    """Defaults of MindSpore that the class it becomes does not have, said aloud."""
    extra: dict[str, str] = {}
    call, scope = back.thing.node, back.thing.scope
    home, _, cls = back.target.rpartition(".")
    if home not in ("torch.optim", "calando.torch") or cls not in TORCH:
        return extra
    assert scope is not None
    for old, new in back.form.names.items():
        if old in back.given or new.startswith("betas"):
            continue
        mine, its = MINDSPORE[name].default(old), TORCH[cls].default(new)
        if mine != its:
            extra[new] = repr(mine)
            told = f"PyTorch's default is {its!r}, MindSpore's {mine!r}"
            back.work.spoken.append(Spoken(scope.file.source.name, call.lineno, cls, new, repr(mine), told))  # type: ignore[attr-defined]
    return extra


def lists(work: Work) -> None:
    """MindSpore's functions that make lists of rates are calando's too, which need no MindSpore."""
    for file in work.flow.files:
        for node in file.where:
            if isinstance(node, ast.Call):
                dotted = file.names.dotted(node.func)
                if dotted.startswith("mindspore.") and dotted.rpartition(".")[2] in DYNAMIC:
                    name = dotted.rpartition(".")[2]
                    work.need(file, "import calando.mindspore.nn")
                    work.within(file, node.func, f"calando.mindspore.nn.{name}")
                    work.say(file, node, REWRITTEN, "the same list, without MindSpore", "schedule")


def networks(work: Work) -> None:
    """Say once per class that the network itself is not translated."""
    for file in work.flow.files:
        for node in networks_of(work, file):
            if id(node) in work.told:
                continue  # a schedule
            first = file.source.code(node).splitlines()[0]
            reason = "the network stays MindSpore's: write it as torch.nn.Module, or import one"
            work.findings.append(Finding(file.source.name, node.lineno, HUMAN, first, reason, "network"))  # type: ignore[attr-defined]


def rest(work: Work) -> None:
    """What stays as it is, and why."""
    told = set(work.told)
    for key, (file, node, _) in work.mentions.items():
        if key in told:
            continue
        if isinstance(node, ast.ClassDef):
            if any(file.names.dotted(base).endswith("LearningRateSchedule") for base in node.bases):
                work.say(file, node, KEPT, "a schedule that is asked step by step", "schedule")
            continue
        if not isinstance(node, ast.Call):
            continue
        if in_schedule(file, node):
            work.say(file, node, KEPT, "a part of a schedule that is asked step by step", "schedule")
            continue
        dotted = file.names.dotted(node.func)
        if why := NETWORKS.get(dotted.rpartition(".")[2] if dotted.startswith("mindspore.") else ""):
            work.say(file, node, HUMAN, why, "network")
        elif dotted in INPUTS and not weights_of(node):
            work.say(file, node, HUMAN, INPUTS[dotted], "network")
        elif dotted.startswith(("torch.", "calando.")) or (
            isinstance(node.func, ast.Attribute)
            and any(t.name.startswith("torch.") for t in work.flow.things(file.where[node], node.func.value))
        ):
            work.say(file, node, KEPT, "it is PyTorch's already", "step")
        elif isinstance((target := work.flow.callee(file.where[node], node)) and target.node, ast.FunctionDef):
            work.say(file, node, KEPT, "a function of the project, whose lines are listed themselves", "step")
        elif dotted.endswith(SCHEDULES):
            work.say(file, node, KEPT, "a part of a schedule that is asked step by step", "schedule")
    handed_round(work)


def weights_of(call: ast.Call) -> bool:
    """Whether ``grad`` is given weights to differentiate by."""
    return len(call.args) > 2 or any(word.arg == "weights" for word in call.keywords)


def handed_round(work: Work) -> None:
    """Say of calls that make an optimizer in the project, or hand one to it, that they stay."""
    told = set(work.told)
    for file in work.flow.files:
        for scope, call in file.calls:
            target = work.flow.callee(scope, call)
            parts = [call, *call.args, *(word.value for word in call.keywords)]
            if target is None or id(call) in told or not any(OPTIMIZER in work.flow.kinds(scope, x) for x in parts):
                continue
            what = "class" if isinstance(target.node, ast.ClassDef) else "function"
            work.say(file, call, KEPT, f"a {what} of the project, whose lines are listed themselves", "step")


def in_schedule(file: File, node: ast.AST) -> bool:
    """Whether a place is in a class of the script's that is a schedule of MindSpore's."""
    while node in file.parents:
        node = file.parents[node]
        if isinstance(node, ast.ClassDef):
            return any(file.names.dotted(base).endswith("LearningRateSchedule") for base in node.bases)
    return False
