"""Running a script and its migration, and comparing them. The user's code runs only here, and only when asked.

Level 1: the learning rate and weight decay of every parameter at every call of an optimizer. Level 2: gradients
recorded from the source are fed to the result's optimizer, and all weights are compared after every step. Level 3:
both run on their own gradients. Where the result's optimizer belongs to the other framework, the network of the
source stays: its forward pass runs there, the update here, and arrays cross between. Where MindSpore is not installed,
or does not run the script on the CPU, calando's network room stands in for it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..project import Migration, Result
from ..reading.flow import OPTIMIZER
from .compare import SHARE, WEIGHT, Proof, curves, loop, rates, weights
from .journal import Journal
from .room import wanted
from .started import started
from .touched import by_itself, touched

__all__ = ["Proof", "prove"]


def prove(done: Migration, seconds: float, given: Sequence[str] = ()) -> list[Proof]:
    """Run the evidence for every script that changed and can be run by itself.

    Args:
        done: a migration.
        seconds: how long one run may take.
        given: the arguments that each script is run with.

    Returns:
        One proof for each script that is run by itself and that was changed, or imports what was; none where
        nothing was changed.
    """
    found: list[Proof] = []
    if not any(result.changed for result in done.results):
        return found
    with tempfile.TemporaryDirectory(prefix="calando-prove-") as room:
        place = Path(room)
        lay_out(done, place)
        for number, result in enumerate(runnable(done)):
            found.append(proof(done, result, place, number, seconds, given))
    return found


def runnable(done: Migration) -> list[Result]:
    """The scripts to run: those that are run by themselves, of a project; a single script always."""
    if len(done.results) == 1:
        return done.results
    return [result for result in done.results if touched(done, result) and by_itself(done, result)]


def lay_out(done: Migration, place: Path) -> None:
    """Both sides as folders, so that scripts find what they import."""
    for result in done.results:
        for side, data in (("source", result.before), ("result", result.after)):
            path = place / side / local(result.name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)


def local(name: str) -> Path:
    """A script's path inside its side's folder."""
    return Path("stdin.py") if name == "<stdin>" else Path(*[p for p in Path(name).parts if p not in ("/", "..", ".")])


def proof(
    done: Migration, result: Result, place: Path, number: int, seconds: float, given: Sequence[str] = ()
) -> Proof:
    """All levels for one script."""
    kinds = {thing.name.partition(".")[0] for thing in done.flow.all(OPTIMIZER)}
    source_side = "mindspore" if "mindspore" in kinds else "torch"
    target = {"calando": "torch", "mindspore": "mindspore", "torch": "torch"}[done.wish.to]
    bridge = "" if source_side == target else "lend" if target == "mindspore" else "loan"
    sides = ["torch", "mindspore"] if bridge else [source_side]
    name = local(result.name)
    scripts = {"source": place / "source" / name, "replay": place / "result" / name, "free": place / "result" / name}
    recorded = place / f"{number}-source.npz"
    room = ""

    def run(kind: str) -> Journal:
        ways = (
            ([source_side], "", None) if kind == "source" else (sides, bridge, recorded if kind == "replay" else None)
        )
        one = job(scripts[kind], *ways, place / f"{number}-{kind}.npz", room)
        return started({**one, "given": [*given]}, place, seconds)

    source = run("source")
    if source.problem and not source.room and (room := wanted(source.problem)):
        there = run("source")
        source, room = (there, room) if not there.problem else (source, "")
    replay = run("replay") if not source.problem else Journal(problem="not run")
    first = rates(source, replay)
    second = weights(source, replay, 2, "weights, on the source's gradients", WEIGHT, SHARE)
    levels = [first, second]
    if not source.problem:
        levels.append(loop(source, run("free")))
    return Proof(result.name, levels, curves(source, replay), source.room or replay.room)


def job(script: Path, sides: list[str], bridge: str, replay: Path | None, out: Path, room: str) -> dict[str, Any]:
    """One run as plain data."""
    folder = str(script.parent)
    return {
        "script": str(script), "folder": folder, "sides": sides, "bridge": bridge,
        "replay": str(replay) if replay else "", "out": str(out), "room": room,
    }  # fmt: skip
