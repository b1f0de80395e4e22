"""What happened last to an optimizer when a place is reached: it was made, it updated, its scheduler was stepped.

Every way through the script is walked, into the functions of the project that are called, until nothing new is found.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from .callables import arguments, skipped
from .carry import default_of, stored
from .flow import Flow, Thing
from .reads import group_reads
from .remembered import remembered
from .rhythm import multiple, updates
from .scopes import BLOCKS, Scope

MADE, UPDATED, STEPPED = "made", "updated", "stepped"
EARLIER = "updated in an earlier turn, and this turn will update again"
NOTHING = "nothing yet"  # in what one turn of a loop does
COMING, PAST, EITHER = "the coming update's", "the last update's", "either"
ASKING = ("get_last_lr", "get_lr")
States = frozenset[str]
Facts = frozenset[tuple[str, object]]
NONE: States = frozenset()


@dataclass
class Ends:
    """What may have happened last where a block ends, is left or begins again, and where its function returns."""

    on: States = NONE
    out: States = NONE
    again: States = NONE
    back: States = NONE


def whose(flow: Flow, optimizers: Iterable[Thing], node: ast.AST, step: ast.Call | None, early: bool = False) -> str:
    """Which update's number PyTorch's groups show at a place: ``COMING``, ``PAST`` or, as it comes, ``EITHER``.

    Args:
        step: the call that steps the scheduler.
        early: whether it stands before the update; then no update has the number that the groups begin with.
    """
    found = walked(flow, frozenset(optimizers), step).seen.get(id(node), {UPDATED, STEPPED})
    if MADE in found and early:
        return EITHER
    if UPDATED not in found:
        return COMING
    return PAST if found <= {UPDATED, EARLIER} else EITHER


@remembered
def walked(flow: Flow, optimizers: frozenset[Thing], step: ast.Call | None) -> Walk:
    """All ways through the project that updates, a scheduler's step and reads of rates lie on."""
    walk = Walk(flow, optimizers, step)
    for scope in walk.marked:
        if not scope.calls:
            states = {MADE} if isinstance(scope.node, ast.Module) or scope in walk.moving else {MADE, UPDATED, STEPPED}
            walk.function(scope, frozenset(states), frozenset(), False)
    return walk


@remembered
def rates_asked(flow: Flow) -> dict[Thing, list[tuple[Scope, ast.Call]]]:
    """Where each scheduler is asked for its rate."""
    found: dict[Thing, list[tuple[Scope, ast.Call]]] = defaultdict(list)
    for scope, call in [each for file in flow.files for name in ASKING for each in file.methods.get(name, ())]:
        for thing in flow.things(scope, call.func.value):  # type: ignore[attr-defined]
            found[thing].append((scope, call))
    return found


@remembered
def called_by(flow: Flow) -> dict[int, list[Scope]]:
    """id of a call → the functions of the project that it may mean."""
    found: dict[int, list[Scope]] = {}
    for file in flow.files:
        for scope in file.scopes.values():
            for _, call in scope.calls if isinstance(scope.node, BLOCKS) else ():
                found.setdefault(id(call), []).append(scope)
    return found


def with_callers(scopes: Iterable[Scope]) -> set[Scope]:
    """Functions and all that call them, or that they are defined in the body of a class of."""
    found, wait = set(), list(scopes)
    while wait:
        scope = wait.pop()
        if scope not in found:
            found.add(scope)
            wait += [caller for caller, _ in scope.calls]
    return found


def tops(places: Iterable[tuple[Scope, ast.AST]]) -> dict[Scope, list[ast.stmt]]:
    """The statements at the top of each script that some places lie in, in their order."""
    found: dict[Scope, set[ast.stmt]] = defaultdict(set)
    for scope, node in places:
        if isinstance(scope.node, ast.Module):
            while scope.file.parents[node] is not scope.node:
                node = scope.file.parents[node]
            found[scope].add(node)  # type: ignore[arg-type]
    return {scope: sorted(held, key=lambda statement: statement.lineno) for scope, held in found.items()}


@dataclass(eq=False)
class Walk:
    """The ways that are walked for one group of optimizers and one scheduler's step."""

    flow: Flow
    optimizers: frozenset[Thing]
    step: ast.Call | None
    seen: dict[int, set[str]] = field(default_factory=dict)  # id of a node → what may have happened last there
    results: dict[tuple[Scope, States, Facts, bool], States] = field(default_factory=dict)

    def __post_init__(self) -> None:
        calls = [(scope, call) for each in self.optimizers for scope, call in updates(self.flow, each)]
        made = [(each.scope, each.node) for each in self.optimizers if each.scope is not None]
        self.events = {id(call): UPDATED for _, call in calls} | {id(node): MADE for _, node in made}
        self.taken: set[str] = set()  # the conditions that hold where the scheduler is stepped
        asked: list[tuple[Scope, ast.AST]] = [
            (scope, node) for each in self.optimizers for scope, node, _, _ in group_reads(self.flow, each)
        ]
        for file in self.flow.files:
            if self.step is not None and self.step in file.where:
                self.events[id(self.step)] = STEPPED
                calls.append((file.where[self.step], self.step))
                self.taken = set(self.conditions(file.parents, self.step))
                held = self.flow.things(file.where[self.step], self.step.func.value)  # type: ignore[attr-defined]
                asked += [each for thing in held for each in rates_asked(self.flow).get(thing, ())]
        self.moving = with_callers(scope for scope, _ in calls)
        self.marked = with_callers(scope for scope, _ in [*calls, *made, *asked])
        self.targets = called_by(self.flow)
        sites = [site for scope in self.marked for site in scope.calls]
        self.tops = tops([*calls, *made, *asked, *sites])

    def conditions(self, parents: dict[ast.AST, ast.AST], node: ast.AST) -> Iterator[str]:
        """The conditions that a step stands under and an update does not."""
        while node in parents and not isinstance(node, BLOCKS):
            above = parents[node]
            here = isinstance(above, ast.If) and node in above.body
            if here and not any(self.events.get(id(inner)) == UPDATED for inner in ast.walk(above)):
                yield ast.dump(above.test)  # type: ignore[attr-defined]
            node = above

    def function(self, scope: Scope, states: States, facts: Facts, first: bool) -> States:
        """What may have happened last when a function returns."""
        key = scope, states, facts, first
        if key not in self.results:
            self.results[key] = states  # for a function that calls itself
            body = self.tops.get(scope, []) if isinstance(scope.node, ast.Module) else scope.node.body  # type: ignore[attr-defined]
            if isinstance(body, list):
                ends = self.block(body, states, facts, first)
                self.results[key] = ends.on | ends.back
            else:
                self.results[key] = self.value(body, states, first)
        return self.results[key]

    def block(self, body: list[ast.stmt], states: States, facts: Facts, first: bool) -> Ends:
        ends = Ends(states)
        for statement in body:
            if not ends.on:
                break
            inner = self.statement(statement, ends.on, facts, first)
            ends = Ends(inner.on, ends.out | inner.out, ends.again | inner.again, ends.back | inner.back)
        return ends

    def statement(self, node: ast.stmt, states: States, facts: Facts, first: bool) -> Ends:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            return Ends(states)
        if isinstance(node, (ast.For, ast.AsyncFor, ast.While)):
            return self.loop(node, states, facts, first)
        if isinstance(node, ast.If):
            return self.condition(node, self.value(node.test, states, first), facts, first)
        if isinstance(node, ast.Match):
            states = self.value(node.subject, states, first)
            return joined([Ends(states), *(self.block(case.body, states, facts, first) for case in node.cases)])
        if isinstance(node, (ast.Try, ast.TryStar)):
            return self.attempt(node, states, facts, first)
        if isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                states = self.value(item.context_expr, states, first)
            return self.block(node.body, states, facts, first)
        states = self.values(ast.iter_child_nodes(node), states, first)
        ways = {ast.Return: Ends(back=states), ast.Break: Ends(out=states), ast.Continue: Ends(again=states)}
        return Ends() if isinstance(node, ast.Raise) else ways.get(type(node), Ends(states))

    def condition(self, node: ast.If, states: States, facts: Facts, first: bool) -> Ends:
        holds = verdict(node.test, dict(facts))
        then = self.block(node.body, states, facts, first) if holds is not False else Ends()
        other = self.block(node.orelse, states, facts, first) if holds is not True else Ends()
        return then if ast.dump(node.test) in self.taken and holds is None else joined([then, other])

    def attempt(self, node: ast.Try | ast.TryStar, states: States, facts: Facts, first: bool) -> Ends:
        whole = self.block(node.body, states, facts, first)
        failed = states | whole.on | whole.out | whole.again | whole.back
        after = self.block(node.orelse, whole.on, facts, first)
        ways = [self.block(handler.body, failed, facts, first) for handler in node.handlers]
        ends = joined([Ends(NONE, whole.out, whole.again, whole.back), after, *ways])
        last = self.block(node.finalbody, ends.on, facts, first)
        return joined([Ends(NONE, ends.out, ends.again, ends.back), last])

    def loop(self, node: ast.For | ast.AsyncFor | ast.While, states: States, facts: Facts, first: bool) -> Ends:
        """A loop that has to do with updates runs at least once; one that updates every k-th turn does so once."""
        states = self.value(node.test if isinstance(node, ast.While) else node.iter, states, first)
        turn = self.block(node.body, frozenset({NOTHING}), facts, True)
        does = turn.on | turn.again
        head, ends = states, Ends()
        while True:
            ends = self.block(node.body, head, facts, first)
            back = ends.on | ends.again
            if does == {UPDATED} and not first:
                back = frozenset(EARLIER if each == UPDATED else each for each in back)
            if back <= head:
                break
            head |= back
        after = ends.on | ends.again | ends.out
        if (does | turn.out | turn.back) <= {NOTHING}:
            after |= states
        elif NOTHING in does and self.every_kth(node) and NOTHING not in states:
            after = self.loop(node, frozenset({NOTHING}), facts, False).on - {NOTHING} or after
        later = self.block(node.orelse, after, facts, first)
        return Ends(later.on, later.out, later.again, ends.back | later.back)

    def every_kth(self, loop: ast.AST) -> bool:
        """Whether what a loop does under a condition is done every k-th turn."""
        tests = [node for inner in ast.walk(loop) if isinstance(inner, ast.If) for node in ast.walk(inner.test)]
        return any(isinstance(node, ast.Compare) and multiple(node) is not None for node in tests)

    def values(self, nodes: Iterable[ast.AST], states: States, first: bool) -> States:
        for node in nodes:
            states = self.value(node, states, first)
        return states

    def value(self, node: ast.AST, states: States, first: bool) -> States:
        """What may have happened last once an expression has its value."""
        if isinstance(node, ast.Lambda):
            return states
        if isinstance(node, ast.IfExp):
            states = self.value(node.test, states, first)
            return self.value(node.body, states, first) | self.value(node.orelse, states, first)
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)):
            states = self.values(node.generators, states, first)
        states = self.values(ast.iter_child_nodes(node), states, first)
        if not first and isinstance(node, (ast.Call, ast.Attribute, ast.Subscript)):
            self.seen.setdefault(id(node), set()).update(states - {NOTHING})
        if (event := self.events.get(id(node))) is not None:
            return frozenset(each if first and each != NOTHING else event for each in states)
        found = [scope for scope in self.targets.get(id(node), ()) if scope in self.marked]
        if not found:
            return states
        return frozenset().union(*(self.function(at, states, told(at, node), first) for at in found))  # type: ignore[arg-type]


def joined(ways: Iterable[Ends]) -> Ends:
    """One or another of some ways."""
    ends = Ends()
    for way in ways:
        ends = Ends(ends.on | way.on, ends.out | way.out, ends.again | way.again, ends.back | way.back)
    return ends


def told(scope: Scope, call: ast.Call) -> Facts:
    """The parameters of a function that a call, or their default, makes a constant, and that keep it."""
    given = arguments(scope, call, skipped(scope, call))
    values = {name: given.get(name, default_of(scope, name)) for name in scope.params if name not in stored(scope)}
    return frozenset((name, value.value) for name, value in values.items() if isinstance(value, ast.Constant))


def verdict(test: ast.expr, facts: dict[str, object]) -> bool | None:
    """Whether a condition holds, as far as the parameters that it asks for say so."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = verdict(test.operand, facts)
        return None if inner is None else not inner
    if isinstance(test, ast.Name) and test.id in facts:
        return bool(facts[test.id])
    if isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id in facts:
        asked = test.comparators[0]
        if isinstance(test.ops[0], (ast.Is, ast.IsNot)) and isinstance(asked, ast.Constant) and asked.value is None:
            return (facts[test.left.id] is None) is isinstance(test.ops[0], ast.Is)
    return None
