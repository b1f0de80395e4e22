"""Every script in examples/ runs as it stands, and the page beside them names it."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples"
NEEDS = {
    "lightning_fit.py": "pytorch_lightning",
    "hugging_face_trainer.py": "transformers",
    "accelerate_loop.py": "accelerate",
}
PROCESSES = {"ddp.py": 2, "fsdp2.py": 2}
SAYS = {  # what stands in what each prints: arithmetic of its schedule
    "plain_loop.py": "lr in force: [0.0, 0.02, 0.0181, 0.0131, 0.0069, 0.0019]",
    "layer_decay.py": "layer 0: [0.005, 0.00375, 0.00125]",
    "resume_differently.py": "head.weight is (6, 8) here and (4, 8) in the checkpoint",
    "lightning_fit.py": "updates: 32",
    "hugging_face_trainer.py": "lr logged: [0.0, 0.0167, 0.0333, 0.05,",
    "accelerate_loop.py": "updates: 15  lr: 0.0",
    "ddp.py": "ZeroRedundancyOptimizer: updates 10, lr 0.0500",
    "fsdp2.py": "goes on at step 10, lr 0.0500",
}


def alone(name, place):
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(FOLDER / name)]
    return subprocess.run(command, capture_output=True, text=True, cwd=place, env=env, timeout=300)


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.py")))
def test_runs_and_says_what_its_schedule_is(name, tmp_path, torchrun):
    if name in NEEDS and find_spec(NEEDS[name]) is None:
        pytest.skip(f"{NEEDS[name]} is not installed")
    many = name in PROCESSES
    done = torchrun(FOLDER / name, processes=PROCESSES[name], cwd=tmp_path) if many else alone(name, tmp_path)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert SAYS[name] in done.stdout


def test_the_page_names_every_script():
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    names = {path.name for path in FOLDER.glob("*.py")}
    assert names == set(SAYS) == {name for name in names if f"[{name}]({name})" in page}
