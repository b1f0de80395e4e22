"""Two gloo processes, started by torchrun: a sharded step is the step of one process."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parent / "programs"

# Sums of gradients over two processes are rounded in another order than over one: some last bits of float64.
CLOSE = 1e-13


def test_fsdp2_takes_the_steps_of_one_process_norms_over_all_pieces(launch):
    found = launch("sharded.py")
    assert len(found["distances"]) == 19
    # Muon multiplies in bfloat16, which may turn a last bit of a gradient into one of bfloat16's
    wrong = {name: x for name, x in found["distances"].items() if x > (1e-2 if name.startswith("Muon") else CLOSE)}
    assert wrong == {}
    assert found["measured"] < 1e-12
    assert found["skipped"] is True
    assert "a snapshot holds whole parameters" in found["snapshot"]
    assert "cannot have slot_dtype='int8': it is in pieces on several processes" in found["coded"]
    assert [dtype for _, dtype in found["kept"]] == [
        "torch.bfloat16", "torch.float16", "torch.float32", "torch.bfloat16", "torch.bfloat16"
    ] and max(distance for distance, _ in found["kept"]) < 2e-2  # fmt: skip
    assert found["rows"] is None  # a mean of a row is of one process, where rows are dealt out


def test_distributed_checkpoint_of_two_processes_goes_on_on_one_and_on_two(launch):
    launch("stored.py", "save", processes=2)
    for processes in (1, 2):
        found = launch("stored.py", "load", processes=processes)
        assert found["clock"] == 3, processes
        assert found["rates"][0] == found["rates"][1] > 0
        assert found["distance"] < CLOSE


def test_ddp_and_zero_redundancy_take_the_steps_of_one_process(launch):
    found = launch("data_parallel.py")
    assert max(found["ddp"], found["clipped"], found["zero"]) < CLOSE
    assert found["rates"][0] == found["rates"][1] > 0


@pytest.mark.parametrize("how", ["raises", "exits", "aborts"])
def test_a_process_that_fails_at_the_very_end_fails(how):
    """Programs leave without taking the interpreter down; what fails before that is not hidden by it."""
    told = [sys.executable, PROGRAMS / "leaving.py", PROGRAMS / "failing.py", how]
    done = subprocess.run(told, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and "done" in done.stdout


def test_one_of_two_processes_that_fails_at_the_very_end_fails_the_program(torchrun):
    done = torchrun(PROGRAMS / "failing.py", "raises")
    assert done.returncode != 0 and "done" in done.stdout
