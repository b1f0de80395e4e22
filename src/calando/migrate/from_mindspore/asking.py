"""What a script asks an optimizer about its learning rate, and what it writes there."""

from __future__ import annotations

import ast
import re

from ..finding import CHECK, REWRITTEN
from ..reading.scopes import File, Scope
from ..work import Left, Work
from .back import Back, put
from .idle import own_rates
from .plain import bare, follow
from .tensors import assigned, is_tensor, untensored

ALL = '[group["lr"] for group in {}.param_groups for _ in group["params"]]'
APART = ("zip", "enumerate", "len", "isinstance", "list")


def rate(back: Back, scope: Scope, node: ast.Attribute, at: str) -> None:
    """``learning_rate`` and ``get_lr()``, read or assigned to.

    Raises:
        Left: in a way that has no counterpart.
    """
    work, file = back.work, scope.file
    whole: ast.expr = node
    outer = file.parents[node]
    if node.attr == "get_lr":
        if not isinstance(outer, ast.Call):
            raise Left(f"its .get_lr in line {node.lineno} is used in a way that was not recognised")
        whole, outer = outer, file.parents[outer]
    if (new := assigned(file, whole, outer)) is not None:
        changed(back, file, *new, at)
    elif isinstance(node.ctx, ast.Store):
        raise Left(f"its .{node.attr} is assigned to in line {node.lineno}, which MindSpore does not look at again")
    elif isinstance(outer, ast.For) and outer.iter is whole and looped(work, file, outer, at):
        return
    elif isinstance(outer, ast.comprehension) and outer.iter is whole and only_read(file, outer):
        work.replace(file, whole, ALL.format(at))
        work.say(file, whole, REWRITTEN, "one rate for each parameter, as there", "reading")
    elif node.attr == "learning_rate" and (call := schedule_of(back, file, node)) is not None:
        at_step(back, scope, call, at)
    elif isinstance(outer, ast.Call) and ast.unparse(outer.func) == "isinstance" and celled(file, outer):
        flag(back, file, outer, f"{flags(back, 'dynamic_lr', at)} and {flags(back, 'is_group_lr', at)}")
    elif isinstance(outer, (ast.For, ast.comprehension)) or (
        isinstance(outer, ast.Call) and ast.unparse(outer.func) in APART
    ):
        raise Left(f"the rates of its groups are taken one by one in line {node.lineno}: PyTorch has one per group")
    else:
        shown(back, scope, whole, at)


def changed(back: Back, file: File, statement: ast.stmt, value: str, at: str) -> None:
    """A new rate for all groups."""
    group = file.names.free("group")
    put(back.work, file, statement, [f"for {group} in {at}.param_groups:",
                                     f'    {group}["lr"] = {itself(value, at, group)}'])  # fmt: skip
    late = "set_data" in file.source.code(statement)
    told = "the rate of all groups; MindSpore's set_data had no effect once the optimizer had made a step"
    back.work.say(file, statement, CHECK if late else REWRITTEN, told if late else "the rate of all groups", "changing")


def shown(back: Back, scope: Scope, whole: ast.expr, at: str) -> None:
    """The rate in force: one number, or one for each parameter where groups have rates of their own."""
    work, file = back.work, scope.file
    many = "many" if own_rates(back.work.flow, back.thing) else ""
    if isinstance(file.parents[bare(file, whole)], ast.Expr):
        statement = file.parents[bare(file, whole)]
        work.remove(file, statement)  # type: ignore[arg-type]
        told = "it was asked for and not looked at; it moves nothing in MindSpore 2"
        work.say(file, statement, REWRITTEN, told, "reading")
        return
    outer = bare(file, whole, many)
    if many and outer is not whole:
        work.replace(file, outer, f"{ALL.format(at)}[{file.source.code(file.parents[whole].slice)}]")  # type: ignore[attr-defined]
        many = ""
    else:
        work.replace(file, outer, ALL.format(at) if many else f'{at}.param_groups[0]["lr"]')
    work.say(
        file, outer, REWRITTEN, "one rate for each parameter, as there" if many else "the rate in force", "reading"
    )
    follow(work, scope, outer, many)


def schedule_of(back: Back, file: File, node: ast.Attribute) -> ast.Call | None:
    """``optimizer.learning_rate(step)``, or ``learning_rate[0](step)`` of groups: what a schedule says of a step."""
    held: ast.AST = file.parents[node]
    if (
        isinstance(held, ast.Subscript)
        and own_rates(back.work.flow, back.thing)
        and ast.unparse(held.slice) in ("0", "-1")
    ):
        call = file.parents[held]
        return call if isinstance(call, ast.Call) and call.func is held else None
    return held if isinstance(held, ast.Call) and held.func is node and len(held.args) == 1 else None


def at_step(back: Back, scope: Scope, call: ast.Call, at: str) -> None:
    """The rate of one step; a rate that does not move is that of every step."""
    work, file = back.work, scope.file
    which = ast.unparse(call.func.slice) if isinstance(call.func, ast.Subscript) else "0"
    given = call.args[0]
    whole = bare(file, call, "one")
    start, end = file.source.span(whole)
    if not back.target.startswith("calando."):
        scheduler = back.clock(scope, at)
        head = f"{scheduler}.lr_lambdas[{which}](int(" if scheduler else ""
        tail = "))"
    else:
        head, tail = f"{at}.at(int(", f'))[{which}]["lr"]'
    if not head:
        work.replace(file, whole, f'{at}.param_groups[{which}]["lr"]')
    else:
        inner = given.args[0] if is_tensor(file, given) else given  # type: ignore[attr-defined]
        first, last = file.source.span(inner)
        work.between(file, start, first, head)
        work.between(file, last, end, tail)
    work.say(file, whole, REWRITTEN, "the rate of that step", "reading")
    follow(work, scope, whole, "one")


def flag(back: Back, file: File, node: ast.expr, text: str) -> None:
    """Whether a rate moves, or groups have their own."""
    back.work.replace(file, node, text)
    told = "whether it is a schedule" if "moves" in text else "what is known of its rate"
    back.work.say(file, node, REWRITTEN, told, "reading")


def flags(back: Back, name: str, at: str) -> str:
    """``dynamic_lr`` and ``is_group_lr`` of an optimizer, as PyTorch's has them."""
    if name == "is_group_lr":
        return repr(own_rates(back.work.flow, back.thing))
    if not back.moving:
        return "False"
    if not back.target.startswith("calando."):
        return "True"
    back.work.need(back.thing.scope.file, "import calando.migrate.asked")  # type: ignore[union-attr]
    return f"calando.migrate.asked.moves({at})"


def celled(file: File, call: ast.Call) -> bool:
    """``isinstance(optimizer.learning_rate, nn.CellList)``: whether there is a schedule for each parameter."""
    return len(call.args) == 2 and file.names.dotted(call.args[1]).endswith(".CellList")


def itself(value: str, at: str, group: str) -> str:
    """A new rate that is made of the one in force, which each group has for itself."""
    inner = rf"\b{re.escape(at)}\.(?:learning_rate|get_lr\(\))(?:\.(?:asnumpy|value|item)\(\))*"
    return re.sub(inner, f'{group}["lr"]', value)


def only_read(file: File, loop: ast.comprehension) -> bool:
    """Whether a comprehension over rates only makes numbers of them, which they are in PyTorch."""
    whole, names = file.parents[loop], {n.id for n in ast.walk(loop.target) if isinstance(n, ast.Name)}
    read = [n for n in ast.walk(whole) if isinstance(n, ast.Name) and n.id in names and isinstance(n.ctx, ast.Load)]
    calls = [file.parents[n] for n in read]
    return all(isinstance(c, ast.Call) and ast.unparse(c.func) in ("float", "round") for c in calls)


def looped(work: Work, file: File, loop: ast.For, at: str) -> bool:
    """``for rate in optimizer.learning_rate: assign(rate, value)``: one rate for all parameters, so for all groups."""
    lines, name, moved = [], ast.unparse(loop.target), False
    group = file.names.free("group")
    for each in loop.body:
        call = each.value if isinstance(each, ast.Expr) else None
        assigns = isinstance(call, ast.Call) and file.names.dotted(call.func).rpartition(".")[2] == "assign"
        if not assigns or ast.unparse(call.args[0]) != name:  # type: ignore[union-attr]
            return False
        old = untensored(file, call.args[1])  # type: ignore[union-attr]
        value = re.sub(rf"\b{re.escape(name)}\b", f'{group}["lr"]', old)
        moved = moved or value != old
        lines.append(f'{group}["lr"] = {value}')
    inner = [f'    for _ in {group}["params"]:', *(f"        {line}" for line in lines)]
    lines = inner if moved else [f"    {line}" for line in lines]
    put(work, file, loop, [f"for {group} in {at}.param_groups:", *lines])
    told = "MindSpore has one rate for each parameter of a group, and they are the same: it moves that many times"
    work.say(file, loop, CHECK if moved else REWRITTEN, told if moved else "the rate of every group", "changing")
    return True
