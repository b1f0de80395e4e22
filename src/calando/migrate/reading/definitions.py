"""Which function or class of a project a name means: in this file, or in another that it is imported from."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cached_property

from .modules import Modules
from .scopes import File, Scope, defined, taken_apart
from .source import Source


class Definitions:
    """The functions and classes of a whole project."""

    def __init__(self, sources: Iterable[Source], modules: Iterable[str]) -> None:
        self.files = [taken_apart(source, module) for source, module in zip(sources, modules, strict=True)]
        self.modules = Modules(self.files)

    def home(self, scope: Scope, name: str) -> Scope:
        """The scope that a name belongs to."""
        at: Scope | None = scope
        while at is not None:
            if name in at.local and (at is scope or not isinstance(at.node, ast.ClassDef)):
                return at
            at = at.parent
        return scope.file.top

    def reaching(self, scope: Scope, node: ast.Name) -> list[ast.AST] | None:
        """The places that may give a name the value it has where it is read; None where all of them may."""
        return scope.file.reaching.at(self.home(scope, node.id), node)

    def definition(self, scope: Scope, name: str, node: ast.Name | None = None) -> Scope | None:
        """The function or class of the project that a name means (where ``node`` is read), in this file or another."""
        home = self.home(scope, name)
        if name in home.local:
            found = home.file.named.get((home, name), [])
            if len(found) > 1 and node is not None:
                return meant(found, self.reaching(scope, node), node)
            return found[0] if found else None
        return top(self.modules.named(scope.file, name))

    def abroad(self, dotted: str, asking: File) -> Scope | None:
        """The function or class with this full name, if the project has it."""
        return top(self.modules.found(dotted, asking))

    def method(self, cls: Scope | None, name: str) -> Scope | None:
        """A method of a class of the project, or of a base of it in the project."""
        for at in self.bases(cls):
            for scope in defined(at.file, at, name):
                return scope
        return None

    def overriding(self, scope: Scope, call: ast.Call, target: Scope) -> Iterator[Scope]:
        """The methods of subclasses that a call of ``self.method()`` may mean as well."""
        func, own = call.func, scope.params[:1]
        on_self = isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and [func.value.id] == own
        if on_self and target.owner is not None and scope.owner is not None:
            for below in self.subclasses.get(target.owner, ()):
                yield from defined(below.file, below, func.attr)  # type: ignore[attr-defined]

    @cached_property
    def subclasses(self) -> dict[Scope, list[Scope]]:
        """The classes of the project below each."""
        found: dict[Scope, list[Scope]] = {}
        for file in self.files:
            for scope in file.scopes.values():
                for above in list(self.bases(scope))[1:] if isinstance(scope.node, ast.ClassDef) else ():
                    found.setdefault(above, []).append(scope)
        return found

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


def top(found: tuple[File, str] | None) -> Scope | None:
    """The function or class that a file of the project defines under a name."""
    return next(iter(defined(found[0], found[0].top, found[1])), None) if found else None


def meant(found: list[Scope], reached: list[ast.AST] | None, node: ast.Name) -> Scope:
    """Which of several functions or classes of one name is meant where it is read."""
    if reached is not None:
        hit = [each for each in found if each.node in reached or holder(each) in reached]
        if hit:
            return hit[-1]
    before = [each for each in found if each.node.lineno <= node.lineno]  # type: ignore[attr-defined]
    return before[-1] if before else found[0]


def holder(scope: Scope) -> ast.AST | None:
    """The name that a lambda is assigned to."""
    above = scope.file.parents[scope.node]
    return above.targets[0] if isinstance(above, ast.Assign) else None
