"""An expression of one place of a project, said at another place: names replaced by what they stand for."""

from __future__ import annotations

import ast
import builtins
import copy
from collections.abc import Iterator, Mapping
from functools import lru_cache

from .blocks import statement_of
from .flow import Flow, arguments
from .scopes import BLOCKS, Scope
from .scopes import defined as definitions

DEEPEST = 12
PURE = {"len", "range", "int", "float", "min", "max", "round", "sum", "abs", "list", "tuple", "str"}


class Lost(Exception):
    """A name of the expression has no meaning at the other place."""


def carry(flow: Flow, node: ast.expr, scope: Scope, to: Scope, line: int) -> ast.expr | None:
    """``node`` of ``scope`` as it must be written in ``to`` before ``line``; None where that cannot be."""
    try:
        return once(_carried(flow, node, scope, to, line, 0))
    except Lost:
        return None


def moved(flow: Flow, node: ast.expr, scope: Scope, to: Scope, line: int) -> ast.expr | None:
    """As ``carry``, for what is evaluated there in place of where it stands: it may make something anew, once."""
    try:
        return _carried(flow, node, scope, to, line, 0)
    except Lost:
        return None


def once(node: ast.expr) -> ast.expr:
    """An expression that makes nothing anew that was made elsewhere; else raise Lost."""
    if any(getattr(inner, "made_anew", False) for inner in ast.walk(node)):
        raise Lost
    return node


def _carried(flow: Flow, node: ast.expr, scope: Scope, to: Scope, line: int, depth: int) -> ast.expr:
    if depth > DEEPEST:
        raise Lost
    bound = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    bound |= {n.arg for n in ast.walk(node) if isinstance(n, ast.arg)}
    found: dict[str, ast.expr] = {}
    if scope.owner is not None and to.owner is scope.owner:
        found.update(early_attributes(flow, node, scope, to, line, depth))
    for name in ast.walk(node):
        if isinstance(name, ast.Name) and name.id not in bound and name.id not in found:
            found[name.id] = _name(flow, name, scope, to, line, depth)
    return _Put(found).visit(copy.deepcopy(node))


def replaced(node: ast.expr, found: Mapping[str, ast.expr]) -> ast.expr:
    """An expression with names replaced by expressions."""
    return _Put(dict(found)).visit(copy.deepcopy(node))


class _Put(ast.NodeTransformer):
    """Names replaced by expressions."""

    def __init__(self, found: dict[str, ast.expr]) -> None:
        self.found = found

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.found.get(node.id, node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        return self.found.get(ast.unparse(node)) or self.generic_visit(node)


def early_attributes(flow: Flow, node: ast.expr, scope: Scope, to: Scope, line: int, depth: int) -> dict[str, ast.expr]:
    """``self.x`` of an expression, where it has no value yet before ``line`` of ``to``: what it is given later.

    Raises:
        Lost: that is not known there either.
    """
    found: dict[str, ast.expr] = {}
    wanted = (n for n in ast.walk(node) if isinstance(n, ast.Attribute) and ast.unparse(n.value) == "self")
    for text in {ast.unparse(n) for n in wanted}:
        given = keeping(scope.owner, text)
        if not given or any(there(where, s, to, line) for where, s in given):
            continue
        where, statement = given[0]
        if len(given) > 1 or not isinstance(statement, ast.Assign) or not repeatable(statement.value):
            raise Lost
        found[text] = _carried(flow, statement.value, where, to, line, depth + 1)
    return found


@lru_cache(maxsize=4096)
def keeping(cls: Scope | None, text: str) -> list[tuple[Scope, ast.stmt]]:
    """Where the methods of a class give ``self.x`` a value."""
    assert cls is not None
    return [
        (cls.file.where[n], n)
        for n in ast.walk(cls.node)
        if isinstance(n, (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.For))
        and any(ast.unparse(x) == text for t in getattr(n, "targets", [getattr(n, "target", n)]) for x in ast.walk(t)
                if isinstance(x, ast.Attribute))
    ]  # fmt: skip


def there(where: Scope, statement: ast.stmt, to: Scope, line: int) -> bool:
    """Whether what a statement of one method keeps is there before a line of another, or of the same."""
    first = next(iter(definitions(where.file, where.parent, "__init__")), None) if where.parent else None
    if where is to:
        return statement.lineno < line
    if where is first:
        calls = [call.lineno for caller, call in to.calls if caller is where]
        return not calls or statement.lineno < min(calls)
    return to is not first or any(caller is to and call.lineno < line for caller, call in where.calls)


def _name(flow: Flow, node: ast.Name, scope: Scope, to: Scope, line: int, depth: int) -> ast.expr:
    name = node.id
    home = flow.home(scope, name)
    if name not in home.local:
        if name in home.file.names.aliases and to.file is not home.file:
            same = home.file.names.aliases[name] == to.file.names.aliases.get(name)
            if not same and flow.modules.named(home.file, name) != flow.modules.named(to.file, name):
                raise Lost
            return node
        if name in home.file.names.aliases or hasattr(builtins, name) or to.file is home.file:
            return node
        raise Lost
    if name == "self" and scope.owner is not None:
        if to.owner is scope.owner:
            return node
        raise Lost
    if within(to, home) and home.file is to.file:
        if shadowed(to, home, name):
            raise Lost
        if isinstance(home.node, BLOCKS) and home is not to:
            return node
        if home is not to or name in home.params or defined(home, name) < line:
            return node
    return _followed(flow, name, home, to, line, depth)


def _followed(flow: Flow, name: str, home: Scope, to: Scope, line: int, depth: int) -> ast.expr:
    """What a name stands for, carried on."""
    if name in home.params and isinstance(home.node, BLOCKS):
        skipped = 1 if home.owner is not None else 0
        said: dict[str, ast.expr] = {}
        for caller, call in home.calls:
            given = arguments(home, call, skipped).get(name) or default_of(home, name)
            if given is None:
                raise Lost
            there = _carried(flow, given, caller, to, line, depth + 1)
            there.made_anew = not repeatable(given)  # type: ignore[attr-defined]
            said[ast.unparse(there)] = there
        if len(said) != 1:
            raise Lost
        return next(iter(said.values()))
    stores = stored(home).get(name, [])
    if len(stores) != 1 or not isinstance(stores[0][1], ast.Assign):
        raise Lost
    target, statement = stores[0]
    assert isinstance(statement, ast.Assign)
    value = picked(statement, target)
    if value is None or not plain(value):
        raise Lost
    return _carried(flow, value, home, to, line, depth + 1)


def within(scope: Scope | None, home: Scope) -> bool:
    """Whether ``home``'s names can be seen from ``scope``."""
    while scope is not None:
        if scope is home:
            return True
        scope = scope.parent
    return False


def shadowed(scope: Scope, home: Scope, name: str) -> bool:
    """Whether a name of ``home`` means something else in a scope inside it."""
    at: Scope | None = scope
    while at is not None and at is not home:
        if name in at.local and not isinstance(at.node, ast.ClassDef):
            return True
        at = at.parent
    return False


def default_of(scope: Scope, name: str) -> ast.expr | None:
    """The default of a function's parameter."""
    args = scope.node.args  # type: ignore[attr-defined]
    for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        if arg.arg == name:
            return default
    names = [a.arg for a in (*args.posonlyargs, *args.args)]
    at = names.index(name) - (len(names) - len(args.defaults)) if name in names else -1
    return args.defaults[at] if at >= 0 else None


@lru_cache(maxsize=4096)
def stored(scope: Scope) -> dict[str, list[tuple[ast.Name, ast.AST]]]:
    """Where each name of a scope is given a value: the name there, and the statement."""
    found: dict[str, list[tuple[ast.Name, ast.AST]]] = {}
    for name, statement in _stores(scope.node, scope.node):
        found.setdefault(name.id, []).append((name, statement))
    return found


def giving(flow: Flow, scope: Scope, node: ast.Name) -> list[tuple[ast.Name, ast.AST]]:
    """Those of them that may give a name the value that it has where it is read."""
    reached = flow.reaching(scope, node)
    stores = stored(flow.home(scope, node.id)).get(node.id, [])
    return [(name, statement) for name, statement in stores if reached is None or name in reached]


def lineage(flow: Flow, scope: Scope, node: ast.Name) -> set[ast.AST] | None:
    """The places that give a name the values from which the one read at a node was made; None where any may be."""
    found: set[ast.AST] = set()
    reads = [node]
    while reads:
        reached = flow.reaching(scope, reads.pop())
        if reached is None:
            return None
        for store in reached:
            if store not in found:
                found.add(store)
                value = getattr(statement_of(scope.file, store), "value", None)
                reads += [n for n in ast.walk(value or ast.Pass()) if isinstance(n, ast.Name) and n.id == node.id]
    return found


def _stores(node: ast.AST, statement: ast.AST) -> Iterator[tuple[ast.Name, ast.AST]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (*BLOCKS, ast.ClassDef)):
            continue
        here = child if isinstance(child, ast.stmt) else statement
        if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            yield child, here
        yield from _stores(child, here)


def defined(scope: Scope, name: str) -> int:
    """The line of the first value that a name of a scope is given; after everything where it has none."""
    lines = [statement.lineno for _, statement in stored(scope).get(name, [])]  # type: ignore[attr-defined]
    lines += [inner.node.lineno for inner in definitions(scope.file, scope, name)]  # type: ignore[attr-defined]
    return min(lines, default=10**9)


def picked(statement: ast.Assign, name: ast.Name) -> ast.expr | None:
    """The part of an assignment's value that one of its names gets."""
    for target in statement.targets:
        if target is name:
            return statement.value
        if isinstance(target, (ast.Tuple, ast.List)) and name in target.elts:
            if any(isinstance(x, ast.Starred) for x in target.elts):
                return None
            at = target.elts.index(name)
            if isinstance(statement.value, (ast.Tuple, ast.List)) and len(statement.value.elts) == len(target.elts):
                return statement.value.elts[at]
            return ast.copy_location(ast.Subscript(statement.value, ast.Constant(at), ast.Load()), statement.value)
    return None


def plain(node: ast.AST) -> bool:
    """Whether an expression can be written twice: it calls nothing but what has no effect."""
    calls = [n for n in ast.walk(node) if isinstance(n, (ast.Call, ast.Await, ast.Yield, ast.NamedExpr))]
    return all(isinstance(c, ast.Call) and isinstance(c.func, ast.Name) and c.func.id in PURE for c in calls)


def repeatable(node: ast.AST) -> bool:
    """Whether evaluating an expression once more gives the same and does nothing else."""
    calls = [n for n in ast.walk(node) if isinstance(n, (ast.Call, ast.Await, ast.Yield, ast.NamedExpr))]
    return all(isinstance(c, ast.Call) and named(c.func) for c in calls)


def named(func: ast.expr) -> bool:
    """Whether a function is known to have no effect."""
    if isinstance(func, ast.Name):
        return func.id in PURE
    home = ast.unparse(func.value) if isinstance(func, ast.Attribute) else ""
    return home in ("math", "np", "numpy") or getattr(func, "attr", "") in ("get", "copy", "keys", "values", "items")


def constant(flow: Flow, node: ast.expr, scope: Scope) -> float | None:
    """The number that an expression has whatever happens; None where that is not known."""
    whole = carry(flow, node, scope, scope.file.top, 0)
    if whole is None or any(isinstance(n, (ast.Name, ast.Attribute)) and not _pure(n) for n in ast.walk(whole)):
        return None
    if not plain(whole) or len(list(ast.walk(whole))) > 60 or any(isinstance(n, ast.Pow) for n in ast.walk(whole)):
        return None
    try:
        value = eval(compile(ast.Expression(ast.fix_missing_locations(whole)), "", "eval"), {"__builtins__": SAFE})
    except Exception:  # whatever is wrong with the user's numbers is not known, then
        return None
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _pure(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in SAFE


SAFE = {name: getattr(builtins, name) for name in ("len", "range", "int", "float", "min", "max", "round", "abs")}
