"""Where optimizers, schedulers and networks go: through assignments, arguments, attributes, returns and files.

A small interpreter over sets of possible things. It runs no code; it follows names until nothing new is found.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..lexicon import GROUPED, MINDSPORE, SCHEDULERS, TORCH
from .names import Names
from .source import Source

ROUNDS = 12  # how often names are followed at most
OPTIMIZER, SCHEDULER, SCALER, NETWORK, GRADIENT, MODEL, PACK, OBJECT = (
    "optimizer", "scheduler", "scaler", "network", "gradient function", "model", "pack", "object",
)  # fmt: skip
OPERATION, APPLIED = "GradOperation", "applied"  # the operation, and the function that it makes of a network
GROUPS_SCHEDULER = "scheduler of mindspore.experimental"
EXPERIMENTAL = ("mindspore.experimental.optim", "mindspore.mint.optim")
GROUPS = "mindspore.experimental."  # what the names of their optimizers begin with
IDLE = (ast.expr_context, ast.operator, ast.cmpop, ast.boolop, ast.unaryop)  # they have no place in the text
BLOCKS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass(eq=False)
class Scope:
    """A module, class or function."""

    node: ast.AST
    parent: Scope | None
    file: File
    local: set[str] = field(default_factory=set)
    env: dict[str, frozenset[Thing]] = field(default_factory=lambda: defaultdict(frozenset))
    returns: frozenset[Thing] = frozenset()
    calls: list[tuple[Scope, ast.Call]] = field(default_factory=list)

    @property
    def owner(self) -> Scope | None:
        """The class that a method belongs to."""
        return self.parent if self.parent is not None and isinstance(self.parent.node, ast.ClassDef) else None

    @property
    def params(self) -> list[str]:
        """The names of a function's positional arguments."""
        args = getattr(self.node, "args", None)
        return [a.arg for a in (*args.posonlyargs, *args.args)] if args else []


@dataclass(frozen=True)
class Thing:
    """What a name may stand for: made at ``node``."""

    kind: str
    node: ast.AST = field(compare=False, hash=False, repr=False)
    key: int
    name: str = ""
    scope: Scope | None = field(default=None, compare=False, hash=False, repr=False)
    parts: tuple[frozenset[Thing], ...] = ()
    keys: tuple[object, ...] = ()  # of a dictionary's parts


@dataclass(eq=False)
class File:
    """One script of a project, its names and scopes."""

    source: Source
    names: Names
    module: str
    scopes: dict[ast.AST, Scope] = field(default_factory=dict)
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)
    where: dict[ast.AST, Scope] = field(default_factory=dict)
    calls: list[tuple[Scope, ast.Call]] = field(default_factory=list)

    @property
    def top(self) -> Scope:
        return self.scopes[self.source.tree]


class Flow:
    """The things of a whole project."""

    def __init__(self, sources: Iterable[Source], modules: Iterable[str]) -> None:
        self.files = [self._file(source, module) for source, module in zip(sources, modules, strict=True)]
        self.modules = {file.module: file for file in self.files}
        self.made: dict[int, Thing] = {}
        self.memory: dict[Any, Any] = {}  # what was asked before
        self.attributes: dict[tuple[ast.AST, str], frozenset[Thing]] = defaultdict(frozenset)
        self.work = [
            (scope, node) for file in self.files for node, scope in file.where.items() if isinstance(node, WORK)
        ]
        for _ in range(ROUNDS):
            self.changed = False
            for scope, node in self.work:
                self._statement(scope, node)
            if not self.changed:
                break

    def _file(self, source: Source, module: str) -> File:
        file = File(source, Names((), module), module)
        top = Scope(source.tree, None, file)
        file.scopes[source.tree] = top
        stack: list[tuple[ast.AST, Scope]] = [(source.tree, top)]
        shared: list[ast.Global | ast.Nonlocal] = []
        while stack:
            node, scope = stack.pop()
            for child in ast.iter_child_nodes(node):
                if isinstance(child, IDLE):
                    continue
                file.parents[child] = node
                file.where[child] = scope
                inner = scope
                if isinstance(child, ast.Name):
                    if isinstance(child.ctx, ast.Store):
                        scope.local.add(child.id)
                    continue
                if isinstance(child, (*BLOCKS, ast.ClassDef)):
                    inner = file.scopes[child] = Scope(child, scope, file)
                    if name := getattr(child, "name", None):
                        scope.local.add(name)
                elif isinstance(child, ast.arg):
                    scope.local.add(child.arg)
                elif isinstance(child, (ast.Global, ast.Nonlocal)):
                    shared.append(child)
                elif isinstance(child, ast.Call):
                    file.calls.append((scope, child))
                stack.append((child, inner))
        file.names = Names(file.where, module)
        for each in shared:
            file.where[each].local -= set(each.names)
        return file

    # Looking up.

    def home(self, scope: Scope, name: str) -> Scope:
        """The scope that a name belongs to."""
        at: Scope | None = scope
        while at is not None:
            if name in at.local and (at is scope or not isinstance(at.node, ast.ClassDef)):
                return at
            at = at.parent
        return scope.file.top

    def definition(self, scope: Scope, name: str) -> Scope | None:
        """The function or class of the project that a name means, in this file or another."""
        home = self.home(scope, name)
        if name in home.local:
            found = [s for n, s in home.file.scopes.items() if getattr(n, "name", None) == name and s.parent is home]
            return found[0] if found else None
        return self.abroad(scope.file.names.aliases.get(name, ""))

    def abroad(self, dotted: str) -> Scope | None:
        """The function or class with this full name, if the project has it."""
        module, _, name = dotted.rpartition(".")
        file = self.modules.get(module) or self._by_tail(module)
        if file is None or not name:
            return None
        found = [s for n, s in file.scopes.items() if getattr(n, "name", None) == name and s.parent is file.top]
        return found[0] if found else None

    def _by_tail(self, module: str) -> File | None:
        """A file by the end of its module's name: scripts import beside themselves."""
        if not module:
            return None
        found = [file for file in self.files if f".{file.module}".endswith(f".{module}")]
        return found[0] if len(found) == 1 else None

    def callee(self, scope: Scope, call: ast.Call) -> Scope | None:
        """The function or class of the project that a call means."""
        func = call.func
        if isinstance(func, ast.Name):
            return self.definition(scope, func.id)
        if isinstance(func, ast.Attribute):
            for thing in self.things(scope, func.value):
                if thing.kind == OBJECT:
                    return self.method(thing.scope, func.attr)
            return self.abroad(scope.file.names.dotted(func))
        return None

    def method(self, cls: Scope | None, name: str) -> Scope | None:
        """A method of a class of the project, or of a base of it in the project."""
        for at in self.bases(cls):
            for node, scope in at.file.scopes.items():
                if getattr(node, "name", None) == name and scope.parent is at:
                    return scope
        return None

    def bases(self, cls: Scope | None) -> Iterator[Scope]:
        """A class and its bases in the project."""
        seen: list[Scope] = []
        while cls is not None and cls not in seen:
            seen.append(cls)
            yield cls
            above = getattr(cls.node, "bases", [])
            cls = next((d for b in above if isinstance(b, ast.Name) and (d := self.definition(cls, b.id))), None)

    def is_network(self, cls: Scope) -> bool:
        """Whether a class is a network of either framework."""
        names = {at.file.names.dotted(b) for at in self.bases(cls) for b in getattr(at.node, "bases", [])}
        return bool(names & {"torch.nn.Module", "mindspore.nn.Cell", "torch.nn.modules.Module"})

    # What an expression may be.

    def things(self, scope: Scope, node: ast.AST | None) -> frozenset[Thing]:
        """The things that an expression may stand for."""
        if isinstance(node, ast.Name):
            return self._named(scope, node.id)
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
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            found: set[Thing] = set()
            for thing in self.things(scope, node.value):
                index = node.slice.value
                if thing.kind == PACK and index in thing.keys:
                    found |= thing.parts[thing.keys.index(index)]
                elif thing.kind == PACK and not thing.keys and isinstance(index, int) and index < len(thing.parts):
                    found |= thing.parts[index]
            return frozenset(found)
        if isinstance(node, (ast.Await, ast.NamedExpr, ast.Starred)):
            return self.things(scope, node.value)
        return frozenset()

    def _named(self, scope: Scope, name: str) -> frozenset[Thing]:
        if name == "self" or (scope.owner is not None and scope.params[:1] == [name]):
            at: Scope | None = scope
            while at is not None and at.owner is None:
                at = at.parent
            if at is not None and at.owner is not None:
                return frozenset({Thing(OBJECT, at.owner.node, id(at.owner.node), scope=at.owner)})
        home = self.home(scope, name)
        found = home.env.get(name, frozenset())
        if not found and name not in home.local:
            module, _, tail = scope.file.names.aliases.get(name, "").rpartition(".")
            file = self.modules.get(module) or self._by_tail(module)
            return file.top.env.get(tail, frozenset()) if file else found
        return found

    def _attribute(self, scope: Scope, node: ast.Attribute) -> frozenset[Thing]:
        found: set[Thing] = set()
        for thing in self.things(scope, node.value):
            if thing.kind == OBJECT and thing.scope is not None:
                for cls in self.bases(thing.scope):
                    found |= self.attributes.get((cls.node, node.attr), frozenset())
                if not found and self.is_network(thing.scope):
                    return frozenset({thing})  # a part of a network
        if not found:
            file = self.modules.get(scope.file.names.dotted(node.value))
            return file.top.env.get(node.attr, frozenset()) if file else frozenset()
        return frozenset(found)

    def _called(self, scope: Scope, call: ast.Call) -> frozenset[Thing]:
        if id(call) in self.made:
            return frozenset({self.made[id(call)]})
        kind, name = made_kind(scope.file.names.dotted(call.func))
        if kind:
            self.made[id(call)] = Thing(kind, call, id(call), name, scope)
            return frozenset({self.made[id(call)]})
        if call.args and any(t.kind == GRADIENT and t.name == OPERATION for t in self.things(scope, call.func)):
            self.made[id(call)] = Thing(GRADIENT, call, id(call), APPLIED, scope)
            return frozenset({self.made[id(call)]})
        target = self.callee(scope, call)
        self._kept(scope, call, target)
        if target is None:
            if isinstance(call.func, ast.Attribute) and call.func.attr in ("to", "cuda", "double", "half", "train"):
                return self.things(scope, call.func.value)
            return frozenset()
        if (scope, call) not in target.calls and isinstance(target.node, BLOCKS):
            target.calls.append((scope, call))
        if isinstance(target.node, ast.ClassDef):
            first = self.method(target, "__init__")
            if first is not None:
                self._bind(first, scope, call, 1)
                if (scope, call) not in first.calls:
                    first.calls.append((scope, call))
            return frozenset({Thing(OBJECT, target.node, id(target.node), scope=target)})
        self._bind(target, scope, call, 1 if target.owner is not None and isinstance(call.func, ast.Attribute) else 0)
        return target.returns

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
        if found - self.attributes[cls.node, "optimizer"]:
            self.attributes[cls.node, "optimizer"] |= found
            self.changed = True

    def _bind(self, target: Scope, scope: Scope, call: ast.Call, skipped: int) -> None:
        """The arguments of a call are what a function's parameters may be."""
        for name, value in arguments(target, call, skipped).items():
            self._put(target, name, self.things(scope, value))

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
                self.changed = True
        elif isinstance(node, ast.Call):
            self._called(scope, node)
        elif isinstance(node, ast.For):
            for thing in self.things(scope, node.iter):
                self._assign(scope, node.target, frozenset().union(*thing.parts))

    def _assign(self, scope: Scope, target: ast.AST, found: frozenset[Thing]) -> None:
        if isinstance(target, (ast.Tuple, ast.List)):
            for thing in found:
                if thing.kind == PACK and len(thing.parts) == len(target.elts):
                    for part, each in zip(target.elts, thing.parts, strict=True):
                        self._assign(scope, part, each)
        elif isinstance(target, ast.Name):
            self._put(self.home(scope, target.id), target.id, found)
        elif isinstance(target, ast.Attribute):
            for thing in self.things(scope, target.value):
                if thing.kind == OBJECT and found - self.attributes[thing.node, target.attr]:
                    self.attributes[thing.node, target.attr] |= found
                    self.changed = True

    def _put(self, scope: Scope, name: str, found: frozenset[Thing]) -> None:
        if found - scope.env[name]:
            scope.env[name] |= found
            self.changed = True

    # What callers ask.

    def all(self, kind: str) -> list[Thing]:
        """Everything of one kind, in the order of the files and lines."""
        order = {id(file): number for number, file in enumerate(self.files)}
        found = [thing for thing in self.made.values() if thing.kind == kind]
        return sorted(found, key=lambda t: (order[id(t.scope.file)], t.node.lineno, t.node.col_offset))  # type: ignore[union-attr, attr-defined]

    def spellings(self, thing: Thing) -> set[str]:
        """Every name and attribute that a thing may have somewhere."""
        found = {attr for (_, attr), held in self.attributes.items() if thing in held}
        for file in self.files:
            for scope in file.scopes.values():
                found |= {name for name, held in scope.env.items() if thing in held}
        for file in self.files:
            found |= {name for name, full in file.names.aliases.items() if full.rpartition(".")[2] in found}
        return found

    def kinds(self, scope: Scope, node: ast.AST) -> set[str]:
        """The kinds of things that an expression may stand for."""
        return {thing.kind for thing in self.things(scope, node)}


WORK = (ast.Assign, ast.AnnAssign, ast.NamedExpr, ast.Return, ast.Yield, ast.Call, ast.For)


def arguments(target: Scope, call: ast.Call, skipped: int = 0) -> dict[str, ast.expr]:
    """Which expression of a call goes to which parameter of a function."""
    names = target.params[skipped:]
    found: dict[str, ast.expr] = {}
    for name, value in zip(names, call.args, strict=False):
        if isinstance(value, ast.Starred):
            break
        found[name] = value
    found.update({word.arg: word.value for word in call.keywords if word.arg is not None})
    return found


def made_kind(dotted: str) -> tuple[str, str]:
    """What a call of this full name makes: its kind and its class."""
    home, _, name = dotted.rpartition(".")
    if home in ("torch.optim", "calando.torch") and name in TORCH:
        return OPTIMIZER, f"torch.{name}"
    if home in ("mindspore.nn", "calando.mindspore.nn", "mindspore.nn.optim") and name in MINDSPORE:
        return OPTIMIZER, f"mindspore.{name}"
    if home in EXPERIMENTAL and name in GROUPED:
        return OPTIMIZER, f"{GROUPS}{name}"
    if home == f"{EXPERIMENTAL[0]}.lr_scheduler" and name[:1].isupper():
        return GROUPS_SCHEDULER, name
    if home == "torch.optim.lr_scheduler" and (name in SCHEDULERS or name.endswith(("LR", "Scheduler"))):
        return SCHEDULER, name
    if name == "GradScaler" and home.startswith("torch"):
        return SCALER, name
    if dotted in ("mindspore.value_and_grad", "mindspore.grad", "mindspore.ops.grad"):
        return GRADIENT, name
    if name == "GradOperation" and home.startswith("mindspore."):
        return GRADIENT, name
    if name == "Model" and home in ("mindspore", "mindspore.train", "mindspore.train.model"):
        return MODEL, name
    if home in ("torch.nn", "mindspore.nn") and name[:1].isupper() and name not in ("Parameter", "Module", "Cell"):
        return NETWORK, name
    return "", ""
