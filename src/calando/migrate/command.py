"""What ``calando migrate`` does: files in, files out, and what is said about them."""

from __future__ import annotations

import difflib
import os
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .project import Migration, Result, migrate
from .source import rows
from .told import lines, summary
from .work import Wish

STDIN = "-"
FOUND, FINE = 1, 0  # exit codes of --check and --lint
SKIPPED = {".git", ".venv", "venv", "__pycache__", "node_modules", ".tox", "build", "dist", ".eggs", "site-packages"}
MOST_FILES = 5_000


@dataclass(frozen=True)
class Asked:
    """The options of ``calando migrate``."""

    paths: tuple[str, ...]
    wish: Wish
    out: Path | None = None
    in_place: bool = False
    diff: bool = False
    check: bool = False
    lint: bool = False
    report: Path | None = None
    prove: bool = False
    seconds: float = 120.0
    quiet: bool = False


def run(asked: Asked) -> int:
    """Carry out a migration.

    Returns:
        The exit code: 1 where ``--check`` or ``--lint`` found something, or a proof failed.

    Raises:
        ValueError, OSError: options that do not go together, a path that is not there, a script that
            cannot be read; nothing has been written.
    """
    refuse(asked)
    scripts, bases = gather(asked.paths)
    if asked.lint:
        return linted(scripts, asked)
    done = migrate(scripts, asked.wish)
    proofs, drawn = [], []
    if asked.prove:
        from .prove import prove
        from .prove.drawn import drawings

        proofs = prove(done, asked.seconds)
        drawn = [drawing for proof in proofs for drawing in drawings(proof)]
    idle = asked.prove and not proofs
    code = deliver(done, asked, bases)
    if asked.report is not None:
        from .page import page

        write(asked.report, page(done, proofs).encode())
    if not asked.quiet:
        told = [
            *done.unread,
            *lines(done),
            *(line for proof in proofs for line in proof.lines()),
            *drawn,
            *(["nothing was run: no script that is run by itself was changed, or imports one that was"] * idle),
            summary(done),
        ]
        print("\n".join(told), file=sys.stderr)
    return FOUND if any(not proof.holds for proof in proofs) else code


def refuse(asked: Asked) -> None:
    """Raise ValueError for options that do not go together."""
    ways = [name for name, on in (("--out", asked.out), ("--in-place", asked.in_place), ("--check", asked.check)) if on]
    if len(ways) > 1:
        raise ValueError(f"{ways[0]} and {ways[1]} do not go together: say where the result goes once")
    if asked.in_place and STDIN in asked.paths:
        raise ValueError("--in-place needs a file; standard input has no place")
    if STDIN in asked.paths and len(asked.paths) > 1:
        raise ValueError("standard input (-) is one script; it cannot stand beside others")


def gather(paths: Iterable[str]) -> tuple[dict[str, bytes], dict[str, Path]]:
    """All scripts by name, and the folder that each was found under.

    Raises:
        OSError: a path that is not there or cannot be read.
        ValueError: a folder without scripts, or with too many.
    """
    scripts: dict[str, bytes] = {}
    bases: dict[str, Path] = {}
    for path in paths:
        if path == STDIN:
            scripts["<stdin>"] = sys.stdin.buffer.read()
            continue
        place = Path(path)
        if place.is_dir():
            found = sorted(folder_scripts(place))
            if not found:
                raise ValueError(f"{path}: the folder holds no Python scripts")
            if len(found) > MOST_FILES:
                raise ValueError(f"{path}: the folder holds {len(found)} scripts, and {MOST_FILES} are the most")
        elif place.suffix.lower() in (".py", ".pyw", ""):
            found = [place]
        else:
            told = "a notebook; make a script of it first (jupyter nbconvert --to script)"
            raise ValueError(f"{path}: {told if place.suffix == '.ipynb' else 'no Python script (.py)'}")
        for script in found:
            scripts[str(script)] = script.read_bytes()
            bases[str(script)] = place if place.is_dir() else place.parent
    return scripts, bases


def folder_scripts(folder: Path) -> Iterable[Path]:
    """The scripts of a folder and the folders in it; environments and the like left out."""
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in SKIPPED and not name.startswith(".")]
        yield from (Path(root, name) for name in names if name.endswith(".py"))


def deliver(done: Migration, asked: Asked, bases: dict[str, Path]) -> int:
    """Put the results where they were wanted; the exit code."""
    changed = [result for result in done.results if result.changed]
    if asked.diff:
        for result in changed:
            sys.stdout.write(difference(result))
    if asked.check:
        return FOUND if changed else FINE
    if asked.in_place:
        for result in changed:
            write(Path(result.name), result.after)
    elif asked.out is not None:
        several = (
            len(done.results) + len(done.unread) > 1 or asked.out.is_dir() or any(Path(p).is_dir() for p in asked.paths)
        )
        for result in done.results:
            name = Path(result.name)
            inside = name.relative_to(bases[result.name]) if result.name in bases else Path("stdin.py")
            write(asked.out / inside if several else asked.out, result.after)
    elif not asked.diff:
        for result in done.results:
            if len(done.results) > 1 and not result.changed:
                continue
            if len(done.results) > 1:
                sys.stdout.write(difference(result))
            else:
                sys.stdout.flush()
                sys.stdout.buffer.write(result.after)
                sys.stdout.buffer.flush()
    return FINE


def difference(result: Result) -> str:
    """A unified diff of one script."""
    before = rows(result.source.text, ends=True)
    after = rows(result.after.decode(result.source.encoding).removeprefix("\ufeff"), ends=True)
    out = []
    for line in difflib.unified_diff(before, after, f"a/{result.name}", f"b/{result.name}"):
        out.append(line if line.endswith(("\n", "\r")) else f"{line}\n\\ No newline at end of file\n")
    return "".join(out)


def write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, with the permissions that it had."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path = path.resolve()  # a link stays a link
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, path.stat().st_mode & 0o7777 if path.exists() else 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def linted(scripts: dict[str, bytes], asked: Asked) -> int:
    """Say what looks like a mistake; the exit code."""
    from .lint import lint

    mistakes, unread = lint(scripts)
    for line in [*unread, *map(str, mistakes)]:
        print(line)
    if not asked.quiet:
        print(f"{len(mistakes)} found in {len(scripts)} script{'s' if len(scripts) != 1 else ''}", file=sys.stderr)
    return FOUND if mistakes else FINE
