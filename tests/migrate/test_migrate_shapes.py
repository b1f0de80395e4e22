"""Loops of other shapes, rewritten for both targets and proved on the same gradients and on their own."""

import json
import os
import subprocess
import sys

import pytest

from calando.migrate import HUMAN, Wish, migrate
from calando.migrate.prove.compare import loop, rates, weights
from calando.migrate.prove.journal import load
from hands import HANDS, LEFT, PENALTY
from shapes import HEAD, SHAPES

EVERY = SHAPES | HANDS

# How long an epoch is, where the script does not say it.
EPOCHS = {"a loss that is an expression": "3"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory, torch):
    """Every shape for both targets, in one process."""
    pytest.importorskip("mindspore", reason="MindSpore is not installed: nothing to run")
    room = tmp_path_factory.mktemp("shapes")
    jobs = []
    for number, (name, text) in enumerate(EVERY.items()):
        (room / f"{number}.py").write_text(text)
        job = {"folder": str(room), "sides": ["torch"], "bridge": "", "replay": ""}
        jobs.append({**job, "script": str(room / f"{number}.py"), "out": str(room / f"{number}.npz")})
        for to in ("calando", "mindspore"):
            done = migrate({"shape.py": text.encode()}, Wish(to=to, steps_per_epoch=EPOCHS.get(name)))
            assert done.results[0].changed, [str(finding) for finding in done.findings]
            (room / f"{number}{to}.py").write_bytes(done.results[0].after)
            both = {"sides": ["torch", "mindspore"], "bridge": "lend"} if to == "mindspore" else {}
            new = {**job, **both, "script": str(room / f"{number}{to}.py")}
            jobs.append({**new, "replay": str(room / f"{number}.npz"), "out": str(room / f"{number}{to}.npz")})
            jobs.append({**new, "out": str(room / f"{number}{to}free.npz")})
    (room / "jobs.json").write_text(json.dumps(jobs))
    command = [sys.executable, "-m", "calando.migrate.prove.play", str(room / "jobs.json")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=room, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    return room


@pytest.mark.parametrize("to", ["calando", "mindspore"])
@pytest.mark.parametrize("name", EVERY)
def test_a_shape_trains_the_same(name, to, runs):
    number = list(EVERY).index(name)
    source, replayed = load(runs / f"{number}.npz"), load(runs / f"{number}{to}.npz")
    for level in (
        rates(source, replayed),
        weights(source, replayed, 2, "", 1e-6),
        loop(source, load(runs / f"{number}{to}free.npz")),
    ):
        assert level.holds, level.text


@pytest.mark.parametrize("name", LEFT)
def test_what_is_left_says_why(name):
    text, why = LEFT[name]
    done = migrate({"s.py": (HEAD + text).encode()}, Wish(to="mindspore"))
    assert not done.results[0].changed
    assert [f for f in done.findings if f.certainty == HUMAN and why in f.reason], [str(f) for f in done.findings]


def test_a_penalty_on_weights_under_a_name_is_part_of_the_forward_pass():
    done = migrate({"s.py": (HEAD + PENALTY).encode()}, Wish(to="mindspore"))
    inside = done.results[0].after.decode().partition("def forward_fn(")[2].partition("return loss")[0]
    assert "    for p in params:\n        small = small + p.pow(2).sum()\n" in inside
