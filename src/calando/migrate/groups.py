"""Reading and writing parameter groups at run time, in MindSpore's words."""

from __future__ import annotations

import ast

from .finding import KEPT, REWRITTEN
from .flow import File, Scope, Thing
from .place import Placed, optimizer_at
from .reads import HYPERS, behind, group_reads, only_read
from .work import Left, Work

WRITABLE = {"lr", "weight_decay", "momentum", "eps"}


def write_groups(work: Work, thing: Thing, own: bool, style: str) -> None:
    """Turn writes into an optimizer's groups into calls of ``set``, or of ``ops.assign`` in the guide's way.

    Raises:
        Left: a write that cannot be turned.
    """
    for scope, node, at, only in list(group_reads(work.flow, thing)):
        if only or id(node) in work.told:
            continue
        file = scope.file
        if own and style != "guide":
            raise Left(f"its groups are written in line {node.lineno}")
        parent = file.parents[node]
        if isinstance(parent, ast.For) and parent.iter is node and isinstance(parent.target, ast.Name):
            loop(work, scope, parent, node, at, parent.target.id, "", own)
        elif isinstance(parent, ast.Call) and ast.unparse(parent.func) == "enumerate":
            above = file.parents[parent]
            if not (isinstance(above, ast.For) and isinstance(above.target, ast.Tuple) and len(above.target.elts) == 2):
                raise Left(f"its groups are written in line {node.lineno} in a way that was not recognised")
            number, group = above.target.elts
            if not (isinstance(number, ast.Name) and isinstance(group, ast.Name)):
                raise Left(f"its groups are written in line {node.lineno} in a way that was not recognised")
            loop(work, scope, above, node, at, group.id, number.id, own)
        elif isinstance(parent, ast.Subscript) and isinstance(file.parents[parent], ast.Subscript):
            one(work, scope, file.parents[parent], at, file.source.code(parent.slice), own)  # type: ignore[arg-type]
        else:
            raise Left(f"its groups are used in line {node.lineno} in a way that was not recognised")
        work.say(file, node, REWRITTEN, "a number is set on the optimizer, which checks and remembers it", "changing")


def loop(work: Work, scope: Scope, over: ast.For, node: ast.expr, at: str, group: str, number: str, own: bool) -> None:
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
            work.replace(file, over, setter(work, file, at, stores[0][1], text, "", own))
            return
    if own:
        raise Left(f"the groups get numbers of their own in line {over.lineno}, and MindSpore's class cannot take them")
    named = number or file.names.free("number")
    work.replace(file, node, f"{at}.current()")
    if not number:
        start, end = file.source.span(over.target)
        work.between(file, start, start, f"{named}, ")
        start, end = file.source.span(over.iter)
        work.between(file, start, start, "enumerate(")
        work.between(file, end, end, ")")
    for holder, key in stores:
        write(work, file, holder, at, key, named, own)


def one(work: Work, scope: Scope, holder: ast.Subscript, at: str, index: str, own: bool) -> None:
    """``optimizer.param_groups[0]["lr"] = value``."""
    if not isinstance(holder.slice, ast.Constant) or not isinstance(holder.ctx, ast.Store):
        raise Left(f"its groups are used in line {holder.lineno} in a way that was not recognised")
    write(work, scope.file, holder, at, str(holder.slice.value), index, own)


def write(work: Work, file: File, holder: ast.AST, at: str, key: str, number: str, own: bool) -> None:
    """One assignment to a group's number."""
    statement = file.parents[holder]
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        text = file.source.code(statement.value)
    elif isinstance(statement, ast.AugAssign):
        sign = {ast.Mult: "*", ast.Div: "/", ast.Add: "+", ast.Sub: "-"}.get(type(statement.op))
        if sign is None:
            raise Left(f"the assignment in line {statement.lineno} was not recognised")
        read = file.source.code(holder) if isinstance(holder, ast.Subscript) else ""
        if ".param_groups" in read:
            read = f'{at}.current()[{number}]["{key}"]'
        text = f"{read} {sign} ({file.source.code(statement.value)})"
    else:
        raise Left(f"a group's number is changed in line {holder.lineno} in a way that was not recognised")  # type: ignore[attr-defined]
    work.replace(file, statement, setter(work, file, at, key, text, number, own))
    work.say(file, statement, REWRITTEN, "a number is set on the optimizer", "changing")


def setter(work: Work, file: File, at: str, key: str, text: str, number: str, own: bool) -> str:
    """The statement that sets a number."""
    if key not in WRITABLE:
        raise Left(f"a group's {key!r} is written, which MindSpore has no counterpart for")
    if not own:
        return f'{at}.set("{key}", {text}' + (f", group={number})" if number else ")")
    if key != "lr":
        raise Left(f"a group's {key!r} is written while it trains; --style exact can do that")
    work.need(file, "import mindspore")
    return f"mindspore.ops.assign({at}.learning_rate, mindspore.Tensor({text}, mindspore.float32))"


def look(work: Work, optimizers: list[Thing], places: list[Placed], own: bool) -> None:
    """Reads of an optimizer's numbers.

    Raises:
        Left: a read that has no counterpart.
    """
    for place in places:
        for scope, call in place.reads:
            text = shown(
                work,
                optimizer_at(work, place, scope, call),
                behind(work.flow, optimizers, scope, call, place.step[1]),
                own,
            )
            file = scope.file
            parent = file.parents[call]
            if isinstance(parent, ast.Subscript) and parent.value is call:
                index = file.source.code(parent.slice)
                work.replace(file, parent, text if own else f'{text}[{index}]["lr"]')
            else:
                work.replace(file, call, f"[{text}]" if own else f'[group["lr"] for group in {text}]')
            work.say(file, call, REWRITTEN, "the optimizer shows its rate", "reading")
    seen: set[int] = set()
    for thing in optimizers:
        for scope, node, at, only in list(group_reads(work.flow, thing)):
            if not only or id(node) in seen or not only_read(scope, node):
                continue
            seen.add(id(node))
            step = places[0].step[1] if places else None
            past = bool(places) and behind(work.flow, optimizers, scope, node, step)
            if own:
                own_read(work, scope, node, at, past)
            else:
                work.replace(scope.file, node, shown(work, at, past, own))
            work.say(scope.file, node, REWRITTEN, "the optimizer shows its numbers", "reading")


def shown(work: Work, at: str, past: bool, own: bool) -> str:
    """An optimizer's groups, or its rate where it is MindSpore's own."""
    if own:
        if past:
            raise Left("the rate of the update just made is read; MindSpore's class shows the coming one only")
        return f"float({at}.get_lr().asnumpy())"
    return f"{at}.at(int({at}.global_step.asnumpy()[0]) - 1)" if past else f"{at}.current()"


def own_read(work: Work, scope: Scope, node: ast.expr, at: str, past: bool) -> None:
    """``optimizer.param_groups[0]["lr"]`` of MindSpore's own class."""
    file = scope.file
    group = file.parents[node]
    number = file.parents.get(group)
    if not (
        isinstance(number, ast.Subscript) and isinstance(number.slice, ast.Constant) and number.slice.value == "lr"
    ):
        raise Left(f"its groups are read in line {node.lineno}, which MindSpore's own class does not show")
    work.replace(file, number, shown(work, at, past, True))


__all__ = ["KEPT", "look", "write_groups"]
