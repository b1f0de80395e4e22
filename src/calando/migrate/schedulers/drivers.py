"""Which optimizers a scheduler drives, and who else changes their learning rates."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from ..reading.blocks import statement_of
from ..reading.flow import OPTIMIZER, SCHEDULER, Thing
from ..reading.mentions import own_kind
from ..reading.reads import group_reads
from ..reading.remembered import remembered
from ..reading.scopes import BLOCKS, File, Scope
from ..work import Left, Work, uses

WHOLES = ("SequentialLR", "ChainedScheduler")  # schedulers that are made of schedulers


def driven(work: Work, thing: Thing) -> tuple[list[Thing], ast.expr]:
    """The optimizers a scheduler drives, and the expression that names them."""
    call, scope = thing.node, thing.scope
    assert isinstance(call, ast.Call) and scope is not None
    at = 1 if thing.name == "get_scheduler" else 0
    named = next((w.value for w in call.keywords if w.arg == "optimizer"), None)
    expression = call.args[at] if len(call.args) > at else named
    if thing.name == "ChainedScheduler":
        chained = [part for pack in work.flow.things(scope, expression) for inner in pack.parts for part in inner]
        if not chained or any(part.scope is not scope for part in chained):
            raise Left("which schedulers it is made of is not known")
        return driven(work, chained[0])
    if expression is None:
        raise Left("which optimizer it drives is not written here")
    found = [t for t in work.flow.things(scope, expression) if t.kind == OPTIMIZER]
    if not found:
        raise Left("the optimizer it drives is not made in this project")
    return sorted(found, key=lambda t: t.node.lineno), expression  # type: ignore[attr-defined]


@remembered
def drives(work: Work, thing: Thing) -> list[Thing]:
    """The optimizers a scheduler drives, as far as that is known."""
    try:
        return driven(work, thing)[0]
    except Left:
        return []


def drivers(work: Work, optimizers: Iterable[Thing]) -> list[Thing]:
    """The schedulers that drive any of these optimizers, in their order."""
    found = {pair for optimizer in optimizers for pair in numbered(work).get(optimizer, ())}
    return [each for _, each in sorted(found, key=lambda pair: pair[0])]


@remembered
def numbered(work: Work) -> dict[Thing, list[tuple[int, Thing]]]:
    """The schedulers of each optimizer, with their numbers."""
    found: dict[Thing, list[tuple[int, Thing]]] = {}
    for number, each in enumerate(work.flow.all(SCHEDULER)):
        for optimizer in drives(work, each):
            found.setdefault(optimizer, []).append((number, each))
    return found


def family(work: Work, thing: Thing) -> list[Thing]:
    """The schedulers that may stand under the same names as this one, itself among them."""
    found = {thing}
    for scope, node in uses(work.flow, thing):
        found |= {t for t in work.flow.things(scope, node) if t.kind == SCHEDULER}
    return sorted(found, key=lambda t: (t.scope.file.module, t.node.lineno))  # type: ignore[union-attr, attr-defined]


@remembered
def parts(work: Work) -> set[Thing]:
    """All schedulers that are parts of others."""
    wholes = [t for t in work.flow.all(SCHEDULER) if t.name in WHOLES]
    lists = [a for t in wholes for a in (*t.node.args, *(w.value for w in t.node.keywords))]  # type: ignore[attr-defined]
    scopes = {id(a): t.scope for t in wholes for a in (*t.node.args, *(w.value for w in t.node.keywords))}  # type: ignore[attr-defined]
    packs = [pack for a in lists for pack in work.flow.things(scopes[id(a)], a)]  # type: ignore[arg-type]
    return {part for pack in packs for inner in pack.parts for part in inner if part.kind == SCHEDULER}


def rivals(work: Work, thing: Thing, optimizers: list[Thing], together: list[Thing]) -> None:
    """Raise Left where another scheduler drives the same optimizer at the same time."""
    for optimizer in optimizers:
        for scope, node in uses(work.flow, optimizer):
            call = scope.file.parents[node]
            call = scope.file.parents[call] if isinstance(call, ast.keyword) else call
            if not isinstance(call, ast.Call) or node is call.func or id(call) in work.flow.made:
                continue
            if drives_too(work, scope, call):
                raise Left(f"what is made in line {call.lineno} drives the same optimizer too")
    inside = parts(work)
    for each in drivers(work, optimizers):
        if each is thing or each in inside or (each in together and apart(each, thing)):
            continue
        if not apart(each, thing):
            line = each.node.lineno  # type: ignore[attr-defined]
            raise Left(f"the scheduler of line {line} drives the same optimizer, and each changes what the other left")


def drives_too(work: Work, scope: Scope, call: ast.Call) -> bool:
    """Whether a call makes a scheduler that is not one of PyTorch's known ones."""
    if own_kind(work.flow, call, scope):
        return True
    name = scope.file.names.dotted(call.func).rpartition(".")[2]
    return work.flow.callee(scope, call) is None and bool(re.search(r"LR\b|[Ss]chedul|[Ww]arm", name))


def apart(one: Thing, other: Thing) -> bool:
    """Whether two things are never made in the same run: they stand in different branches, or one returns before."""
    if one.scope is None or one.scope is not other.scope:
        return False
    file = one.scope.file
    first, second = sorted((one.node, other.node), key=lambda n: n.lineno)  # type: ignore[attr-defined]
    ways = branches_of(file, first), branches_of(file, second)
    for branch, way in ways[0].items():
        if ways[1].get(branch, way) is not way:
            return True
        if branch not in ways[1] and isinstance(way[-1], (ast.Return, ast.Raise)):
            return True
    return False


def branches_of(file: File, node: ast.AST) -> dict[ast.AST, list[ast.stmt]]:
    """The conditions and matches around a node in its function, and the block of each that it stands in."""
    found: dict[ast.AST, list[ast.stmt]] = {}
    while node in file.parents and not isinstance(node, BLOCKS):
        above = file.parents[node]
        if isinstance(above, ast.If) and node is not above.test:
            found[above] = above.orelse if node in above.orelse else above.body
        elif isinstance(above, ast.match_case) and isinstance(node, ast.stmt):
            found[file.parents[above]] = above.body
        node = above
    return found


def written(work: Work, optimizers: list[Thing], thing: Thing) -> None:
    """Raise Left where the script writes learning rates too, or reads what a scheduler leaves in the groups."""
    for optimizer in optimizers:
        for scope, node, _, only in group_reads(work.flow, optimizer):
            if not only and (word := scheduled(scope, node)):
                line = node.lineno
                raise Left(f"the script itself uses the groups' {word!r} in line {line}, and the two would be mixed")
        for scope, node in uses(work.flow, optimizer):
            held = scope.file.parents[node]
            if isinstance(held, ast.Attribute) and held.attr == "add_param_group":
                inside = scope is thing.scope and node.lineno < thing.node.lineno  # type: ignore[attr-defined]
                if not inside:
                    raise Left(f"parameters are added in line {node.lineno}, after it was made")


def scheduled(scope: Scope, node: ast.expr) -> str:
    """The key that a use of groups touches and a scheduler too; empty where it touches none."""
    statement = statement_of(scope.file, node)
    keys = {
        n.slice.value for n in ast.walk(statement) if isinstance(n, ast.Subscript) and isinstance(n.slice, ast.Constant)
    }
    return next((str(key) for key in ("lr", "initial_lr") if key in keys), "")
