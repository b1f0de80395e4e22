"""The training step: ``zero_grad``, ``backward``, ``step`` become gradients that are given to the optimizer."""

from __future__ import annotations

import ast
import re
from bisect import bisect_left, bisect_right

from ..finding import CHECK, REWRITTEN
from ..reading.blocks import above, spot, statement_of
from ..reading.bound import names_read, names_stored
from ..reading.either import Either
from ..reading.flow import SCALER, Thing
from ..reading.rhythm import either, updates
from ..reading.roads import LOOPS, conditions, enclosing, roads
from ..reading.scopes import File, Scope
from ..work import Left, Work
from .adjusted import scaled_step
from .belonging import accumulates, belonging
from .cleared import cleared, clearing
from .clipped import clipped, clipped_between
from .closures import closure_step
from .forks import alternatives, fork
from .forward import outermost, rewrite, settle
from .handed import Handed, add_argument, add_parameter, all_handed, callers, handed, there
from .passes import Pass, backwards, passes, understood
from .scaler import scalers, unscaled
from .spread import each_in_turn, spread
from .strays import alone
from .update import Update, shared, split, weights_of

PILING = ", so they pile up"
TAKES = "the optimizer takes the gradients; time passes inside"


def rewrite_steps(work: Work, optimizers: list[Thing]) -> None:
    """Rewrite the training steps of optimizers that are stepped at the same places.

    Raises:
        Left: a step is not of a shape that can be rewritten.
    """
    found = {id(call): (scope, call) for thing in optimizers for scope, call in updates(work.flow, thing)}
    updates_found: list[Update] = []
    first: dict[Either, Update] = {}
    for scope, call in sorted(found.values(), key=lambda each: each[1].lineno):
        scaled = isinstance(call.func, ast.Attribute) and SCALER in work.flow.kinds(scope, call.func.value)
        if (call.args or call.keywords) and not scaled:
            if rises(optimizers):
                raise Left(f"its step in line {call.lineno} is given a closure, and it goes up (maximize)")
            closure_step(work, scope, call, gradients_name(work, scope.file, scope.file.source.code(call.func.value)))  # type: ignore[attr-defined]
            continue
        at, scaler = stepped(work, scope, call)
        one = either(work.flow, scope, call) if passes(work, scope) else None
        before = first.get(one) if one is not None else None
        before = before or again(work, updates_found, scope, call, at)
        if before is not None:
            beside(work, before, call, at, scaler)
            continue
        made = reached(work, scope, call, at, scaler)
        updates_found += made
        if one is not None:
            first[one] = made[0]
    updates_found.sort(key=lambda update: (update.scope.file.module, spot(update.call)))
    whole = shared(work, updates_found)
    for update in whole:
        places = [spot(each.call) for each in updates_found if each.scope is update.scope]
        others = {each.scope for each in whole if each.scope is not update.scope}
        rewrite_update(work, optimizers, update, places, cleared(work, optimizers, update, others))
    unhanded(work)


def again(work: Work, found: list[Update], scope: Scope, call: ast.Call, at: str) -> Update | None:
    """The update before a further one with the same gradients, as that of what is left over after a loop."""
    before = found[-1] if found and found[-1].scope is scope and found[-1].at == at else None
    if before is None or handed(work.flow, work.flow.callee(scope, before.call)) is not None:
        return None
    spots, _ = backwards(work, scope)
    between = bisect_right(spots, spot(before.last)) < bisect_left(spots, spot(call))
    return None if not spots or between else before


def beside(work: Work, update: Update, call: ast.Call, at: str, scaler: str) -> None:
    """The same update in another branch of a condition, or once more: it takes the same gradients.

    Raises:
        Left: the optimizer has another name there.
    """
    if at != update.at or update.call.lineno > call.lineno:
        raise Left(f"the steps in lines {update.call.lineno} and {call.lineno} share one backward")
    update.twins.append(call)
    work.replace(update.scope.file, call, step_text(work, update.scope, call, at, update.gradients, scaler))
    work.say(update.scope.file, call, CHECK if scaler else REWRITTEN, TAKES, "step")


def unhanded(work: Work) -> None:
    """Raise Left where a backward went from a function and one of its callers still counts on it."""
    if not (counted := all_handed(work.flow)):
        return
    told = set(work.told)
    gone = {id(statement) for _, statement in work.removed}
    for inner in counted:
        if id(inner.statement) in gone:
            for _, outer in callers(work, inner):
                if id(outer) not in told:
                    raise Left(
                        f"the call in line {outer.lineno} counts on the backward in line {inner.statement.lineno}"
                    )


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
    inner = handed(work.flow, scope)
    if inner is None and passes(work, scope):
        if (over := each_in_turn(work, scope, call)) is not None:
            return [spread(work, scope, call, over, (at, name, scaler))]
        work.replace(file, call, step_text(work, scope, call, at, name, scaler))
        certainty = CHECK if scaler else REWRITTEN
        work.say(file, call, certainty, TAKES, "step")
        return [Update(scope, call, at, name)]
    if inner is None and (helper := backward_in_helper(work, scope, call)) is not None:
        name, line = helper.node.name, helper.file.backwards[helper][0][0]  # type: ignore[attr-defined]
        told = f"the backward for the step in line {call.lineno} is made inside {name} (line {line})"
        raise Left(f"{told}: let {name} return the loss, and make the backward beside the step")
    if not isinstance(scope.node, ast.FunctionDef) or not scope.calls or (scaler and inner is None):
        raise Left(f"the backward that belongs to the step in line {call.lineno} was not found in its function")
    if inner is not None:
        clip_inside(work, inner, call, name)
    work.replace(file, call, step_text(work, scope, call, at, name, scaler))
    work.say(file, call, REWRITTEN, TAKES, "step")
    placed = add_parameter(work, scope, name)
    return [given_on(work, scope, caller, outer, call, (at, name, placed)) for caller, outer in scope.calls]


def backward_in_helper(work: Work, scope: Scope, call: ast.Call) -> Scope | None:
    """The function of the project that is called before a step and makes a backward of its own."""
    for other in scope.file.asked[scope]:
        inner = work.flow.callee(scope, other) if spot(other) < spot(call) else None
        if inner is not None and isinstance(inner.node, ast.FunctionDef) and inner.file.backwards[inner]:
            return inner
    return None


def given_on(
    work: Work, scope: Scope, caller: Scope, outer: ast.Call, call: ast.Call, given: tuple[str, str, bool]
) -> Update:
    """One call of a function with a step: it is given the gradients.

    Args:
        call: the step.
        given: how the optimizer and the gradients are called in the function, and whether by their place.
    """
    at, name, placed = given
    inner = handed(work.flow, scope) is not None
    if not passes(work, caller):
        raise Left(f"the backward that belongs to the step in line {call.lineno} was not found")
    if not inner and not isinstance(caller.file.parents[outer], ast.Expr):
        raise Left(f"what the step in line {outer.lineno} returns is used")
    own = name if caller.file is scope.file else caller.file.names.free(name)
    add_argument(work, caller.file, outer, name, own, placed)
    work.say(caller.file, outer, REWRITTEN, "it is given the gradients", "step")
    return Update(caller, outer, there(scope, outer, at), own)


def clip_inside(work: Work, inner: Handed, call: ast.Call, name: str) -> None:
    """What stands between the backward and the step in a function that is handed the loss.

    Raises:
        Left: the step is made under a condition, or the function is used otherwise.
    """
    scope, file = inner.scope, inner.scope.file
    callers(work, inner)
    if list(conditions(file, call, scope.node)) or enclosing(scope, call):
        raise Left(f"the step in line {call.lineno} is made under a condition, and its caller has the forward pass")
    span = range(inner.statement.lineno, call.lineno + 1)
    weights = f"{file.source.code(call.func.value)}.parameters"  # type: ignore[attr-defined]
    for text, node in clipped_between(work, scope, span, lambda params, line: (name, weights)):
        work.replace(file, node, text)
        work.say(file, node, REWRITTEN, "it works on the gradients that the optimizer is given", "step")


def gradients_name(work: Work, file: File, at: str) -> str:
    """What the gradients are called: after the optimizer where there are several."""
    several = len(work.flow.all("optimizer")) > 1
    tail = re.sub(r"\W+", "_", at.rpartition(".")[2]).strip("_")
    wanted = "grads" if not several or tail in ("optimizer", "opt") else f"{tail}_grads"
    return file.names.free(wanted)


def step_text(work: Work, scope: Scope, call: ast.Call, at: str, name: str, scaler: str) -> str:
    """The call that makes an update."""
    if not scaler:
        return f"{at}({name})"
    indent = scope.file.source.indent(statement_of(scope.file, call))
    return f"\n{indent}".join(scaled_step(work, scope, call, f"{at}({name})", name, scaler))


def rewrite_update(
    work: Work,
    optimizers: list[Thing],
    update: Update,
    others: list[tuple[int, int]],
    clears: list[tuple[Scope, ast.stmt]],
) -> None:
    """Everything between the data and the step.

    Args:
        others: where the steps of this function stand.
        clears: what clears its gradients.
    """
    scope, file = update.scope, update.scope.file
    mine = belonging(work, update, others)
    gone = {statement for _, statement in clears}
    accumulated = accumulates(update, mine, clears, alternatives(work, scope, mine))
    alone(work, update, mine, clearing(scope, clears))
    found = understood_all(work, scope, mine, gone)
    makers = {id(node) for thing in optimizers for node in above(thing.scope.file, thing.node)}  # type: ignore[union-attr]
    around = [node for node in above(file, update.holder) if isinstance(node, LOOPS)]
    makers |= {id(node) for node in around if update.names & names_stored(node)}
    bases = [outermost(scope, one.backward, makers) for one in found]
    gathered(work, update, mine, found, bases, clears, accumulated)
    dropped(work, update, clears, bases if accumulated else [])
    clipping = clipped(work, update, mine)
    negated = rises(optimizers)
    for number, (one, base) in enumerate(zip(found, bases, strict=True)):
        settle(work, one, base)
        tail = f"_{number + 1}" if len(found) > 1 else ""
        forward, maker = file.names.free(f"forward_fn{tail}"), file.names.free(f"grad_fn{tail}")
        fresh = file.names.free("new_grads") if accumulated else update.gradients
        if one.fork is not None:
            read = any(one.name in names_read(statement) for statement in one.later)
            parted = bool(update.sharers and update.twins)  # before the branches
            one.fork.inside = bool(one.fork.when) and not (accumulated or one.fork.bare or read or parted)
        after = [*unscaled(one, fresh), *([f"{fresh} = tuple(-g for g in {fresh})"] if negated else [])]
        if accumulated:
            name = update.gradients
            after.append(f"{name} = {fresh} if {name} is None else tuple(a + b for a, b in zip({name}, {fresh}))")
        rewrite(work, one, forward, maker, weights_of(update), fresh, after)
    if accumulated:
        work.before(file, bases[0], f"{update.gradients} = None")
    if update.sharers:
        shared_out(work, update, clipping, found)
    for text, node in clipping:
        work.replace(file, node, text)
        work.say(file, node, REWRITTEN, "it works on the gradients that the optimizer is given", "step")
    scalers(work, found)


def gathered(
    work: Work,
    update: Update,
    mine: list[tuple[ast.stmt, ast.Call]],
    found: list[Pass],
    bases: list[ast.stmt],
    clears: list[tuple[Scope, ast.stmt]],
    accumulated: bool,
) -> None:
    """Raise Left where gradients pile up, or gather in a way that cannot be written out."""
    line = update.call.lineno
    if accumulated and not all(isinstance(base, LOOPS) for base in bases):
        raise Left(f"gradients are gathered over calls of a function, up to the step in line {line}")
    if accumulated and any(leaves(s) for one in found for s in one.later):
        raise Left(f"gradients are gathered, and a turn may end before line {mine[0][0].lineno} adds its own")
    loops = enclosing(update.scope, found[0].backward)
    if clears and loops and not any(repeated(work, where, s, loops) for where, s in clears):
        raise Left(f"the gradients for the step in line {line} are cleared outside its loop only")
    if clears:
        return
    unknown = [c.lineno for where, c in update.scope.file.methods["zero_grad"] if where is update.scope]
    if unknown:
        told = f"whose gradients line {unknown[0]} clears was not found"
        raise Left(f"{told}: those for the step in line {line}, or others")
    raise Left(f"the gradients for the step in line {line} are never cleared{'' if accumulated else PILING}")


def dropped(work: Work, update: Update, clears: list[tuple[Scope, ast.stmt]], bases: list[ast.stmt]) -> None:
    """What clears gradients goes, or drops the gathered ones.

    Args:
        bases: the loops that they are gathered in; nothing where they are not.
    """
    went = {s for _, s in work.removed} if len(clears) > 1 else set()  # another step's that are cleared here too
    for where, statement in clears:
        if bases and where is update.scope and not outside(statement, bases):
            if (where.file, statement) in work.removed:  # by a step that gathers nothing
                work.removed.remove((where.file, statement))
            work.replace(where.file, statement, f"{update.gradients} = None")
            work.say(where.file, statement, REWRITTEN, "the gathered gradients are dropped", "step")
        elif statement not in went:
            work.remove(where.file, statement)
            shown = statement.body[0] if isinstance(statement, ast.For) else statement
            work.say(where.file, shown, REWRITTEN, "gradients are made anew at each call", "step")


def shared_out(work: Work, update: Update, clipping: list[tuple[str, ast.AST]], found: list[Pass]) -> None:
    """Each of several optimizers gets its part of the gradients.

    Raises:
        Left: they are clipped together after that, or one of them takes its part in some of several branches only.
    """
    file = update.scope.file
    own = [node for text, node in clipping if not text.startswith(f"{update.gradients} =")]
    first = min([statement_of(file, update.call), *own], key=lambda n: n.lineno)  # type: ignore[attr-defined]
    if any(each.twins for each in update.sharers):
        ways = [either(work.flow, update.scope, each.call) for each in update.sharers]
        if len(found) > 1 or len({one.branch for one in ways if one is not None}) != 1 or None in ways:
            told = "several optimizers take a part of the gradients"
            raise Left(f"{told} of one backward, but not each in every branch around line {update.call.lineno}")
        first = ways[0].branch  # type: ignore[union-attr]
    if any(node.lineno > first.lineno for _, node in clipping if node not in own):  # type: ignore[attr-defined]
        raise Left(f"gradients that several optimizers share are clipped after line {first.lineno}")  # type: ignore[attr-defined]
    split(work, update, statement_of(file, first))


def understood_all(work: Work, scope: Scope, mine: list[tuple[ast.stmt, ast.Call]], gone: set[ast.stmt]) -> list[Pass]:
    """The forward passes of a step; one whose loss is differentiated in every branch of a condition is one."""
    calls = dict(mine)
    found: list[Pass] = []
    seen: set[ast.stmt] = set()
    for one in alternatives(work, scope, mine):
        if (forked := fork(work, scope, one, calls)) is not None:
            first = one.statements[0]
            found.append(understood(work, scope, first, calls[first], gone, forked))
            seen |= set(one.statements)
    found += [understood(work, scope, s, call, gone) for s, call in mine if s not in seen]
    return sorted(found, key=lambda one: spot(one.backward))


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
