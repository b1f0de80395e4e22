"""One script taken apart: its modules, classes and functions, and where each node of the tree belongs."""

from __future__ import annotations

import ast
from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING

from .names import Names
from .source import Source
from .thing import Thing

if TYPE_CHECKING:
    from .reaching import Reaching

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
    read: dict[Scope, dict[str, list[ast.Name]]] = field(default_factory=dict)
    in_order: dict[str, list[ast.Call]] = field(default_factory=dict)  # what ``method_calls`` was asked for
    elsewhere: set[str] = field(default_factory=set)  # names that a scope inside another gives values, by ``global``

    @property
    def top(self) -> Scope:
        return self.scopes[self.source.tree]

    @cached_property
    def nodes(self) -> dict[Scope, list[ast.AST]]:
        """The nodes of each scope, without those of the scopes inside."""
        found: dict[Scope, list[ast.AST]] = {scope: [] for scope in self.scopes.values()}
        for node, scope in self.where.items():
            found[scope].append(node)
        return found

    def between(self, scope: Scope, span: range) -> list[ast.AST]:
        """The nodes of a scope that begin in some lines."""
        lines = self.lines[scope]
        return [node for line in span for node in lines.get(line, ())] if lines else []

    def loads(self, scope: Scope) -> dict[str, list[ast.Name]]:
        """Where each name is read in a scope, and in those inside it."""
        if scope not in self.read:
            found = self.read[scope] = {}
            for node in ast.walk(scope.node):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                    found.setdefault(node.id, []).append(node)
        return self.read[scope]

    @cached_property
    def lines(self) -> dict[Scope, dict[int, list[ast.AST]]]:
        """The nodes of each scope, by the line that they begin in."""
        found: dict[Scope, dict[int, list[ast.AST]]] = {scope: {} for scope in self.scopes.values()}
        for node, scope in self.where.items():
            found[scope].setdefault(getattr(node, "lineno", 0), []).append(node)
        return found

    @cached_property
    def reaching(self) -> Reaching:
        """Which values of its names reach a place."""
        from .reaching import Reaching

        return Reaching(self)

    @cached_property
    def asked(self) -> dict[Scope, list[ast.Call]]:
        """The calls of each scope, likewise."""
        found: dict[Scope, list[ast.Call]] = {scope: [] for scope in self.scopes.values()}
        for scope, call in self.calls:
            found[scope].append(call)
        return found

    @cached_property
    def backwards(self) -> dict[Scope, list[tuple[int, int]]]:
        """Where each scope calls ``backward``, in order."""
        found: dict[Scope, list[tuple[int, int]]] = {scope: [] for scope in self.scopes.values()}
        for scope, call in self.methods.get("backward", ()):
            found[scope].append((call.lineno, call.col_offset))
        return {scope: sorted(spots) for scope, spots in found.items()}

    @cached_property
    def methods(self) -> dict[str, list[tuple[Scope, ast.Call]]]:
        """The calls of attributes, by the attribute's name."""
        found: dict[str, list[tuple[Scope, ast.Call]]] = defaultdict(list)
        for node, scope in self.where.items():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                found[node.func.attr].append((scope, node))
        return found

    def method_calls(self, name: str, first: int, last: int) -> list[ast.Call]:
        """The calls of an attribute that begin in some lines, both included."""
        if name not in self.in_order:
            self.in_order[name] = sorted((call for _, call in self.methods.get(name, ())), key=line_of)
        calls = self.in_order[name]
        low, high = bisect_left(calls, first, key=line_of), bisect_right(calls, last, key=line_of)
        return calls[low:high]

    @cached_property
    def tails(self) -> dict[str, list[tuple[Scope, ast.Call]]]:
        """The calls of what has a full name, by the last part of it."""
        found: dict[str, list[tuple[Scope, ast.Call]]] = defaultdict(list)
        for scope, call in self.calls:
            if full := self.names.dotted(call.func):
                found[full.rpartition(".")[2]].append((scope, call))
        return found

    @cached_property
    def loops(self) -> list[tuple[Scope, ast.For]]:
        """The loops over something."""
        return [(scope, node) for node, scope in self.where.items() if isinstance(node, ast.For)]

    @cached_property
    def named(self) -> dict[tuple[Scope | None, str], list[Scope]]:
        """The functions and classes of each scope by their name; lambdas by the name that they are assigned to."""
        found: dict[tuple[Scope | None, str], list[Scope]] = defaultdict(list)
        for node, scope in self.scopes.items():
            found[scope.parent, called(self, node)].append(scope)
        return found


def line_of(node: ast.expr) -> int:
    return node.lineno


def called(file: File, node: ast.AST) -> str:
    """The name of a function or class; of a lambda, the one that it is assigned to."""
    if isinstance(node, ast.Lambda):
        statement = file.parents[node]
        target = statement.targets[0] if isinstance(statement, ast.Assign) else None
        return target.id if isinstance(target, ast.Name) else ""
    return getattr(node, "name", "")


def defined(file: File, parent: Scope, name: str) -> list[Scope]:
    """The functions and classes of this name that a scope defines; no lambdas."""
    return [scope for scope in file.named.get((parent, name), ()) if not isinstance(scope.node, ast.Lambda)]


ASKED = {
    "param_groups", "learning_rate", "parameters", "get_lr", "global_step", "state_dict", "load_state_dict",
    "zero_grad", "step", "optimizer", "momentum", "weight_decay",
}  # fmt: skip


def plainly(parent: ast.AST, node: ast.AST) -> ast.AST:
    """``optimizer.param_groups`` for ``getattr(optimizer, "param_groups")``, at the same place of the text and tree."""
    if not isinstance(node, ast.Call) or getattr(node.func, "id", "") != "getattr" or len(node.args) != 2:
        return node
    named = node.args[1]
    if node.keywords or not isinstance(named, ast.Constant) or named.value not in ASKED:
        return node
    plain = ast.copy_location(ast.Attribute(node.args[0], named.value, ast.Load()), node)
    for name, value in ast.iter_fields(parent):
        if value is node:
            setattr(parent, name, plain)
        elif isinstance(value, list) and any(each is node for each in value):
            value[:] = [plain if each is node else each for each in value]
    return plain


def taken_apart(source: Source, module: str) -> File:
    """A script with its scopes."""
    file = File(source, Names((), module), module)
    package = source.name.replace("\\", "/").rpartition("/")[2] == "__init__.py"
    top = Scope(source.tree, None, file)
    file.scopes[source.tree] = top
    stack: list[tuple[ast.AST, Scope]] = [(source.tree, top)]
    shared: list[ast.Global | ast.Nonlocal] = []
    while stack:
        node, scope = stack.pop()
        for child in map(partial(plainly, node), ast.iter_child_nodes(node)):
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
    file.names = Names(file.where, f"{module}.__init__" if package else module)
    for each in shared:
        file.where[each].local -= set(each.names)
        file.elsewhere |= set(each.names)
    return file
