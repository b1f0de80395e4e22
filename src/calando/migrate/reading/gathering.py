"""What accelerate's wrappers do unseen while gradients gather, written out before a script is read.

``accelerator.backward(loss)`` divides by ``gradient_accumulation_steps``; a prepared optimizer or scheduler only steps,
and gradients are only cleared, in a turn with ``sync_gradients``. Written out, this is a script like any other. Lines
stay lines, so every place keeps its number.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import replace

from .prepared import one, wraps
from .scopes import BLOCKS
from .source import Edit, Source, parsed

SYNC = "sync_gradients"
UNSEEN = ("step", "zero_grad")  # what a prepared object leaves out in other turns


def written_out(sources: list[Source]) -> list[Source]:
    """The scripts with what happens unseen; the same ones where no gradients gather."""
    if not any(gather(source.tree) for source in sources):
        return sources
    prepared = {text for source in sources for text in names_prepared(source.tree)}
    return [spelled_out(source, list(changes(source, prepared))) for source in sources]


def gather(tree: ast.AST) -> bool:
    """Whether a script leaves it to accelerate which batches make an update."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Attribute) and node.func.attr == "accumulate" and accelerator(node.func.value):
            return True
        if any(word.arg == "gradient_accumulation_steps" and not one(word.value) for word in node.keywords):
            return True
    return False


def accelerator(node: ast.expr) -> bool:
    return ast.unparse(node).rpartition(".")[2].lower() == "accelerator"


def names_prepared(tree: ast.AST) -> Iterator[str]:
    """What the objects are called that ``accelerator.prepare`` returned."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and wraps(node.value):
            for target in node.targets:
                for each in target.elts if isinstance(target, ast.Tuple) else [target]:
                    yield ast.unparse(each)


def changes(source: Source, prepared: set[str]) -> Iterator[Edit]:
    """What is put into a script, function by function."""
    for scope in (n for n in ast.walk(source.tree) if isinstance(n, (ast.Module, *BLOCKS))):
        inside = list(own(scope))
        calls = [n for n in inside if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)]
        holder = next((source.code(c.func.value) for c in calls if accelerator(c.func.value)), "")  # type: ignore[attr-defined]
        for call in calls if holder else ():
            if call.func.attr == "backward" and accelerator(call.func.value) and len(call.args) == 1:  # type: ignore[attr-defined]
                start, end = source.span(call.args[0])
                simple = isinstance(call.args[0], (ast.Name, ast.Attribute, ast.Call, ast.Subscript))
                if not simple:
                    yield Edit(start, start, "(")
                yield Edit(end, end, f"{'' if simple else ')'} / {holder}.gradient_accumulation_steps")
        for statement in inside if holder else ():
            call = statement.value if isinstance(statement, ast.Expr) else None  # type: ignore[assignment]
            func = call.func if isinstance(call, ast.Call) else None
            unseen = isinstance(func, ast.Attribute) and func.attr in UNSEEN and ast.unparse(func.value) in prepared
            if unseen and source.lines(statement) is not None:
                start, _ = source.span(statement)
                yield Edit(start, start, f"if {holder}.{SYNC}: ")


def own(scope: ast.AST) -> Iterator[ast.AST]:
    """What stands in a function, and in no function inside it."""
    for child in ast.iter_child_nodes(scope):
        yield child
        if not isinstance(child, (*BLOCKS, ast.Lambda)):
            yield from own(child)


def spelled_out(source: Source, edits: Iterable[Edit]) -> Source:
    """A script with more text in its lines; its bytes are still those on the disk."""
    text = source.apply(edits)
    return replace(source, text=text, tree=parsed(text, source.name)) if text != source.text else source


def left(before: Source, text: str) -> bool:
    """Whether an update that was written out still stands in a result as it was."""
    return any(f"if {word}" in text for word in guards(before))


def guards(source: Source) -> Iterator[str]:
    """The statements that were written out, by their text, of those whose gradients are cleared."""
    for node in ast.walk(source.tree):
        inner = node.body[0] if isinstance(node, ast.If) and len(node.body) == 1 else None
        if not isinstance(node, ast.If) or not ast.unparse(node.test).endswith(f".{SYNC}") or inner is None:
            continue
        call = inner.value if isinstance(inner, ast.Expr) else None
        func = call.func if isinstance(call, ast.Call) else None
        if isinstance(func, ast.Attribute) and func.attr == "zero_grad":
            yield f"{source.code(node.test)}: {source.code(inner)}"
