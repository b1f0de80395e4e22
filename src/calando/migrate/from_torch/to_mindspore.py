"""PyTorch to MindSpore: construction, schedule and training step of every optimizer, wholly or not at all."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from ...lexicon import CALANDO, MINDSPORE, PAIRS, TORCH
from ...lexicon.pairs import IMPLEMENTATION, Pair
from ..finding import CHECK, HUMAN, KEPT, REWRITTEN, Finding, Spoken
from ..reading.blocks import statement_of
from ..reading.flow import NETWORK, OBJECT, SCALER, Thing
from ..reading.mentions import BASES, LOGS, PLAIN, bases_of, chooses, clips, of_mindspore, own_kind
from ..reading.packs import put_in
from ..reading.prepared import unwrap, wraps
from ..reading.rhythm import updates
from ..reading.roads import roads
from ..reading.scopes import File, Scope
from ..reading.sure import sure
from ..reading.unpack import unpacked
from ..speak import respoken
from ..work import Left, Work, uses
from .added import added, whole
from .assign import manner, own_groups
from .averages import averages
from .crews import carried, crews
from .groups import look, write_groups
from .labels import HOME, labels_of, only_numbers
from .own_schedulers import rebase, scheduler_class
from .params import grouped_params, in_lists, iterator, said, several
from .params import networks as networks_of
from .params import to_mindspore as params_to_mindspore
from .party import Party, assigned, choose, gather, parties
from .state import save_and_load
from .steps import rewrite_steps
from .strays import shared_losses
from .timed import finish_schedule, into_constructor, keep_object, slowed
from .weights import clamp_weights

WHOLE = {"lr", "momentum", "dampening", "weight_decay"}  # what MindSpore's own classes also take as whole numbers
DEEPEST = 3  # how many calls are followed to what was changed
INSTEAD = {
    "LBFGS": "; calando.mindspore.nn.LBFGS takes a closure that returns loss and gradients, as value_and_grad makes it"
}
ABOVE_ZERO = ("mindspore.nn.Adam", "mindspore.nn.AdamWeightDecay", "mindspore.nn.AdaMax")


def to_mindspore(work: Work) -> None:
    """Rewrite a whole project for MindSpore."""
    known = -1
    while known < len(shared_losses(work)):  # a backward that another step counts on is left in a further round
        known = len(shared_losses(work))
        work.forget()
        for file in work.flow.files:
            file.names.give_back(0)
        left = all_parties(work)
    if work.edits or left:
        networks(work)
        averages(work)
    flips(work)
    rest(work)


def all_parties(work: Work) -> list[Thing]:
    """Rewrite every crew of parties that can be; the optimizers of the others."""
    left: list[Thing] = []
    for crew in crews(work, parties(work)):
        left += carried(work, crew, lambda party: able(work, party), lambda party: carry_over(work, party))
    return left


def able(work: Work, party: Party) -> None:
    """Raise Left for optimizers that MindSpore has not, or that are not wholly seen."""
    for thing in party.optimizers:
        name = thing.name.partition(".")[2]
        if name not in PAIRS:
            raise Left(f"MindSpore has no {name}{INSTEAD.get(name, '; --to calando has it' * (name in CALANDO))}")
        usable(work, thing)
        added(work, thing)
    if not any(updates(work.flow, thing) for thing in party.optimizers):
        raise Left("no call that updates its parameters was found in this project")
    for thing in party.optimizers:
        sure(work, thing)


def carry_over(work: Work, party: Party) -> None:
    """Rewrite one party.

    Raises:
        Left: some part of it cannot be; then all of it stays.
    """
    gather(work, party)
    choose(work, party)
    for thing in party.optimizers:
        construct(work, party, thing)
    for place in party.schedulers:
        finish_schedule(work, party, place)
    for thing in party.stepped:
        keep_object(work, thing)
    rebase(work, party, "calando.migrate.assigned" if work.wish.style == "guide" else "calando.mindspore.lr_scheduler")
    for thing in party.optimizers:
        write_groups(work, thing, manner(work, party, thing))
        save_and_load(work, thing, party.own(thing))
    inside = [] if assigned(work, party) else party.schedulers
    look(work, {thing: manner(work, party, thing) for thing in party.optimizers}, inside)
    rewrite_steps(work, party.optimizers)
    unwrap(work, party.optimizers)
    for thing in party.optimizers:
        clamp_weights(work, thing)


def usable(work: Work, thing: Thing) -> None:
    """Raise Left where an optimizer goes somewhere that cannot be followed."""
    for scope, node in uses(work.flow, thing):
        if scheduler_class(work, scope) is not None:
            continue  # asked for later, as a whole
        if scope.owner is not None and bases_of(scope.owner) & BASES:
            cls = scope.owner.node
            raise Left(f"the script's own {cls.name} (line {cls.lineno}) drives it")  # type: ignore[attr-defined]
        parent = scope.file.parents[node]
        if isinstance(parent, ast.Attribute):
            if parent.attr in ("state", "defaults", "register_step_post_hook"):
                raise Left(f".{parent.attr} in line {node.lineno} has no counterpart in MindSpore")
            continue
        call = parent if isinstance(parent, ast.Call) else scope.file.parents.get(parent)
        if isinstance(call, ast.Call) and node is not call.func:
            known = id(call) in work.flow.made or work.flow.callee(scope, call) is not None
            func = call.func
            scaler = isinstance(func, ast.Attribute) and SCALER in work.flow.kinds(scope, func.value)
            kept = put_in(work.flow, scope, call) is not None or wraps(call) or clips(scope.file, call)
            if isinstance(parent, (ast.Call, ast.keyword)) and not known and not scaler and not kept:
                shown = ast.unparse(func)
                if scope.file.names.dotted(func).startswith("apex.amp."):
                    told = "torch.autocast and torch.amp.GradScaler do the same, and can be rewritten"
                    raise Left(f"apex, which line {node.lineno} gives it to, makes its updates: {told}")
                if shown not in PLAIN and not LOGS.search(shown):
                    raise Left(f"it is given to {shown} in line {node.lineno}, which is not in this project")


def construct(work: Work, party: Party, thing: Thing) -> None:
    """Rewrite the call that makes an optimizer."""
    call, scope = thing.node, thing.scope
    assert isinstance(call, ast.Call) and scope is not None
    file, name = scope.file, thing.name.partition(".")[2]
    pair, target, spoken = PAIRS[name], party.targets[id(call)], TORCH[name]
    own = party.own(thing)
    given: dict[str | None, ast.expr] = dict(zip(spoken.order, call.args, strict=False))
    code, options = unpacked(work, scope, call)
    given.update({w.arg: w.value for w in call.keywords if w.arg is not None} | options)
    refuse(given, target)
    params = given.get("params")
    if params is None:
        raise Left("its parameters are not written out")
    owners = params_to_mindspore(work, scope, params)
    if own:
        only_numbers(work, thing)
    text = said(params, in_lists(work, scope, params))
    text = f"list({text})" if own and iterator(work, scope, params) else text
    more = added(work, thing)
    rename(work, scope, statement_of(file, call), networks_of(work, scope, owners), several(work, scope, params))
    values: dict[str, str | None] = {n: None for n in given if n in IMPLEMENTATION or n == "maximize"}
    known = understood_by(pair, target)
    names: dict[str, str | tuple[str, ...]] = {"params": "params", **known}
    extra = aloud(work, file, call, name, known, target, given)
    decay = given.get("weight_decay")
    named = not target.startswith("calando.mindspore.torch_optim.")  # these leave out parameters called beta and gamma
    in_groups = grouped_params(work, scope, params)
    if more:
        text = whole(work, scope, text, more, in_groups)
    elif named and not constant_false(decay) and decay is not None and not in_groups:
        text = f'[{{"params": {text}, "weight_decay": {file.source.code(decay)}}}]'
        values["weight_decay"] = None
    values["params"] = own_groups(work, party, thing, text, given) if own else text
    values = {n: v for n, v in values.items() if n in given}
    if target.startswith("mindspore.nn."):
        for old in known:
            if old in given and old not in WHOLE and (text := as_floats(given[old])):
                values.setdefault(old, text)
    for idle in ("amsgrad", "lr_decay", "decoupled_weight_decay"):
        if idle in given and idle not in known and constant_false(given[idle]):
            values[idle] = None
    if target == "mindspore.nn.Adagrad" and not constant_false(given.get("lr_decay")):
        values["lr_decay"] = None
        slowed(work, party, thing, given, values, extra)
    for place in party.schedulers:
        into_constructor(work, party, place, thing, given, values, extra)
    work.need(file, f"import {target.rpartition('.')[0]}" if not own else "import mindspore")
    if labels_of(work, thing):
        work.need(file, f"import {HOME}")
    callee = f"{HOME}.of({target})" if labels_of(work, thing) else target
    work.replace(file, call, respoken(code, callee, spoken.order, names, values, extra))
    certainty, reason = equality(work, pair, target)
    if idle_words := [n for n in given if n in IMPLEMENTATION]:
        reason += f"; {', '.join(map(str, idle_words))} chose an implementation and went"
    work.say(file, call, certainty, reason, "optimizer")


def understood_by(pair: Pair, target: str) -> dict[str, str | tuple[str, ...]]:
    """PyTorch's arguments and their names in a class, but those that it has not, as amsgrad in some."""
    home, _, cls = target.rpartition(".")
    if home != "mindspore.nn":
        return dict(pair.names)
    words = {*MINDSPORE[cls].order, *MINDSPORE[cls].keywords}
    return {old: new for old, new in pair.names.items() if isinstance(new, tuple) or new in words}


def as_floats(node: ast.expr) -> str:
    """A whole number, or a tuple with some, as floats; empty for anything else."""
    parts = node.elts if isinstance(node, (ast.Tuple, ast.List)) else [node]
    held = [part.value for part in parts if isinstance(part, ast.Constant)]
    plain = len(held) == len(parts) and all(type(value) in (int, float) for value in held)
    if not plain or all(type(value) is float for value in held):
        return ""
    texts = [repr(float(value)) for value in held]  # type: ignore[arg-type]
    return texts[0] if parts == [node] else f"({', '.join(texts)})"


def refuse(given: dict[str | None, ast.expr], target: str) -> None:
    """Raise Left for arguments that have no counterpart, and for numbers that MindSpore's own class refuses."""
    betas = given.get("betas")
    named = zip(("beta1", "beta2"), betas.elts, strict=False) if isinstance(betas, (ast.Tuple, ast.List)) else ()
    for word, value in (*named, ("eps", given.get("eps"))) if target in ABOVE_ZERO else ():
        if isinstance(value, ast.Constant) and value.value == 0:
            raise Left(f"{target} refuses {word}=0; --style exact has it")
    wanted = given.get("maximize")
    if not constant_false(wanted) and not (isinstance(wanted, ast.Constant) and wanted.value is True):
        raise Left("whether it goes up or down (maximize) is chosen at run time")


def constant_false(node: ast.expr | None) -> bool:
    return node is None or (isinstance(node, ast.Constant) and not node.value)


def rename(work: Work, scope: Scope, statement: ast.stmt, called: list[str], collections: list[str]) -> None:
    """Two networks in one optimizer, or all of a collection: names must differ."""
    lines = [f'{name}.update_parameters_name("{name}.")' for name in called if len(called) > 1]
    for over in collections:
        number, each = scope.file.names.free("number"), scope.file.names.free("network")
        lines += [f"for {number}, {each} in enumerate({over}):"]
        lines += [f'    {each}.update_parameters_name(f"{{{number}}}.")']
    if lines:
        work.before(scope.file, statement, *lines)


def aloud(
    work: Work,
    file: File,
    call: ast.Call,
    name: str,
    known: Mapping[str, str | tuple[str, ...]],
    target: str,
    given: dict[str | None, ast.expr],
) -> dict[str, str]:
    """Defaults of PyTorch that the other class does not have, said aloud."""
    extra: dict[str, str] = {}
    home, _, cls = target.rpartition(".")
    if home == "calando.mindspore.torch_optim" or cls not in MINDSPORE:
        return extra
    for old, new in known.items():
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
            targets = node.targets if isinstance(node, ast.Assign) else []
            flips_one = any(isinstance(t, ast.Attribute) and t.attr == "requires_grad" for t in targets)
            if flips_one and any(len(way.loops) > 1 for way in roads(work.flow, scope, node)):
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
        if own_kind(work.flow, node, scope):
            continue
        if dotted.startswith(("mindspore.", "calando.")):
            work.say(file, node, KEPT, "it is MindSpore's already", "step")
            continue
        target = work.flow.callee(scope, node)
        own = isinstance(target, Scope) and isinstance(target.node, ast.FunctionDef) and rewritten(work, target)
        if own or (target is not None and not chooses(file, node) and OBJECT not in work.flow.kinds(scope, node.func)):
            work.say(file, node, KEPT, "a function of the project, whose lines are listed themselves", "step")


def rewritten(work: Work, scope: Scope, depth: int = 0) -> bool:
    """Whether a function, or one that it calls, has lines that were changed."""
    first, last = scope.file.source.span(scope.node)
    if any(True for _ in work.edits.near(scope.file, first, last)):
        return True
    inside = (work.flow.callee(scope, call) for call in scope.file.asked[scope]) if depth < DEEPEST else ()
    return any(rewritten(work, each, depth + 1) for each in inside if each is not None)
