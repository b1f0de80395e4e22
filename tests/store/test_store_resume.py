"""n + m steps are n steps, store, load in a new process, m steps: bit for bit."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import calando
from store.resumed_runs import AFTER, BEFORE, OPTIONS, Run, cases

HERE = Path(__file__).parent


@pytest.mark.parametrize("dialect", OPTIONS)
def test_exact_resume_in_a_new_process(tmp_path, dialect):
    whole = {}
    for case, row in cases(dialect).items():
        torch.manual_seed(3)
        run = Run(dialect, *row)
        run.go(0, BEFORE)
        calando.save(tmp_path / f"{case}.calando", model=run.params, optimizer=run.optimizer)
        run.go(BEFORE, BEFORE + AFTER)
        whole[case] = run.digest()
    done = subprocess.run(
        [sys.executable, "-W", "error", HERE / "resumed_runs.py", dialect, tmp_path],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == whole
    assert len(set(whole.values())) > 0.8 * len(whole)  # different optimizers and rates lead elsewhere
