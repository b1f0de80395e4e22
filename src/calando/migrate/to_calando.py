"""PyTorch to ``calando.torch``: schedulers disappear into the optimizer, nothing else changes."""

from __future__ import annotations

import ast

from ..lexicon import CALANDO, TORCH
from .carry import carry
from .finding import CHECK, HUMAN, KEPT, REWRITTEN
from .flow import OPTIMIZER, SCALER, SCHEDULER, File, Thing
from .in_mindspore import in_place
from .mentions import MEANT, of_mindspore
from .place import BASE, Placed, argument, one_rate, per_epoch, placed
from .reads import behind, group_reads
from .rhythm import early_end, grouped, outer_loop, updates
from .work import Left, Work, statement_of

SHORT = 70  # a schedule up to so many characters stands in the optimizer's own line


def to_calando(work: Work) -> None:
    """Rewrite a whole project for ``calando.torch``."""
    for thing in work.flow.all(OPTIMIZER):
        convert(work, thing)
    inner: set[int] = set()
    schedulers = work.flow.all(SCHEDULER)
    for thing in sorted(schedulers, key=lambda t: t.name != "SequentialLR"):
        if id(thing.node) in inner:
            continue
        found: list[Placed] = []
        why = work.attempt(lambda thing=thing, found=found: take_out(work, thing, found))  # type: ignore[misc]
        if why:
            stays(work, thing, why)
        elif found:
            inner |= {id(part.node) for part in found[0].parts}
    rest(work)


def convert(work: Work, thing: Thing) -> None:
    """Make one optimizer calando's."""
    call, file = thing.node, thing.scope.file  # type: ignore[union-attr]
    assert isinstance(call, ast.Call)
    framework, _, name = thing.name.partition(".")
    dotted = file.names.dotted(call.func)
    if dotted.startswith("calando."):
        work.say(file, call, KEPT, "it is calando's already", "optimizer")
        return
    if framework == "mindspore":
        why = work.attempt(lambda: in_place(work, thing))
        if why:
            work.say(file, call, HUMAN, f"it stays MindSpore's: {why}", "optimizer")
        return
    if name not in CALANDO:
        work.say(file, call, HUMAN, f"calando has no {name}; it stays PyTorch's", "optimizer")
        return
    refused = [w.arg for w in call.keywords if w.arg in ("capturable", "differentiable") and not false(w.value)]
    if refused:
        work.say(file, call, HUMAN, f"calando refuses {refused[0]}; the optimizer stays PyTorch's", "optimizer")
        return
    work.need(file, "import calando.torch")
    work.replace(file, call.func, f"calando.torch.{name}")
    work.say(file, call, REWRITTEN, f"calando.torch.{name} takes the same arguments", "optimizer")


def false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and not node.value


def take_out(work: Work, thing: Thing, found: list[Placed]) -> None:
    """Put one scheduler into its optimizer.

    Raises:
        Left: it cannot be.
    """
    place = placed(work, thing)
    found.append(place)
    if any(t.name.partition(".")[2] not in CALANDO or not t.name.startswith("torch.") for t in place.optimizers):
        raise Left("calando does not have the optimizer it drives")
    scope = thing.scope
    assert scope is not None
    file, statement = scope.file, statement_of(scope.file, thing.node)
    if not inside_constructor(work, place, statement):
        loop = outer_loop(work.flow, scope, place.step)
        if work.attempt(lambda: set_in_place(work, place, statement, statement)):
            set_in_place(work, place, statement, loop or statement)
    for part in place.parts:
        whole = statement_of(part.scope.file, part.node)  # type: ignore[union-attr]
        if whole is not statement:
            work.remove(part.scope.file, whole)  # type: ignore[union-attr]
        work.say(part.scope.file, part.node, REWRITTEN, "a part of the schedule inside the optimizer", "scheduler")  # type: ignore[union-attr]
    epoch = "" if place.rhythm.count is None else f"; an epoch is {said_count(place)} steps, from {place.rhythm.source}"
    certainty, note = REWRITTEN, ""
    if scaled(work, place):
        certainty, note = CHECK, "; where GradScaler skips an update the schedule waits too, PyTorch's moved on"
    if place.rhythm.count is not None and (line := early_end(work.flow, place.optimizers)):
        certainty, note = CHECK, f"{note}; a run that line {line} ends early has shorter epochs"
    work.say(file, thing.node, certainty, f"a schedule inside the optimizer{epoch}{note}", "scheduler")
    for where, gone in place.gone:
        work.remove(where.file, gone)
        work.say(where.file, gone, REWRITTEN, "time passes inside the optimizer", "scheduler")
    for where, held, index in place.items:
        drop_item(work, where.file, held, index)
    for where, call in place.reads:
        read_rate(work, place, where.file, call)
    for optimizer in place.optimizers:
        look_back(work, place, optimizer)


def scaled(work: Work, place: Placed) -> bool:
    """Whether a GradScaler steps the optimizer."""
    calls = [call for optimizer in place.optimizers for _, call in updates(work.flow, optimizer)]
    return any(call.args for call in calls if isinstance(call.func, ast.Attribute))


def said_count(place: Placed) -> str:
    return ast.unparse(place.rhythm.count) if place.rhythm.count is not None else "1"


def inside_constructor(work: Work, place: Placed, statement: ast.stmt) -> bool:
    """Write the schedule where the optimizer's learning rate stood, if everything it needs is known there."""
    scope = place.thing.scope
    optimizer = place.optimizers[0]
    assert scope is not None and isinstance(optimizer.node, ast.Call)
    if len(place.optimizers) != 1 or optimizer.scope is not scope or not one_rate(work, optimizer):
        return False
    file = scope.file
    maker = statement_of(file, optimizer.node)
    if file.parents[maker] is not file.parents[statement] or maker.lineno >= statement.lineno:
        return False
    order = TORCH[optimizer.name.partition(".")[2]].order
    rate_given = argument(optimizer.node, order, "lr")
    base = ast.unparse(rate_given) if rate_given is not None else repr(TORCH[order_name(optimizer)].default("lr"))
    for tree in arguments_of(place):
        if carry(work.flow, tree, scope, scope, maker.lineno) is None or moved(work, tree, scope, maker.lineno):
            return False
    try:
        rate = per_epoch(
            work, final(work, file, place.form.rate, base), place.rhythm.count, place.rhythm.scope, scope, maker.lineno
        )
        moved_too = place.form.momentum and per_epoch(
            work,
            final(work, file, place.form.momentum, base),
            place.rhythm.count,
            place.rhythm.scope,
            scope,
            maker.lineno,
        )
    except Left:
        return False
    rate = named(work, file, maker, rate, "learning_rate")
    put_argument(work, file, optimizer, "lr", rate)
    if moved_too:
        put_momentum(work, file, optimizer, named(work, file, maker, moved_too, "momentum"))
    leave_none(work, place, statement, [])
    return True


def named(work: Work, file: File, statement: ast.stmt, text: str, wanted: str) -> str:
    """A long expression in a line of its own, and the name it gets there."""
    if len(text) <= SHORT:
        return text
    name = file.names.free(wanted)
    work.before(file, statement, f"{name} = {text}")
    return name


def order_name(optimizer: Thing) -> str:
    return optimizer.name.partition(".")[2]


def final(work: Work, file: File, form: str, base: str) -> str:
    """A closed form with the schedules' module and the learning rate it starts from."""
    return (
        form.replace("{S}", work.schedules(file))
        .replace(f"({BASE})", f"({base})")
        .replace(
            BASE,
            base if f"{BASE} *" not in form and f"* {BASE}" not in form and f"{BASE} /" not in form else grouped(base),
        )
    )


def arguments_of(place: Placed) -> list[ast.expr]:
    """What the schedule is made of, as written where the scheduler was."""
    calls = [place.thing.node, *(part.node for part in place.parts)]
    found: list[ast.expr] = []
    for call in calls:
        assert isinstance(call, ast.Call)
        found += [*call.args[1:], *(w.value for w in call.keywords if w.arg not in ("optimizer", "schedulers"))]
    return [
        x
        for x in found
        if not isinstance(x, ast.List) or place.thing.name != "SequentialLR" or not names_parts(x, place)
    ]


def names_parts(node: ast.List, place: Placed) -> bool:
    return len(node.elts) == len(place.parts)


def moved(work: Work, node: ast.expr, scope: object, line: int) -> bool:
    """Whether an expression must be written otherwise at an earlier line."""
    there = carry(work.flow, node, scope, scope, line)  # type: ignore[arg-type]
    return there is None or ast.dump(there) != ast.dump(node)


def put_argument(work: Work, file: File, optimizer: Thing, name: str, text: str) -> None:
    """Give an optimizer's call another value for an argument, or the argument itself."""
    call = optimizer.node
    assert isinstance(call, ast.Call)
    value = argument(call, TORCH[order_name(optimizer)].order, name)
    if value is not None:
        work.replace(file, value, text)
        return
    if any(w.arg is None for w in call.keywords) or any(isinstance(a, ast.Starred) for a in call.args):
        raise Left("the optimizer's arguments are not written out")
    last = [*call.args, *(w.value for w in call.keywords)][0]
    end = file.source.span(last)[1]
    work.between(file, end, end, f", {name}={text}")


def put_momentum(work: Work, file: File, optimizer: Thing, text: str) -> None:
    """The momentum of SGD and RMSprop, the first of Adam's betas."""
    spoken = TORCH[order_name(optimizer)]
    if "momentum" in spoken.order:
        put_argument(work, file, optimizer, "momentum", text)
        return
    if "betas" not in spoken.order:
        raise Left("the optimizer it drives has no momentum to move")
    call = optimizer.node
    assert isinstance(call, ast.Call)
    betas = argument(call, spoken.order, "betas")
    second = "0.999" if betas is None else f"{grouped(betas)}[1]"
    if isinstance(betas, (ast.Tuple, ast.List)):
        second = ast.unparse(betas.elts[1])
    put_argument(work, file, optimizer, "betas", f"({text}, {second})")


def set_in_place(work: Work, place: Placed, statement: ast.stmt, where_set: ast.stmt) -> None:
    """Set the schedule where the scheduler was made, or before the loop where only that knows an epoch's length."""
    scope = place.thing.scope
    assert scope is not None
    file, at = scope.file, place.optimizer
    count, where = place.rhythm.count, place.rhythm.scope
    if place.form.scales and not all(one_rate(work, optimizer) for optimizer in place.optimizers):
        group, number = file.names.free("group"), file.names.free("number")
        rate = final(work, file, place.form.rate, f'{group}["lr"]')
        lines = [f"for {number}, {group} in enumerate({at}.param_groups):"]
        text = per_epoch(work, rate, count, where, scope, where_set.lineno)
        lines.append(f'    {at}.set("lr", {text}, group={number})')
    else:
        if not all(one_rate(work, optimizer) for optimizer in place.optimizers) and place.thing.name != "OneCycleLR":
            raise Left("the groups may have learning rates of their own, and it does not scale them")
        rate = final(work, file, place.form.rate, f'{at}.param_groups[0]["lr"]')
        lines = [f'{at}.set("lr", {per_epoch(work, rate, count, where, scope, where_set.lineno)})']
    if place.form.momentum:
        name = {"momentum" if "momentum" in TORCH[order_name(o)].order else "beta1" for o in place.optimizers}
        if len(name) > 1:
            raise Left("the optimizers it drives call the momentum by different names")
        moved_too = per_epoch(work, final(work, file, place.form.momentum, ""), count, where, scope, where_set.lineno)
        lines.append(f'{at}.set("{name.pop()}", {moved_too})')
    if where_set is statement:
        leave_none(work, place, statement, lines)
    else:
        leave_none(work, place, statement, [])
        work.before(file, where_set, *lines)


def leave_none(work: Work, place: Placed, statement: ast.stmt, lines: list[str]) -> None:
    """Put lines in the place of the statement that made the scheduler; None where its name is still asked for."""
    file = place.thing.scope.file  # type: ignore[union-attr]
    value = getattr(statement, "value", None)
    if isinstance(statement, ast.Return) and isinstance(value, ast.Tuple) and place.thing.node in value.elts:
        work.replace(file, place.thing.node, "None")
        if lines:
            work.before(file, statement, *lines)
        return
    if value is not place.thing.node:
        raise Left("it is made inside a larger expression")
    if isinstance(statement, ast.Return):
        work.replace(file, statement, f"\n{file.source.indent(statement)}".join([*lines, "return None"]))
    elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        if place.kept or len(targets) != 1:
            lines = [*lines, f"{' = '.join(file.source.code(t) for t in targets)} = None"]
        if lines:
            work.replace(file, statement, f"\n{file.source.indent(statement)}".join(lines))
        else:
            work.remove(file, statement)
    else:
        raise Left("what it is made for was not recognised")


def drop_item(work: Work, file: File, held: ast.Dict, index: int) -> None:
    """Take an entry out of a dictionary that is written out."""
    key, value = held.keys[index], held.values[index]
    if key is None:
        raise Left("its state is stored in a way that was not recognised")
    start, end = file.source.span(key)[0], file.source.span(value)[1]
    text = file.source.text
    work.say(file, value, REWRITTEN, "the schedule is stored with the optimizer", "state")
    if index:  # from the end of the entry before it
        start = file.source.span(held.values[index - 1])[1]
        work.between(file, start, end, "")
        return
    after = end
    while after < len(text) and text[after] in ", \t":
        after += 1
    work.between(file, start, after, "")


def read_rate(work: Work, place: Placed, file: File, call: ast.Call) -> None:
    """``scheduler.get_last_lr()`` from the optimizer."""
    scope = file.where[call]
    assert isinstance(call.func, ast.Attribute)
    at = optimizer_name(work, place, scope)
    past = behind(work.flow, place.optimizers, scope, call, place.step[1])
    groups = back(at) if past else f"{at}.param_groups"
    parent = file.parents[call]
    if isinstance(parent, ast.Subscript) and parent.value is call:
        index = file.source.code(parent.slice)
        work.replace(file, parent, f'{groups}[{index}]["lr"]')
    else:
        work.replace(file, call, f'[group["lr"] for group in {groups}]')
    work.say(file, call, REWRITTEN, "the optimizer shows its rate", "reading")


def back(at: str) -> str:
    """The groups as they were in the update just made."""
    return f'{at}.at({at}.param_groups[0]["step"] - 1)'


def optimizer_name(work: Work, place: Placed, scope: object) -> str:
    """How the optimizer is called in a scope."""
    made = place.thing.scope
    assert made is not None
    tree = ast.parse(place.optimizer, mode="eval").body
    from .flow import Scope

    assert isinstance(scope, Scope)
    if scope is made or made is scope.file.top or (scope.owner is not None and scope.owner is made.owner):
        return place.optimizer
    wanted = set(place.optimizers)
    for name in [*scope.params, *scope.local]:
        if wanted & work.flow.home(scope, name).env.get(name, frozenset()):
            return name
    if isinstance(tree, ast.Name) and tree.id not in scope.local and wanted & work.flow.things(scope, tree):
        return tree.id
    raise Left(f"its rate is read in line {getattr(scope.node, 'lineno', 1)} where the optimizer has no name")


def look_back(work: Work, place: Placed, optimizer: Thing) -> None:
    """Reads of ``param_groups`` between an update and the scheduler's step still show the update's numbers."""
    for scope, node, at, only in group_reads(work.flow, optimizer):
        if not behind(work.flow, [optimizer], scope, node, place.step[1]):
            continue
        if id(node) in work.told:
            continue
        if not only:
            work.say(scope.file, node, CHECK, "after an update the groups show the coming numbers", "reading")
            continue
        work.replace(scope.file, node, back(at))
        work.say(scope.file, node, REWRITTEN, "asked for the update just made, as it was shown before", "reading")


def stays(work: Work, thing: Thing, why: str) -> None:
    """A scheduler that stays: it goes on driving calando's optimizer."""
    file = thing.scope.file  # type: ignore[union-attr]
    reason = f"it stays PyTorch's, and drives calando's optimizer as before: {why}"
    work.say(file, thing.node, KEPT, reason, "scheduler")


def rest(work: Work) -> None:
    """Everything else works as it is on calando's optimizers; what is not theirs is left to a person."""
    told = set(work.told)
    for key, (file, node, _) in work.mentions.items():
        if key in told:
            continue
        reason = works(work, file, node)
        if reason:
            work.say(file, node, KEPT, reason, "step")


def works(work: Work, file: File, node: ast.AST) -> str:
    """Why something needs no change; empty where that is not known."""
    scope = file.where[node]
    called = file.names.dotted(node.func) if isinstance(node, ast.Call) else ""
    if called.startswith("mindspore.") or of_mindspore(work.flow, file, node):
        return "MindSpore's own, which works with calando's optimizers too"
    if isinstance(node, ast.Attribute):
        known = work.flow.things(scope, node.value)
        return "calando's optimizers show and take numbers in param_groups" if known else ""
    if isinstance(node, ast.ClassDef):
        return ""
    if not isinstance(node, ast.Call):
        return ""
    dotted = file.names.dotted(node.func)
    if dotted.startswith(("torch.nn.utils.", "torch.amp.", "torch.cuda.amp.", "torch.autocast", "torch.autograd.")):
        return "it works on gradients, and those are PyTorch's"
    if isinstance(node.func, ast.Attribute):
        kinds = work.flow.kinds(scope, node.func.value)
        if node.func.attr == "backward":
            return "it works on gradients, and those are PyTorch's"
        held = work.flow.things(scope, node.func.value)
        if any(t.kind == OPTIMIZER and t.name.partition(".")[2] not in CALANDO for t in held):
            return "the optimizer stays PyTorch's"
        if kinds & {OPTIMIZER, SCALER, SCHEDULER}:
            return "calando's optimizers take this call as PyTorch's do"
        if node.func.attr == "zero_grad" and not MEANT.search(ast.unparse(node.func.value)):
            return "it works on gradients, and those are PyTorch's"
    target = work.flow.callee(scope, node)
    if target is not None:
        return "a function of the project, whose lines are listed themselves"
    return ""
