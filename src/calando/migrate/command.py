"""What ``calando migrate`` does: files in, files out, and what is said about them."""

from __future__ import annotations

import difflib
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from .places import STDIN, Gathered, apart, gather, writable, write
from .project import Migration, Result, migrate
from .reading.source import rows
from .told import lines, summary
from .work import Wish

FOUND, FINE = 1, 0  # exit codes of --check and --lint


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
    args: str = ""
    quiet: bool = False


def run(asked: Asked) -> int:
    """Carry out a migration.

    Returns:
        The exit code: 1 where ``--check`` or ``--lint`` found something, or a proof failed.

    Raises:
        ValueError, OSError: options that do not go together, a path that is not there, a script that
            cannot be read; nothing has been written.
    """
    given = refuse(asked)
    found = gather(asked.paths)
    if asked.lint:
        return linted(found, asked)
    several = len(found.scripts) > 1 or any(Path(path).is_dir() for path in asked.paths)
    if asked.report is not None:
        writable(asked.report, "--report", found.scripts)
    if asked.out is not None and not several and not asked.out.is_dir():
        writable(asked.out, "--out", found.scripts)
    elif asked.out is not None and str(asked.out) != STDIN:
        apart(asked.out, found.bases.values())
    done = migrate(found.scripts, asked.wish)
    done.unread[:0] = found.unread
    proofs, drawn = [], []
    if asked.prove:
        from .prove import prove
        from .prove.drawn import drawings

        proofs = prove(done, asked.seconds, given)
        drawn = [drawing for proof in proofs for drawing in drawings(proof)]
    idle = asked.prove and not proofs
    code = deliver(done, asked, found.bases)
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


def refuse(asked: Asked) -> list[str]:
    """What a script is given where it is run.

    Raises:
        ValueError: options that do not go together, or quotes that are not closed.
    """
    ways = [name for name, on in (("--out", asked.out), ("--in-place", asked.in_place), ("--check", asked.check)) if on]
    if len(ways) > 1:
        raise ValueError(f"{ways[0]} and {ways[1]} do not go together: say where the result goes once")
    if asked.in_place and STDIN in asked.paths:
        raise ValueError("--in-place needs a file; standard input has no place")
    if STDIN in asked.paths and len(asked.paths) > 1:
        raise ValueError("standard input (-) is one script; it cannot stand beside others")
    try:
        given = shlex.split(asked.args)
    except ValueError as problem:
        raise ValueError(f"--args must be words as in a shell, but got {asked.args!r}: {problem}") from None
    if given and not asked.prove:
        raise ValueError(f"--args is what --prove gives the script, and nothing is run without it; got {asked.args!r}")
    return given


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
    elif asked.out is not None and str(asked.out) != STDIN:
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


def linted(found: Gathered, asked: Asked) -> int:
    """Say what looks like a mistake; the exit code."""
    from .lint import lint

    scripts = found.scripts
    given = asked.wish.steps_per_epoch
    if given is not None and not (given.isdecimal() and int(given)):
        raise ValueError(f"--steps-per-epoch must be a whole number from 1 on where --lint counts, but got {given!r}")
    mistakes, unread = lint(scripts, None if given is None else int(given))
    for line in [*found.unread, *unread, *map(str, mistakes)]:
        print(line)
    if not asked.quiet:
        count = f"{len(mistakes)} mistake{'s' * (len(mistakes) != 1)} found"
        print(f"{count} in {len(scripts)} script{'s' * (len(scripts) != 1)}", file=sys.stderr)
    return FOUND if mistakes else FINE
