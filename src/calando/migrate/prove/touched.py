"""Which scripts a migration has touched: they, or files of the project that they import."""

from __future__ import annotations

from ..flow import File, Flow
from ..project import Migration, Result


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
