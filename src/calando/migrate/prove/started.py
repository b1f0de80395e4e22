"""One run in a process of its own: started, ended when its time is over, and what it said at last."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any

from .journal import ENDED, Journal, load

KEPT = 10_000  # bytes of the error output: the last ones
PATIENCE = 2.0  # seconds for the rest of it, which a process that was left behind may hold open


def started(work: dict[str, Any], place: Path, seconds: float) -> Journal:
    """Run one job in a process of its own, in the present folder, ended when its time is over."""
    order = place / "job.json"
    order.write_text(json.dumps([work]))
    command = [sys.executable, "-m", "calando.migrate.prove.play", str(order)]
    run = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )
    assert run.stderr is not None
    said = bytearray()
    reader = threading.Thread(target=drain, args=(run.stderr, said), daemon=True)
    reader.start()
    try:
        code = run.wait(seconds)
    except subprocess.TimeoutExpired:
        return Journal(problem=f"it was stopped after {seconds:g} seconds; --seconds gives it more")
    finally:
        ended(run)
        reader.join(PATIENCE)
    out = Path(work["out"])
    if not out.exists() or code:
        return Journal(problem=f"{how(code)}: {last_line(bytes(said))}")
    journal = load(out)
    if journal.problem.startswith(ENDED):
        journal.problem += f": {last_line(bytes(said))}"
    return journal


def drain(pipe: IO[bytes], said: bytearray) -> None:
    """Read what a run says on its error output, and keep the last of it."""
    with pipe:
        while chunk := pipe.read1(KEPT):  # type: ignore[attr-defined]
            said += chunk
            del said[:-KEPT]


def how(code: int) -> str:
    """How a process ended that left no record."""
    if code >= 0:
        return f"{ENDED} {code}"
    with contextlib.suppress(ValueError):
        return f"it was ended by {signal.Signals(-code).name}"
    return f"it was ended by signal {-code}"


def ended(run: subprocess.Popen[bytes]) -> None:
    """End a run and every process that it started and left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(run.pid, signal.SIGKILL)
        else:
            run.kill()
    run.wait()


def last_line(said: bytes) -> str:
    """The last thing that a run said on its error output, warnings left out."""
    lines = said.decode(errors="replace").splitlines()
    kept = [line.strip() for line in lines if line.strip() and not line.startswith("[WARNING]")]
    return kept[-1][:300] if kept else "it said nothing"
