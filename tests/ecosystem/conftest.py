"""Programs for several processes, and a seeded model for all of this folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch.optim", reason="PyTorch is not installed")
PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture
def torchrun():
    """Run a program with torchrun, and return how it ended."""

    def run(program, *args, processes=2, cwd=None):
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
        env = {**os.environ, "OMP_NUM_THREADS": "1", "CALANDO_NUM_THREADS": "1"}
        told = [*command, str(PROGRAMS / "leaving.py"), str(program), *map(str, args)]
        return subprocess.run(told, capture_output=True, text=True, env=env, cwd=cwd, timeout=300)

    return run


@pytest.fixture
def launch(tmp_path, torchrun):
    """Run a program with torchrun; its processes share ``tmp_path``, and the first one prints one line of JSON."""
    import torch.distributed

    if not torch.distributed.is_gloo_available():
        pytest.skip("this PyTorch has no gloo")

    def run(program, *args, processes=2):
        done = torchrun(PROGRAMS / program, tmp_path, *args, processes=processes)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
        return json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))

    return run
