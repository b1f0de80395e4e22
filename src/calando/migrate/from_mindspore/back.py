"""One optimizer of MindSpore's on its way to PyTorch, and the lines that its update becomes."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...lexicon import MINDSPORE
from ...lexicon.pairs import Return
from ..finding import REWRITTEN
from ..reading.blocks import statement_of
from ..reading.carry import carry, constant, within
from ..reading.flow import OBJECT, OPTIMIZER, Thing
from ..reading.imported import imported
from ..reading.scopes import File, Scope
from ..work import Left, Work
from .params import written

if TYPE_CHECKING:
    from .scale import Scaling

JIT = {"jit", "ms_function"}
UNSAID = "what its loss_scale is where it is updated is not known"
UNSEEN = "its scheduler is not seen there; see --style exact"
GROUPS = 'for group in {}.param_groups for p in group["params"]'


@dataclass(frozen=True)
class Way:
    """How an optimizer is rewritten.

    Args:
        loose: whether gradients are values of their own, as in MindSpore, and not kept in the parameters.
        carried: whether the optimizer itself divides gradients by its loss_scale, and not the lines of its update.
        attached: in the guide's style, whether the scheduler goes with the optimizer, as an attribute of it.
    """

    loose: bool = False
    carried: bool = False
    attached: bool = False


@dataclass(eq=False)
class Back:
    """One optimizer under way.

    Args:
        form: what it is in PyTorch.
        given: its arguments by MindSpore's names.
        way: how it is rewritten.
        target: the class that it becomes.
        code: the call that makes it, its dictionaries written out.
        moving: whether its learning rate or decay moves, so that its clock is in its groups.
        named_first: what it is called, with what follows, where it gets a name before the statement it is made in.
        stepped: how many places update its parameters.
        scheduler: in the guide's style, what the optimizer and its scheduler are called where they are made.
        chosen: how loss scales scale that one of several statements makes, by the first of these.
        filled: its updates, with the statements that put their gradients into the parameters.
        asked: the gradient functions that were asked for them.
    """

    work: Work
    thing: Thing
    form: Return
    given: dict[str | None, ast.expr]
    way: Way = Way()
    target: str = ""
    code: str = ""
    moving: bool = False
    named_first: tuple[str, str] = ("", "")
    stepped: int = 0
    scheduler: tuple[str, str] = ("", "")
    chosen: dict[int, Scaling] = field(default_factory=dict)
    filled: list[tuple[Scope, ast.Call, list[ast.stmt]]] = field(default_factory=list)
    asked: list[Thing] = field(default_factory=list)

    def named(self, file: File, node: ast.expr) -> str:
        """How the optimizer is called that a Model or a training step is given; made in place, it gets a name first."""
        if isinstance(node, (ast.Name, ast.Attribute)):
            return file.source.code(node)
        name = file.names.free("optimizer")
        text = written(self.work, file.where[node], node)
        self.work.before(file, statement_of(file, node), f"{name} = {text}")
        return name

    def called(self, scope: Scope) -> str:
        """How the optimizer is called at a place.

        Raises:
            Left: it has no name there.
        """
        for here in self.work.flow.things(scope, ast.Name("self", ast.Load())):
            for owner, name in self.work.flow.keepers(self.thing):
                if here.kind == OBJECT and owner is here.node:
                    return f"self.{name}"
        at: Scope | None = scope
        while at is not None:
            for name, held in at.env.items():
                if self.thing in held and (at.parent is None or isinstance(at.node, (ast.FunctionDef, ast.Module))):
                    return name
            at = at.parent
        raise Left("the optimizer has no name where its gradients are taken")

    def scales(self, scope: Scope, line: int, sens: ast.expr | None) -> tuple[str, str]:
        """What the loss is multiplied by and gradients are divided by at a place; empty where by nothing.

        Raises:
            Left: the optimizer's ``loss_scale`` is not known there.
        """
        held = self.given.get("loss_scale")
        divisor = factor = ""
        flow = self.work.flow
        assert self.thing.scope is not None
        if held is not None and not self.way.carried and constant(flow, held, self.thing.scope) != 1:
            there = carry(flow, held, self.thing.scope, scope, line)
            text = ast.unparse(there) if there else imported(self.work, held, self.thing.scope, scope.file)
            if text is None:
                raise Left(f"{UNSAID} (line {line})")
            divisor = text
        if sens is not None and constant(flow, sens, scope) != 1:
            factor = ast.unparse(carry(flow, sens, scope, scope, line) or sens)
        same = (
            held is not None
            and not self.way.carried
            and sens is not None
            and (value := constant(flow, sens, scope)) is not None
        )
        if factor == divisor or (same and value == constant(flow, held, self.thing.scope)):  # type: ignore[arg-type]
            return "", ""
        return factor, divisor

    def backward(self, at: str, loss: str) -> list[str]:
        """From a loss to gradients: of this optimizer's parameters alone, and none of an earlier step."""
        inputs = f"inputs=[p {GROUPS.format(at)}]" if self.beside() else ""
        return [f"{at}.zero_grad()", f"{loss}.backward({inputs})"]

    def gradients(self, node: ast.Assign, at: str, loss: str, factor: str = "") -> list[str]:
        """How an assignment gets gradients from a loss: by their name, where they are values of their own."""
        if not self.way.loose:
            return self.backward(at, f"({loss} * {factor})" if factor else loss)
        target = node.targets[0]
        grads = target.elts[1] if isinstance(target, ast.Tuple) else target
        file = next(file for file in self.work.flow.files if node in file.parents)
        self.work.need(file, "import calando.migrate.gradients")
        given = ", ".join([loss, at, factor] if factor else [loss, at])
        return [f"{file.source.code(grads)} = calando.migrate.gradients.gradients({given})"]

    def beside(self) -> bool:
        """Whether another optimizer is there at the same time, and not in another branch under the same name."""
        memory = self.work.flow.memory
        if "called so" not in memory:
            memory["called so"] = {called_so(thing) for thing in self.work.flow.all(OPTIMIZER)}
        return len(memory["called so"]) > 1

    def clock(self, scope: Scope, at: str) -> str:
        """What the scheduler is called at a place; empty where there is none.

        Raises:
            Left: it has no name there.
        """
        made, scheduler = self.scheduler
        if made and self.way.attached:
            return f"{at}.scheduler"
        if made and (at != made or not self.same(scope, made.partition(".")[0])):
            raise Left(f"it is called {at} where it is stepped, and {UNSEEN}")
        return scheduler

    def same(self, scope: Scope, root: str) -> bool:
        """Whether a name means at a place what it means where the optimizer is made."""
        assert self.thing.scope is not None
        if root == "self":
            return method_of(scope) is method_of(self.thing.scope)
        return self.work.flow.home(scope, root) is self.work.flow.home(self.thing.scope, root)

    def after(self, scope: Scope, at: str) -> list[str]:
        """What follows an update: in the guide's style, the scheduler's step.

        Raises:
            Left: the scheduler is not seen there.
        """
        scheduler = self.clock(scope, at)
        return [f"{scheduler}.step()"] if scheduler else []

    def update(self, scope: Scope, at: str, divisor: str = "") -> list[str]:
        """The lines of one update."""
        lines = [f"{at}.step()", *self.after(scope, at)]
        if divisor:
            lines[:0] = [f"for p in [p {GROUPS.format(at)} if p.grad is not None]:", f"    p.grad.div_({divisor})"]
        return lines


def method_of(scope: Scope) -> Scope | None:
    """The class whose method a place is in."""
    at: Scope | None = scope
    while at is not None and at.owner is None:
        at = at.parent
    return at.owner if at is not None else None


def one_scale(back: Back, scope: Scope, node: ast.expr | None) -> None:
    """Raise Left where the optimizers that a place may have divide by several loss scales, and not by themselves."""
    flow = back.work.flow
    held = [t for t in flow.things(scope, node) if t.kind == OPTIMIZER]
    scales = {(text, constant(flow, value, t.scope)) for t in held for text, value in [loss_scale(t)] if t.scope}
    if not back.way.carried and len({number if number is not None else text for text, number in scales}) > 1:
        lines = ", ".join(str(line) for line in sorted(t.node.lineno for t in held))  # type: ignore[attr-defined]
        raise Left(f"{UNSAID}: it is that of line {lines}")


def loss_scale(thing: Thing) -> tuple[str, ast.expr]:
    """What an optimizer divides gradients by, as it is written."""
    call = thing.node
    assert isinstance(call, ast.Call)
    name = thing.name.rpartition(".")[2]
    order = MINDSPORE[name].order if name in MINDSPORE else ()
    given = dict(zip(order, call.args, strict=False))
    given.update({str(w.arg): w.value for w in call.keywords})
    held = given.get("loss_scale") or ast.Constant(1.0)
    return ast.unparse(held), held


def called_so(thing: Thing) -> tuple[Scope | None, str | int]:
    """Where an optimizer is made, and under which name."""
    assert thing.scope is not None
    parent = thing.scope.file.parents[thing.node]
    return thing.scope, ast.unparse(parent.targets[0]) if isinstance(parent, ast.Assign) else thing.key


def alone(file: File, statement: ast.stmt) -> None:
    """Raise Left where a statement shares its lines with others, so that several lines cannot take its place."""
    if file.source.lines(statement) is None:
        raise Left(f"line {statement.lineno} holds several statements")


def put(work: Work, file: File, statement: ast.stmt, lines: Sequence[str]) -> None:
    """Lines in place of a statement."""
    alone(file, statement)
    indent = file.source.indent(statement)
    work.replace(file, statement, "\n".join([line if i == 0 or not line else indent + line
                                             for i, line in enumerate(lines)]))  # fmt: skip


def unjit(work: Work, scope: Scope) -> None:
    """A function that PyTorch runs is not compiled by MindSpore: its decorator goes."""
    file = scope.file
    at: Scope | None = scope
    if isinstance(scope.node, ast.FunctionDef):
        handed(work, file, scope.node.name)
    while at is not None:
        for decorator in getattr(at.node, "decorator_list", []):
            bare = decorator.func if isinstance(decorator, ast.Call) else decorator
            dotted = file.names.dotted(bare)
            if dotted.startswith("mindspore.") and dotted.rpartition(".")[2] in JIT and id(decorator) not in work.told:
                start = file.source.starts[decorator.lineno - 1]
                work.between(file, start, file.source.starts[decorator.end_lineno], "")
                work.say(file, decorator, REWRITTEN, "PyTorch runs it as it stands; torch.compile is there", "step")
        at = at.parent


def handed(work: Work, file: File, name: str) -> None:
    """``jit(step)`` is the step itself; what feeds a compiled one cannot be.

    Raises:
        Left: MindSpore compiles the step to feed it.
    """
    for _, call in (each for word in (*JIT, "data_sink") for each in file.tails.get(word, ())):
        dotted = file.names.dotted(call.func)
        given = call.args[0] if call.args else None
        if not dotted.startswith("mindspore.") or not isinstance(given, ast.Name) or given.id != name:
            continue
        tail, statement = dotted.rpartition(".")[2], statement_of(file, call)
        if tail == "data_sink":
            raise Left(f"data_sink compiles {name} in line {call.lineno}: write a loop over the data first")
        if id(call) in work.told:
            continue
        if isinstance(statement, ast.Assign) and ast.unparse(statement) == f"{name} = {ast.unparse(call)}":
            work.remove(file, statement)
        else:
            work.replace(file, call, name)
        work.say(file, call, REWRITTEN, "PyTorch runs it as it stands; torch.compile is there", "step")


def seen(scope: Scope, name: str) -> list[ast.Name]:
    """Where a name is read in a scope and the functions in it, in order."""
    file = scope.file
    found = [node for node in file.loads(scope).get(name, ()) if within(file.where[node], scope)]
    return sorted(found, key=lambda n: (n.lineno, n.col_offset))


def depends(file: File, call: ast.Call) -> ast.expr | None:
    """x of ``depend(x, …)``; None for another call."""
    tail = file.names.dotted(call.func).rpartition(".")[2] or ast.unparse(call.func).rpartition(".")[2]
    return call.args[0] if tail == "depend" and len(call.args) == 2 else None


def put_update(work: Work, scope: Scope, call: ast.Call, lines: Sequence[str]) -> ast.stmt:
    """The lines of an update in place of ``optimizer(grads)``, whatever it stands in; the statement it stood in.

    Raises:
        Left: its result is used in a way that has no counterpart.
    """
    file = scope.file
    statement, parent = statement_of(file, call), file.parents[call]
    if isinstance(parent, (ast.Expr, ast.Return)):
        put(work, file, statement, [*lines, *["return True"] * isinstance(parent, ast.Return)])
    elif isinstance(parent, ast.Call) and (x := depends(file, parent)) is not None and parent.args[1] is call:
        passed_on(work, file, statement, parent, x, lines)
    elif isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Name):
        for node in seen(scope, parent.targets[0].id):
            above = file.parents[node]
            x = depends(file, above) if isinstance(above, ast.Call) and node in above.args[1:] else None
            if x is None:
                raise Left(f"what the update in line {call.lineno} returns is used in line {node.lineno}")
            assert isinstance(above, ast.Call)
            passed_on(work, file, statement_of(file, above), above, x, ())
        put(work, file, statement, lines)
    else:
        raise Left(f"the update in line {call.lineno} is not a statement of its own")
    return statement


def passed_on(work: Work, file: File, statement: ast.stmt, call: ast.Call, x: ast.expr, lines: Sequence[str]) -> None:
    """``depend(x, update)``: the update comes first, then there is x alone."""
    same = isinstance(statement, ast.Assign) and statement.value is call
    if same and ast.unparse(statement.targets[0]) == ast.unparse(x):  # type: ignore[attr-defined]
        if lines:
            put(work, file, statement, lines)
        else:
            work.remove(file, statement)
            work.say(file, statement, REWRITTEN, "PyTorch runs statements in their order", "step")
        return
    if lines:
        alone(file, statement)
        work.before(file, statement, *lines)
    work.replace(file, call, file.source.code(x))
    if not lines:
        work.say(file, call, REWRITTEN, "PyTorch runs statements in their order", "step")
