"""Which names statements read, and to which they give a value."""

from __future__ import annotations

import ast
from functools import lru_cache


@lru_cache(maxsize=8192)
def names_read(node: ast.AST) -> frozenset[str]:
    read = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    changed = (n.target for n in ast.walk(node) if isinstance(n, ast.AugAssign))
    return frozenset(read | {target.id for target in changed if isinstance(target, ast.Name)})


@lru_cache(maxsize=8192)
def names_stored(node: ast.AST) -> frozenset[str]:
    """The names that a statement gives a value; those of comprehensions are their own."""
    inner = {id(n) for c in ast.walk(node) if isinstance(c, ast.comprehension) for n in ast.walk(c.target)}
    names = (n for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    return frozenset(n.id for n in names if id(n) not in inner)


# Methods of lists, sets, deques and dictionaries that change them.
CHANGING = {
    "append", "appendleft", "extend", "extendleft", "insert", "add", "update", "setdefault", "pop", "popleft",
    "popitem", "remove", "discard", "clear", "sort", "reverse",
}  # fmt: skip


HOOK = "register_hook"  # changes the gradient that flows through a tensor


@lru_cache(maxsize=8192)
def names_changed(node: ast.AST) -> frozenset[str]:
    """The names whose values a statement changes in place: ``x[i] = …``, ``x.fill_(…)``, ``x.append(…)``."""
    changed = {n.value for n in ast.walk(node) if isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store)}
    calls = (n.value.func for n in ast.walk(node) if isinstance(n, ast.Expr) and isinstance(n.value, ast.Call))
    for func in calls:
        if isinstance(func, ast.Attribute) and (func.attr in (*CHANGING, HOOK) or in_place(func.attr)):
            changed.add(func.value)
    return frozenset(n.id for n in changed if isinstance(n, ast.Name))


def in_place(method: str) -> bool:
    """Whether a method of PyTorch's tensors changes them: ``fill_``."""
    return method.endswith("_") and not method.endswith("__")


@lru_cache(maxsize=8192)
def attributes(node: ast.AST, stored: bool = False) -> frozenset[str]:
    """The attributes of names that a piece of code reads, or gives a value: ``self.fake``."""
    wanted = ast.Store if stored else ast.Load
    held = (n for n in ast.walk(node) if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name))
    return frozenset(ast.unparse(n) for n in held if isinstance(n.ctx, wanted))


def entering(region: list[ast.stmt], loss: ast.expr) -> set[str]:
    """The names that statements read before they give them a value."""
    bound = {n.arg for s in region for n in ast.walk(s) if isinstance(n, ast.arg)}
    stored: dict[str, tuple[int, int]] = {}
    read: dict[str, tuple[int, int]] = {}
    for node in (inner for s in (*region, loss) for inner in ast.walk(s)):
        if isinstance(node, ast.comprehension):
            bound |= names_stored(node.target)
        if isinstance(node, (ast.Assign, ast.AnnAssign)):  # the value comes first
            for name in names_stored(node):
                at = node.end_lineno or 0, node.end_col_offset or 0
                stored[name] = min(stored.get(name, at), at)
        elif isinstance(node, (ast.For, ast.With, ast.NamedExpr)):
            for part in (getattr(node, "target", None), *(i.optional_vars for i in getattr(node, "items", ()))):
                for name in names_stored(part) if part is not None else ():
                    at = part.end_lineno or 0, part.end_col_offset or 0
                    stored[name] = min(stored.get(name, at), at)
        changed = node.target if isinstance(node, ast.AugAssign) else node
        if isinstance(changed, ast.Name) and (isinstance(changed.ctx, ast.Load) or changed is not node):
            at = changed.lineno, changed.col_offset
            read[changed.id] = min(read.get(changed.id, at), at)
    return {name for name, at in read.items() if name not in bound and at < stored.get(name, (10**9, 0))}


def values_read(node: ast.AST) -> frozenset[str]:
    """The names, and the attributes of names, that a piece of code reads."""
    return names_read(node) | attributes(node)


def values_given(node: ast.AST) -> frozenset[str]:
    """The names, and the attributes of names, that a statement gives a value or changes in place."""
    return names_stored(node) | names_changed(node) | attributes(node, stored=True)
