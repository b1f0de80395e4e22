"""PyTorch to MindSpore: construction, schedule and training step of every optimizer, wholly or not at all."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from ..lexicon import MINDSPORE, PAIRS, TORCH
from ..lexicon.pairs import IMPLEMENTATION, Pair
from .finding import CHECK, HUMAN, KEPT, REWRITTEN, Finding, Spoken
from .flow import NETWORK, OBJECT, OPTIMIZER, SCALER, SCHEDULER, File, Scope, Thing
from .groups import look, write_groups
from .mentions import of_mindspore
from .params import parts_of, said
from .params import to_mindspore as params_to_mindspore
from .place import Placed, one_rate, per_epoch, placed
from .rates import frozen, guide_list
from .reads import behind, group_reads
from .rhythm import early_end, enclosing, grouped, outer_loop, total, updates
from .speak import respoken
from .state import save_and_load
from .steps import rewrite_steps
from .to_calando import drop_item, final, leave_none, said_count, scaled
from .work import Left, Work, statement_of, uses


@dataclass
class Party:
    """Optimizers that are stepped at the same places, with what belongs to them."""

    optimizers: list[Thing]
    schedulers: list[Placed] = field(default_factory=list)
    plateaus: list[Thing] = field(default_factory=list)
    written: bool = False  # whether the script writes into its groups
    read: bool = False  # whether it reads from them
    shown: bool = True  # whether MindSpore's own class can show all that is read
    targets: dict[int, str] = field(default_factory=dict)  # id of an optimizer's call → the class it becomes

    def own(self, thing: Thing) -> bool:
        """Whether an optimizer becomes MindSpore's own class."""
        return self.targets[id(thing.node)].startswith("mindspore.nn.")


def to_mindspore(work: Work) -> None:
    """Rewrite a whole project for MindSpore."""
    left: list[Thing] = []
    for party in parties(work):
        why = work.attempt(lambda party=party: carry_over(work, party))  # type: ignore[misc]
        if why:
            left += party.optimizers
            for thing in party.optimizers:
                work.say(thing.scope.file, thing.node, HUMAN, f"left whole: {why}", "optimizer")  # type: ignore[union-attr]
    if work.edits or left:
        networks(work)
    flips(work)
    rest(work)


def parties(work: Work) -> list[Party]:
    """The optimizers of the project, those together that share a place where they are stepped."""
    things = [t for t in work.flow.all(OPTIMIZER) if t.name.startswith("torch.") and not converted(t)]
    found: list[list[Thing]] = []
    for thing in things:
        sites = {id(call) for _, call in updates(work.flow, thing)}
        for group in found:
            if sites & {id(call) for other in group for _, call in updates(work.flow, other)}:
                group.append(thing)
                break
        else:
            found.append([thing])
    return [Party(group) for group in found]


def converted(thing: Thing) -> bool:
    """Whether an optimizer is calando's already."""
    assert isinstance(thing.node, ast.Call) and thing.scope is not None
    return thing.scope.file.names.dotted(thing.node.func).startswith("calando.")


def carry_over(work: Work, party: Party) -> None:
    """Rewrite one party.

    Raises:
        Left: some part of it cannot be; then all of it stays.
    """
    for thing in party.optimizers:
        name = thing.name.partition(".")[2]
        if name not in PAIRS:
            raise Left(f"MindSpore has no {name}, and calando neither")
        usable(work, thing)
    if not any(updates(work.flow, thing) for thing in party.optimizers):
        raise Left("no call that updates its parameters was found in this project")
    gather(work, party)
    choose(work, party)
    for thing in party.optimizers:
        construct(work, party, thing)
    for place in party.schedulers:
        finish_schedule(work, party, place)
    for thing in party.plateaus:
        plateau(work, party, thing)
    for thing in party.optimizers:
        write_groups(work, thing, party.own(thing), work.wish.style)
        save_and_load(work, thing, party.own(thing))
    look(work, party.optimizers, party.schedulers, party.own(party.optimizers[0]))
    rewrite_steps(work, party.optimizers)


def usable(work: Work, thing: Thing) -> None:
    """Raise Left where an optimizer goes somewhere that cannot be followed."""
    for scope, node in uses(work.flow, thing):
        parent = scope.file.parents[node]
        if isinstance(parent, ast.Attribute):
            if parent.attr in ("add_param_group", "state", "defaults", "register_step_post_hook"):
                raise Left(f".{parent.attr} in line {node.lineno} has no counterpart in MindSpore")
            continue
        call = parent if isinstance(parent, ast.Call) else scope.file.parents.get(parent)
        if isinstance(call, ast.Call) and node is not call.func:
            known = id(call) in work.flow.made or work.flow.callee(scope, call) is not None
            func = call.func
            scaler = isinstance(func, ast.Attribute) and SCALER in work.flow.kinds(scope, func.value)
            if isinstance(parent, (ast.Call, ast.keyword)) and not known and not scaler:
                shown = ast.unparse(func)
                if shown not in ("print", "isinstance", "type", "repr", "str", "id"):
                    raise Left(f"it is given to {shown} in line {node.lineno}, which is not in this project")


def gather(work: Work, party: Party) -> None:
    """Find the schedulers of a party, and whether its groups are read or written."""
    parts: set[int] = set()
    wanted = set(party.optimizers)
    for thing in sorted(work.flow.all(SCHEDULER), key=lambda t: t.name != "SequentialLR"):
        call, scope = thing.node, thing.scope
        assert isinstance(call, ast.Call) and scope is not None
        given = call.args[0] if call.args else next((w.value for w in call.keywords if w.arg == "optimizer"), None)
        if id(call) in parts or given is None or not wanted & work.flow.things(scope, given):
            continue
        if thing.name == "ReduceLROnPlateau":
            party.plateaus.append(thing)
            continue
        place = placed(work, thing)
        parts |= {id(part.node) for part in place.parts}
        party.schedulers.append(place)
    if len(party.schedulers) > 1:
        raise Left("several schedulers drive it")
    for thing in party.optimizers:
        for scope, node, _, only in group_reads(work.flow, thing):
            party.read, party.written = True, party.written or not only
            party.shown = party.shown and only and simple_read(scope, node)
            party.shown = party.shown and not (
                party.schedulers and behind(work.flow, party.optimizers, scope, node, party.schedulers[0].step[1])
            )
    for place in party.schedulers:
        for scope, call in place.reads:
            party.read = True
            if behind(work.flow, party.optimizers, scope, call, place.step[1]):
                party.shown = False


def simple_read(scope: Scope, node: ast.expr) -> bool:
    """Whether a read is ``param_groups[0]["lr"]``."""
    group = scope.file.parents[node]
    number = scope.file.parents.get(group)
    return (
        isinstance(group, ast.Subscript)
        and isinstance(number, ast.Subscript)
        and (isinstance(number.slice, ast.Constant) and number.slice.value == "lr")
    )


def choose(work: Work, party: Party) -> None:
    """Which class each optimizer becomes."""
    for thing in party.optimizers:
        pair = PAIRS[thing.name.partition(".")[2]]
        if work.wish.style == "guide":
            if not pair.guide:
                raise Left(pair.why)
            party.targets[id(thing.node)] = pair.guide
            continue
        plain = not party.written and not party.plateaus and party.shown and len(party.optimizers) == 1
        if party.schedulers and not listable(work, party, thing):
            plain = False
        if stored(work, thing):
            plain = False
        party.targets[id(thing.node)] = pair.exact if plain else pair.ours


def stored(work: Work, thing: Thing) -> bool:
    """Whether an optimizer's state is saved or loaded."""
    names = {"state_dict", "load_state_dict"}
    return any(getattr(scope.file.parents[node], "attr", "") in names for scope, node in uses(work.flow, thing))


def listable(work: Work, party: Party, thing: Thing) -> bool:
    """Whether a schedule can stand as a list in the constructor of MindSpore's own class."""
    place = party.schedulers[0]
    scope = thing.scope
    assert scope is not None
    if place.form.momentum or thing.name.endswith(("ASGD", "Rprop")):
        return False
    line = statement_of(scope.file, thing.node).lineno
    return ahead(work, party, place) and total(work.flow, thing, scope, line) is not None


def ahead(work: Work, party: Party, place: Placed) -> bool:
    """Whether all that a schedule is made of is known where the optimizer is made."""
    thing = party.optimizers[0]
    scope = thing.scope
    if len(party.optimizers) != 1 or place.thing.scope is not scope or scope is None or not one_rate(work, thing):
        return False
    maker, statement = statement_of(scope.file, thing.node), statement_of(scope.file, place.thing.node)
    if scope.file.parents[maker] is not scope.file.parents[statement] or maker.lineno >= statement.lineno:
        return False
    return frozen(work, place, scope, maker.lineno)


def construct(work: Work, party: Party, thing: Thing) -> None:
    """Rewrite the call that makes an optimizer."""
    call, scope = thing.node, thing.scope
    assert isinstance(call, ast.Call) and scope is not None
    file, name = scope.file, thing.name.partition(".")[2]
    pair, target, spoken = PAIRS[name], party.targets[id(call)], TORCH[name]
    own = party.own(thing)
    given: dict[str | None, ast.expr] = dict(zip(spoken.order, call.args, strict=False))
    given.update({w.arg: w.value for w in call.keywords})
    refuse(given, name)
    params = given.get("params")
    if params is None:
        raise Left("its parameters are not written out")
    owners = params_to_mindspore(work, scope, params, own)
    text = said(params, file.source.code(params))
    rename(work, scope, statement_of(file, call), params, owners)
    values: dict[str, str | None] = {n: None for n in given if n in IMPLEMENTATION or n == "maximize"}
    names: dict[str, str | tuple[str, ...]] = {"params": "params", **pair.names}
    extra = aloud(work, file, call, name, pair, target, given)
    decay = given.get("weight_decay")
    named = not target.startswith("calando.mindspore.torch_optim.")  # these leave out parameters called beta and gamma
    if named and not constant_false(decay) and decay is not None and not grouped_params(work, scope, params):
        code = file.source.code(decay)
        text = f'[{{"params": {text}, "weight_decay": {code}}}]'
        values["weight_decay"] = None
    values["params"] = text
    values = {n: v for n, v in values.items() if n in given}
    for place in party.schedulers:
        into_constructor(work, party, place, thing, given, values, extra)
    work.need(file, f"import {target.rpartition('.')[0]}" if not own else "import mindspore")
    work.replace(file, call, respoken(file.source.code(call), target, spoken.order, names, values, extra))
    certainty, reason = equality(work, pair, target)
    work.say(file, call, certainty, reason, "optimizer")


def refuse(given: dict[str | None, ast.expr], name: str) -> None:
    """Raise Left for arguments that have no counterpart."""
    if None in given:
        raise Left("its arguments are not written out (**)")
    if not constant_false(given.get("maximize")):
        raise Left("maximize has no counterpart in MindSpore: negate the loss")
    if not constant_false(given.get("decoupled_weight_decay")):
        raise Left("decoupled_weight_decay has no counterpart")
    if name == "Adagrad" and not constant_false(given.get("lr_decay")):
        raise Left("Adagrad's lr_decay has no counterpart: write it as a schedule of lr")
    if name == "AdamW" and not constant_false(given.get("amsgrad")):
        raise Left("AdamW's amsgrad has no counterpart")


def constant_false(node: ast.expr | None) -> bool:
    return node is None or (isinstance(node, ast.Constant) and not node.value)


def grouped_params(work: Work, scope: Scope, params: ast.expr) -> bool:
    """Whether parameters come in groups."""
    for _, node in parts_of(work.flow, scope, params):
        for inner in ast.walk(node):
            if isinstance(inner, ast.Dict) and any(
                isinstance(k, ast.Constant) and k.value == "params" for k in inner.keys
            ):
                return True
    return False


def rename(work: Work, scope: Scope, statement: ast.stmt, params: ast.expr, owners: list[str]) -> None:
    """Two networks in one optimizer: names must differ."""
    called = [n for n in owners if n.isidentifier()]
    direct = {n.id for n in ast.walk(params) if isinstance(n, ast.Name)}
    called = [n for n in called if n in direct]
    if len(called) > 1:
        lines = [f'{name}.update_parameters_name("{name}.")' for name in called]
        work.before(scope.file, statement, *lines)


def aloud(
    work: Work, file: File, call: ast.Call, name: str, pair: Pair, target: str, given: dict[str | None, ast.expr]
) -> dict[str, str]:
    """Defaults of PyTorch that the other class does not have, said aloud."""
    extra: dict[str, str] = {}
    home, _, cls = target.rpartition(".")
    if home == "calando.mindspore.torch_optim" or cls not in MINDSPORE:
        return extra
    for old, new in pair.names.items():
        if old in given:
            continue
        default = TORCH[name].default(old)
        parts = zip(new, default, strict=True) if isinstance(new, tuple) else [(new, default)]
        for argument_name, value in parts:
            other = MINDSPORE[cls].defaults.get(argument_name)
            if other != value:
                value = float(value) if isinstance(other, float) and not isinstance(value, bool) else value
                extra[argument_name] = repr(value)
                told = f"MindSpore's default is {other!r}, PyTorch's {value!r}"
                work.spoken.append(Spoken(file.source.name, call.lineno, cls, argument_name, repr(value), told))
    return extra


def equality(work: Work, pair: Pair, target: str) -> tuple[str, str]:
    """What can be said about the path of the new class."""
    if work.wish.style == "guide" and pair.why:
        return CHECK, f"{target} is not equal: {pair.why}; --style exact writes {pair.exact}"
    if target == pair.exact == pair.guide:
        return REWRITTEN, f"{target} follows the same path"
    because = pair.why or "its numbers move, or are looked at, while it trains"
    return REWRITTEN, f"{target} follows the same path on MindSpore's parameters; {because}"


def into_constructor(
    work: Work,
    party: Party,
    place: Placed,
    thing: Thing,
    given: dict[str | None, ast.expr],
    values: dict[str, str | None],
    extra: dict[str, str],
) -> None:
    """Write the schedule where the learning rate stood, where that can be."""
    scope, call = thing.scope, thing.node
    assert scope is not None and isinstance(call, ast.Call)
    if not ahead(work, party, place):
        if work.wish.style == "guide":
            raise Left("its schedule cannot be written where the optimizer is made; --style exact sets it where it was")
        return
    file, maker = scope.file, statement_of(scope.file, call)
    name = thing.name.partition(".")[2]
    base = ast.unparse(given["lr"]) if "lr" in given else repr(TORCH[name].default("lr"))
    count, where = place.rhythm.count, place.rhythm.scope
    if party.own(thing):
        rate = guide_list(work, place, thing, base, scope, maker.lineno, party.read)
    else:
        rate = per_epoch(work, final(work, file, place.form.rate, base), count, where, scope, maker.lineno)
    put(work, file, maker, given, values, extra, "lr", "learning_rate", rate)
    if place.form.momentum:
        if party.own(thing):
            raise Left("it moves the momentum too, which the guide has no way for; --style exact has one")
        moved = per_epoch(work, final(work, file, place.form.momentum, base), count, where, scope, maker.lineno)
        if "momentum" not in TORCH[name].order:
            move_beta(file, name, given, values, extra, moved)
            return
        put(work, file, maker, given, values, extra, "momentum", "momentum", moved)


def move_beta(
    file: File,
    name: str,
    given: dict[str | None, ast.expr],
    values: dict[str, str | None],
    extra: dict[str, str],
    moved: str,
) -> None:
    """A schedule for the first of Adam's betas."""
    if "betas" not in TORCH[name].order:
        raise Left("it moves a momentum, and the optimizer has none")
    betas = given.get("betas")
    if betas is None:
        extra["beta1"] = moved
    else:
        second = betas.elts[1] if isinstance(betas, (ast.Tuple, ast.List)) else None
        text = file.source.code(second) if second is not None else f"{grouped(betas)}[1]"
        values["betas"] = f"({moved}, {text})"


def put(
    work: Work, file: File, maker: ast.stmt, given: dict[str | None, ast.expr], values: dict[str, str | None],
    extra: dict[str, str], old: str, new: str, text: str,
) -> None:  # fmt: skip
    """A schedule as the value of an argument; a long one gets a line of its own."""
    if len(text) > 60:
        name = file.names.free(new if new != "learning_rate" else "learning_rates")
        work.before(file, maker, f"{name} = {text}")
        text = name
    if old in given:
        values[old] = text
    else:
        extra[new] = text


def finish_schedule(work: Work, party: Party, place: Placed) -> None:
    """Take out a scheduler, or set its schedule where it was made."""
    thing = place.thing
    scope = thing.scope
    assert scope is not None
    file, statement = scope.file, statement_of(scope.file, thing.node)
    if ahead(work, party, place):
        leave_none(work, place, statement, [])
    else:
        set_later(work, place, scope, statement)
    for part in place.parts:
        whole = statement_of(part.scope.file, part.node)  # type: ignore[union-attr]
        if whole is not statement:
            work.remove(part.scope.file, whole)  # type: ignore[union-attr]
        work.say(part.scope.file, part.node, REWRITTEN, "a part of the schedule inside the optimizer", "scheduler")  # type: ignore[union-attr]
    epoch = "" if place.rhythm.count is None else f"; an epoch is {said_count(place)} steps, from {place.rhythm.source}"
    note = "; a skipped update does not advance it, PyTorch's went on" if scaled(work, place) else ""
    if place.rhythm.count is not None and (line := early_end(work.flow, place.optimizers)):
        note += f"; a run that line {line} ends early has shorter epochs"
    work.say(file, thing.node, CHECK if note else REWRITTEN, f"inside the optimizer{epoch}{note}", "scheduler")
    for where, gone in place.gone:
        work.remove(where.file, gone)
        work.say(where.file, gone, REWRITTEN, "time passes inside the optimizer", "scheduler")
    for where, held, index in place.items:
        drop_item(work, where.file, held, index)


def set_later(work: Work, place: Placed, scope: Scope, statement: ast.stmt) -> None:
    """Set a schedule where the scheduler was made, or before the loop where only that knows an epoch's length."""

    def here() -> None:
        leave_none(work, place, statement, set_lines(work, place, scope, statement))

    loop = outer_loop(work.flow, scope, place.step)
    if (why := work.attempt(here)) and loop is None:
        raise Left(why)
    if why and loop is not None:
        leave_none(work, place, statement, [])
        work.before(scope.file, loop, *set_lines(work, place, scope, loop))


def set_lines(work: Work, place: Placed, scope: Scope, statement: ast.stmt) -> list[str]:
    """Lines that set a schedule on an optimizer that is there already."""
    file, at = scope.file, place.optimizer
    count, where = place.rhythm.count, place.rhythm.scope
    one = all(one_rate(work, optimizer) for optimizer in place.optimizers)
    if place.form.scales and not one:
        group, number = file.names.free("group"), file.names.free("number")
        rate = per_epoch(
            work, final(work, file, place.form.rate, f'{group}["lr"]'), count, where, scope, statement.lineno
        )
        lines = [f"for {number}, {group} in enumerate({at}.current()):", f'    {at}.set("lr", {rate}, group={number})']
    elif one:
        base = f'{at}.current()[0]["lr"]'
        rate = per_epoch(work, final(work, file, place.form.rate, base), count, where, scope, statement.lineno)
        lines = [f'{at}.set("lr", {rate})']
    else:
        raise Left("the groups may have learning rates of their own, and the scheduler does not scale them")
    if place.form.momentum:
        found = {"momentum" if "momentum" in TORCH[o.name[6:]].order else "beta1" for o in place.optimizers}
        if len(found) > 1:
            raise Left("the optimizers it drives call the momentum by different names")
        moved = per_epoch(work, final(work, file, place.form.momentum, ""), count, where, scope, statement.lineno)
        lines.append(f'{at}.set("{found.pop()}", {moved})')
    return lines


def plateau(work: Work, party: Party, thing: Thing) -> None:
    """ReduceLROnPlateau on calando's optimizers."""
    scope, call = thing.scope, thing.node
    assert scope is not None and isinstance(call, ast.Call)
    if work.wish.style == "guide":
        raise Left("its learning rate depends on what is measured; the guide has no way for that")
    work.need(scope.file, "import calando.mindspore.torch_optim")
    work.replace(scope.file, call.func, "calando.mindspore.torch_optim.ReduceLROnPlateau")
    work.say(scope.file, call, REWRITTEN, "the same object, on the new optimizer", "scheduler")
    for where, node in uses(work.flow, thing):
        parent = where.file.parents[node]
        outer = where.file.parents.get(parent)
        if isinstance(parent, ast.Attribute) and isinstance(outer, ast.Call):
            if parent.attr != "step":
                raise Left(f"the scheduler's .{parent.attr} in line {node.lineno} has no counterpart")
            work.say(where.file, outer, KEPT, "it lowers the rate at run time, as before", "scheduler")


def networks(work: Work) -> None:
    """Say once per class, or per network put together from layers, that the network itself is not translated."""
    for file in work.flow.files:
        classes: list[ast.AST] = [
            node for node, scope in file.scopes.items() if isinstance(node, ast.ClassDef) and of_torch(work, scope)
        ]
        made = [t for t in work.flow.all(NETWORK) if t.scope is not None and t.scope.file is file]
        rows = [t.node for t in made if t.name == "Sequential"]
        layers = [t.node for t in made if "Loss" not in t.name and file.names.dotted(t.node.func).startswith("torch.")]  # type: ignore[attr-defined]
        for node in classes or rows or layers[:1]:
            first = file.source.code(node).splitlines()[0]
            reason = "the network stays PyTorch's: write it as mindspore.nn.Cell, or import one"
            work.findings.append(Finding(file.source.name, node.lineno, HUMAN, first, reason, "network"))  # type: ignore[attr-defined]


def of_torch(work: Work, scope: Scope) -> bool:
    """Whether a class is a network of PyTorch's."""
    names = [at.file.names.dotted(base) for at in work.flow.bases(scope) for base in getattr(at.node, "bases", [])]
    return any(name.startswith("torch.nn.") for name in names)


def flips(work: Work) -> None:
    """Parameters that are frozen or freed while the training runs."""
    for file in work.flow.files:
        for node, scope in file.where.items():
            if isinstance(node, ast.Assign) and any(
                isinstance(t, ast.Attribute) and t.attr == "requires_grad" for t in node.targets
            ):
                loops = enclosing(scope, node)
                if len(loops) > 1:
                    work.say(file, node, HUMAN, "MindSpore asks for the trainable parameters only once", "groups")


def rest(work: Work) -> None:
    """What stays as it is, and why."""
    told = set(work.told)
    for key, (file, node, _) in work.mentions.items():
        if key in told or isinstance(node, ast.ClassDef):
            continue
        if of_mindspore(work.flow, file, node):
            work.say(file, node, KEPT, "it is MindSpore's already", "step")
            continue
        if not isinstance(node, ast.Call):
            continue
        scope = file.where[node]
        dotted = file.names.dotted(node.func)
        if dotted.startswith(("mindspore.", "calando.")):
            work.say(file, node, KEPT, "it is MindSpore's already", "step")
            continue
        target = work.flow.callee(scope, node)
        if target is not None and not work.flow.kinds(scope, node.func) & {OBJECT}:
            work.say(file, node, KEPT, "a function of the project, whose lines are listed themselves", "step")
