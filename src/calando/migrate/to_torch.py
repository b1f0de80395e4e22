"""MindSpore to PyTorch: construction, rates and training step of every optimizer, wholly or not at all."""

from __future__ import annotations

import ast

from ..lexicon import DYNAMIC, MINDSPORE, RETURNS, TORCH
from ..lexicon.pairs import Return
from .carry import constant, stored, within
from .finding import CHECK, HUMAN, KEPT, REWRITTEN, Finding, Spoken
from .flow import OPTIMIZER, File, Scope, Thing
from .params import parts_of
from .rhythm import updates
from .speak import respoken
from .torch_loop import cells, checkpoints, model_train, numbers, one_step_cells
from .torch_step import gradient_functions, step
from .work import Left, Work, statement_of, uses

DROPPED = ("use_locking", "update_slots")
SCHEDULES = ("DecayLR", "WarmUpLR", "LearningRateSchedule")


def to_torch(work: Work) -> None:
    """Rewrite a whole project for PyTorch."""
    done = False
    for thing in work.flow.all(OPTIMIZER):
        file = thing.scope.file  # type: ignore[union-attr]
        if not thing.name.startswith("mindspore."):
            work.say(file, thing.node, KEPT, "it is PyTorch's already", "optimizer")
            continue
        why = work.attempt(lambda thing=thing: carry_back(work, thing))  # type: ignore[misc]
        if why:
            work.say(file, thing.node, HUMAN, f"left whole: {why}", "optimizer")
        done = done or not why
    if done:
        lists(work)
        networks(work)
    rest(work)


def carry_back(work: Work, thing: Thing) -> None:
    """Rewrite one optimizer and everything that belongs to it.

    Raises:
        Left: some part of it cannot be; then all of it stays.
    """
    name = thing.name.partition(".")[2]
    back = RETURNS.get(name)
    if back is None or not back.torch:
        raise Left(back.why if back else f"PyTorch has no {name}")
    for scope, node in uses(work.flow, thing):
        followed(work, scope, node)
    moving = construct(work, thing, name, back)
    stepped = False
    for scope, call in updates(work.flow, thing):
        step(work, thing, scope, call)
        stepped = True
    gradient_functions(work, thing)
    stepped = one_step_cells(work, thing) or stepped
    stepped = model_train(work, thing) or stepped
    if not stepped:
        raise Left("no call that updates its parameters was found in this project")
    numbers(work, thing, moving)
    checkpoints(work, thing)


def followed(work: Work, scope: Scope, node: ast.expr) -> None:
    """Raise Left where an optimizer goes somewhere that cannot be followed."""
    parent = scope.file.parents[node]
    call = parent if isinstance(parent, ast.Call) else scope.file.parents.get(parent)
    if isinstance(parent, ast.keyword):
        call = scope.file.parents[parent]
    if not isinstance(call, ast.Call) or node is call.func or not isinstance(parent, (ast.Call, ast.keyword)):
        return
    dotted = scope.file.names.dotted(call.func)
    target = work.flow.callee(scope, call)
    if "super().__init__" in ast.unparse(call.func):
        return
    known = ("TrainOneStepCell", "Model", "save_checkpoint", "load_param_into_net", "print", "value_and_grad")
    if target is None and dotted.rpartition(".")[2] not in known:
        raise Left(f"it is given to {ast.unparse(call.func)} in line {node.lineno}, which is not in this project")
    if target is not None and isinstance(target.node, ast.ClassDef):
        bases = [target.file.names.dotted(base) for base in target.node.bases]
        if any(base.startswith("mindspore.") for base in bases):
            raise Left(f"{target.node.name} (line {target.node.lineno}) is a training step of the script's own")


def construct(work: Work, thing: Thing, name: str, back: Return) -> bool:
    """Rewrite the call that makes an optimizer; whether its learning rate moves."""
    call, scope = thing.node, thing.scope
    assert isinstance(call, ast.Call) and scope is not None
    file, spoken = scope.file, MINDSPORE[name]
    given: dict[str | None, ast.expr] = dict(zip(spoken.order, call.args, strict=False))
    given.update({w.arg: w.value for w in call.keywords})
    refuse(given, name)
    moving = moves(work, thing, given)
    exact = work.wish.style == "exact"
    ours = exact and (moving or bool(back.eps))
    if moving and not exact:
        raise Left("its learning rate is a list; --style exact puts it into calando.torch's optimizer")
    values: dict[str, str | None] = {n: None for n in DROPPED if n in given}
    values.update(
        {n: None for n in ("loss_scale", "use_nesterov", "use_amsgrad", "use_lazy", "use_offload") if n in given}
    )
    names: dict[str, str | tuple[str, ...]] = {"params": "params"}
    names.update({old: new for old, new in back.names.items() if not new.startswith("betas")})
    extra = aloud(work, file, call, name, back, given)
    if "beta1" in back.names:
        first, second = (
            file.source.code(given[n]) if n in given else repr(spoken.default(n)) for n in ("beta1", "beta2")
        )
        values.update({n: None for n in ("beta1", "beta2") if n in given})
        extra["betas"] = f"({first}, {second})"
        if ours and back.eps:
            eps = file.source.code(given["eps"]) if "eps" in given else repr(spoken.default("eps"))
            values.update({"eps": None} if "eps" in given else {})
            extra["eps"] = back.eps.format(eps=eps, beta2=second)
    values["params"] = parameters(work, scope, given["params"], given.get("weight_decay"), statement_of(file, call))
    rate = given.get("learning_rate")
    if rate is not None and (text := schedule_text(work, scope, rate)):
        values["learning_rate"] = text
    home = "calando.torch" if ours else "torch.optim"
    work.need(file, f"import {home}" if ours else "import torch")
    new = respoken(file.source.code(call), f"{home}.{back.torch}", spoken.order, names, values, extra)
    work.replace(file, call, new)
    certainty, reason = (REWRITTEN, f"{home}.{back.torch} follows the same path")
    if back.why and not ours:
        certainty, reason = CHECK, f"{home}.{back.torch} is not equal: {back.why}"
    if name == "Momentum" and "use_nesterov" in given:
        certainty, reason = (
            CHECK,
            "plain momentum: MindSpore ignores use_nesterov on the CPU; add nesterov=True if it ran elsewhere",
        )
    work.say(file, call, certainty, reason, "optimizer")
    return moving


def refuse(given: dict[str | None, ast.expr], name: str) -> None:
    """Raise Left for arguments that have no counterpart."""
    if None in given:
        raise Left("its arguments are not written out (**)")
    if "params" not in given:
        raise Left("its parameters are not written out")
    scale = given.get("loss_scale")
    if scale is not None and not (isinstance(scale, ast.Constant) and scale.value == 1):
        raise Left("it divides gradients by loss_scale: take the scale out of loss and optimizer")
    for flag in ("use_amsgrad", "use_lazy", "use_offload", *(() if name == "Momentum" else ("use_nesterov",))):
        value = given.get(flag)
        if value is not None and not (isinstance(value, ast.Constant) and not value.value):
            raise Left(f"{flag} has no counterpart")
    if name == "SGD" and "dampening" in given:
        raise Left("dampening works from the second update on in both; compare by hand")


def moves(work: Work, thing: Thing, given: dict[str | None, ast.expr]) -> bool:
    """Whether an optimizer's learning rate may be a list or schedule, or its clock is asked for."""
    scope = thing.scope
    assert scope is not None
    rate = given.get("learning_rate")
    if rate is not None and not surely_number(work, scope, rate):
        return True
    for where, node in parts_of(work.flow, scope, given["params"]):
        for inner in ast.walk(node):
            if isinstance(inner, ast.Dict):
                for key, value in zip(inner.keys, inner.values, strict=True):
                    if isinstance(key, ast.Constant) and key.value == "lr" and not surely_number(work, where, value):
                        return True
    return any(getattr(s.file.parents[n], "attr", "") == "global_step" for s, n in uses(work.flow, thing))


def surely_number(work: Work, scope: Scope, node: ast.expr) -> bool:
    """Whether an expression is one number."""
    if constant(work.flow, node, scope) is not None:
        return True
    text = ast.unparse(node)
    if isinstance(node, ast.Attribute) and text.rpartition(".")[2] in ("lr", "learning_rate", "base_lr"):
        return True
    return isinstance(node, ast.Call) and text.startswith("float(")


def schedule_text(work: Work, scope: Scope, rate: ast.expr) -> str:
    """A Cell of MindSpore's as a function of the step; empty where it is none."""
    for name in (n for n in ast.walk(rate) if isinstance(n, ast.Name)):
        home = work.flow.home(scope, name.id)
        for _, statement in stored(home).get(name.id, []):
            if isinstance(statement, ast.Assign) and is_schedule(work, home, statement.value):
                work.need(scope.file, "import mindspore")
                return f"lambda step: float({name.id}(mindspore.Tensor(step, mindspore.int32)).asnumpy())"
    if is_schedule(work, scope, rate):
        raise Left("give the schedule a name before it goes into the optimizer")
    return ""


def is_schedule(work: Work, scope: Scope, node: ast.expr) -> bool:
    """Whether an expression makes a LearningRateSchedule."""
    if not isinstance(node, ast.Call):
        return False
    dotted = scope.file.names.dotted(node.func)
    if dotted.endswith(SCHEDULES):
        return True
    target = work.flow.callee(scope, node)
    if target is None or not isinstance(target.node, ast.ClassDef):
        return False
    return any(target.file.names.dotted(base).endswith("LearningRateSchedule") for base in target.node.bases)


def aloud(
    work: Work, file: File, call: ast.Call, name: str, back: Return, given: dict[str | None, ast.expr]
) -> dict[str, str]:
    """Defaults of MindSpore that PyTorch does not have, said aloud."""
    extra: dict[str, str] = {}
    for old, new in back.names.items():
        if old in given or new.startswith("betas"):
            continue
        mine, its = MINDSPORE[name].default(old), TORCH[back.torch].default(new)
        if mine != its:
            extra[new] = repr(mine)
            told = f"PyTorch's default is {its!r}, MindSpore's {mine!r}"
            work.spoken.append(Spoken(file.source.name, call.lineno, back.torch, new, repr(mine), told))
    return extra


def parameters(work: Work, scope: Scope, params: ast.expr, decay: ast.expr | None, statement: ast.stmt) -> str:
    """An optimizer's parameters in PyTorch's words."""
    file = scope.file
    text = file.source.code(params)
    if (
        isinstance(params, ast.Call)
        and isinstance(params.func, ast.Attribute)
        and params.func.attr == "trainable_params"
    ):
        owner = file.source.code(params.func.value)
        plain = f"[p for p in {owner}.parameters() if p.requires_grad]"
        decays = decay is not None and not (isinstance(decay, ast.Constant) and not decay.value)
        if not decays or not any("Norm" in f.source.text for f in work.flow.files):
            return plain
        name = file.names.free("exempt")
        told = "MindSpore decays no parameter called beta or gamma: those of normalization layers"
        layers = f'm for m in {owner}.modules() if "Norm" in type(m).__name__'
        work.before(
            file, statement, f"# {told}",
            f"{name} = {{id(p) for m in ({layers}) for p in m.parameters(recurse=False)}}",
        )  # fmt: skip
        rest = f"[p for p in {owner}.parameters() if p.requires_grad and id(p)"
        return f'[{{"params": {rest} not in {name}]}}, {{"params": {rest} in {name}], "weight_decay": 0.0}}]'
    groups(work, scope, params)
    return text


def groups(work: Work, scope: Scope, params: ast.expr) -> None:
    """Parameter groups in PyTorch's words: ``order_params`` goes."""
    pieces = list(parts_of(work.flow, scope, params))
    owners: list[tuple[Scope, ast.Call]] = []
    for where, node in pieces:
        file = where.file
        for inner in ast.walk(node):
            func = inner.func if isinstance(inner, ast.Call) and not inner.args else None
            if isinstance(inner, ast.Call) and isinstance(func, ast.Attribute) and func.attr == "trainable_params":
                owner = file.source.code(func.value)
                owners.append((file.where[inner], inner))
                work.replace(file, inner, f"[p for p in {owner}.parameters() if p.requires_grad]")
                work.say(file, inner, REWRITTEN, "the parameters that are trained", "groups")
            if isinstance(inner, (ast.List, ast.Tuple)):
                for number, item in enumerate(inner.elts):
                    if isinstance(item, ast.Dict):
                        group(work, file, inner, number, item)
    for where, node in pieces:
        named(work, where, node, owners)


def group(work: Work, file: File, holder: ast.List | ast.Tuple, number: int, item: ast.Dict) -> None:
    """One dictionary of a list of groups."""
    keys = [key.value if isinstance(key, ast.Constant) else None for key in item.keys]
    if keys == ["order_params"]:
        end = file.source.span(item)[1]
        if number:
            start = file.source.span(holder.elts[number - 1])[1]
        else:
            start, end = file.source.span(item)[0], file.source.span(holder.elts[1])[0]
        work.between(file, start, end, "")
        work.say(
            file, item, REWRITTEN, "PyTorch gives each parameter its own gradient, so no order is needed", "groups"
        )
    elif "grad_centralization" in keys:
        raise Left("a group centralizes gradients, which PyTorch's optimizers do not")


def named(work: Work, scope: Scope, node: ast.AST, owners: list[tuple[Scope, ast.Call]]) -> None:
    """PyTorch's parameters have no names: they are looked up in a table of MindSpore's names.

    Raises:
        Left: a name is asked for where the network is not known.
    """
    for inner in ast.walk(node):
        asked = isinstance(inner, ast.Attribute) and inner.attr == "name" and isinstance(inner.value, ast.Name)
        if not asked or inner.value.id not in ("p", "param", "x", "parameter", "v"):  # type: ignore[attr-defined]
            continue
        where = scope.file.where[inner]
        known = [(s, c) for s, c in owners if within(where, s)]
        if not known:
            raise Left(f"a parameter's name is asked for in line {inner.lineno}, where its network is not known")  # type: ignore[attr-defined]
        place, call = known[0]
        assert isinstance(call.func, ast.Attribute)
        line = f"name_of = calando.migrate.whole.names({place.file.source.code(call.func.value)})"
        if not any(owner is place.file and line in edit.text for owner, edit in work.edits):
            work.need(place.file, "import calando.migrate.whole")
            work.before(place.file, statement_of(place.file, call), line)
        work.replace(scope.file, inner, f"name_of[{inner.value.id}]")  # type: ignore[attr-defined]
        work.say(scope.file, inner, REWRITTEN, "the name that MindSpore gives it", "groups")


def lists(work: Work) -> None:
    """MindSpore's functions that make lists of rates are calando's too, which need no MindSpore."""
    for file in work.flow.files:
        for node in file.where:
            if isinstance(node, ast.Call):
                dotted = file.names.dotted(node.func)
                if dotted.startswith("mindspore.") and dotted.rpartition(".")[2] in DYNAMIC:
                    name = dotted.rpartition(".")[2]
                    work.need(file, "import calando.mindspore.nn")
                    work.replace(file, node.func, f"calando.mindspore.nn.{name}")
                    work.say(file, node, REWRITTEN, "the same list, without MindSpore", "schedule")


def networks(work: Work) -> None:
    """Say once per class that the network itself is not translated."""
    for file in work.flow.files:
        for node in cells(work, file):
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
        dotted = file.names.dotted(node.func)
        if dotted.startswith(("torch.", "calando.")) or (
            isinstance(node.func, ast.Attribute)
            and any(t.name.startswith("torch.") for t in work.flow.things(file.where[node], node.func.value))
        ):
            work.say(file, node, KEPT, "it is PyTorch's already", "step")
        elif isinstance((target := work.flow.callee(file.where[node], node)) and target.node, ast.FunctionDef):
            work.say(file, node, KEPT, "a function of the project, whose lines are listed themselves", "step")
        elif dotted.endswith(SCHEDULES):
            work.say(file, node, KEPT, "a part of a schedule that is asked step by step", "schedule")
