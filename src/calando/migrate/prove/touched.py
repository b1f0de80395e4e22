"""Which scripts a migration has touched, they or files of the project that they import; and which are run."""

from __future__ import annotations

import ast

from ..project import Migration, Result
from ..reading.flow import File, Flow


def touched(done: Migration, result: Result) -> bool:
    """Whether a script, or one that it imports, was changed."""
    changed = {each.name for each in done.results if each.changed}
    start = next(file for file in done.flow.files if file.source.name == result.name)
    return any(file.source.name in changed for file in imported(done.flow, start))


def imported(flow: Flow, start: File) -> list[File]:
    """A file and all files of its project that it imports, directly or through others."""
    found = [start]
    for file in found:
        for full in [*file.names.aliases.values(), *file.names.stars]:
            for module in (full, full.rpartition(".")[0]):
                other = flow.modules.file(module, file)
                if other is not None and other not in found:
                    found.append(other)
    return found


def by_itself(done: Migration, result: Result) -> bool:
    """Whether a script of a project is run by itself: it says so, or no other imports it and it does something."""
    if '__name__ == "__main__"' in result.source.text or "__name__ == '__main__'" in result.source.text:
        return True
    mine = next(file for file in done.flow.files if file.source.name == result.name)
    others = (file for file in done.flow.files if file is not mine)
    acts = any(isinstance(node, (ast.For, ast.While, ast.With)) or called(node) for node in mine.source.tree.body)
    return acts and not any(mine in imported(done.flow, file) for file in others)


def called(node: ast.stmt) -> bool:
    """Whether a statement is a call."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
