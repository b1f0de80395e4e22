"""A script as it lies on the disk, and changes to it that leave every other byte alone."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

MARK = b"\xef\xbb\xbf"  # UTF-8's byte order mark


def rows(text: str, ends: bool = False) -> list[str]:
    """The lines of a text as Python counts them: a form feed or a line separator inside ends none."""
    found = re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z", text)
    return found if ends else [line.rstrip("\r\n") for line in found]


class Unreadable(ValueError):
    """A file that cannot be read as Python; the sentence says where and why."""


@dataclass(frozen=True)
class Edit:
    """``text`` in place of what stands from ``start`` to ``end``, in characters."""

    start: int
    end: int
    text: str


@dataclass
class Source:
    """One script: its bytes, its text and its syntax tree."""

    name: str
    data: bytes
    text: str
    encoding: str
    tree: ast.Module = field(repr=False)

    @cached_property
    def starts(self) -> list[int]:
        """Where each line begins, in characters."""
        return [0, *(found.end() for found in re.finditer(r"\r\n|\r|\n", self.text))]

    @cached_property
    def spans(self) -> dict[ast.AST, tuple[int, int]]:
        """Where nodes begin and end that were asked for."""
        return {}

    @cached_property
    def newline(self) -> str:
        """The line ending that most lines have."""
        two, one = self.text.count("\r\n"), self.text.count("\n")
        if not one and "\r" in self.text:
            return "\r"
        return "\r\n" if two * 2 > one else "\n"

    def place(self, line: int, column: int) -> int:
        """A place of the syntax tree (line from 1, column in UTF-8 bytes) in characters."""
        start = self.starts[line - 1]
        end = self.starts[line] if line < len(self.starts) else len(self.text)
        whole = self.text[start:end]
        return start + (column if whole.isascii() else len(whole.encode()[:column].decode(errors="ignore")))

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Where a node begins and ends, in characters; a decorated definition begins with its decorators."""
        if node in self.spans:
            return self.spans[node]
        line, column = node.lineno, node.col_offset  # type: ignore[attr-defined]
        for decorator in getattr(node, "decorator_list", ()):
            if decorator.lineno < line:
                line = decorator.lineno
        found = self.place(line, column), self.place(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]
        self.spans[node] = found
        return found

    def code(self, node: ast.AST) -> str:
        """What a node looks like in the script."""
        start, end = self.span(node)
        return self.text[start:end]

    def indent(self, node: ast.AST) -> str:
        """The white space before the line on which a statement begins."""
        start = self.starts[node.lineno - 1]  # type: ignore[attr-defined]
        found = re.match(r"[ \t\f]*", self.text[start:])
        return found.group() if found else ""

    @cached_property
    def unit(self) -> str:
        """The white space by which the script's blocks are set in: a tab where it is one, else four spaces."""
        for node in ast.walk(self.tree):
            body = getattr(node, "body", None)
            if isinstance(node, ast.stmt) and isinstance(body, list) and body[0].lineno > node.lineno:
                return "\t" if self.indent(body[0]).endswith("\t") else "    "
        return "    "

    def line(self, number: int) -> str:
        """One line, without its end."""
        end = self.starts[number] if number < len(self.starts) else len(self.text)
        return self.text[self.starts[number - 1] : end].rstrip("\r\n")

    def lines(self, statement: ast.AST) -> tuple[int, int] | None:
        """The whole lines that a statement has for itself, their end included; None where it shares them."""
        start, end = self.span(statement)
        first = self.starts[bisect_right(self.starts, start) - 1]
        rest = re.match(r"[ \t]*;?[ \t]*(#[^\r\n]*)?(\r\n|\r|\n|\Z)", self.text[end:])
        if self.text[first:start].strip() or rest is None:
            return None
        return first, end + rest.end()

    def apply(self, edits: Iterable[Edit]) -> str:
        """The text with the changes made.

        Raises:
            ValueError: two changes touch the same characters.
        """
        out, done = [], 0
        for edit in sorted(set(edits), key=lambda e: (e.start, e.end)):
            if edit.start < done:
                raise ValueError(f"{self.name}: two changes meet at line {self.text.count(chr(10), 0, edit.start) + 1}")
            out += [self.text[done : edit.start], edit.text.replace("\n", self.newline)]
            done = edit.end
        return "".join([*out, self.text[done:]])

    def encode(self, text: str) -> bytes:
        """A text in the encoding of the script, its byte order mark included."""
        try:
            return (MARK if self.data.startswith(MARK) else b"") + text.encode(self.encoding)
        except UnicodeEncodeError as problem:
            shown = problem.object[problem.start : problem.end]
            raise Unreadable(f"{self.name}: {shown!r} cannot be written in {self.encoding}") from None


def read(data: bytes, name: str) -> Source:
    """Take a script apart.

    Raises:
        Unreadable: it is not Python, or its encoding is unknown; the sentence says where and why.
    """
    if b"\0" in data:
        raise Unreadable(f"{name}: holds null bytes, so it is no Python script")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = (data[len(MARK) :] if data.startswith(MARK) else data).decode(encoding.removesuffix("-sig"))
    except SyntaxError as problem:
        raise Unreadable(f"{name}: {problem.msg}") from None
    except (UnicodeDecodeError, LookupError) as problem:
        raise Unreadable(f"{name}: its encoding cannot be read: {problem}") from None
    return Source(name, data, text, encoding.removesuffix("-sig"), parsed(text, name))


def parsed(text: str, name: str) -> ast.Module:
    """The syntax tree of a text.

    Raises:
        Unreadable: it is not Python that this version of Python can read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about escapes in strings, which are no concern of ours
            return ast.parse(text, name)
    except SyntaxError as problem:
        raise Unreadable(f"{name}, line {problem.lineno}: not Python that can be read: {problem.msg}") from None
    except (ValueError, RecursionError, MemoryError) as problem:
        raise Unreadable(f"{name}: not Python that can be read: {problem or 'nested too deeply'}") from None
