"""What a file imports, imported in another file of the project too, so that an expression can be written there."""

from __future__ import annotations

import ast

from ..work import Work
from .carry import stored
from .scopes import File, Scope


def imported(work: Work, node: ast.expr, scope: Scope, to: File) -> str | None:
    """An expression of imported names as it is written in another file, with the imports that it needs there.

    Returns:
        None where a name of it is not imported, or cannot be imported there under its name.
    """
    statements: list[str] = []
    for name in {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}:
        if name in work.flow.home(scope, name).local or (name in to.names.taken and not same(work, name, scope, to)):
            return None
        if name not in to.names.taken:
            text = statement(scope.file, name, to)
            if text is None:
                return None
            statements.append(text)
    for text in statements:
        work.need(to, text)
    return ast.unparse(node)


def same(work: Work, name: str, scope: Scope, to: File) -> bool:
    """Whether a name means the same thing of the project in two files."""
    here, there = work.flow.modules.named(scope.file, name), work.flow.modules.named(to, name)
    return here == there and name not in stored(to.top)


def statement(file: File, name: str, to: File) -> str | None:
    """The import of a name as another file can write it: relative ones inside the same folder only."""
    beside = file.module.rpartition(".")[0] == to.module.rpartition(".")[0]
    imports = [node for node in file.source.tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    for node in imports:
        for alias in node.names:
            if (alias.asname or alias.name) != name or alias.name == "*":
                continue
            kept = f"{alias.name} as {alias.asname}" if alias.asname else alias.name
            if isinstance(node, ast.Import):
                return f"import {kept}"
            if not node.level or beside:
                return f"from {'.' * node.level}{node.module or ''} import {kept}"
    return None
