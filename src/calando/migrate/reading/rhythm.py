"""How often optimizers and schedulers are stepped, against each other: epochs turned into steps, never guessed."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from .blocks import statement_of
from .carry import carry, replaced
from .either import Either, eithers
from .flow import OPTIMIZER, SCALER, Flow, Thing
from .lengths import length_of
from .remembered import remembered
from .roads import LOOPS, Road, conditions, enclosing, roads, taken, wanted
from .scopes import BLOCKS, File, Scope

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass
class Rhythm:
    """How many updates one step of a scheduler is.

    Args:
        known: whether it could be found.
        count: updates per scheduler step, as an expression; None: one each.
        scope: where ``count`` is written.
        early: whether the scheduler's step comes before the update it belongs to.
        why: why it is not known.
        source: what ``count`` is taken from, in words.
        asks: whether it would be known if one said how long an epoch is.
    """

    known: bool
    count: ast.expr | None = None
    scope: Scope | None = None
    early: bool = False
    why: str = ""
    source: str = ""
    asks: bool = False


def updates(flow: Flow, thing: Thing) -> list[tuple[Scope, ast.Call]]:
    """The calls that update an optimizer's parameters."""
    return list(sites(flow).get(thing, ()))


@remembered
def sites(flow: Flow) -> dict[Thing, list[tuple[Scope, ast.Call]]]:
    """The calls that update parameters, by their optimizers."""
    found: dict[Thing, list[tuple[Scope, ast.Call]]] = {}
    for file in flow.files:
        for scope, call in file.calls:
            for each in updated(flow, scope, call):
                found.setdefault(each, []).append((scope, call))
    return {each: sorted(calls, key=lambda f: f[1].lineno) for each, calls in found.items()}


def moments(flow: Flow, thing: Thing) -> list[tuple[Scope, ast.Call]]:
    """The calls that update an optimizer's parameters; of those of which one or another is made, the first."""
    found = updates(flow, thing)
    later = {s for scope, call in found if (one := either(flow, scope, call)) for s in one.statements[1:]}
    return [(scope, call) for scope, call in found if statement_of(scope.file, call) not in later]


def either(flow: Flow, scope: Scope, call: ast.AST) -> Either | None:
    """The condition in whose every branch the same optimizers are updated once, one of them by this call."""
    return updates_apart(flow).get(id(call))


@remembered
def updates_apart(flow: Flow) -> dict[int, Either]:
    """id of a call that updates parameters → the condition in whose every branch there is one for the same ones."""
    found: dict[int, Either] = {}
    for scope, calls in updates_of_all(flow).items():
        kinds: dict[frozenset[Thing], dict[ast.stmt, ast.Call]] = {}
        for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
            if isinstance(statement := scope.file.parents[call], ast.Expr):
                kinds.setdefault(updated(flow, scope, call), {})[statement] = call
        for held in kinds.values():
            for one in eithers(scope.file, held):
                found |= {id(held[statement]): one for statement in one.statements}
    return found


@remembered
def updates_of_all(flow: Flow) -> dict[Scope, set[ast.Call]]:
    """The calls that update any optimizer's parameters, by where they are."""
    found: dict[Scope, set[ast.Call]] = defaultdict(set)
    for thing in flow.all(OPTIMIZER):
        for scope, call in updates(flow, thing):
            found[scope].add(call)
    return found


def updated(flow: Flow, scope: Scope, call: ast.Call) -> frozenset[Thing]:
    """The optimizers that a call updates."""
    func = call.func
    if isinstance(func, ast.Attribute) and func.attr == "step":
        held = flow.things(scope, func.value)
        if any(t.kind == SCALER for t in held) and call.args:
            held = flow.things(scope, call.args[0])
        return frozenset(t for t in held if t.kind == OPTIMIZER)
    if isinstance(func, (ast.Name, ast.Attribute)) and call.args:
        return frozenset(t for t in flow.things(scope, func) if t.kind == OPTIMIZER and t.name.startswith("mindspore."))
    return frozenset()


def rhythm(flow: Flow, optimizers: frozenset[Thing], scope: Scope, step: ast.Call, given: str | None) -> Rhythm:
    """How many updates of the optimizers one call of a scheduler's ``step`` stands for."""
    sites = {id(call): (s, call) for thing in optimizers for s, call in moments(flow, thing)}
    if not sites:
        return Rhythm(False, why="no call that updates this optimizer was found", asks=True)
    pairs = [
        (road, way, place, call)
        for road in roads(flow, scope, step)
        for place, call in sites.values()
        for way in taken(flow, place, call)
    ]
    near = [pair for pair in pairs if pair[0].start is pair[1].start] or pairs  # one run of the script each
    each = (_between(flow, road, way, scope, step, place, call) for road, way, place, call in near)
    found = [one for one in each if one is not None]
    if not found:
        return Rhythm(False, why="the update stands outside the loop that steps the scheduler", asks=True)
    first = found[0]
    same = {(r.known, r.early, ast.unparse(r.count) if r.count else "") for r in found}
    if len(same) > 1 or len(sites) > 1:
        why = "the optimizer is updated in several ways between two steps of the scheduler"
        first = Rhythm(False, why=why, asks=any(r.asks for r in found))
    if given is not None and (not first.known or first.count is not None):
        return Rhythm(True, ast.parse(given, mode="eval").body, None, first.early, source="--steps-per-epoch")
    return first


def _between(
    flow: Flow, road: Road, way: Road, scope: Scope, step: ast.Call, place: Scope, call: ast.Call
) -> Rhythm | None:
    """The rhythm along one road to the scheduler's step and one to the update."""
    if road.start is not way.start:
        return Rhythm(False, why=apart(road, way), asks=True)
    if [id(x) for x, _ in way.loops[: len(road.loops)]] != [id(x) for x, _ in road.loops]:
        return None
    inner = way.loops[len(road.loops) :]
    station = way.stations.get(scope)
    early = station is not None and (step.lineno, step.col_offset) < (station.lineno, station.col_offset)  # type: ignore[attr-defined]
    until = inner[-1][0] if inner else road.loops[-1][0] if road.loops else place.file.source.tree
    if condition := sometimes(scope, step, call):
        return Rhythm(False, early=early, why=f"its step is called only under the condition in line {condition}")
    if not inner:
        both = sorted((step.lineno, station.lineno)) if station is not None else []  # type: ignore[attr-defined]
        divisor, why = divided(flow, place, call, until, step, both)
        if divisor is not None:
            why = "the scheduler is stepped more often than the optimizer"
        return Rhythm(not why, early=early, why=why)
    try:
        parts = [turns(flow, way, number, inner[0][1], 10**9) for number in range(len(road.loops), len(way.loops))]
    except Unknown as problem:
        return Rhythm(False, early=early, why=str(problem), asks=problem.asks)
    whole = ast.parse(" * ".join(p for p in parts if p != "1") or "1", mode="eval").body
    return Rhythm(True, whole, inner[0][1], early, source=f"the loop in line {inner[0][0].lineno}")  # type: ignore[attr-defined]


def apart(road: Road, way: Road) -> str:
    """Why two places are not related: one is reached through a function that something unknown calls."""
    named = [each.start.node.name for each in (road, way) if isinstance(getattr(each.start, "node", None), FUNCTIONS)]  # type: ignore[union-attr]
    return f"who calls {named[0]}, and how often, is not known here"


def sometimes(scope: Scope, step: ast.Call, call: ast.Call) -> int:
    """The line of a condition that a scheduler's step stands under and the update does not; 0 where there is none."""
    assert isinstance(step.func, ast.Attribute)
    own = ast.unparse(step.func.value)
    until = (enclosing(scope, step) or [scope.node])[-1]
    same = (
        {ast.dump(b.test) for b, other in conditions(scope.file, call, until) if not other}
        if until in above(scope.file, call)
        else set()
    )
    for branch, otherwise in conditions(scope.file, step, until):
        if any(node is call for node in ast.walk(branch)) or (not otherwise and ast.dump(branch.test) in same):
            continue
        asked = branch.test.left if isinstance(branch.test, ast.Compare) else branch.test
        if otherwise or ast.unparse(asked) != own:
            return branch.lineno
    return 0


class Unknown(Exception):
    """How often updates are made is not known; the message says why.

    Args:
        asks: whether it would be known if one said how often the loop runs.
    """

    def __init__(self, why: str, asks: bool = False) -> None:
        super().__init__(why)
        self.asks = asks


def turns(flow: Flow, way: Road, number: int, to: Scope, line: int) -> str:
    """How often the updates on a road happen in one of its loops, said at ``to`` before ``line``."""
    loop, owner = way.loops[number]
    place = loop.lineno  # type: ignore[attr-defined]
    length = length_of(flow, owner, loop)
    length = length and under(owner.file, way.stations.get(owner, loop), length)
    there = carry(flow, length, owner, to, line) if length is not None else None
    if there is None:
        raise Unknown(f"how often the loop in line {place} runs is not known", asks=True)
    last = number + 1 == len(way.loops) or way.loops[number + 1][1] is not owner
    divisor, why = divided(flow, owner, way.stations[owner] if last else way.loops[number + 1][0], loop, None)
    if why:
        raise Unknown(why, asks="may end or skip" in why)
    once = over_optimizers(loop, way.stations[owner]) or chosen_turn(owner.file, loop, way.stations[owner])
    text = "1" if once else grouped(there)
    if divisor is None:
        return text
    carried = carry(flow, divisor, owner, to, line)
    if carried is None:
        raise Unknown(f"every how many turns of the loop in line {place} an update is made is not known")
    return f"({text} // {grouped(carried)})"


def over_optimizers(loop: ast.AST, update: ast.AST) -> bool:
    """Whether a loop goes from one optimizer to the next, so each is updated once: ``for o in (a, b): o.step()``."""
    target, func = getattr(loop, "target", None), getattr(update, "func", None)
    if target is None or not isinstance(func, ast.Attribute):
        return False
    names = {n.id for n in ast.walk(target) if isinstance(n, ast.Name)}
    return isinstance(func.value, ast.Name) and func.value.id in names


def divided(
    flow: Flow, scope: Scope, call: ast.AST, until: ast.AST, step: ast.AST | None, between: Sequence[int] = ()
) -> tuple[ast.expr | None, str]:
    """By what the updates of a loop are fewer than its turns; or why that is not known.

    Args:
        step: the scheduler's step, where it stands in the same loop.
        between: the lines of both, where only a jump between them matters.
    """
    divisor, file = None, scope.file
    sure = one.branches if (one := either(flow, scope, call)) is not None else set()
    for node in ast.walk(until):
        jump = isinstance(node, (ast.Break, ast.Continue, ast.Return))
        if jump and between and not between[0] <= node.lineno <= between[1]:  # type: ignore[attr-defined]
            continue
        if jump and _of(file, node, until) and not done(file, node) and not flagged(file, node):
            return None, f"the loop may end or skip in line {node.lineno}"  # type: ignore[attr-defined]
    for branch, otherwise in conditions(file, call, until):
        if step is not None and any(step is node for node in ast.walk(branch)):
            continue  # both stand under it
        if branch in sure:
            continue  # its other branches make the update too
        if not otherwise and known(file, branch.test, until):
            continue  # the loop around chooses it, once
        every = multiple(branch.test)
        if every is None or otherwise or divisor is not None:
            return None, f"the update in line {call.lineno} is made only under a condition"  # type: ignore[attr-defined]
        divisor = every
    return divisor, ""


def flagged(file: File, node: ast.AST) -> bool:
    """Whether a jump is made only where a flag is set, as ``if args.dry_run: break``: another kind of run."""
    branch = file.parents[node]
    return isinstance(branch, ast.If) and node in branch.body and isinstance(branch.test, (ast.Name, ast.Attribute))


def outer_loops(flow: Flow, step: tuple[Scope, ast.Call]) -> list[tuple[ast.stmt, Scope]]:
    """The loops around a scheduler's step, the outermost first."""
    return [(loop, owner) for road in roads(flow, *step) for loop, owner in road.loops if isinstance(loop, ast.stmt)]


def early_end(flow: Flow, optimizers: list[Thing]) -> int:
    """The line of a flag's jump out of a loop that updates are made in; 0 where there is none."""
    for thing in optimizers:
        for scope, call in updates(flow, thing):
            for loop in enclosing(scope, call):
                for node in ast.walk(loop):
                    if isinstance(node, (ast.Break, ast.Continue)) and flagged(scope.file, node):
                        return node.lineno
    return 0


def done(file: File, node: ast.AST) -> bool:
    """Whether a jump stands at the very end of its loop's function and changes nothing of the count."""
    return isinstance(node, ast.Return) and not enclosing_any(file, node)


def enclosing_any(file: File, node: ast.AST) -> bool:
    while node in file.parents:
        node = file.parents[node]
        if isinstance(node, LOOPS):
            return True
        if isinstance(node, BLOCKS):
            return False
    return False


def _of(file: File, node: ast.AST, loop: ast.AST) -> bool:
    """Whether a jump leaves this loop, and not one inside it or a function."""
    at = file.parents[node]
    while at is not loop:
        if isinstance(at, BLOCKS) or (isinstance(at, LOOPS) and not isinstance(node, ast.Return)):
            return False
        at = file.parents[at]
    return True


def multiple(test: ast.expr) -> ast.expr | None:
    """k of ``(i + 1) % k == 0``; None for another condition."""
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq):
        left, right = test.left, test.comparators[0]
        if isinstance(left, ast.BinOp) and isinstance(left.op, ast.Mod) and isinstance(right, ast.Constant):
            counted = isinstance(left.left, ast.BinOp) and isinstance(left.left.op, ast.Add)
            if right.value == 0 and counted:
                return left.right
        plain = isinstance(left, ast.BinOp) and isinstance(left.op, ast.Mod) and isinstance(left.left, ast.Name)
        if plain and ast.unparse(right) == f"{ast.unparse(left.right)} - 1":  # type: ignore[attr-defined]
            return left.right  # type: ignore[attr-defined]  # i % k == k - 1
    return None


def known(file: File, test: ast.expr, loop: ast.AST) -> bool:
    """Whether a condition does not change while a loop runs: nothing that it asks for is given a value in it."""
    names = {n.id for n in ast.walk(test) if isinstance(n, ast.Name)}
    inside = {n.id for n in ast.walk(loop) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    plain = isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Eq)
    return (plain or bool(wanted(test))) and not names & inside


def chosen_turn(file: File, loop: ast.AST, node: ast.AST) -> bool:
    """Whether a condition chooses one turn of a loop: ``for phase in ["train", "val"]`` and ``if phase == "train"``."""
    held = said_of(file, node).get(getattr(getattr(loop, "target", None), "id", ""))
    listed = getattr(getattr(loop, "iter", None), "elts", ())
    return held is not None and [ast.dump(x) for x in listed].count(ast.dump(held)) == 1


def under(file: File, node: ast.AST, length: ast.expr) -> ast.expr:
    """An expression with what the conditions around a place say of its names."""
    found = said_of(file, node)
    return replaced(length, found) if found else length


def said_of(file: File, node: ast.AST) -> dict[str, ast.expr]:
    """What the conditions around a place say of names: under ``x == "train"``, x is that."""
    found: dict[str, ast.expr] = {}
    for branch, otherwise in conditions(file, node, file.source.tree):
        test = branch.test
        if otherwise or not isinstance(test, ast.Compare) or not isinstance(test.ops[0], ast.Eq) or len(test.ops) > 1:
            continue
        if isinstance(test.left, ast.Name) and isinstance(test.comparators[0], ast.Constant):
            found[test.left.id] = test.comparators[0]
    return found


def above(file: File, node: ast.AST) -> set[ast.AST]:
    found = set()
    while node in file.parents:
        node = file.parents[node]
        found.add(node)
    return found


@remembered
def total(flow: Flow, thing: Thing, to: Scope, line: int) -> str | None:
    """All updates of an optimizer, as it can be written at a place; None where that is not known.

    A training that is called from several places is counted as often.
    """
    said: dict[str, int] = {}
    for scope, call in moments(flow, thing):
        for way in taken(flow, scope, call):
            try:
                parts = [turns(flow, way, number, to, line) for number in range(len(way.loops))]
            except Unknown:
                return None
            text = " * ".join(p for p in parts if p != "1") or "1"
            said[text] = said.get(text, 0) + 1
    if len(said) != 1:
        return None
    ((text, times),) = said.items()
    return text if times == 1 else f"{times} * {text}"


def grouped(node: ast.expr | str) -> str:
    """An expression's text, in parentheses where it needs them beside an operator."""
    tree = ast.parse(node, mode="eval").body if isinstance(node, str) else node
    text = node if isinstance(node, str) else ast.unparse(node)
    simple = (ast.Name, ast.Constant, ast.Attribute, ast.Call, ast.Subscript, ast.List, ast.Tuple)
    return text if isinstance(tree, simple) else f"({text})"
