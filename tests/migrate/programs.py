"""The 25 programs, their migrations, and runs of both sides in one process per target."""

import ast
import difflib
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

from calando.migrate import Wish, migrate
from calando.migrate.prove.journal import load

HERE = Path(__file__).parent.parent / "references" / "migrate"
ALL = sorted(path.stem for path in HERE.glob("[mt][0-9]*.py"))
TORCH = [name for name in ALL if name.startswith("t")]
MINDSPORE = [name for name in ALL if name.startswith("m")]
# What the programs' README marks as needing a human; they are reported and left alone.
LEFT = {
    "calando": set(),
    "mindspore": {"t12_freeze_then_add_group", "t14_lbfgs_closure"},
    "torch": set(),
}
BRIDGES = {"calando": "", "mindspore": "lend", "torch": "loan"}


# The shortest script with a schedule per epoch.
SCRIPT = b"""import torch
from torch import optim

model = torch.nn.Linear(2, 1)
optimizer = optim.SGD(model.parameters(), lr=0.1)
scheduler = optim.lr_scheduler.StepLR(optimizer, 3)
for epoch in range(4):
    for i in range(5):
        optimizer.zero_grad()
        loss = model(torch.ones(1, 2)).sum()
        loss.backward()
        optimizer.step()
    scheduler.step()
"""


def source(name):
    return (HERE / f"{name}.py").read_bytes()


@cache
def migrated(name, to, style="exact"):
    """One program, migrated."""
    return migrate({f"{name}.py": source(name)}, Wish(to=to, style=style))


def rewritten(to):
    """The programs that are rewritten for a target."""
    names = MINDSPORE if to == "torch" else TORCH
    return [name for name in names if name not in LEFT[to]]


def trace(name):
    """The recorded learning rates: per optimizer, per update, per group or parameter."""
    held = json.loads((HERE / "traces" / f"{name}.json").read_text())
    return [held[key]["lr"] for key in sorted(held, key=lambda key: int(key.partition(":")[0]))]


def strangers(done, result):
    """Lines that went or changed although no finding speaks of their statement, and none moved with one."""
    before, after = (data.decode(result.source.encoding).splitlines() for data in (result.before, result.after))
    told = {finding.line for finding in done.findings if finding.file == result.name}
    spans = [
        range(node.lineno, node.end_lineno + 1)
        for node in ast.walk(ast.parse(result.before))
        if isinstance(node, ast.stmt) and not hasattr(node, "body")
    ]
    bodies = {line for span in spans for line in span if any(t in span for t in told)}
    near = {line + d for line in told for d in (-2, -1, 0, 1)}
    moved = {line.strip() for line in after}
    found = []
    for tag, a, b, _, _ in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        for number in range(a + 1, b + 1) if tag in ("replace", "delete") else ():
            text = before[number - 1].strip()
            if text and number not in bodies | near and text not in moved:
                found.append((number, text))
    return found


def run(room, jobs):
    """Carry out jobs of the proof, one after the other, in a process of their own."""
    (room / "jobs.json").write_text(json.dumps(jobs))
    done = subprocess.run(
        [sys.executable, "-m", "calando.migrate.prove.play", str(room / "jobs.json")],
        capture_output=True,
        text=True,
        timeout=1200,
        cwd=room,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]


def play(room, to):
    """Run every program and its migration for one target; (source, replayed result, free result) by name."""
    pairs = {name: (source(name), migrated(name, to).results[0].after) for name in rewritten(to)}
    return played(room, pairs, "mindspore" if to == "torch" else "torch", BRIDGES[to])


def played(room, pairs, own, bridge):
    """Run sources and results in one process; (source, replayed result, free result) by name.

    Args:
        pairs: name → both sides.
        own: the framework of the sources.
        bridge: how the network of the one gets under the optimizers of the other.
    """
    jobs, files = [], {}
    for number, (name, (before, after)) in enumerate(pairs.items()):
        files[name] = [room / f"{kind}{number}.npz" for kind in ("source", "replay", "free")]
        (room / f"{number}.py").write_bytes(before)
        (room / f"new_{number}.py").write_bytes(after)
        first = {"script": f"{number}.py", "sides": [own], "bridge": "", "replay": ""}
        second = {"script": f"new_{number}.py", "sides": ["torch", "mindspore"] if bridge else [own], "bridge": bridge}
        kinds = first, {**second, "replay": str(files[name][0])}, {**second, "replay": ""}
        for job, out in zip(kinds, files[name], strict=True):
            jobs.append({**job, "script": str(room / job["script"]), "out": str(out), "folder": str(room)})
    run(room, jobs)
    return {name: [load(path) for path in held] for name, held in files.items()}
