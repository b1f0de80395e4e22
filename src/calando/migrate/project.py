"""A whole migration: scripts in, scripts and findings out."""

from __future__ import annotations

import ast
import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from .finding import Finding, Spoken
from .leftover import leftover
from .patience import Patience, TooLarge
from .reading.flow import Flow
from .reading.gathering import left, written_out
from .reading.mentions import mentions
from .reading.scopes import File
from .reading.source import Source, Unreadable, read
from .work import Wish, Work, unsaid


@dataclass(frozen=True)
class Result:
    """One script after the migration.

    Args:
        name: the script's name.
        before, after: its bytes.
        source: what was read.
    """

    name: str
    before: bytes
    after: bytes
    source: Source

    @property
    def changed(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True)
class Migration:
    """What came out of a migration.

    Args:
        results: every script that could be read.
        findings: one per place, by file and line.
        spoken: defaults that the results say aloud.
        unread: why a script could not be read.
    """

    wish: Wish
    results: list[Result]
    findings: list[Finding]
    spoken: list[Spoken]
    unread: list[str]
    flow: Flow


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the search for cycles: trees are large and live to the end (measured: a quarter of the time)."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


@uncollected()
def migrate(scripts: Mapping[str, bytes], wish: Wish | None = None) -> Migration:
    """Rewrite the scripts of a project.

    Args:
        scripts: name (a path) → bytes.
        wish: what to rewrite them to.

    Raises:
        Unreadable: there is one script only, and it cannot be read; or a very large one takes too long.
        ValueError: a wish that cannot be.
    """
    wish = wish or Wish()
    check(wish)
    sources, unread = [], []
    for name, data in scripts.items():
        try:
            sources.append(read(data, name))
        except Unreadable as problem:
            if len(scripts) == 1:
                raise
            unread.append(str(problem))
    patience = Patience(sources)
    work, texts = gathering(sources, wish, patience)
    results = [finished(source, file, text) for source, (file, text) in zip(sources, texts, strict=True)]
    return Migration(wish, results, sorted(set(work.findings)), list(dict.fromkeys(work.spoken)), unread, work.flow)


def gathering(sources: list[Source], wish: Wish, patience: Patience) -> tuple[Work, list[tuple[File, str]]]:
    """The work on a project, with what its wrappers do unseen written out where that can be rewritten."""
    if wish.to == "mindspore" and (plain := written_out(sources)) != sources:
        work, texts = tried(plain, wish, patience)
        if not any(left(source, text) for source, (_, text) in zip(plain, texts, strict=True)):
            return work, texts
    return tried(sources, wish, patience)


def tried(sources: list[Source], wish: Wish, patience: Patience) -> tuple[Work, list[tuple[File, str]]]:
    """The work on a project; where some part of it does not fit, once more with care, so that it is left."""
    try:
        return worked(sources, wish, patience, careful=False)
    except TooLarge:
        raise
    except ValueError:
        return worked(sources, wish, patience, careful=True)


def worked(sources: list[Source], wish: Wish, patience: Patience, careful: bool) -> tuple[Work, list[tuple[File, str]]]:
    """The work on a project, and the text that each file gets.

    Raises:
        ValueError: changes meet, or a result is no Python.
        TooLarge: it takes too long.
    """
    flow = Flow(sources, [module_of(source.name) for source in sources], patience.ask)
    work = Work(flow, wish, careful, patience)
    work.mentions = mentions(flow)
    target(wish.to)(work)
    leftover(work)
    unsaid(work)
    return work, list(work.results())


def check(wish: Wish) -> None:
    """Raise ValueError for a wish that cannot be."""
    if wish.to not in ("calando", "mindspore", "torch"):
        raise ValueError(f"--to must be calando, mindspore or torch, but got {wish.to!r}")
    if wish.style not in ("exact", "guide"):
        raise ValueError(f"--style must be exact or guide, but got {wish.style!r}")
    if wish.steps_per_epoch is not None:
        try:
            tree = ast.parse(wish.steps_per_epoch, mode="eval").body
        except SyntaxError:
            tree = ast.Constant(0)
        tree = ast.Constant(0) if isinstance(tree, ast.UnaryOp) else tree
        if isinstance(tree, ast.Constant) and (not isinstance(tree.value, int) or tree.value < 1):
            told = "a whole number from 1 on, or an expression such as len(loader)"
            raise ValueError(f"--steps-per-epoch must be {told}, but got {wish.steps_per_epoch!r}")


def target(to: str) -> Callable[[Work], None]:
    """The function that rewrites for a target."""
    if to == "calando":
        from .to_calando import to_calando

        return to_calando
    if to == "mindspore":
        from .from_torch.to_mindspore import to_mindspore

        return to_mindspore
    from .from_mindspore.to_torch import to_torch

    return to_torch


def finished(source: Source, file: File, text: str) -> Result:
    """A script with its new text; the very bytes where nothing changed."""
    after = source.data if text == file.source.text else source.encode(text)
    return Result(source.name, source.data, after, source)


def module_of(name: str) -> str:
    """The module that a path is imported as, from the folder it is in."""
    parts = name.replace("\\", "/").removesuffix(".py").strip("./").split("/")
    return ".".join(part for part in parts if part != "__init__")
