"""The training step: ``zero_grad``, ``backward``, ``step`` become gradients that are given to the optimizer."""

from __future__ import annotations

import ast
import re

from .clipped import clipped
from .closures import closure_step
from .finding import CHECK, REWRITTEN, Finding
from .flow import BLOCKS, NETWORK, OBJECT, SCALER, File, Scope, Thing
from .forward import outermost, rewrite, settle
from .params import owner_networks
from .passes import names_stored, passes, understood
from .rhythm import LOOPS, conditions, enclosing, roads, updates
from .scaler import scalers, unscaled
from .update import Update, shared, split, weights_of
from .work import Left, Work, above, spot, statement_of

RATES = re.compile(r"sched|warmup|(^|[._])lr", re.IGNORECASE)  # what else has a step


def rewrite_steps(work: Work, optimizers: list[Thing]) -> None:
    """Rewrite the training steps of optimizers that are stepped at the same places.

    Raises:
        Left: a step is not of a shape that can be rewritten.
    """
    found = {id(call): (scope, call) for thing in optimizers for scope, call in updates(work.flow, thing)}
    updates_found: list[Update] = []
    for scope, call in sorted(found.values(), key=lambda each: each[1].lineno):
        scaled = isinstance(call.func, ast.Attribute) and SCALER in work.flow.kinds(scope, call.func.value)
        if (call.args or call.keywords) and not scaled:
            if rises(optimizers):
                raise Left(f"its step in line {call.lineno} is given a closure, and it goes up (maximize)")
            closure_step(work, scope, call, gradients_name(work, scope.file, scope.file.source.code(call.func.value)))  # type: ignore[attr-defined]
            continue
        at, scaler = stepped(work, scope, call)
        updates_found += reached(work, scope, call, at, scaler)
    for update in shared(work, updates_found):
        rewrite_update(work, optimizers, update)


def stepped(work: Work, scope: Scope, call: ast.Call) -> tuple[str, str]:
    """How the optimizer is called in its step, and the GradScaler that steps it."""
    assert isinstance(call.func, ast.Attribute)
    source = scope.file.source
    if SCALER in work.flow.kinds(scope, call.func.value):
        return source.code(call.args[0]), source.code(call.func.value)
    return source.code(call.func.value), ""


def reached(work: Work, scope: Scope, call: ast.Call, at: str, scaler: str) -> list[Update]:
    """The places that have the gradients for a step: here, or where this function is called."""
    file = scope.file
    if not isinstance(file.parents[call], ast.Expr):
        raise Left(f"what the step in line {call.lineno} returns is used")
    name = gradients_name(work, file, at)
    if passes(work, scope):
        work.replace(file, call, step_text(file, call, at, name, scaler))
        certainty = CHECK if scaler else REWRITTEN
        work.say(file, call, certainty, "the optimizer takes the gradients; time passes inside", "step")
        return [Update(scope, call, at, name)]
    if not isinstance(scope.node, ast.FunctionDef) or not scope.calls or scaler:
        raise Left(f"the backward that belongs to the step in line {call.lineno} was not found in its function")
    work.replace(file, call, f"{at}({name})")
    work.say(file, call, REWRITTEN, "the optimizer takes the gradients; time passes inside", "step")
    add_parameter(work, scope, name)
    updates_found = []
    for caller, outer in scope.calls:
        if not passes(work, caller):
            raise Left(f"the backward that belongs to the step in line {call.lineno} was not found")
        parent = caller.file.parents[outer]
        if not isinstance(parent, ast.Expr):
            raise Left(f"what the step in line {outer.lineno} returns is used")
        add_argument(work, caller.file, outer, name)
        work.say(caller.file, outer, REWRITTEN, "it is given the gradients", "step")
        assert isinstance(outer.func, (ast.Attribute, ast.Name))
        owner = caller.file.source.code(outer.func.value) if isinstance(outer.func, ast.Attribute) else ""
        there = owner + at[4:] if at.startswith("self.") and owner else at
        updates_found.append(Update(caller, outer, there, name))
    return updates_found


def gradients_name(work: Work, file: File, at: str) -> str:
    """What the gradients are called: after the optimizer where there are several."""
    several = sum(1 for thing in work.flow.made.values() if thing.kind == "optimizer") > 1
    tail = re.sub(r"\W+", "_", at.rpartition(".")[2]).strip("_")
    wanted = "grads" if not several or tail in ("optimizer", "opt") else f"{tail}_grads"
    return file.names.free(wanted)


def step_text(file: File, call: ast.Call, at: str, name: str, scaler: str) -> str:
    """The call that makes an update."""
    if not scaler:
        return f"{at}({name})"
    finite = file.names.free("finite")
    indent = file.source.indent(statement_of(file, call))
    lines = [f"{finite} = mindspore.amp.all_finite({name})", f"if {finite}:", f"    {at}({name})"]
    return f"\n{indent}".join([*lines, f"{scaler}.adjust({finite})"])


def add_parameter(work: Work, scope: Scope, name: str) -> None:
    """Give a function one more parameter."""
    assert isinstance(scope.node, ast.FunctionDef)
    args = scope.node.args
    if args.vararg or args.kwonlyargs or args.kwarg or args.defaults:
        raise Left(f"the function in line {scope.node.lineno} cannot be given the gradients")
    file = scope.file
    shown = file.source.line(scope.node.lineno).strip()
    told = "it is given the gradients"
    work.findings.append(Finding(file.source.name, scope.node.lineno, REWRITTEN, shown, told, "step"))
    last = [*args.posonlyargs, *args.args]
    if last:
        end = file.source.span(last[-1])[1]
        work.between(file, end, end, f", {name}")
        return
    start = file.source.text.index("(", file.source.span(scope.node)[0]) + 1
    work.between(file, start, start, name)


def add_argument(work: Work, file: File, call: ast.Call, name: str) -> None:
    """Give a call one more argument."""
    if call.keywords:
        raise Left(f"the call in line {call.lineno} cannot be given the gradients")
    end = file.source.span(call)[1] - 1
    work.between(file, end, end, f", {name}" if call.args else name)


def rewrite_update(work: Work, optimizers: list[Thing], update: Update) -> None:
    """Everything between the data and the step."""
    scope, file = update.scope, update.scope.file
    mine = belonging(work, update)
    clears = cleared(work, optimizers, update)
    gone = {statement for _, statement in clears}
    accumulated = accumulates(update, mine)
    found = [understood(work, scope, statement, call, gone) for statement, call in mine]
    makers = {id(node) for thing in optimizers for node in above(thing.scope.file, thing.node)}  # type: ignore[union-attr]
    names = {node.id for node in ast.walk(ast.parse(update.at)) if isinstance(node, ast.Name)}
    makers |= {id(node) for node in above(file, update.call) if isinstance(node, LOOPS) and names & names_stored(node)}
    bases = [outermost(scope, one.backward, makers) for one in found]
    if accumulated and not all(isinstance(base, LOOPS) for base in bases):
        raise Left(f"gradients are gathered over calls of a function, up to the step in line {update.call.lineno}")
    if accumulated and any(leaves(s) for one in found for s in one.later):
        raise Left(f"gradients are gathered, and a turn may end before line {mine[0][0].lineno} adds its own")
    loops = [enclosing(scope, one.backward) for one in found]
    if clears and loops[0] and not any(repeated(work, where, s, loops[0]) for where, s in clears):
        raise Left(f"the gradients for the step in line {update.call.lineno} are cleared outside its loop only")
    if accumulated and not clears:
        raise Left(f"the gradients for the step in line {update.call.lineno} are never cleared")
    if not accumulated and not clears:
        raise Left(f"the gradients for the step in line {update.call.lineno} are never cleared, so they pile up")
    clipping = clipped(work, update, mine)
    several = len(found) > 1
    for number, (one, base) in enumerate(zip(found, bases, strict=True)):
        settle(one, base)
        tail = f"_{number + 1}" if several else ""
        forward, maker = file.names.free(f"forward_fn{tail}"), file.names.free(f"grad_fn{tail}")
        fresh = file.names.free("new_grads") if accumulated else update.gradients
        after = [*unscaled(one, fresh), *([f"{fresh} = tuple(-g for g in {fresh})"] if rises(optimizers) else [])]
        if accumulated:
            name = update.gradients
            after.append(f"{name} = {fresh} if {name} is None else tuple(a + b for a, b in zip({name}, {fresh}))")
        rewrite(work, one, forward, maker, weights_of(update), fresh, after)
    if accumulated:
        work.before(file, bases[0], f"{update.gradients} = None")
    for where, statement in clears:
        if accumulated and where is scope and not outside(statement, bases):
            work.replace(where.file, statement, f"{update.gradients} = None")
            work.say(where.file, statement, REWRITTEN, "the gathered gradients are dropped", "step")
        else:
            work.remove(where.file, statement)
            work.say(where.file, statement, REWRITTEN, "gradients are made anew at each call", "step")
    if update.sharers:
        own = [node for text, node in clipping if not text.startswith(f"{update.gradients} =")]
        first = min([statement_of(file, update.call), *own], key=lambda n: n.lineno)  # type: ignore[attr-defined]
        if any(node.lineno > first.lineno for _, node in clipping if node not in own):  # type: ignore[attr-defined]
            raise Left(f"gradients that several optimizers share are clipped after line {first.lineno}")  # type: ignore[attr-defined]
        split(work, update, statement_of(file, first))
    for text, node in clipping:
        work.replace(file, node, text)
        work.say(file, node, REWRITTEN, "it works on the gradients that the optimizer is given", "step")
    scalers(work, update, found)


def rises(optimizers: list[Thing]) -> bool:
    """Whether optimizers go up (``maximize``), so that MindSpore's are given the negative gradients.

    Raises:
        Left: some do and some do not.
    """
    calls = [thing.node for thing in optimizers]
    found = {any(w.arg == "maximize" and constant_true(w.value) for w in call.keywords) for call in calls}  # type: ignore[attr-defined]
    if len(found) > 1:
        raise Left("some of the optimizers that are stepped here go up and some go down (maximize)")
    return found.pop()


def constant_true(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def leaves(statement: ast.stmt) -> bool:
    """Whether a statement may end a turn of the loop around it."""
    return any(isinstance(n, (ast.Break, ast.Continue, ast.Return)) for n in ast.walk(statement))


def repeated(work: Work, scope: Scope, statement: ast.stmt, loops: list[ast.AST]) -> bool:
    """Whether a statement is run again in one of the loops around a backward."""
    return any(loop in loops for road in roads(work.flow, scope, statement) for loop, _ in road.loops)


def outside(statement: ast.stmt, bases: list[ast.stmt]) -> bool:
    """Whether a statement stands before the loops."""
    return statement.lineno < min(base.lineno for base in bases)


def dropped(loop: ast.For) -> str:
    """The network in ``for p in net.parameters(): p.grad = None``; empty for another loop."""
    over, body = loop.iter, loop.body[0]
    text = ast.unparse(body) if len(loop.body) == 1 and isinstance(loop.target, ast.Name) else ""
    if isinstance(over, ast.Call) and getattr(over.func, "attr", "") == "parameters" and text:
        return ast.unparse(over.func.value) if text == f"{loop.target.id}.grad = None" else ""  # type: ignore[attr-defined]
    return ""


def unknown_step(work: Work, scope: Scope, call: ast.Call) -> bool:
    """Whether a call may be the step of an optimizer that is not known here: the gradients before it are its own."""
    func = call.func
    if not isinstance(func, ast.Attribute) or func.attr != "step" or call.args or call.keywords:
        return False
    return not work.flow.things(scope, func.value) and not RATES.search(ast.unparse(func.value))


def belonging(work: Work, update: Update) -> list[tuple[ast.stmt, ast.Call]]:
    """The backward calls whose gradients a step uses: those after the step before it."""
    scope = update.scope
    steps = sorted(
        {spot(call) for thing in work.flow.all("optimizer") for s, call in updates(work.flow, thing) if s is scope}
        | {spot(update.call)}
        | {spot(call) for s, call in scope.file.calls if s is scope and unknown_step(work, scope, call)}
    )
    own, last = spot(update.call), spot((update.sharers or [update])[-1].call)
    low = max((each for each in steps if each < own), default=(0, 0))
    found = [(s, c) for s, c in passes(work, scope) if low < spot(s) <= own]
    following = [each for each in steps if each > last]
    if following and not any(last < spot(s) <= following[0] for s, _ in passes(work, scope)):
        raise Left(f"the steps in lines {last[0]} and {following[0][0]} share one backward")
    if not found:
        told = f"the backward that belongs to the step in line {own[0]} was not found, or is another step's too"
        raise Left(told)
    return found


def accumulates(update: Update, mine: list[tuple[ast.stmt, ast.Call]]) -> bool:
    """Whether gradients of several backward calls are added before a step."""
    if len(mine) > 1:
        return True
    file, statement = update.scope.file, mine[0][0]
    holder = statement_of(file, update.call)
    loops = {id(node) for node in chain(file, statement)}
    own = {id(node) for node in chain(file, holder)}
    if loops != own:
        return True
    until = file.source.tree
    mine_under = {id(b) for b, _ in conditions(file, statement, until)}
    return any(id(b) not in mine_under and "%" in ast.unparse(b.test) for b, _ in conditions(file, holder, until))


def chain(file: File, node: ast.AST) -> list[ast.AST]:
    """The loops around a node, up to its function."""
    found: list[ast.AST] = []
    while node in file.parents and not isinstance(node, BLOCKS):
        node = file.parents[node]
        if isinstance(node, LOOPS):
            found.append(node)
    return found


def cleared(work: Work, optimizers: list[Thing], update: Update) -> list[tuple[Scope, ast.stmt]]:
    """The statements that clear the gradients of a step."""
    found: list[tuple[Scope, ast.stmt]] = []
    owners = {text for thing in optimizers for text in owner_names(thing)}
    networks = [each for thing in optimizers for each in owner_networks(work, thing)]
    known = {t for scope, owner in networks for t in work.flow.things(scope, owner)}
    called = {ast.unparse(owner) for _, owner in networks}
    for file in work.flow.files:
        for node, scope in file.where.items():
            if isinstance(node, ast.For) and scope is update.scope and (owner := dropped(node)) and owner in called:
                found.append((scope, node))
                continue
            if not (
                isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "zero_grad"
            ):
                continue
            held = work.flow.things(scope, node.func.value)
            network = any(t.kind in (NETWORK, OBJECT) for t in held) or not held
            text = file.source.code(node.func.value)
            named = (text in owners and scope is update.scope) or bool(held & known) or (not held and text in called)
            if held & set(optimizers) or (network and named):
                statement = file.parents[node]
                if not isinstance(statement, ast.Expr):
                    raise Left(f"zero_grad in line {node.lineno} is part of a larger expression")
                found.append((scope, statement))
    return sorted(found, key=lambda each: each[1].lineno)


def owner_names(thing: Thing) -> set[str]:
    """How the networks of an optimizer's parameters are called."""
    call = thing.node
    assert isinstance(call, ast.Call) and thing.scope is not None
    return (
        {
            ast.unparse(node.func.value)
            for node in ast.walk(call)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and "parameters" in node.func.attr
        }
        | {node.id for arg in call.args[:1] for node in ast.walk(arg) if isinstance(node, ast.Name)}
        | (
            {ast.unparse(thing_receiver(thing))} if thing_receiver(thing) is not None else set()  # type: ignore[arg-type]
        )
    )


def thing_receiver(thing: Thing) -> ast.expr | None:
    """The network whose method makes an optimizer."""
    scope = thing.scope
    if scope is None or scope.owner is None or not scope.calls:
        return None
    func = scope.calls[0][1].func
    return func.value if isinstance(func, ast.Attribute) else None
