"""One migration under way: what was found in a project, what is to be changed, and what is said about it."""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from .finding import HUMAN, Finding, Spoken
from .ledger import Ledger, Told
from .patience import Patience
from .reading.blocks import emptied, goes, neighbours, outermost, spot
from .reading.flow import Flow, Thing
from .reading.remembered import remembered
from .reading.scopes import File, Scope
from .reading.source import Edit, parsed

LONGEST = 88  # characters of a statement that a finding shows


class Left(Exception):
    """A part that cannot be rewritten wholly, and so is left whole; the message says why."""


class Asked(Left):
    """A part that is left until the user says what no script does."""


@dataclass(frozen=True)
class Wish:
    """What the user asked for.

    Args:
        to: ``"calando"``, ``"mindspore"`` or ``"torch"``.
        style: ``"exact"`` or ``"guide"``.
        steps_per_epoch: a whole number or an expression; None: only what the scripts say.
    """

    to: str = "calando"
    style: str = "exact"
    steps_per_epoch: str | None = None


@dataclass(eq=False)
class Work:
    """Changes and findings of all files.

    Args:
        careful: whether each part of the work is tried at once, so that one that does not become Python is left.
        patience: how long it may take.
    """

    flow: Flow
    wish: Wish
    careful: bool = False
    patience: Patience = field(default_factory=lambda: Patience(()))
    edits: Ledger[Edit] = field(default_factory=lambda: Ledger(lambda edit: edit.start))
    removed: Ledger[ast.stmt] = field(default_factory=lambda: Ledger(lambda statement: statement.lineno))
    findings: list[Finding] = field(default_factory=list)
    spoken: list[Spoken] = field(default_factory=list)
    told: Told = field(default_factory=Told)  # id of every node that a finding speaks of
    imports: list[tuple[File, str]] = field(default_factory=list)
    set: list[tuple[ast.stmt, list[str]]] = field(default_factory=list)  # schedules set before a loop
    mentions: dict[int, tuple[File, ast.AST, str]] = field(default_factory=dict)

    @property
    def memory(self) -> dict[Any, Any]:
        """What was asked of the flow before."""
        return self.flow.memory

    def attempt(self, change: Callable[[], None]) -> str:
        """Make a change wholly or not at all; why it was not made, empty where it was."""
        self.patience.ask()
        ledgers, lists = (self.edits, self.removed, self.told), (self.findings, self.spoken, self.imports, self.set)
        marks, sizes = [ledger.mark() for ledger in ledgers], [len(each) for each in lists]
        given = [len(file.names.given) for file in self.flow.files]
        try:
            change()
            if self.careful:
                self.tried()
        except Left as left:
            for ledger, mark in zip(ledgers, marks, strict=True):
                ledger.back(mark)  # type: ignore[attr-defined]
            for each, size in zip(lists, sizes, strict=True):
                del each[size:]  # type: ignore[attr-defined]
            for file, size in zip(self.flow.files, given, strict=True):
                file.names.give_back(size)
            return str(left)
        return ""

    def forget(self) -> None:
        """Begin anew: nothing is changed or said."""
        for each in (self.edits, self.removed, self.findings, self.spoken, self.told, self.imports, self.set):
            each.clear()

    def tried(self) -> None:
        """Raise Left where what is done so far does not become Python."""
        self.patience.ask()
        try:
            list(self.results())
        except ValueError as problem:
            raise Left(f"its changes do not fit together ({problem})") from None

    def say(self, file: File, node: ast.AST, certainty: str, reason: str, topic: str = "") -> None:
        """Report one place; what stands in it counts as reported too."""
        shown = re.sub(r"\s+", " ", file.source.code(node))
        if len(shown) > LONGEST:
            shown = shown[: LONGEST - 1] + "…"
        self.findings.append(
            Finding(file.source.name, node.lineno, certainty, shown, reason, topic)  # type: ignore[attr-defined]
        )
        self.told += [id(inner) for inner in ast.walk(node)]

    def replace(self, file: File, node: ast.AST, text: str) -> None:
        self.edits.append((file, Edit(*file.source.span(node), quoted(file, node, text))))

    def within(self, file: File, node: ast.AST, text: str) -> None:
        """A change that may lie inside another one, which is then changed itself."""
        start, end = file.source.span(node)
        code = file.source.code(node)
        for at, edit in list(self.edits.near(file, file.source.span(outermost(file, node))[0], start)):
            if end <= edit.end and edit.start < edit.end:
                put = re.sub(rf"(?<![\w.]){re.escape(code)}\b", text, edit.text)
                self.edits.exchange(at, Edit(edit.start, edit.end, put))
                return
        self.replace(file, node, text)

    def between(self, file: File, start: int, end: int, text: str) -> None:
        self.edits.append((file, Edit(start, end, text)))

    def remove(self, file: File, statement: ast.stmt) -> None:
        """Take a statement out; a block that becomes empty gets a ``pass``, or goes with its condition."""
        branch = file.parents[statement]
        whole = isinstance(branch, ast.If) and branch.body == [statement] and goes(file, branch)
        if file.source.lines(statement) is None and len(neighbours(file, statement)) < 2 and not whole:
            raise Left("it shares its line with what it stands under")
        self.removed.append((file, statement))

    def before(self, file: File, statement: ast.stmt, *lines: str) -> None:
        """Put lines before a statement, indented as it is."""
        start = file.source.starts[statement.lineno - 1]
        if file.source.text[start : file.source.place(statement.lineno, statement.col_offset)].strip():
            raise Left("it shares its line with other statements")
        indent = file.source.indent(statement)
        self.between(file, start, start, "".join(f"{indent}{line}\n" if line else "\n" for line in lines))

    def need(self, file: File, statement: str) -> None:
        """An import that the result needs."""
        if (file, statement) not in self.imports:
            self.imports.append((file, statement))

    def schedules(self, file: File) -> str:
        """The name under which the result has ``calando.schedules``."""
        for name, full in file.names.aliases.items():
            if full == "calando.schedules":
                return name
        if "schedules" in file.names.taken:
            self.need(file, "import calando.schedules as calando_schedules")
            return "calando_schedules"
        self.need(file, "from calando import schedules")
        return "schedules"

    def check(self) -> None:
        """Raise Left where the changes made so far do not go together."""
        try:
            list(self.results())
        except ValueError as problem:
            raise Left(f"its changes do not go together: {problem}") from None

    # The result.

    def results(self) -> Iterator[tuple[File, str]]:
        """Each file's new text, which is Python again."""
        for file in self.flow.files:
            text = self.text_of(file)
            if text != file.source.text:
                parsed(text, f"the result of {file.source.name}")
            yield file, text

    def text_of(self, file: File) -> str:
        """A file's text with the changes made so far."""
        edits = [edit for owner, edit in self.edits if owner is file]
        edits += emptied(file, [statement for owner, statement in self.removed if owner is file])
        edits = staying(edits)
        edits += import_edits(file, [text for owner, text in self.imports if owner is file])
        return file.source.apply(joined(edits)) if edits else file.source.text


def quoted(file: File, node: ast.AST, text: str) -> str:
    """A text as it may stand where a node stands: inside an f-string, with the other quotes.

    Raises:
        Left: it cannot stand there, or Python does not say where in the f-string the node is.
    """
    holder = node
    while holder in file.parents and not isinstance(holder, (ast.JoinedStr, ast.stmt)):
        holder = file.parents[holder]
    if not isinstance(holder, ast.JoinedStr):
        return text
    found = re.match(r"[A-Za-z]*(\"\"\"|\'\'\'|\"|\')", file.source.code(holder))
    mark = found.group(1)[0] if found else ""
    try:
        same = ast.dump(ast.parse(file.source.code(node), mode="eval").body) == ast.dump(node)
    except SyntaxError:
        same = False
    swapped = text.replace(mark, "'" if mark == '"' else '"') if mark else text
    if not mark or not same or "\n" in text or ("'" in text and '"' in text):
        raise Left(f"it stands in an f-string in line {node.lineno} that cannot be changed safely")  # type: ignore[attr-defined]
    return swapped


def staying(edits: list[Edit]) -> list[Edit]:
    """The changes that do not lie inside a stretch that goes."""
    gone = sorted((edit for edit in edits if not edit.text), key=lambda edit: edit.start)
    starts, ends = [edit.start for edit in gone], list(accumulate((edit.end for edit in gone), max))

    def around(edit: Edit) -> Iterator[Edit]:
        """The stretches that begin no later than a change, from the last on, as long as one may reach it."""
        at = bisect_right(starts, edit.start)
        while at and ends[at - 1] >= edit.start:
            at -= 1
            yield gone[at]

    return [edit for edit in edits if not any(swallowed(edit, other) for other in around(edit))]


def swallowed(edit: Edit, gone: Edit) -> bool:
    """Whether a change lies inside a stretch that goes; what is put at either end of it stays."""
    if edit is gone:
        return False
    if edit.start == edit.end:
        return gone.start < edit.start < gone.end
    return gone.start <= edit.start and edit.end <= gone.end and edit != gone


def joined(edits: Iterable[Edit]) -> list[Edit]:
    """Insertions at one place made one, in the order they were asked for."""
    found: dict[tuple[int, int], Edit] = {}
    for edit in edits:
        key = edit.start, edit.end
        if key in found and edit.start == edit.end:
            edit = Edit(edit.start, edit.end, found[key].text + edit.text)
        found[key] = edit
    return list(found.values())


def import_edits(file: File, wanted: list[str]) -> list[Edit]:
    """Where new imports go: after the last import at the top of the script."""
    have = {file.source.code(node) for node in file.source.tree.body if isinstance(node, (ast.Import, ast.ImportFrom))}
    missing = [text for text in wanted if text not in have]
    if not missing:
        return []
    last: ast.stmt | None = None
    for node in file.source.tree.body:
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node, (ast.Import, ast.ImportFrom)) or (docstring and last is None):
            last = node
        elif last is not None and not isinstance(node, (ast.Import, ast.ImportFrom)):
            break
    lines = "".join(f"{text}\n" for text in missing)
    if last is None:
        start = header(file.source.text)
        return [Edit(start, start, lines)]
    whole = file.source.lines(last)
    if whole is None:
        start = file.source.span(last)[1]
        return [Edit(start, start, "; " + "; ".join(missing))]
    if not file.source.text[: whole[1]].endswith(("\n", "\r")):
        lines = "\n" + lines.rstrip("\n")
    return [Edit(whole[1], whole[1], lines)]


def header(text: str) -> int:
    """Where a script's first line after ``#!`` and its encoding begins."""
    at = 0
    for line in text.splitlines(keepends=True)[:2]:
        if line.startswith("#!") or re.match(r"#.*coding[:=]", line):
            at += len(line)
        else:
            break
    return at


@remembered
def uses(flow: Flow, thing: Thing) -> list[tuple[Scope, ast.expr]]:
    """Every name or attribute that may stand for a thing where it is read."""
    spelled = flow.spellings(thing)
    found = [(scope, node) for name, scope, node in loads(flow).get(thing, ()) if name in spelled]
    return sorted(found, key=lambda each: spot(each[1]))


@remembered
def loads(flow: Flow) -> dict[Thing, list[tuple[str, Scope, ast.expr]]]:
    """Where each thing is read, and under which name."""
    held: dict[Thing, list[tuple[str, Scope, ast.expr]]] = {}
    for file in flow.files:
        for node, scope in file.where.items():
            if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
                name = node.id if isinstance(node, ast.Name) else node.attr
                for each in flow.things(scope, node):
                    held.setdefault(each, []).append((name, scope, node))
    return held


def off(node: ast.expr | None) -> bool:
    """Whether a flag is not there, or false for certain."""
    return node is None or (isinstance(node, ast.Constant) and not node.value)


def unsaid(work: Work) -> None:
    """Report what nothing was said about: it is left as it is, and a person must look."""
    told = set(work.told)
    for file, node, reason in work.mentions.values():
        if id(node) not in told:
            said = len(work.told)
            work.say(file, node, HUMAN, reason)
            told.update(work.told[said:])
