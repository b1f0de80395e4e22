"""Runs one script under observation. Started in a process of its own: ``python -m calando.migrate.prove.play JOB``."""

from __future__ import annotations

import contextlib
import json
import os
import random
import runpy
import sys
import traceback
import warnings
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from .journal import ENDED, Enough, Journal, Parted, load
from .room import enter


def play(
    script: Path,
    folder: Path,
    sides: list[str],
    bridge: str,
    replay: Path | None,
    out: Path,
    room: str = "",
    given: Sequence[str] = (),
) -> None:
    """Run a script and keep what its optimizers do.

    Args:
        script: what is run.
        folder: where it is run from, and where it imports from.
        sides: the frameworks that are watched: ``"torch"``, ``"mindspore"``.
        bridge: ``"lend"``: networks of PyTorch under MindSpore's optimizers; ``"loan"``: the other way; or empty.
        replay: a journal whose gradients are fed.
        out: where the journal goes.
        room: why calando's network room stands in for MindSpore; empty: MindSpore itself, where it is installed.
        given: the arguments that the script is run with.
    """
    journal = Journal(replay=load(replay) if replay else None)
    ends: list[Any] = []
    try:
        if "mindspore" in sides or bridge:
            journal.room = enter(room)
        watch(journal, sides, bridge, ends)
        run(script, folder, journal, given)
    finally:
        for end in reversed(ends):
            end()
        journal.save(out)


def watch(journal: Journal, sides: list[str], bridge: str, ends: list[Any]) -> None:
    """Put the frameworks under observation; ``ends`` gets what leaves them as they were."""
    theirs: Any = None
    ours: Any = None
    if "torch" in sides or bridge:
        from . import torch_side as theirs
    if "mindspore" in sides or bridge:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from . import mindspore_side as ours
            from .loans import Loan, RoomLoan
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    for side in (theirs, ours):
        if side is not None:
            side.seed()
    written_here = written_there = lent = taken = follow = None
    if bridge == "lend":
        bridged = ours.Bridge(theirs)
        ends.append(bridged.end)
        written_here, taken, follow = bridged.written, bridged.taken, bridged.refresh
    elif bridge == "loan":
        loan = (RoomLoan if journal.room else Loan)(theirs)
        ends.append(loan.end)
        written_there, lent = loan.written, loan.lent
    if "torch" in sides:
        ends.append(theirs.Watch(journal, written_there, lent).end)
    if "mindspore" in sides:
        ends.append(ours.Watch(journal, written_here, taken, follow).end)


def run(script: Path, folder: Path, journal: Journal, given: Sequence[str] = ()) -> None:
    """Run a script as ``__main__``; what goes wrong is kept in the journal."""
    before = sys.argv, list(sys.path), os.getcwd(), sys.modules.copy()
    sys.argv = [str(script), *given]
    sys.path.insert(0, str(folder))
    try:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            runpy.run_path(str(script), run_name="__main__")
    except Enough:
        pass
    except SystemExit as end:
        if end.code not in (None, 0):
            said = " ".join(str(end.code).split())
            journal.problem = (
                f"{ENDED} {said}" if isinstance(end.code, int) else f"it ended with sys.exit: {said}"[:300]
            )
    except Parted as problem:
        journal.problem = str(problem)
    except Exception as problem:
        frames = [f for f in traceback.extract_tb(problem.__traceback__) if f.filename == str(script)]
        line = f"line {frames[-1].lineno}: " if frames else ""
        said = " ".join(f"{problem}".split())
        journal.problem = f"{line}{type(problem).__name__}: {said}".removesuffix(": ")[:300]
    finally:
        sys.argv, sys.path[:] = before[0], before[1]
        forget(folder, before[3])
        os.chdir(before[2])


def forget(folder: Path, known: dict[str, ModuleType]) -> None:
    """Let the next script import its own files, where it has some of the same names.

    Args:
        folder: where its files are.
        known: the modules that there were before it ran; the thousands of a framework are not looked at in every run.
    """
    real = cache(os.path.realpath)  # frameworks have thousands of modules in hundreds of folders
    home = os.path.join(real(folder), "")
    for name, module in sys.modules.copy().items():  # kernels may import in the background
        place = getattr(module, "__file__", None)
        if place and known.get(name) is not module and os.path.join(real(os.path.dirname(place)), "").startswith(home):
            del sys.modules[name]


def main(arguments: list[str]) -> None:
    """Carry out the jobs of a file, one after the other."""
    for job in json.loads(Path(arguments[0]).read_text()):
        replay = Path(job["replay"]) if job["replay"] else None
        folder = Path(job["folder"])
        more = job.get("room", ""), job.get("given", ())
        play(Path(job["script"]), folder, job["sides"], job["bridge"], replay, Path(job["out"]), *more)


if __name__ == "__main__":
    main(sys.argv[1:])
    os._exit(0)  # threads that a script left behind are not waited for
