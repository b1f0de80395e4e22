"""Imports of calando's that an earlier migration brought and that the result no longer uses."""

from __future__ import annotations

import ast

from .finding import REWRITTEN
from .reading.scopes import File
from .work import Work


def leftover(work: Work) -> None:
    """Take out ``import calando.torch`` and the like where the last use of it went."""
    changed = {file for file, _ in work.edits}
    for file in work.flow.files:
        held = brought(file) if file in changed else []
        text = work.text_of(file) if held else ""
        for statement, name in held:
            if f"{name}." not in text and file.source.lines(statement) is not None:
                work.remove(file, statement)
                work.say(file, statement, REWRITTEN, "nothing of it is left", "optimizer")


def brought(file: File) -> list[tuple[ast.stmt, str]]:
    """The imports of a single module of calando's under its own name, which the script uses."""
    found = []
    for node in file.source.tree.body:
        alone = isinstance(node, ast.Import) and len(node.names) == 1 and node.names[0].asname is None
        name = node.names[0].name if alone else ""  # type: ignore[attr-defined]
        if name.startswith("calando.") and f"{name}." in file.source.text:
            found.append((node, name))
    return found
