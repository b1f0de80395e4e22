"""Where optimizers, schedulers and networks go: through assignments, arguments, attributes, returns and files.

A small interpreter over sets of possible things. It runs no code; it follows names until nothing new is found.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

from .absent import absent_scalers
from .callables import arguments as arguments
from .callables import fields, parameter, read_as_property, skipped
from .definitions import Definitions
from .packs import COMPREHENSIONS, EACH, alike, comprehended, elements, entry, further, gathered_as, put_in, taken_out
from .prepared import around, wrapped, wraps
from .remembered import remembered
from .scopes import BLOCKS as BLOCKS
from .scopes import File as File
from .scopes import Scope as Scope
from .source import Source
from .thing import APPLIED as APPLIED
from .thing import EXPERIMENTAL as EXPERIMENTAL
from .thing import GRADIENT as GRADIENT
from .thing import GROUPS as GROUPS
from .thing import GROUPS_SCHEDULER as GROUPS_SCHEDULER
from .thing import MODEL as MODEL
from .thing import NETWORK as NETWORK
from .thing import OBJECT as OBJECT
from .thing import OPERATION as OPERATION
from .thing import OPTIMIZER as OPTIMIZER
from .thing import PACK as PACK
from .thing import SCALER as SCALER
from .thing import SCHEDULER as SCHEDULER
from .thing import Thing as Thing
from .thing import made_kind as made_kind

ROUNDS = 12  # how often names are followed at most


class Flow(Definitions):
    """The things of a whole project.

    Args:
        ask: is called again and again, and may raise where it takes too long.
    """

    def __init__(
        self, sources: Iterable[Source], modules: Iterable[str], ask: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(sources, modules)
        self.ask = ask
        self.made: dict[int, Thing] = {}
        self.memory: dict[Any, Any] = {}  # the answers that ``remembered`` keeps
        self.version = 0  # how often something new was found
        self.seen: dict[ast.AST, tuple[Scope, int, frozenset[Thing]]] = {}  # what an expression was, and when
        self.given: dict[ast.AST, frozenset[Thing]] = {}  # what one place gives a name
        self.changed: dict[tuple[Scope, str], frozenset[Thing]] = {}  # what is put into a name's value
        self.entered: set[Scope] = set()  # the lambdas that are being looked into
        self.collected: set[int] = set()  # the keys of things that are kept with others of their kind
        self.attributes: dict[tuple[ast.AST, str], frozenset[Thing]] = defaultdict(frozenset)
        self.work = [
            (scope, node) for file in self.files for node, scope in file.where.items() if isinstance(node, WORK)
        ]
        absent_scalers(self)
        for _ in range(ROUNDS):
            before = self.version
            for scope, node in self.work:
                ask()
                self._statement(scope, node)
            if self.version == before:
                break

    def callee(self, scope: Scope, call: ast.Call) -> Scope | None:
        """The function or class of the project that a call means."""
        func = call.func
        if isinstance(func, ast.Name):
            found = self.definition(scope, func.id, func) or parameter(self, scope, func.id)
            return found or self._calling(scope, func)
        if isinstance(func, ast.Attribute):
            if isinstance(func.value, ast.Call) and getattr(func.value.func, "id", "") == "super":
                above = list(self.bases(scope.owner))[1:]
                return self.method(above[0], func.attr) if above else None
            for thing in self.things(scope, func.value):
                if thing.kind == OBJECT:
                    return self.method(thing.scope, func.attr) or self._calling(scope, func)
            return self.abroad(scope.file.names.dotted(func), scope.file)
        return None

    def _calling(self, scope: Scope, func: ast.expr) -> Scope | None:
        """The ``__call__`` of an object of the project that is called like a function; a network's is PyTorch's."""
        for thing in self.things(scope, func):
            if thing.kind == OBJECT and thing.scope is not None and not self.is_network(thing.scope):
                return self.method(thing.scope, "__call__")
        return None

    # What an expression may be.

    def things(self, scope: Scope, node: ast.AST | None) -> frozenset[Thing]:
        """The things that an expression may stand for."""
        if node is None or isinstance(node, ast.Constant):
            return frozenset()
        held = self.seen.get(node)
        if held is not None and held[0] is scope and held[1] == self.version:
            return held[2]
        version = self.version
        found = self._things(scope, node)
        self.seen[node] = scope, version, found
        return found

    def _things(self, scope: Scope, node: ast.AST) -> frozenset[Thing]:
        if isinstance(node, ast.Name):
            return self._named(scope, node)
        if isinstance(node, ast.Attribute):
            return self._attribute(scope, node)
        if isinstance(node, ast.Call):
            return self._called(scope, node)
        if isinstance(node, (ast.Tuple, ast.List)):
            parts = tuple(self.things(scope, part) for part in node.elts)
            if any(parts):
                return frozenset({Thing(PACK, node, id(node), parts=parts)})
        if isinstance(node, ast.Dict):
            parts = tuple(self.things(scope, part) for part in node.values)
            if any(parts):
                keys = tuple(getattr(key, "value", None) for key in node.keys)
                return frozenset({Thing(PACK, node, id(node), parts=parts, keys=keys)})
        if isinstance(node, ast.IfExp):
            return self.things(scope, node.body) | self.things(scope, node.orelse)
        if isinstance(node, ast.BoolOp):
            return frozenset().union(*(self.things(scope, value) for value in node.values))
        if isinstance(node, ast.Subscript):
            index = getattr(node.slice, "value", None) if isinstance(node.slice, ast.Constant) else None
            packs = [thing for thing in self.things(scope, node.value) if thing.kind == PACK]
            return frozenset().union(*(entry(thing, index) for thing in packs))
        if isinstance(node, COMPREHENSIONS):
            return comprehended(self, scope, node)
        if isinstance(node, (ast.Await, ast.NamedExpr, ast.Starred)):
            return self.things(scope, node.value)
        return frozenset()

    def _named(self, scope: Scope, node: ast.Name) -> frozenset[Thing]:
        name = node.id
        if name == "self" or (scope.owner is not None and scope.params[:1] == [name]):
            at: Scope | None = scope
            while at is not None and at.owner is None:
                at = at.parent
            if at is not None and at.owner is not None:
                return frozenset({Thing(OBJECT, at.owner.node, id(at.owner.node), scope=at.owner)})
        home = self.home(scope, name)
        if (reached := self.reaching(scope, node)) is not None:
            given = (self.given.get(each, frozenset()) for each in reached)
            return self.changed.get((home, name), frozenset()).union(*given)
        found = home.env.get(name, frozenset())
        if not found and name not in home.local:
            return held(self.modules.named(scope.file, name))
        return found

    def _attribute(self, scope: Scope, node: ast.Attribute) -> frozenset[Thing]:
        found: set[Thing] = set()
        for thing in self.things(scope, node.value):
            if thing.kind == OBJECT and thing.scope is not None:
                for cls in self.bases(thing.scope):
                    found |= self.attributes.get((cls.node, node.attr), frozenset())
                if not found and read_as_property(method := self.method(thing.scope, node.attr)):
                    found |= method.returns  # type: ignore[union-attr]
                if not found and self.is_network(thing.scope):
                    return frozenset({thing})  # a part of a network
        if not found:
            return held(self.modules.found(scope.file.names.dotted(node), scope.file))
        return frozenset(found)

    def _called(self, scope: Scope, call: ast.Call) -> frozenset[Thing]:
        if id(call) in self.made:
            return frozenset({self.made[id(call)]})
        dotted = scope.file.names.dotted(call.func)
        if call.args and around(dotted) and (inner := self.things(scope, call.args[0])):
            return inner
        kind, name = made_kind(dotted)
        if kind:
            self.made[id(call)] = Thing(kind, call, id(call), name, scope)
            return frozenset({self.made[id(call)]})
        if call.args and any(t.kind == GRADIENT and t.name == OPERATION for t in self.things(scope, call.func)):
            self.made[id(call)] = Thing(GRADIENT, call, id(call), APPLIED, scope)
            return frozenset({self.made[id(call)]})
        target = self.callee(scope, call)
        self._kept(scope, call, target)
        if target is None:
            if wraps(call):
                return wrapped(self, scope, call)
            if isinstance(call.func, ast.Attribute) and call.func.attr in ("to", "cuda", "double", "half", "train"):
                return self.things(scope, call.func.value)
            return taken_out(self, scope, call)
        if (scope, call) not in target.calls and isinstance(target.node, BLOCKS):
            target.calls.append((scope, call))
        if isinstance(target.node, ast.ClassDef):
            first = self.method(target, "__init__")
            if first is not None:
                self._bind(first, scope, call, 1)
                if (scope, call) not in first.calls:
                    first.calls.append((scope, call))
            for name, value in fields(target, call).items() if first is None else ():
                self._keep(target.node, name, self.things(scope, value))
            return frozenset({Thing(OBJECT, target.node, id(target.node), scope=target)})
        if isinstance(target.node, ast.Lambda):
            self._returned(target)
        self._bind(target, scope, call, skipped(target, call))
        for other in self.overriding(scope, call, target):
            self._bind(other, scope, call, skipped(other, call))
            if (scope, call) not in other.calls and isinstance(other.node, BLOCKS):
                other.calls.append((scope, call))
        return target.returns

    def _returned(self, target: Scope) -> None:
        """What a lambda returns, which may call itself."""
        if target not in self.entered:
            self.entered.add(target)
            found = self.things(target, target.node.body)  # type: ignore[attr-defined]
            self.entered.discard(target)
            if found - target.returns:
                target.returns |= found
                self.version += 1

    def _kept(self, scope: Scope, call: ast.Call, target: Scope | None) -> None:
        """What MindSpore's training steps keep as ``self.optimizer`` of what their subclasses are made with."""
        cls = None
        if (
            isinstance(call.func, ast.Attribute)
            and call.func.attr == "__init__"
            and isinstance(call.func.value, ast.Call)
        ):
            cls = scope.owner  # super().__init__(network, optimizer)
        elif target is not None and isinstance(target.node, ast.ClassDef) and self.method(target, "__init__") is None:
            cls = target
        if cls is None or not any(
            cls.file.names.dotted(base).rpartition(".")[2].startswith("TrainOneStep")
            for base in cls.node.bases  # type: ignore[attr-defined]
        ):
            return
        given = (
            call.args[1] if len(call.args) > 1 else next((w.value for w in call.keywords if w.arg == "optimizer"), None)
        )
        found = self.things(scope, given)
        self._keep(cls.node, "optimizer", found)

    def _bind(self, target: Scope, scope: Scope, call: ast.Call, skipped: int) -> None:
        """The arguments of a call are what a function's parameters may be."""
        given = arguments(target, call, skipped)
        for name, value in given.items():
            self._put(target, name, self.things(scope, value))
        if (more := gathered_as(target)) is not None:
            self._put(target, more, further(self, scope, call, [word for word in given if word not in target.params]))

    # Statements.

    def _statement(self, scope: Scope, node: ast.AST) -> None:
        if isinstance(node, ast.Assign):
            found = self.things(scope, node.value)
            for target in node.targets:
                self._assign(scope, target, found)
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
            self._assign(scope, node.target, self.things(scope, node.value))
        elif isinstance(node, (ast.Return, ast.Yield)) and node.value is not None:
            found = self.things(scope, node.value)
            if found - scope.returns:
                scope.returns |= found
                self.version += 1
        elif isinstance(node, ast.Call):
            self._called(scope, node)
            if (put := put_in(self, scope, node)) is not None:
                self._assign(scope, *put)
        elif isinstance(node, (ast.For, ast.comprehension)):
            self._assign(scope, node.target, elements(self, scope, node.iter))

    def _assign(self, scope: Scope, target: ast.AST, found: frozenset[Thing]) -> None:
        if isinstance(target, (ast.Tuple, ast.List)):
            for thing in found:
                if thing.kind == PACK and thing.keys == (EACH,):
                    for part in target.elts:
                        self._assign(scope, part, thing.parts[0])
                elif thing.kind == PACK and len(thing.parts) == len(target.elts):
                    for part, each in zip(target.elts, thing.parts, strict=True):
                        self._assign(scope, part, each)
        elif isinstance(target, ast.Subscript):
            self._assign(scope, target.value, alike(self, target, found))
        elif isinstance(target, ast.Name):
            home = self.home(scope, target.id)
            if isinstance(target.ctx, ast.Store):
                if found - self.given.get(target, frozenset()):
                    self.given[target] = found | self.given.get(target, frozenset())
                    self.version += 1
            elif found - self.changed.get((home, target.id), frozenset()):
                self.changed[home, target.id] = found | self.changed.get((home, target.id), frozenset())
                self.version += 1
            self._put(home, target.id, found)
        elif isinstance(target, ast.Attribute):
            for thing in self.things(scope, target.value):
                if thing.kind == OBJECT:
                    self._keep(thing.node, target.attr, found)

    def _keep(self, cls: ast.AST, name: str, found: frozenset[Thing]) -> None:
        if found - self.attributes[cls, name]:
            self.attributes[cls, name] |= found
            self.version += 1

    def _put(self, scope: Scope, name: str, found: frozenset[Thing]) -> None:
        if found - scope.env[name]:
            scope.env[name] |= found
            self.version += 1

    # What callers ask.

    def all(self, kind: str) -> list[Thing]:
        """Everything of one kind, in the order of the files and lines."""
        return list(self._of_kind(kind))

    @remembered
    def _of_kind(self, kind: str) -> list[Thing]:
        order = {id(file): number for number, file in enumerate(self.files)}
        found = [thing for thing in self.made.values() if thing.kind == kind]
        found.sort(key=lambda t: (order[id(t.scope.file)], t.node.lineno, t.node.col_offset))  # type: ignore[union-attr, attr-defined]
        return found

    def spellings(self, thing: Thing) -> set[str]:
        """Every name and attribute that a thing may have somewhere."""
        found = set(self._spelled().get(thing, ()))
        for file in self.files:
            found |= {name for name, full in file.names.aliases.items() if full.rpartition(".")[2] in found}
        return found

    @remembered
    def _spelled(self) -> dict[Thing, set[str]]:
        spelled: dict[Thing, set[str]] = defaultdict(set)
        envs = [scope.env.items() for file in self.files for scope in file.scopes.values()]
        for name, held in chain(((attr, held) for (_, attr), held in self.attributes.items()), *envs):
            for each in held:
                spelled[each].add(name)
        return spelled

    def keepers(self, thing: Thing) -> list[tuple[ast.AST, str]]:
        """The classes that keep a thing, and under which attribute."""
        return list(self._kept_by().get(thing, ()))

    @remembered
    def _kept_by(self) -> dict[Thing, list[tuple[ast.AST, str]]]:
        kept: dict[Thing, list[tuple[ast.AST, str]]] = defaultdict(list)
        for key, held in self.attributes.items():
            for each in held:
                kept[each].append(key)
        return kept

    def kinds(self, scope: Scope, node: ast.AST) -> set[str]:
        """The kinds of things that an expression may stand for."""
        return {thing.kind for thing in self.things(scope, node)}


def held(found: tuple[File, str] | None) -> frozenset[Thing]:
    """The things that a name at the top of a file may stand for."""
    return found[0].top.env.get(found[1], frozenset()) if found else frozenset()


WORK = (ast.Assign, ast.AnnAssign, ast.NamedExpr, ast.Return, ast.Yield, ast.Call, ast.For, ast.comprehension)
