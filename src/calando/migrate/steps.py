"""The training step: ``zero_grad``, ``backward``, ``step`` become gradients that are given to the optimizer."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from .finding import CHECK, REWRITTEN, Finding
from .flow import BLOCKS, NETWORK, OBJECT, SCALER, File, Scope, Thing
from .forward import Pass, outermost, passes, rewrite, settle, understood
from .rhythm import LOOPS, conditions, enclosing, roads, updates
from .work import Left, Work, statement_of, uses


@dataclass
class Update:
    """One place where gradients are given to an optimizer.

    Args:
        scope: the function that has the gradients.
        call: the call there: the optimizer's step, or a function of the project's that steps it.
        at: how the optimizer's parameters are reached there.
        gradients: the name of the gradients.
    """

    scope: Scope
    call: ast.Call
    at: str
    gradients: str
    backwards: list[tuple[ast.stmt, ast.Call]] = field(default_factory=list)


def rewrite_steps(work: Work, optimizers: list[Thing]) -> None:
    """Rewrite the training steps of optimizers that are stepped at the same places.

    Raises:
        Left: a step is not of a shape that can be rewritten.
    """
    found = {id(call): (scope, call) for thing in optimizers for scope, call in updates(work.flow, thing)}
    for scope, call in found.values():
        at, scaler = stepped(work, scope, call)
        for update in reached(work, scope, call, at, scaler):
            rewrite_update(work, optimizers, update)


def stepped(work: Work, scope: Scope, call: ast.Call) -> tuple[str, str]:
    """How the optimizer is called in its step, and the GradScaler that steps it."""
    assert isinstance(call.func, ast.Attribute)
    source = scope.file.source
    if SCALER in work.flow.kinds(scope, call.func.value):
        return source.code(call.args[0]), source.code(call.func.value)
    if call.args or call.keywords:
        raise Left(f"its step in line {call.lineno} is given a closure; write the closure out")
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
    tail = at.rpartition(".")[2]
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
    bases = [outermost(scope, one.backward) for one in found]
    if accumulated and not all(isinstance(base, LOOPS) for base in bases):
        raise Left(f"gradients are gathered over calls of a function, up to the step in line {update.call.lineno}")
    loops = [enclosing(scope, one.backward) for one in found]
    if clears and loops[0] and not any(repeated(work, where, s, loops[0]) for where, s in clears):
        raise Left(f"the gradients for the step in line {update.call.lineno} are cleared outside its loop only")
    if accumulated and not clears:
        raise Left(f"the gradients for the step in line {update.call.lineno} are never cleared")
    if not accumulated and not clears:
        raise Left(f"the gradients for the step in line {update.call.lineno} are never cleared, so they pile up")
    clips = clipped(work, update, mine)
    several = len(found) > 1
    for number, (one, base) in enumerate(zip(found, bases, strict=True)):
        settle(one, base, set())
        tail = f"_{number + 1}" if several else ""
        forward, maker = file.names.free(f"forward_fn{tail}"), file.names.free(f"grad_fn{tail}")
        fresh = file.names.free("new_grads") if accumulated else update.gradients
        after = unscaled(one, fresh)
        if accumulated:
            name = update.gradients
            after.append(f"{name} = {fresh} if {name} is None else tuple(a + b for a, b in zip({name}, {fresh}))")
        rewrite(work, one, forward, maker, f"{update.at}.parameters", fresh, after)
    if accumulated:
        work.before(file, bases[0], f"{update.gradients} = None")
    for where, statement in clears:
        if accumulated and where is scope and not outside(statement, bases):
            work.replace(where.file, statement, f"{update.gradients} = None")
            work.say(where.file, statement, REWRITTEN, "the gathered gradients are dropped", "step")
        else:
            work.remove(where.file, statement)
            work.say(where.file, statement, REWRITTEN, "gradients are made anew at each call", "step")
    for text, node in clips:
        work.replace(file, node, text)
        work.say(file, node, REWRITTEN, "it works on the gradients that the optimizer is given", "step")
    scalers(work, update, found)


def repeated(work: Work, scope: Scope, statement: ast.stmt, loops: list[ast.AST]) -> bool:
    """Whether a statement is run again in one of the loops around a backward."""
    return any(loop in loops for road in roads(work.flow, scope, statement) for loop, _ in road.loops)


def outside(statement: ast.stmt, bases: list[ast.stmt]) -> bool:
    """Whether a statement stands before the loops."""
    return statement.lineno < min(base.lineno for base in bases)


def belonging(work: Work, update: Update) -> list[tuple[ast.stmt, ast.Call]]:
    """The backward calls whose gradients a step uses: those after the step before it."""
    scope = update.scope
    steps = sorted(
        {call.lineno for thing in work.flow.all("optimizer") for s, call in updates(work.flow, thing) if s is scope}
        | {update.call.lineno}
    )
    line = update.call.lineno
    before = [each for each in steps if each < line]
    low = before[-1] if before else 0
    found = [(s, c) for s, c in passes(work, scope) if low < s.lineno <= line]
    following = [each for each in steps if each > line]
    if following and not any(line < s.lineno <= following[0] for s, _ in passes(work, scope)):
        raise Left(f"the steps in lines {line} and {following[0]} share one backward")
    if not found:
        raise Left(f"the backward that belongs to the step in line {line} was not found, or is another step's too")
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
    for file in work.flow.files:
        for node, scope in file.where.items():
            if not (
                isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "zero_grad"
            ):
                continue
            held = work.flow.things(scope, node.func.value)
            network = any(t.kind in (NETWORK, OBJECT) for t in held) or not held
            named = file.source.code(node.func.value) in owners and scope is update.scope
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


def clipped(work: Work, update: Update, mine: list[tuple[ast.stmt, ast.Call]]) -> list[tuple[str, ast.AST]]:
    """The clipping between backward and step, on the gradients themselves."""
    file, name = update.scope.file, update.gradients
    low, high = mine[0][0].lineno, update.call.lineno
    found: list[tuple[str, ast.AST]] = []
    for node, scope in file.where.items():
        if scope is not update.scope or not isinstance(node, ast.Call) or not low <= node.lineno <= high:
            continue
        dotted = file.names.dotted(node.func).rpartition(".")[2]
        if dotted not in ("clip_grad_norm_", "clip_grad_norm", "clip_grad_value_", "clip_grad_value"):
            if isinstance(node.func, ast.Attribute) and node.func.attr == "unscale_":
                holder = statement_of(file, node)
                work.remove(file, holder)
                work.say(file, node, REWRITTEN, "the gradients are unscaled as soon as they are there", "step")
            continue
        statement = statement_of(file, node)
        given = {**dict(zip(("parameters", "bound", "norm_type"), node.args, strict=False))}
        given.update(
            {{"max_norm": "bound", "clip_value": "bound"}.get(str(w.arg), str(w.arg)): w.value for w in node.keywords}
        )
        if "bound" not in given:
            raise Left(f"the clipping in line {node.lineno} was not recognised")
        bound = file.source.code(given["bound"])
        if "value" in dotted:
            text = f"{name} = mindspore.ops.clip_by_value({name}, -({bound}), {bound})"
        else:
            kind = f", {file.source.code(given['norm_type'])}" if "norm_type" in given else ""
            text = f"{name} = mindspore.ops.clip_by_norm({name}, {bound}{kind})"
        if isinstance(statement, ast.Assign) and statement.value is node:
            if "value" in dotted or "norm_type" in given:
                raise Left(f"what the clipping in line {node.lineno} returns is used")
            total = f"mindspore.ops.norm(mindspore.ops.stack([mindspore.ops.norm(g) for g in {name}])).asnumpy()[()]"
            indent = file.source.indent(statement)
            first = f"{' = '.join(file.source.code(t) for t in statement.targets)} = {total}"
            text = f"{first}\n{indent}{text}"
        elif not isinstance(statement, ast.Expr):
            raise Left(f"the clipping in line {node.lineno} is part of a larger statement")
        found.append((text, statement))
    return found


def unscaled(one: Pass, name: str) -> list[str]:
    """Gradients and loss without the scale of a GradScaler."""
    if not one.scaler:
        return []
    lines = [f"{name} = {one.scaler}.unscale({name})"]
    if isinstance(one.loss, ast.Name):
        lines.append(f"{one.loss.id} = {one.scaler}.unscale({one.loss.id})")
    return lines


def scalers(work: Work, update: Update, found: list[Pass]) -> None:
    """A GradScaler as MindSpore's DynamicLossScaler."""
    if not any(one.scaler for one in found):
        return
    for thing in work.flow.all(SCALER):
        file, call = thing.scope.file, thing.node  # type: ignore[union-attr]
        assert isinstance(call, ast.Call)
        words = {w.arg: file.source.code(w.value) for w in call.keywords}
        scale = words.get("init_scale", "2.0**16")
        factor, window = words.get("growth_factor", "2"), words.get("growth_interval", "2000")
        if "enabled" in words:
            scale = f"{scale} if {words['enabled']} else 1.0"
        text = f"mindspore.amp.DynamicLossScaler({scale}, {factor}, {window})"
        work.replace(file, call, text)
        reason = "it grows and falls as GradScaler did; autocast has no counterpart: mindspore.amp.auto_mixed_precision"
        work.say(file, call, CHECK, reason, "step")
        for scope, node in uses(work.flow, thing):
            parent = scope.file.parents[node]
            outer = scope.file.parents.get(parent)
            if not (isinstance(parent, ast.Attribute) and isinstance(outer, ast.Call)):
                continue
            if parent.attr == "update":
                work.remove(scope.file, statement_of(scope.file, outer))
                work.say(scope.file, outer, REWRITTEN, "the scale is adjusted beside the update", "step")
            elif parent.attr == "get_scale":
                at = scope.file.source.code(node)
                work.replace(scope.file, outer, f"float({at}.scale_value.asnumpy())")
                work.say(scope.file, outer, REWRITTEN, "the scale is a number of the scaler", "step")
            elif parent.attr in ("state_dict", "load_state_dict"):
                raise Left(f"the GradScaler's {parent.attr} in line {node.lineno} has no counterpart")
