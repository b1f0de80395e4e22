"""Programs for several processes, and a seeded model for all of this folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch.optim", reason="PyTorch is not installed")
PROGRAMS = Path(__file__).parent / "programs"
sys.path.insert(0, str(PROGRAMS))

from teardown import gloo_fell  # noqa: E402


@pytest.fixture
def launch(tmp_path):
    """Run a program with torchrun; its processes share ``tmp_path``, and the first one prints one line of JSON."""
    import torch.distributed

    if not torch.distributed.is_gloo_available():
        pytest.skip("this PyTorch has no gloo")

    def run(program, *args, processes=2):
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
        env = {**os.environ, "OMP_NUM_THREADS": "1", "CALANDO_NUM_THREADS": "1"}
        done = subprocess.run(
            [*command, str(PROGRAMS / program), str(tmp_path), *args],
            capture_output=True,
            text=True,
            env=env,
            timeout=300,
        )
        assert done.returncode == 0 or gloo_fell(done), done.stdout[-2000:] + done.stderr[-4000:]
        return json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))

    return run
