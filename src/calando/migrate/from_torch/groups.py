"""Reading and writing parameter groups at run time, in MindSpore's words."""

from __future__ import annotations

import ast

from ..finding import CHECK, KEPT, REWRITTEN
from ..reading.flow import Thing
from ..reading.latest import EITHER, PAST, whose
from ..reading.reads import HYPERS, aliases, group_reads, simple_read
from ..reading.scopes import File, Scope
from ..schedulers.place import Placed, optimizer_at
from ..schedulers.taken import said_read
from ..work import Left, Work
from .assign import HOME as ASSIGNED
from .labels import CHAINED, HOME, Used, dictionaries, labels_of

KNOWN = {"lr", "weight_decay", "momentum", "eps", "name"}  # what the groups of both frameworks call alike
SHOWS = "the optimizer shows its rate"
AHEAD = f"{SHOWS}; PyTorch's get_lr(), asked outside of its step, may show the rate one step further"
WRITABLE = {"lr", "weight_decay", "momentum", "eps"}


def write_groups(work: Work, thing: Thing, rates: str) -> None:
    """Turn writes into an optimizer's groups into calls of ``set``, or of ``ops.assign`` in the guide's way.

    Args:
        rates: empty for calando's classes; for MindSpore's own what ``manner`` says.

    Raises:
        Left: a write that cannot be turned.
    """
    unnamed(work, thing)
    for scope, node, at, only in list(group_reads(work.flow, thing)):
        if only or id(node) in work.told:
            continue
        file = scope.file
        if clock(work, file, node, at, rates):
            continue
        if rates and work.wish.style != "guide":
            raise Left(f"its groups are written in line {node.lineno}")
        if not rates and (asked := dictionaries(file, node, labels_of(work, thing))) is not None:
            if asked.stores:
                show_dictionaries(work, file, node, at, asked, labels_of(work, thing))
            continue
        parent = file.parents[node]
        if isinstance(parent, ast.For) and parent.iter is node and isinstance(parent.target, ast.Name):
            loop(work, scope, parent, node, at, parent.target.id, "", rates)
        elif isinstance(parent, ast.Call) and ast.unparse(parent.func) == "enumerate":
            above = file.parents[parent]
            if not (isinstance(above, ast.For) and isinstance(above.target, ast.Tuple) and len(above.target.elts) == 2):
                raise Left(f"its groups are written in line {node.lineno} in a way that was not recognised")
            number, group = above.target.elts
            if not (isinstance(number, ast.Name) and isinstance(group, ast.Name)):
                raise Left(f"its groups are written in line {node.lineno} in a way that was not recognised")
            loop(work, scope, above, node, at, group.id, number.id, rates)
        elif isinstance(parent, ast.Subscript) and isinstance(file.parents[parent], ast.Subscript):
            one(work, scope, file.parents[parent], at, file.source.code(parent.slice), rates)  # type: ignore[arg-type]
        else:
            raise Left(f"its groups are used in line {node.lineno} in a way that was not recognised")
        work.say(file, node, REWRITTEN, "a number is set on the optimizer, which checks and remembers it", "changing")


def unnamed(work: Work, thing: Thing) -> None:
    """``groups = optimizer.param_groups`` goes: the optimizer itself is asked wherever the name is read."""
    for value, (statement, _) in aliases(work.flow).items():
        file = next(file for file in work.flow.files if statement in file.where)
        if thing in work.flow.things(file.where[statement], value.value) and id(statement) not in work.told:
            work.remove(file, statement)
            work.say(file, statement, REWRITTEN, "the optimizer is asked wherever this is read", "reading")


def show_dictionaries(
    work: Work, file: File, node: ast.expr, at: str, asked: Used, labels: frozenset[str], past: bool = False
) -> None:
    """Groups as dictionaries in PyTorch's words, which may be written."""
    home = HOME if labels or past or asked.computed else CHAINED
    work.need(file, f"import {home}")
    work.replace(file, node, f"{home}.groups({at}{', ago=1' if past else ''})")
    told = "dictionaries show the groups; a number that is written is set"
    if asked.computed:
        told += "; keys are computed here, and PyTorch's betas, alpha and params are not among those shown"
    work.say(file, node, CHECK if asked.computed else REWRITTEN, told, "changing")


def clock(work: Work, file: File, node: ast.expr, at: str, rates: str) -> bool:
    """``optimizer.param_groups[0]["step"]``, which counts the updates of one of ``calando.torch``'s."""
    number = file.parents[file.parents[node]]
    counts = (
        isinstance(number, ast.Subscript) and isinstance(number.slice, ast.Constant) and number.slice.value == "step"
    )
    if rates or not counts or not isinstance(number.ctx, ast.Load):  # type: ignore[attr-defined]
        return False
    work.replace(file, number, f"int({at}.global_step.asnumpy()[0])")
    work.say(file, number, REWRITTEN, "how many updates were made", "reading")
    return True


def loop(work: Work, scope: Scope, over: ast.For, node: ast.expr, at: str, group: str, number: str, rates: str) -> None:
    """A loop over groups that writes into them."""
    file = scope.file
    stores = []
    for inner in ast.walk(over):
        if isinstance(inner, ast.Name) and inner.id == group and isinstance(inner.ctx, ast.Load):
            holder = file.parents[inner]
            key = (
                holder.slice.value
                if isinstance(holder, ast.Subscript) and isinstance(holder.slice, ast.Constant)
                else None
            )
            if key not in HYPERS:
                raise Left(
                    f"a group's {key!r} is used in line {inner.lineno}"
                    if key
                    else f"a group is used in line {inner.lineno}"
                )
            if isinstance(holder, ast.Subscript) and isinstance(holder.ctx, ast.Store):
                stores.append((holder, str(key)))
    alone = len(over.body) == 1 and not over.orelse and not number and len(stores) == 1
    statement = file.parents[stores[0][0]] if stores else None
    if alone and isinstance(statement, ast.Assign) and statement in over.body:
        text = file.source.code(statement.value)
        if group not in {n.id for n in ast.walk(statement.value) if isinstance(n, ast.Name)}:
            work.replace(file, over, setter(work, file, at, stores[0][1], text, "", rates))
            return
    named = number or file.names.free("number")
    work.replace(file, node, groups_text(work, file, at, rates))
    if not number:
        start, end = file.source.span(over.target)
        work.between(file, start, start, f"{named}, ")
        start, end = file.source.span(over.iter)
        work.between(file, start, start, "enumerate(")
        work.between(file, end, end, ")")
    for holder, key in stores:
        write(work, file, holder, at, key, named, rates)


def one(work: Work, scope: Scope, holder: ast.Subscript, at: str, index: str, rates: str) -> None:
    """``optimizer.param_groups[0]["lr"] = value``."""
    if not isinstance(holder.slice, ast.Constant) or not isinstance(holder.ctx, ast.Store):
        raise Left(f"its groups are used in line {holder.lineno} in a way that was not recognised")
    write(work, scope.file, holder, at, str(holder.slice.value), index, rates)


def write(work: Work, file: File, holder: ast.AST, at: str, key: str, number: str, rates: str) -> None:
    """One assignment to a group's number."""
    statement = file.parents[holder]
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        text = file.source.code(statement.value)
    elif isinstance(statement, ast.AugAssign):
        sign = {ast.Mult: "*", ast.Div: "/", ast.Add: "+", ast.Sub: "-"}.get(type(statement.op))
        if sign is None:
            raise Left(f"the assignment in line {statement.lineno} was not recognised")
        read = file.source.code(holder) if isinstance(holder, ast.Subscript) else ""
        if isinstance(holder, ast.Subscript) and isinstance(holder.value, ast.Subscript):  # optimizer.param_groups[0]
            read = f'{groups_text(work, file, at, rates)}[{number}]["{key}"]'
        text = f"{read} {sign} ({file.source.code(statement.value)})"
    else:
        raise Left(f"a group's number is changed in line {holder.lineno} in a way that was not recognised")  # type: ignore[attr-defined]
    work.replace(file, statement, setter(work, file, at, key, text, number, rates))
    work.say(file, statement, REWRITTEN, "a number is set on the optimizer", "changing")


def setter(work: Work, file: File, at: str, key: str, text: str, number: str, rates: str) -> str:
    """The statement that sets a number."""
    if key not in WRITABLE:
        raise Left(f"a group's {key!r} is written, which MindSpore has no counterpart for")
    if not rates:
        return f'{at}.set("{key}", {text}' + (f", group={number})" if number else ")")
    if key not in ("lr", "weight_decay"):
        raise Left(f"a group's {key!r} is written while it trains; --style exact can do that")
    if key == "lr" and not number and rates == "one":
        work.need(file, "import mindspore")
        return f"mindspore.ops.assign({at}.learning_rate, mindspore.Tensor({text}, mindspore.float32))"
    work.need(file, f"import {ASSIGNED}")
    return f'{ASSIGNED}.put({at}, "{key}", {text}' + (f", group={number})" if number else ")")


def groups_text(work: Work, file: File, at: str, rates: str, ago: str = "") -> str:
    """An optimizer's groups as they are shown."""
    if not rates:
        return f"{at}.current()"
    work.need(file, f"import {ASSIGNED}")
    return f"{ASSIGNED}.groups({at}{ago})"


def look(work: Work, rates: dict[Thing, str], places: list[Placed]) -> None:
    """Reads of the numbers of optimizers.

    Args:
        rates: for each optimizer, as for ``write_groups``.

    Raises:
        Left: a read that has no counterpart.
    """
    optimizers, own = list(rates), any(rates.values())
    for place in places:
        for scope, call in place.reads:
            moment = whose(work.flow, optimizers, call, place.step[1], place.rhythm.early)
            text = shown(work, optimizer_at(work, place, scope, call), moment == PAST, own)
            file = scope.file
            parent = file.parents[call]
            if isinstance(parent, ast.Subscript) and parent.value is call:
                index = file.source.code(parent.slice)
                work.replace(file, parent, text if own else f'{text}[{index}]["lr"]')
            else:
                work.replace(file, call, f"[{text}]" if own else f'[group["lr"] for group in {text}]')
            if getattr(call.func, "attr", "") == "get_lr" and place.thing.name != "LambdaLR":
                work.say(file, call, CHECK, AHEAD, "reading")
                continue
            unsure = place.rhythm.early if moment == EITHER else None
            said_read(work, file, call, unsure, SHOWS)
    seen: set[int] = set()
    for thing in optimizers:
        for scope, node, at, only in list(group_reads(work.flow, thing)):
            labels = labels_of(work, thing)
            asked = None if own or (only and not labels) else dictionaries(scope.file, node, labels)
            if id(node) in seen or not (only or (asked is not None and not asked.stores)):
                continue
            seen.add(id(node))
            known_keys(scope, node)
            first = places[0] if places else None
            moment = whose(work.flow, optimizers, node, first.step[1], first.rhythm.early) if first else ""
            past = moment == PAST
            if asked is not None:
                show_dictionaries(work, scope.file, node, at, asked, labels, past)
            elif own:
                own_read(work, scope, node, at, past, rates[thing])
            else:
                work.replace(scope.file, node, shown(work, at, past, own))
            unsure = first.rhythm.early if first and moment == EITHER else None
            said_read(work, scope.file, node, unsure, "the optimizer shows its numbers")


def known_keys(scope: Scope, node: ast.expr) -> None:
    """Raise Left where a number is read that MindSpore's optimizers call otherwise, as ``betas``."""
    around: ast.AST = node
    while not isinstance(around, (ast.stmt, ast.comprehension)):
        around = scope.file.parents[around]
    if isinstance(around, ast.comprehension):
        around = scope.file.parents[around]
    for inner in ast.walk(around):
        key = inner.slice.value if isinstance(inner, ast.Subscript) and isinstance(inner.slice, ast.Constant) else None
        if key in HYPERS - KNOWN:
            raise Left(f"a group's {key!r} is read in line {inner.lineno}, which MindSpore's optimizers do not show")  # type: ignore[attr-defined]


def shown(work: Work, at: str, past: bool, own: bool) -> str:
    """An optimizer's groups, or its rate where it is MindSpore's own."""
    if own:
        tensor = f"{at}.learning_rate({at}.global_step - 1)[0]" if past else f"{at}.get_lr()"
        return f"float({tensor}.asnumpy())"
    return f"{at}.at(int({at}.global_step.asnumpy()[0]) - 1)" if past else f"{at}.current()"


def own_read(work: Work, scope: Scope, node: ast.expr, at: str, past: bool, rates: str) -> None:
    """Reads of MindSpore's own class: ``optimizer.param_groups[0]["lr"]`` from itself, others from its groups."""
    file = scope.file
    if rates == "one" and simple_read(scope, node):
        work.replace(file, file.parents[file.parents[node]], shown(work, at, past, True))
        return
    work.replace(file, node, groups_text(work, file, at, rates, ", ago=1" if past else ""))


__all__ = ["KEPT", "look", "write_groups"]
