"""The proof where MindSpore is not installed, or does not run on the CPU: calando's network room stands in for it."""

import os
import subprocess
import sys

import pytest

from programs import source
from returns import SHAPES

pytest.importorskip("libcst", reason="libcst is not installed: nothing is rewritten to MindSpore")


@pytest.fixture
def prove(tmp_path, torch):
    """Migrate a script and prove it, MindSpore hidden or not; what was said."""

    def run(text, to, hidden):
        (tmp_path / "train.py").write_bytes(text)
        env = {**os.environ, "OMP_NUM_THREADS": "1"}
        if hidden:
            (tmp_path / "hidden" / "mindspore").mkdir(parents=True)
            (tmp_path / "hidden" / "mindspore" / "__init__.py").write_text("raise ImportError('hidden')\n")
            env["PYTHONPATH"] = os.pathsep.join([str(tmp_path / "hidden"), env.get("PYTHONPATH", "")])
        command = [sys.executable, "-m", "calando", "migrate", "train.py", "--to", to, "-o", "out.py", "--prove"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path, env=env)
        assert done.returncode == 0, done.stderr
        return done.stderr

    return run


# A torch script with clipping and a schedule per batch; one of MindSpore's whose network the room has.
SCRIPTS = {
    "mindspore": source("t03_adamw_warmup_cosine_sequential"),
    "torch": SHAPES["a subclass of TrainOneStepCell with a clip"].encode(),
}


@pytest.mark.parametrize("to", SCRIPTS)
def test_without_mindspore_all_three_levels_run_in_the_network_room(to, prove):
    told = prove(SCRIPTS[to], to, hidden=True)
    assert "MindSpore is not installed; calando.mindspore stands in for it" in told
    assert "level 1 (learning rate and weight decay): equal at all" in told
    assert "level 2 (weights, on the source's gradients): equal within" in told
    assert "level 3 (closed loop): never further apart than" in told
    assert "* source and result: " in told, "both curves are drawn over each other"


def test_what_mindspore_does_not_run_on_the_cpu_runs_in_the_network_room(prove):
    """Its overflow check has no kernel for the CPU, so a dynamic loss scale is proved there."""
    pytest.importorskip("mindspore", reason="MindSpore is not installed: the test above is about that")
    told = prove(SHAPES["a dynamic loss scale in Model.train"].encode(), "torch", hidden=False)
    assert "MindSpore itself does not run it on the CPU; calando.mindspore stands in for it" in told
    assert told.count("equal") >= 2 and "never further apart than" in told
